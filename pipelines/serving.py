"""What a release is made of: when any of it changes, serve makes the product again. Pure but for the holds of its use."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.canonical import fingerprint
from catalog.contract import Contract
from pipelines.doubts import UNSEEN
from pipelines.products import Outward
from pipelines.state import State
from pipelines.uses import use_holds
from pipelines.verdicts import leaving, rules_version, withdrawn_inputs
from pipelines.way import Way


def terms(way: Way, contract: Contract, product: str) -> str:
    """Fingerprint of the contract fields that gold and its files depend on."""
    columns = [(c.name, str(c.type), c.level, c.label, c.more.codes, c.more.identifies) for c in contract.columns]
    persons = contract.fields.subjects, [(c.name, c.more.person, c.more.quasi, c.more.sensitive, c.more.subject) for c in contract.columns]
    lists = {c.more.codes: way.city.codes[c.more.codes].rows for c in contract.columns if c.more.codes}
    chosen = contract.product(product).model_dump(exclude={"title", "conditions", "catalog_entry"})
    return fingerprint(columns, persons, lists, chosen, contract.period, contract.fields.merge, way.city.zone)


def made_of(way: Way, contract: Contract, state: State, outward: Outward, parts: Sequence[str]) -> str:
    """Fingerprint of all that a product is made of but for its silver: terms, rules, decisions, and `parts` (models, lists, extras)."""
    product = outward.product.name
    return fingerprint("serve", contract.id, product, terms(way, contract, product), rules_version(way),
                       state.applicable(way.today(), "serve", product), withdrawn_inputs(way, contract),
                       *[hold["subject"] for hold in use_holds(way, contract, product)], *parts, leaving(outward), *_once_more(state, product))


def refine_held(state: State) -> bool:
    """Whether the newest refinement waits for a person: nothing may go past it."""
    return state.last.get("refine/", {}).get("outcome") == "held"


def _once_more(state: State, product: str) -> list[str]:
    """What was held because it could not be looked at in full is made and looked at once more by the next run."""
    last = state.last.get(f"serve/{product}", {})
    return [last["op"]] if any(found["rule"].startswith(UNSEEN) for hold in last.get("holds", ()) for found in hold["findings"]) else []
