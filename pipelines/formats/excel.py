"""Spreadsheets: xlsx, xls, ods. One sheet is the table: its title rows, its header of one or more rows, its rows.

Values read as a person reads them: 330300, not 330300.0; dates in ISO form. Empty rows are none.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import Field

from catalog.errors import BadInput
from pipelines.formats.excel_cells import Grid, Header, find_header, grid_of
from pipelines.formats.excel_guard import guard
from pipelines.formats.table import MAGIC, BadRecord, Format, Strict, Table, in_batches, shown

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SUFFIXES = (".xlsx", ".xlsm", ".xls", ".ods")


class ExcelOptions(Strict):
    """What a contract may declare; the rest is detected. Rows and sheets count from 1."""

    sheet: str | Annotated[int, Field(ge=1)] | None = None
    header_row: Annotated[int, Field(ge=1)] | None = Field(default=None, description="First row of the header; what is above is title")
    header_rows: Annotated[int, Field(ge=1, le=5)] | None = Field(default=None, description="Rows of a merged header")
    join: Literal["_", "/", " "] = Field(default="_", description="Between the parts of a merged header")
    columns: list[str] | None = Field(default=None, description="Headers of a sheet that has none")


class Excel(Format):
    """One sheet of a workbook."""

    name = "excel"
    aliases = ("xlsx", "xls", "ods")
    Options = ExcelOptions

    @classmethod
    def detect(cls, head: bytes, filename: str) -> int | None:
        if head.startswith(OLE):
            return MAGIC
        known = b"xl/" in head or b"spreadsheet" in head or b"[Content_Types].xml" in head or filename.lower().endswith(SUFFIXES)
        return MAGIC if head.startswith(ZIP) and known else None

    def open(self, payload: Path, options: ExcelOptions, filename: str) -> Table:
        with payload.open("rb") as handle:
            zipped = handle.read(4) == ZIP
        beside = guard(payload) if zipped else False
        grid, number, others = _sheet(payload, options.sheet)
        header = find_header(grid, options.header_row, options.header_rows, options.join, options.columns)
        found: dict[str, Any] = {"sheet": number, "header_row": header.row, "header_rows": header.rows}
        detected = {name: value for name, value in found.items() if getattr(options, name) is None}
        if options.columns is not None:
            detected = {name: value for name, value in detected.items() if name == "sheet"}
        extra = beside or others or header.titles
        return Table(header.names, shown(options, self.name, **detected), partial(_read, grid, header), extra=extra)


def _read(grid: Grid, header: Header, bad: list[BadRecord]) -> Iterator[pa.RecordBatch]:
    first, last = header.first, header.first + len(header.names)
    rows = ((number, cells[first:last]) for number, cells in grid.rows() if number > header.last_row)
    yield from in_batches(rows, len(header.names), bad)


def _sheet(payload: Path, declared: str | int | None) -> tuple[Grid, int, bool]:
    """The sheet's cells, its number, and whether other sheets are there."""
    import python_calamine as calamine

    try:
        book = calamine.load_workbook(str(payload))
        names = list(book.sheet_names)
        number = _number(book, names, declared)
        return grid_of(book.get_sheet_by_index(number - 1)), number, len(names) > 1
    except (calamine.CalamineError, OSError, ValueError):
        raise BadInput("The workbook cannot be read: it is broken, encrypted or of another kind.",
                       remedy="Ask the source for a sound xlsx, xls or ods file.") from None


def _number(book: Any, names: list[str], declared: str | int | None) -> int:
    if isinstance(declared, str):
        if declared not in names:
            raise BadInput("The declared sheet is not in the workbook.", remedy="Correct format.sheet in the contract.")
        return names.index(declared) + 1
    if declared is not None:
        if declared > len(names):
            raise BadInput(f"The workbook has no sheet {declared}.", remedy="Correct format.sheet in the contract.")
        return declared
    filled = [at + 1 for at, about in enumerate(book.sheets_metadata) if _filled(book, at, about)]
    if len(filled) != 1:
        many = f"Sheets {', '.join(map(str, filled))} of the workbook hold data." if filled else "The workbook is empty."
        raise BadInput(many, remedy="Declare format.sheet in the contract.")
    return filled[0]


def _filled(book: Any, at: int, about: Any) -> bool:
    """Whether this is a sheet of cells that is shown and not empty."""
    if "WorkSheet" not in str(about.typ) or "Visible" not in str(about.visible):
        return False
    return bool(book.get_sheet_by_index(at).height)
