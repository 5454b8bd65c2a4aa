"""The queries of refine, built from the contract: normalise, type, compute, check, split, merge. Pure; nothing runs here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal

import pyarrow as pa
from sqlglot import exp

from catalog import dialect as d
from catalog.contract import Column, ColumnType, Contract
from catalog.dialect import col, lit
from catalog.evidence import CheckSpec
from pipelines.lake import PERIOD
from pipelines.parsing import BAD, CORRECTIONS, LINE, REPLACES
from privacy.address_columns import address_table, part_column, value_column
from quality.specs import text_of

BATCH, SOURCE, SHA, ORDER = "_batch_id", "_source_id", "_source_sha256", "_batch_order"
VANISHED, RULES = "_vanished_in", "_rules"
ORIGIN: tuple[tuple[str, str], ...] = ((BATCH, "text"), (SOURCE, "text"), (SHA, "text"), (LINE, "bigint"))
# Words that mean "no value" wherever a number, a date or a truth value is expected; text columns name theirs.
NULL_WORDS = ("NaN", "nan", "NULL", "null", "N/A", "-", "--", "—", "——", "无")
FORMAT_RULE = "format.record"
ORDERS, AT = "_orders", "_at"       # a staged view: every batch with its order, as text


def arrow_type(kind: ColumnType) -> pa.DataType:
    """Arrow type of a contract type as the lake stores it."""
    if kind.kind == "decimal":
        return pa.decimal128(kind.precision, kind.scale)
    return {"text": pa.string(), "bigint": pa.int64(), "double": pa.float64(), "boolean": pa.bool_(),
            "date": pa.date32(), "timestamp": pa.timestamp("us", tz="UTC")}[kind.kind]


def address_columns(contract: Contract) -> list[str]:
    """The address columns that others are computed from, in the order of the columns."""
    return list(dict.fromkeys(column.more.from_address.column for column in contract.columns if column.more.from_address))


def named(expression: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(expression, name, quoted=True)


class Plan:
    """All queries of one dataset's refinement. `missing` are columns declared since bronze was written: NULL until `replay`."""

    def __init__(
        self, contract: Contract, checks: Sequence[CheckSpec], zone: str, corrected: bool, missing: Collection[str] = (),
        traced: bool = False
    ) -> None:
        self.contract, self.zone, self.corrected, self.missing, self.traced = contract, zone, corrected, missing, traced
        self.rows = [spec for spec in checks if spec.kind == "row" and spec.blocking]      # a warning leaves the row where it is
        self.names = [column.name for column in contract.columns]
        self.snapshot = contract.fields.merge == "snapshot"
        self.only: Sequence[str] = ()       # batches: `checked` reads these alone

    # -- schemas -------------------------------------------------------------------------------------------------

    def silver_schema(self) -> pa.Schema:
        fields = [(column.name, arrow_type(column.type)) for column in self.contract.columns]
        fields += [(name, arrow_type(ColumnType(kind))) for name, kind in ORIGIN]      # type: ignore[arg-type]  # literals
        fields += [(VANISHED, pa.string())] if self.snapshot else []
        fields += [(PERIOD, pa.string())] if self.partitioned else []
        return pa.schema(fields)

    def quarantine_schema(self) -> pa.Schema:
        fields = [(name, pa.string()) for name in self.names]
        fields += [(name, arrow_type(ColumnType(kind))) for name, kind in ORIGIN]      # type: ignore[arg-type]  # literals
        return pa.schema([*fields, (RULES, pa.string()), (BAD, pa.string())])

    @property
    def partitioned(self) -> bool:
        """Partition values stand in paths and logs, so only a column that is not sensitive may give them."""
        period = self.contract.period
        return period is not None and self.contract.column(period.column).level == "L1"

    def plain_columns(self) -> tuple[str, ...]:
        """Columns whose Parquet statistics may be kept."""
        return tuple(column.name for column in self.contract.columns if column.level == "L1")

    # -- normalise, type, check ----------------------------------------------------------------------------------

    def checked(self) -> exp.Query:
        """Every row, typed, with the ids of the row rules that it fails in `_rules`; where there are any, also with its texts.

        Only quarantine wants the texts: keeping them for good rows would double what is staged.
        """
        typed = self._typed()
        failed = [(spec.bad_text if spec.bad is None else spec.bad, spec.id) for spec in self.rows]
        if not self.contract.derived:
            failed = [(exp.Not(this=exp.Is(this=col(BAD), expression=exp.Null())), FORMAT_RULE),
                      *[(exp.and_(exp.Is(this=col(BAD), expression=exp.Null()), bad), rule) for bad, rule in failed]]
        rules = d.concat_words(failed) if failed else lit("")
        judged = exp.select(*[col(name) for name in typed.named_selects], named(rules, RULES)).from_(typed.subquery("typed"))
        bad = exp.NEQ(this=col(RULES), expression=lit(""))
        texts = {text_of(name) for name in self.names}
        kept = [named(d.case([(bad, col(name))]), name) if name in texts else col(name) for name in judged.named_selects]
        return exp.select(*kept).from_(judged.subquery("judged_rows"))

    def _typed(self) -> exp.Query:
        return self._computed(self._derived() if self.contract.derived else self._sourced())

    def _sourced(self) -> exp.Query:
        texts = exp.select(*[named(self._text(column), text_of(column.name)) for column in self.contract.given],
                           *[col(name) for name in (BATCH, SOURCE, SHA, LINE, ORDER, BAD)]).from_(self._bronze())
        values = [named(d.cast_to(self._value(column), column.type), column.name) for column in self.contract.given]
        keep = [col(text_of(column.name)) for column in self.contract.given] + [col(name) for name in (BATCH, SOURCE, SHA, LINE, ORDER, BAD)]
        return exp.select(*values, *keep).from_(texts.subquery("texts"))

    def addresses(self) -> dict[str, exp.Query]:
        """Address column that others are computed from → its distinct values, called `v`."""
        given = self._derived() if self.contract.derived else self._sourced()
        there = {name: exp.Not(this=exp.Is(this=col(name), expression=exp.Null())) for name in address_columns(self.contract)}
        return {name: exp.select(named(col(name), "v")).distinct().from_(given.subquery("given")).where(some) for name, some in there.items()}

    def _computed(self, given: exp.Query) -> exp.Query:
        """With the columns that are computed from addresses, read from lookups that are staged beforehand (pipelines/address_lookups.py).

        Traced, they are the address itself: whoever asks where a value is from finds the address's column.
        """
        made = [(column, column.more.from_address) for column in self.contract.columns if column.more.from_address is not None]
        if not made:
            return given
        query = exp.select(*[col(name) for name in given.named_selects]).from_(given.subquery("given"))
        for column, asked in made:
            value = col(asked.column) if self.traced else col(part_column(asked.column, asked.part))
            query = query.select(named(value, column.name), named(value.copy(), text_of(column.name)))
        for name in [] if self.traced else address_columns(self.contract):
            same = exp.EQ(this=col(name), expression=col(value_column(name)))
            query = query.join(exp.to_table(address_table(name), quoted=True), on=same, join_type="left")
        return query

    def _bronze(self) -> exp.Expr:
        """Bronze without the rows that a corrected row replaces, or the batches in `only`."""
        if self.only:
            return exp.select("*").from_("bronze").where(exp.In(this=col(BATCH), expressions=list(map(lit, self.only)))).subquery("bronze")
        if not self.corrected:
            return exp.to_table("bronze")
        replaced = exp.select(named(col(REPLACES), "replaced")).distinct().from_("bronze").where(
            exp.Not(this=exp.Is(this=col(REPLACES), expression=exp.Null())))
        row = d.joined_text([col(BATCH), d.cast_to(col(LINE), ColumnType("text"))], ":")
        return exp.select("*").from_("bronze").where(exp.Not(this=exp.In(this=row, query=replaced.subquery()))).subquery("bronze")

    def _text(self, column: Column) -> exp.Expr:
        """Trimmed, standardised text; NULL where the source means «no value»."""
        if column.name in self.missing:
            return d.cast_to(exp.Null(), ColumnType("text"))
        more, text = column.more, d.trim_text(col(column.name))
        steps = list(more.standardise)
        if (column.type.kind != "text" or more.codes) and "fold_width" not in steps:
            steps.insert(0, "fold_width")
        builders = {"collapse_space": d.collapse_space, "upper": d.upper_ascii,
                    "lower": d.lower_ascii, "strip_zero_fraction": d.strip_zero_fraction,
                    "strip_thousands": d.strip_thousands}
        if "fold_width" in steps:
            text = d.fold_width(text)
        if more.strip_unit:     # before the others: `1,000.00万元` has thousands only once the unit is gone
            text = d.strip_suffixes(text, more.strip_unit)
        for step in [step for step in steps if step != "fold_width"]:
            text = builders[step](text)
        words = ("", *more.nulls) if column.type.kind == "text" else ("", *NULL_WORDS, *more.nulls)
        return d.null_words(text, words)

    def _value(self, column: Column) -> exp.Expr:
        text, kind = col(text_of(column.name)), column.type
        if kind.kind == "text":
            return text
        if column.more.factor is not None and kind.kind in ("bigint", "decimal"):
            return self._scaled(text, kind, Decimal(str(column.more.factor)))
        casts = {"bigint": d.to_bigint, "double": d.to_double, "boolean": d.to_boolean, "date": d.to_date}
        if kind.kind == "decimal":
            return d.to_decimal(text, kind.precision, kind.scale)
        if kind.kind == "timestamp":
            return d.to_timestamp(text, self.zone)
        value = casts[kind.kind](text)
        return exp.Mul(this=value, expression=lit(column.more.factor)) if column.more.factor else value

    def _scaled(self, text: exp.Expr, kind: ColumnType, factor: Decimal) -> exp.Expr:
        wide = exp.Mul(this=d.to_decimal(text, 24, 8), expression=d.cast_to(lit(factor), ColumnType("decimal", 12, 4)))
        step = Decimal(1).scaleb(-kind.scale)
        return d.round_to(wide, step, kind if kind.kind == "decimal" else ColumnType("decimal", 18, 0))

    def _derived(self) -> exp.Query:
        """The steward's query over the inputs, each column cast to its contract type."""
        views = {item.name: None for item in self.contract.inputs}
        query = d.parse_query(self.contract.fields.query or "", views)
        values = [named(d.cast_to(col(c.name), c.type), c.name) for c in self.contract.given]
        texts = [named(d.cast_to(exp.Null(), ColumnType("text")), text_of(c.name)) for c in self.contract.given]
        nothing = [named(d.cast_to(exp.Null(), ColumnType(kind)), name)                   # type: ignore[arg-type]  # literals
                   for name, kind in (*ORIGIN, (ORDER, "bigint"), (BAD, "text"))]
        return exp.select(*values, *texts, *nothing).from_(query.subquery("derived"))

    # -- split and merge -----------------------------------------------------------------------------------------

    def quarantined(self) -> exp.Query:
        """Rows that fail a row rule, as text, with the rules."""
        def text(column: Column) -> exp.Expr:
            if self.contract.derived:
                return d.as_text(col(column.name), column.type, self.zone)
            return col(text_of(column.name))
        columns = [named(text(column), column.name) for column in self.contract.columns]
        return (exp.select(*columns, *[col(name) for name, _ in ORIGIN], col(RULES), col(BAD)).from_("checked")
                .where(exp.NEQ(this=col(RULES), expression=lit(""))))

    def merged(self) -> exp.Query:
        """The good rows after dedup and merge: what silver holds."""
        good = self._good()
        return self._as_silver(self._newest(good) if self.contract.keys and not self.contract.derived else good)

    def merged_into(self, periods: Sequence[str]) -> exp.Query:
        """What silver holds of these periods when the good rows of `checked` come to those of the view `silver_before`."""
        names = (*self.names, *[name for name, _ in ORIGIN])
        old = (exp.select(*[col(name, "s") for name in names], named(d.cast_to(col(AT, "o"), ColumnType("bigint")), ORDER))
               .from_(exp.to_table("silver_before").as_("s"))
               .join(exp.to_table(ORDERS, quoted=True).as_("o"), on=exp.EQ(this=col(BATCH, "s"), expression=col(BATCH, "o")))
               .where(exp.In(this=col(PERIOD, "s"), expressions=list(map(lit, periods)))))
        return self._as_silver(self._newest(exp.union(self._good(), old, distinct=False)))

    def touched(self) -> exp.Query:
        """The periods of the good rows in `checked`, and those in which the view `silver_before` has their keys."""
        keys, good = self.contract.keys, self._good()
        there = exp.select(*[col(name) for name in keys]).distinct().from_(good.subquery("good"))
        same = exp.and_(*[exp.EQ(this=col(name, "s"), expression=col(name, "n")) for name in keys])
        old = exp.select(col(PERIOD, "s")).from_(exp.to_table("silver_before").as_("s")).join(there.subquery("n"), on=same)
        return exp.union(exp.select(named(self._period(), PERIOD)).from_(good.subquery("good")), old, distinct=True)

    def _good(self) -> exp.Select:
        return (exp.select(*[col(name) for name in (*self.names, BATCH, SOURCE, SHA, LINE, ORDER)]).from_("checked")
                .where(exp.EQ(this=col(RULES), expression=lit(""))))

    def _as_silver(self, rows: exp.Query) -> exp.Query:
        columns: list[exp.Expr] = [col(name) for name in (*self.names, *[name for name, _ in ORIGIN])]
        if self.snapshot:
            columns.append(named(self._vanished(), VANISHED))
        if self.partitioned:
            columns.append(named(self._period(), PERIOD))
        return exp.select(*columns).from_(rows.subquery("rows"))

    def _period(self) -> exp.Expr:
        period = self.contract.period
        if period is None:
            raise AssertionError("a table without a period has no partitions")
        return d.period_of(col(period.column), self.contract.column(period.column).type, period.grain, self.zone)

    def _newest(self, rows: exp.Query) -> exp.Query:
        """One row a key: the newest by `newest_by`, then by the batch's time, then by line.

        Ranks the keys alone and finds the rows again by batch and line, which no two rows of a dataset share: ranking whole
        rows would sort and spill every column.
        """
        order: list[exp.Expr] = []
        if self.contract.fields.newest_by:
            order.append(exp.Ordered(this=col(self.contract.fields.newest_by), desc=True, nulls_first=False))
        order += [exp.Ordered(this=col(name), desc=True, nulls_first=False) for name in (ORDER, BATCH, LINE)]
        rank = exp.Window(this=exp.RowNumber(), partition_by=[col(key) for key in self.contract.keys],
                          order=exp.Order(expressions=order))
        ranked = exp.select(col(BATCH), col(LINE), named(rank, "_rank")).from_(rows.subquery("good"))
        newest = (exp.select(named(col(BATCH), "_newest_batch"), named(col(LINE), "_newest_line")).from_(ranked.subquery("ranked"))
                  .where(exp.EQ(this=col("_rank"), expression=lit(1))))
        same = exp.and_(exp.EQ(this=col(BATCH, "good"), expression=col("_newest_batch", "newest")),
                        exp.EQ(this=col(LINE, "good"), expression=col("_newest_line", "newest")))
        names = [named(col(name, "good"), name) for name in rows.named_selects]
        return exp.select(*names).from_(rows.subquery("good")).join(newest.subquery("newest"), on=same)

    def _vanished(self) -> exp.Expr:
        """The first batch of the same source that came after the row's last one; NULL while the row is current.

        Corrected rows are no snapshot: none of them makes another vanish, and they vanish with the source they correct,
        which is known where there is only one.
        """
        same: exp.Expr = exp.EQ(this=col(SOURCE, "b"), expression=col(SOURCE, "rows"))
        if self.corrected:
            mended = exp.EQ(this=col(SOURCE, "rows"), expression=lit(CORRECTIONS))
            same = exp.and_(exp.NEQ(this=col(SOURCE, "b"), expression=lit(CORRECTIONS)),
                            exp.or_(same, mended) if len(self.contract.sources) == 1 else same)
        after = exp.select(exp.ArgMin(this=col(BATCH, "b"), expression=col(ORDER, "b"))).from_(
            self._batches().subquery("b")).where(exp.and_(same, exp.GT(this=col(ORDER, "b"), expression=col(ORDER, "rows"))))
        return after.subquery()

    def _batches(self) -> exp.Query:
        """One batch for each source and time; the first of those that share both."""
        first = named(exp.Min(this=col(BATCH)), BATCH)
        return exp.select(col(SOURCE), col(ORDER), first).from_("checked").group_by(col(SOURCE), col(ORDER))

    # -- judging -------------------------------------------------------------------------------------------------

    def judged(self) -> exp.Query:
        """Candidate and quarantine together, for row rules: quarantined rows carry their failed rules."""
        good = exp.select(*[col(name) for name in self.names], named(lit(""), RULES)).from_("silver")
        nulls = [named(d.cast_to(exp.Null(), column.type), column.name) for column in self.contract.columns]
        return exp.union(good, exp.select(*nulls, col(RULES)).from_("quarantine"), distinct=False)

    def current(self) -> exp.Query:
        """What set rules are judged over: silver without the keys that have vanished. Reads the view `known`."""
        query = exp.select("*").from_("known")
        return query.where(exp.Is(this=col(VANISHED), expression=exp.Null())) if self.snapshot else query

    def counts(self) -> exp.Query:
        """Rows in silver and quarantine, and how many keys have vanished."""
        star = exp.Count(this=exp.Star())
        silver = exp.select(star.copy()).from_("silver").subquery()
        bad = exp.select(star.copy()).from_("quarantine").subquery()
        columns = [named(silver, "rows"), named(bad, "quarantined")]
        if self.snapshot:
            gone = exp.select(star.copy()).from_("silver").where(exp.Not(this=exp.Is(this=col(VANISHED), expression=exp.Null())))
            columns.append(named(gone.subquery(), "vanished"))
        return exp.select(*columns)

    def conflicts(self) -> exp.Query | None:
        """Number of keys whose good rows in `checked` disagree in some column, in a snapshot within one batch: the next one may say something
        else. None where updates are what is expected.
        """
        others = [name for name in self.names if name not in self.contract.keys]
        if self.contract.fields.merge == "upsert" or not self.contract.keys or not others or self.contract.derived:
            return None
        differ = exp.or_(*[exp.NEQ(this=exp.Min(this=col(name)), expression=exp.Max(this=col(name))) for name in others])
        keys = [col(key) for key in self.contract.keys]
        grouped = (exp.select(*keys).distinct().from_("checked").where(exp.EQ(this=col(RULES), expression=lit("")))
                   .group_by(*keys, *([col(BATCH)] if self.snapshot else [])).having(differ))
        return exp.select(named(exp.Count(this=exp.Star()), "conflicts")).from_(grouped.subquery("differing"))
