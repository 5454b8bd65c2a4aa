"""A stream of UTF-8 → batches of CSV rows with their line numbers, block by block.

A block that is plainly well formed is parsed by whole columns (pipelines/formats/csv_fast.py); any other with care.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from pipelines.formats.csv_records import Dialect, Record, read_record, stripped
from pipelines.formats.table import BadRecord, Row, in_batches


@dataclass
class Lines:
    """The stream cut into lines; `line` is the number of the next one."""

    chunks: Iterator[bytes]
    dialect: Dialect
    pending: bytes = b""
    line: int = 1
    final: bool = False

    def more(self) -> None:
        """Takes the next chunk."""
        chunk = next((chunk for chunk in self.chunks if chunk), None)
        self.final = chunk is None
        self.pending += chunk or b""

    def skip(self, count: int) -> None:
        """Leaves out physical lines."""
        for _ in range(count):
            while (end := self.pending.find(self.dialect.eol)) < 0 and not self.final:
                self.more()
            self.pending = self.pending[end + 1:] if end >= 0 else b""
            self.line += 1

    def careful(self) -> Iterator[tuple[int, Record]]:
        """Records that end in the pending bytes, with their first line; what they took is consumed."""
        eol = self.dialect.eol
        raw = self.pending.split(eol)
        rest = raw.pop()
        raw = [line + eol for line in raw]
        if self.final and rest:
            raw.append(rest)
        decoded = [line.decode("utf-8", "surrogateescape") for line in raw]
        at = 0
        while at < len(raw):
            record = self._record(raw, decoded, at)
            if record is None:
                break
            if record.lines:
                yield self.line + at, record
            at += max(record.lines, 1)
        self.pending = b"".join(raw[at:]) + (b"" if self.final else rest)
        self.line += at

    def _record(self, raw: list[bytes], lines: list[str], at: int) -> Record | None:
        """One record; a skipped line is a record of 0 lines."""
        if not stripped(lines[at], self.dialect) or (self.dialect.comment and lines[at].startswith(self.dialect.comment)):
            return Record(lines=0)
        record = read_record(lines, at, self.dialect, self.final)
        if record and record.reason is None and not _valid(raw[at:at + record.lines]):
            record.reason = "encoding"
        return record


def _valid(raw: list[bytes]) -> bool:
    try:
        for line in raw:
            if not line.isascii():
                line.decode()
    except UnicodeDecodeError:
        return False
    return True


def first_record(lines: Lines) -> tuple[int, Record] | None:
    """Takes the first record (the header) off the stream; None when there is none."""
    while True:
        before = lines.pending, lines.line
        for line, record in lines.careful():
            lines.pending, lines.line = before
            lines.skip(line + record.lines - lines.line)
            return line, record
        if lines.final:
            return None
        lines.more()


def read_blocks(lines: Lines, width: int, bad: list[BadRecord]) -> Iterator[pa.RecordBatch]:
    """All the rows of `width` fields that follow; every other record is bad."""
    while True:
        yield from in_batches(_rows(lines.careful(), width, bad), width, bad)
        if lines.final:
            return
        lines.more()


def _rows(records: Iterable[tuple[int, Record]], width: int, bad: list[BadRecord]) -> Iterator[Row]:
    for line, record in records:
        reason = record.reason or (None if len(record.fields) == width else "fields")
        if reason:
            bad.append(BadRecord(line, reason))
        else:
            yield line, record.fields
