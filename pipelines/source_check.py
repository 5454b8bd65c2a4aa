"""Everything that can be wrong with a city folder, in one list: contracts, policy, and what only the parts that run can judge.

Here: whether a source names a connector and a format that exist, with options they take, whether the collection rules fit the
contracts that call on them, whether elements meet that may be secret together, and (text_check.py) whether texts hold persons' numbers.
The rest is catalog/loader.py and privacy/negative_list.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from catalog.city import City
from catalog.contract import Contract
from catalog.errors import Problem
from catalog.extension import Source
from catalog.loader import examine
from catalog.odcs import listed, ours
from catalog.yamlread import Document, Path_, read_yaml
from pipelines.connectors import connectors
from pipelines.elements import column_elements
from pipelines.formats import check_options
from pipelines.text_check import check_texts
from privacy.negative_list import Policy, check_policy

Documents = Mapping[str, Document]


def check_all(path: Path) -> tuple[City | None, list[Problem]]:
    """The city as far as it can be read, and everything wrong with its folder, in order of file and line."""
    city, documents, problems = examine(path)
    negative = path / "negative_list.yaml"
    policy, wrong = check_policy(negative if negative.exists() else None)
    problems += wrong
    problems += check_dates(negative) if negative.exists() else []
    if city is not None:
        problems += check_sources(city, documents) + check_texts(city, documents)
        if policy is not None:
            problems += check_rules(city, policy, documents) + check_joins(city, policy, documents)
    return city, sorted(set(problems), key=lambda item: (item.file, item.line, item.code))


def check_sources(city: City, documents: Documents | None = None) -> list[Problem]:
    """What connectors and formats say about the sources of every contract. `documents` saves reading the files again."""
    found: list[Problem] = []
    for contract in city.contracts.values():
        if contract.sources:
            document, at = _document(city, contract, documents)
            for number, source in enumerate(contract.sources):
                _source(document, (*at, "sources", number), source)
            found += document.problems
    return found


def _document(city: City, contract: Contract, documents: Documents | None) -> tuple[Document, Path_]:
    """The contract's file, for its lines, and where our property stands; what else is wrong with it is told by the loader."""
    name = contract.source_file
    document = documents[name] if documents else read_yaml(city.path / name, name)
    document = replace(document, problems=[])
    return document, ours(document, document.data, ())[1]


def _source(document: Document, at: Path_, source: Source) -> None:
    kind = connectors().get(source.connector)
    if kind is None:
        document.problem((*at, "connector"), "source.connector", "There is no such connector.", f"Use one of: {', '.join(connectors())}.")
    else:
        _options(document, (*at, "options"), kind.Options, source.options)
    name = source.format.get("name")
    wrong = check_options(source.format) if name is None or isinstance(name, str) else ["The format's name is no text."]
    for text in wrong:
        document.problem((*at, "format"), "source.format", text, "See docs/contracts.md for the options of formats.")


def _options(document: Document, at: Path_, model: Any, options: Mapping[str, Any]) -> None:
    try:
        model.model_validate(options)
    except ValidationError as error:
        known = ", ".join(model.model_fields)
        for item in error.errors(include_input=False, include_url=False):
            name = ".".join(map(str, item["loc"])) or "options"
            document.problem((*at, *item["loc"]), "source.options", f"{name} {_plainly(item)}.", f"The options are: {known}.")


def _plainly(item: Any) -> str:
    """pydantic's words without the value."""
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    return {"missing": "is missing", "extra_forbidden": "is not an option"}.get(item["type"], f"has the wrong form ({item['type']})")


def check_dates(negative: Path) -> list[Problem]:
    """Whether the collection rules' dates are dates: rules are compared with today as text, and `2030-2-1` would never end."""
    document = read_yaml(negative, negative.name)
    document.problems.clear()
    for number, rule in enumerate(listed(document.data, "collection_rules")):
        dates = [_day(rule.get(key)) if isinstance(rule, dict) else None for key in ("valid_from", "valid_to")]
        if None in dates or dates[0] > dates[1]:        # type: ignore[operator]  # just checked
            document.problem(("collection_rules", number, "valid_to"), "policy.date", "The dates of a collection rule are not two days in order.",
                             "Write them like 2026-05-01, in quotes.")
    return document.problems


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) and len(text) == 10 else None
    except ValueError:
        return None


def check_rules(city: City, policy: Policy, documents: Documents | None = None) -> list[Problem]:
    """Whether each collection rule that a contract names exists, is about this dataset, and permits all of its purposes."""
    found: list[Problem] = []
    for contract in city.contracts.values():
        name = contract.fields.collection_rule
        if name is None:
            found += _derived_use(city, policy, contract, documents)
            continue
        document, at = _document(city, contract, documents)
        rule = policy.rules.get(name)
        if rule is None:
            document.problem((*at, "collection_rule"), "collection.unknown", f"There is no collection rule {name}.",
                             f"Use one of: {', '.join(sorted(policy.rules)) or 'none is declared'}.")
        else:
            if contract.id not in rule.datasets or contract.department != rule.department:
                document.problem((*at, "collection_rule"), "collection.scope", f"The collection rule {name} is not about this dataset.",
                                 "Add the dataset to the rule, or name another.")
            beyond = sorted(set(contract.fields.purposes) - set(rule.purposes))
            if beyond:
                document.problem((*at, "purposes"), "collection.purposes", f"The collection rule {name} does not permit {', '.join(beyond)}.",
                                 "Take the purpose out, or have the rule extended.")
        found += document.problems
    return found


def _derived_use(city: City, policy: Policy, contract: Contract, documents: Documents | None) -> list[Problem]:
    """Whether the rules of everything that a dataset is derived from permit all of its purposes."""
    names, seen = [item.dataset for item in contract.inputs], set[str]()
    beyond: dict[str, list[str]] = {}
    while names:
        name = names.pop()
        if name in city.contracts and name not in seen:
            seen.add(name)
            names += [item.dataset for item in city.contracts[name].inputs]
            rule = policy.rules.get(city.contracts[name].fields.collection_rule or "")
            extra = sorted(set(contract.fields.purposes) - set(rule.purposes)) if rule else []
            beyond |= {rule.id: extra} if rule and extra else {}
    document, at = _document(city, contract, documents) if beyond else (None, ())
    for rule_id, purposes in sorted(beyond.items()):
        if document is not None:
            document.problem((*at, "purposes"), "collection.purposes", f"The collection rule {rule_id} does not permit {', '.join(purposes)}.",
                             "Take the purpose out, or have the rule extended.")
    return document.problems if document is not None else []


def check_joins(city: City, policy: Policy, documents: Documents | None = None) -> list[Problem]:
    """Whether elements that may be secret together meet in a contract (its view, its products) that does not say so. What it says under
    `joins` loads, and waits for the secrecy officer at each run.
    """
    found: list[Problem] = []
    for contract in city.contracts.values():
        met = {rule.id: rule for rule in policy.joined(column_elements(city.contracts, contract, contract.columns))}
        told = contract.fields.joins
        if set(met) == set(told):
            continue
        document, at = _document(city, contract, documents)
        for name in sorted(set(met) - set(told)):
            document.problem((*at, "query") if contract.derived else at, "joins.undeclared",
                             f"Elements meet here that may be secret together: {', '.join(met[name].elements)} (rule {name}).",
                             f"Take one of them out, or write `joins: [{name}]`: the secrecy officer then decides.")
        for number, name in enumerate(told):
            if name not in met:
                document.problem((*at, "joins", number), "joins.needless", "The contract comes under no joining rule of that name.",
                                 f"Take it out, or use one of: {', '.join(sorted(met)) or 'none applies'}.")
        found += document.problems
    return found
