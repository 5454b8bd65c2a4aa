"""Parquet: columns of any type, as text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.errors import BadInput
from pipelines.formats.arrow_text import as_text
from pipelines.formats.table import MAGIC, ROWS, BadRecord, Format, Strict, Table, schema, shown

BROKEN = "The Parquet file is broken or encrypted."


class ParquetOptions(Strict):
    """Nothing to declare: the file says it all."""


class Parquet(Format):
    """Apache Parquet; `_source_line` is the row's number."""

    name = "parquet"
    Options = ParquetOptions

    @classmethod
    def detect(cls, head: bytes, filename: str) -> int | None:
        return MAGIC if head.startswith(b"PAR1") else None

    def open(self, payload: Path, options: ParquetOptions, filename: str) -> Table:
        try:
            with pq.ParquetFile(payload) as file:
                columns = list(file.schema_arrow.names)
                extra = annotated(file.schema_arrow) or bool(set(file.metadata.metadata or ()) - {b"ARROW:schema"})
        except (pa.ArrowException, OSError):
            raise BadInput(BROKEN, remedy="Ask the source for a sound file.") from None
        return Table([name.strip() for name in columns], shown(options, self.name), partial(_read, payload), extra=extra)


def annotated(schema: pa.Schema) -> bool:
    """Whether a file says more than its columns: writers put comments, and readers' states, into its metadata."""
    return bool(schema.metadata) or any(field.metadata for field in schema)


def _read(payload: Path, bad: list[BadRecord]) -> Iterator[pa.RecordBatch]:
    first = 1
    try:
        with pq.ParquetFile(payload, pre_buffer=False) as file:
            for batch in file.iter_batches(ROWS):
                yield texts_of(batch, first, bad)
                first += batch.num_rows
    except (pa.ArrowException, OSError):
        raise BadInput(BROKEN, remedy="Ask the source for a sound file.") from None


def texts_of(batch: pa.RecordBatch, first: int, bad: list[BadRecord]) -> pa.RecordBatch:
    """A typed batch as text, with row numbers from `first`; rows with bytes that are no text are bad."""
    columns = [as_text(column) for column in batch.columns]
    wrong = sorted({at for _, places in columns for at in places})
    lines = pa.array(range(first, first + batch.num_rows), pa.int64())
    found = pa.RecordBatch.from_arrays([*(texts for texts, _ in columns), lines], schema=schema(len(columns)))
    if wrong:
        bad += [BadRecord(first + at, "encoding") for at in wrong]
        found = found.filter(pa.array([at not in set(wrong) for at in range(batch.num_rows)]))
    return found
