"""How a text is folded before anything is looked for: one spelling for every way to write the same number.

Full-width forms, digits of all scripts, letters' case and marks that cannot be seen fold away; separators between the groups of
a number are allowed by the patterns (`pattern_forms`). The engine's screen and the checks in Python read the same tables.
"""

from __future__ import annotations

import re
import unicodedata

# Separators that people put between the groups of a number (all of Unicode's spaces, dashes and dots among them), and marks
# that cannot be seen. One table for both: the engine's screen and the checks here must not disagree on what a gap is.
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
GAP, HIDDEN = re.compile(_python(_SEPARATORS)), re.compile(_python(_UNSEEN))
# Decimal digits of every script as 0 to 9.
_DIGITS = {code: 48 + unicodedata.decimal(chr(code)) for code in range(0x80, 0x20000) if unicodedata.category(chr(code)) == "Nd"}
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
