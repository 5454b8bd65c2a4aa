"""Masks hide enough: for every kind of identifier, whatever is shown, a third of it and of what tells one holder from another is hidden."""

from __future__ import annotations

import random

import duckdb
import pytest
from canaries import KINDS, Nest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import dialect as d
from catalog.masking import TELLING, least, shows, telling

NEST = Nest(random.Random(11))
VALUES = {kind: [NEST.lay(kind, "held", "here") for _ in range(60)] for kind in KINDS}
BASE = duckdb.connect()


def masked(values: list[str], left: int, right: int, kind: str | None) -> list[str]:
    sql = d.render(d.mask(d.col("v"), left, right, kind), "duckdb")
    return [row[0] for row in BASE.execute(f"SELECT {sql} FROM (SELECT unnest($values) AS v)", {"values": values}).fetchall()]


def of(kind: str) -> str:
    return "resident_id" if kind == "resident_id_of_15" else kind


@given(st.sampled_from(KINDS), st.integers(0, 25), st.integers(0, 25))
@settings(deadline=None, max_examples=150)
def test_a_mask_keeps_the_look_and_never_the_value(kind: str, left: int, right: int) -> None:
    known = telling(of(kind))
    for value, shown in zip(VALUES[kind], masked(VALUES[kind], left, right, of(kind)), strict=True):
        assert len(shown) == len(value)
        hidden = [at for at, mark in enumerate(shown) if mark == "*"]
        assert all(mark == value[at] for at, mark in enumerate(shown) if at not in hidden)
        assert 3 * len(hidden) >= len(value)
        ahead = value.index(known.stop) if known.stop else len(value)
        first = len(value) - known.tail if known.tail else 0
        telling_marks = range(max(0, first), ahead - known.check)
        assert 3 * len(set(hidden) & set(telling_marks)) >= len(telling_marks)


@given(st.sampled_from(KINDS), st.integers(0, 12), st.integers(0, 12))
@settings(deadline=None, max_examples=150)
def test_what_is_hidden_is_not_the_same_for_all(kind: str, left: int, right: int) -> None:
    """No position that canaries of a kind share is all that a mask takes away."""
    values = VALUES[kind]
    hidden = [{value[at] for value in values if at < len(value)} for at in range(max(map(len, values)))]
    for shown in masked(values, left, right, of(kind)):
        assert any(len(hidden[at]) > 3 for at, mark in enumerate(shown) if mark == "*")


@pytest.mark.parametrize(("kind", "left", "right", "value", "expected"), [
    ("mobile", 3, 4, "13912345678", "139****5678"), ("mobile", 0, 8, "13912345678", "***********"), ("mobile", 0, 7, "+8613912345678", "*" * 14),
    ("resident_id", 6, 4, "330106199001011234", "330106********1234"), ("resident_id", 17, 0, "330106199001011234", "*" * 18),
    ("resident_id", 0, 12, "330106199001011234", "*" * 18), ("email", 1, 8, "kabc@nest.example", "k********.example"),
    ("email", 5, 0, "kabc@nest.example", "*" * 17), ("email", 2, 0, "no address", "no********"),
    (None, 1, 1, "王小明", "王*明"), (None, 1, 1, "王明", "**"),
])
def test_what_is_shown(kind: str | None, left: int, right: int, value: str, expected: str) -> None:
    assert masked([value], left, right, kind) == [expected]


def test_null_stays_null() -> None:
    assert masked([None], 1, 0, "mobile") == [None]                       # type: ignore[list-item]


@given(st.sampled_from([None, *TELLING]), st.integers(0, 40), st.integers(0, 40))
def test_the_least_length_is_the_least(kind: str | None, left: int, right: int) -> None:
    known = telling(kind)
    shortest = least(left, right, known)
    assert shortest is None or shortest > left + right
    if known.longest and shows(left, right, kind):
        assert shortest is not None
        assert shortest <= known.longest
