"""The negative list: a city may only tighten it, cues in any spelling, windows, sketches."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.collection import Collected, Earlier, _window
from privacy.negative_list import check_policy, load_policy
from privacy.policy_file import CollectionRule
from privacy.secrecy import cues_in, folded, possible_pattern
from privacy.sketches import SIZE, Sketch, containment, enough, made

BASE = load_policy(None)
ENTRY = {"legal_basis": "law", "verified": True}


def codes(tmp_path: Path, **fields: Any) -> list[str]:
    path = tmp_path / "negative_list.yaml"
    path.write_text(yaml.safe_dump({"version": 1, **fields}, allow_unicode=True))
    return [problem.code for problem in check_policy(path)[1]]


@pytest.mark.parametrize(("name", "looser", "tighter"), [
    ("k_unconditional", 19, 21), ("k_restricted", 4, 6), ("l_restricted", 1, 3), ("cell_unconditional", 9, 11), ("cell_restricted", 4, 6)])
def test_no_threshold_may_be_loosened(tmp_path: Path, name: str, looser: int, tighter: int) -> None:
    assert codes(tmp_path, thresholds={name: looser}) == ["policy.loosened"]
    assert codes(tmp_path, thresholds={name: tighter}) == []
    assert getattr(load_policy(tmp_path / "negative_list.yaml").thresholds, name) == tighter


def test_a_bound_of_t_may_be_added(tmp_path: Path) -> None:
    assert codes(tmp_path, thresholds={"t_restricted": 0.2}) == []
    assert load_policy(tmp_path / "negative_list.yaml").thresholds.t_restricted == 0.2
    assert codes(tmp_path, weak_rows=4) == ["policy.loosened"]


def test_a_city_adds_and_never_takes_away(tmp_path: Path) -> None:
    assert codes(tmp_path) == []
    empty = load_policy(tmp_path / "negative_list.yaml")
    assert (empty.strong, empty.weak, empty.weak_rows, empty.excluded, empty.joins, empty.thresholds) == (
        BASE.strong, BASE.weak, BASE.weak_rows, BASE.excluded, BASE.joins, BASE.thresholds)
    assert codes(tmp_path, excluded=[{"id": "X1", "kind": "dataset", "name": "a.b", **ENTRY}]) == ["policy.redefined"]


@pytest.mark.parametrize("entry", [
    {"excluded": [{"id": "T", "kind": "dataset", "name": "a.b", "verified": True}]},
    {"joins": [{"id": "T", "elements": ["a"], **ENTRY}]},
    {"joins": [{"id": "T", "elements": ["a", "b"], "legal_basis": "law"}]},
    {"shared_elements": [{"id": "T", "element": "a", "authoritative": "a.b", "column": "c", "containment_deny": 0, **ENTRY}]},
])
def test_every_entry_needs_its_basis_and_whether_it_was_read(tmp_path: Path, entry: dict[str, Any]) -> None:
    assert set(codes(tmp_path, **entry)) == {"policy.field"}


def test_a_change_makes_another_version(tmp_path: Path) -> None:
    assert codes(tmp_path, joins=[{"id": "T", "elements": ["a", "b"], **ENTRY}]) == []
    assert load_policy(tmp_path / "negative_list.yaml").version != BASE.version


WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
GAPS = st.lists(st.sampled_from(list(" \u3000\u200b\u200d\ufeff-—_·\u00ad.*\n\t")), max_size=3).map("".join)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from([*BASE.strong, *BASE.weak]), st.data(), WORDS, WORDS)
def test_no_spelling_hides_a_cue_from_the_search_or_from_the_engine(word: str, data: st.DataObject, before: str, after: str) -> None:
    spelled = "".join(char + data.draw(GAPS) for char in word)
    text = before + "，" + spelled + "，" + after
    assert cues_in(BASE, text) & {"strong", "weak"}
    assert pc.match_substring_regex(pa.array([text]), possible_pattern(BASE)).to_pylist() == [True]


def test_full_width_letters_and_ordinary_text() -> None:
    assert folded("Ａ b\u200bＣ") == "abc"
    assert not cues_in(BASE, "路灯不亮，请尽快修理，谢谢。")


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=12), st.integers(0, 40), st.integers(1, 9), st.integers(1, 20))
def test_the_fullest_window_is_the_one_that_counts(known: list[tuple[int, int]], day: int, rows: int, days: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rule = CollectionRule.model_validate({
        "id": "R", "department": "d", "datasets": ["a.b"], "purposes": ["p"], "kinds": [], "mode": ["files"], "scope": {"subjects": "x"},
        "quantity": {"rows_per_batch": 99, "rows_per_window": 20, "window_days": days}, "frequency": {"min_interval_hours": 0},
        "retention_days": 1, "valid_from": "2026-01-01", "valid_to": "2026-12-31", **ENTRY})
    batch = Collected(rows, {}, start + timedelta(days=day), date(2026, 2, 1), "files")
    history = [Earlier(count, start + timedelta(days=at), "main", str(at)) for at, count in known]
    everyone = [*known, (day, rows)]
    fullest = max(sum(count for at, count in everyone if first <= at < first + days) for first in range(day - days + 1, day + 1))
    found = _window(rule, batch, history)
    assert (found is not None) == (fullest > 20)
    assert found is None or found.observed["rows"] == fullest


def hashes(numbers: range) -> Sketch:
    from hashlib import sha256
    return made(sorted(sha256(str(number).encode()).hexdigest() for number in numbers)[:SIZE])


@pytest.mark.parametrize(("shared", "own"), [(0, 100), (50, 100), (100, 100), (20_000, 40_000), (0, 40_000), (40_000, 40_000), (3_000, 20_000)])
def test_a_sketch_measures_containment(shared: int, own: int) -> None:
    candidate, known = hashes(range(own)), hashes(range(own - shared, own - shared + (60_000 if own >= 5_000 else 2_000)))
    assert enough(candidate, known)
    estimate = containment(candidate, known)
    assert estimate == pytest.approx(shared / own, abs=0.06)


def test_few_values_against_a_large_column_are_no_estimate() -> None:
    assert not enough(hashes(range(100)), hashes(range(60_000)))
