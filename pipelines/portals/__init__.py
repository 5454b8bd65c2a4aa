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
    """What a portal shows of a product now."""

    fingerprint: str
    shown: Shown
    release: str | None


@dataclass(frozen=True)
class Action:
    """One change; `expect` is the fingerprint that the portal must still have."""

    kind: Literal["create", "update", "close", "withdraw", "remove"]
    id: str
    expect: str | None
    want: str


@dataclass(frozen=True)
class Plan:
    """Everything that would change; applying it does exactly that."""

    portal: str
    actions: tuple[Action, ...]

    @property
    def hash(self) -> str:
        return fingerprint(self.portal, self.actions)


class Portal(Protocol):
    """A place where the catalog and the releases are shown. Every write is idempotent by fingerprint."""

    name: str

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


def plan(portal: str, want: Mapping[str, Item], have: Mapping[str, Observed]) -> Plan:
    """The actions that lead from `have` to `want`. Pure."""
    actions = []
    for name, item in sorted(want.items()):
        seen = have.get(name)
        if (seen.fingerprint if seen else None) == item.fingerprint or (seen is None and item.shown == "absent"):
            continue
        kind: Any = "remove" if item.shown == "absent" else "withdraw" if item.shown == "tombstone" else "create" if seen is None \
            else "close" if seen.shown == "open" and item.shown == "metadata" else "update"
        actions.append(Action(kind, name, seen.fingerprint if seen else None, item.fingerprint))
    return Plan(portal, tuple(actions))
