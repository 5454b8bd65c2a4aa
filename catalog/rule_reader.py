"""ODCS `quality` entries → rules: library metrics, SQL that counts bad rows, and allow-listed expectations."""

from __future__ import annotations

import re
from typing import Any

from catalog.contract import Rule
from catalog.odcs import listed, mapped
from catalog.yamlread import Document, Path_

DIMENSIONS = ("accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness")
METRICS = ("nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount")
BOUNDS = ("mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo")
EXPECTATIONS = ("ExpectColumnMeanToBeBetween", "ExpectColumnMedianToBeBetween", "ExpectColumnSumToBeBetween",
                "ExpectColumnMinToBeBetween", "ExpectColumnMaxToBeBetween", "ExpectColumnStdevToBeBetween",
                "ExpectColumnUniqueValueCountToBeBetween", "ExpectColumnProportionOfUniqueValuesToBeBetween",
                "ExpectTableRowCountToBeBetween")
ROW_ARGUMENTS = {"nullValues": (), "missingValues": ("missingValues",), "invalidValues": ("validValues", "pattern")}
_COUNT = re.compile(r"\s*SELECT\s+COUNT\(\s*\*\s*\)\s+FROM\s+\$?\{?[\w]+\}?\s+WHERE\s+(.*?)\s*;?\s*\Z", re.IGNORECASE | re.DOTALL)


def places(table: dict[str, Any], at: Path_) -> list[tuple[str | None, dict[str, Any], Path_]]:
    """Whatever may hold rules: the table and its columns, each with its column's name and its path."""
    columns = [(str(item.get("name")), item, (*at, "properties", number))
               for number, item in enumerate(listed(table, "properties")) if isinstance(item, dict)]
    return [(None, table, at), *columns]


def read_rules(document: Document, table: dict[str, Any], at: Path_) -> tuple[Rule, ...]:
    """All rules of a table and its columns; problems go into the document."""
    rules: list[Rule] = []
    for column, holder, path in places(table, at):
        for number, entry in enumerate(listed(holder, "quality")):
            here = (*path, "quality", number)
            rule = _rule(document, entry, column, here) if isinstance(entry, dict) else None
            if rule is None:
                continue
            if any(other.id == rule.id for other in rules):
                document.problem(here, "rule.twice", f"Two rules are called {rule.id}.", "Give each an id of its own.")
            rules.append(rule)
    return tuple(rules)


def _rule(document: Document, entry: dict[str, Any], column: str | None, path: Path_) -> Rule | None:
    before = len(document.problems)
    dimension, severity = entry.get("dimension"), entry.get("severity", "error")
    if dimension not in DIMENSIONS:
        document.problem(path, "rule.dimension", "The rule's dimension is missing or unknown.", f"Write one of {', '.join(DIMENSIONS)}.")
    if severity not in ("error", "warning"):
        document.problem((*path, "severity"), "rule.severity", "The severity is not known.", "Write error or warning.")
    bounds, percent = _bounds(document, entry, path), entry.get("unit") == "percent"
    more = _meaning(document, entry, column, path)
    if more is None or len(document.problems) > before:
        return None
    name = rule_id(entry, column, path)
    if not re.fullmatch(r"[a-z][A-Za-z0-9_.]*", name):
        document.problem(path, "rule.id", "The rule's id must be like this_one.", "Give it an `id`.")
        return None
    tolerated = any(value > 0 for kind, value in bounds if kind.startswith("mustBeLess"))
    return Rule(id=name, dimension=str(dimension), blocking=severity == "error", column=column, bounds=bounds,
                unit="percent" if percent else "rows", description=str(entry.get("description") or ""), tolerated=tolerated, **more)


def rule_id(entry: dict[str, Any], column: str | None, path: Path_) -> str:
    """The rule's own id or name, or one made of its column, metric and place."""
    made = ".".join(str(part) for part in (column, entry.get("metric") or "rule", path[-1]) if part is not None)
    return str(entry.get("id") or entry.get("name") or made)


def _bounds(document: Document, entry: dict[str, Any], path: Path_) -> tuple[tuple[str, float], ...]:
    found = []
    for kind in BOUNDS:
        if kind not in entry:
            continue
        if not isinstance(entry[kind], int | float) or isinstance(entry[kind], bool):
            document.problem((*path, kind), "rule.bound", "A bound must be a number.", "Write a number.")
            continue
        found.append((kind, float(entry[kind])))
    if (between := entry.get("mustBeBetween")) is not None:
        if isinstance(between, list) and len(between) == 2 and all(type(item) in (int, float) for item in between):
            found += [("mustBeGreaterOrEqualTo", float(between[0])), ("mustBeLessOrEqualTo", float(between[1]))]
        else:
            document.problem((*path, "mustBeBetween"), "rule.bound", "mustBeBetween needs two numbers.", "Write [low, high].")
    return tuple(found)


def _meaning(document: Document, entry: dict[str, Any], column: str | None, path: Path_) -> dict[str, Any] | None:
    kind, metric = entry.get("type", "library"), entry.get("metric") or entry.get("rule")
    if kind == "library" and metric in METRICS:
        return _library(document, entry, str(metric), column, path)
    if kind == "sql" and isinstance(entry.get("query"), str):
        counted = _COUNT.match(entry["query"])
        if counted:
            return {"scope": "row", "bad": counted[1]}
        return {"scope": "set", "metric": "query", "query": re.sub(r"\$?\{\w+\}", "silver", entry["query"])}
    if kind == "custom" and entry.get("engine") == "greatExpectations":
        return _expectation(document, mapped(entry, "implementation"), path)
    document.problem(path, "rule.kind", "The rule is of a kind that cannot be run.",
                     "Use a library metric, sql that counts bad rows, or custom with engine greatExpectations.")
    return None


def _library(document: Document, entry: dict[str, Any], metric: str, column: str | None, path: Path_) -> dict[str, Any] | None:
    row, arguments = metric in ROW_ARGUMENTS, mapped(entry, "arguments")
    if row and column is None:
        document.problem(path, "rule.kind", f"{metric} is about one column.", "Put the rule under the column.")
        return None
    known = ROW_ARGUMENTS.get(metric, ("properties",) if metric == "duplicateValues" and column is None else ())
    fits = all(isinstance(value, str) if name == "pattern" else _plain_list(value) for name, value in arguments.items())
    if set(arguments) - set(known) or not fits or (known and metric != "missingValues" and not arguments):
        document.problem((*path, "arguments"), "rule.arguments", f"The arguments of {metric} are not those that it takes.",
                         f"Write {' or '.join(known) or 'none'}: a pattern as text, the others as lists.")
        return None
    return {"scope": "row" if row else "set", "metric": metric, "arguments": arguments}


def _plain_list(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) in (str, int, float) for item in value)


def _expectation(document: Document, implementation: dict[str, Any], path: Path_) -> dict[str, Any] | None:
    name = implementation.get("type")
    if name not in EXPECTATIONS:
        document.problem(path, "rule.expectation", "The expectation is not on the allow-list.", f"Use one of {', '.join(EXPECTATIONS)}.")
        return None
    needed = {"type"} if name == "ExpectTableRowCountToBeBetween" else {"type", "column"}
    limits = {key: value for key, value in implementation.items() if key not in needed}
    if not needed <= set(implementation) or set(limits) - {"min_value", "max_value"} or not all(
            type(value) in (int, float) for value in limits.values()) or not limits:
        document.problem((*path, "implementation"), "rule.arguments", "The arguments of the expectation are not those that it takes.",
                         f"Write {', '.join(sorted(needed))}, and min_value or max_value as numbers.")
        return None
    return {"scope": "expectation", "arguments": implementation}
