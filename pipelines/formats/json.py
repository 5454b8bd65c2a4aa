"""JSON: an array of objects, or such an array under a path of keys; `_source_line` is the element's number."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from json import JSONDecoder
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import Field

from catalog.errors import BadInput
from pipelines.formats.encoding import Encoding, as_text, detect_encoding
from pipelines.formats.json_stream import DECODER, KEYS, Reader, columns_of, flat, rows_of
from pipelines.formats.table import CONTENT, SUFFIX, BadRecord, Format, Strict, Table, in_batches, shown


class JsonOptions(Strict):
    """What a contract may declare; the rest is detected."""

    encoding: Encoding | None = None
    path: str | None = Field(default=None, description="Dotted keys that lead to the array; '' when it is the whole file")
    flatten: bool = Field(default=False, description="Nested objects become dotted columns instead of JSON text")


class Json(Format):
    """RFC 8259 text holding an array of objects."""

    name = "json"
    Options = JsonOptions

    @classmethod
    def detect(cls, head: bytes, filename: str) -> int | None:
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        if start[:1] not in (b"[", b"{"):
            return None
        if b'"FeatureCollection"' in head or filename.lower().endswith((".jsonl", ".ndjson", ".geojson")):
            return None
        objects = start[:1] == b"[" and start[1:].lstrip()[:1] == b"{"
        return CONTENT if objects or filename.lower().endswith(".json") else SUFFIX

    def open(self, payload: Path, options: JsonOptions, filename: str) -> Table:
        encoding = options.encoding or detect_encoding(payload)
        path, place, others = _path(payload, encoding, options.path)
        detected: dict[str, Any] = {} if options.encoding else {"encoding": encoding}
        if options.path is None:
            detected["path"] = f"key {place}" if place else ""
        items = partial(_items, payload, encoding, path, options.flatten)
        columns = columns_of(item for _, item in items(KEYS))
        return Table(columns, shown(options, self.name, **detected), partial(_read, items, columns), extra=others)


def _read(items: Any, columns: list[str], bad: list[BadRecord]) -> Iterator[pa.RecordBatch]:
    yield from in_batches(rows_of(items(), columns, bad), len(columns), bad)


def _path(payload: Path, encoding: str, declared: str | None) -> tuple[list[str], int, bool]:
    """The keys that lead to the array, the place of a key that was found (its name stays here), and whether more is beside."""
    reader = Reader(as_text(payload, encoding))
    if reader.peek() == "[":
        return [], 0, False
    if declared is not None:
        return [key for key in declared.split(".") if key], 0, True
    found = []
    count = 0
    for count, key in enumerate(reader.members(), 1):
        if reader.peek() == "[":
            found.append((key, count))
        reader.skip()
    if len(found) != 1:
        raise BadInput("The JSON text is no array and does not hold exactly one.", remedy="Declare format.path in the contract.")
    return [found[0][0]], found[0][1], count > 1


def _items(
    payload: Path, encoding: str, path: list[str], flatten: bool, decoder: JSONDecoder = DECODER
) -> Iterator[tuple[int, Any]]:
    reader = Reader(as_text(payload, encoding), decoder)
    for number, item in enumerate(_elements(reader, path), 1):
        yield number, flat(item) if flatten and isinstance(item, dict) else item
    if not path and reader.peek():
        raise BadInput("Something follows the end of the JSON array.", remedy="Ask the source for one array, or declare format.name: jsonl.")


def _elements(reader: Reader, path: list[str]) -> Iterator[Any]:
    """Walks to the array, yields its elements, then walks on to the end, so that a truncated file is noticed."""
    if not path:
        yield from reader.elements()
        return
    found = False
    for key in reader.members():
        if key == path[0] and not found:
            found = True
            yield from _elements(reader, path[1:])
        else:
            reader.skip()
    if not found:
        raise BadInput("The declared path does not exist in the JSON text.", remedy="Correct format.path in the contract.")
