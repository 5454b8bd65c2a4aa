"""Whether what serve once let through still stands: under today's rules and decisions, and letting no more leave than today's
contract does. Doubt closes: what does not stand is shown as metadata until it is judged again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.canonical import fingerprint
from catalog.contract import Contract
from catalog.evidence import Ruling
from catalog.extension import Generalise, Mask, Treatment
from catalog.masking import MASKING_VERSION
from pipelines.products import Outward
from pipelines.state import State
from pipelines.uses import use_limits
from pipelines.way import Way
from privacy.column_verdicts import JUDGE_VERSION
from privacy.disclosure import DISCLOSURE_VERSION

LET_THROUGH = (Ruling.PASS, Ruling.PASS_TREATED)


def rules_version(way: Way) -> str:
    """Version of everything that judges a release; a published one is judged again when it changes."""
    return fingerprint(JUDGE_VERSION, DISCLOSURE_VERSION, way.policy.version)[:16]


def leaving(outward: Outward) -> dict[str, str]:
    """What leaves, and how: each column's level and treatment with its rules, and under `` which rows or groups."""
    product, treatments = outward.product, outward.treatments()
    found = {column.name: f"{column.level} {_how(treatments[column.name])}" for column in outward.columns}
    return {**found, "": fingerprint(product.filter, product.aggregate)[:12]}


def lists_of(way: Way, outward: Outward) -> str:
    """Fingerprint of the code lists whose words are shown beside a release: they are judged with it."""
    return fingerprint({column.codes: way.city.codes[column.codes].rows for column in outward.columns if column.codes})


def _how(treatment: Treatment) -> str:
    """A mask is what its rules let through: where those change, what left under the old ones does not stand."""
    return fingerprint(treatment, *([MASKING_VERSION] if isinstance(treatment, Mask | Generalise) else []))[:12]


def withdrawn_inputs(way: Way, contract: Contract) -> list[str]:
    """Products that were withdrawn of the datasets that this one is derived from, however far back."""
    found: set[str] = set()
    for name in {one.dataset for one in contract.inputs} & set(way.city.contracts):
        source = way.city.contracts[name]
        found |= {source.product_id(product) for product in way.journal.state(name).withdrawn}
        found |= set(withdrawn_inputs(way, source))
    return sorted(found)


def stands(way: Way, state: State, outward: Outward, body: Mapping[str, Any]) -> bool:
    """Whether a serve record that was let through counts today: judged by the same rules, every decision that it rests on
    still good, no column leaving otherwise than today, and nothing that it is derived from withdrawn since, its use still allowed.
    """
    good, now = {decision.id for decision in state.standing(way.today())}, leaving(outward)
    return (
        body.get("rules") == rules_version(way)
        and body.get("ruling", {}).get("ruling") in LET_THROUGH
        and good.issuperset(body.get("rests_on", ()))
        and set(withdrawn_inputs(way, outward.contract)) <= set(body.get("withdrawn_inputs", ()))
        and not use_limits(way, outward.contract, outward.product.name)
        and all(now.get(name) == how for name, how in body.get("leaving", {}).items())
    )


def newest_stands(way: Way, state: State, outward: Outward) -> bool:
    """Whether the bytes of the release in force count today: the newest record that let them through speaks for them. One that
    closed the product since (it became prohibited) does not. After a rollback the release's own record speaks.
    """
    product = outward.product.name
    release, body = state.release(product), state.passed.get(f"serve/{product}")
    if release is not None and release is not state.newest(product):
        body = release.body
    return release is not None and body is not None and body["tier"] == release.body["tier"] and stands(way, state, outward, body)
