"""JSON text read as a stream of elements, numbers kept as written; memory holds one element at a time.

Also how a JSON value becomes the text of a cell, and which columns a stream of objects has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from json.encoder import encode_basestring as quoted
from typing import Any

from catalog.errors import BadInput
from pipelines.formats.table import BadRecord, Reason, Row

LONGEST = 2**28                  # characters of one element
SPACE = re.compile(r"[ \t\r\n]*")
TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)


class Number(str):
    """A number as it is written in the file."""

    __slots__ = ()


class Repeated(dict[str, Any]):
    """An object in which a key stands twice: which value is meant, nobody knows."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeated(found)


DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Number, parse_int=Number, parse_constant=Number, strict=False
)
KEYS = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number, strict=False)     # faster: for looking at keys


def broken() -> BadInput:
    return BadInput("The JSON text is broken.", remedy="Ask the source for a complete file.")


class Reader:
    """A cursor over JSON text that comes in chunks."""

    def __init__(self, chunks: Iterable[str], decoder: json.JSONDecoder = DECODER) -> None:
        self._chunks, self._decoder, self._text, self._pos, self._final = iter(chunks), decoder, "", 0, False

    def _more(self) -> None:
        chunk = next(self._chunks, None)
        self._final = chunk is None
        if len(self._text) - self._pos > LONGEST:
            raise BadInput("An element of the JSON text is too long.", remedy="Ask the source for smaller elements.")
        self._text, self._pos = self._text[self._pos:] + (chunk or ""), 0

    def peek(self) -> str:
        """The next character that is no space, or '' at the end."""
        while True:
            self._pos = SPACE.match(self._text, self._pos).end()     # type: ignore[union-attr]  # matches always
            if self._pos < len(self._text):
                return self._text[self._pos]
            if self._final:
                return ""
            self._more()

    def take(self, expected: str) -> bool:
        """Consumes the next character when it is the expected one."""
        if self.peek() != expected:
            return False
        self._pos += 1
        return True

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                found, end = self._decoder.raw_decode(self._text, self._pos)
            except (json.JSONDecodeError, RecursionError) as error:
                if self._final or isinstance(error, RecursionError):
                    raise broken() from None
            else:
                goes_on = isinstance(found, Number) and self._text[end:end + 1] in ".eE"      # or '': the chunk ends
                if not goes_on or self._final:
                    self._pos = end
                    return found
            self._more()

    def skip(self) -> None:
        """Passes the next value without building it."""
        if self.peek() not in ("{", "["):
            self.value()
            return
        depth = 0
        while True:
            found = TOKEN.search(self._text, self._pos)
            rest = self._text.find('"', self._pos, found.start() if found else len(self._text))
            if found is None or rest >= 0:
                self._pos = rest if rest >= 0 else len(self._text)
                if self._final:
                    raise broken()
                self._more()
                continue
            self._pos = found.end()
            depth += (found[0] in "{[") - (found[0] in "}]")
            if not depth:
                return

    def members(self) -> Iterator[str]:
        """The keys of the object that comes; the caller takes or skips each value."""
        if not self.take("{"):
            raise broken()
        if self.take("}"):
            return
        while True:
            key = self.value()
            if not isinstance(key, str) or not self.take(":"):
                raise broken()
            yield key
            if not self.take(","):
                break
        if not self.take("}"):
            raise broken()

    def elements(self) -> Iterator[Any]:
        """The elements of the array that comes."""
        if not self.take("["):
            raise broken()
        if self.take("]"):
            return
        while True:
            yield self.value()
            if not self.take(","):
                break
        if not self.take("]"):
            raise broken()


def cell(value: Any) -> str | None:
    """A value as the text of a cell: null is absent, text and numbers as written, the rest compact JSON."""
    return value if value is None or isinstance(value, str) else compact(value)


def compact(value: Any) -> str:
    """JSON without spaces; numbers as written."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{quoted(key)}:{compact(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    return {None: "null", True: "true", False: "false"}[value]


def flat(item: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested objects as dotted names; arrays stay whole."""
    found: dict[str, Any] = {}
    for key, value in item.items():
        if isinstance(value, dict) and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return Repeated(found) if isinstance(item, Repeated) else found


def wrong(item: Any) -> Reason | None:
    """Why an element is no row."""
    if not isinstance(item, dict):
        return "object"
    return "keys" if isinstance(item, Repeated) else None


def columns_of(items: Iterable[Any]) -> list[str]:
    """Every key of every object, in order of first appearance. Reads the whole stream: an unknown key must not hide."""
    columns: dict[str, None] = {}
    known: set[tuple[str, ...]] = set()
    for item in items:
        if isinstance(item, dict) and (keys := tuple(item)) not in known:
            known.add(keys)
            columns |= dict.fromkeys(keys)
    return list(columns)


def rows_of(numbered: Iterable[tuple[int, Any]], columns: list[str], bad: list[BadRecord]) -> Iterator[Row]:
    """Objects as rows; what is no object is bad."""
    for line, item in numbered:
        if reason := wrong(item):
            bad.append(BadRecord(line, reason))
        else:
            yield line, [cell(item.get(column)) for column in columns]


Items = Callable[[], Iterator[tuple[int, Any]]]
