"""Silver → gold: runs a product's query and writes what it gives. Called by serve alone."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from sqlglot import exp

from catalog.contract import Contract
from catalog.dialect import col
from catalog.evidence import TableAt
from catalog.extension import Treatment
from pipelines.disclosure import kept_rows, suppresses, table_query
from pipelines.engines import Session
from pipelines.keys import release_key, treatment_params
from pipelines.lake import Op, Write
from pipelines.products import Outward
from pipelines.refining import named
from pipelines.way import Way, table
from privacy.lookups import lookup_table, treated, treated_column, value_column

SLICE = 20_000        # distinct values treated at once: bounds memory


def write_gold(way: Way, contract: Contract, outward: Outward, silver: TableAt, op: Op, base: int | None) -> int:
    """The new version of the product's gold table."""
    name = table("gold", contract.id, outward.product.name)
    way.lake.ensure(name, outward.schema(), base)
    params = treatment_params(way, contract, outward, release_key(way, contract, outward, silver))
    with way.engine.open({"silver": silver}) as session:
        stage_lookups(session, outward)
        how = Write("replace", outward.plain_columns())
        if suppresses(contract, outward):       # treated before it is written: the last query asks for no key
            return session.write(kept_rows(way, session, outward, params), name, how, op, base)
        return session.write(table_query(way, contract, outward), name, how, op, base, params)


def stage_lookups(session: Session, outward: Outward, view: str = "silver") -> None:
    """Treats the distinct values of every column that no engine can treat and stages what came of them; gone with the session."""
    for name, how in outward.lookups().items():
        values = exp.select(named(col(name), "v")).distinct().from_(exp.to_table(view, quoted=True))
        session.stage(values.where(exp.Not(this=exp.Is(this=col(name), expression=exp.Null()))), "_distinct")
        session.stage(exp.select(col("v"), named(_number(), "n")).from_("_distinct"), "_numbered")
        session.load(lookup_table(name), _treated(session, name, how), (value_column(name), treated_column(name)))


def _number() -> exp.Expr:
    return exp.Sub(this=exp.Window(this=exp.RowNumber(), order=exp.Order(expressions=[exp.Ordered(this=col("v"))])), expression=exp.Literal.number(1))


def _treated(session: Session, name: str, how: Treatment) -> Iterator[pa.RecordBatch]:
    """Slices read whole before they are treated: a result that is still open would not let the session load."""
    for start in range(0, int(session.rows(exp.select(named(exp.Count(this=exp.Star()), "n")).from_("_numbered"))[0]["n"]), SLICE):
        slice_ = exp.Between(this=col("n"), low=exp.Literal.number(start), high=exp.Literal.number(start + SLICE - 1))
        values = [str(item["v"]) for item in session.rows(exp.select(col("v")).from_("_numbered").where(slice_))]
        pairs = [(value, after) for value, after in zip(values, treated(name, how, values), strict=True) if after is not None]
        arrays = [pa.array([pair[at] for pair in pairs], pa.string()) for at in (0, 1)]
        yield pa.RecordBatch.from_arrays(arrays, names=[value_column(name), treated_column(name)])
