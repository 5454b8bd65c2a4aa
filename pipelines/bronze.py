"""What bronze holds: the declared columns as text, and where each row comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from catalog.contract import ColumnType, Contract
from catalog.dialect import cast_to, col, lit
from pipelines.parsing import BAD, LINE, REPLACES

BATCH, SOURCE, SHA, ORDER = "_batch_id", "_source_id", "_source_sha256", "_batch_order"
INTERNAL: tuple[tuple[str, pa.DataType], ...] = (
    (LINE, pa.int64()), (BAD, pa.string()), (REPLACES, pa.string()),
    (BATCH, pa.string()), (SOURCE, pa.string()), (SHA, pa.string()), (ORDER, pa.int64()),
)


def bronze_schema(contract: Contract) -> pa.Schema:
    """Declared columns as text, then where each row comes from."""
    return pa.schema([*((column.name, pa.string()) for column in contract.given), *INTERNAL])


def union(queries: Sequence[exp.Query]) -> exp.Query:
    """UNION ALL of one or more queries."""
    return queries[0] if len(queries) == 1 else exp.union(*queries, distinct=False, copy=False)


def tagged(contract: Contract, view: str, batch: str, source: str, sha256: str, order: int) -> exp.Query:
    """The candidate in `view` with its batch's marks: rows of bronze."""
    text, number = ColumnType("text"), ColumnType("bigint")
    declared = [exp.alias_(cast_to(col(column.name), text), column.name, quoted=True) for column in contract.given]
    marks: Mapping[str, tuple[exp.Expr, ColumnType]] = {
        LINE: (col(LINE), number), BAD: (col(BAD), text), REPLACES: (col(REPLACES), text),
        BATCH: (lit(batch), text), SOURCE: (lit(source), text), SHA: (lit(sha256), text), ORDER: (lit(order), number),
    }
    tags = [exp.alias_(cast_to(value, kind), name, quoted=True) for name, (value, kind) in marks.items()]
    return exp.select(*declared, *tags).from_(exp.to_table(view))


def gather(contract: Contract, batches: Sequence[tuple[Path, str, str, str, int]], path: Path) -> None:
    """Rows of bronze from many small candidates in one Parquet file. `batches`: candidate, batch, source, sha256 and order of each."""
    tables = [pq.ParquetFile(candidate).read() for candidate, *_ in batches]
    of = np.repeat(np.arange(len(tables)), [len(one) for one in tables])
    rows = pa.concat_tables(tables)
    for name, values in zip((BATCH, SOURCE, SHA, ORDER), zip(*(marks for _, *marks in batches), strict=True), strict=True):
        rows = rows.append_column(name, pa.array(values).take(pa.array(of)))
    pq.write_table(rows.select(bronze_schema(contract).names), path, compression="lz4", write_statistics=False)


def gathered(contract: Contract, view: str, batches: Sequence[str]) -> exp.Query:
    """The rows of these batches in a gathered file."""
    here = exp.In(this=col(BATCH), expressions=[lit(batch) for batch in batches])
    return exp.select(*[col(name) for name in bronze_schema(contract).names]).from_(exp.to_table(view)).where(here)


def arrived(contract: Contract, alone: Sequence[tuple[Path, str, str, str, int]], together: Mapping[Path, Sequence[str]]
            ) -> tuple[dict[str, Path], exp.Query]:
    """The views and the query of all new rows of bronze: of candidates `alone` (each with its batch's marks), and of batches in gathered files."""
    views = {f"c{at}": candidate for at, (candidate, *_) in enumerate(alone)} | {f"g{at}": path for at, path in enumerate(together)}
    queries = [tagged(contract, f"c{at}", batch, source, sha256, order) for at, (_, batch, source, sha256, order) in enumerate(alone)]
    return views, union([*queries, *[gathered(contract, f"g{at}", batches) for at, batches in enumerate(together.values())]])
