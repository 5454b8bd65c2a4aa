"""k, l and t as the engine counts them, against the definitions computed row by row."""

from __future__ import annotations

import json
import random
import subprocess
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.dialect import render
from privacy.disclosure import Classes, Told, judge_rows, k_query, told_query
from privacy.exposure import joint_query, moved_query
from privacy.negative_list import Thresholds

ROW = st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from(["x", "y"]), st.sampled_from(["p", "q", "r", None]))


def asked(query: Any, **tables: pa.Table) -> dict[str, Any]:
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        found: list[dict[str, Any]] = connection.sql(render(query, "duckdb")).to_arrow_table().to_pylist()
    (row,) = found
    return row


def table(rows: list[tuple[Any, ...]], *names: str) -> pa.Table:
    return pa.table({name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(names)})


@given(st.lists(ROW, min_size=1, max_size=40), st.integers(2, 6))
@settings(deadline=None, max_examples=60)
def test_k_is_the_smallest_class(rows: list[tuple[Any, ...]], k: int) -> None:
    sizes = Counter(row[:2] for row in rows)
    small = [size for size in sizes.values() if size < k]
    assert asked(k_query(["u", "v"], "gold", k), gold=table(rows, "u", "v", "s")) == {
        "classes": len(sizes), "rows": len(rows), "smallest": min(sizes.values()), "small_rows": sum(small), "small_classes": len(small)}


@given(st.lists(ROW, min_size=1, max_size=40), st.sampled_from([["u", "v"], ["u"], []]))
@settings(deadline=None, max_examples=60)
def test_l_and_t_are_those_of_the_definitions(rows: list[tuple[Any, ...]], quasi: list[str]) -> None:
    classes: dict[tuple[Any, ...], Counter[Any]] = defaultdict(Counter)
    for row in rows:
        classes[row[: len(quasi)]][row[2]] += 1
    whole = Counter(row[2] for row in rows)
    distances = [sum(abs(found[value] / found.total() - count / len(rows)) for value, count in whole.items()) / 2 for found in classes.values()]
    got = asked(told_query(quasi, "s", "gold", 3), gold=table(rows, "u", "v", "s"))
    assert (got["smallest"], got["l"]) == (min(found.total() for found in classes.values()), min(map(len, classes.values())))
    assert got == got | asked(k_query(quasi, "gold", 3), gold=table(rows, "u", "v", "s"))
    assert got["t"] == pytest.approx(max(distances), abs=1e-9)


def test_nothing_is_no_class() -> None:
    empty = asked(k_query(["u", "v"], "gold", 5), gold=table([], "u", "v"))
    assert set(empty.values()) == {0}


def test_many_rows_of_one_person_are_one_person() -> None:
    rows = table([("a", "one")] * 9 + [("b", "two"), ("b", "three")], "u", "who")
    assert asked(k_query(["u"], "gold", 5), gold=rows)["smallest"] == 2
    assert asked(k_query(["u"], "gold", 5, subject="who"), gold=rows)["smallest"] == 1


def test_the_thresholds_are_the_tiers() -> None:
    def rules(found: Classes, tier: Any, thresholds: Thresholds = Thresholds()) -> list[str]:
        return [finding.rule for finding in judge_rows(found, tier, thresholds)]
    twelve = Classes(3, 60, 12, 12, 1, {"s": Told(1, 0.5)})
    assert rules(twelve, "unconditional") == ["disclosure.k"]
    assert rules(twelve, "restricted") == ["disclosure.l"]
    assert rules(twelve, "restricted", Thresholds(l_restricted=1, t_restricted=0.3)) == ["disclosure.t"]
    assert rules(Classes(3, 60, 20, 0, 0, {"s": Told(2, 0.1)}), "unconditional") == []
    assert rules(Classes(3, 60, 5, 0, 0, {"s": Told(2, 0.1)}), "restricted") == []
    assert rules(Classes(0, 0, 0, 0, 0), "unconditional") == []


def test_two_column_sets_are_counted_side_by_side() -> None:
    from sqlglot import exp

    one = table([(str(at), "a" if at < 4 else "b") for at in range(8)], "_link0", "u")
    two = table([(str(at), "x" if at % 2 else "y") for at in range(8)], "_link0", "v")
    sides = [exp.select("*").from_("one"), exp.select("*").from_("two")]
    assert asked(joint_query(sides, [["u"], ["v"]], ["_link0"], 3), one=one, two=two) == {"smallest": 2, "persons": 8}


def test_counts_that_moved_by_one_or_two() -> None:
    def counts(*numbers: int) -> pa.Table:
        return pa.table({"u": [f"g{at}" for at in range(len(numbers))], "n": pa.array(numbers, pa.int64())})
    assert asked(moved_query(["u"], ["n"], "before", "now"), before=counts(10, 20, 30, 40), now=counts(11, 18, 30, 43))["cells"] == 2


ORACLE = Path(__file__).resolve().parents[1] / ".tools" / "pycanon" / "bin" / "python"
ASK = """
import json, sys, pandas as pd
from pycanon import anonymity as a
for rows in json.load(sys.stdin):
    frame = pd.DataFrame(rows, columns=["u", "v", "s"])
    print(json.dumps([int(a.k_anonymity(frame, ["u", "v"])), int(a.l_diversity(frame, ["u", "v"], ["s"])),
                      float(a.t_closeness(frame, ["u", "v"], ["s"]))]))
"""


@pytest.mark.skipif(not ORACLE.exists(), reason="pycanon: run `make .tools/pycanon/.ready`")
def test_k_l_and_t_are_those_of_pycanon() -> None:
    chance = random.Random(5)
    tables = [[(chance.choice("abc"), chance.choice("xy"), chance.choice("pqrs")) for _ in range(chance.randint(8, 60))] for _ in range(60)]
    done = subprocess.run([str(ORACLE), "-W", "ignore", "-c", ASK], input=json.dumps(tables), capture_output=True, text=True, check=True, timeout=120)
    for rows, line in zip(tables, done.stdout.splitlines(), strict=True):
        got = asked(told_query(["u", "v"], "s", "gold", 2), gold=table(rows, "u", "v", "s"))
        assert [got["smallest"], got["l"], got["t"]] == pytest.approx(json.loads(line), abs=1e-6)
