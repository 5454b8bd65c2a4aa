"""Tiers from what is left after treatment. Levels: L1 may open unconditionally, L2 and L3 on application, L4 not at all. Rows about
persons: k unconditionally, a smaller k with l on application, below that not at all (the policy's thresholds).

Words and mapping after the province's measures for opening public data and its grading guide (notes/privacy-lab §6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from catalog.contract import LEVELS, Level
from catalog.extension import Tier
from privacy.negative_list import Thresholds

CEILING: Mapping[Level, Tier] = {"L1": "unconditional", "L2": "restricted", "L3": "restricted", "L4": "prohibited"}


def tier_ceiling(levels: Iterable[Level]) -> Tier:
    """The loosest tier that the highest of these levels allows; nothing published allows any."""
    return CEILING[max(levels, key=LEVELS.index, default="L1")]


class Diverse(Protocol):
    """What classes tell of a sensitive column (privacy/disclosure.py)."""

    @property
    def distinct(self) -> int: ...


def tier_of_classes(smallest: int, told: Mapping[str, Diverse], thresholds: Thresholds) -> Tier:
    """The loosest tier that classes of rows about persons allow; no rows allow any."""
    if smallest == 0 or smallest >= thresholds.k_unconditional:
        return "unconditional"
    diverse = all(one.distinct >= thresholds.l_restricted for one in told.values())
    return "restricted" if smallest >= thresholds.k_restricted and diverse else "prohibited"
