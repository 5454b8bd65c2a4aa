"""Releases → portals: compare what is wanted with what is shown, and switch. Only publish writes to a portal.

`prepared` is journalled before the portal is touched, `published` after it was read back; between them a restart
observes: equal is recorded, anything else is done again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from catalog.canonical import fingerprint
from catalog.contract import Contract
from catalog.errors import PortalError
from pipelines.boundary import boundary
from pipelines.lake import Op
from pipelines.pages import item
from pipelines.portals import Item, Observed, Portal, plan
from pipelines.protocol import Work
from pipelines.state import State
from pipelines.way import Way


def publish(portal: Portal, product: str) -> Callable[[Way, Contract, State], Work | None]:
    """The step for one product on one portal."""
    return partial(_publish, portal, product)


def _publish(portal: Portal, product: str, way: Way, contract: Contract, state: State) -> Work | None:
    want = item(way, contract, contract.product(product), state)
    seen = portal.observe([want.id]).get(want.id)
    target = f"{portal.name}/{product}"
    recorded = state.published.get(target, {}).get("fingerprint")
    shown = seen.fingerprint if seen else None
    actions = plan(portal.name, {want.id: want}, {want.id: seen} if seen else {}).actions
    if not actions and recorded in (shown, want.fingerprint):
        return None
    op = Op(fingerprint("publish", target, want.fingerprint, shown, recorded), "publish")
    judge = partial(_apply, portal, way, contract, product, want, seen, actions[0].kind if actions else "recorded")
    return Work(op, target, "publish", judge)


def _apply(
    portal: Portal, way: Way, contract: Contract, product: str, want: Item, seen: Observed | None, kind: str, _: Mapping[str, int]
) -> Mapping[str, Any]:
    body = {"portal": portal.name, "product": product, "action": kind, "shown": want.shown, "release": None,
            "published": want.page.get("release"), "fingerprint": want.fingerprint, "outcome": "done"}
    if kind == "recorded":
        with way.lease(f"portal-{portal.name}"):
            portal.purge()      # the switch was made by an attempt that was killed, perhaps before it had cleaned up
        return body
    way.journal.append(contract.id, "prepared", {"step": "prepare", "target": f"{portal.name}/{product}", **body})
    show(way, portal, want, seen)
    return body


def show(way: Way, portal: Portal, want: Item, seen: Observed | None) -> None:
    """Makes a portal show this and reads it back; the only place that writes to one."""
    with way.lease(f"portal-{portal.name}"):
        portal.switch(portal.stage(want), seen.fingerprint if seen else None)
        boundary("publish/switched")
        shown = portal.observe([want.id]).get(want.id)
    if want.shown != "absent" and (shown is None or shown.fingerprint != want.fingerprint):
        raise PortalError("The portal does not show what was published.", dataset=want.id, remedy="Run again; see `citylake status`.")
