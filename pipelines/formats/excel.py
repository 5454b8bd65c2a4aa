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

from pipelines.formats.excel_cells import Grid, Header, find_header, read_sheet
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
        if zipped:
            guard(payload)
        grid = read_sheet(payload, options.sheet)
        header = find_header(grid, options.header_row, options.header_rows, options.join, options.columns)
        found: dict[str, Any] = {"sheet": grid.number, "header_row": header.row, "header_rows": header.rows}
        detected = {name: value for name, value in found.items() if getattr(options, name) is None}
        if options.columns is not None:
            detected = {name: value for name, value in detected.items() if name == "sheet"}
        # Always: its properties name an author, its sheet has a name, and comments, footers, choices and links are nobody's columns.
        return Table(header.names, shown(options, self.name, **detected), partial(_read, grid, header), extra=True, names=grid.names)


def _read(grid: Grid, header: Header, bad: list[BadRecord]) -> Iterator[pa.RecordBatch]:
    first, last = header.first, header.first + len(header.names)
    rows = ((number, cells[first:last]) for number, cells in grid.rows() if number > header.last_row)
    yield from in_batches(rows, len(header.names), bad)
