"""Runs Mondrian (privacy/mondrian.py) over a product's rows: stages the distinct combinations of its quasi-identifiers and the names under
which they are published. Pure work of one session; the same rows always get the same names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from sqlglot import exp

from catalog import dialect as d
from catalog.dialect import col
from catalog.extension import Band
from pipelines.engines import Session
from pipelines.lake import PERIOD
from pipelines.products import Outward, Published
from pipelines.refining import named
from privacy.disclosure import k_of, sensitive_columns, subject_column
from privacy.mondrian import Held, Widened, widened
from privacy.negative_list import Thresholds
from privacy.ranges import Places, Ranges, ranges, sizes_of

_COMBINATIONS, _NAMES, _NUMBER = "_combinations", "_names", "_n"


@dataclass(frozen=True)
class Loss:
    """What Mondrian cost: classes, the certainty penalty of each column (0 nothing, 1 everything), and their mean."""

    classes: int
    ncp: Mapping[str, float]
    gcp: float


def stage_names(session: Session, outward: Outward, thresholds: Thresholds, person: str | None) -> Loss:
    """Stages the names of the quasi-identifiers of the staged rows `served` for `widened_rows`. `person`: the column of `served` by which
    persons are counted, if any.
    """
    quasi = outward.widened
    counted = exp.select(*map(col, quasi), named(_count(), "_rows")).from_("served").group_by(*map(col, quasi))
    session.stage(counted, "_counted")
    order = exp.Order(expressions=[exp.Ordered(this=col(name), nulls_first=False) for name in quasi])
    number = exp.Cast(this=exp.Window(this=exp.RowNumber(), order=order), to=exp.DataType.build("TEXT"))
    session.stage(exp.select(*map(col, quasi), col("_rows"), named(number, _NUMBER)).from_("_counted"), _COMBINATIONS)
    found = _widened(session, outward, thresholds, person)
    listed = [f"_name_{name}" for name in quasi]
    session.load(_NAMES, _batches(found, listed), (_NUMBER, *listed))
    losses = {name: round(loss, 4) for name, loss in zip(quasi, found.losses, strict=True)}
    return Loss(len({*zip(*found.names, strict=True)}), losses, round(sum(found.losses) / max(len(quasi), 1), 4))


def widened_rows(outward: Outward, view: str, beside: Collection[str] = ()) -> exp.Query:
    """The rows of `view` (they have the columns of `served`) as they are published, after `stage_names`; `beside` as they are."""
    names = [*(column.name for column in outward.columns), *([PERIOD] if outward.by_period else []), *beside]
    values = [named(col(f"_name_{name}", "n") if name in outward.widened else col(name, "s"), name) for name in names]
    same = [exp.NullSafeEQ(this=col(name, "s"), expression=col(name, "c")) for name in outward.widened]
    return (exp.select(*values).from_(exp.to_table(view, quoted=True).as_("s")).join(exp.to_table(_COMBINATIONS).as_("c"), on=exp.and_(*same))
            .join(exp.to_table(_NAMES).as_("n"), on=exp.EQ(this=col(_NUMBER, "c"), expression=col(_NUMBER, "n"))))


def _count() -> exp.Expr:
    return exp.Count(this=exp.Star())


def _widened(session: Session, outward: Outward, thresholds: Thresholds, person: str | None) -> Widened:
    columns = [column for column in outward.served if column.name in outward.widened]
    texts = [named(d.as_text(col(column.name), column.type, outward.zone), f"_text_{column.name}") for column in columns]
    read = exp.select(*map(col, outward.widened), *texts, col("_rows")).from_(_COMBINATIONS)
    table = session.read(read.order_by(exp.Cast(this=col(_NUMBER), to=exp.DataType.build("BIGINT")))).read_all()
    made = [_ranges(outward, column, table) for column in columns]
    rows = table.column("_rows").to_numpy().astype(np.int64)
    places, held = [places for _, places in made], _held(session, outward, thresholds, person)
    return widened([one for one, _ in made], places, rows, k_of(outward.tier, thresholds), held)


def _ranges(outward: Outward, column: Published, table: pa.Table) -> tuple[Ranges, Places]:
    values, texts = (table.column(name).combine_chunks() for name in (column.name, f"_text_{column.name}"))
    if column.type.kind == "double":
        texts = values.cast(pa.string())        # no engine's text, which differs
    parents = {row["code"]: row.get("parent") or "" for row in outward.codes[column.codes].rows} if column.codes else None
    bands = isinstance(outward.product.columns[column.name], Band)
    return ranges(texts, sizes_of(values), parents, bands)


def _held(session: Session, outward: Outward, thresholds: Thresholds, person: str | None) -> list[Held]:
    """What every class must hold several of: sensitive values of a restricted product, and persons where a column names them."""
    found, contract = [], outward.contract
    for name in sensitive_columns(contract, outward.product) if outward.tier == "restricted" else ():
        pairs, least = _pairs(session, outward, name), thresholds.entropy_l_restricted
        found += [Held(thresholds.l_restricted, *pairs), *([Held(least, *pairs, entropy=True)] if least is not None else [])]
    counted = person or subject_column(contract, outward.product)
    if counted is not None:
        found.append(Held(k_of(outward.tier, thresholds), *_pairs(session, outward, counted)))
    return found


def _pairs(session: Session, outward: Outward, name: str) -> tuple[Places, Places, Places]:
    same = [exp.NullSafeEQ(this=col(quasi, "s"), expression=col(quasi, "c")) for quasi in outward.widened]
    number = exp.Sub(this=exp.Cast(this=col(_NUMBER, "c"), to=exp.DataType.build("BIGINT")), expression=exp.Literal.number(1))
    query = (exp.select(named(number, "at"), named(col(name, "s"), "value"), named(_count(), "rows"))
             .from_(exp.to_table("served").as_("s")).join(exp.to_table(_COMBINATIONS).as_("c"), on=exp.and_(*same))
             .group_by(col(_NUMBER, "c"), col(name, "s")))
    table = session.read(query).read_all()
    code = table.column("value").combine_chunks().dictionary_encode(null_encoding="encode").indices
    at, rows = (table.column(column).to_numpy().astype(np.int64) for column in ("at", "rows"))
    return at, code.to_numpy(zero_copy_only=False).astype(np.int64), rows


def _batches(found: Widened, names: list[str]) -> list[pa.RecordBatch]:
    klass = pa.array(found.made.klass)
    number = pa.array(np.arange(1, len(klass) + 1)).cast(pa.string())
    return [pa.RecordBatch.from_arrays([number, *[pa.array(names_, pa.string()).take(klass) for names_ in found.names]], names=[_NUMBER, *names])]
