"""JSON Lines: one object a line; a line that is none is a bad record, and the others stay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import Field

from pipelines.formats.encoding import Encoding, as_utf8, detect_encoding
from pipelines.formats.json_stream import DECODER, KEYS, columns_of, flat, rows_of
from pipelines.formats.table import CONTENT, BadRecord, Format, Reason, Strict, Table, in_batches, shown


class JsonLinesOptions(Strict):
    """What a contract may declare; the rest is detected."""

    encoding: Encoding | None = None
    flatten: bool = Field(default=False, description="Nested objects become dotted columns instead of JSON text")


class JsonLines(Format):
    """One JSON object a line (jsonlines.org, NDJSON)."""

    name = "jsonl"
    aliases = ("ndjson",)
    Options = JsonLinesOptions

    @classmethod
    def detect(cls, head: bytes, filename: str) -> int | None:
        if filename.lower().endswith((".jsonl", ".ndjson")):
            return CONTENT
        lines = head.lstrip(b"\xef\xbb\xbf \t\r\n").splitlines()
        if len(lines) < 2 or not (lines[0].startswith(b"{") and lines[1].lstrip().startswith(b"{")):
            return None
        try:
            json.loads(lines[0])
        except ValueError:
            return None
        return CONTENT

    def open(self, payload: Path, options: JsonLinesOptions, filename: str) -> Table:
        encoding = options.encoding or detect_encoding(payload)
        items = partial(_items, payload, encoding, options.flatten)
        columns = columns_of(item for _, item, _ in items(KEYS))
        detected: dict[str, Any] = {} if options.encoding else {"encoding": encoding}
        return Table(columns, shown(options, self.name, **detected), partial(_read, items, columns))


def _read(items: Any, columns: list[str], bad: list[BadRecord]) -> Iterator[pa.RecordBatch]:
    yield from in_batches(rows_of(_good(items(), bad), columns, bad), len(columns), bad)


def _good(items: Iterator[tuple[int, Any, Reason | None]], bad: list[BadRecord]) -> Iterator[tuple[int, Any]]:
    for line, item, reason in items:
        if reason:
            bad.append(BadRecord(line, reason))
        else:
            yield line, item


def _items(payload: Path, encoding: str, flatten: bool, decoder: json.JSONDecoder = DECODER) -> Iterator[tuple[int, Any, Reason | None]]:
    """Line number, object, and why it is none."""
    for number, line in enumerate(_lines(as_utf8(payload, encoding)), 1):
        if not line.strip():
            continue
        try:
            item = decoder.decode(line.decode())
            yield number, flat(item) if flatten and isinstance(item, dict) else item, None
        except UnicodeDecodeError:
            yield number, None, "encoding"
        except (ValueError, RecursionError):
            yield number, None, "json"


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    yield rest
