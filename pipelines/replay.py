"""Bronze again from raw: every admitted batch parsed anew with the options on its record. Writes only where rows differ.

That is how columns declared later reach older batches, and how bronze is proven to be what raw says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from sqlglot import exp

from catalog.canonical import fingerprint
from catalog.contract import Contract
from catalog.dialect import col
from catalog.evidence import TableAt
from pipelines.bronze import bronze_schema, tagged, union
from pipelines.formats import formats
from pipelines.intake import source_of
from pipelines.lake import Op, Write
from pipelines.parsing import CORRECTIONS, candidate_schema, parse
from pipelines.protocol import Work, perform
from pipelines.scratch import scratch
from pipelines.spool import raw_path
from pipelines.state import Batch, State
from pipelines.way import Way, table


def replay(way: Way, contract: Contract) -> Mapping[str, Any]:
    """Rebuilds bronze of one dataset; outcome `unchanged` where raw gives the same rows."""
    with scratch(way.settings) as folder:
        return perform(way, contract, partial(_step, folder))


def _step(folder: Path, way: Way, contract: Contract, state: State) -> Work | None:
    name = table("bronze", contract.id)
    if name not in state.tables or not state.batches:     # every batch may be erased
        return None
    views = {f"r{at}": _candidate(way, contract, batch, folder / f"{at}.parquet") for at, batch in enumerate(_by_arrival(state))}
    query = union([tagged(contract, f"r{at}", batch.id, batch.source, batch.sha256, batch.order)
                   for at, batch in enumerate(_by_arrival(state))])
    at = TableAt(name, state.tables[name])
    if _same(way, contract, at, views, query):
        return None
    op = Op(fingerprint("replay", contract.id, at.version, [batch.sha256 for batch in state.batches],
                        [column.name for column in contract.given]), "replay")
    write = partial(_write, way, views, query, name, op)
    return Work(op, "", "replay", lambda written: {"outcome": "done", "tables": dict(written), "batches_read": len(views)}, {name: write})


def _by_arrival(state: State) -> Sequence[Batch]:
    return sorted(state.batches, key=lambda batch: batch.id)


def _candidate(way: Way, contract: Contract, batch: Batch, target: Path) -> Path:
    raw = raw_path(way.settings, batch.body["raw"])
    if batch.body["raw_form"] == "declared":
        return _widened(contract, raw, target)
    source = source_of(contract, batch.source)
    recorded = batch.body["options"]
    known = formats()[recorded["name"]].Options.model_fields
    options = {"name": recorded["name"], **{key: value for key, value in recorded.items() if key in known}}
    parse(contract, source.model_copy(update={"format": options}), raw, "", target, corrected=batch.source == CORRECTIONS)
    return target


def _widened(contract: Contract, raw: Path, target: Path) -> Path:
    """A stored candidate under today's columns; what it does not have is NULL, what is no longer declared is left out."""
    schema = candidate_schema(contract)
    with pq.ParquetFile(raw) as stored, pq.ParquetWriter(target, schema, compression="lz4", write_statistics=False) as writer:
        for part in stored.iter_batches():
            known = {field.name: part.column(field.name) for field in part.schema}
            writer.write_batch(_batch(known, part.num_rows, schema))
    return target


def _batch(known: Mapping[str, Any], size: int, schema: Any) -> Any:
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([known.get(field.name, pa.nulls(size, field.type)) for field in schema], schema=schema)


def _same(way: Way, contract: Contract, at: TableAt, views: Mapping[str, Path], query: exp.Query) -> bool:
    """Whether bronze in force and raw give the same rows, as multisets."""
    names = bronze_schema(contract).names
    if way.lake.schema(at).names != names:
        return False
    columns = [col(name) for name in names]
    with way.engine.open({**views, "bronze": at}) as session:
        session.stage(query, "fresh")
        counted = [_counted(columns, name) for name in ("bronze", "fresh")]
        either = [exp.except_(*pair) for pair in (counted, list(reversed(counted)))]
        return all(session.rows(exp.select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_(one.subquery("d")))[0]["n"] == 0 for one in either)


def _counted(columns: Sequence[exp.Expr], view: str) -> exp.Select:
    return exp.select(*columns, exp.alias_(exp.Count(this=exp.Star()), "_n")).from_(view).group_by(*columns)


def _write(way: Way, views: Mapping[str, Path], query: exp.Query, name: str, op: Op, base: int | None) -> int:
    with way.engine.open(dict(views)) as session:
        return session.write(query, name, Write("replace"), op, base)
