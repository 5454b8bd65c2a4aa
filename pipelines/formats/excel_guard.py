"""What must hold before a spreadsheet is opened: the reader loads whole sheets, and one stray cell can span 17 thousand million.

Sizes that an archive declares are limited, proved by reading it through, and the extent of every sheet is counted first.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.parsers import expat

from catalog.errors import BadInput

UNPACKED, RATIO = 2 * 2**30, 200        # bytes; unpacked to packed
SMALL = 2**20                           # below it the ratio does not matter
CELLS = 40_000_000                      # about 1.3 GB in the reader
CELL = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*>')
WIDE = re.compile(rb'\br="([A-Z]{2,3})\d{1,7}"')
ROW = re.compile(rb'<(?:\w+:)?row\s[^>]*?\br="(\d{1,7})"')


def guard(path: Path) -> None:
    """Checks a zipped workbook; raises BadInput."""
    try:
        with zipfile.ZipFile(path) as book:
            _check_sizes(book)
            for item in book.infolist():
                _check_member(book, item)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error, ValueError,
            expat.ExpatError):
        raise BadInput("The workbook is broken, encrypted or unfinished.", remedy="Ask the source for a sound file.") from None


def _check_sizes(book: zipfile.ZipFile) -> None:
    items = book.infolist()
    total, packed = sum(item.file_size for item in items), sum(item.compress_size for item in items)
    if total > UNPACKED or (total > SMALL and total > packed * RATIO):
        raise BadInput("The workbook unpacks to more than is allowed.", remedy="Ask the source for CSV or Parquet.")
    if len({item.filename for item in items}) != len(items):
        raise BadInput("The workbook holds a part twice.", remedy="Ask the source for a sound file.")


def _check_member(book: zipfile.ZipFile, item: zipfile.ZipInfo) -> None:
    """Reads the member through: its declared size and checksum are proved on the way."""
    with book.open(item) as handle:
        if re.search(r"worksheets/[^/]*\.xml$", item.filename):
            cells = _extent(_windows(handle))
            if cells > CELLS:
                with book.open(item) as again:
                    cells = _filled_extent(_windows(again))
        elif item.filename == "content.xml":
            cells = _ods_extent(handle)
        else:
            cells = 0
            while handle.read(2**20):
                pass
    if cells > CELLS:
        raise BadInput("A sheet of the workbook spans too many cells.", remedy="Remove stray cells far from the table, or ask for CSV.")


def _windows(handle: IO[bytes]) -> Iterator[bytes]:
    """Chunks cut behind a tag's end, so that no tag is split."""
    rest = b""
    while chunk := handle.read(2**20):
        data = rest + chunk
        end = data.rfind(b">") + 1
        rest = data[end:]
        yield data[:end]
    yield rest


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _extent(windows: Iterator[bytes]) -> int:
    """An upper bound of width times height, quickly."""
    wide: set[bytes] = set()
    height = 1
    for window in windows:
        wide.update(WIDE.findall(window))
        height = max([height, *map(int, set(ROW.findall(window)))])
    return height * max([26, *map(_column, wide)])


def _filled_extent(windows: Iterator[bytes]) -> int:
    """Width times height of the cells that are not empty (an empty one is a tag that closes itself)."""
    width = height = 1
    for window in windows:
        for found in CELL.finditer(window):
            if not found[0].endswith(b"/>"):
                width, height = max(width, _column(found[1])), max(height, int(found[2]))
    return width * height


class _Extent:
    """Width times height of the largest table of an OpenDocument text, with its repeated cells and rows."""

    def __init__(self) -> None:
        self.cells = 0
        self._height = self._width = self._repeat = self._column = self._last = self._rows = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table:table":
            self._height = self._width = self._rows = 0
        elif tag == "table:table-row":
            self._repeat = int(attributes.get("table:number-rows-repeated", 1))
            self._column = self._last = 0
        elif tag in ("table:table-cell", "table:covered-table-cell"):
            self._column += int(attributes.get("table:number-columns-repeated", 1))
            if "office:value-type" in attributes:
                self._last = self._column

    def end(self, tag: str) -> None:
        if tag == "table:table-row":
            self._rows += self._repeat
            if self._last:
                self._width, self._height = max(self._width, self._last), self._rows
                self.cells = max(self.cells, self._width * self._height)


def _ods_extent(handle: IO[bytes]) -> int:
    extent, parser = _Extent(), expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = extent.start, extent.end
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.ParseFile(handle)
    return extent.cells


def _no_doctype(*_: object) -> None:
    raise BadInput("The workbook declares XML entities.", remedy="Ask the source for a sound file.")
