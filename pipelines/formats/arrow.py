"""Arrow IPC files: what connectors of databases spool."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa

from catalog.errors import BadInput
from pipelines.formats.parquet import annotated, texts_of
from pipelines.formats.table import MAGIC, BadRecord, Format, Strict, Table, shown

BROKEN = "The Arrow file is broken."


class ArrowOptions(Strict):
    """Nothing to declare: the file says it all."""


class Arrow(Format):
    """Arrow IPC, in its file form; `_source_line` is the row's number."""

    name = "arrow"
    Options = ArrowOptions

    @classmethod
    def detect(cls, head: bytes, filename: str) -> int | None:
        return MAGIC if head.startswith(b"ARROW1\0\0") else None

    def open(self, payload: Path, options: ArrowOptions, filename: str) -> Table:
        try:
            with pa.memory_map(str(payload)) as source:
                found = pa.ipc.open_file(source).schema
        except (pa.ArrowException, OSError):
            raise BadInput(BROKEN, remedy="Ask the source for a sound file.") from None
        return Table([name.strip() for name in found.names], shown(options, self.name), partial(_read, payload), extra=annotated(found))


def _read(payload: Path, bad: list[BadRecord]) -> Iterator[pa.RecordBatch]:
    first = 1
    try:
        with pa.memory_map(str(payload)) as source:
            reader = pa.ipc.open_file(source)
            for at in range(reader.num_record_batches):
                batch = reader.get_batch(at)
                batch.validate(full=True)
                yield texts_of(batch, first, bad)
                first += batch.num_rows
    except (pa.ArrowException, OSError):
        raise BadInput(BROKEN, remedy="Ask the source for a sound file.") from None
