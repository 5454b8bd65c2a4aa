"""What a mask, or a cut to the first characters, must hide: a third of the value, and a third of what tells one holder from another.

A region, an area code, a bank's or a maker's number, a domain are the same for many; a check digit follows from the rest. Who sees all
but those has the whole. How masks are rendered is catalog/dialect_text.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from catalog.canonical import fingerprint


@dataclass(frozen=True)
class Telling:
    """Where a kind's telling characters stand: the last `tail` of the value without the last `check`; before the `stop` mark, if any.

    `longest`: of its usual spellings; 0 where it varies.
    """

    tail: int = 0
    check: int = 0
    longest: int = 0
    stop: str = ""


TELLING: Mapping[str, Telling] = {
    "resident_id": Telling(12, 1, 18), "disability_card": Telling(14, 2, 20), "hmt_residence_permit": Telling(12, 1, 18),
    "foreigner_permit": Telling(12, 1, 18), "residence_permit": Telling(8), "hk_macao_permit": Telling(8), "taiwan_permit": Telling(8),
    "passport": Telling(8, 0, 9), "officer_card": Telling(9), "mobile": Telling(8, 0, 11), "landline": Telling(8),
    "social_credit_code": Telling(10, 2, 18), "bank_card": Telling(13, 1, 19), "plate": Telling(6, 0, 8), "mac": Telling(8, 0, 17),
    "imei": Telling(7, 1, 15), "vin": Telling(8, 0, 17), "social_security": Telling(8), "email": Telling(stop="@"),
}
NONE = Telling()
# Raise the number with every change of what a mask lets through that the table does not show: masked gold is made anew by it.
MASKING_VERSION = fingerprint("masking 2", {kind: vars(known) for kind, known in TELLING.items()})[:12]


def telling(kind: str | None) -> Telling:
    """What is known of a kind; nothing of free text and of kinds whose every character tells."""
    return TELLING.get(kind or "", NONE)


def least(left: int, right: int, known: Telling) -> int | None:
    """Length from which a mask hides enough; None where it never does. A value with a `stop` is measured where it is rendered.

    With n characters it hides n - left - right of all, and n - max(left, n - tail) - max(right, check) of those that tell.
    """
    whole = max(left + right + 1, -(-3 * (left + right) // 2))
    if not known.tail:
        return whole
    shown, free = max(right, known.check), known.tail - known.check
    if 3 * (known.tail - shown) < free:
        return None
    return max(whole, left + shown + -(-free // 3))


def shows(left: int, right: int, kind: str | None) -> bool:
    """Whether a mask ever shows anything: not every value of the kind is too short for it."""
    known = telling(kind)
    shortest = least(left, right, known)
    return shortest is not None and not 0 < known.longest < shortest


def cut(prefix: int, kind: str | None) -> int | None:
    """Length from which the first `prefix` characters hide enough, by the rule of masks; None where they never do."""
    known = telling(kind)
    shortest = None if known.stop else least(prefix, 0, known)
    return None if shortest is not None and 0 < known.longest < shortest else shortest
