"""Contract → check specs: every rule that the contract states or implies, free of any engine.

One spec compiles twice: to a predicate that splits rows in refine, and to an expectation that judges (quality/judge.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from sqlglot import exp

from catalog.codes import CodeList
from catalog.contract import Column, Contract, Rule
from catalog.dialect import col, in_list, length, lit, matches, parse_condition, parse_query
from catalog.evidence import CheckSpec

ZERO = (("mustBe", 0.0),)


def specs(contract: Contract, codes: Mapping[str, CodeList]) -> tuple[CheckSpec, ...]:
    """All checks of a dataset, implied ones first. Ids are stable: `type.amount`, `required.id`, or the rule's own."""
    implied = [spec for column in contract.columns for spec in _implied(contract, column, codes)]
    declared = [_declared(contract, rule) for rule in contract.rules]
    return (*implied, *_keys(contract), *declared)


def row_specs(all_specs: tuple[CheckSpec, ...]) -> tuple[CheckSpec, ...]:
    """The specs that split rows."""
    return tuple(spec for spec in all_specs if spec.kind == "row")


def _implied(contract: Contract, column: Column, codes: Mapping[str, CodeList]) -> list[CheckSpec]:
    tolerated = (("mustBeLessOrEqualTo", contract.fields.max_bad_percent),)

    def row(kind: str, dimension: str, bad: exp.Expr | None, text: str, bad_text: exp.Expr | None = None) -> CheckSpec:
        return CheckSpec(f"{kind}.{column.name}", "row", dimension, True, tolerated, "percent", column.name,
                         bad=bad, bad_text=bad_text, description=text)

    found = []
    if column.type.kind != "text":
        found.append(row("type", "conformity", None, f"is a {column.type}", _wrong_type(column)))
    if column.required or column.key is not None:
        found.append(row("required", "completeness", exp.Is(this=col(column.name), expression=exp.Null()), "has a value"))
    if column.more.codes:
        found.append(row("code", "consistency", _not_coded(column, codes[column.more.codes]), f"is in the code list {column.more.codes}"))
    found += [row(kind, "conformity", bad, text) for kind, bad, text in _options(column)]
    return found


def text_of(column: str) -> str:
    """Name of the normalised text beside a typed column while refine checks rows."""
    return f"_text_{column}"


def _wrong_type(column: Column) -> exp.Expr:
    text, typed = col(text_of(column.name)), col(column.name)
    return exp.and_(exp.Is(this=text, expression=exp.Null()).not_(), exp.Is(this=typed, expression=exp.Null()))


def _not_coded(column: Column, codes: CodeList) -> exp.Expr:
    """True for a value that is not a code, or not valid at the row's date. Null passes: `required` is another rule."""
    name = column.name
    if column.more.codes_at is None:
        return exp.and_(present(name), exp.Not(this=in_list(col(name), sorted(codes.codes))))
    always = sorted({row["code"] for row in codes.rows if not row.get("valid_from") and not row.get("valid_to")})
    ways = [in_list(col(name), always)] if always else []
    ways += [_valid(name, column.more.codes_at, row) for row in codes.rows if row.get("valid_from") or row.get("valid_to")]
    return exp.and_(present(name), exp.Not(this=exp.func("coalesce", exp.or_(*ways), exp.false())))


def _valid(name: str, at: str, row: Mapping[str, str]) -> exp.Expr:
    parts: list[exp.Expr] = [exp.EQ(this=col(name), expression=lit(row["code"]))]
    if row.get("valid_from"):
        parts.append(exp.GTE(this=col(at), expression=lit(date.fromisoformat(row["valid_from"]))))
    if row.get("valid_to"):
        parts.append(exp.LTE(this=col(at), expression=lit(date.fromisoformat(row["valid_to"]))))
    return exp.and_(*parts)


def present(name: str) -> exp.Expr:
    """The column has a value."""
    return exp.Not(this=exp.Is(this=col(name), expression=exp.Null()))


def _options(column: Column) -> list[tuple[str, exp.Expr, str]]:
    """Bounds of ODCS logicalTypeOptions."""
    this, options = col(column.name), column.options
    build: Mapping[str, Callable[[Any], tuple[str, exp.Expr, str]]] = {
        "minimum": lambda v: ("minimum", exp.LT(this=this, expression=lit(v)), f"is at least {v}"),
        "maximum": lambda v: ("maximum", exp.GT(this=this, expression=lit(v)), f"is at most {v}"),
        "exclusiveMinimum": lambda v: ("above", exp.LTE(this=this, expression=lit(v)), f"is above {v}"),
        "exclusiveMaximum": lambda v: ("below", exp.GTE(this=this, expression=lit(v)), f"is below {v}"),
        "minLength": lambda v: ("min_length", exp.LT(this=length(this), expression=lit(v)), f"has at least {v} characters"),
        "maxLength": lambda v: ("max_length", exp.GT(this=length(this), expression=lit(v)), f"has at most {v} characters"),
        "pattern": lambda v: ("pattern", exp.Not(this=matches(this, str(v))), "has the declared form"),
    }
    return [build[name](value) for name, value in options.items() if name in build]


def _keys(contract: Contract) -> list[CheckSpec]:
    found = []
    if contract.keys:
        found.append(CheckSpec("unique.key", "set", "uniqueness", True, ZERO, "rows", metric="unique",
                               arguments={"columns": list(contract.keys)}, description="has a unique key"))
    found += [
        CheckSpec(f"unique.{column.name}", "set", "uniqueness", True, ZERO, "rows", column.name, "unique",
                  {"columns": [column.name]}, description="has no value twice")
        for column in contract.columns if column.unique
    ]
    return found


def _declared(contract: Contract, rule: Rule) -> CheckSpec:
    names = [column.name for column in contract.columns]
    bad = parse_condition(rule.bad, names) if rule.bad else _library(rule)
    kind = "row" if bad is not None else rule.scope
    query = {"query": parse_query(rule.query, {"silver": names})} if rule.query else {}
    return CheckSpec(rule.id, kind, rule.dimension, rule.blocking, rule.bounds or ZERO, rule.unit, rule.column,
                     rule.metric, {**rule.arguments, **query}, bad=bad, description=rule.description)


def _library(rule: Rule) -> exp.Expr | None:
    """Row condition of an ODCS library metric, or None for a metric over the whole table."""
    if rule.column is None:
        return None
    this = col(rule.column)
    empty = exp.Is(this=this, expression=exp.Null())
    if rule.metric == "nullValues":
        return empty
    if rule.metric == "missingValues":
        words = [value for value in rule.arguments.get("missingValues", []) if value is not None]
        return exp.or_(empty, in_list(this, words)) if words else empty
    if rule.metric == "invalidValues":
        ways: list[exp.Expr] = []
        if "validValues" in rule.arguments:
            ways.append(exp.Not(this=in_list(this, list(rule.arguments["validValues"]))))
        if "pattern" in rule.arguments:
            ways.append(exp.Not(this=matches(this, str(rule.arguments["pattern"]))))
        return exp.and_(exp.Not(this=empty.copy()), exp.or_(*ways))
    return None
