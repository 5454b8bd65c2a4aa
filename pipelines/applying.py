"""Plans of the city's portals: made from what they show now, applied dataset by dataset; and what waits for one."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

from catalog.canonical import fingerprint
from catalog.contract import Contract
from catalog.errors import CitylakeError, DefinitionError, Drifted, Refused, unexpected
from pipelines.choice import chosen
from pipelines.conduct import Outcome, Told, steps_of, taken
from pipelines.decisions import steward
from pipelines.due import due, target_of
from pipelines.lake import Op
from pipelines.pages import item
from pipelines.planning import Action, Plan
from pipelines.portals import Portal
from pipelines.portals.listed import portals_of
from pipelines.protocol import Work, perform
from pipelines.state import State
from pipelines.steps.publish import publish_planned
from pipelines.way import Way

COSMETIC = {"title", "title_en", "notes", "notes_en", "tags"}     # a hand edit of anything else is never kept


def named(way: Way, portals: Collection[str]) -> list[Portal]:
    """The portals of these names, all where nothing is named."""
    unknown = set(portals) - set(way.city.portals)
    if unknown:
        raise DefinitionError("There is no portal of that name in this city.", remedy=f"It has: {', '.join(way.city.portals)}.")
    return [portal for portal in portals_of(way) if not portals or portal.name in portals]


def plan_of(way: Way, portal: Portal, datasets: Collection[str] = (), department: str | None = None) -> Plan:
    """What would change on a portal. At most one read request per product; nothing is written anywhere."""
    actions: list[Action] = []
    for name in chosen(way, datasets, department):
        contract = way.contract(name)
        state = way.journal.state(name)
        wanted = {product.name: item(way, contract, product, state) for product in contract.products}
        seen = portal.observe([want.id for want in wanted.values()])
        actions += [action for product, want in wanted.items() if (action := due(portal, product, want, state, seen.get(want.id)))]
    return Plan(portal.name, tuple(actions), way.clock().isoformat(timespec="seconds"))


def waiting(way: Way) -> dict[str, int]:
    """For each portal that waits for a person: how many products it shows otherwise than wanted, as far as the journal knows."""
    found = {}
    for portal in (portal for portal in portals_of(way) if not portal.auto):
        found[portal.name] = sum(_differs(way, portal, contract) for contract in way.city.contracts.values())
    return {name: number for name, number in found.items() if number}


def _differs(way: Way, portal: Portal, contract: Contract) -> int:
    state = way.journal.state(contract.id)
    count = 0
    for product in contract.products:
        want, recorded = item(way, contract, product, state), state.published.get(target_of(portal, product.name))
        count += want.shown != "absent" if recorded is None else recorded["fingerprint"] != want.fingerprint
    return count


def apply(way: Way, plans: Collection[Plan], told: Told | None = None) -> list[Outcome]:
    """Does what the plans say and nothing else. What has changed since is refused, dataset by dataset; the others go on.

    It takes a steward of each dataset's department, or the data bureau.
    """
    portals = {portal.name: portal for portal in named(way, [one.portal for one in plans])}
    outcomes = []
    for one in plans:
        for action in one.actions:
            outcomes.append(_applied(way, portals[one.portal], action))
            if told:
                told(outcomes[-1])
    way.seal()
    return outcomes


def _applied(way: Way, portal: Portal, action: Action) -> Outcome:
    dataset, _, product = action.id.rpartition(".")
    target = f"{portal.name}/{product}"
    try:
        contract = way.contract(dataset)
        if product not in [known.name for known in contract.products]:
            raise DefinitionError("The contract names this product no more.", dataset=dataset, remedy="Make a new plan.")
        person = steward(way, contract, "bureau")
        body = perform(way, contract, publish_planned(portal, product, action, person.id))
    except CitylakeError as error:
        return Outcome(dataset, "publish", target, "refused" if isinstance(error, (Refused, Drifted)) else "failed", note=str(error))
    except Exception as error:      # a foreign error may quote a value
        return Outcome(dataset, "publish", target, "failed", note=unexpected(error))
    unchanged = body["outcome"] == "unchanged" or bool(body.get("repeated"))
    return Outcome(dataset, "publish", target, "unchanged" if unchanged else str(body["outcome"]), body)


def republish(way: Way, dataset: str) -> list[Outcome]:
    """Only shows a dataset, and what is derived from it, as its journal says now: for what must not wait for the next run."""
    portals, outcomes = portals_of(way), list[Outcome]()
    for name in chosen(way, [dataset]):
        contract = way.contract(name)
        outcomes += taken(way, contract, (planned for planned in steps_of(contract, portals) if planned.name == "publish"))
    way.seal()
    return outcomes


def accept(way: Way, contract: Contract, product: str, portal: Portal, reason: str, person: str) -> dict[str, Any]:
    """Lets a hand edit on the portal stand until the product changes; only title, summary and tags can be kept so."""
    identity = contract.product_id(product)
    seen = portal.observe([identity]).get(identity)
    if seen is None or not seen.drift:
        raise DefinitionError("Nobody has changed this product on the portal.", dataset=contract.id, remedy="See `citylake plan`.")
    if beyond := sorted(set(seen.drift) - COSMETIC):
        raise DefinitionError(f"This was changed on the portal and cannot be kept: {', '.join(beyond)}.", dataset=contract.id,
                              remedy="Mend it with `citylake plan` and `citylake apply`.")
    body = {"portal": portal.name, "product": product, "fingerprint": seen.fingerprint, "fields": list(seen.drift), "reason": reason,
            "person": person, "outcome": "done"}
    return dict(perform(way, contract, partial(_accepted, target_of(portal, product), body)))


def _accepted(target: str, body: dict[str, Any], way: Way, contract: Contract, state: State) -> Work | None:
    return Work(Op(fingerprint("accept", target, body), "accept"), target, "accepted", lambda _: body)


