"""A product's published columns and the query that makes gold from silver. Pure: built from the contract alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
from sqlglot import exp

from catalog import dialect as d
from catalog import measures
from catalog.codes import CodeList
from catalog.contract import Column, ColumnType, Contract, Level
from catalog.dialect import col, lit
from catalog.extension import Generalise, Keep, Product, Redact, Shift, Tier, Treatment
from pipelines.lake import PERIOD
from pipelines.refining import VANISHED, arrow_type, named
from privacy.disclosure import widened_columns
from privacy.lookups import ROW_LABEL, lookup_table, needs_lookup, value_column
from privacy.tier import tier_ceiling
from privacy.treatments import TEXT, level_after, treat

CELL = "_cell"        # how many a group of a table holds, beside its published columns

TIERS: tuple[Tier, ...] = ("unconditional", "restricted", "prohibited")


def carried(name: str) -> str:
    """Name of a silver column that is carried along beside the published ones."""
    return f"_silver_{name}"


def over(query: exp.Query, view: str) -> exp.Query:
    """The same query over another view than `silver`."""
    for node in list(query.find_all(exp.Table)):
        if node.name == "silver":
            node.set("this", exp.to_identifier(view, quoted=True))
    return query


@dataclass(frozen=True)
class Published:
    """One column as it leaves: its type and level after treatment."""

    name: str
    label: str
    label_en: str
    description: str
    unit: str | None
    codes: str | None
    type: ColumnType
    level: Level
    treatment: str
    expression: exp.Expr
    required: bool


class Outward:
    """One product of one contract: columns, tier, and the gold query. Columns that are not named do not leave."""

    def __init__(self, contract: Contract, product: Product, codes: Mapping[str, CodeList], zone: str) -> None:
        self.contract, self.product, self.codes, self.zone = contract, product, codes, zone
        rows = [self._published(contract.column(name), how) for name, how in product.columns.items() if how.do != "drop"]
        self.served = self._aggregated(rows) if product.aggregate else rows
        self.widened = widened_columns(contract, product)       # published as text: what a whole class has in common
        self.columns = [replace(column, type=TEXT, codes=None, treatment="mondrian") if column.name in self.widened else column
                        for column in self.served]

    @property
    def ceiling(self) -> Tier:
        """The loosest tier that the levels after treatment allow (privacy/tier.py)."""
        return tier_ceiling([column.level for column in self.columns])

    @property
    def tier(self) -> Tier:
        """The declared tier, or the stricter one that the levels demand."""
        return max(self.product.tier, self.ceiling, key=TIERS.index)

    @property
    def by_period(self) -> bool:
        """Whether files are split by period: only where the period's column leaves as it is, or its grain would tell."""
        period = self.contract.period
        if period is None or self.product.aggregate or period.column in self.widened:
            return False
        kept = self.product.columns.get(period.column)
        return isinstance(kept, Keep) and self.contract.column(period.column).level == "L1"

    @property
    def types(self) -> dict[str, ColumnType]:
        return {column.name: column.type for column in self.columns}

    @property
    def measures(self) -> list[Published]:
        """The columns of a table that are no groups."""
        aggregate = self.product.aggregate
        return [column for column in self.served if column.name in aggregate.measures] if aggregate else []

    @property
    def revealed(self) -> dict[str, list[str]]:
        """The measures that show values as single rows hold them, with the columns that they are of."""
        return {column.name: [found.name for found in column.expression.find_all(exp.Column)] for column in self.measures
                if measures.reveals(column.expression)}

    @property
    def counts(self) -> list[str]:
        """The measures that count and do nothing else."""
        return [column.name for column in self.measures if isinstance(column.expression, exp.Count)]

    def treatments(self) -> dict[str, Treatment]:
        """How each published column is treated; measures count as generalised."""
        measure = Generalise(do="generalise", prefix=1)
        return {column.name: self.product.columns.get(column.name, measure) for column in self.columns}

    def schema(self) -> pa.Schema:
        fields = [(column.name, arrow_type(column.type)) for column in self.columns]
        return pa.schema([*fields, *([(PERIOD, pa.string())] if self.by_period else [])])

    def plain_columns(self) -> tuple[str, ...]:
        """Gold's columns whose Parquet statistics may be kept: not sensitive before and after treatment, and no free text, for gold is
        written before it is screened.
        """
        plain = {column.name for column in self.contract.columns if column.level == "L1" and (column.type.kind != "text" or column.more.codes)}
        return tuple(column.name for column in self.columns if column.level == "L1" and column.name in plain)

    def lookups(self) -> dict[str, Treatment]:
        """The published columns that are read from a lookup, staged beforehand (pipelines/gold.py)."""
        return {name: how for name, how in self.treatments().items() if name in self.product.columns and needs_lookup(how)}

    def query(self, carry: Collection[str] = (), counted: bool = False) -> exp.Query:
        """Gold from the view `silver`: current rows, filtered on what leaves, treated, cast to the types of `served`.

        With `carry` the same rows before any grouping, measures left out, and these silver columns beside them: for lineage.
        With `counted` a table's small groups too, and beside each how many it holds (`_cell`): persons where a column names them.
        """
        columns = [column for column in self.served if not carry or column.treatment != "aggregate"]
        values = [named(_leaves(column), column.name) for column in columns]
        values += [named(col(name), carried(name)) for name in carry]
        if self.by_period and self.contract.period is not None:
            values.append(named(col(PERIOD), PERIOD))
        query = exp.select(*values).from_("silver")
        for name in self.lookups():
            same = exp.EQ(this=col(name), expression=col(value_column(name)))
            query = query.join(exp.to_table(lookup_table(name), quoted=True), on=same, join_type="left")
        if self.contract.fields.merge == "snapshot":
            query = query.where(exp.Is(this=col(VANISHED), expression=exp.Null()))
        if self.product.filter:
            names = [name for name, how in self.product.columns.items() if how.do != "drop"]
            query = query.where(d.parse_condition(self.product.filter, names))
        return self._grouped(query, counted) if self.product.aggregate and not carry else query

    def _grouped(self, query: exp.Select, counted: bool) -> exp.Select:
        aggregate = self.product.aggregate
        if aggregate is None:
            return query
        by = [self._published(self.contract.column(name), self.product.columns[name]).expression for name in aggregate.by]
        if counted:
            return query.select(named(self._size(), CELL)).group_by(*by)
        return query.group_by(*by).having(exp.GTE(this=self._size(), expression=lit(aggregate.min_group)))

    def _size(self) -> exp.Expr:
        subjects = [column.name for column in self.contract.columns if column.more.subject]
        return exp.Count(this=exp.Distinct(expressions=[col(subjects[0])]) if len(subjects) == 1 else exp.Star())

    def _published(self, column: Column, how: Treatment) -> Published:
        parents = None
        if isinstance(how, Generalise) and how.parent and column.more.codes:
            parents = {row["code"]: row.get("parent", "") for row in self.codes[column.more.codes].rows}
        subject = self.contract.column(how.by) if isinstance(how, Shift) else None
        expression, kind = treat(column, how, self.zone, parents, subject)
        if isinstance(how, Redact):
            expression = self._without_persons(column, expression)
        return Published(
            column.name, column.label, column.more.label_en or column.name, column.description, column.more.unit,
            column.more.codes if how.do == "keep" or parents else None, kind, level_after(column, how), how.do, expression,
            column.required and how.do == "keep",
        )

    def _without_persons(self, column: Column, text: exp.Expr) -> exp.Expr:
        """A redacted text without what other columns of its row say of persons: the language model may miss a name, the row knows it."""
        for other in self.contract.columns:
            tells = other.level in ("L3", "L4") and (other.more.person or other.more.identifies)
            if tells and other.name != column.name and other.type.kind == "text":
                text = d.without_text(text, col(other.name), ROW_LABEL)
        return text

    def _aggregated(self, rows: list[Published]) -> list[Published]:
        aggregate = self.product.aggregate
        if aggregate is None:
            return rows
        groups = [column for column in rows if column.name in aggregate.by]
        names = [column.name for column in self.contract.columns]
        return groups + [self._measure(name, sql, names) for name, sql in aggregate.measures.items()]

    def _measure(self, name: str, sql: str, names: list[str]) -> Published:
        expression = d.parse_measure(sql, names)
        read = [self.contract.column(found.name) for found in expression.find_all(exp.Column)]
        kind = _measure_type(expression, read)
        least = self.product.aggregate.min_group if self.product.aggregate else 1
        level = measures.level_of(expression, read, max(least, measures.ENOUGH) if measures.of_persons(self.contract) else least)
        label = f"{'、'.join(column.label for column in read)}({sql.split('(')[0]})" if read else "记录数"
        return Published(name, label, name, "", None, None, kind, level, "aggregate", expression, True)


def _leaves(column: Published) -> exp.Expr:
    """The published value. One zero only: -0.0 and 0.0 sort as equal but are written differently, so their order would tell."""
    value = d.cast_to(column.expression, column.type)
    return d.case([(exp.EQ(this=value, expression=lit(0)), d.cast_to(lit(0), column.type))], value) if column.type.kind == "double" else value


def _measure_type(expression: exp.Expr, read: list[Column]) -> ColumnType:
    if isinstance(expression, exp.Count):
        return ColumnType("bigint")
    of = read[0].type if read else ColumnType("bigint")
    if isinstance(expression, exp.Sum):
        return ColumnType("decimal", 38, of.scale) if of.kind == "decimal" else of
    if isinstance(expression, exp.Min | exp.Max):
        return of
    return ColumnType("decimal", 18, 4)
