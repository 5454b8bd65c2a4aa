"""The verdict on one column from all its distinct values: checksum rates against chance, shares of names, doors and forms, the
header, sequence. DENY where an identifier is certain and nobody declared it, HOLD on any doubt, else PASS.

No value is kept: counts only. Slices of distinct values are added one by one; a value must not come in two of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from catalog.contract import Column
from privacy.column_counts import CHANCE, ColumnCounts
from privacy.headers import header_kinds, of_things
from privacy.screen import Hits

Decision = Literal["PASS", "HOLD", "DENY"]
LEVELS: Mapping[str, str] = {
    **dict.fromkeys(("resident_id", "bank_card", "passport", "disability_card", "hmt_permit", "social_security"), "L4"),
    **dict.fromkeys(("social_credit_code",), "L1"),
}
RAISED = "L3"                   # suggested for every other kind that points to a person
SPARSE, MOST = 0.02, 0.5        # shares of the distinct values
FEW = 30                        # distinct values below which a rate proves nothing
SIGMA = 4.0                     # standard deviations above chance that settle a checksum
_ORDER: tuple[Decision, ...] = ("PASS", "HOLD", "DENY")


@dataclass(frozen=True)
class ColumnVerdict:
    """`kinds` are found kinds, declared ones too; `reasons` are fixed words; `suggested_level` never is below the declared one."""

    column: str
    decision: Decision
    kinds: Mapping[str, Hits] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    suggested_level: str = "L1"


def held(column: str, reason: str, declared: Column | None = None) -> ColumnVerdict:
    """The verdict where something stood in the way of a full look."""
    return ColumnVerdict(column, "HOLD", {}, (reason,), _level(declared, ()))


def judge_counts(column: str, counts: ColumnCounts, headers: tuple[str, ...], declared: Column | None, rows: int | None = None) -> ColumnVerdict:
    """`rows` is the number of filled cells that there must be; where another number was seen, the column is held."""
    if rows is not None and rows != counts.cells:
        return held(column, "partial", declared)
    asked, things = header_kinds(*headers), of_things(*headers)
    judged: dict[str, tuple[Decision, str]] = {}
    for kind, hits in counts.kinds().items():
        judged[kind] = _judge(kind, hits, counts, kind in asked, things)
    for kind in asked if counts.cells else ():
        if judged.get(kind, ("PASS", ""))[0] == "PASS":
            judged[kind] = ("HOLD", "header")
    worst = {kind: one for kind, one in judged.items() if one[0] != "PASS"}
    kinds = {kind: counts.kinds().get(kind, Hits(0, 0, 0)) for kind in sorted(worst)}
    open_kinds = {kind: one for kind, one in worst.items() if not _declares(declared, kind)}
    decision: Decision = max((one[0] for one in open_kinds.values()), key=_ORDER.index, default="PASS")
    reasons = tuple(sorted(f"{kind}.{why}" for kind, (_, why) in worst.items()))
    return ColumnVerdict(column, decision, kinds, reasons, _level(declared, tuple(kinds)))


def _judge(kind: str, hits: Hits, counts: ColumnCounts, asked: bool, things: bool) -> tuple[Decision, str]:
    share = hits.distinct / max(counts.distinct, 1)
    if kind in CHANCE:
        return _by_rate(kind, hits, share, asked)
    if kind == "name":
        return _named(counts, asked, things)
    if kind == "mobile":
        return _mobile(hits, share, counts, asked, things)
    if kind in ("email", "plate", "mac"):
        return ("DENY", "form") if share >= SPARSE and hits.distinct >= 3 else ("HOLD", "sparse")
    if asked and share >= MOST:
        return "DENY", "form"
    if kind in ("passport", "ip", "hmt_permit") and things and share < 0.9:
        return "PASS", ""
    return "HOLD", "form"


def _by_rate(kind: str, hits: Hits, share: float, asked: bool) -> tuple[Decision, str]:
    """A checksum that holds no more often than by chance speaks against the kind, where there are values enough."""
    chance = CHANCE[kind]
    above = hits.checked - chance * hits.distinct > SIGMA * math.sqrt(hits.distinct * chance * (1 - chance))
    personal = kind != "social_credit_code"
    if above and hits.checked > 0.5 * hits.distinct and share >= SPARSE:
        return ("DENY" if personal else "HOLD"), "checksum"
    if above or asked:
        return "HOLD", "checksum"
    if hits.distinct < FEW:
        return ("HOLD", "few") if hits.checked else ("PASS", "")
    return "PASS", ""


def _mobile(hits: Hits, share: float, counts: ColumnCounts, asked: bool, things: bool) -> tuple[Decision, str]:
    """Of eleven-digit numbers at random one in fourteen looks like a mobile number; serial numbers come in sequence."""
    like = counts.mobiles / max(counts.elevens, 1)
    embedded = hits.distinct - counts.mobiles
    if not asked and embedded == 0 and counts.elevens >= FEW and (like < 0.25 or counts.sequential):
        return "PASS", ""
    if asked and share >= SPARSE:
        return "DENY", "form"
    spread = len(counts.prefixes) >= 8
    certain = share >= MOST and spread and hits.checked >= 0.9 * counts.mobiles and not counts.number and not things
    return ("DENY" if certain else "HOLD"), "form"


def _named(counts: ColumnCounts, asked: bool, things: bool) -> tuple[Decision, str]:
    share = counts.names / max(counts.han, 1)
    read = counts.read_names / max(counts.han, 1)
    if counts.names >= 3 and share >= 0.7 and (read >= 0.6 or asked):
        return ("HOLD" if things else "DENY"), "share"
    if counts.within or (counts.names >= 3 and share >= 0.3 and (asked or read >= 0.25)):
        return "HOLD", "share"
    return "PASS", ""


def _declares(declared: Column | None, kind: str) -> bool:
    if declared is None:
        return False
    return declared.more.identifies == kind or (kind in ("name", "address") and declared.more.person and declared.level in ("L3", "L4"))


def _level(declared: Column | None, kinds: tuple[str, ...]) -> str:
    return max([declared.level if declared is not None else "L1", *(LEVELS.get(kind, RAISED) for kind in kinds)])
