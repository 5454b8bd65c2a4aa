"""What a portal is due for one product: the action that mends a difference, and what must leave it whoever waits. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipelines.planning import Action, action_of, offered
from pipelines.portals import Item, Observed, Portal
from pipelines.state import State

_SHOWN = ("absent", "tombstone", "metadata", "open")      # from least to most


def target_of(portal: Portal, product: str) -> str:
    """The name under which the journal keeps a product on a portal."""
    return f"{portal.name}/{product}"


def accepted(state: State, portal: Portal, product: str, seen: Observed | None) -> bool:
    """Whether somebody accepted exactly this hand edit on the portal."""
    body = state.last.get(f"accept/{target_of(portal, product)}")
    return seen is not None and body is not None and body["fingerprint"] == seen.fingerprint


def due(portal: Portal, product: str, want: Item, state: State, seen: Observed | None) -> Action | None:
    """The action that would make the portal show what is wanted; None where nothing differs but an accepted hand edit."""
    action = action_of(want, seen)
    if action is not None and action.kind == "mend" and accepted(state, portal, product, seen):
        return None
    return action


def must_leave(recorded: Mapping[str, Any], want: Item) -> bool:
    """Whether something that was published on a portal may be shown no more."""
    still = {release for release, _ in offered(want.page)}
    return _SHOWN.index(want.shown) < _SHOWN.index(recorded["shown"]) or not still.issuperset(recorded.get("offered", ()))


def lessened(want: Item, seen: Observed | None) -> Item:
    """The most of what is seen that is still wanted: older releases are left out, a newest one that must go closes the product."""
    if want.shown != "open" or seen is None or seen.shown != "open":
        return want if want.shown != "open" else replace(want, shown="metadata", page=_closed(want.page), files={})
    may = set(offered(want.page))
    if not may.issuperset((str(seen.release), str(file["name"])) for file in seen.page["files"]):
        return replace(want, shown="metadata", page=_closed(want.page), files={})
    past = [one if all((one["release"], file["name"]) in may for file in one["files"]) else {**one, "files": []} for one in seen.page["releases"]]
    page = {**seen.page, "releases": past}
    kept = {f"{release}/{name}" for release, name in offered(page)}
    return Item(want.id, "open", page, {name: path for name, path in want.files.items() if name in kept})


def _closed(page: Mapping[str, Any]) -> dict[str, Any]:
    return {**page, "release": None, "released": None, "files": [], "rows": None, "releases": []}
