"""Columns counted by numpy: the same as one value after the other, and the figures that a column's verdict needs."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from privacy_values import BARE, MADE, PIECES, mobile, resident_id

from privacy.numbers import Hits
from privacy.recognisers import kinds_in, uscc_check
from privacy.values import judge_values


def judged(values: list[str], weak: bool = False, cells: int = 1) -> dict[str, Hits]:
    return judge_values(pa.array(values, pa.string()), pa.array([cells] * len(values), pa.int64()), weak)


def one_by_one(values: list[str]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for value in values:
        for kind, sure in kinds_in(value).items():
            distinct, checked = found.get(kind, (0, 0))
            found[kind] = (distinct + 1, checked + int(sure))
    return found


@pytest.mark.parametrize("kind", BARE)
def test_whole_cells_are_counted_as_one_by_one(kind: str) -> None:
    values = list(dict.fromkeys(MADE[kind](seed) for seed in range(300)))
    wrong = [value[:-1] + ("7" if value[-1] != "7" else "1") for value in values]
    values = list(dict.fromkeys(values + wrong))
    found, expected = judged(values), one_by_one(values)
    assert (found[kind].distinct, found[kind].checked) == expected[kind]
    assert set(found) <= set(expected)          # a number inside a whole cell's identifier is not told again


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(PIECES, max_size=12).map("".join), max_size=12, unique=True))
def test_nothing_that_counts_is_lost(values: list[str]) -> None:
    for value in values:
        if kinds_in(value):
            assert judged([value]), value
    whole = judged(values)
    assert set(whole) == {kind for value in values for kind in judged([value])}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.from_regex(r"\A[0-9]{8,24}[0-9X]?\Z"), max_size=30, unique=True))
@example(["0086057188880000", "86057188880000", "8657188880000", "8613800001111", "008613800001111", "05718888000", "057188880000"])
def test_digits_alone_are_counted_as_one_by_one(values: list[str]) -> None:
    assert {kind: (hits.distinct, hits.checked) for kind, hits in judged(values).items()} == one_by_one(values)


def test_slices_offsets_empty_and_long_values() -> None:
    values = ["", "x" * 5000, mobile(1), "", resident_id(1), "字" * 700]
    array = pa.array(["13800001111", *values, "13800002222"]).slice(1, len(values))
    found = judge_values(array, pa.array([1, 1, 3, 1, 5, 1]), False)
    assert {kind: hits.cells for kind, hits in found.items()} == {"mobile": 3, "resident_id": 5}
    assert judge_values(pa.array([], pa.string()), pa.array([], pa.int64())) == {}


def test_rates_tell_numbers_with_a_checksum_from_numbers_at_random() -> None:
    people = judged([resident_id(seed) for seed in range(2000)])["resident_id"]
    chance = judged([resident_id(seed)[:-1] + "0123456789X"[seed % 11] for seed in range(2000)])["resident_id"]
    assert people.checked == people.distinct
    assert chance.checked / chance.distinct == pytest.approx(1 / 11, abs=0.02)
    cards = judged([f"62284800{seed * 7919:011d}" for seed in range(5000)], weak=True)["bank_card"]
    assert cards.checked / cards.distinct == pytest.approx(1 / 10, abs=0.02)
    assert judged([f"62284800{seed * 7919:011d}" for seed in range(5000)])["bank_card"].distinct == cards.checked


def test_individual_businesses_are_told_apart() -> None:
    codes = [f"92330100MA{n:07d}" for n in range(300)]
    codes = [code + mark for code in codes for mark in "0123456789ABCDEFGHJKLMNPQRTUWXY" if uscc_check(code + mark)]
    assert judged(codes)["social_credit_code"].persons == len(codes) > 200
    assert judged([MADE["social_credit_code"](1)])["social_credit_code"].persons == 0


def test_weak_forms_count_for_a_verdict_and_not_at_the_gate() -> None:
    values = [f"E{n:08d}" for n in range(50)]
    assert judged(values) == {}
    assert judged(values, weak=True)["passport"] == Hits(50, 50, 0, 50)


def test_order_numbers_and_times_are_nothing() -> None:
    values = [f"DD2026{n:09d}" for n in range(200)] + [f"2026-01-{n % 28 + 1:02d} 10:{n % 60:02d}:00" for n in range(50)]
    assert judged(values, weak=True) == {}
