"""Silver → gold: runs a product's query and writes what it gives. Called by serve alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from sqlglot import exp

from catalog.contract import Contract
from catalog.dialect import col
from catalog.evidence import TableAt
from catalog.extension import Treatment
from pipelines.asking import treated_by
from pipelines.engines import Session
from pipelines.keys import release_key, treatment_params
from pipelines.lake import PERIOD, Op, Write
from pipelines.products import Outward
from pipelines.protecting import protected
from pipelines.refining import named
from pipelines.way import Way, table
from privacy.lookups import lookup_table, treated_column, value_column

SLICE = 20_000        # distinct values treated at once: bounds memory


def write_gold(way: Way, contract: Contract, outward: Outward, silver: TableAt, op: Op, base: int | None,
               periods: Sequence[str] = ()) -> tuple[int, Mapping[str, Any]]:
    """The new version of the product's gold table, and what was done so that nobody can be told apart in it. With `periods` these alone are
    made anew: of a product whose rows are its silver's, one by one.
    """
    name = table("gold", contract.id, outward.product.name)
    way.lake.ensure(name, outward.schema(), base)
    params = treatment_params(way, contract, outward, release_key(way, contract, outward, silver))
    with way.engine.open({"silver": silver}) as session:
        stage_lookups(session, outward, way.city.division)
        made = protected(way, session, outward, params)
        written = session.write(_within(made.query, periods), name, Write("replace", outward.plain_columns(), periods), op, base, made.params)
    return written, made.record


def _within(query: exp.Query, periods: Sequence[str]) -> exp.Query:
    if not periods:
        return query
    rows = exp.select("*").from_(query.subquery("rows"))
    return rows.where(exp.In(this=col(PERIOD), expressions=[exp.Literal.string(one) for one in periods]))


def protection(way: Way, contract: Contract, outward: Outward, silver: TableAt) -> Mapping[str, Any]:
    """What `write_gold` did to these rows, told again without writing: for gold that outlived the process that wrote it."""
    params = treatment_params(way, contract, outward, release_key(way, contract, outward, silver))
    with way.engine.open({"silver": silver}) as session:
        stage_lookups(session, outward, way.city.division)
        return protected(way, session, outward, params).record


def stage_lookups(session: Session, outward: Outward, near: str, view: str = "silver") -> None:
    """Treats the distinct values of every column that no engine can treat and stages what came of them; gone with the session.

    `near` is the city's division code.
    """
    for name, how in outward.lookups().items():
        values = exp.select(named(col(name), "v")).distinct().from_(exp.to_table(view, quoted=True))
        session.stage(values.where(exp.Not(this=exp.Is(this=col(name), expression=exp.Null()))), "_distinct")
        session.load(lookup_table(name), _treated(session, name, how, near), (value_column(name), treated_column(name)))


def _number() -> exp.Expr:
    return exp.Sub(this=exp.Window(this=exp.RowNumber(), order=exp.Order(expressions=[exp.Ordered(this=col("v"))])), expression=exp.Literal.number(1))


def distinct_slices(session: Session) -> Iterator[list[str]]:
    """The texts `v` of the staged `_distinct` in slices, each read whole: a result that is still open would not let the session load."""
    session.stage(exp.select(col("v"), named(_number(), "n")).from_("_distinct"), "_numbered")
    for start in range(0, int(session.rows(exp.select(named(exp.Count(this=exp.Star()), "n")).from_("_numbered"))[0]["n"]), SLICE):
        slice_ = exp.Between(this=col("n"), low=exp.Literal.number(start), high=exp.Literal.number(start + SLICE - 1))
        yield [str(item["v"]) for item in session.rows(exp.select(col("v")).from_("_numbered").where(slice_))]


def _treated(session: Session, name: str, how: Treatment, near: str) -> Iterator[pa.RecordBatch]:
    for values in distinct_slices(session):
        pairs = [(value, after) for value, after in zip(values, treated_by(session, name, how, values, near), strict=True) if after is not None]
        arrays = [pa.array([pair[at] for pair in pairs], pa.string()) for at in (0, 1)]
        yield pa.RecordBatch.from_arrays(arrays, names=[value_column(name), treated_column(name)])
