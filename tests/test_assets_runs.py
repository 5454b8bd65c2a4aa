"""Running through Dagster: the journal comes out as from the console, gates hold, one dataset's trouble stops no other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from test_assets_definitions import derived
from test_pipelines_disclosure import city as members
from test_pipelines_disclosure import rows as members_rows
from tiny import DATASET, GOOD, Tiny, column, contract

from assets import ui
from assets.build import definitions
from pipelines import applying
from pipelines.decisions import decide

MOBILE = "13857112233"
CODE = "91350100M000100Y43"         # the example of GB 32100: no person's
NEGATIVE = "version: 1\nexcluded:\n  - {id: T1, kind: department, name: parks, legal_basis: for the test, verified: true}\n"
BAD = "编号,类别,高度,种植日期,备注\n" + "".join(f"T{n},A,CANARYHEIGHT{n},2026-03-12,\n" for n in range(5))
UNKNOWN = "编号,类别,高度,种植日期,备注,CANARYHEADER\nT9,A,1,2026-03-12,,CANARYCELL\n"


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """A real instance from our own dagster.yaml, with its home in a temporary state folder."""
    _, env = ui.command(Tiny(tmp_path / "home").settings)
    for name in ("DAGSTER_HOME", "DAGSTER_COMPUTE_LOGS"):
        monkeypatch.setenv(name, env[name])
    with dg.DagsterInstance.get() as found:
        yield found


def run(tiny: Tiny, instance: dg.DagsterInstance, *keys: str, job: str = "city") -> dg.ExecuteInProcessResult:
    """One run of a job, as a run process does it: definitions built anew, narrowed to `keys` when there are any."""
    chosen = [dg.AssetKey(key.split("/")) for key in keys] or None
    made = definitions(tiny.way()).resolve_job_def(job)
    return made.execute_in_process(instance=instance, asset_selection=chosen, raise_on_error=False)


def materialized(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """Asset → metadata of its materialization in this run."""
    found = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
    return {item.asset_key.to_user_string(): {key: value.value for key, value in item.metadata.items()} for item in found}


def observed(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    found = [event.asset_observation_data.asset_observation for event in result.get_asset_observation_events()]
    return {item.asset_key.to_user_string(): {key: value.value for key, value in item.metadata.items()} for item in found}


def checks(result: dg.ExecuteInProcessResult, passed: bool) -> set[str]:
    return {f"{item.asset_key.path[0]} {item.check_name}" for item in result.get_asset_check_evaluations() if item.passed == passed}


def acts(tiny: Tiny) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that every journal says of what was done: outcomes, versions, holds, releases, operations.

    Ids of ingest's operations hold the state of files on disk, and so differ between two folders.
    """
    journal = tiny.way().journal
    fields = ("step", "target", "outcome", "tables", "holds", "release")
    return {chain: [(record.kind, *(record.body.get(name) for name in fields), record.body.get("op") if record.kind != "ingest" else "")
                    for record in journal.records(chain)] for chain in journal.chains()}


def city(root: Path) -> Tiny:
    """Three datasets with trouble of different kinds, and one derived from a good and a held one."""
    tiny = Tiny(root)
    tiny.declare(contract("parks.held"))
    tiny.declare(contract("parks.unknown"))
    tiny.declare(derived(inputs=(DATASET, "parks.held")))
    for name, text in (("trees1.csv", GOOD), ("held1.csv", GOOD), ("unknown1.csv", UNKNOWN)):
        tiny.drop(name, text)
    return tiny


def test_a_run_leaves_the_journal_that_the_console_leaves(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    console, dagster = city(tmp_path / "a"), city(tmp_path / "b")
    console.run()
    dagster.way()           # else keys without a journal would say that its lake is lost
    shutil.copytree(console.settings.secrets, dagster.settings.secrets, dirs_exist_ok=True)       # the same keys, so the same aliases and operations
    assert run(dagster, instance).success
    assert acts(dagster) == acts(console)
    for tiny in (console, dagster):
        tiny.drop("trees2.csv", GOOD.replace("T1", "T7"))
        tiny.drop("held2.csv", BAD)
    console.run()
    assert run(dagster, instance).success
    assert acts(dagster) == acts(console)
    assert dagster.way().journal.state("parks.held").last["refine/"]["outcome"] == "held"


def test_what_is_done_is_materialized_with_counts_versions_and_hashes(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.drop("trees1.csv", GOOD)
    found = run(tiny, instance)
    made, state = materialized(found), tiny.way().journal.state(DATASET)
    assert set(made) == {"bronze/parks/trees", "silver/parks/trees", "gold/parks/trees/main", "portal/parks/trees/main", "register/city/catalog"}
    assert made["bronze/parks/trees"]["newest_batches"] == "b000001"
    assert made["bronze/parks/trees"]["source_sha256"] == {"b000001": state.batches[0].sha256}
    assert made["silver/parks/trees"]["dagster/row_count"] == 3
    assert made["silver/parks/trees"]["table_version"] == state.tables["silver/parks/trees"]
    release = state.release("main")
    assert release is not None
    assert made["gold/parks/trees/main"]["release_hash"] == release.hash
    assert Path(made["portal/parks/trees/main"]["page_site"]).is_file()
    assert made["register/city/catalog"]["sealed_journals"] == 1
    assert checks(found, passed=False) == set()
    assert {"silver type_height", "silver unique_key", "bronze admission", "gold screening", "gold tier"} <= checks(found, passed=True)


def test_a_record_is_told_once(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.drop("trees1.csv", GOOD)
    run(tiny, instance)
    again = run(tiny, instance)
    assert again.success
    assert materialized(again) == observed(again) == {}
    assert "silver type_height" in checks(again, passed=True)       # a planned check without a result would show as not evaluated
    assert len(acts(tiny)[DATASET]) == 5


def test_only_the_steps_of_the_selected_assets_are_taken(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.drop("trees1.csv", GOOD)
    taken = set()
    for key, step in (("bronze/parks/trees", "ingest"), ("silver/parks/trees", "refine"), ("gold/parks/trees/main", "serve"),
                      ("portal/parks/trees/main", "publish")):
        found = run(tiny, instance, key)
        taken.add(step)
        assert found.success
        assert set(materialized(found)) == {key}
        assert {act[0] for act in acts(tiny)[DATASET]} - {"prepared"} == taken


def test_a_hold_stops_serve_also_when_only_gold_is_selected(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.drop("trees1.csv", BAD)
    first = run(tiny, instance, "bronze/parks/trees", "silver/parks/trees")
    assert set(materialized(first)) == {"bronze/parks/trees"}
    assert observed(first)["silver/parks/trees"]["outcome"] == "held"
    assert "silver type_height" in checks(first, passed=False)
    second = run(tiny, instance, "gold/parks/trees/main", "portal/parks/trees/main")
    assert second.success
    assert not {"gold/parks/trees/main"} & set(materialized(second))
    assert not [act for act in acts(tiny)[DATASET] if act[0] == "serve"]
    assert not (tiny.settings.lake / "tables" / "gold").exists()


def test_a_hold_after_a_release_leaves_gold_as_it_is(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.drop("trees1.csv", GOOD)
    run(tiny, instance)
    before = tiny.way().journal.state(DATASET)
    tiny.drop("trees2.csv", BAD)
    found = run(tiny, instance)
    assert set(materialized(found)) == {"bronze/parks/trees", "register/city/catalog"}
    assert run(tiny, instance, "gold/parks/trees/main").success
    after = tiny.way().journal.state(DATASET)
    for name in ("gold/parks/trees/main", "silver/parks/trees"):
        assert after.tables[name] == before.tables[name]
    assert after.releases == before.releases


def test_an_unknown_column_is_a_failed_admission_and_names_no_header(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.drop("trees1.csv", UNKNOWN)
    found = run(tiny, instance)
    assert found.success                # data that wait are no failure of the run
    assert checks(found, passed=False) == {"bronze admission"}
    assert observed(found)["bronze/parks/trees"]["holds"] == "parks.trees/ingest/b000001"
    failed = next(item for item in found.get_asset_check_evaluations() if not item.passed)
    assert failed.severity == dg.AssetCheckSeverity.ERROR
    assert "columns that the contract does not name" in (failed.description or "")


def test_a_failed_step_fails_its_dataset_only_and_quotes_nothing(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = city(tmp_path)
    (tiny.settings.lake / "releases" / "parks").mkdir(parents=True)
    (tiny.settings.lake / "releases" / "parks" / "trees").write_text("in the way")
    found = run(tiny, instance)
    assert not found.success
    failed = {event.step_key: event.step_failure_data.error for event in found.all_events if event.is_step_failure}
    assert set(failed) == {"parks__trees"}
    error = failed["parks__trees"]
    assert error is not None
    assert "parks.trees: serve main: An unexpected" in error.message
    assert "in the way" not in error.to_string()
    assert error.cause is None
    assert error.context is None
    done = materialized(found)
    assert {"bronze/parks/trees", "silver/parks/trees", "gold/parks/held/main", "portal/parks/held/main"} <= set(done)
    assert {"silver/weather/indicator", "gold/weather/indicator/main", "register/city/catalog"} <= set(done)     # derived from the failed one
    assert "gold/parks/trees/main" not in done


def test_a_dataset_that_may_no_longer_be_collected_is_a_failed_admission(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.drop("trees1.csv", GOOD)
    assert "bronze admission" in checks(run(tiny, instance), passed=True)
    tiny.write("negative_list.yaml", NEGATIVE)
    tiny.drop("trees2.csv", GOOD)
    found = run(tiny, instance)
    assert "bronze admission" in checks(found, passed=False)
    run(tiny, instance)
    ingests = [(act[3], act[4]) for act in acts(tiny)[DATASET] if act[0] == "ingest"]
    assert ingests == [("done", {"bronze/parks/trees": 1}), ("refused", {})]        # the refusal is on record, once


def test_a_person_who_can_be_told_apart_fails_a_check_of_its_own(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = members(tmp_path, members_rows(80, "P900,C,30-39,x\n"))
    found = run(tiny, instance)
    assert "gold disclosure" in checks(found, passed=False)
    assert {"gold screening", "gold tier"} <= checks(found, passed=True)
    (told,) = [item for item in found.get_asset_check_evaluations() if item.check_name == "disclosure"]
    text = " ".join(str(value.value) for value in told.metadata.values())
    assert "disclosure.k" in text
    assert "P900" not in text


def test_checks_alone_are_shown_again_from_the_journal(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.drop("trees1.csv", BAD)
    run(tiny, instance)
    before = acts(tiny)
    made = definitions(tiny.way())
    key = dg.AssetCheckKey(dg.AssetKey(["silver", "parks", "trees"]), "type_height")
    job = dg.define_asset_job("one", selection=dg.AssetSelection.checks(key))
    found = definitions(tiny.way(), jobs=[job]).resolve_job_def("one").execute_in_process(instance=instance)
    assert checks(found, passed=False) == {"silver type_height"}
    assert acts(tiny) == before
    assert made.resolve_asset_graph().get_check_spec(key).name == "type_height"


def test_an_approved_screening_goes_on_and_its_check_warns(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path, columns=[column("id", "text", "编号", key=1, required=True), column("note", "text", "备注")])
    tiny.drop("trees1.csv", f"编号,备注\nT1,{CODE}\n")
    found = run(tiny, instance)
    assert "gold screening" in checks(found, passed=False)
    assert observed(found)["gold/parks/trees/main"]["may_decide"] == "privacy_officer"
    tiny.become("officer")
    hold = next(iter(tiny.way().journal.state(DATASET).holds))
    decide(tiny.way(), hold, "approve", "The number of an enterprise.")
    found = run(tiny, instance, "gold/parks/trees/main")
    assert set(materialized(found)) == {"gold/parks/trees/main"}
    screening = next(item for item in found.get_asset_check_evaluations() if item.check_name == "screening")
    assert (screening.passed, screening.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert screening.metadata["approval"].value == f"{DATASET}/d{tiny.way().journal.state(DATASET).seq - 1}"


@pytest.mark.slow
def test_no_canary_reaches_dagsters_home_or_output(tmp_path: Path) -> None:
    tiny = city(tmp_path)
    tiny.drop("unknown_CANARYNAME.csv", BAD)
    tiny.drop("held9.csv", GOOD.replace("已修剪", MOBILE).replace("T1", "CANARYKEY"))
    (tiny.settings.lake / "releases" / "weather").mkdir(parents=True)
    (tiny.settings.lake / "releases" / "weather" / "indicator").write_text("in the way")        # an error on top
    argv = [sys.executable, "-m", "dagster", "job", "execute", "-m", "assets.definitions", "-j", "city", "--working-directory", str(ui.ROOT)]
    _, variables = ui.command(tiny.settings)
    done = subprocess.run(argv, env={**os.environ, **variables}, cwd=tmp_path, capture_output=True, check=False)
    home = Path(variables["DAGSTER_HOME"])
    files = [path for path in home.rglob("*") if path.is_file()]
    text = done.stdout + done.stderr + b"".join(path.read_bytes() for path in files)
    assert b"parks__unknown" in text        # the events are there
    assert b"weather.indicator: serve main: An unexpected" in text
    assert [path for path in files if path.suffix == ".err"]        # and what the steps printed
    assert found_in(text, ("CANARY", MOBILE, "已修剪", "待移植")) == []


def found_in(text: bytes, words: Collection[str]) -> list[str]:
    """The words in UTF-8, or as JSON escapes them."""
    return [word for word in words if word.encode() in text or ascii(word)[1:-1].encode() in text]


def test_a_waiting_portal_is_closed_by_a_run_and_opened_by_none(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    tiny = Tiny(tmp_path)
    tiny.write("city.yaml", (tiny.city / "city.yaml").read_text(encoding="utf-8").replace("auto: true", "auto: false"))
    tiny.drop("trees1.csv", GOOD)
    run(tiny, instance)
    assert not tiny.settings.site.exists()
    tiny.become("bureau")
    way = tiny.way()
    applying.apply(way, [applying.plan_of(way, applying.named(way, [])[0])])
    assert (tiny.settings.site / "current/data/parks.trees.main/r1").is_dir()
    document = contract()
    document["customProperties"][0]["value"]["products"][0] |= {"tier": "restricted", "conditions": {"zh": "申请", "en": "Apply"}}
    tiny.declare(document)
    run(tiny, instance)
    assert not list(tiny.settings.site.glob("generations/*/data/*"))
