"""CSV and TSV: any delimiter, quoting, encoding and line end; with or without a header, title lines or comments."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from catalog.errors import BadInput
from pipelines.formats.csv_blocks import Lines, first_record, read_blocks
from pipelines.formats.csv_dialect import Sniffed, sniff
from pipelines.formats.encoding import Encoding, as_utf8, detect_encoding, utf16
from pipelines.formats.table import GUESS, SUFFIX, BadRecord, Format, Strict, Table, shown

CONTROLS = bytes([*range(1, 8), *range(14, 28)])     # and NUL: some files hold it


class CsvOptions(Strict):
    """What a contract may declare; the rest is detected."""

    encoding: Encoding | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=8)] | None = None
    quote: Annotated[str, Field(max_length=1)] | None = Field(default=None, description="'' when nothing is quoted")
    escape: Annotated[str, Field(max_length=1)] | None = Field(default=None, description="Beside doubled quotes; '' for none")
    stray_quotes: bool | None = Field(default=None, description="Quotes inside unquoted fields are text, and break no record")
    inner_quotes: bool | None = Field(default=None, description="Quotes inside quoted fields are text where no delimiter follows")
    comment: Annotated[str, Field(max_length=8)] = Field(default="", description="Lines that begin so are left out")
    header: bool = True
    columns: list[str] | None = Field(default=None, description="Headers of a file that has none")
    skip: Annotated[int, Field(ge=0)] | None = Field(default=None, description="Title lines before the header")


class Csv(Format):
    """Comma-separated values as RFC 4180 would have them, and as they are."""

    name = "csv"
    aliases = ("tsv",)
    Options = CsvOptions

    @classmethod
    def detect(cls, head: bytes, filename: str) -> int | None:
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        if start.startswith((b"<", b"%PDF", b"PK\x03\x04")) or (utf16(head) is None and len(head.translate(None, CONTROLS)) < len(head) * 0.98):
            return None
        return SUFFIX if filename.lower().endswith((".csv", ".tsv", ".tab", ".txt", ".ssv", ".psv")) else GUESS

    def open(self, payload: Path, options: CsvOptions, filename: str) -> Table:
        if (options.columns is not None) == options.header:
            raise BadInput("The declared format has both a header and columns, or neither.",
                           remedy="Declare columns exactly when header is false.")
        encoding = options.encoding or detect_encoding(payload)
        sniffed = sniff(as_utf8(payload, encoding, 2**18), options.model_dump(exclude_unset=True, exclude_none=True), filename)
        lines = Lines(as_utf8(payload, encoding), sniffed.dialect)
        lines.skip(sniffed.skip)
        columns = options.columns or _header(lines)
        detected: dict[str, Any] = dict(sniffed.detected)
        if options.encoding is None:
            detected["encoding"] = encoding
        read = partial(_read, payload, encoding, sniffed, options.columns is None, columns)
        return Table(columns, shown(options, self.name, **detected), read, extra=sniffed.skip > 0 or bool(options.comment))


def _header(lines: Lines) -> list[str]:
    found = first_record(lines)
    if found is None:
        raise BadInput("The file has no header.", remedy="Ask the source for a complete file, or declare header: false with columns.")
    line, record = found
    if record.reason:
        raise BadInput(f"The header in line {line} cannot be read ({record.reason}).", remedy="Declare format.skip, delimiter or encoding.")
    return [value.strip() for value in record.fields]


def _read(
    payload: Path, encoding: str, sniffed: Sniffed, header: bool, columns: list[str], bad: list[BadRecord]
) -> Iterator[pa.RecordBatch]:
    lines = Lines(as_utf8(payload, encoding), sniffed.dialect)
    lines.skip(sniffed.skip)
    if header:
        first_record(lines)
    for batch in read_blocks(lines, len(columns), bad):
        yield _headless(batch, columns, bad)


def _headless(batch: pa.RecordBatch, columns: list[str], bad: list[BadRecord]) -> pa.RecordBatch:
    """Without rows that say the header again, as files do that were put together from several: they are no rows, and named."""
    again = pc.equal(batch.column(0), columns[0]) if len(columns) > 1 and batch.num_rows else None
    if again is None or not pc.any(again).as_py():
        return batch
    for at, name in enumerate(columns[1:], 1):
        again = pc.and_(again, pc.equal(batch.column(at), name))
    bad += [BadRecord(line, "header") for line in batch.column(len(columns)).filter(again).to_pylist()]
    return batch.filter(pc.invert(again))
