"""One declarative specification per identifier, compiled to RE2 for the engine and to vectorised checks.

Text is normalised first (full-width forms, separators, zero-width characters), so that spelling hides nothing. Checksums
weigh and never filter: a mistyped number identifies as well.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from catalog.canonical import fingerprint
from privacy.spans import Span

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
_GAP, _HIDDEN = re.compile(_python(_SEPARATORS)), re.compile(_python(_UNSEEN))
# Decimal digits of every script as 0 to 9.
_DIGITS = {code: 48 + unicodedata.decimal(chr(code)) for code in range(0x80, 0x20000) if unicodedata.category(chr(code)) == "Nd"}
_FOLD = {**_DIGITS, **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}, 0x3000: 0x20, **{code: code - 32 for code in range(97, 123)},
         **{code: code - 0xFEE0 - 32 for code in range(0xFF41, 0xFF5B)}}
PROVINCES = frozenset(str(code) for code in (
    *range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, *range(81, 84)))
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True)
class Spec:
    """`core` matches a compact, folded, upper-case form; `check` is the checksum; `sure` says what must hold to count."""

    kind: str
    personal: bool
    core: str
    source: str
    check: Callable[[str], bool]
    sure: Callable[[str], bool]


def _day(text: str) -> bool:
    try:
        return date(1900, 1, 1) <= date(int(text[:4]), int(text[4:6]), int(text[6:8])) <= date(2100, 1, 1)
    except ValueError:
        return False


def _id_shape(text: str) -> bool:
    birth = text[6:14] if len(text) == 18 else "19" + text[6:12]
    return text[:2] in PROVINCES and _day(birth)


def _id_check(text: str) -> bool:
    """MOD 11-2 of GB 11643 / ISO 7064."""
    if len(text) == 15:
        return True
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(text[:17], weights, strict=True))
    return "10X98765432"[total % 11] == text[17]


def luhn(text: str) -> bool:
    """ISO/IEC 7812-1 Annex B."""
    total = 0
    for at, digit in enumerate(reversed(text)):
        value = int(digit) * (2 if at % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def uscc_check(text: str) -> bool:
    """MOD 31 of GB 32100-2015."""
    if any(mark not in USCC_ALPHABET for mark in text):
        return False
    total = sum(USCC_ALPHABET.index(mark) * pow(3, at, 31) for at, mark in enumerate(text[:17]))
    return USCC_ALPHABET[(31 - total % 31) % 31] == text[17]


def _always(_: str) -> bool:
    return True


SPECS: tuple[Spec, ...] = (
    Spec("resident_id", True, r"[1-9][0-9]{16}[0-9X]|[1-9][0-9]{14}", "GB 11643-1999", _id_check, _id_shape),
    Spec("social_credit_code", False, r"[1-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}", "GB 32100-2015", uscc_check, uscc_check),
    Spec("bank_card", True, r"(?:62|60|4|5[1-5]|35|9)[0-9]{13,17}", "ISO/IEC 7812-1; JR/T 0008", luhn,
         lambda text: 16 <= len(text) <= 19 and luhn(text)),
    Spec("mobile", True, r"(?:\+?0{0,2}86)?(?:1[3-9][0-9]{9}){1,6}", "YD/T numbering plan", _always, _always),
    Spec("email", True, r"[A-Z0-9._%+\-]+@[A-Z0-9][A-Z0-9.\-]*\.[A-Z]{2,}", "RFC 5322", _always, _always),
)
BY_KIND: Mapping[str, Spec] = {spec.kind: spec for spec in SPECS}
SCREEN_VERSION = fingerprint(5, [(spec.kind, spec.core, spec.source) for spec in SPECS])[:16]

# Numbers of persons end where their digits end (`tel138…`, `QQ138…`); a credit code has letters of its own.
_COMPACT = {spec.kind: re.compile(rf"(?<![0-9{more}])(?:{spec.core})(?![0-9{more}])")
            for spec in SPECS if spec.kind != "email" for more in ("" if spec.personal else "A-Z",)}
_EMAIL = re.compile(rf"(?<![A-Z0-9._%+\-]){BY_KIND['email'].core}")
# A run of characters that may be one number: digits and letters joined by at most two separators.
_RUN = re.compile(rf"[+0-9A-Z](?:{_python(_SEPARATORS)}{{0,2}}[0-9A-Z])+")
_CODE_PREFIXES = frozenset(("11", "12", "13", "19", "51", "52", "53", "59", "91", "92", "93"))
_LONGEST = 22       # characters of the longest spelling, +00 86 and a card of 19 digits included


def fold(text: str) -> str:
    """Half-width, upper-case (ASCII), without marks that cannot be seen."""
    return _HIDDEN.sub("", text).translate(_FOLD)


def kinds_in(value: str) -> dict[str, bool]:
    """Kinds of identifier that occur in a value → whether a checksum speaks for one of them.

    Looks at the folded text, and at neighbouring groups of every run with their separators taken out.
    """
    text = fold(value)
    forms = [text, *(form for run in _RUN.findall(text) for form in _windows(run))]
    found: dict[str, bool] = {}
    for kind, pattern in _COMPACT.items():
        spec = BY_KIND[kind]
        for form in forms:
            for hit in pattern.findall(form):
                if spec.sure(hit) and not (kind == "bank_card" and _is_code(hit)):
                    found[kind] = found.get(kind, False) or spec.check(hit)
    if _EMAIL.search(text):
        found["email"] = True
    return found


def spans_in(text: str) -> list[Span]:
    """Where identifiers stand in a text, in its own characters: folding and gaps between groups are undone."""
    folded, places = [], []
    for at, mark in enumerate(text):
        if not _HIDDEN.match(mark):
            folded.append(mark.translate(_FOLD))
            places.append(at)
    line = "".join(folded)
    found = {(hit.start(), hit.end(), "email", 0.95) for hit in _EMAIL.finditer(line)}
    for run in _RUN.finditer(line):
        kept = [at for at in range(*run.span()) if not _GAP.match(line[at])]
        compact = "".join(line[at] for at in kept)
        for kind, pattern in _COMPACT.items():
            for hit in pattern.finditer(compact):
                if BY_KIND[kind].sure(hit.group()) and not (kind == "bank_card" and _is_code(hit.group())):
                    found.add((kept[hit.start()], kept[hit.end() - 1] + 1, kind, 0.95 if BY_KIND[kind].check(hit.group()) else 0.6))
    return sorted((Span(places[start], places[end - 1] + 1, kind, score) for start, end, kind, score in found),
                  key=lambda span: (span.start, -span.end))


def _is_code(text: str) -> bool:
    """An all-digit social credit code of an enterprise, institution or association: one in ten would pass for a bank card.

    A real card has this prefix, this length and this check digit less than once in thirty.
    """
    return len(text) == 18 and text[:2] in _CODE_PREFIXES and uscc_check(text)


def _windows(run: str) -> Iterator[str]:
    """Neighbouring groups, joined: `call 138 0000 1111 ext 8` must not hide the number in the middle."""
    groups = [group for group in _GAP.split(run) if group]
    for start in range(len(groups)):
        joined = groups[start]
        for group in groups[start + 1:]:
            joined += group
            if len(joined) > _LONGEST:
                break
            if len(joined) >= 11:
                yield joined
