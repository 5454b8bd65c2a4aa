"""Going back to an earlier release: recorded first, so that the later ones are in force no more, then shown on every portal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from catalog.canonical import fingerprint
from catalog.contract import Contract
from catalog.errors import DefinitionError, PortalError, Refused
from pipelines.due import target_of
from pipelines.lake import Op
from pipelines.pages import item
from pipelines.portals import Portal
from pipelines.products import Outward
from pipelines.protocol import Work, perform
from pipelines.state import State
from pipelines.steps.publish import publish_now
from pipelines.verdicts import stands
from pipelines.way import Way


def rollback(way: Way, contract: Contract, product: str, to: int, reason: str, portals: Sequence[Portal], person: str) -> Mapping[str, Any]:
    """Takes back every release after number `to`: their files answer no more. What serve makes next is a new release as ever.

    Raises Refused where the earlier release would not be let through today. `reason` is shown to the public.
    """
    done = perform(way, contract, partial(_record, product, to, reason, person))
    for portal in portals:
        if portal.auto or target_of(portal, product) in way.journal.state(contract.id).published:
            perform(way, contract, publish_now(portal, product, person))
            want = item(way, contract, contract.product(product), way.journal.state(contract.id))
            if portal.verify(want):
                raise PortalError(f"The portal {portal.name} does not show the earlier release.", dataset=contract.id, remedy="Run it again.")
    way.seal()
    return done


def _record(product: str, to: int, reason: str, person: str, way: Way, contract: Contract, state: State) -> Work | None:
    known = {one.number: one for one in state.releases.get(product, ())}
    current = state.release(product)
    if to not in known or to in state.erased.get(product, ()) or current is None or product in state.withdrawn:
        raise DefinitionError("There is no such release to go back to.", dataset=contract.id, remedy="See `citylake release list`.")
    if current.number == to:
        return None
    if to > current.number or to in state.revoked.get(product, {}):
        raise DefinitionError("That release was taken back, or is not an earlier one.", dataset=contract.id, remedy="See `citylake release list`.")
    outward = Outward(contract, contract.product(product), way.city.codes, way.city.zone)
    if known[to].body["tier"] != outward.tier or not stands(way, state, outward, known[to].body):
        raise Refused("That release would not be let through under today's rules, decisions and contract.", dataset=contract.id,
                      remedy="Withdraw the product, or correct the data and run again.")
    op = Op(fingerprint("rollback", contract.id, product, to, current.number), "rollback")
    body = {"product": product, "to": to, "from": current.number, "reason": reason, "person": person, "outcome": "done"}
    return Work(op, product, "rollback", lambda _: body)
