"""Releases → portals: compare what is wanted with what is shown, and switch. Only publish writes to a portal.

`prepared` is journalled before the portal is touched, `published` after it was read back; between them a restart
observes: equal is recorded, anything else is done again. A run publishes to auto portals; on another it only takes off what
may be shown no more, and the rest waits for `citylake apply`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from catalog.canonical import fingerprint
from catalog.contract import Contract
from catalog.errors import Drifted, PortalError
from pipelines.boundary import boundary
from pipelines.due import due, lessened, must_leave, target_of
from pipelines.gate import recompute
from pipelines.lake import Op
from pipelines.pages import item
from pipelines.planning import Action, offered
from pipelines.portals import Item, Observed, Portal
from pipelines.protocol import Work
from pipelines.state import State
from pipelines.way import Way

Publish = Callable[[Way, Contract, State], Work | None]


def publish(portal: Portal, product: str) -> Publish:
    """The step of a run for one product on one portal."""
    return partial(_publish, portal, product)


def publish_now(portal: Portal, product: str, person: str | None = None) -> Publish:
    """The same for a person who wants it on this portal at once, auto or not."""
    return partial(_wanted, portal, product, person)


def publish_planned(portal: Portal, product: str, action: Action, person: str | None = None) -> Publish:
    """One action of a plan, and exactly that; raises Drifted when what is wanted or what is shown has changed since."""
    return partial(_planned, portal, product, action, person)


def _publish(portal: Portal, product: str, way: Way, contract: Contract, state: State) -> Work | None:
    if portal.auto:
        return _wanted(portal, product, None, way, contract, state)
    recorded = state.published.get(target_of(portal, product))
    want = item(way, contract, contract.product(product), state)
    if recorded is None or not must_leave(recorded, want):
        return None
    seen = portal.observe([want.id]).get(want.id)
    return _work(portal, way, contract, product, state, lessened(want, seen), seen, None)


def _wanted(portal: Portal, product: str, person: str | None, way: Way, contract: Contract, state: State) -> Work | None:
    want = item(way, contract, contract.product(product), state)
    seen = portal.observe([want.id]).get(want.id)
    return _work(portal, way, contract, product, state, want, seen, person)


def _planned(portal: Portal, product: str, action: Action, person: str | None, way: Way, contract: Contract, state: State) -> Work | None:
    want = item(way, contract, contract.product(product), state)
    if want.fingerprint != action.want:
        raise Drifted("What shall be shown has changed since the plan was made.", dataset=want.id, remedy="Make a new plan.")
    seen = portal.observe([want.id]).get(want.id)
    shown = seen.fingerprint if seen else None
    if shown not in (action.expect, want.fingerprint):
        raise Drifted("The portal shows something else than when the plan was made.", dataset=want.id, remedy="Make a new plan.")
    return _work(portal, way, contract, product, state, want, seen, person)


def _work(
    portal: Portal, way: Way, contract: Contract, product: str, state: State, want: Item, seen: Observed | None, person: str | None
) -> Work | None:
    target = target_of(portal, product)
    recorded = state.published.get(target, {}).get("fingerprint")
    shown = seen.fingerprint if seen else None
    action = due(portal, product, want, state, seen)
    if action is None and recorded in (shown, want.fingerprint):
        return None
    before = state.last.get(f"publish/{target}", {}).get("op")      # the same difference may come again, and is mended again
    op = Op(fingerprint("publish", target, want.fingerprint, shown, before), "publish")
    return Work(op, target, "publish", partial(_apply, portal, way, contract, product, want, seen, action.kind if action else "recorded", person))


def _apply(
    portal: Portal, way: Way, contract: Contract, product: str, want: Item, seen: Observed | None, kind: str, person: str | None,
    _: Mapping[str, int],
) -> Mapping[str, Any]:
    body = {"portal": portal.name, "product": product, "action": kind, "shown": want.shown, "release": None,
            "published": want.page.get("release"), "offered": sorted({release for release, _ in offered(want.page)}),
            "fingerprint": want.fingerprint, "outcome": "done", **({"person": person} if person else {})}
    if kind == "recorded":
        with way.lease(f"portal-{portal.name}"):
            portal.purge()      # the switch was made by an attempt that was killed, perhaps before it had cleaned up
        return {**body, "place": portal.place_of(want.id)}
    known = [f"{release}/{name}" for release, name in offered(seen.page)] if seen and seen.shown == "open" else []
    recompute(way, contract, product, way.journal.state(contract.id), want, known)
    way.journal.append(contract.id, "prepared", {"step": "prepare", "target": target_of(portal, product), **body})
    show(way, portal, want, seen)
    return {**body, "place": portal.place_of(want.id)}


def show(way: Way, portal: Portal, want: Item, seen: Observed | None) -> None:
    """Makes a portal show this and reads it back; the only place that writes to one."""
    with way.lease(f"portal-{portal.name}"):
        portal.switch(portal.stage(want), seen.fingerprint if seen else None)
        boundary("publish/switched")
        shown = portal.observe([want.id]).get(want.id)
    if want.shown != "absent" and (shown is None or shown.fingerprint != want.fingerprint):
        raise PortalError("The portal does not show what was published.", dataset=want.id, remedy="Run again; see `citylake status`.")
