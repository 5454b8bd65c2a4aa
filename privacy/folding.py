"""How a text is folded before anything is looked for: one spelling for every way to write the same number.

Full-width forms, digits of all scripts, letters' case and marks that cannot be seen fold away; separators between the groups of
a number are allowed by the patterns (`pattern_forms`). The engine's screen and the checks in Python read the same tables.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Separators that people put between the groups of a number (all of Unicode's spaces, dashes and dots among them), and marks
# that cannot be seen. One table for both: the engine's screen and the checks here must not disagree on what a gap is. What else
# cannot be seen, and other digits, the engine finds by `spellings.VEILED`.
_SEPARATORS = ((0x09, 0x0D), (0x1C, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2010, 0x2015),
               (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x2212, 0x2212), (0x3000, 0x3000), (0x30FB, 0x30FB),
               (0xB7, 0xB7), (0x28, 0x29), (0x2D, 0x2E), (0x5F, 0x5F), (0xFF08, 0xFF09), (0xFF0D, 0xFF0E), (0xFF3F, 0xFF3F))
_UNSEEN = ((0xAD, 0xAD), (0x34F, 0x34F), (0x180E, 0x180E), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x2064), (0xFE00, 0xFE0F),
           (0xFEFF, 0xFEFF))


def _set(ranges: tuple[tuple[int, int], ...]) -> str:
    """The class as RE2 and Java spell it."""
    return "[" + "".join(rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in ranges) + "]"


def _python(ranges: tuple[tuple[int, int], ...]) -> str:
    return "[" + "".join(rf"\U{first:08x}-\U{last:08x}" for first, last in ranges) + "]"


GAPS, UNSEEN = _set(_SEPARATORS), _set(_UNSEEN)
# Letters that are blank (Hangul fillers), and code points that Unicode keeps for marks that are ignored.
_BLANK = {0x115F, 0x1160, 0x2065, 0x3164, 0xFFA0, *range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000)}
# Planes 4 to 13 have no characters, 15 and 16 nothing but private ones: not looked at, since every start would wait for it.
ASSIGNED = (*range(0xD800), *range(0xE000, 0x40000), *range(0xE0000, 0xF0000))
_SPACED = {code for first, last in _SEPARATORS for code in range(first, last + 1)}


def _drawn(codes: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """The codes as ranges."""
    found: list[tuple[int, int]] = []
    for code in sorted(codes):
        if found and found[-1][1] == code - 1:
            found[-1] = found[-1][0], code
        else:
            found.append((code, code))
    return tuple(found)


_ALL_UNSEEN = _drawn({code for first, last in _UNSEEN for code in range(first, last + 1)} | _BLANK
                     | {code for code in ASSIGNED
                        if code not in _SPACED and unicodedata.category(chr(code)) in ("Cc", "Cf", "Mn", "Me")})
GAP, HIDDEN = re.compile(_python(_SEPARATORS)), re.compile(_python(_ALL_UNSEEN))
# Digits of every script as 0 to 9, those in circles, raised and lowered ones too.
_DIGITS = {code: 48 + unicodedata.digit(chr(code)) for code in range(0x80, 0x20000) if unicodedata.digit(chr(code), None) is not None}
_FOLD = {**_DIGITS, **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}, 0x3000: 0x20, **{code: code - 32 for code in range(97, 123)},
         **{code: code - 0xFEE0 - 32 for code in range(0xFF41, 0xFF5B)}}


def fold(text: str) -> str:
    """Half-width, upper-case (ASCII), without marks that cannot be seen."""
    return HIDDEN.sub("", text).translate(_FOLD)


def folded(text: str) -> tuple[str, list[int] | None]:
    """The folded text, and for each of its characters the place in the original; None where no character went away."""
    if not HIDDEN.search(text):
        return text.translate(_FOLD), None
    places = [at for at, mark in enumerate(text) if not HIDDEN.match(mark)]
    return "".join(text[at] for at in places).translate(_FOLD), places
