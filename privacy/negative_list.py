"""The negative list in force: base and city together. A city may only tighten it, which loading proves.

Clauses: (a) secrets (privacy/secrecy.py), (b) personal data under a rule (privacy/collection.py), (c) nothing that is already
shared (privacy/sketches.py). How a list is written: privacy/policy_file.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from catalog.canonical import fingerprint
from catalog.contract import Column, Contract
from catalog.errors import DefinitionErrors, Problem
from catalog.yamlread import read_yaml
from privacy.policy_file import CollectionRule, Excluded, JoinRule, PolicyFile, SharedElement, Thresholds

__all__ = ["CollectionRule", "Policy", "PolicyFile", "Thresholds", "check_policy", "elements_of", "load_policy"]


@dataclass(frozen=True)
class Policy:
    """Base and city together. `version` changes with every change of either, and makes older verdicts stale."""

    version: str
    strong: tuple[str, ...]
    weak: tuple[str, ...]
    weak_rows: int
    excluded: tuple[Excluded, ...]
    rules: Mapping[str, CollectionRule]
    thresholds: Thresholds = field(default_factory=Thresholds)
    joins: tuple[JoinRule, ...] = ()
    shared: tuple[SharedElement, ...] = ()

    def excludes(self, contract: Contract) -> str | None:
        """The entry that forbids to collect this dataset at all, if there is one."""
        names = {"department": {contract.department}, "dataset": {contract.id},
                 "element": {name for column in contract.columns for name in elements_of(column)}}
        return next((entry.id for entry in self.excluded if entry.name in names[entry.kind]), None)

    def joined(self, elements: Collection[str]) -> list[JoinRule]:
        """The joining rules all of whose elements are among these."""
        return [rule for rule in self.joins if set(rule.elements) <= set(elements)]


def elements_of(column: Column) -> set[str]:
    """The names under which the list may speak of a column: its element, its label, its name and its aliases."""
    return {name for name in (column.more.element, *column.headers) if name}


def load_policy(city_file: Path | None) -> Policy:
    """Raises DefinitionErrors with every problem of the list."""
    policy, problems = check_policy(city_file)
    if policy is None or problems:
        raise DefinitionErrors(problems)
    return policy


def check_policy(city_file: Path | None) -> tuple[Policy | None, list[Problem]]:
    """The merged policy and everything that is wrong with it."""
    base, problems = _file(Path(str(files("privacy") / "base_negative_list.yaml")), "privacy/base_negative_list.yaml")
    city: PolicyFile | None = PolicyFile(version=1)
    if city_file is not None:
        city, more = _file(city_file, city_file.name)
        problems += more
    if base is None or city is None:
        return None, problems
    if city_file is not None:
        problems += _loosened(base, city, city_file.name)
    return _merged(base, city), problems


def _merged(base: PolicyFile, city: PolicyFile) -> Policy:
    """The union of the entries and the stricter of each number: it can only be tighter than the base."""
    categories = [*base.secrets, *city.secrets]
    rows = [file.weak_rows for file in (base, city) if file.weak_rows is not None]
    return Policy(
        fingerprint(base, city)[:16],
        tuple(sorted({word for item in categories for word in item.strong})),
        tuple(sorted({word for item in categories for word in item.weak})),
        min(rows, default=3), (*base.excluded, *city.excluded),
        {rule.id: rule for rule in (*base.collection_rules, *city.collection_rules)},
        _stricter(base.thresholds or Thresholds(), city.thresholds or Thresholds()),
        (*base.joins, *city.joins), (*base.shared_elements, *city.shared_elements),
    )


def _stricter(base: Thresholds, city: Thresholds) -> Thresholds:
    """k, l and cells: the larger. t: the smaller. Any rather than none."""
    names = [name for name in Thresholds.model_fields if name != "t_restricted"]
    closest = [value for value in (base.t_restricted, city.t_restricted) if value is not None]
    both = {name: [value for value in (getattr(base, name), getattr(city, name)) if value is not None] for name in names}
    return Thresholds(**{name: max(values) for name, values in both.items() if values}, t_restricted=min(closest, default=None))


def _file(path: Path, name: str) -> tuple[PolicyFile | None, list[Problem]]:
    document = read_yaml(path, name)
    if document.problems or document.data is None:
        return None, document.problems
    try:
        return PolicyFile.model_validate(document.data), []
    except ValidationError as error:
        for item in error.errors(include_input=False, include_url=False):
            where = tuple(item["loc"])
            document.problem(where, "policy.field", f"{'.'.join(map(str, where))}: {_plainly(item['type'])}.",
                             "See docs/negative-list.md for the fields.")
        return None, document.problems


def _plainly(kind: str) -> str:
    return {"missing": "is missing", "extra_forbidden": "is not a field of the negative list"}.get(kind, f"has the wrong form ({kind})")


def _loosened(base: PolicyFile, city: PolicyFile, name: str) -> list[Problem]:
    """A city may add; it may not loosen a number or redefine an entry of the base."""
    problems = []
    if city.weak_rows is not None and base.weak_rows is not None and city.weak_rows > base.weak_rows:
        problems.append(Problem(name, 1, "policy.loosened", "weak_rows is higher than in the base list.", f"Use {base.weak_rows} or less."))
    ours, wanted = base.thresholds or Thresholds(), city.thresholds
    for field_ in wanted.model_fields_set if wanted is not None else ():
        if getattr(wanted, field_) != getattr(_stricter(ours, wanted or ours), field_):
            problems.append(Problem(name, 1, "policy.loosened", f"thresholds.{field_} is looser than in the base list.",
                                    f"Use {getattr(ours, field_)} or stricter."))
    known = base.ids()
    for entry in city.ids():
        if entry in known:
            problems.append(Problem(name, 1, "policy.redefined", f"The entry {entry} stands in the base list, or twice.",
                                    "Give it an id of its own."))
        known.append(entry)
    return problems
