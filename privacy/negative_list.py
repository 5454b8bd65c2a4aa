"""The negative list: what may never be collected, and what only under a declared rule. A city may only tighten it.

Clauses after the city's decision: (a) secrets, (b) personal data under a rule, (c) nothing that is already shared.
Clause (c) and the limits over time come with the full privacy part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from catalog.canonical import fingerprint
from catalog.contract import Contract
from catalog.errors import DefinitionErrors, Problem
from catalog.evidence import Finding
from catalog.yamlread import read_yaml


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Category(_Strict):
    """A kind of secret (State Secrets Law Art. 13) and the words that point to it."""

    id: str
    title: str
    legal_basis: str
    verified: bool
    strong: list[str] = Field(default_factory=list, description="One row with such a word holds the batch")
    weak: list[str] = Field(default_factory=list, description="Held when `weak_rows` rows have one")


class Excluded(_Strict):
    """A department or data element that is never collected."""

    id: str
    kind: Literal["department", "dataset", "element"]
    name: str
    legal_basis: str
    verified: bool


class CollectionRule(_Strict):
    """A permitted collection of personal data (PIPL Art. 6 and 34)."""

    id: str
    department: str
    datasets: Annotated[list[str], Field(min_length=1)]
    purposes: Annotated[list[str], Field(min_length=1)]
    kinds: list[str]
    rows_per_batch: Annotated[int, Field(ge=1)]
    frequency: str
    mode: str
    scope: str
    retention_days: Annotated[int, Field(ge=1)]
    valid_from: str
    valid_to: str
    legal_basis: Annotated[str, Field(min_length=1)]
    verified: bool


class Thresholds(_Strict):
    """Disclosure control: how many persons a published row must be lost among (k), and what the group may tell (l, t).

    k ≥ 20 unconditional and k ≥ 5 with l ≥ 2 restricted are the city's own choice (cf. GB/T 42460-2023, GB/T 37964-2019).
    """

    k_unconditional: Annotated[int, Field(ge=2)] = 20
    k_restricted: Annotated[int, Field(ge=2)] = 5
    l_restricted: Annotated[int, Field(ge=1)] = 2
    t_restricted: Annotated[float, Field(gt=0, le=1)] | None = None
    cell_unconditional: Annotated[int, Field(ge=1)] = 10
    cell_restricted: Annotated[int, Field(ge=1)] = 5


class PolicyFile(_Strict):
    """One file: the base list that ships, or a city's additions."""

    version: Annotated[int, Field(ge=1)]
    weak_rows: Annotated[int, Field(ge=1)] = 3
    thresholds: Thresholds = Thresholds()
    secrets: list[Category] = Field(default_factory=list)
    excluded: list[Excluded] = Field(default_factory=list)
    collection_rules: list[CollectionRule] = Field(default_factory=list)


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

    def excludes(self, contract: Contract) -> str | None:
        """The entry that forbids to collect this dataset at all, if there is one."""
        names = {"department": {contract.department}, "dataset": {contract.id},
                 "element": {column.name for column in contract.columns} | {column.label for column in contract.columns}}
        return next((entry.id for entry in self.excluded if entry.name in names[entry.kind]), None)


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
    categories = [*base.secrets, *city.secrets]
    return Policy(
        fingerprint(base, city)[:16],
        tuple(sorted({word for item in categories for word in item.strong})),
        tuple(sorted({word for item in categories for word in item.weak})),
        min(base.weak_rows, city.weak_rows), (*base.excluded, *city.excluded),
        {rule.id: rule for rule in (*base.collection_rules, *city.collection_rules)}, base.thresholds,
    ), problems


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
    """A city may add; it may not raise a threshold or redefine an entry of the base."""
    problems = []
    if city.weak_rows > base.weak_rows:
        problems.append(Problem(name, 1, "policy.loosened", "weak_rows is higher than in the base list.", f"Use {base.weak_rows} or less."))
    known = _ids(base)
    for entry in _ids(city):
        if entry in known:
            problems.append(Problem(name, 1, "policy.redefined", f"The entry {entry} stands in the base list, or twice.",
                                    "Give it an id of its own."))
        known.append(entry)
    return problems


def _ids(file: PolicyFile) -> list[str]:
    return [*(item.id for item in file.secrets), *(item.id for item in file.excluded), *(item.id for item in file.collection_rules)]


def cue_pattern(policy: Policy) -> tuple[str, str]:
    """RE2 unions of the strong and the weak cue words; '' where there are none. Words are found inside running text."""
    strong, weak = ("|".join(re.escape(word) for word in words) for words in (policy.strong, policy.weak))
    return strong, weak


def judge_secrecy(policy: Policy, cues: Mapping[str, int]) -> list[Finding]:
    """Holds a batch for the secrecy officer (State Secrets Law Art. 35: review before anything is made public)."""
    strong, weak = cues.get("strong", 0), cues.get("weak", 0)
    found = []
    if strong:
        found.append(Finding("secrecy.strong", False, "block", "Rows hold words that point to state secrets.", observed={"rows": strong}))
    if weak >= policy.weak_rows:
        found.append(Finding("secrecy.weak", False, "block", "Many rows hold words that may point to state secrets.", observed={"rows": weak}))
    return found


def judge_collection(
    policy: Policy, contract: Contract, today: date, rows: int, kinds: Mapping[str, Mapping[str, int]], history: Sequence[Any]
) -> list[Finding]:
    """Refuses what no collection rule permits (PIPL Art. 6: the least that the purpose needs)."""
    personal = any(column.more.person or column.level in ("L3", "L4") for column in contract.columns)
    named = {column.name: column.more.identifies for column in contract.columns}
    beyond = {name: sorted(kind for kind in found if kind != named.get(name)) for name, found in kinds.items()}
    rule = policy.rules.get(contract.fields.collection_rule or "")
    if rule is None:
        need = personal or any(kind != "social_credit_code" for found in kinds.values() for kind in found)
        return [_refused("collection.rule", "Personal data may only be collected under a declared rule.", kinds)] if need else []
    findings = []
    if not rule.valid_from <= today.isoformat() <= rule.valid_to:
        findings.append(_refused("collection.validity", f"Collection rule {rule.id} is not valid today.", {}))
    if contract.id not in rule.datasets or contract.department != rule.department:
        findings.append(_refused("collection.scope", f"Collection rule {rule.id} is not about this dataset.", {}))
    if rows > rule.rows_per_batch:
        findings.append(_refused("collection.quantity", "The batch has more rows than the collection rule permits.",
                                 {"rows": rows, "rows_per_batch": rule.rows_per_batch}))
    # One resident ID in 31 also passes the check of a social credit code, which is no personal data.
    extra = {name: [kind for kind in found if kind not in (*rule.kinds, "social_credit_code")] for name, found in beyond.items()}
    extra = {name: found for name, found in extra.items() if found}
    if extra:
        findings.append(_refused("collection.kinds", "The batch holds kinds of personal data beyond the collection rule.", extra))
    return findings


def _refused(rule: str, note: str, observed: Mapping[str, Any]) -> Finding:
    return Finding(rule, False, "block", note, observed=dict(observed))
