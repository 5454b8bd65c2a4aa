"""One declarative specification per identifier, compiled to RE2 for the engine and to vectorised checks.

Text is normalised first (full-width forms, separators, zero-width characters), so that spelling hides nothing. Checksums
weigh and never filter: a mistyped number identifies as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from catalog.contract import fingerprint

# Separators that people put between the groups of a number, and characters that cannot be seen.
GAPS = r"[\s\-–—·.\x{00a0}\x{3000}\x{200b}\x{200c}\x{200d}\x{2060}\x{feff}]"
_GAP = re.compile(r"[\s\-–—·.\u00a0\u3000\u200b\u200c\u200d\u2060\ufeff]")
_FOLD = {**{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}, 0x3000: 0x20}
PROVINCES = frozenset("11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83".split())
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
    Spec("social_credit_code", False, r"[159ANY][1-59]?[0-9]{6}[0-9A-HJ-NPQRTUWXY]{9,10}[0-9A-HJ-NPQRTUWXY]", "GB 32100-2015", uscc_check,
         lambda text: len(text) == 18 and uscc_check(text)),
    Spec("bank_card", True, r"(?:62|60|4|5[1-5]|35|9)[0-9]{13,17}", "ISO/IEC 7812-1; JR/T 0008", luhn, lambda text: 16 <= len(text) <= 19 and luhn(text)),
    Spec("mobile", True, r"(?:\+?0{0,2}86)?1[3-9][0-9]{9}", "YD/T numbering plan", _always, _always),
    Spec("email", True, r"[A-Z0-9._%+\-]+@[A-Z0-9][A-Z0-9.\-]*\.[A-Z]{2,}", "RFC 5322", _always, _always),
)
BY_KIND: Mapping[str, Spec] = {spec.kind: spec for spec in SPECS}
SCREEN_VERSION = fingerprint(2, [(spec.kind, spec.core, spec.source) for spec in SPECS])[:16]

_COMPACT = {spec.kind: re.compile(rf"(?<![0-9A-Z])(?:{spec.core})(?![0-9A-Z])") for spec in SPECS if spec.kind != "email"}
_EMAIL = re.compile(rf"(?<![A-Z0-9._%+\-]){BY_KIND['email'].core}")
# A run of characters that may be one number: digits and letters joined by at most two separators.
_RUN = re.compile(r"[+0-9A-Z](?:[\s\-–—·.\u00a0\u3000\u200b\u200c\u200d\u2060\ufeff]{0,2}[0-9A-Z])+")


def fold(text: str) -> str:
    """Half-width, upper-case, without invisible characters."""
    text = text.translate(_FOLD).upper()
    return re.sub("[\u200b\u200c\u200d\u2060\ufeff\u00ad]", "", text)


def kinds_in(value: str) -> dict[str, bool]:
    """Kinds of identifier that occur in a value → whether a checksum speaks for one of them.

    Looks at the folded text, at every run with its separators taken out, and at the words of such a run.
    """
    text = fold(value)
    forms = [text]
    for run in _RUN.findall(text):
        compact = _GAP.sub("", run)
        if compact != run:
            forms.append(compact)
            forms += _windows(run)
    found: dict[str, bool] = {}
    for kind, pattern in _COMPACT.items():
        spec = BY_KIND[kind]
        for form in forms:
            for hit in pattern.findall(form):
                if spec.sure(hit):
                    found[kind] = found.get(kind, False) or spec.check(hit)
    if _EMAIL.search(text):
        found["email"] = True
    return found


def _windows(run: str) -> list[str]:
    """Neighbouring groups of a spaced run, joined: `张 138 0000 1111 转 8` must not hide the number in the middle."""
    groups = [group for group in _GAP.split(run) if group][:40]
    return ["".join(groups[start:end]) for start in range(len(groups)) for end in range(start + 2, min(start + 7, len(groups)) + 1)]
