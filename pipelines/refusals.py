"""What was refused before: the same bytes under the same terms are not judged, and not recorded, once more. Judging is in admission.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipelines.admission import Admission
from pipelines.state import State

# What refuses a batch today may let it in on another day, or beside other data: delivered again, it is judged again.
PASSING = frozenset({"collection.validity", "collection.window", "collection.frequency", "shared.values"})


def came_to(admissions: Iterable[Admission], bytes_: str) -> Mapping[str, str]:
    """What an offer is remembered by, from the verdicts on its batches. Where the same bytes would be refused again, `bytes_`, a keyed
    hash of them, goes along.
    """
    judged = list(admissions)
    if {one.outcome for one in judged} != {"refused"}:
        return {"outcome": "taken"}
    rules = {found.rule for one in judged for found in one.findings if not found.passed and found.severity == "block"}
    return {"outcome": "refused"} if rules & PASSING else {"outcome": "refused", "bytes": bytes_}


def refused_bytes(state: State, terms: str) -> frozenset[str]:
    """The keyed hashes of bytes that were refused under these terms, under whatever name or date they came."""
    return frozenset(known["bytes"] for known in state.offers.values()
                     if known["outcome"] == "refused" and "bytes" in known and known["terms"] == terms)
