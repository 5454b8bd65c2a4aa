"""Mondrian: every class holds k rows (and l values), every value lies in its range, and nothing is lost where nothing needs to be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy import mondrian
from privacy.mondrian import Held, Widened, entropies, widened
from privacy.ranges import ALL, ranges, sizes_of

PARENTS = {"10": "", "11": "", "1001": "10", "1002": "10", "1003": "10", "1101": "11", "1102": "11", "110201": "1102", "110202": "1102", "12": ""}
Combination = tuple[int | None, str | None, str | None]
combinations = st.dictionaries(
    st.tuples(st.none() | st.integers(-20, 20), st.none() | st.sampled_from(sorted(PARENTS)), st.none() | st.sampled_from("ABCDEFG")),
    st.integers(1, 12), min_size=1, max_size=40)
RELAXED = settings(deadline=None, max_examples=150)


def made(rows: dict[Combination, int], k: int, held: list[Held] | None = None) -> Widened:
    numbers = pa.array([key[0] for key in rows], pa.int64())
    columns = [ranges(numbers.cast(pa.string()), sizes_of(numbers)), ranges(pa.array([key[1] for key in rows], pa.string()), None, PARENTS),
               ranges(pa.array([key[2] for key in rows], pa.string()))]
    return widened([one for one, _ in columns], [places for _, places in columns], np.array(list(rows.values())), k, held or [])


def classes(found: Widened) -> list[tuple[str | None, ...]]:
    return [tuple(names[klass] for names in found.names) for klass in found.made.klass]


def within_range(value: int | None, name: str | None) -> bool:
    run = re.fullmatch(r"(-?\d+)–(-?\d+)", name or "")
    return int(run[1]) <= value <= int(run[2]) if run and value is not None else name == (None if value is None else str(value))


def within_tree(value: str | None, name: str | None) -> bool:
    while value and value != name:
        value = PARENTS[value]
    return (value or None) == name


def within_set(value: str | None, name: str | None) -> bool:
    return value in name.split("|") if name and value else value == name


@given(combinations, st.integers(1, 15))
@RELAXED
def test_every_class_holds_k_rows_and_every_value_lies_in_its_range(rows: dict[Combination, int], k: int) -> None:
    found = made(rows, k)
    counts: Counter[Any] = Counter()
    for klass, count in zip(classes(found), rows.values(), strict=True):
        counts[klass] += count
    assert found.made.enough == (sum(rows.values()) >= k)
    assert not found.made.enough or min(counts.values()) >= k
    tests: list[Callable[[Any, str | None], bool]] = [within_range, within_tree, within_set]
    for key, klass in zip(rows, classes(found), strict=True):
        for value, name, within in zip(key, klass, tests, strict=True):
            assert name == ALL or within(value, name)


@given(combinations, st.integers(1, 12))
@RELAXED
def test_nothing_is_lost_where_every_combination_is_large_enough(rows: dict[Combination, int], k: int) -> None:
    rows = {key: count + k - 1 for key, count in rows.items()}
    found = made(rows, k)
    assert list(found.losses) == [0.0, 0.0, 0.0]
    for key, klass in zip(rows, classes(found), strict=True):
        assert klass == (None if key[0] is None else str(key[0]), key[1], key[2])


@given(combinations, st.integers(2, 4), st.booleans(), st.data())
@RELAXED
def test_every_class_holds_l_sensitive_values(rows: dict[Combination, int], least: int, entropy: bool, data: st.DataObject) -> None:
    told = [data.draw(st.lists(st.integers(0, 4), min_size=count, max_size=count)) for count in rows.values()]
    pairs = Counter((at, code) for at, codes in enumerate(told) for code in codes)
    held = Held(least, *(np.array(column) for column in zip(*[(at, code, count) for (at, code), count in pairs.items()], strict=True)), entropy)
    found = made(rows, 3, [held])
    if not found.made.enough:
        return
    of: dict[Any, Counter[int]] = {}
    for klass, codes in zip(classes(found), told, strict=True):
        of.setdefault(klass, Counter()).update(codes)
    for counted in of.values():
        assert sum(counted.values()) >= 3
        assert len(counted) >= least
        if entropy:
            shares = np.array(list(counted.values())) / sum(counted.values())
            assert -(shares * np.log(shares)).sum() >= np.log(least) - 1e-6


@given(combinations, st.integers(1, 15))
@RELAXED
def test_the_same_rows_get_the_same_names_in_whatever_order(rows: dict[Combination, int], k: int) -> None:
    turned = dict(reversed(rows.items()))
    assert dict(zip(rows, classes(made(rows, k)), strict=True)) == dict(zip(turned, classes(made(turned, k)), strict=True))


@given(combinations, st.integers(1, 15))
@RELAXED
def test_values_that_lie_far_apart_are_counted_alike(rows: dict[Combination, int], k: int) -> None:
    found = made(rows, k, [])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mondrian, "SPARE", -(10**9))
        assert classes(made(rows, k, [])) == classes(found)


def test_less_is_lost_than_by_leaving_out_a_column() -> None:
    rows: dict[Combination, int] = {(at, code, letter): 1 for at in range(20) for code in ("1001", "1002", "1101") for letter in "AB"}
    found = made(rows, 5)
    assert sum(found.losses) / 3 < 0.15
    assert min(Counter(classes(found)).values()) >= 5


def test_bands_run_from_the_first_start_to_the_last_end() -> None:
    one, _ = ranges(pa.array(["20-24", "5-9", "25-29", "100-104"]), bands=True)
    assert one.texts == ("5-9", "20-24", "25-29", "100-104")
    assert one.name(1, 2) == "20-29"
    assert one.name(0, 3) == "5-104"


def test_entropies_are_those_of_each_group() -> None:
    found = entropies(np.array([0, 0, 1, 1]), np.array([1, 2, 1, 1]), np.array([5, 5, 3, 4]), 3)
    assert found.round(6).tolist() == [round(float(np.log(2)), 6), 0.0, 0.0]
