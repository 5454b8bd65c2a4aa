"""Two tables of the same subjects are subtracted from each other before the second leaves: the few between them are nobody's business."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_pipelines_disclosure import HEADER, KEEP, city, held, persons, rows, rules_of
from tiny import Tiny, by_step

COUNT = {"by": ["block"], "measures": {"persons": "count(*)"}}


def table(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "tier": "unconditional", "purpose": "open_data", "formats": ["csv"], "columns": {"block": KEEP, "age": KEEP},
            "aggregate": COUNT, **more}


def two(root: Path, odd: int, subjects: str | None = "residents", **more: Any) -> Tiny:
    """Eighty members in two blocks and `odd` older ones in block A; all of them in one table, the younger in the other."""
    made = city(root, rows(80, *[f"P9{at:02d},A,50-59,x\n" for at in range(odd)]))
    document = persons(subjects=subjects)
    ours = document["customProperties"][0]["value"]
    ours["products"] = [table("all"), table("younger", filter="age < '50'") | more]
    made.declare(json.loads(json.dumps(document)))
    return made


@pytest.mark.parametrize(("odd", "outcome"), [(0, "done"), (1, "held"), (9, "held"), (10, "done")])
def test_a_filter_that_leaves_out_a_few_is_held(tmp_path: Path, odd: int, outcome: str) -> None:
    made = two(tmp_path, odd)
    assert by_step(made.run())["parks.members serve younger"] == outcome
    for hold in held(made):
        (finding,) = hold.findings
        assert (finding["rule"], finding["observed"]["releases"], finding["observed"]["cells"]) == \
            ("exposure.differencing", ["parks.members.all/r1"], 1)
        assert hold.role == "privacy_officer"


def test_without_declared_subjects_a_datasets_own_tables_are_subtracted_all_the_same(tmp_path: Path) -> None:
    made = two(tmp_path, 1, subjects=None)
    made.run()
    assert rules_of(held(made)) == ["exposure.differencing"]


@pytest.mark.parametrize("more", [
    {"aggregate": {"by": ["block", "age"], "measures": {"n": "count(id)"}}}, {"aggregate": {"by": ["age"], "measures": {"n": "count(distinct id)"}}},
])
def test_finer_groups_are_added_up(tmp_path: Path, more: dict[str, Any]) -> None:
    made = two(tmp_path, 3, **more)
    made.run()
    assert rules_of(held(made)) == ["exposure.differencing"]


def test_rounded_counts_hide_the_few_between(tmp_path: Path) -> None:
    made = two(tmp_path, 3, disclosure={"round_counts": 10})
    assert by_step(made.run())["parks.members serve younger"] == "done"


def test_a_table_whose_filter_changes_is_subtracted_from_what_it_showed_before(tmp_path: Path) -> None:
    made = city(tmp_path, rows(80, "P900,A,50-59,x\n"), product={"columns": {"block": KEEP, "age": KEEP}, "aggregate": COUNT})
    made.run()
    made.now += timedelta(days=1)
    made.declare(persons(product={"columns": {"block": KEEP, "age": KEEP}, "aggregate": COUNT, "filter": "age < '50'"}))
    made.run()
    assert rules_of(held(made)) == ["exposure.differencing"]


def test_the_second_table_of_a_day_is_held_against_the_first_of_that_day(tmp_path: Path) -> None:
    made = two(tmp_path, 0)
    made.run()
    made.now += timedelta(days=1)
    made.drop("members2.csv", HEADER + "".join(f"Q{at},{'AB'[at % 2]},30-39,x\n" for at in range(20)) + "Q99,A,50-59,x\n")
    outcomes = by_step(made.run())
    assert (outcomes["parks.members serve all"], outcomes["parks.members serve younger"]) == ("done", "held")
    assert rules_of(held(made)) == ["exposure.differencing"]
