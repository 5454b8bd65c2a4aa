"""Tiers from levels: after treatment L1 may open unconditionally, L2 and L3 on application, L4 not at all.

Words and mapping after the province's measures for opening public data and its grading guide (notes/privacy-lab §6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from catalog.contract import LEVELS, Level
from catalog.extension import Tier

CEILING: Mapping[Level, Tier] = {"L1": "unconditional", "L2": "restricted", "L3": "restricted", "L4": "prohibited"}


def tier_ceiling(levels: Iterable[Level]) -> Tier:
    """The loosest tier that the highest of these levels allows; nothing published allows any."""
    return CEILING[max(levels, key=LEVELS.index, default="L1")]
