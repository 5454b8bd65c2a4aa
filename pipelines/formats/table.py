"""What every format gives: a table of text columns with the source line of each row, and the records that are no row.

Here are the shapes and how rows become Arrow batches; what a file looks like inside is each format's own module.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

LINE = "_source_line"
ROWS = 50_000
CELLS = 400_000          # a batch of a wide table has fewer rows
HEAD = 65_536            # bytes that detection looks at
MAGIC, CONTENT, SUFFIX, GUESS = 4, 3, 2, 1     # how sure a format is, from surest

Reason = Literal["fields", "quotes", "encoding", "json", "object", "keys", "too long", "header"]


class Strict(BaseModel):
    """Options of a format: frozen, refuses unknown keys, never coerces."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True)
class BadRecord:
    """A record that is no row. `line` counts from 1; the reason is a fixed word, never a value."""

    line: int
    reason: Reason


@dataclass
class Table:
    """An opened file. `options` says all that is in effect; `bad` fills while `batches()` streams.

    `extra` is true when the file holds more than this table (other sheets, title rows), so that raw may not keep it whole. `names` are
    those of its sheets, tables or layers: for the secrecy cues, never for a record.
    """

    columns: list[str]
    options: dict[str, Any]
    read: Callable[[list[BadRecord]], Iterator[pa.RecordBatch]]
    extra: bool = False
    bad: list[BadRecord] = field(default_factory=list)
    names: tuple[str, ...] = ()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Columns "0", "1", … as text (null: absent) and `_source_line` int64. May be called again."""
        self.bad.clear()
        yield from self.read(self.bad)


class Format(ABC):
    """One kind of file. A subclass in a module of this package is found by name, without registration."""

    name: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    Options: ClassVar[type[Strict]]

    @classmethod
    @abstractmethod
    def detect(cls, head: bytes, filename: str) -> int | None:
        """How sure the first bytes and the suffix make us (MAGIC … GUESS), or None when this is no such file."""

    @abstractmethod
    def open(self, payload: Path, options: Any, filename: str) -> Table:
        """Opens the file with the declared options; detects the others. Raises BadInput."""


def schema(width: int) -> pa.Schema:
    return pa.schema([*[(str(at), pa.string()) for at in range(width)], (LINE, pa.int64())])


def shown(declared: BaseModel, name: str, **detected: Any) -> dict[str, Any]:
    """The options in effect: what was declared, what was detected, and which are which."""
    effect = {"name": name, **declared.model_dump(exclude_unset=True, exclude_none=True), **detected}
    return {**effect, "detected": sorted(detected)}


Row = tuple[int, Sequence[str | None]]


def in_batches(rows: Iterable[Row], width: int, bad: list[BadRecord]) -> Iterator[pa.RecordBatch]:
    """Rows of (line, values) as batches; a value that is no Unicode text (a lone surrogate) makes its record bad."""
    size = max(1_000, min(ROWS, CELLS // max(width, 1)))
    waiting: list[Row] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) >= size:
            yield _batch(waiting, width, bad)
            waiting = []
    if waiting:
        yield _batch(waiting, width, bad)


def _batch(rows: list[Row], width: int, bad: list[BadRecord]) -> pa.RecordBatch:
    try:
        return _arrow(rows, width)
    except UnicodeEncodeError:
        bad += [BadRecord(line, "encoding") for line, values in rows if not all(map(_encodes, values))]
        return _arrow([row for row in rows if all(map(_encodes, row[1]))], width)


def _arrow(rows: list[Row], width: int) -> pa.RecordBatch:
    columns = zip(*(values for _, values in rows), strict=True) if rows and width else [()] * width
    arrays = [pa.array(column, pa.string()) for column in columns]
    return pa.RecordBatch.from_arrays([*arrays, pa.array([line for line, _ in rows], pa.int64())], schema=schema(width))


def _encodes(value: str | None) -> bool:
    try:
        return value is None or bool(value.encode()) or True
    except UnicodeEncodeError:
        return False
