"""What an audit says: something is not as the journal records it, or a note about what an interrupted run has left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BACKUP = "Restore it from a backup, then verify again."
AGAIN = "An erasure was interrupted: run `citylake retain` again, then verify again."


@dataclass(frozen=True)
class Mismatch:
    """`place` is a path below the lake or the site. Names that citylake did not give itself are counted, never shown."""

    place: str
    dataset: str | None
    what: str
    remedy: str = BACKUP
    severity: Literal["mismatch", "note"] = "mismatch"


def note(place: str, dataset: str | None, what: str, remedy: str) -> Mismatch:
    """Something that may be there, but that nothing in force depends on."""
    return Mismatch(place, dataset, what, remedy, "note")
