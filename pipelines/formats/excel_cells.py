"""A sheet's rows as they come from the reading process, and where its header stands: titles above it, merged rows joined."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from catalog.errors import BadInput
from pipelines.formats import excel_child

TOP = 30                 # rows among which the header is looked for
MEMORY, SECONDS = 4 * 2**30, 300         # that the reading process may take
Merged = tuple[tuple[int, int], tuple[int, int]]
Row = tuple[int, list[str | None]]


@dataclass(frozen=True)
class Grid:
    """One sheet, kept in a nameless file: its number, the names of all, its merged ranges, its first and last filled column."""

    number: int
    sheets: int
    merged: tuple[Merged, ...]
    first: int               # from 0
    last: int                # behind the last one
    lines: IO[bytes]
    start: int
    names: tuple[str, ...] = ()

    def rows(self) -> Iterator[Row]:
        """Row number from 1 and cells as text, without empty rows."""
        at = self.start
        while True:
            self.lines.seek(at)
            lines = self.lines.readlines(2**20)
            at = self.lines.tell()
            if not lines:
                return
            for number, cells in map(json.loads, lines):
                yield number, cells + [None] * (self.last - len(cells))


@dataclass(frozen=True)
class Header:
    """The header's first row, how many rows it has, the joined names, and the first column of the table."""

    row: int
    rows: int
    names: list[str]
    first: int
    titles: bool

    @property
    def last_row(self) -> int:
        return self.row + self.rows - 1


def read_sheet(payload: Path, sheet: str | int | None) -> Grid:
    """The declared sheet, or the only one that is shown and filled. Raises BadInput."""
    lines = _nameless(payload.parent)
    request = {"path": str(payload), "sheet": sheet, "memory": MEMORY, "seconds": SECONDS}
    try:
        done = subprocess.run([sys.executable, "-I", excel_child.__file__], input=json.dumps(request).encode(), stdout=lines,
                              stderr=subprocess.DEVNULL, timeout=2 * SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise BadInput("The workbook takes too long to read.", remedy="Ask the source for CSV or Parquet.") from None
    if done.returncode:
        raise BadInput("The workbook cannot be read: it is broken, encrypted, too large or of another kind.",
                       remedy="Ask the source for a sound xlsx, xls or ods file.")
    lines.seek(0)
    found = json.loads(lines.readline())
    if "number" not in found:
        raise _unchosen(found)
    extent = json.loads(lines.readline())
    if not extent["last"]:
        raise BadInput("The sheet is empty.", remedy="Declare format.sheet in the contract, or ask for a complete file.")
    merged = tuple((tuple(begin), tuple(end)) for begin, end in extent["merged"])
    return Grid(found["number"], found["sheets"], merged, extent["first"], extent["last"], lines, lines.tell(), tuple(found["names"]))


def _nameless(folder: Path) -> IO[bytes]:
    """A file without a name beside the payload: a kill leaves nothing of it."""
    try:
        return tempfile.TemporaryFile(dir=folder)
    except OSError:
        return tempfile.TemporaryFile()


def _unchosen(found: dict[str, Any]) -> BadInput:
    if "filled" not in found:
        return BadInput("The declared sheet is not in the workbook.", remedy="Correct format.sheet in the contract.")
    many = f"Sheets {', '.join(map(str, found['filled']))} of the workbook hold data." if found["filled"] else "The workbook is empty."
    return BadInput(many, remedy="Declare format.sheet in the contract.")


def find_header(grid: Grid, row: int | None, rows: int | None, join: str, columns: list[str] | None) -> Header:
    """The header as declared, or found: the first row that is no title, with the row below it when it is merged across."""
    if columns is not None:
        return _without(grid, row, columns)
    top = list(islice(grid.rows(), TOP))
    at = row if row is not None else _first_row(grid, top)
    count = rows if rows is not None else _depth(grid, at)
    cells = dict(top) if at + count <= (top[-1][0] if top else 0) + 1 else dict(islice(grid.rows(), at + count))
    if not any(number >= at for number in cells):
        raise BadInput("The sheet has no header where it is declared.", remedy="Correct format.header_row in the contract.")
    levels = [cells.get(at + level, [None] * grid.last) for level in range(count)]
    names = [_joined(grid, levels, at, column, join) for column in range(grid.first, grid.last)]
    return Header(at, count, names, grid.first, bool(top) and top[0][0] < at)


def _without(grid: Grid, row: int | None, columns: list[str]) -> Header:
    if len(columns) != grid.last - grid.first:
        raise BadInput(f"The sheet has {grid.last - grid.first} columns, the contract declares {len(columns)}.",
                       remedy="Correct format.columns in the contract.")
    first = row or 1
    return Header(first, 0, columns, grid.first, first > 1)


def _first_row(grid: Grid, top: list[Row]) -> int:
    """The first row with more in it than a title: titles fill one cell, or two beside many columns."""
    width = grid.last - grid.first
    allowed = 2 if width >= 5 else 1
    for number, cells in top:
        if width == 1 or sum(value is not None for value in cells) > allowed or _spans(grid, number):
            return number
    return top[0][0]


def _spans(grid: Grid, row: int) -> list[Merged]:
    """Merged ranges of this row that cover several, but not all, columns."""
    width = grid.last - grid.first
    return [((top, left), (bottom, right)) for (top, left), (bottom, right) in grid.merged
            if top == row - 1 == bottom and 1 < right - left + 1 < width]


def _depth(grid: Grid, row: int) -> int:
    """Rows of the header: one more below a row with cells merged across, or as many as its cells are merged down."""
    down = [bottom - top + 1 for (top, _), (bottom, _) in grid.merged if top == row - 1]
    return min(5, max([2 if _spans(grid, row) else 1, *down]))


def _joined(grid: Grid, levels: list[list[str | None]], row: int, column: int, join: str) -> str:
    """The parts of one column's header from the top: a merged range speaks for all the cells it covers."""
    parts: list[str] = []
    for level, cells in enumerate(levels):
        text = (_covering(grid, levels, row, row - 1 + level, column) or cells[column] or "").strip()
        if not text and level < len(levels) - 1:
            text = _to_the_left(grid, levels, level, column)
        if text and (not parts or parts[-1] != text):
            parts.append(text)
    return join.join(parts)


def _covering(grid: Grid, levels: list[list[str | None]], row: int, at: int, column: int) -> str | None:
    for (top, left), (bottom, right) in grid.merged:
        if top <= at <= bottom and left <= column <= right and top >= row - 1 and top - row + 1 < len(levels):
            return levels[top - row + 1][left]
    return None


def _to_the_left(grid: Grid, levels: list[list[str | None]], level: int, column: int) -> str:
    """In files without merged ranges an empty upper cell belongs to the one on its left, when a cell below needs it."""
    if grid.merged or not levels[level + 1][column]:
        return ""
    return next((text.strip() for text in reversed(levels[level][: column + 1]) if text), "")
