"""ODCS `quality` entries → rules: library metrics, SQL that counts bad rows, and allow-listed expectations."""

from __future__ import annotations

import re
from typing import Any

from catalog.contract import Rule
from catalog.yamlread import Document, Path_

DIMENSIONS = ("accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness")
METRICS = ("nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount")
BOUNDS = ("mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo")
EXPECTATIONS = ("ExpectColumnMeanToBeBetween", "ExpectColumnMedianToBeBetween", "ExpectColumnSumToBeBetween",
                "ExpectColumnMinToBeBetween", "ExpectColumnMaxToBeBetween", "ExpectColumnStdevToBeBetween",
                "ExpectColumnUniqueValueCountToBeBetween", "ExpectColumnProportionOfUniqueValuesToBeBetween",
                "ExpectTableRowCountToBeBetween")
_COUNT = re.compile(r"\s*SELECT\s+COUNT\(\s*\*\s*\)\s+FROM\s+\$?\{?[\w]+\}?\s+WHERE\s+(.*?)\s*;?\s*\Z", re.IGNORECASE | re.DOTALL)


def read_rules(document: Document, table: dict[str, Any], at: Path_) -> tuple[Rule, ...]:
    """All rules of a table and its columns; problems go into the document."""
    places = [(None, table, at)]
    places += [(item.get("name"), item, (*at, "properties", number))
               for number, item in enumerate(table.get("properties") or []) if isinstance(item, dict)]
    rules: list[Rule] = []
    for column, holder, path in places:
        for number, entry in enumerate(holder.get("quality") or []):
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
    name = str(entry.get("id") or entry.get("name") or ".".join(str(part) for part in (column, entry.get("metric") or "rule", path[-1]) if part is not None))
    if not re.fullmatch(r"[a-z][A-Za-z0-9_.]*", name):
        document.problem(path, "rule.id", "The rule's id must be like this_one.", "Give it an `id`.")
        return None
    tolerated = any(value > 0 for kind, value in bounds if kind.startswith("mustBeLess"))
    return Rule(id=name, dimension=str(dimension), blocking=severity == "error", column=column, bounds=bounds,
                unit="percent" if percent else "rows", description=str(entry.get("description") or ""), tolerated=tolerated, **more)


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
        if isinstance(between, list) and len(between) == 2 and all(isinstance(item, int | float) for item in between):
            found += [("mustBeGreaterOrEqualTo", float(between[0])), ("mustBeLessOrEqualTo", float(between[1]))]
        else:
            document.problem((*path, "mustBeBetween"), "rule.bound", "mustBeBetween needs two numbers.", "Write [low, high].")
    return tuple(found)


def _meaning(document: Document, entry: dict[str, Any], column: str | None, path: Path_) -> dict[str, Any] | None:
    kind, metric = entry.get("type", "library"), entry.get("metric") or entry.get("rule")
    if kind == "library" and metric in METRICS:
        row = column is not None and metric in ("nullValues", "missingValues", "invalidValues")
        return {"scope": "row" if row else "set", "metric": str(metric), "arguments": dict(entry.get("arguments") or {})}
    if kind == "sql" and isinstance(entry.get("query"), str):
        counted = _COUNT.match(entry["query"])
        if counted:
            return {"scope": "row", "bad": counted[1]}
        return {"scope": "set", "metric": "query", "query": re.sub(r"\$?\{\w+\}", "silver", entry["query"])}
    if kind == "custom" and entry.get("engine") == "greatExpectations":
        implementation = entry.get("implementation")
        if isinstance(implementation, dict) and implementation.get("type") in EXPECTATIONS:
            return {"scope": "expectation", "arguments": implementation}
        document.problem(path, "rule.expectation", "The expectation is not on the allow-list.", f"Use one of {', '.join(EXPECTATIONS)}.")
        return None
    document.problem(path, "rule.kind", "The rule is of a kind that cannot be run.",
                     "Use a library metric, sql that counts bad rows, or custom with engine greatExpectations.")
    return None
