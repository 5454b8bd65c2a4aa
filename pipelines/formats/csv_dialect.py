"""Which dialect a CSV file is in, from its first lines: line end, delimiter, quote, escape, title lines.

A delimiter is good when most records have the same number of fields as the header.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from catalog.errors import BadInput
from pipelines.formats.csv_records import Dialect, read_record, stripped

SAMPLE = 2**18
RECORDS = 500
WEAK = (":", " ")         # they stand in ordinary text too
DELIMITERS = (",", ", ", "\t", ";", "|", "^", "~", "，", "\x1f", "\x01", ":", " ")


@dataclass(frozen=True)
class Sniffed:
    """The dialect in effect, the lines before the header, and which options were detected."""

    dialect: Dialect
    skip: int
    detected: Mapping[str, Any]


@dataclass(frozen=True)
class _Tried:
    dialect: Dialect
    titles: int
    share: float             # of the records that have the usual number of fields
    score: float


def sniff(chunks: Iterable[bytes], declared: Mapping[str, Any], filename: str) -> Sniffed:
    """Completes what is declared from the first chunk of text."""
    raw = next(iter(chunks), b"")
    end = _line_end(raw)
    text = raw.decode("utf-8", "surrogateescape")
    eol = "\r" if end == "cr" else "\n"
    whole = len(raw) < SAMPLE
    lines = [line + eol for line in text.split(eol)]
    lines = lines[: max(1, len(lines) - (0 if whole else 1))][declared.get("skip") or 0:]
    best = max((_try(dialect, lines) for dialect in _dialects(declared, lines, eol.encode(), filename)), key=lambda tried: tried.score)
    if best.share < 0.5 and "delimiter" not in declared:
        raise BadInput("No delimiter fits the lines of the file.", remedy="Declare format.delimiter in the contract.")
    skip = declared["skip"] if "skip" in declared else (best.titles if declared.get("header", True) else 0)
    found = {"delimiter": best.dialect.delimiter, "quote": best.dialect.quote, "escape": best.dialect.escape, "line_end": end, "skip": skip,
             "stray_quotes": best.dialect.stray, "inner_quotes": best.dialect.inner}
    return Sniffed(best.dialect, skip, {name: value for name, value in found.items() if name not in declared})


def _line_end(raw: bytes) -> str:
    """The line end that most lines have; `cr` only when there is no other."""
    feeds = raw.count(b"\n")
    if not feeds:
        return "cr" if b"\r" in raw else "lf"
    double, single = raw.count(b"\r\r\n"), raw.count(b"\r\n")
    if double * 2 > feeds:
        return "crcrlf"
    return "crlf" if single * 2 > feeds else "lf"


def _dialects(declared: Mapping[str, Any], lines: list[str], eol: bytes, filename: str) -> Iterable[Dialect]:
    """The dialects that the sample shows signs of."""
    text = "".join(lines[:RECORDS])
    delimiters = [declared["delimiter"]] if "delimiter" in declared else [mark for mark in DELIMITERS if mark == "," or mark in text]
    quotes = [declared["quote"]] if "quote" in declared else ['"', *(["'"] if _quoted(text, "'") else []), *([""] if '"' in text else [])]
    for delimiter in delimiters:
        for quote in quotes:
            used = "\\" + quote in text and quote
            for escape in [declared["escape"]] if "escape" in declared else ["", "\\"] if used else [""]:
                # An apostrophe is a letter as well.
                stray, inner = (declared.get(name, quote == "'") for name in ("stray_quotes", "inner_quotes"))
                yield Dialect(delimiter, quote, escape, declared.get("comment", ""), eol, stray, inner)


def _quoted(text: str, quote: str) -> bool:
    """Whether fields begin and end with this quote."""
    return bool(re.search(f"(?:^|[,;|\t ]){quote}[^{quote}\n]*{quote}(?:[,;|\t ]|\r?$)", text, re.MULTILINE))


def _try(dialect: Dialect, lines: list[str]) -> _Tried:
    """Reads the sample in one dialect: its score falls with ragged and broken records, and rises a little with fields."""
    rows: list[tuple[int, list[str]]] = []
    at = 0
    while at < len(lines) and len(rows) < RECORDS:
        if not stripped(lines[at], dialect) or (dialect.comment and lines[at].startswith(dialect.comment)):
            at += 1
            continue
        record = read_record(lines, at, dialect, True)
        assert record is not None
        rows.append((at, [] if record.reason else record.fields))
        at += record.lines
    return _judge(dialect, rows)


def _judge(dialect: Dialect, rows: list[tuple[int, list[str]]]) -> _Tried:
    counts = [len(fields) for _, fields in rows]
    if not counts:
        return _Tried(dialect, 0, 1.0, 0.0)
    usual = Counter(counts).most_common(1)[0][0]
    titles = 0 if dialect.delimiter in WEAK else _titles(rows, usual)
    share = sum(count == usual for count in counts[titles:]) / len(counts[titles:])
    headed = counts[titles] == usual
    if usual <= 1 or (dialect.delimiter in WEAK and (usual < 3 or share < 0.95 or not headed)):
        return _Tried(dialect, 0, share, (0.05 * share if usual == 1 else 0.0) + _tie(dialect))
    fit = share * (1.0 if headed else 0.7) * (0.8 if titles else 1.0) * (0.9 + 0.01 * min(usual, 10))
    return _Tried(dialect, rows[titles][0] if titles else 0, share, fit + _tie(dialect))


def _titles(rows: list[tuple[int, list[str]]], usual: int) -> int:
    """How many records before the header are titles: at most one field that is not empty."""
    if usual < 3:
        return 0
    count = 0
    for _, fields in islice(rows, 20):
        if sum(1 for value in fields if value.strip()) > 1 or not fields:
            break
        count += 1
    return count if count < len(rows) else 0


def _tie(dialect: Dialect) -> float:
    """What decides between equals: the usual quote, no escape unless it is used, the usual delimiters."""
    rank = DELIMITERS.index(dialect.delimiter) if dialect.delimiter in DELIMITERS else 0
    return -1e-4 * rank - 1e-5 * ('"', "'", "").index(dialect.quote if dialect.quote in "'" else '"') - (1e-6 if dialect.escape else 0)
