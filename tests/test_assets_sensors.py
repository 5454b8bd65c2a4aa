"""Sensors and the journal's mirror: what they ask for, once, and what they show of runs that Dagster did not do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from test_assets_definitions import derived
from tiny import DATASET, GOOD, Tiny, contract

from assets.build import definitions
from pipelines.decisions import decide

BAD = "编号,类别,高度,种植日期,备注\n" + "".join(f"T{n},A,wrong{n},2026-03-12,\n" for n in range(5))
SHRUNKEN = {"min_rows": 2, "max_shrink": 0.1}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


def tick(tiny: Tiny, instance: dg.DagsterInstance, name: str, cursor: str | None = None) -> Any:
    """One evaluation of a sensor, as the daemon does it; definitions built anew."""
    way = tiny.way()
    made = definitions(way)
    context = dg.build_sensor_context(instance=instance, cursor=cursor, resources={"way": way}, definitions=made, sensor_name=name)
    return made.resolve_sensor_def(name).evaluate_tick(context)


def keys(request: dg.RunRequest) -> set[str]:
    return {key.to_user_string() for key in request.asset_selection or ()}


def run(tiny: Tiny, instance: dg.DagsterInstance, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    """The run that a request asks for."""
    made = definitions(tiny.way()).resolve_job_def("city")
    return made.execute_in_process(instance=instance, asset_selection=list(request.asset_selection or ()), raise_on_error=False)


def told(tick_: Any) -> list[str]:
    """What a tick tells of assets, in words."""
    found = []
    for event in tick_.asset_events:
        kind = {dg.AssetMaterialization: "made", dg.AssetObservation: "seen", dg.AssetCheckEvaluation: "check"}[type(event)]
        check = f" {event.check_name} {event.passed}" if isinstance(event, dg.AssetCheckEvaluation) else ""
        found.append(f"{kind} {event.asset_key.to_user_string()}{check}")
    return found


def test_a_new_drop_asks_for_its_dataset_and_what_is_derived_from_it(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.declare(derived())
    tiny.declare(contract("parks.other"))
    assert tick(tiny, instance, "new_drops").run_requests == []
    tiny.drop("trees1.csv", GOOD)
    request, = tick(tiny, instance, "new_drops").run_requests
    assert {"bronze/parks/trees", "portal/parks/trees/main", "silver/weather/indicator", "register/city/catalog"} <= keys(request)
    assert not {key for key in keys(request) if "other" in key}
    assert "trees1" not in str(request)                                       # names of files are nobody's business
    assert tick(tiny, instance, "new_drops").run_requests[0].run_key == request.run_key
    assert run(tiny, instance, request).success
    quiet = tick(tiny, instance, "new_drops")
    assert quiet.run_requests == []
    assert quiet.skip_message == "Nothing is new at the sources."


def test_drops_are_not_asked_for_while_a_run_for_some_has_not_ended(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.drop("trees1.csv", GOOD)
    request, = tick(tiny, instance, "new_drops").run_requests
    job = definitions(tiny.way()).resolve_job_def("city")
    waiting = instance.create_run_for_job(job, tags=dict(request.tags), status=dg.DagsterRunStatus.STARTED)
    assert tick(tiny, instance, "new_drops").run_requests in (None, [])
    instance.delete_run(waiting.run_id)
    assert tick(tiny, instance, "new_drops").run_requests


def test_a_changed_drop_asks_under_another_key(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.drop("trees1.csv", GOOD)
    first = tick(tiny, instance, "new_drops").run_requests[0].run_key
    tiny.drop("trees1.csv", GOOD.replace("T1", "T8"))
    assert tick(tiny, instance, "new_drops").run_requests[0].run_key != first


def test_a_source_that_cannot_be_looked_at_stops_no_other_and_names_no_file(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.declare(contract("weather.rain"))
    tiny.write("negative_list.yaml", "version: 1\nexcluded:\n  - {id: T1, kind: department, name: weather, legal_basis: law, verified: true}\n")
    tiny.drop("rain1.csv", GOOD, "weather")
    assert "weather.rain: " in tick(tiny, instance, "new_drops").skip_message
    tiny.drop("trees1.csv", GOOD)
    assert "bronze/parks/trees" in keys(tick(tiny, instance, "new_drops").run_requests[0])


def test_a_decision_asks_for_a_run_from_the_held_step_on(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.declare(derived())
    tiny.drop("trees1.csv", BAD)
    tiny.run()
    before = tick(tiny, instance, "decisions")
    assert before.run_requests == []
    tiny.become("steward_p")
    hold = next(iter(tiny.way().journal.state(DATASET).holds))
    decision = decide(tiny.way(), hold, "approve", "Heights are not needed.")
    found = tick(tiny, instance, "decisions", before.cursor)
    request, = found.run_requests
    assert request.run_key == decision.id
    assert keys(request) == {"silver/parks/trees", "gold/parks/trees/main", "portal/parks/trees/main", "silver/weather/indicator",
                             "gold/weather/indicator/main", "portal/weather/indicator/main", "register/city/catalog"}
    assert tick(tiny, instance, "decisions").run_requests[0].run_key == decision.id      # also when the cursor was lost
    assert tick(tiny, instance, "decisions", found.cursor).run_requests == []
    assert run(tiny, instance, request).success
    assert tiny.way().journal.state(DATASET).release("main") is not None
    assert tick(tiny, instance, "decisions").run_requests == []


def test_a_decided_batch_goes_on_from_ingest(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path, volume=SHRUNKEN)
    tiny.drop("trees1.csv", "\n".join(GOOD.splitlines()[:2]) + "\n")
    tiny.run()
    tiny.become("steward_p")
    hold = next(iter(tiny.way().journal.state(DATASET).holds))
    assert hold == f"{DATASET}/ingest/b000001"
    decide(tiny.way(), hold, "approve", "There is only one tree.")
    request, = tick(tiny, instance, "decisions").run_requests
    assert "bronze/parks/trees" in keys(request)
    assert run(tiny, instance, request).success
    assert len(tiny.way().journal.state(DATASET).batches) == 1


def test_a_revocation_asks_for_a_run_that_holds_again(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.drop("trees1.csv", BAD)
    tiny.run()
    tiny.become("steward_p")
    hold = next(iter(tiny.way().journal.state(DATASET).holds))
    decide(tiny.way(), hold, "approve", "Heights are not needed.")
    tiny.run()
    cursor = tick(tiny, instance, "decisions").cursor
    revoked = decide(tiny.way(), hold, "revoke", "They are needed after all.")
    request, = tick(tiny, instance, "decisions", cursor).run_requests
    assert request.run_key == revoked.id
    run(tiny, instance, request)
    assert tiny.way().journal.state(DATASET).last["refine/"]["outcome"] == "held"


def test_what_the_console_ran_is_shown_once(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.drop("trees1.csv", GOOD)
    tiny.run()
    found = tick(tiny, instance, "journal")
    assert {"made bronze/parks/trees", "made silver/parks/trees", "made gold/parks/trees/main", "made portal/parks/trees/main",
            "made register/city/catalog", "check silver/parks/trees type_height True", "check bronze/parks/trees admission True"} <= set(told(found))
    for event in found.asset_events:
        instance.report_runless_asset_event(event)
    assert tick(tiny, instance, "journal", found.cursor).asset_events == []
    assert tick(tiny, instance, "journal").asset_events == []            # also when the cursor was lost
    after = definitions(tiny.way()).resolve_job_def("city").execute_in_process(instance=instance)
    assert after.get_asset_materialization_events() == []                # nor by a run with nothing to do


def test_what_dagster_ran_is_not_shown_again(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.drop("trees1.csv", GOOD)
    definitions(tiny.way()).resolve_job_def("city").execute_in_process(instance=instance)
    assert tick(tiny, instance, "journal").asset_events == []
    tiny.drop("trees2.csv", BAD)
    definitions(tiny.way()).resolve_job_def("city").execute_in_process(instance=instance)
    assert tick(tiny, instance, "journal").asset_events == []


def test_a_hold_from_the_console_is_seen_with_its_failed_checks(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.drop("trees1.csv", BAD)
    tiny.run()
    found = told(tick(tiny, instance, "journal"))
    assert {"made bronze/parks/trees", "seen silver/parks/trees", "check silver/parks/trees type_height False"} <= set(found)
    assert not [text for text in found if "gold" in text]
