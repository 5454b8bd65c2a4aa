"""Lines → records of one CSV dialect, read with care: quotes, escapes, newlines inside fields, broken records.

Rules: a field that begins with the quote ends at a quote before a delimiter or line end; anything else breaks its record,
which then counts as that one line. A quote inside an unquoted field breaks it too (RFC 4180), unless the dialect takes
it for text: else `48"` and a lost delimiter would read as a wrong row. Where the dialect says so, a quote inside a quoted
field that nothing ends behind is text too (`"won"t"`), on the line on which the field begins. Empty lines are no records.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from pipelines.formats.table import Reason

LONGEST = 2**24          # characters of one record; beyond it an open quote is a broken one


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written. `quote` and `escape` may be empty; `eol` is the byte that ends its lines."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""          # beside doubled quotes
    comment: str = ""
    eol: bytes = b"\n"
    stray: bool = False       # quotes inside unquoted fields are text
    inner: bool = False       # and those inside quoted fields, where no delimiter and no line end follows

    @cached_property
    def simple(self) -> bool:
        """Whether whole-column readers understand it."""
        single = len(self.delimiter.encode()) == 1 and len(self.quote.encode()) <= 1
        return single and not self.escape and not self.comment

    @cached_property
    def closing(self) -> re.Pattern[str]:
        """From inside a quoted field to behind its closing quote."""
        quote, escape = re.escape(self.quote), re.escape(self.escape)
        escaped = f"|{escape}." if escape else ""
        return re.compile(f"(?:[^{quote}{escape}]++|{quote}{quote}{escaped})*+{quote}", re.DOTALL)

    @cached_property
    def loose(self) -> re.Pattern[str]:
        """The same where quotes inside are text: the closing quote is the first before a delimiter or the end."""
        quote, escape, delimiter = re.escape(self.quote), re.escape(self.escape), re.escape(self.delimiter)
        escaped, ends = f"|{escape}." if escape else "", f"(?={delimiter}|\\Z)"
        return re.compile(f"(?:[^{quote}{escape}]++|{quote}{quote}{escaped}|{quote}(?!{delimiter}|\\Z))*+{quote}{ends}", re.DOTALL)

    @cached_property
    def plain(self) -> re.Pattern[str]:
        """An unquoted field when there is an escape character."""
        escape, delimiter = re.escape(self.escape), re.escape(self.delimiter)
        return re.compile(f"(?:{escape}.|(?!{delimiter})[^{escape}])*+{escape}?", re.DOTALL)

    @cached_property
    def escaped(self) -> re.Pattern[str]:
        """The escape before what it can escape; elsewhere it is text (`C:\\temp`)."""
        meant = "|".join(re.escape(mark) for mark in (self.quote, self.escape, self.delimiter) if mark)
        return re.compile(f"{re.escape(self.escape)}({meant}|[\r\n])")


@dataclass
class Record:
    """Its fields, or why it is none; `lines` it took."""

    fields: list[str] = field(default_factory=list)
    lines: int = 1
    reason: Reason | None = None


def stripped(line: str, dialect: Dialect) -> str:
    """The line without its end: every `\\r` before the `\\n` belongs to it (CR CR LF exists)."""
    return line.removesuffix("\r") if dialect.eol == b"\r" else line.removesuffix("\n").rstrip("\r")


def read_record(lines: list[str], at: int, dialect: Dialect, final: bool) -> Record | None:
    """The record that begins at `lines[at]`; None when its end is not among the lines yet (never when `final`)."""
    line = stripped(lines[at], dialect)
    if not (dialect.quote and dialect.quote in line) and not (dialect.escape and dialect.escape in line):
        return Record(line.split(dialect.delimiter))
    return _Reader(lines, at, dialect).read(final)


class _Reader:
    """Reads one record that has quotes or escapes."""

    def __init__(self, lines: list[str], at: int, dialect: Dialect) -> None:
        self._lines, self._first, self._at, self._dialect = lines, at, at, dialect
        self._text = stripped(lines[at], dialect)
        self._pos = 0

    def read(self, final: bool) -> Record | None:
        fields: list[str] = []
        while True:
            quoted = bool(self._dialect.quote) and self._text.startswith(self._dialect.quote, self._pos)
            value = self._quoted() if quoted else self._plain()
            if value is None and not quoted:
                return Record(reason="quotes")
            if value is None:
                longest = len(self._lines) - self._first > 1 and self._length() > LONGEST
                return Record(reason="quotes") if final or longest else None
            fields.append(value)
            if self._pos >= len(self._text):
                return Record(fields, self._at - self._first + 1)
            if not self._text.startswith(self._dialect.delimiter, self._pos):
                return Record(reason="quotes")
            self._pos += len(self._dialect.delimiter)
            if self._pos == len(self._text):
                return Record([*fields, ""], self._at - self._first + 1)

    def _length(self) -> int:
        return sum(map(len, self._lines[self._first:]))

    def _quoted(self) -> str | None:
        """The field behind an opening quote, over as many lines as it takes; None when it does not close."""
        dialect, parts = self._dialect, []
        begin = self._pos + len(dialect.quote)
        if dialect.inner and (found := dialect.loose.match(self._text, begin)):
            self._pos = found.end()
            return self._unescaped(found[0][: -len(dialect.quote)].replace(dialect.quote * 2, dialect.quote))
        while not (found := dialect.closing.match(self._text, begin)):
            parts.append(self._lines[self._at][begin:])
            self._at, begin = self._at + 1, 0
            if self._at >= len(self._lines):
                return None
            self._text = stripped(self._lines[self._at], dialect)
        self._pos = found.end()
        text = "".join(parts) + found[0][: -len(dialect.quote)]
        return self._unescaped(text.replace(dialect.quote * 2, dialect.quote))

    def _plain(self) -> str | None:
        """An unquoted field; None when a quote breaks it."""
        dialect = self._dialect
        if dialect.escape:
            found = dialect.plain.match(self._text, self._pos)
            end = found.end() if found else len(self._text)
        else:
            end = self._text.find(dialect.delimiter, self._pos)
            end = len(self._text) if end < 0 else end
        text = self._text[self._pos:end]
        self._pos = end
        if dialect.quote and not dialect.stray and dialect.quote in self._without_escapes(text):
            return None
        return self._unescaped(text)

    def _without_escapes(self, text: str) -> str:
        escape = self._dialect.escape
        return self._dialect.escaped.sub("", text) if escape and escape in text else text

    def _unescaped(self, text: str) -> str:
        escape = self._dialect.escape
        return self._dialect.escaped.sub(r"\1", text) if escape and escape in text else text
