"""A stream of UTF-8 → batches of CSV rows with their line numbers, block by block.

A block that is plainly well formed is parsed by whole columns (pipelines/formats/csv_fast.py), any other with care
(pipelines/formats/csv_records.py); both give the same rows.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa

from catalog.errors import BadInput
from pipelines.formats import csv_fast
from pipelines.formats.csv_records import LONGEST, Dialect, Record, read_record, stripped
from pipelines.formats.table import BadRecord, Row, in_batches

TOO_LONG = 2**28         # bytes without the end of a record
HEADER = 2**14           # bytes in which a header usually ends
WORKERS = min(4, os.cpu_count() or 1)
ASIDE = 2**16            # bytes from which a block is parsed beside others


@dataclass
class Lines:
    """The stream cut into lines; `line` is the number of the next one."""

    chunks: Iterator[bytes]
    dialect: Dialect
    pending: bytes = b""
    line: int = 1
    final: bool = False

    @property
    def done(self) -> bool:
        return self.final and not self.pending

    def more(self) -> None:
        """Takes the next chunk."""
        chunk = next((chunk for chunk in self.chunks if chunk), None)
        self.final = chunk is None
        self.pending += chunk or b""
        if len(self.pending) > TOO_LONG:
            raise BadInput(f"Line {self.line} of the file does not end.", remedy="Declare format.name, encoding or quote in the contract.")

    def skip(self, count: int) -> None:
        """Leaves out physical lines."""
        for _ in range(count):
            while (end := self.pending.find(self.dialect.eol)) < 0 and not self.final:
                self.more()
            self.pending = self.pending[end + 1:] if end >= 0 else b""
            self.line += 1

    def take(self) -> csv_fast.Block | None:
        """The next block of whole records; None when the stream is done or an open quote goes on and on."""
        while not self.done:
            block = csv_fast.take(self.pending, self.line, self.dialect, self.final)
            if block:
                self.pending = self.pending[len(block.data):]
                self.line += len(block.ends)
                return block
            if self.final or len(self.pending) > LONGEST:
                return None
            self.more()
        return None

    def give_back(self, blocks: list[csv_fast.Block]) -> None:
        """Undoes `take` for the blocks taken last."""
        self.pending = b"".join([*(block.data for block in blocks), self.pending])
        self.line = blocks[0].line

    def careful(self, size: int) -> Iterator[tuple[int, Record]]:
        """Records with their first line, from the next `size` pending bytes or a little more; consumes what they took."""
        eol = self.dialect.eol
        end = self.pending.find(eol, size - 1) + 1 if size < len(self.pending) else 0
        window, beyond = (self.pending[:end], self.pending[end:]) if end else (self.pending, b"")
        final = self.final and not beyond
        raw = [line + eol for line in window.split(eol)]
        rest = raw.pop()[:-1]
        if final and rest:
            raw.append(rest)
            rest = b""
        lines = [line.decode("utf-8", "surrogateescape") for line in raw]
        at = 0
        while at < len(raw):
            if self._empty(lines[at]):
                at += 1
                continue
            record = read_record(lines, at, self.dialect, final)
            if record is None:
                break
            if record.reason is None and not _valid(raw[at:at + record.lines]):
                record.reason = "encoding"
            yield self.line + at, record
            at += record.lines
        self.pending = b"".join([*raw[at:], rest, beyond])
        self.line += at

    def _empty(self, line: str) -> bool:
        return not stripped(line, self.dialect) or bool(self.dialect.comment and line.startswith(self.dialect.comment))


def _valid(raw: list[bytes]) -> bool:
    try:
        for line in raw:
            if not line.isascii():
                line.decode()
    except UnicodeDecodeError:
        return False
    return True


def first_record(lines: Lines) -> tuple[int, Record] | None:
    """Takes the first record (the header) off the stream; None when there is none. Looks at no more than it needs."""
    size = HEADER
    while not lines.done:
        before, line = lines.pending, lines.line
        found = next(iter(lines.careful(size)), None)
        if found:
            lines.pending, lines.line = before, line
            lines.skip(found[0] + found[1].lines - line)
            return found
        if size < len(before):
            size *= 2
        else:
            lines.more()
    return None


def read_blocks(lines: Lines, width: int, bad: list[BadRecord], fast: bool = True) -> Iterator[pa.RecordBatch]:
    """All the rows of `width` fields that follow, in order; every other record is bad. `fast` off: with care throughout."""
    if fast and lines.dialect.simple:
        yield from _blocks(lines, width, bad)
        return
    while not lines.done:
        lines.more()
        yield from _with_care(lines, len(lines.pending), width, bad)


Parsed = Future[tuple[pa.RecordBatch, list[BadRecord]] | None]
Pending = deque[tuple[csv_fast.Block, Parsed]]


def _blocks(lines: Lines, width: int, bad: list[BadRecord]) -> Iterator[pa.RecordBatch]:
    """Parses blocks side by side; one that is not plainly well formed goes back and is read with care."""
    queue: Pending = deque()
    with ThreadPoolExecutor(WORKERS) as pool:
        while True:
            while len(queue) <= WORKERS and (block := lines.take()):
                queue.append((block, _begun(pool, block, lines, width)))
            if not queue:
                if lines.done:
                    return
                yield from _with_care(lines, len(lines.pending), width, bad)
                continue
            block, future = queue.popleft()
            if parsed := future.result():
                bad += parsed[1]
                if parsed[0].num_rows:
                    yield parsed[0]
                continue
            lines.give_back([block, *(taken for taken, _ in queue)])
            queue.clear()
            yield from _with_care(lines, len(block.data), width, bad)


def _begun(pool: ThreadPoolExecutor, block: csv_fast.Block, lines: Lines, width: int) -> Parsed:
    """A small block is parsed at once: a thread costs more."""
    if len(block.data) >= ASIDE:
        return pool.submit(csv_fast.parse, block, lines.dialect, width)
    parsed: Parsed = Future()
    parsed.set_result(csv_fast.parse(block, lines.dialect, width))
    return parsed


def _with_care(lines: Lines, size: int, width: int, bad: list[BadRecord]) -> Iterator[pa.RecordBatch]:
    """The rows of the next `size` bytes; reads on when their last record does."""
    while size > 0 and not lines.done:
        before = len(lines.pending)
        yield from in_batches(_rows(lines.careful(size), width, bad), width, bad)
        used = before - len(lines.pending)
        if not used and size >= before:
            lines.more()
        size = size - used if used else size * 4


def _rows(records: Iterable[tuple[int, Record]], width: int, bad: list[BadRecord]) -> Iterator[Row]:
    for line, record in records:
        right = len(record.fields) == width or record.reason == "quotes"
        reason = record.reason if right else "fields"
        if reason:
            bad.append(BadRecord(line, reason))
        else:
            yield line, record.fields
