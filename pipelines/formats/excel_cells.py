"""Cells of a sheet as text, and where its header stands: title rows above it, merged header rows joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from catalog.errors import BadInput

TOP = 30                 # rows among which the header is looked for
Merged = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Grid:
    """A sheet: its rows as they come, its merged ranges, and which columns hold a time of day."""

    raw: Callable[[], Iterator[list[Any]]]
    merged: tuple[Merged, ...]
    first: int               # first and behind the last column that is not empty, from 0
    last: int
    timed: frozenset[int]

    def rows(self) -> Iterator[tuple[int, list[str | None]]]:
        """Row number from 1 and cells as text, without empty rows."""
        for number, row in enumerate(self.raw(), 1):
            if any(value != "" for value in row):
                yield number, [as_text(value, at in self.timed) for at, value in enumerate(row)]


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


def grid_of(sheet: Any) -> Grid:
    """Looks through a sheet once: its true extent (formatted empty cells do not count)."""
    filled: set[int] = set()
    timed: set[int] = set()
    for row in sheet.iter_rows():
        for at, value in enumerate(row):
            if value != "":
                filled.add(at)
                if type(value) is datetime:
                    timed.add(at)
    merged = tuple(sheet.merged_cell_ranges or ())
    if not filled:
        raise BadInput("The sheet is empty.", remedy="Declare format.sheet in the contract, or ask for a complete file.")
    return Grid(sheet.iter_rows, merged, min(filled), max(filled) + 1, frozenset(timed))


def as_text(value: Any, timed: bool) -> str | None:
    """A cell as a person reads it. `timed`: other cells of its column have a time of day."""
    if value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date):
        return f"{value.isoformat()} 00:00:00" if timed else value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    return value.isoformat() if isinstance(value, time) else str(value)


def _number(value: float) -> str:
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else text


def _duration(value: timedelta) -> str:
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


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


def _first_row(grid: Grid, top: list[tuple[int, list[str | None]]]) -> int:
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
