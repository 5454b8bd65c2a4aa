"""Small cells of tables: what an attacker who knows every large total can tell of them, audited by a solver that is not the one that chose."""

from __future__ import annotations

from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from privacy import argus
from privacy.cells import Key, Table, Unprotected, bounds, complete, narrow, table
from privacy.noise import drawn, rounded

LEAST = 5
RELAXED = settings(deadline=None, max_examples=40)


@st.composite
def tables(draw: st.DrawFn, rows: int = 4, columns: int = 4, most: int = 20) -> tuple[list[Key], list[int]]:
    width, height = draw(st.integers(1, rows)), draw(st.integers(1, columns))
    sizes = draw(st.lists(st.integers(0, most), min_size=width * height, max_size=width * height))
    keys: list[Key] = [(f"r{at}", f"c{to}") for at in range(width) for to in range(height)]
    found = [(key, size) for key, size in zip(keys, sizes, strict=True) if size]
    assume(found)
    return [key for key, _ in found], [size for _, size in found]


def fits(counts: list[int], of: Table, shown: dict[int, int]) -> bool:
    return all(counts[at] == count for at, count in shown.items()) and all(
        sum(counts[at] for at in cells) == int(of.counts[list(cells)].sum()) for cells in of.sums)


@given(tables())
@RELAXED
def test_no_small_cell_can_be_narrowed(given_: tuple[list[Key], list[int]]) -> None:
    keys, counts = given_
    made = table(keys, counts, LEAST, [None, None])
    try:
        hidden = complete(made)
    except Unprotected:
        assert narrow(made, list(range(len(keys))))        # not even by hiding everything
        return
    assert set(made.small) <= set(hidden)
    assert not narrow(made, hidden)
    for low, high in bounds(made, hidden, made.small).values():
        assert low <= 1 + 1e-6
        assert high >= LEAST - 1e-6


@given(tables(2, 3, 9))
@settings(deadline=None, max_examples=15)
def test_the_bounds_are_those_of_all_tables_that_fit(given_: tuple[list[Key], list[int]]) -> None:
    """By trying every table of whole numbers: of two dimensions a linear program's bounds are whole."""
    keys, counts = given_
    made = table(keys, counts, LEAST, [None, None])
    hidden = sorted({*made.small, 0})
    within = {cell for cells in made.sums for cell in cells}
    assume(len(hidden) <= 3 and within.issuperset(hidden))
    shown = {at: count for at, count in enumerate(counts) if at not in hidden}
    possible = []
    for tried in product(range(sum(counts) + 1), repeat=len(hidden)):
        whole = [shown.get(at, 0) for at in range(len(counts))]
        for at, count in zip(hidden, tried, strict=True):
            whole[at] = count
        if fits(whole, made, shown):
            possible.append(whole)
    for cell, (low, high) in bounds(made, hidden, hidden).items():
        assert low == pytest.approx(min(one[cell] for one in possible))
        assert high == pytest.approx(max(one[cell] for one in possible))


@given(tables())
@RELAXED
def test_the_same_table_loses_the_same_cells(given_: tuple[list[Key], list[int]]) -> None:
    keys, counts = given_
    made = table(keys, counts, LEAST, [None, None])
    try:
        assert complete(made) == complete(made)
    except Unprotected:
        pass


def test_nothing_is_lost_where_nothing_is_small() -> None:
    keys: list[Key] = [(f"r{at}", f"c{to}") for at in range(3) for to in range(3)]
    assert complete(table(keys, [10] * 9, LEAST, [None, None])) == []


def test_no_fewer_cells_would_do() -> None:
    keys: list[Key] = [(f"r{at}", f"c{to}") for at in range(3) for to in range(3)]
    made = table(keys, [3, 40, 30, 25, 50, 60, 20, 22, 31], LEAST, [None, None])
    hidden = complete(made)
    assert len(hidden) == 4
    for fewer in combinations(set(hidden) - set(made.small), 2):
        assert narrow(made, sorted({*made.small, *fewer}))


def test_a_parent_in_the_code_list_is_a_total_too() -> None:
    parents = {"11": "1", "12": "1", "21": "2", "22": "2", "1": "", "2": ""}
    keys: list[Key] = [("11",), ("12",), ("21",), ("22",)]
    counts = [3, 40, 7, 30]
    assert complete(table(keys, counts, LEAST, [None])) != complete(table(keys, counts, LEAST, [parents]))
    assert complete(table(keys, counts, LEAST, [parents])) == [0, 1]


def test_argus_proposes_what_the_audit_accepts(tmp_path: Path) -> None:
    pytest.importorskip("pytauargus")
    rng = np.random.default_rng(7)
    keys: list[Key] = [(f"区{at}", f"c{to}") for at in range(8) for to in range(12)]
    counts = [int(size) for size in rng.poisson(rng.gamma(1.3, 20, len(keys)))]
    found = [(key, size) for key, size in zip(keys, counts, strict=True) if size]
    made = table([key for key, _ in found], [size for _, size in found], 10, [None, None])
    tmp_path.chmod(0o700)
    proposal = argus.proposed(tmp_path, made, [key for key, _ in found])
    assert proposal is not None
    assert set(made.small) <= set(proposal)
    hidden = complete(made, proposal)
    assert not narrow(made, hidden)
    for path in tmp_path.iterdir():         # codes are numbers there
        assert "区" not in path.read_bytes().decode("utf-8", "replace")


@given(tables(5, 5, 60), st.integers(2, 12))
@RELAXED
def test_rounding_keeps_every_count_and_every_total_next_to_itself(given_: tuple[list[Key], list[int]], base: int) -> None:
    keys, counts = given_
    sums = table(keys, counts, 0, [None, None]).sums
    found, exact = rounded(counts, sums, base)
    assert exact        # a table of two dimensions can always be rounded so (Cox, 1987)
    assert found == rounded(counts, sums, base)[0]
    for cells in [*((at,) for at in range(len(counts))), *sums]:
        whole, shown = sum(counts[at] for at in cells), sum(found[at] for at in cells)
        assert abs(shown - whole) < base
        assert shown % base == 0


def test_noise_is_whole_and_as_wide_as_epsilon_says() -> None:
    pytest.importorskip("opendp")
    found = np.array(drawn(4000, 0.5))
    assert found.dtype.kind == "i"
    assert abs(found.mean()) < 0.5
    alpha = np.exp(-0.5)
    assert found.std() == pytest.approx(np.sqrt(2 * alpha) / (1 - alpha), rel=0.15)
    assert (found[:2000] != found[2000:]).any()
