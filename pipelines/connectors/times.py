"""The time that a file name says: a strptime format, found in the name or at the place that `{time}` marks."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_WIDTH = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "j": 3}
_OTHER = {"f": r"\d{1,6}", "z": r"(?:Z|[+-]\d{2}:?\d{2})", "%": "%"}
PLACE = "{time}"

TimeOf = Callable[[str], datetime | None]


def time_regex(form: str) -> str:
    """A regular expression for a format. Raises ValueError for a format that does not fix at least the year.

    One digit for a month, day, hour … is accepted only between signs: `2026-5-1`, never inside `2026511`.
    """
    pieces = re.findall(r"%.?|[^%]+", form)
    found = []
    for at, piece in enumerate(pieces):
        if not piece.startswith("%"):
            found.append(re.escape(piece))
        elif piece[1:] in _WIDTH:
            width = _WIDTH[piece[1:]]
            loose = width == 2 and _sign(pieces, at - 1, -1) and _sign(pieces, at + 1, 0)
            found.append(r"\d{1,2}" if loose else rf"\d{{{width}}}")
        elif piece[1:] in _OTHER:
            found.append(_OTHER[piece[1:]])
        else:
            raise ValueError("time_format may use %Y %m %d %j %H %M %S %f %z only")
    if "%Y" not in pieces:
        raise ValueError("time_format needs %Y")
    return "".join(found)


def _sign(pieces: list[str], at: int, end: int) -> bool:
    """Whether a piece is a text that is no digit where it touches; the ends of the format count."""
    if not 0 <= at < len(pieces):
        return True
    return not pieces[at].startswith("%") and not pieces[at][end].isdigit()


def reader(form: str, pattern: str | None, zone: str) -> TimeOf:
    """Reads the time out of a name. The last match counts, so a file's own date wins over its folder's.

    `pattern` finds the text to read: its first group, or all of it. A format that ends in Z, or has %z, needs no zone.
    """
    inner = time_regex(form)
    search = re.compile(pattern) if pattern else re.compile(rf"(?<!\d){inner}(?!\d)")
    utc = form.endswith("Z")

    def read(name: str) -> datetime | None:
        found = list(search.finditer(name))
        if not found:
            return None
        text = found[-1][1 if search.groups else 0]
        return parse(text, form, "UTC" if utc else zone) if text else None

    return read


def parse(text: str, form: str, zone: str) -> datetime | None:
    """One time as an aware UTC datetime, or None when it is none (month 13, a second year)."""
    try:
        found = datetime.strptime(text, form)
        return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def placed(pattern: str, form: str) -> re.Pattern[str]:
    """A pattern with `{time}` in it as a regular expression whose group is the time; `*` and `?` stay inside one name."""
    before, _, after = pattern.partition(PLACE)
    return re.compile(f"{glob_regex(before)}({time_regex(form)}){glob_regex(after)}")


def glob_regex(pattern: str) -> str:
    """`*` and `?` match within a name, `**/` any folders; everything else is itself."""
    parts = re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", pattern)
    words = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(words.get(part, re.escape(part)) for part in parts)
