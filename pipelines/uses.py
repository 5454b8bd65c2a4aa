"""Use is limited as collection is: what a dataset or product may be made for, and which elements may not come together.

Read by refine and serve before they let anything through, and by what judges a published release again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from catalog.canonical import fingerprint, plain
from catalog.contract import Column, Contract
from catalog.dialect import parse_measure
from catalog.evidence import Finding
from pipelines.elements import column_elements
from pipelines.exposure import kin, population
from pipelines.way import Way
from privacy.collection import judge_use


def collected(way: Way, contract: Contract) -> list[Contract]:
    """The collected datasets that a contract comes from, however far back; itself where it is not derived."""
    if not contract.derived:
        return [contract]
    found: dict[str, Contract] = {}
    for item in contract.inputs:
        if item.dataset in way.city.contracts:
            found |= {one.id: one for one in collected(way, way.city.contracts[item.dataset])}
    return [found[name] for name in sorted(found)]


def use_limits(way: Way, contract: Contract, product: str) -> list[Finding]:
    """What forbids to make or show this product today."""
    return judge_use(way.policy, contract, contract.product(product).purpose, way.today(), collected(way, contract))


def derived_limits(way: Way, contract: Contract) -> list[Finding]:
    """What forbids to derive this dataset today: each of its purposes must be allowed by the rules of all it comes from."""
    return kept_limits(way, contract) if contract.derived else []


def kept_limits(way: Way, contract: Contract) -> list[Finding]:
    """What forbids to hand out rows of this dataset today, for whichever of its purposes: an export to be corrected is a use too."""
    found = [one for purpose in contract.fields.purposes for one in judge_use(way.policy, contract, purpose, way.today(), collected(way, contract))]
    return list({fingerprint(one): one for one in found}.values())


def joined_in(way: Way, contract: Contract) -> list[Finding]:
    """Elements that become secret together in one dataset."""
    return _joined(way, column_elements(way.city.contracts, contract, list(contract.columns)), "joins.dataset",
                   "Elements come together here that may be secret together.")


def joined_out(way: Way, contract: Contract, product: str) -> list[Finding]:
    """Elements that become secret together in a product, or with what is published already: of the same subjects, or with a column of it."""
    own = _leaving(way, contract, product)
    alone = _joined(way, own, "joins.product", "The product holds elements that may be secret together.")
    kindred = kin(way.city.contracts.values(), contract)
    together, told = set(own), {one.observed["entry"] for one in alone}
    for other in way.city.contracts.values() if way.policy.joins else ():
        state, same = way.journal.state(other.id), population(other) in kindred
        for one in other.products:
            beside = same or other.id == contract.id or _handles(contract, product) & _handles(other, one.name)
            if beside and state.release(one.name) is not None and one.name not in state.withdrawn:
                together |= _leaving(way, other, one.name)
    wider = _joined(way, together, "joins.releases",
                    "With what is published already about the same subjects, elements come together that may be secret.")
    return alone + [one for one in wider if one.observed["entry"] not in told and own & set(_rule(way, one).elements)]


def _handles(contract: Contract, product: str) -> set[str]:
    """By what rows of a product can be laid beside those of another: the element, code list, name and headers of what leaves."""
    return {f"{kind} {word}" for column in _columns(contract, product)
            for kind, word in (("element", column.more.element), ("codes", column.more.codes), *(("header", header) for header in column.headers))
            if word}


def _columns(contract: Contract, product: str) -> list[Column]:
    """The columns that leave in any form, in a measure too."""
    chosen = contract.product(product)
    names = {name for name, how in chosen.columns.items() if how.do != "drop"}
    for sql in chosen.aggregate.measures.values() if chosen.aggregate else ():
        names |= {found.name for found in parse_measure(sql, [column.name for column in contract.columns]).find_all(exp.Column)}
    return [column for column in contract.columns if column.name in names]


def _leaving(way: Way, contract: Contract, product: str) -> set[str]:
    return column_elements(way.city.contracts, contract, _columns(contract, product))


def _rule(way: Way, finding: Finding) -> Any:
    return next(rule for rule in way.policy.joins if rule.id == finding.observed["entry"])


def _joined(way: Way, elements: set[str], rule: str, note: str) -> list[Finding]:
    return [Finding(rule, False, "block", note, observed={"entry": one.id, "elements": list(one.elements)}) for one in way.policy.joined(elements)]


def use_holds(way: Way, contract: Contract, product: str) -> list[Mapping[str, Any]]:
    """The holds of a product: a use that no rule allows (nobody approves it away), and a combination for the secrecy officer."""
    parts = [(use_limits(way, contract, product), "privacy_officer", False), (joined_out(way, contract, product), "secrecy_officer", True)]
    return [use_hold(way, contract, "serve", product, found, role, may) for found, role, may in parts if found]


def refine_holds(way: Way, contract: Contract) -> list[Mapping[str, Any]]:
    """The holds of a dataset as it is derived or refined, before a row of it is written."""
    parts = [(derived_limits(way, contract), "privacy_officer", False), (joined_in(way, contract), "secrecy_officer", True)]
    return [use_hold(way, contract, "refine", "", found, role, may) for found, role, may in parts if found]


def use_hold(way: Way, contract: Contract, step: str, target: str, found: list[Finding], role: str, approvable: bool) -> Mapping[str, Any]:
    subject = fingerprint(step, contract.id, target, way.policy.version, plain(found))
    name = "/".join(part for part in (contract.id, step, target, subject[:12]) if part)
    return {"id": name, "step": step, "target": target, "subject": subject, "role": role, "approvable": approvable, "findings": plain(found)}
