"""Taking a product off every portal at once: recorded first, so that the gates deny from here on, then done and verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from catalog.canonical import fingerprint
from catalog.contract import Contract
from catalog.errors import DefinitionError, PortalError
from pipelines.due import target_of
from pipelines.lake import Op
from pipelines.pages import item
from pipelines.portals import Portal
from pipelines.protocol import Work, perform
from pipelines.state import State
from pipelines.steps.publish import publish, publish_now
from pipelines.way import Way


def withdraw(
    way: Way, contract: Contract, product: str, tombstone: Mapping[str, Any], portals: Sequence[Portal], person: str | None = None
) -> Mapping[str, Any]:
    """Withdraws; `tombstone` has reason, basis, date and perhaps a replacement, for the public. Never reopened by itself.

    `person` decided it; the journal keeps who, the portals do not show it.
    """
    if product not in [known.name for known in contract.products]:
        raise DefinitionError(f"{contract.id} has no product {product}.", remedy="See its contract.")
    perform(way, contract, partial(_record, product, tombstone, person))
    wrong: list[PortalError] = []
    for portal in portals:      # one that does not answer keeps nothing on the others
        try:
            _take_off(way, contract, product, portal, person)
            _follow(way, contract.id, portal)
        except PortalError as error:
            wrong.append(error)
    if wrong:
        way.seal()
        raise PortalError(f"The withdrawal is recorded, and done wherever a portal answered. This one did not: {wrong[0].message}",
                          dataset=contract.id, remedy="Give the same command again as soon as it answers; until then it may still be shown there.")
    done = perform(way, contract, partial(_finish, product))
    way.seal()
    return done


def _take_off(way: Way, contract: Contract, product: str, portal: Portal, person: str | None) -> None:
    if not portal.auto and target_of(portal, product) not in way.journal.state(contract.id).published:
        return          # it was never shown there
    perform(way, contract, publish_now(portal, product, person))
    if portal.verify(item(way, contract, contract.product(product), way.journal.state(contract.id))):
        raise PortalError(f"The portal {portal.name} still shows something of the product.", dataset=contract.id,
                          remedy="Run `citylake withdraw` again.")


def _follow(way: Way, dataset: str, portal: Portal) -> None:
    """What is derived from a withdrawn product stands no more (pipelines/verdicts.py): the portal shows its metadata until decided."""
    for name in way.city.followers(dataset):
        derived = way.contract(name)
        for known in derived.products:
            perform(way, derived, publish(portal, known.name))
        _follow(way, name, portal)


def _record(product: str, tombstone: Mapping[str, Any], person: str | None, way: Way, contract: Contract, state: State) -> Work | None:
    if product in state.withdrawn:
        return None
    op = Op(fingerprint("withdraw", contract.id, product, tombstone), "withdrawing")
    return Work(op, product, "withdrawing", lambda _: {"product": product, "person": person, "tombstone": dict(tombstone), "outcome": "done"})


def _finish(product: str, way: Way, contract: Contract, state: State) -> Work | None:
    if f"withdrawn/{product}" in state.last:
        return None
    op = Op(fingerprint("withdrawn", contract.id, product), "withdrawn")
    return Work(op, product, "withdrawn", lambda _: {"product": product, "outcome": "done"})
