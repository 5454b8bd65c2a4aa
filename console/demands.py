"""A check of a contract in words: what it demands of which column, how many rows may fail it, and how many do. No value of a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from console.words import _, counted, language, translated

if TYPE_CHECKING:
    from catalog.contract import Contract
    from catalog.evidence import CheckSpec

SIGNS = {"mustBe": "=", "mustNotBe": "≠", "mustBeGreaterThan": ">", "mustBeGreaterOrEqualTo": "≥", "mustBeLessThan": "<",
         "mustBeLessOrEqualTo": "≤"}


def demand(contract: Contract, spec: CheckSpec | None, finding: Mapping[str, Any]) -> str:
    """`maximum.height: height (高度) is at most 17. No row may fail: 3 of 20 do.` What nobody can put in words is told by its id."""
    texts = [_said(contract, spec, finding)]
    if spec is not None:
        texts += [_bound(spec)] if spec.bounds or spec.kind == "expectation" else []
    texts += _failed(finding)
    return f"{finding['rule']}: {('' if language() == 'zh' else ' ').join(text for text in texts if text)}"


def _said(contract: Contract, spec: CheckSpec | None, finding: Mapping[str, Any]) -> str:
    """The sentence of the rule, with its column's label beside the name; a rule's own words as they are."""
    note = str(finding.get("note") or "")
    if note == finding["rule"]:         # the contract has no words for it
        note = ""
    said, of = translated(note), finding.get("column") or (spec.arguments.get("column") if spec is not None else None)
    column = next((one for one in contract.columns if one.name == of), None)
    subject = str(of or _("The table"))
    if column is not None and column.label != column.name:
        subject = f"{subject}（{column.label}）" if language() == "zh" else f"{subject} ({column.label})"
    if of and said.startswith(str(of)):
        return subject + said.removeprefix(str(of))
    return said or (f"{subject}：" if language() == "zh" else f"{subject}:")


def _bound(spec: CheckSpec) -> str:
    """What the contract tolerates, in numbers."""
    if spec.kind == "expectation":
        return _expected(spec.arguments)
    bounds = (" 且 " if language() == "zh" else " and ").join(f"{SIGNS[name]} {value:g}" for name, value in spec.bounds)
    if spec.metric == "rowCount":
        return _("The number of rows must be {bounds}.").format(bounds=bounds)
    if spec.kind == "set" and "query" in spec.arguments:
        return _("What its query gives must be {bounds}.").format(bounds=bounds)
    if spec.bounds in ((("mustBe", 0.0),), (("mustBeLessOrEqualTo", 0.0),)):
        return _("No row may fail it.")
    if spec.unit == "percent":
        return _("The share of rows that fail it must be {bounds} %.").format(bounds=bounds)
    return _("The number of rows that fail it must be {bounds}.").format(bounds=bounds)


def _expected(arguments: Mapping[str, Any]) -> str:
    """The limits of an expectation, and of what it takes them."""
    measures = {
        "ExpectColumnMeanToBeBetween": _("mean"), "ExpectColumnMedianToBeBetween": _("median"), "ExpectColumnSumToBeBetween": _("sum"),
        "ExpectColumnMinToBeBetween": _("smallest value"), "ExpectColumnMaxToBeBetween": _("largest value"),
        "ExpectColumnStdevToBeBetween": _("standard deviation"), "ExpectColumnUniqueValueCountToBeBetween": _("number of different values"),
        "ExpectColumnProportionOfUniqueValuesToBeBetween": _("share of different values"),
        "ExpectTableRowCountToBeBetween": _("number of rows"),
    }
    what = measures.get(str(arguments.get("type")), str(arguments.get("type")))
    signs = (("≥", arguments.get("min_value")), ("≤", arguments.get("max_value")))
    limits = (" 且 " if language() == "zh" else " and ").join(f"{sign} {value:g}" for sign, value in signs if value is not None)
    return _("Expected: {what} {limits}.").format(what=what, limits=limits)


def _failed(finding: Mapping[str, Any]) -> list[str]:
    observed = finding.get("observed") or {}
    if observed.get("computed") is False:
        return []
    if "bad" in observed:
        text = counted(observed["bad"], "{n} row fails", "{n} rows fail")
        return [_("{fail}, of {rows}.").format(fail=text, rows=f"{observed['rows']:,}")]
    if "rows" in observed:
        return [_("There are {n}.").format(n=f"{observed['rows']:,}")]
    return [] if finding.get("passed") else [_("It does not hold.")]
