"""No step runs past a hold, by whatever door: who writes which layer, holds and their decisions, tiers, withdrawal."""

from __future__ import annotations

import ast
import json
import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from deltalake import DeltaTable
from tiny import DATASET, GOOD, PEOPLE, Tiny, by_step, column, contract

from catalog.errors import DefinitionError, Refused
from pipelines.audit import verify
from pipelines.decisions import decide, inbox
from pipelines.portals.listed import portals_of
from pipelines.protocol import perform
from pipelines.replay import replay
from pipelines.state import State
from pipelines.steps.publish import publish
from pipelines.steps.refine import refine
from pipelines.steps.serve import serve
from pipelines.steps.withdraw import withdraw
from privacy.recognisers import USCC_ALPHABET

ROOT = Path(__file__).resolve().parents[1]
HEADER = "编号,类别,高度,种植日期,备注\n"
ID = "parks.trees.main"
WAY = ("ingest", "refine", "serve main", "publish site/main")


def uscc(number: int) -> str:
    """A social credit code with a right checksum: an identifier, but not a person's."""
    head = f"91330100MA2{number:06d}"
    total = sum(USCC_ALPHABET.index(mark) * pow(3, at, 31) for at, mark in enumerate(head))
    return head + USCC_ALPHABET[(31 - total % 31) % 31]


def columns(note_level: str = "L1") -> list[dict[str, Any]]:
    return [column("id", "text", "编号", key=1, required=True), column("kind", "text", "类别", codes="kinds"),
            column("height", "decimal(6,2)", "高度", unit="m", strip_unit=["米", "m"]), column("planted", "date", "种植日期"),
            column("note", "text", "备注", note_level)]


def product(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["customProperties"][0]["value"]["products"][0]
    return found


def state_of(city: Tiny, dataset: str = DATASET) -> State:
    return city.way().journal.state(dataset)


def shown(city: Tiny, product_id: str = ID) -> str:
    pages = json.loads((city.settings.site / "current/pages.json").read_text(encoding="utf-8"))
    return str(pages.get(product_id, {"shown": "absent"})["shown"])


def anywhere(city: Tiny, *words: str) -> list[str]:
    """Files of every generation of the site that hold one of these words, by content or by name."""
    found = []
    for path in city.settings.site.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        found += [path.relative_to(city.settings.site).as_posix() for word in words if word.encode() in data or word in path.name]
    return found


def take(city: Tiny, *steps: Any) -> list[str]:
    """The steps one by one, without the conductor; their outcomes."""
    way = city.way()
    return [str(perform(way, way.contract(DATASET), step)["outcome"]) for step in steps]


def approve(city: Tiny, person: str, step: str, days: int | None = None) -> str:
    """Decides the one open hold of a step; returns its id."""
    city.become(person)
    way = city.way()
    (hold,) = [item.hold for item in inbox(way) if item.hold.step == step]
    decide(way, hold.id, "approve", "Looked at it and it is well", until=way.today() + timedelta(days=days) if days is not None else None)
    return hold.id


def screened(root: Path) -> Tiny:
    """A city whose first release waits for the privacy officer: a published column holds a code that the contract does not name."""
    city = Tiny(root, columns=columns())
    city.drop("trees1.csv", f"{HEADER}T1,A,3.5,2026-03-12,{uscc(1)}\nT2,B,2,2026-03-12,\n")
    city.run()
    return city


# -- who writes what ----------------------------------------------------------------------------------------------------

WRITERS = {"bronze": {"ingest", "replay"}, "quarantine": {"refine"}, "silver": {"refine"}, "gold": {"serve"}, "register": {"register"}}


def test_every_version_of_every_table_was_written_by_the_step_of_its_layer(tmp_path: Path) -> None:
    city = screened(tmp_path)
    approve(city, "officer", "serve")
    city.run()
    wider = contract(columns=[*columns(), column("extra", "text", "新列")])
    city.declare(wider)
    city.drop("trees2.csv", GOOD)
    city.run()
    assert replay(city.way(), city.way().contract(DATASET))["outcome"] == "done"
    city.run()
    seen: dict[str, set[str]] = {}
    for log in (city.settings.lake / "tables").rglob("_delta_log"):
        layer = log.parent.relative_to(city.settings.lake / "tables").parts[0]
        for entry in DeltaTable(str(log.parent)).history():
            if entry["operation"] != "CREATE TABLE" and "restored" not in entry:
                seen.setdefault(layer, set()).add(entry["step"])
    assert set(seen) == set(WRITERS)
    assert all(steps <= WRITERS[layer] for layer, steps in seen.items()), seen


def calls(folder: str) -> list[tuple[str, str, str]]:
    """(module, receiver, method) of every method call, and (module, "", name) of what is imported from deltalake."""
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = path.relative_to(ROOT).with_suffix("").as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                found.append((name, ast.unparse(node.func.value).split(".")[-1], node.func.attr))
            if isinstance(node, ast.ImportFrom) and node.module == "deltalake":
                found += [(name, "", alias.name) for alias in node.names]
    return found


def test_the_source_has_one_door_to_each_layer() -> None:
    found = [call for folder in ("pipelines", "assets", "console", "quality", "privacy", "catalog") for call in calls(folder)]
    assert {name for name, _, what in found if what == "write_deltalake"} == {"pipelines/lake"}
    tables = {name for name, receiver, what in found if what == "write" and receiver in ("lake", "_lake", "session", "_session", "_staged()")}
    assert tables == {"pipelines/engines/duck", "pipelines/replay", "pipelines/steps/ingest", "pipelines/refinement", "pipelines/gold",
                      "pipelines/steps/register", "pipelines/steps/retain"}
    assert {name for name, _, what in found if what == "switch"} == {"pipelines/steps/publish"}
    assert {name for name, receiver, what in found if what == "stage" and "portal" in receiver} == {"pipelines/steps/publish"}
    tables -= {"pipelines/steps/retain"}        # it only takes away
    layers = {(name, node.args[0].value) for name in tables if "steps" in name or name in ("pipelines/gold", "pipelines/refinement")
              for node in ast.walk(ast.parse((ROOT / f"{name}.py").read_text(encoding="utf-8")))
              if isinstance(node, ast.Call) and ast.unparse(node.func) in ("table", "self._write") and isinstance(node.args[0], ast.Constant)}
    wrote = {layer: {name.split("/")[-1] for name, of in layers if of == layer} for layer in WRITERS}
    assert wrote["gold"] == {"gold"}
    for what, user in (("write_gold", "serve"), ("Refinement(", "refine")):      # each writer has one step that calls it
        users = {path.stem for path in ROOT.glob("pipelines/**/*.py") if what in path.read_text(encoding="utf-8")} - {"gold"}
        assert users == {user}
    assert wrote["quarantine"] == {"refinement"}
    assert wrote["silver"] == {"refinement"}


# -- holds --------------------------------------------------------------------------------------------------------------

def test_nothing_of_a_batch_held_at_admission_is_in_the_lake(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", GOOD.replace("备注", "身高体重").replace("已修剪", "只此一处"))
    assert by_step(city.run())[f"{DATASET} ingest"] == "held"
    assert take(city, refine, serve("main"), *[publish(portal, "main") for portal in portals_of(city.way())]) == ["unchanged"] * 3
    assert not (city.settings.lake / "raw").exists()
    assert not (city.settings.lake / "tables/bronze").exists()
    assert shown(city) == "metadata"
    assert anywhere(city, "只此一处", "身高体重") == []
    assert list(city.settings.spool.rglob("payload")) == []
    assert len(list(city.settings.holding.rglob("payload"))) == 1


@pytest.mark.parametrize("end", ["rejected", "late", "forgotten"])
def test_held_bytes_are_wiped_in_the_end(tmp_path: Path, end: str) -> None:
    city = Tiny(tmp_path, volume={"max_rows": 2})
    city.drop("trees1.csv", GOOD)
    city.run()
    (hold,), (payload,) = state_of(city).holds, city.settings.holding.rglob("payload")
    os.utime(payload, (city.now.timestamp(), city.now.timestamp()))
    city.become("steward_p")
    if end == "rejected":
        decide(city.way(), hold, "reject", "The wrong file, a new one comes")
        assert not payload.exists()
    if end == "forgotten":
        shutil.rmtree(city.city / "datasets/parks")
    city.now += timedelta(days=30)
    city.run()
    assert payload.exists() == (end != "rejected")
    city.now += timedelta(days=1)
    city.run()
    assert not payload.exists()
    assert not (city.settings.lake / "raw").exists()
    if end != "forgotten":
        assert state_of(city).holds == {}
        assert set(by_step(city.run()).values()) == {"unchanged"}       # the same offer is not fetched again
    assert verify(city.way()) == []


def test_held_rows_are_no_base_for_what_follows(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", GOOD)
    city.run()
    in_force = state_of(city).tables
    city.drop("trees2.csv", f"{HEADER}T8,X,1,2026-01-01,\nT9,A,1,2026-01-01,\n")
    outcomes = by_step(city.run())
    assert outcomes[f"{DATASET} refine"] == "held"
    assert outcomes[f"{DATASET} serve main"] == "unchanged"
    assert take(city, serve("main"), *[publish(portal, "main") for portal in portals_of(city.way())]) == ["unchanged", "unchanged"]
    now = state_of(city)
    assert {name: now.tables[name] for name in in_force if "bronze" not in name} == {name: v for name, v in in_force.items() if "bronze" not in name}
    assert len(now.releases["main"]) == 1
    assert shown(city) == "open"
    assert anywhere(city, "T9") == []
    city.declare(contract(max_bad_percent=50.0))         # the contract now tolerates it: goes on by itself
    city.run()
    assert anywhere(city, "T9") != []


def test_an_approved_refinement_goes_on_without_fetching_again(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    path = city.drop("trees1.csv", f"{HEADER}T8,X,1,2026-01-01,\nT9,A,1,2026-01-01,\n")
    assert by_step(city.run())[f"{DATASET} refine"] == "held"
    assert state_of(city).release("main") is None
    bronze, seen = state_of(city).tables["bronze/parks/trees"], state_of(city).seen
    path.unlink()
    approve(city, "steward_p", "refine")
    outcomes = by_step(city.run())
    assert [outcomes[f"{DATASET} {step}"] for step in WAY] == ["unchanged", "done", "done", "done"]
    assert (state_of(city).tables["bronze/parks/trees"], state_of(city).seen) == (bronze, seen)
    assert shown(city) == "open"


def test_a_release_held_by_the_screen_leaves_no_byte_on_the_portal(tmp_path: Path) -> None:
    city = screened(tmp_path)
    (hold,) = state_of(city).holds.values()
    assert (hold.step, hold.role, hold.approvable) == ("serve", "privacy_officer", True)
    assert shown(city) == "metadata"
    assert take(city, serve("main"), *[publish(portal, "main") for portal in portals_of(city.way())]) == ["held", "unchanged"]
    assert anywhere(city, uscc(1), "T1") == []
    assert list((city.settings.lake / "releases").rglob("*.csv")) == []
    assert uscc(1) not in "".join(path.read_text() for path in (city.settings.lake / "journal").rglob("*.json"))


def test_an_approved_release_goes_on_from_serve_and_ends_with_its_approval(tmp_path: Path) -> None:
    city = screened(tmp_path)
    before = state_of(city).tables
    approve(city, "officer", "serve", days=10)
    outcomes = by_step(city.run())
    assert [outcomes[f"{DATASET} {step}"] for step in WAY] == ["unchanged"] * 2 + ["done"] * 2
    assert {name: version for name, version in state_of(city).tables.items() if "gold" not in name} == before
    assert shown(city) == "open"
    assert anywhere(city, uscc(1)) != []
    city.now += timedelta(days=10)
    assert set(by_step(city.run()).values()) == {"unchanged"}
    city.now += timedelta(days=1)
    assert by_step(city.run())[f"{DATASET} serve main"] == "held"
    assert shown(city) == "metadata"
    assert anywhere(city, uscc(1)) == []
    approve(city, "officer", "serve", days=1)
    city.run()
    assert shown(city) == "open"
    assert len(state_of(city).releases["main"]) == 1
    assert verify(city.way()) == []


def test_a_lapsed_approval_closes_even_when_only_publish_runs(tmp_path: Path) -> None:
    city = screened(tmp_path)
    approve(city, "officer", "serve", days=1)
    city.run()
    city.now += timedelta(days=2)
    assert take(city, *[publish(portal, "main") for portal in portals_of(city.way())]) == ["done"]
    assert shown(city) == "metadata"
    assert anywhere(city, uscc(1)) == []


def test_a_revoked_approval_holds_again(tmp_path: Path) -> None:
    city = screened(tmp_path)
    hold = approve(city, "officer", "serve")
    city.run()
    decide(city.way(), hold, "revoke", "It was a mistake")
    assert by_step(city.run())[f"{DATASET} serve main"] == "held"
    assert shown(city) == "metadata"
    assert anywhere(city, uscc(1)) == []
    approve(city, "officer", "serve")
    city.run()
    assert shown(city) == "open"


def test_a_refinement_whose_approval_has_ended_closes_what_came_of_it(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", f"{HEADER}T8,X,1,2026-01-01,\nT9,A,1,2026-01-01,\n")
    city.run()
    approve(city, "steward_p", "refine", days=5)
    city.run()
    assert shown(city) == "open"
    city.now += timedelta(days=6)
    assert by_step(city.run())[f"{DATASET} refine"] == "held"
    assert shown(city) == "metadata"
    assert anywhere(city, "T9") == []
    approve(city, "steward_p", "refine", days=5)
    city.run()
    assert shown(city) == "open"
    assert len(state_of(city).releases["main"]) == 1


def test_bytes_of_an_older_release_go_with_their_approval(tmp_path: Path) -> None:
    city = screened(tmp_path)
    approve(city, "officer", "serve", days=3)
    city.run()
    city.drop("trees2.csv", f"{HEADER}T1,A,3.5,2026-03-12,\n")       # the next release has no code any more
    city.run()
    assert [release.id for release in state_of(city).releases["main"]] == ["r1", "r2"]
    assert anywhere(city, uscc(1)) != []
    city.now += timedelta(days=4)
    city.run()
    assert shown(city) == "open"
    assert anywhere(city, uscc(1), "r1/") == []
    assert verify(city.way()) == []


def test_who_may_decide(tmp_path: Path) -> None:
    city = screened(tmp_path)
    (hold,) = state_of(city).holds
    for person in ("author_p", "steward_p", "bureau", "auditor", "nobody"):
        city.become(person)
        with pytest.raises(Refused):
            decide(city.way(), hold, "approve", "Looked at it and it is well")
    city.user = "someone_else"
    with pytest.raises(Refused, match="mapped to no person"):
        decide(city.way(), hold, "approve", "Looked at it and it is well")
    city.become("officer")
    for verdict, reason in (("approve", " x "), ("approve", "Call 13800001111 about it"), ("revoke", "Not yet approved")):
        with pytest.raises(Refused):
            decide(city.way(), hold, verdict, reason)       # type: ignore[arg-type]  # literals
    with pytest.raises(DefinitionError):
        decide(city.way(), f"{DATASET}/serve/main/000000000000", "approve", "Looked at it and it is well")
    assert state_of(city).decisions == ()


def test_who_resubmitted_a_batch_does_not_decide_about_it(tmp_path: Path) -> None:
    from pipelines.corrections import export, resubmit

    city = Tiny(tmp_path, max_bad_percent=60)
    city.write("people.yaml", PEOPLE.replace("roles: [steward]}", "roles: [steward, secrecy_officer]}", 1))
    city.become("steward_p")
    city.drop("trees1.csv", f"{HEADER}T1,A,3.5,2026-03-12,\nT2,X,2,2026-03-12,\n")
    city.run()
    way, path = city.way(), tmp_path / "corrected.csv"
    export(way, way.contract(DATASET), path)
    path.write_text(path.read_text(encoding="utf-8-sig").replace("X", "B").replace("2026-03-12,,", "2026-03-12,军事设施分布图,"), encoding="utf-8")
    assert resubmit(way, way.contract(DATASET), path)["outcome"] == "held"       # for the secrecy officer
    (hold,) = state_of(city).holds
    with pytest.raises(Refused):
        decide(city.way(), hold, "approve", "My own rows are well")
    city.become("secrecy")
    decide(city.way(), hold, "approve", "Looked at it and it is well")
    city.become("steward_p")
    with pytest.raises(Refused, match="may not"):
        decide(city.way(), hold, "revoke", "Rather not")
    assert set(by_step(city.run()).values()) == {"done"}
    city.become("secrecy")
    with pytest.raises(Refused, match="admitted already"):
        decide(city.way(), hold, "revoke", "Rather not after all")


# -- tiers --------------------------------------------------------------------------------------------------------------

def tiered(city: Tiny, tier: str, **more: Any) -> dict[str, str]:
    document = contract()
    product(document).update({"tier": tier, **more})
    city.declare(document)
    return by_step(city.run())


def opened(root: Path) -> Tiny:
    city = Tiny(root)
    city.drop("trees1.csv", GOOD)
    city.run()
    city.drop("trees2.csv", GOOD.replace("T1", "T7"))
    city.run()
    assert shown(city) == "open"
    return city


@pytest.mark.parametrize(("tier", "more", "left"), [("restricted", {}, "metadata"), ("prohibited", {}, "metadata"),
                                                    ("prohibited", {"catalog_entry": False}, "absent")])
def test_a_tighter_tier_takes_the_files_off_at_once_and_a_looser_one_waits(tmp_path: Path, tier: str, more: dict[str, Any], left: str) -> None:
    city = opened(tmp_path)
    tiered(city, tier, **more)
    assert shown(city) == left
    assert anywhere(city, "T7", "T3", "r1", "r2") == []
    if left == "absent":
        assert anywhere(city, "parks.trees") == []
    assert tiered(city, "unconditional")[f"{DATASET} serve main"] == "held"
    (hold,) = state_of(city).holds.values()
    assert hold.role == "bureau"
    assert shown(city) == "metadata"
    assert anywhere(city, "T7", "T3") == []
    approve(city, "bureau", "serve", days=30)
    city.run()
    assert shown(city) == "metadata"                          # relaxing takes two named people
    with pytest.raises(Refused):
        approve(city, "bureau", "serve", days=30)             # and one cannot be both
    approve(city, "bureau2", "serve", days=60)
    city.run()
    assert shown(city) == "open"
    city.drop("trees3.csv", GOOD.replace("T1", "T8"))         # the decision is about the tier, not about these bytes
    assert by_step(city.run())[f"{DATASET} serve main"] == "done"
    assert anywhere(city, "T8") != []
    city.now += timedelta(days=31)
    assert by_step(city.run())[f"{DATASET} serve main"] == "held"
    assert shown(city) == "metadata"
    assert anywhere(city, "T7", "T8") == []
    assert verify(city.way()) == []


def test_prohibited_from_the_start_is_never_built(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", GOOD)
    tiered(city, "prohibited", catalog_entry=False)
    assert not (city.settings.lake / "releases").exists()
    assert not (city.settings.lake / "tables/gold").exists()
    assert not (city.settings.site / "current").exists()
    assert tiered(city, "restricted")[f"{DATASET} serve main"] == "held"        # looser than prohibited


def test_a_stricter_treatment_takes_older_bytes_off(tmp_path: Path) -> None:
    city = Tiny(tmp_path, columns=columns())
    city.drop("trees1.csv", GOOD)
    city.run()
    assert anywhere(city, "已修剪") != []
    document = contract(columns=columns("L3"))
    product(document)["columns"]["note"] = {"do": "drop"}
    city.declare(document)
    city.run()
    assert shown(city) == "open"
    assert anywhere(city, "已修剪") == []
    assert verify(city.way()) == []


def test_a_changed_rule_screens_again_and_pass_stays(tmp_path: Path) -> None:
    city = opened(tmp_path)
    before = state_of(city).release("main")
    city.write("negative_list.yaml", "version: 2\nweak_rows: 2\n")
    outcomes = by_step(city.run())
    assert outcomes[f"{DATASET} serve main"] == "done"
    assert outcomes[f"{DATASET} refine"] == "unchanged"
    after = state_of(city).release("main")
    assert before is not None
    assert after is not None
    assert (before.id, before.hash) == (after.id, after.hash)
    assert shown(city) == "open"
    assert verify(city.way()) == []


def test_a_changed_rule_while_refine_is_held_is_judged_on_what_is_in_force(tmp_path: Path) -> None:
    city = opened(tmp_path)
    city.drop("trees3.csv", f"{HEADER}T9,X,1,2026-01-01,\n")
    assert by_step(city.run())[f"{DATASET} refine"] == "held"
    city.write("negative_list.yaml", "version: 2\nweak_rows: 2\n")
    take(city, *[publish(portal, "main") for portal in portals_of(city.way())])
    assert shown(city) == "metadata"              # nobody has judged it under the new rules yet
    city.run()
    assert shown(city) == "open"
    assert anywhere(city, "T9") == []


def test_a_corrected_title_publishes_again_and_makes_nothing_anew(tmp_path: Path) -> None:
    city = opened(tmp_path)
    before = state_of(city)
    city.declare(contract(title={"zh": "行道树名录", "en": "Street trees"}))
    outcomes = by_step(city.run())
    assert [outcomes[f"{DATASET} {step}"] for step in WAY] == ["unchanged"] * 3 + ["done"]
    after = state_of(city)
    assert (after.tables, after.releases) == (before.tables, before.releases)
    assert "行道树名录" in (city.settings.site / "current/datasets/parks.trees.html").read_text(encoding="utf-8")


# -- withdrawal ---------------------------------------------------------------------------------------------------------

def test_what_is_not_open_tells_no_counts(tmp_path: Path) -> None:
    """A quality score counts rows and names columns: only an open product's is public."""
    city = opened(tmp_path)

    def quality() -> Any:
        return json.loads((city.settings.site / "current/pages.json").read_text(encoding="utf-8"))[ID]["page"]["quality"]

    assert quality()["rows"]
    way = city.way()
    withdraw(way, way.contract(DATASET), "main", {"reason": "Wrong", "basis": "Law", "date": "2026-11-24"}, portals_of(way))
    assert quality() is None


def test_a_withdrawn_product_is_purged_and_never_opened_again(tmp_path: Path) -> None:
    city = opened(tmp_path)
    way = city.way()
    withdraw(way, way.contract(DATASET), "main", {"reason": "Wrong", "basis": "Law", "date": "2026-11-24"}, portals_of(way))
    assert shown(city) == "tombstone"
    assert anywhere(city, "T7", "T3", "r1", "r2") == []
    city.drop("trees3.csv", GOOD.replace("T1", "T8"))
    city.declare(contract(title={"zh": "新题", "en": "New"}))
    city.run()
    city.now += timedelta(days=400)
    city.run()
    assert shown(city) == "tombstone"
    assert take(city, serve("main")) == ["unchanged"]
    assert anywhere(city, "T7", "T8") == []
    assert verify(city.way()) == []


# -- derived ------------------------------------------------------------------------------------------------------------

def derived() -> dict[str, Any]:
    document = contract(
        "weather.shade", [column("id", "text", "编号", key=1, required=True), column("height", "decimal(6,2)", "高度"),
                          column("rain", "bigint", "雨量")],
        sources=None, inputs=[{"dataset": DATASET, "name": "trees"}, {"dataset": "weather.rain", "name": "rain"}], merge="append",
        query="SELECT t.id AS id, t.height AS height, r.amount AS rain FROM trees AS t JOIN rain AS r ON t.id = r.id")
    return document


def test_a_derived_dataset_follows_its_inputs(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.declare(contract("weather.rain", [column("id", "text", "编号", key=1, required=True), column("amount", "bigint", "雨量")]))
    city.declare(derived())
    city.drop("trees1.csv", GOOD)
    city.drop("rain1.csv", "编号,雨量\nT1,10\nT2,20\nT9,90\n", department="weather")
    city.run()

    def rows() -> list[str]:
        release = state_of(city, "weather.shade").release("main")
        assert release is not None
        folder = city.settings.site / f"current/data/weather.shade.main/{release.id}"
        return (folder / "weather.shade.main.csv").read_text(encoding="utf-8-sig").splitlines()[1:]

    assert rows() == ['"T1",3.50,10', '"T2",2.25,20']
    assert state_of(city, "weather.shade").last["refine/"]["inputs"] == {
        "trees": {"name": "silver/parks/trees", "version": 1}, "rain": {"name": "silver/weather/rain", "version": 1}}
    city.drop("rain2.csv", "编号,雨量\nT3,30\n", department="weather")
    outcomes = by_step(city.run("weather.rain"))             # naming an input takes what is derived from it along
    assert outcomes["weather.shade refine"] == "done"
    assert rows() == ['"T1",3.50,10', '"T2",2.25,20', '"T3",,30']
    city.drop("trees2.csv", f"{HEADER}T1,X,9,2026-01-01,\n")  # held in the input: the derived one keeps its base
    outcomes = by_step(city.run())
    assert (outcomes[f"{DATASET} refine"], outcomes["weather.shade refine"]) == ("held", "unchanged")
    assert verify(city.way()) == []


def test_what_is_derived_from_a_withdrawn_product_closes_at_once_and_waits_for_the_bureau(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.declare(contract("weather.rain", [column("id", "text", "编号", key=1, required=True), column("amount", "bigint", "雨量")]))
    city.declare(derived())
    city.drop("trees1.csv", GOOD)
    city.drop("rain1.csv", "编号,雨量\nT1,10\n", department="weather")
    city.run()
    assert shown(city, "weather.shade.main") == "open"
    way = city.way()
    withdraw(way, way.contract("weather.rain"), "main", {"reason": "Wrong", "basis": "Law", "date": "2026-11-24"}, portals_of(way))
    assert shown(city, "weather.shade.main") == "metadata"
    assert by_step(city.run())["weather.shade serve main"] == "held"
    assert shown(city, "weather.shade.main") == "metadata"
    (waiting,) = inbox(city.way())
    assert (waiting.hold.role, [item["rule"] for item in waiting.hold.findings]) == ("bureau", ["input.withdrawn"])
    city.become("bureau")
    decide(city.way(), waiting.hold.id, "approve", "The rain was right, only its form was not")
    city.run()
    assert shown(city, "weather.shade.main") == "open"
    assert verify(city.way()) == []


def test_one_datasets_trouble_never_stops_another(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.declare(contract("parks.ponds"))
    city.drop("ponds1.csv", GOOD.replace("备注", "不认识"))
    city.drop("trees1.csv", GOOD)
    (city.settings.lake / "tables/quarantine/parks").mkdir(parents=True)
    (city.settings.lake / "tables/quarantine/parks/trees").write_text("in the way")
    outcomes = by_step(city.run())
    assert outcomes[f"{DATASET} refine"] == "failed"
    assert outcomes["parks.ponds ingest"] == "held"
    city.declare(contract("parks.ponds", sources=[{"system": "parks_files", "options": {"path": "ponds*.csv"}, "format": {"name": "csv"},
                                                   "leave_out": ["不认识"]}]))
    outcomes = by_step(city.run())
    assert outcomes["parks.ponds publish site/main"] == "done"
    assert f"{DATASET} serve main" not in outcomes


def test_contract_files_are_yaml_that_the_loader_takes(tmp_path: Path) -> None:
    """The fixtures above declare contracts through the strict loader; a change that it refuses would show here first."""
    city = Tiny(tmp_path, columns=columns())
    assert yaml.safe_load((city.city / "datasets/parks/trees.odcs.yaml").read_text(encoding="utf-8"))["id"] == DATASET
    assert set(city.way().city.contracts) == {DATASET}
