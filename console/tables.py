"""Plain tables of at most 80 columns, in which a Chinese character counts two; colours only on a terminal.

Whatever comes in is cleaned: a control character in a name must not drive the terminal.
"""

from __future__ import annotations

import re
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from console.words import _
from pipelines.settings import plain_output

ROOM = 80
GAP = "  "
_WORD = re.compile(r"\s+|[^\s\u2e80-\uffff]+[，。、；：？！）》」』】]*|[\u2e80-\uffff][，。、；：？！）》」』】]*")  # none begins a line
_PART = re.compile(r"[^./_,;-]*[./_,;-]+|[^./_,;-]+")
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
_OUTCOMES = {"done": "green", "held": "yellow", "refused": "red", "failed": "red", "unchanged": "dim"}


@dataclass(frozen=True)
class Column:
    """A column: its title, whether numbers stand to the right, and how its cells are painted on a terminal."""

    title: str
    right: bool = False
    paint: Callable[[str], str] = str


def clean(text: str) -> str:
    """The text without control characters: each is shown as its number."""
    return "".join(char if char == "\n" or unicodedata.category(char)[0] != "C" else f"\\x{ord(char):02x}" for char in text)


def width(text: str) -> int:
    """Columns of a terminal that the text takes."""
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def wrap(text: str, room: int, whole: bool = False) -> list[str]:
    """The text in lines of at most `room` columns, broken at spaces or between Chinese characters; what is indented stays so.

    A word that is longer than a line is broken after `.`, `/`, `_`, `,`, `;` or `-`, and only then anywhere; or, if `whole`,
    not at all: a path or an address that is broken cannot be copied.
    """
    lines: list[str] = []
    for paragraph in clean(text).split("\n"):
        indent = min(len(paragraph) - len(paragraph.lstrip(" ")), room // 2)
        lines += [(" " * indent + line).rstrip() for line in _wrapped(paragraph.lstrip(" "), room - indent, whole)]
    return lines


def _wrapped(paragraph: str, room: int, whole: bool) -> Iterator[str]:
    line = ""
    for word in _WORD.findall(paragraph) if whole else _words(paragraph, room):
        if width(line) + width(word.rstrip()) <= room:
            line += word
            continue
        if line.strip():
            yield line
        line = word.lstrip()
    yield line


def _words(paragraph: str, room: int) -> Iterator[str]:
    for word in _WORD.findall(paragraph):
        if word.isspace() or width(word) <= room:
            yield word
            continue
        for part in _PART.findall(word):
            yield from _pieces(part, room) if width(part) > room else (part,)


def _pieces(word: str, room: int) -> list[str]:
    """A word cut into pieces that fit."""
    pieces = [""]
    for char in word:
        if pieces[-1] and width(pieces[-1]) + width(char) > room:
            pieces.append("")
        pieces[-1] += char
    return pieces


def table(columns: Sequence[Column], rows: Sequence[Sequence[Any] | str], room: int = ROOM) -> list[str]:
    """The lines of a table; cells that do not fit are wrapped, the widest columns first. A row that is a text is a heading."""
    texts = [row if isinstance(row, str) else [_cell(value) for value in row] for row in rows]
    titles = [column.title for column in columns]
    cells = [titles, *(row for row in texts if not isinstance(row, str))]
    natural = [max(width(line) for row in cells for line in clean(row[at]).split("\n")) for at in range(len(titles))]
    least = [max(width(part) for row in cells for word in clean(row[at]).split() or [""] for part in _PART.findall(word) or [""])
             for at in range(len(titles))]
    widths = _shrunk(natural, least, room - len(GAP) * (len(columns) - 1))
    lines = _row(titles, widths, [Column(column.title, column.right, _bold) for column in columns])
    for row in texts:
        lines += [_bold(line) for line in wrap(row, room)] if isinstance(row, str) else _row(row, widths, columns)
    return lines


def _bold(text: str) -> str:
    return style(text, "bold")


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _shrunk(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths that fit: always the widest column gives, and no word is broken as long as another way is left."""
    widths = list(natural)
    for limits in (least, [4] * len(widths)):
        while sum(widths) > room:
            able = [at for at in range(len(widths)) if widths[at] > limits[at]]
            if not able:
                break
            widths[max(able, key=lambda at: widths[at])] -= 1
    return widths


def _row(cells: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> list[str]:
    wrapped = [wrap(cell, room) for cell, room in zip(cells, widths, strict=True)]
    lines = []
    for at in range(max(map(len, wrapped))):
        parts = []
        for texts, room, column in zip(wrapped, widths, columns, strict=True):
            text = texts[at] if at < len(texts) else ""
            pad = " " * (room - width(text))
            parts.append(pad + column.paint(text) if column.right else column.paint(text) + pad)
        lines.append(GAP.join(parts).rstrip())
    return lines


def facts(pairs: Sequence[tuple[str, Any]], room: int = ROOM) -> list[str]:
    """Names and what they are, one below the other."""
    wide = max((width(name) for name, _ in pairs), default=0)
    lines = []
    for name, value in pairs:
        for at, text in enumerate(wrap(_cell(value), room - wide - len(GAP), whole=True)):
            head = style(name, "bold") if at == 0 else ""
            lines.append(f"{head}{' ' * (wide - (width(name) if at == 0 else 0))}{GAP}{text}".rstrip())
    return lines


def listed(texts: Sequence[str], indent: str = "  - ", room: int = ROOM) -> list[str]:
    """Texts as a list, wrapped below their dash."""
    lines = []
    for text in texts:
        for at, line in enumerate(wrap(text, room - len(indent), whole=True)):
            lines.append((indent if at == 0 else " " * len(indent)) + line)
    return lines


def style(text: str, name: str) -> str:
    """The text in a style, on a terminal that wants colours."""
    return f"\x1b[{_STYLES[name]}m{text}\x1b[0m" if text and sys.stdout.isatty() and not plain_output() else text


def outcome_style(text: str) -> str:
    """A word for an outcome, in whichever language, in its colour."""
    colours = {_(word): colour for word, colour in _OUTCOMES.items()}
    return style(text, colours[text.strip()]) if text.strip() in colours else text


def padded(text: str, room: int) -> str:
    """The text with spaces up to `room` columns."""
    return text + " " * (room - width(text))


def terminal_room() -> int:
    """Columns of this terminal, or 80 where the output goes elsewhere."""
    return min(max(shutil.get_terminal_size((ROOM, 24)).columns, 40), ROOM) if sys.stderr.isatty() else ROOM
