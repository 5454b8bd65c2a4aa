"""The portal seam: what a portal shall show of each product, what it shows now, and the plan between the two."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from catalog.canonical import fingerprint

Shown = Literal["open", "metadata", "tombstone", "absent"]


@dataclass(frozen=True)
class Item:
    """What a portal shall show of one product. `page` is all its public metadata; `files` only where it is open:
    `release/name` → where the bytes lie.
    """

    id: str
    shown: Shown
    page: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.id, self.shown, self.page)


@dataclass(frozen=True)
class Observed:
    """What a portal shows of a product now. `drift` names what differs there from what was published: hand edits."""

    fingerprint: str
    shown: Shown
    release: str | None
    page: Mapping[str, Any] = field(default_factory=dict)
    drift: tuple[str, ...] = ()


class Portal(Protocol):
    """A place where the catalog and the releases are shown. Every write is idempotent by fingerprint. A run publishes to an
    `auto` portal by itself; another waits for `citylake apply`, but for what must leave it.
    """

    name: str
    auto: bool

    def observe(self, ids: Collection[str]) -> Mapping[str, Observed]:
        """What is shown of these products; those that are not there are left out."""

    def stage(self, item: Item) -> object:
        """Brings the item there, invisibly."""

    def switch(self, staged: object, expect: str | None) -> Observed:
        """Makes it visible in one step; raises Drifted when the portal does not show `expect`."""

    def purge(self) -> None:
        """Removes from everything that is kept behind what is shown the bytes and entries that are shown no more."""

    def verify(self, item: Item) -> list[str]:
        """What on the portal differs from the item; empty when nothing does."""

    def stored(self, name: str) -> Item | None:
        """What the portal shows of a product, as it is written there."""

    def place_of(self, name: str) -> str | None:
        """The portal's own name for a product that it showed to this process, for the journal to keep."""

    def ids(self) -> set[str]:
        """Every product of which the portal shows anything."""
