"""Rows about persons leave only in classes large enough, tables without small cells, and releases only where none before tells with them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from tiny import Tiny, by_step, column, contract

from pipelines.decisions import decide, inbox
from pipelines.exposure import register
from pipelines.state import Hold, State

HEADER = "编号,街区,年龄段,病\n"
KEEP = {"do": "keep"}


def rows(count: int, *odd: str) -> str:
    return HEADER + "".join(f"P{at},{'AB'[at % 2]},{'30-39' if at % 4 < 2 else '40-49'},{'xyz'[at % 3]}\n" for at in range(count)) + "".join(odd)


def persons(dataset: str = "parks.members", product: dict[str, Any] | None = None, subjects: str | None = "residents", **more: Any) -> dict[str, Any]:
    columns = [column("id", "text", "编号", "L3", key=1, required=True, person=True, subject=True),
               column("block", "text", "街区", person=True, quasi=True), column("age", "text", "年龄段", person=True, quasi=True),
               column("illness", "text", "病", sensitive=True, person=True)]
    main = {"name": "main", "tier": "unconditional", "purpose": "open_data", "formats": ["parquet"],
            "columns": {"block": KEEP, "age": KEEP}} | (product or {})
    found: dict[str, Any] = json.loads(json.dumps(contract(dataset, columns, subjects=subjects, collection_rule="RULE-1", products=[main], **more)))
    return found


def rule(*datasets: str) -> str:
    listed = ", ".join(datasets)
    return f"""version: 1
collection_rules:
  - {{id: RULE-1, department: parks, datasets: [{listed}], purposes: [open_data, research], kinds: [], mode: [files],
     quantity: {{rows_per_batch: 100000, rows_per_window: 10000000, window_days: 365}}, frequency: {{min_interval_hours: 0}},
     scope: {{subjects: residents}}, legal_basis: PIPL Art. 13, valid_from: '2026-01-01', valid_to: '2027-12-31',
     retention_days: 365, verified: false}}
"""


def city(root: Path, text: str, **options: Any) -> Tiny:
    made = Tiny(root)
    (made.city / "datasets/parks/trees.odcs.yaml").unlink()
    made.write("negative_list.yaml", rule("parks.members", "parks.cards"))
    made.declare(persons(**options))
    made.drop("members1.csv", text)
    return made


def state_of(made: Tiny, dataset: str = "parks.members") -> State:
    return made.way().journal.state(dataset)


def held(made: Tiny, dataset: str = "parks.members") -> list[Hold]:
    return [hold for hold in state_of(made, dataset).holds.values() if hold.step == "serve"]


def rules_of(holds: list[Hold]) -> list[str]:
    return [finding["rule"] for hold in holds for finding in hold.findings]


def published(made: Tiny, product: str = "main", dataset: str = "parks.members") -> list[dict[str, Any]]:
    release = state_of(made, dataset).release(product)
    assert release is not None
    folder = made.settings.lake / release.body["release"]["folder"]
    found: list[dict[str, Any]] = pq.read_table(folder / release.body["release"]["files"][0]["name"]).to_pylist()
    return found


def test_rows_in_classes_that_are_large_enough_leave(tmp_path: Path) -> None:
    made = city(tmp_path, rows(80))
    assert by_step(made.run())["parks.members serve main"] == "done"
    body = state_of(made).passed["serve/main"]
    assert body["ruling"]["ruling"] == "PASS"
    assert body["ruling"]["content"] == state_of(made).releases["main"][0].hash
    assert not body["disclosure"]["findings"]


def test_one_person_alone_holds_the_release_and_the_figures_say_why(tmp_path: Path) -> None:
    made = city(tmp_path, rows(80, "P900,C,30-39,x\n"))
    assert by_step(made.run())["parks.members serve main"] == "held"
    (hold,) = held(made)
    (finding,) = hold.findings
    assert hold.role == "privacy_officer"
    assert hold.approvable
    assert finding["rule"] == "disclosure.k"
    assert finding["observed"] == {"k": 20, "smallest": 1, "rows": 1, "of": 81, "without_column": {"block": 0, "age": 1}}
    assert state_of(made).last["serve/main"]["ruling"]["ruling"] == "HOLD"
    assert not state_of(made).releases
    assert not list(made.settings.site.rglob("*.parquet"))


def test_restricted_rows_ask_less_of_k_but_also_l(tmp_path: Path) -> None:
    product = {"tier": "restricted", "columns": {"block": KEEP, "illness": KEEP}}
    made = city(tmp_path, rows(40, *[f"P9{at},C,30-39,x\n" for at in range(6)]), product=product)
    made.run()
    assert rules_of(held(made)) == ["disclosure.l"]


def test_small_classes_are_left_out_where_the_contract_says_so(tmp_path: Path) -> None:
    made = city(tmp_path, rows(80, "P900,C,30-39,x\n", "P901,,30-39,x\n"), product={"disclosure": {"rows": "suppress"}})
    assert by_step(made.run())["parks.members serve main"] == "done"
    found = published(made)
    assert len(found) == 80
    assert {row["block"] for row in found} == {"A", "B"}
    assert state_of(made).passed["serve/main"]["ruling"]["ruling"] == "PASS_TREATED"


def test_small_cells_of_a_table_about_persons_are_left_out(tmp_path: Path) -> None:
    product = {"columns": {"block": KEEP}, "aggregate": {"by": ["block"], "measures": {"persons": "count(*)"}, "min_group": 2}}
    made = city(tmp_path, rows(80, *[f"P9{at},C,30-39,x\n" for at in range(9)]), product=product)
    assert by_step(made.run())["parks.members serve main"] == "done"
    assert published(made) == [{"block": "A", "persons": 40}, {"block": "B", "persons": 40}]


def test_rounded_counts_do_not_move_by_one(tmp_path: Path) -> None:
    product = {"columns": {"block": KEEP}, "aggregate": {"by": ["block"], "measures": {"persons": "count(*)"}}, "disclosure": {"round_counts": 10}}
    made = city(tmp_path, rows(80), product=product)
    assert by_step(made.run())["parks.members serve main"] == "done"
    made.drop("members2.csv", f"{HEADER}P900,A,30-39,x\n")
    assert by_step(made.run())["parks.members serve main"] == "done"
    assert published(made) == [{"block": "A", "persons": 40}, {"block": "B", "persons": 40}]


def test_rounding_that_has_no_count_to_round_holds(tmp_path: Path) -> None:
    made = city(tmp_path, rows(80), product={"disclosure": {"round_counts": 10}})
    made.run()
    assert rules_of(held(made)) == ["disclosure.unmade"]


def test_subjects_without_a_quasi_identifier_are_held(tmp_path: Path) -> None:
    document = persons()
    for item in document["schema"][0]["properties"]:
        for more in item.get("customProperties", ()):
            more["value"].pop("quasi", None)
    made = city(tmp_path, rows(80))
    made.declare(document)
    made.run()
    assert rules_of(held(made)) == ["disclosure.undeclared"]


def test_a_protection_that_is_not_made_holds(tmp_path: Path) -> None:
    made = city(tmp_path, rows(80), product={"disclosure": {"noise_epsilon": 1.0}})
    made.run()
    assert rules_of(held(made)) == ["disclosure.unmade"]


def two(root: Path) -> Tiny:
    """Two datasets of the same residents: blocks in one, ages in the other; each harmless, together a class of one."""
    made = city(root, rows(80, "P900,A,50-59,x\n", *[f"P8{at},B,50-59,x\n" for at in range(25)]), product={"columns": {"block": KEEP}})
    made.run()
    made.now += timedelta(days=1)
    made.declare(persons("parks.cards", {"columns": {"age": KEEP}}))
    made.drop("cards1.csv", rows(80, "P900,A,50-59,x\n", *[f"P8{at},B,50-59,x\n" for at in range(25)]))
    return made


def test_two_releases_that_are_harmless_alone_and_tell_together(tmp_path: Path) -> None:
    made = two(tmp_path)
    assert by_step(made.run())["parks.cards serve main"] == "held"
    (hold,) = held(made, "parks.cards")
    (finding,) = hold.findings
    assert finding["rule"] == "exposure.joint"
    assert hold.role == "privacy_officer"
    assert finding["observed"]["releases"] == ["parks.members.main/r1"]
    assert finding["observed"]["columns"] == ["parks.cards.main: age", "parks.members.main: block"]
    assert (finding["observed"]["smallest"], finding["observed"]["persons"]) == (1, 1)
    assert "P900" not in json.dumps(dict(hold.body), ensure_ascii=False)


def test_an_approved_exposure_stands_in_the_register_and_holds_no_one_before_it(tmp_path: Path) -> None:
    made = two(tmp_path)
    made.run()
    made.become("officer")
    way = made.way()
    (waiting,) = [item.hold for item in inbox(way) if item.dataset == "parks.cards"]
    decide(way, waiting.id, "approve", "The ages are of another year")
    assert by_step(made.run())["parks.cards serve main"] == "done"
    assert [one.id for one in register(made.way(), "residents")] == ["parks.members.main/r1", "parks.cards.main/r1"]
    made.drop("members2.csv", rows(90)[len(HEADER):].join([HEADER, ""]))
    assert by_step(made.run("parks.members"))["parks.members serve main"] in ("done", "unchanged")


def test_a_count_that_moves_by_one_tells_of_one(tmp_path: Path) -> None:
    product = {"columns": {"block": KEEP}, "aggregate": {"by": ["block"], "measures": {"persons": "count(*)"}}}
    made = city(tmp_path, rows(80), product=product)
    assert by_step(made.run())["parks.members serve main"] == "done"
    made.drop("members2.csv", f"{HEADER}P900,A,30-39,x\n")
    assert by_step(made.run())["parks.members serve main"] == "held"
    (finding,) = held(made)[0].findings
    assert finding["rule"] == "exposure.difference"
    assert finding["observed"]["cells"] == 1


def test_the_console_lists_the_register_and_what_it_holds(tmp_path: Path) -> None:
    made = two(tmp_path)
    made.run()
    call = [sys.executable, "-c", "from console.main import main; main()", "exposure"]
    said = subprocess.run([*call, "--json"], env=made.environment(), capture_output=True, text=True, check=True, timeout=60).stdout
    found = json.loads(said)
    assert [one["release"] for one in found["releases"]] == ["parks.members.main/r1"]
    assert found["releases"][0]["columns"]["block"]["quasi"]
    assert [(one["dataset"], one["releases"]) for one in found["holds"]] == [("parks.cards", ["parks.members.main/r1"])]
    told = subprocess.run([*call, "parks.members"], env=made.environment(), capture_output=True, text=True, check=True, timeout=60)
    assert "parks.members.main/r1" in told.stdout + told.stderr
