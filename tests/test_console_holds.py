"""What `citylake hold show` and `inbox` tell: every rule that holds or refuses is explained, in Chinese too, and approvals are counted."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from tiny import DATASET, GOOD, Tiny, contract

from catalog.wording import translations
from console.explain import _QUALITY, EXPLANATIONS, explained, explanations
from console.overview import lacking, missing
from console.words import noted, speak
from pipelines import decisions

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("privacy", "pipelines")
# Where a finding is given its rule; `{…}` stands for what is only known at run time.
_MADE = re.compile(r"""(?:Finding|_against)\(\s*f?"([a-z_]+\.[^"]+)\"""")


def rules() -> set[str]:
    """Every rule's name that the sources give to a finding."""
    found: set[str] = set()
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            found |= {re.sub(r"\{[^}]+\}", "x", name) for name in _MADE.findall(text)}
            found |= set(re.findall(r'"(joins\.[a-z]+)"', text))
    collection = (ROOT / "privacy" / "collection.py").read_text(encoding="utf-8")
    found |= {f"collection.{name}" for name in re.findall(r'_refused\("([a-z]+)"', collection)}
    found |= {f"use.{name}" for name in re.findall(r'_use\("([a-z]+)"', collection)}
    return found


def test_the_rules_are_found_in_the_sources() -> None:
    assert {"secrecy.strong", "joins.dataset", "collection.window", "use.purpose", "shared.values", "screen.x.x", "tier.looser", "columns.unknown",
            "disclosure.k", "exposure.joint", "volume.shrunken", "format.unreadable"} <= rules()


@pytest.mark.parametrize("rule", sorted(rules()))
def test_every_rule_is_explained(rule: str) -> None:
    assert explained(rule) is not None, f"{rule}: add it to console/explain.py, with its Chinese"


def test_every_explanation_explains_a_rule_that_there_is() -> None:
    known = rules() | {"screen.name.x", "screen.address.x", "screen.certain.x.x"}
    assert [name for name in EXPLANATIONS if not any(rule == name or rule.startswith(f"{name}.") for rule in known)] == []


@pytest.mark.parametrize(("rule", "as_what"), [("screen.unseen.note", "screen.unseen"), ("screen.certain.resident_id.note", "screen.certain"),
                                              ("screen.resident_id.note", "screen")])
def test_what_nobody_can_approve_is_not_explained_as_a_doubt(rule: str, as_what: str) -> None:
    assert explained(rule, "serve") is EXPLANATIONS[as_what]
    assert ("nobody" in EXPLANATIONS[as_what].who.lower()) == (as_what != "screen")


def test_a_rule_of_a_contract_is_explained_as_quality_and_nothing_unknown_is() -> None:
    assert explained("sex_known", "refine") is _QUALITY
    assert explained("sex_known", "serve") is None
    assert explained("joins.dataset", "refine") is EXPLANATIONS["joins"]


@pytest.mark.parametrize("text", sorted({text for one in (*EXPLANATIONS.values(), _QUALITY) for text in (one.meaning, one.who, one.remedy)}))
def test_every_explanation_has_its_chinese(text: str) -> None:
    assert translations("zh").gettext(text) != text


def notes() -> set[str]:
    """Every whole sentence that the sources give to a finding."""
    found: set[str] = set()
    for path in [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            parts: list[ast.expr] = []
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Finding", "_refused", "_use", "_against", "_joined"):
                parts = node.args
            elif isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "note" for target in node.targets):
                parts = [node.value]
            found |= {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str) and " " in part.value}
    return found


@pytest.mark.parametrize("text", sorted(notes()))
def test_every_sentence_of_a_finding_has_its_chinese(text: str) -> None:
    assert translations("zh").gettext(text) != text


def test_figures_and_kinds_are_named_in_the_language() -> None:
    finding = {"rule": "screen.mobile.title", "column": "title", "observed": {"rows": 3, "columns": ["a", "b"]},
               "note": "Column title holds mobile values. Treat the column, drop it, or name the kind under identifies where it may leave."}
    assert noted(finding).endswith("[title] (rows 3; columns a, b)")
    speak("zh")
    try:
        assert "手机号码" in noted(finding)
        assert noted(finding).endswith("[title]（行数 3；列 a、b）")
    finally:
        speak("en")


def test_findings_of_one_kind_are_explained_once() -> None:
    finding = {"rule": "screen.mobile.title", "note": "Column title holds mobile values.", "column": "title"}
    lines = explanations([finding, {**finding, "rule": "screen.email.title"}], "serve")
    assert len([line for line in lines if line.startswith("  - ")]) == 2
    assert len([line for line in lines if "It means" in line]) == 1
    speak("zh")
    try:
        assert any("含义" in line for line in explanations([finding], "serve"))
    finally:
        speak("en")


def test_a_looser_tier_says_how_many_approvals_are_missing(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", GOOD)
    for tier in ("restricted", "unconditional"):
        document = contract()
        document["customProperties"][0]["value"]["products"][0]["tier"] = tier
        city.declare(document)
        city.run()

    def left() -> tuple[int, str]:
        way = city.way()
        state = way.journal.state(DATASET)
        (hold,) = state.holds.values()
        return missing(way, state, hold), lacking(way, state, hold)

    assert left() == (2, "2 approvals are still missing")
    city.become("bureau")
    way = city.way()
    (hold,) = way.journal.state(DATASET).holds
    decisions.decide(way, hold, "approve", "Agreed with the parks office")
    assert left() == (1, "1 approval is still missing")
    decisions.decide(city.way(), hold, "revoke", "The office has changed its mind")
    assert left() == (2, "2 approvals are still missing")
