"""What would change on a portal: pure comparison of what is wanted with what is shown, and the plan as a file.

A plan names every change with the fingerprint that the portal must still have; applying it does exactly that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from catalog.canonical import fingerprint
from catalog.errors import DefinitionError
from pipelines.portals import Item, Observed

Kind = Literal["create", "update", "close", "withdraw", "remove", "mend"]
CLOSING = ("close", "withdraw", "remove")
_AGAIN = "Make a new one with `citylake plan`."
_BESIDE = ("entry", "files", "releases", "id", "dataset", "product")       # told by the release, or never changing


@dataclass(frozen=True)
class Change:
    """One field of what is shown, before and after; `drift` if somebody changed it on the portal."""

    field: str
    before: Any
    after: Any
    drift: bool = False


@dataclass(frozen=True)
class Action:
    """One product's change; `expect` is the fingerprint that the portal must still have, `want` the one that it gets."""

    kind: Kind
    id: str
    expect: str | None
    want: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Everything that would change on one portal."""

    portal: str
    actions: tuple[Action, ...]
    made: str = ""

    @property
    def hash(self) -> str:
        return fingerprint(self.portal, self.made, [asdict(action) for action in self.actions])


def plan(portal: str, want: Mapping[str, Item], have: Mapping[str, Observed], made: str = "") -> Plan:
    """The actions that lead from `have` to `want`, by product id. Pure."""
    found = (action_of(item, have.get(name)) for name, item in sorted(want.items()))
    return Plan(portal, tuple(action for action in found if action), made)


def action_of(want: Item, seen: Observed | None) -> Action | None:
    """What leads one product from what is seen to what is wanted; None when nothing has to change."""
    if (seen.fingerprint if seen else None) == want.fingerprint or (seen is None and want.shown == "absent"):
        return None
    return Action(_kind(want, seen), want.id, seen.fingerprint if seen else None, want.fingerprint, tuple(_changes(want, seen)))


def _kind(want: Item, seen: Observed | None) -> Kind:
    if want.shown == "absent":
        return "remove"
    if want.shown == "tombstone":
        return "withdraw"
    if seen is None:
        return "create"
    if seen.shown == "open" and want.shown == "metadata":
        return "close"
    return "mend" if seen.drift and not list(_page_changes(want.page, seen.page)) and seen.shown == want.shown else "update"


def _changes(want: Item, seen: Observed | None) -> Iterator[Change]:
    if seen is None:
        yield from (Change(name, None, want.page.get(name)) for name in ("tier", "release", "rows") if want.page.get(name) is not None)
        return
    if seen.shown != want.shown:
        yield Change("shown", seen.shown, want.shown)
    yield from (Change(name, None, None, drift=True) for name in seen.drift)
    yield from _page_changes(want.page, seen.page)


def _page_changes(want: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[Change]:
    for name in sorted({*want, *seen} - set(_BESIDE)):
        if want.get(name) != seen.get(name):
            yield Change(name, seen.get(name), want.get(name))
    before, after = _offered(seen), _offered(want)
    if before != after:
        yield Change("files", sorted(before), sorted(after))


def _offered(page: Mapping[str, Any]) -> set[str]:
    """`release/name` of every file that a page offers."""
    return {f"{release}/{name}" for release, name in offered(page)}


def offered(page: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(release, name) of every file that a page offers."""
    yield from ((str(page.get("release")), str(file["name"])) for file in page.get("files", ()))
    yield from ((str(past["release"]), str(file["name"])) for past in page.get("releases", ()) for file in past["files"])


def written(plans: list[Plan]) -> str:
    """The plans as the text of a plan file."""
    listed = [{"portal": one.portal, "made": one.made, "hash": one.hash, "actions": [asdict(action) for action in one.actions]} for one in plans]
    return json.dumps({"citylake_plan": 1, "plans": listed}, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def read(text: str, file: str) -> list[Plan]:
    """The plans of a plan file; raises DefinitionError where it is not one, or was changed."""
    try:
        document = json.loads(text)
        if document["citylake_plan"] != 1:
            raise ValueError
        listed: list[dict[str, Any]] = document["plans"]
        found = [Plan(one["portal"], tuple(_action(action) for action in one["actions"]), one["made"]) for one in listed]
        sound = bool(listed) and all(one.hash == given["hash"] for one, given in zip(found, listed, strict=True))
    except (ValueError, KeyError, TypeError):
        raise DefinitionError("The file is not a plan.", file=file, remedy=_AGAIN) from None
    if not sound:
        raise DefinitionError("The plan was changed after it was made.", file=file, remedy=_AGAIN)
    return found


def _action(text: Mapping[str, Any]) -> Action:
    if text["kind"] not in get_args(Kind):
        raise ValueError
    changes = tuple(Change(one["field"], one["before"], one["after"], one["drift"]) for one in text["changes"])
    return Action(text["kind"], text["id"], text["expect"], text["want"], changes)
