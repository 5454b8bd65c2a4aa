"""Plans, and portals that wait for a person: what apply does and refuses, what leaves at once all the same, and rollback.

Two folder portals: one that a run publishes to, and one that waits. The same runs against CKAN in test_pipelines_ckan_gates.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny import CITY, DATASET, GOOD, Tiny, by_step, column, contract

from catalog.errors import DefinitionError, Refused
from pipelines import applying, planning
from pipelines.audit import verify
from pipelines.portals.listed import portals_of
from pipelines.steps.rollback import rollback
from pipelines.steps.withdraw import withdraw

pytestmark = pytest.mark.usefixtures("umask")
OTHER = "weather.rain"
RAIN = "编号,雨量\nT1,3\nT2,4\n"
NEWER = GOOD.replace("T1", "T4")


def two(tmp_path: Path, **fields: Any) -> Tiny:
    city = Tiny(tmp_path, **fields)
    city.write("city.yaml", CITY + "  later: {kind: folder, auto: false, options: {path: later}}\n")
    city.declare(contract(OTHER, [column("id", "text", "编号", key=1, required=True), column("amount", "bigint", "雨量")]))
    city.drop("trees1.csv", GOOD)
    city.drop("rain1.csv", RAIN, "weather")
    city.become("bureau")
    city.run()
    return city


def plan(city: Tiny, portal: str = "later", *datasets: str) -> planning.Plan:
    way = city.way()
    return applying.plan_of(way, applying.named(way, [portal])[0], datasets)


def apply(city: Tiny, *plans: planning.Plan) -> dict[str, str]:
    return {f"{item.dataset} {item.target}": item.outcome for item in applying.apply(city.way(), plans)}


def seen(city: Tiny, portal: str = "later", dataset: str = DATASET) -> str:
    found = applying.named(city.way(), [portal])[0].observe([f"{dataset}.main"])
    return f"{found[f'{dataset}.main'].shown} {found[f'{dataset}.main'].release}" if found else "absent"


def data(city: Tiny, portal: str = "later") -> set[str]:
    """Every data file that a portal keeps anywhere."""
    home = city.settings.site / "later" if portal == "later" else city.settings.site
    return {"/".join(path.parts[-2:]) for path in home.glob(f"generations/*/data/{DATASET}.main/*/*")}


def test_what_does_not_publish_itself_waits_for_a_plan(tmp_path: Path) -> None:
    city = two(tmp_path)
    assert seen(city) == "absent"
    assert seen(city, "site") == "open r1"
    assert applying.waiting(city.way()) == {"later": 2}
    assert not (city.settings.site / "later").exists()
    found = plan(city)
    assert [(one.kind, one.id, one.expect) for one in found.actions] == [("create", f"{DATASET}.main", None), ("create", f"{OTHER}.main", None)]
    assert ("rows", None, 3) in [(one.field, one.before, one.after) for one in found.actions[0].changes]
    assert set(apply(city, found).values()) == {"done"}
    assert seen(city) == seen(city, dataset=OTHER) == "open r1"
    assert applying.waiting(city.way()) == {}
    assert plan(city).actions == ()
    assert verify(city.way()) == []


def test_a_second_apply_writes_nothing(tmp_path: Path) -> None:
    city = two(tmp_path)
    found = plan(city)
    apply(city, found)
    site, state = sorted((city.settings.site / "later").rglob("*")), city.way().journal.state(DATASET)
    assert set(apply(city, found).values()) == {"unchanged"}
    assert sorted((city.settings.site / "later").rglob("*")) == site
    assert city.way().journal.state(DATASET) == state


def test_the_plan_names_what_changes(tmp_path: Path) -> None:
    city = two(tmp_path)
    apply(city, plan(city))
    city.drop("trees2.csv", NEWER)
    city.declare(contract(title={"zh": "行道树", "en": "Street trees"}))
    city.run()
    (action,) = plan(city).actions
    changes = {one.field: (one.before, one.after) for one in action.changes}
    assert action.kind == "update"
    assert changes["rows"] == (3, 4)
    assert changes["release"] == ("r1", "r2")
    assert changes["title"][1] == {"zh": "行道树", "en": "Street trees"}
    assert "r2/parks.trees.main.csv" in changes["files"][1]


def test_a_stale_plan_is_refused_dataset_by_dataset(tmp_path: Path) -> None:
    city = two(tmp_path)
    found = plan(city)
    city.drop("trees2.csv", NEWER)
    city.run()
    assert apply(city, found) == {f"{DATASET} later/main": "refused", f"{OTHER} later/main": "done"}
    assert seen(city) == "absent"
    fresh = plan(city)
    apply(city, fresh)
    city.drop("trees3.csv", GOOD.replace("T1", "T5"))
    city.run()
    third = plan(city)
    apply(city, third)
    assert seen(city) == "open r3"
    assert apply(city, fresh) == {f"{DATASET} later/main": "refused"}       # what is shown is neither its before nor its after
    assert seen(city) == "open r3"


def test_the_same_damage_is_mended_each_time(tmp_path: Path) -> None:
    city = two(tmp_path)
    for _ in range(3):
        shutil.rmtree(city.settings.site)
        city.run()
        assert seen(city, "site") == "open r1"


def test_a_plan_takes_a_steward_or_the_bureau(tmp_path: Path) -> None:
    city = two(tmp_path)
    found = plan(city)
    city.become("auditor")
    assert set(apply(city, found).values()) == {"refused"}
    city.become("steward_p")
    assert apply(city, found) == {f"{DATASET} later/main": "done", f"{OTHER} later/main": "refused"}
    assert city.way().journal.state(DATASET).published["later/main"]["person"] == "steward_p"


def test_a_plan_file_is_read_back_and_a_changed_one_refused(tmp_path: Path) -> None:
    city = two(tmp_path)
    found = [plan(city), plan(city, "site")]
    text = planning.written(found)
    assert planning.read(text, "plan.json") == found
    document = json.loads(text)
    document["plans"][0]["actions"][0]["want"] = "0" * 64
    for bad in (json.dumps(document), "[]", "{}", "x", text.replace('"create"', '"open"'), '{"citylake_plan": 1, "plans": []}'):
        with pytest.raises(DefinitionError):
            planning.read(bad, "plan.json")


def test_a_tighter_tier_leaves_at_once_and_a_looser_one_waits(tmp_path: Path) -> None:
    city = two(tmp_path)
    apply(city, plan(city))
    kept = {item["name"]: {"do": "keep" if item["classification"] == "L1" else "drop"} for item in contract()["schema"][0]["properties"]}
    closed = [{"name": "main", "tier": "restricted", "purpose": "open_data", "columns": kept, "formats": ["csv", "parquet"],
               "conditions": {"zh": "申请", "en": "Apply"}}]
    city.declare(contract(products=closed))
    assert by_step(city.run())[f"{DATASET} publish later/main"] == "done"
    assert seen(city) == "metadata None"
    assert data(city) == data(city, "site") == set()
    assert by_step(city.run())[f"{DATASET} publish later/main"] == "unchanged"
    assert verify(city.way()) == []


def test_an_older_release_that_may_not_be_shown_leaves_at_once(tmp_path: Path) -> None:
    city = two(tmp_path)
    apply(city, plan(city))
    city.drop("trees2.csv", NEWER)
    city.run()
    apply(city, plan(city))
    assert {path.split("/")[0] for path in data(city)} == {"r1", "r2"}
    document = contract()
    document["customProperties"][0]["value"]["products"][0]["columns"]["planted"] = {"do": "drop"}
    city.declare(document)
    city.run()
    assert seen(city, "site") == "open r3"
    assert seen(city) == "metadata None"              # r3 waits for its plan; r1 and r2 let a column leave that may not any more
    assert data(city) == set()
    apply(city, plan(city))
    assert seen(city) == "open r3"
    assert verify(city.way()) == []


def test_withdrawal_reaches_every_portal_outside_plans(tmp_path: Path) -> None:
    city = two(tmp_path)
    apply(city, plan(city))
    way = city.way()
    withdraw(way, way.contract(DATASET), "main", {"reason": "Wrong", "basis": "Law", "date": "2026-11-24"}, portals_of(way), "bureau")
    assert seen(city) == seen(city, "site") == "tombstone None"
    assert data(city) == data(city, "site") == set()
    assert plan(city).actions == ()


def test_a_portal_that_never_showed_it_is_not_told_of_a_withdrawal(tmp_path: Path) -> None:
    city = two(tmp_path)
    way = city.way()
    withdraw(way, way.contract(DATASET), "main", {"reason": "Wrong", "basis": "Law", "date": "2026-11-24"}, portals_of(way), "bureau")
    assert not (city.settings.site / "later").exists()
    assert [one.kind for one in plan(city, "later", DATASET).actions] == ["withdraw"]


# -- rollback -------------------------------------------------------------------------------------------------------------

def rolled(city: Tiny, to: int = 1) -> str:
    way = city.way()
    return str(rollback(way, way.contract(DATASET), "main", to, "A wrong list", portals_of(way), "bureau")["outcome"])


def test_a_rollback_shows_the_earlier_release_everywhere_and_stays(tmp_path: Path) -> None:
    city = two(tmp_path)
    city.drop("trees2.csv", NEWER)
    city.run()
    apply(city, plan(city))
    assert rolled(city) == "done"
    assert seen(city) == seen(city, "site") == "open r1"
    assert {path.split("/")[0] for path in data(city) | data(city, "site")} == {"r1"}
    assert rolled(city) == "unchanged"
    assert set(by_step(city.run(DATASET)).values()) == {"unchanged"}
    city.drop("trees3.csv", GOOD.replace("T1", "T6"))
    city.run()
    assert seen(city, "site") == "open r3"            # numbers are never used twice
    assert {path.split("/")[0] for path in data(city, "site")} == {"r1", "r3"}
    listed = {one["release"]: one for one in applying.named(city.way(), ["site"])[0].stored(f"{DATASET}.main").page["releases"]}     # type: ignore[union-attr]
    assert (listed["r2"]["files"], listed["r2"]["taken_back"], listed["r3"]["taken_back"]) == ([], "A wrong list", None)
    assert verify(city.way()) == []


def test_a_rollback_never_opens_what_today_would_not_be_let_through(tmp_path: Path) -> None:
    city = two(tmp_path)
    document = contract()
    document["customProperties"][0]["value"]["products"][0]["columns"]["planted"] = {"do": "drop"}
    city.declare(document)
    city.drop("trees2.csv", NEWER)
    city.run()
    with pytest.raises(Refused):
        rolled(city)
    assert seen(city, "site") == "open r2"


@pytest.mark.parametrize("to", [0, 2, 9])
def test_a_rollback_goes_back_and_only_to_what_is_there(tmp_path: Path, to: int) -> None:
    city = two(tmp_path)
    with pytest.raises(DefinitionError):
        rolled(city, to)


def test_a_release_that_was_taken_back_is_not_gone_back_to(tmp_path: Path) -> None:
    city = two(tmp_path)
    city.drop("trees2.csv", NEWER)
    city.run()
    rolled(city)
    with pytest.raises(DefinitionError):
        rolled(city, 2)
