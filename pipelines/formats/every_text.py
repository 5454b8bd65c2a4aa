"""Every text that a file holds, whether anybody declared it or not: cells, names, comments, properties, other sheets and tables.

For the secrecy cues alone, which are counted; nothing that is read here is kept. What is no container is read as text in the encodings
that it could be in.
"""

from __future__ import annotations

import codecs
import html
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.errors import BadInput
from pipelines.formats.arrow_text import as_text
from pipelines.formats.table import ROWS

BLOCK = 2**22
OVERLAP = 2**8                     # characters of a line without end that are read again with what follows
LIMIT = 2 * 2**30                  # unpacked bytes of a container: the guard of workbooks allows no more
# Elements that part the text of one cell or comment into runs of one look: without them a word is whole again.
RUN = re.compile(r"</?(?:\w+:)?(?:t|r|rPr|rFont|sz|color|b|i|u|s|a|span|strike|family|charset|scheme|vertAlign)(?:\s[^<>]*)?/?>")
ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[nrtbf/])")
LINE = re.compile(r"[\n\r\t]")
Cut = Callable[[str], tuple[list[str], str]]
Pieces = Generator[pa.Array, None, tuple[bool, bool]]
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"\xd0\xcf\x11\xe0")      # marks of UTF-16; old workbooks hold it
ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")


def every_text(payload: Path, cells: bool = True) -> Iterator[pa.Array]:
    """The file's texts as arrays of strings. Without `cells` the columns of a Parquet or Arrow file are left out.

    A container that does not open is read as plain bytes, and then raises BadInput: it was not seen whole.
    """
    with payload.open("rb") as handle:
        head = handle.read(8)
    inside = next((read for mark, read in CONTAINERS.items() if head.startswith(mark)), None)
    broken = False
    try:
        if inside is not None:
            yield from inside(payload, cells)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, sqlite3.Error, pa.ArrowException, OSError):
        broken = True
    if inside is None or broken or head.startswith(SQLITE):           # free pages keep deleted rows
        with payload.open("rb") as handle:
            yield from _plain(handle)
    if broken:
        raise BadInput("The file cannot be looked through as a whole.", remedy="Ask the source for a sound file.")


def _plain(handle: IO[bytes]) -> Iterator[pa.Array]:
    """Bytes as lines of text: UTF-8; what is not, GB18030 too; and UTF-16 from either byte where there are NULs."""
    wrong, wide = yield from _decoded(handle, "utf-8", 0, _lines)
    for encoding in ENCODINGS[1:2] if wrong else ():
        yield from _decoded(handle, encoding, 0, _lines)
    for encoding in ENCODINGS[2:] if wide else ():
        for shift in (0, 1):
            yield from _decoded(handle, encoding, shift, _lines)


def _decoded(handle: IO[bytes], encoding: str, shift: int, cut: Cut) -> Pieces:
    """Pieces of the text; gives back whether something did not decode, and whether there were NULs."""
    handle.seek(shift)
    decoder, rest, wrong, wide = codecs.getincrementaldecoder(encoding)("replace"), "", False, False
    while True:
        block = handle.read(BLOCK)
        text = rest + decoder.decode(block, final=not block)
        wrong, wide = wrong or "\ufffd" in text, wide or b"\0" in block or block.startswith(WIDE)
        pieces, rest = cut(text)
        yield _array(pieces)
        if not block:
            yield _array([rest])
            return wrong, wide


def _lines(text: str) -> tuple[list[str], str]:
    """Lines, and cells between tabs; what has no end yet is read again with what follows."""
    pieces = LINE.split(text)
    return (pieces[:-1], pieces[-1]) if len(pieces) > 1 else (pieces, text[-OVERLAP:])


def _elements(text: str) -> tuple[list[str], str]:
    """Tags with the text behind them; the last one is read again with what follows."""
    done, mark, begun = text.rpartition("<")
    if not mark or ">" in begun:
        done, mark, begun = text, "", ""
    pieces = RUN.sub("", done).split("<")
    return (pieces[:-1], f"<{pieces[-1]}{mark}{begun}") if len(pieces) > 1 else (pieces, text[-OVERLAP:])


def _array(pieces: list[str]) -> pa.Array:
    """The pieces, and once more as a reader of JSON or of XML has them."""
    read = [ESCAPE.sub(_character, piece) for piece in pieces if "\\" in piece] + [html.unescape(piece) for piece in pieces if "&" in piece]
    return pa.array([piece.encode("utf-8", "replace").decode() for piece in (*pieces, *read)], pa.string())


def _character(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else " "


def _zipped(payload: Path, cells: bool) -> Iterator[pa.Array]:
    """A workbook's parts: XML by its elements and attributes, everything else as bytes; and what the archive says of itself."""
    with zipfile.ZipFile(payload) as book:
        comments = [book.comment, *(item.comment for item in book.infolist())]
        yield _array([*(item.filename for item in book.infolist()), *(text.decode(name, "replace") for text in comments for name in ENCODINGS[:2])])
        if sum(item.file_size for item in book.infolist()) > LIMIT:
            raise ValueError("more than the guard allows")
        for item in book.infolist():
            with book.open(item) as part:
                if item.filename.lower().endswith((".xml", ".rels", ".vml")):
                    yield from _marked(part)
                else:
                    yield from _plain(part)


def _marked(part: IO[bytes]) -> Iterator[pa.Array]:
    head = part.read(2)
    encoding = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}.get(head, "utf-8")
    yield from _decoded(part, encoding, 0, _elements)


def _sqlite(payload: Path, cells: bool) -> Iterator[pa.Array]:
    """All statements of the schema with their comments, and all rows of all tables."""
    with closing(sqlite3.connect(f"{payload.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as base:
        base.text_factory = lambda data: data.decode("utf-8", "replace")
        base.execute("PRAGMA trusted_schema = OFF")
        kinds = base.execute("SELECT type, name, sql FROM sqlite_schema").fetchall()
        yield _array([str(text) for row in kinds for text in row[1:] if text])
        for kind, name, sql in kinds:
            if kind == "table" and not str(sql).upper().startswith("CREATE VIRTUAL"):     # what a module shows lies in tables of its own
                rows = base.execute('SELECT * FROM "' + name.replace('"', '""') + '"')
                while found := rows.fetchmany(ROWS // 10):
                    yield _array([cell if isinstance(cell, str) else cell.decode("utf-8", "replace") for row in found for cell in row
                                  if isinstance(cell, str | bytes)])


def _parquet(payload: Path, cells: bool) -> Iterator[pa.Array]:
    with pq.ParquetFile(payload) as file:
        yield from _said(file.schema_arrow, file.metadata.metadata)
        for batch in file.iter_batches(ROWS) if cells else ():
            yield from _cells(batch)


def _arrow(payload: Path, cells: bool) -> Iterator[pa.Array]:
    with pa.memory_map(str(payload)) as source:
        reader = pa.ipc.open_file(source)
        yield from _said(reader.schema, None)
        for at in range(reader.num_record_batches if cells else 0):
            yield from _cells(reader.get_batch(at))


def _cells(batch: pa.RecordBatch) -> Iterator[pa.Array]:
    for column in batch.columns:
        texts, _ = as_text(column)
        yield texts


def _said(schema: pa.Schema, more: dict[bytes, bytes] | None) -> Iterator[pa.Array]:
    """Names and metadata, of the file and of its columns."""
    about = [schema.metadata, more, *(field.metadata for field in schema)]
    yield _array([*schema.names, *(text.decode("utf-8", "replace") for one in about for pair in (one or {}).items() for text in pair)])


SQLITE = b"SQLite f"
CONTAINERS = {b"PK\x03\x04": _zipped, SQLITE: _sqlite, b"PAR1": _parquet, b"ARROW1\0\0": _arrow}
