"""Rows about persons leave only in classes large enough, tables without small cells, and releases only where none before tells with them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tiny import Tiny, by_step, column, contract

from pipelines import boundary
from pipelines.audit import verify
from pipelines.decisions import decide, inbox
from pipelines.exposure import register
from pipelines.lineage_rows import trace
from pipelines.state import Hold, State

HEADER = "编号,街区,年龄段,病\n"
KEEP = {"do": "keep"}


def rows(count: int, *odd: str) -> str:
    return HEADER + "".join(f"P{at},{'AB'[at % 2]},{'30-39' if at % 4 < 2 else '40-49'},{'xyz'[at % 3]}\n" for at in range(count)) + "".join(odd)


def persons(dataset: str = "parks.members", product: dict[str, Any] | None = None, subjects: str | None = "residents",
            mark: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    columns = [column("id", "text", "编号", "L3", key=1, required=True, person=True, subject=True, **(mark or {})),
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
    made.write("negative_list.yaml", rule("parks.members", "parks.cards").replace("kinds: []", "kinds: [resident_id]"))
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
    assert finding["observed"] == {"k": 20, "smallest": 1, "rows": 1, "of": 81, "tier": "prohibited",
                                   "without_column": {"block": 0, "age": 1}}
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


def test_noise_for_a_product_that_counts_nothing_holds(tmp_path: Path) -> None:
    made = city(tmp_path, rows(80), product={"disclosure": {"noise_epsilon": 1.0}})
    made.run()
    assert rules_of(held(made)) == ["disclosure.unmade"]


def two(root: Path, mark: dict[str, str] | None = None, **cards: Any) -> Tiny:
    """Two datasets of the same residents: blocks in one, ages in the other; each harmless, together a class of one."""
    made = city(root, rows(80, "P900,A,50-59,x\n", *[f"P8{at},B,50-59,x\n" for at in range(25)]), product={"columns": {"block": KEEP}}, mark=mark)
    made.run()
    made.now += timedelta(days=1)
    made.declare(persons("parks.cards", {"columns": {"age": KEEP}}, mark=mark, **cards))
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


@pytest.mark.parametrize("mark", [{"element": "resident_number"}, {"identifies": "resident_id"}])
@pytest.mark.parametrize("subjects", ["card_holders", None])
def test_what_a_population_is_called_hides_nothing(tmp_path: Path, subjects: str | None, mark: dict[str, str]) -> None:
    """The rows meet by whatever names the subjects in both: one element, or one kind of identifier."""
    made = two(tmp_path, mark, subjects=subjects)
    assert by_step(made.run())["parks.cards serve main"] == "held"
    (hold,) = held(made, "parks.cards")
    assert (hold.findings[0]["rule"], hold.findings[0]["observed"]["smallest"]) == ("exposure.joint", 1)


def test_an_approved_exposure_stands_in_the_register_and_holds_no_one_before_it(tmp_path: Path) -> None:
    made = two(tmp_path)
    made.run()
    made.become("officer")
    way = made.way()
    (waiting,) = [item.hold for item in inbox(way) if item.dataset == "parks.cards"]
    decide(way, waiting.id, "approve", "The ages are of another year")
    assert by_step(made.run())["parks.cards serve main"] == "done"
    assert [one.id for one in register(made.way(), {"residents"})] == ["parks.members.main/r1", "parks.cards.main/r1"]
    made.drop("members2.csv", rows(90)[len(HEADER):].join([HEADER, ""]))
    assert by_step(made.run("parks.members"))["parks.members serve main"] in ("done", "unchanged")


@pytest.mark.parametrize("name", ["main", "other"])
def test_a_hold_ends_once_the_product_is_harmless_or_is_no_more(tmp_path: Path, name: str) -> None:
    made = two(tmp_path)
    made.run()
    (before,) = held(made, "parks.cards")
    made.declare(persons("parks.cards", {"name": name, "columns": {"block": KEEP}}))
    assert by_step(made.run())[f"parks.cards serve {name}"] == "done"
    assert (held(made, "parks.cards"), inbox(made.way())) == ([], [])
    assert before.id in state_of(made, "parks.cards").past_holds
    assert verify(made.way()) == []


def test_what_its_row_says_of_a_person_is_taken_out_of_a_text_that_the_model_would_let_pass(tmp_path: Path) -> None:
    document = persons(product={"tier": "restricted", "columns": {"block": KEEP, "note": {"do": "redact"}}})
    document["schema"][0]["properties"].append(column("note", "text", "备注", "L3", person=True))
    made = city(tmp_path, rows(0))
    made.declare(json.loads(json.dumps(document)))
    made.drop("members1.csv", "编号,街区,年龄段,病,备注\n" + "".join(f"P{at},{'AB'[at % 2]},30-39,x,已转P{at}处理\n" for at in range(40)))
    assert by_step(made.run())["parks.members serve main"] == "done"
    found = state_of(made).release("main")
    assert found is not None
    assert {row["note"] for row in published(made)} == {"已转[略]处理"}
    traced = trace(made.way(), "parks.members", "main", "r1", 1)
    assert traced.total == 20      # every row of its block is alike now


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


NUMBERS = "编号,街区,年龄段,病\n" + "".join(f"P{at},{'AB'[at % 2]},{20 + at % 37},{'xyz'[at % 3]}\n" for at in range(200))


def aged(**product: Any) -> dict[str, Any]:
    document = persons(product={"disclosure": {"rows": "mondrian"}} | product)
    document["schema"][0]["properties"][2] |= {"physicalType": "bigint", "logicalType": "integer"}
    return document


def test_classes_are_widened_until_they_are_large_enough(tmp_path: Path) -> None:
    made = city(tmp_path, NUMBERS)
    made.declare(aged())
    assert by_step(made.run())["parks.members serve main"] == "done"
    found = published(made)
    counts = Counter((row["block"], row["age"]) for row in found)
    assert len(found) == 200
    assert min(counts.values()) >= 20
    assert len(counts) >= 6
    assert all("–" in age for _, age in counts)


def table(by: list[str], disclosure: dict[str, Any], **product: Any) -> dict[str, Any]:
    return {"columns": {name: KEEP for name in by}, "aggregate": {"by": by, "measures": {"persons": "count(*)"}}, "disclosure": disclosure} | product


def crossed(sizes: dict[tuple[str, str], int], start: int = 0) -> str:
    lines = [f"P{start + at}{block}{age},{block},{age},x\n" for (block, age), size in sizes.items() for at in range(size)]
    return HEADER + "".join(lines)


SIZES = {("A", "30-39"): 3, ("A", "40-49"): 40, ("B", "30-39"): 30, ("B", "40-49"): 25, ("C", "30-39"): 50, ("C", "40-49"): 60}


def body_of(made: Tiny) -> dict[str, Any]:
    return dict(state_of(made).last["serve/main"])


def beside(root: Path, cards: str) -> Tiny:
    """Ages widened beside blocks, then the blocks of the same residents (`cards`) in another dataset."""
    made = city(root, NUMBERS)
    made.declare(aged())
    made.run()
    made.now += timedelta(days=1)
    made.declare(persons("parks.cards", {"columns": {"block": KEEP}}))
    made.drop("cards1.csv", cards)
    return made


def test_what_was_widened_is_laid_beside_others_as_it_was_published(tmp_path: Path) -> None:
    """Block and age as collected would leave classes of two or three; as published, the blocks add nothing."""
    made = beside(tmp_path, NUMBERS)
    assert by_step(made.run())["parks.cards serve main"] == "done"
    shown = register(made.way(), {"residents"})[0].shown["columns"]
    assert sorted(name for name, how in shown.items() if how.get("widened")) == ["age", "block"]


def test_what_was_widened_holds_others_that_cut_its_classes(tmp_path: Path) -> None:
    made = beside(tmp_path, "编号,街区,年龄段,病\n" + "".join(f"P{at},{'CD'[at % 3 % 2]},30-39,x\n" for at in range(200)))
    assert by_step(made.run())["parks.cards serve main"] == "held"
    (finding,) = held(made, "parks.cards")[0].findings
    assert finding["rule"] == "exposure.joint"
    assert 0 < finding["observed"]["smallest"] < 20


def test_widened_rows_that_cannot_be_told_again_count_as_if_they_had_not_been_widened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pipelines.joint

    def lost(*_: object) -> None:
        raise pipelines.joint._Otherwise

    made = beside(tmp_path, NUMBERS)
    monkeypatch.setattr(pipelines.joint, "_again", lost)
    assert by_step(made.run())["parks.cards serve main"] == "held"
    assert rules_of(held(made, "parks.cards")) == ["exposure.joint"]


def test_two_widenings_of_the_same_residents_are_laid_side_by_side(tmp_path: Path) -> None:
    """The second has fewer columns, but its classes are others: who knows both may know more than either."""
    made = city(tmp_path, NUMBERS)
    document = aged()
    (main,) = document["customProperties"][0]["value"]["products"]
    document["customProperties"][0]["value"]["products"] = [main, {**main, "name": "ages", "columns": {"age": KEEP}}]
    made.declare(json.loads(json.dumps(document)))
    steps = by_step(made.run())
    assert steps["parks.members serve main"] == "done"
    assert steps["parks.members serve ages"] == "held"
    assert rules_of(held(made)) == ["exposure.joint"]


def test_cells_that_would_tell_a_small_one_by_subtraction_are_left_out_too(tmp_path: Path) -> None:
    made = city(tmp_path, crossed(SIZES), product=table(["block", "age"], {"cells": "secondary"}))
    assert by_step(made.run())["parks.members serve main"] == "done"
    found = {(row["block"], row["age"]): row["persons"] for row in published(made)}
    assert all(SIZES[cell] == count for cell, count in found.items())
    for line in ({cell for cell in SIZES if cell[at] == value} for at in (0, 1) for value in {cell[at] for cell in SIZES}):
        assert len(line - set(found)) != 1
    assert ("A", "30-39") not in found
    assert set(found) == set(SIZES) - {("A", "30-39"), ("A", "40-49"), ("B", "30-39"), ("B", "40-49")}
    made_ = body_of(made)["protection"]
    assert (made_["of"], made_["small"], made_["left_out"], made_["audited"], made_["proposed_by"]) == (6, 1, 4, True, "tau-argus")
    release = state_of(made).release("main")
    assert release is not None
    manifest = json.loads((made.settings.lake / release.body["release"]["folder"] / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["protection"] == {"cells": "secondary", "least": 10, "left_out": 4}


def test_a_table_that_cannot_be_protected_shows_nothing_and_holds(tmp_path: Path) -> None:
    made = city(tmp_path, crossed({("A", "30-39"): 9, ("A", "40-49"): 200, ("B", "30-39"): 300, ("B", "40-49"): 1}),
                product=table(["block", "age"], {"cells": "secondary"}))
    made.run()
    assert rules_of(held(made)) == ["disclosure.cells"]
    gold = made.way().lake.root / "tables" / "gold/parks/members/main"
    assert gold.exists()
    assert body_of(made)["protection"]["left_out"] == 4


def test_rounded_counts_add_up_to_rounded_totals(tmp_path: Path) -> None:
    made = city(tmp_path, crossed({("A", "30-39"): 44, ("A", "40-49"): 44, ("B", "30-39"): 44, ("B", "40-49"): 44}),
                product=table(["block", "age"], {"round_counts": 10}))
    made.run()
    found = {(row["block"], row["age"]): row["persons"] for row in published(made)}
    assert all(count in (40, 50) for count in found.values())
    assert sum(found.values()) in (170, 180)
    for at, value in ((0, "A"), (0, "B"), (1, "30-39"), (1, "40-49")):
        assert sum(count for cell, count in found.items() if cell[at] == value) in (80, 90)
    assert body_of(made)["protection"]["rounded"] == {"base": 10, "totals": True}


def test_noise_is_drawn_once_for_a_count_and_never_again(tmp_path: Path) -> None:
    made = city(tmp_path, crossed(SIZES), product=table(["block", "age"], {"noise_epsilon": 0.2}))
    assert by_step(made.run())["parks.members serve main"] == "done"
    first = {(row["block"], row["age"]): row["persons"] for row in published(made)}
    assert set(first) == {cell for cell, size in SIZES.items() if size >= 10}
    assert any(first[cell] != SIZES[cell] for cell in first)
    assert by_step(made.run())["parks.members serve main"] == "unchanged"
    made.drop("members2.csv", crossed({("C", "40-49"): 30}, 1000))
    assert by_step(made.run())["parks.members serve main"] == "done"
    second = {(row["block"], row["age"]): row["persons"] for row in published(made)}
    assert {cell: count for cell, count in second.items() if cell != ("C", "40-49")} == {
        cell: count for cell, count in first.items() if cell != ("C", "40-49")}
    assert body_of(made)["protection"]["noise"] == {"epsilon": 0.2, "mechanism": "geometric", "scale": 5.0}
    (kept,) = made.settings.secrets.glob("noise-*.json")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "30-39" not in kept.read_text(encoding="utf-8")


def test_killed_after_its_noise_is_kept_a_release_gets_that_noise(tmp_path: Path) -> None:
    made = city(tmp_path, crossed(SIZES), product=table(["block", "age"], {"noise_epsilon": 0.2}))

    def killed(name: str) -> None:
        if name == "serve/noise":
            raise KeyboardInterrupt

    boundary.watchers.append(killed)
    try:
        with pytest.raises(KeyboardInterrupt):
            made.run()
    finally:
        boundary.watchers.remove(killed)
    (kept,) = made.settings.secrets.glob("noise-*.json")
    drawn = kept.read_bytes()
    assert by_step(made.run())["parks.members serve main"] == "done"
    assert kept.read_bytes() == drawn
    noise = sorted(row["persons"] - SIZES[row["block"], row["age"]] for row in published(made))
    assert noise == sorted(json.loads(drawn).values())


@pytest.mark.parametrize(("disclosure", "module", "extra"), [({"cells": "secondary"}, "pytauargus", "sdc"), ({"noise_epsilon": 1.0}, "opendp", "dp")])
def test_without_its_extra_a_protection_holds_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disclosure: dict[str, Any], module: str, extra: str
) -> None:
    made = city(tmp_path, crossed(SIZES), product=table(["block", "age"], disclosure))
    monkeypatch.setitem(sys.modules, module, None)        # as if it were not installed
    made.run()
    (hold,) = held(made)
    assert (hold.findings[0]["rule"], hold.findings[0]["observed"], hold.approvable) == ("disclosure.extra", {"extras": [extra]}, False)
    assert "gold/parks/members/main" not in state_of(made).tables
    monkeypatch.undo()
    assert by_step(made.run())["parks.members serve main"] == "done"


def test_nothing_of_a_table_is_left_behind_outside_the_lake(tmp_path: Path) -> None:
    made = city(tmp_path, crossed(SIZES), product=table(["block", "age"], {"cells": "secondary"}))
    made.run()
    assert not list(made.settings.scratch.glob("*/argus"))
    assert not [path for path in Path.cwd().iterdir() if path.name in ("FullJJ.log", "CSPlogfile.txt")]


def test_a_widened_row_is_traced_to_the_rows_of_its_class(tmp_path: Path) -> None:
    made = city(tmp_path, NUMBERS)
    made.declare(aged())
    made.run()
    first = published(made)[0]
    alike = sum(found == first for found in published(made))
    traced = trace(made.way(), "parks.members", "main", "r1", 1)
    assert traced.total == alike >= 20
    assert {origin.dataset for origin in traced.origins} == {"parks.members"}
    body = body_of(made)["protection"]
    assert (body["rows"], body["of"], body["left_out"]) == ("mondrian", 200, 0)
    assert set(body["ncp"]) == {"block", "age"}
    assert 0 < body["gcp"] < 0.5
    release = state_of(made).release("main")
    assert release is not None
    manifest = json.loads((made.settings.lake / release.body["release"]["folder"] / "manifest.json").read_text(encoding="utf-8"))
    assert [(one["type"], one["treatment"]) for one in manifest["columns"]] == [("text", "mondrian"), ("text", "mondrian")]
    assert manifest["protection"]["gcp"] == body["gcp"]


def visits(count: int, persons_: int) -> str:
    """Rows that are many and persons who are few: only the column that does not leave tells them apart."""
    return "编号,人,街区\n" + "".join(f"V{at},P{at % persons_},{'AB'[at % 2]}\n" for at in range(count))


def visited(disclosure: str, tier: str = "unconditional") -> dict[str, Any]:
    document = persons(product={"tier": tier, "columns": {"block": KEEP}, "disclosure": {"rows": disclosure}})
    document["schema"][0]["properties"] = [column("id", "text", "编号", key=1, required=True),
                                           column("who", "text", "人", "L3", person=True, subject=True),
                                           column("block", "text", "街区", person=True, quasi=True)]
    return document


@pytest.mark.parametrize("disclosure", ["hold", "suppress", "mondrian"])
def test_many_rows_of_one_person_hide_nobody(tmp_path: Path, disclosure: str) -> None:
    made = city(tmp_path, visits(100, 30))
    made.declare(visited(disclosure))
    outcome = by_step(made.run())["parks.members serve main"]
    if disclosure == "hold":
        assert outcome == "held"
        (finding,) = held(made)[0].findings
        assert (finding["rule"], finding["observed"]["smallest"], finding["observed"]["tier"]) == ("disclosure.k", 15, "restricted")
        assert finding["observed"]["without_column"] == {"block": 0}
    else:
        assert outcome == "done"
        assert {row["block"] for row in published(made)} == (set() if disclosure == "suppress" else {"A|B"})


def test_what_k_allows_is_the_tier_that_is_told(tmp_path: Path) -> None:
    made = city(tmp_path, visits(100, 30))
    made.declare(visited("hold", "restricted"))
    assert by_step(made.run())["parks.members serve main"] == "done"


@pytest.mark.parametrize(("name", "label", "marks"), [("post", "岗位", {"person": True}), ("born", "出生年份", {})])
def test_what_is_about_a_person_counts_as_quasi_identifier_though_nobody_marks_it(
        tmp_path: Path, name: str, label: str, marks: dict[str, bool]) -> None:
    made = city(tmp_path, f"编号,街区,{label}\n" + "".join(f"P{at},{'AB'[at % 2]},{1900 + at}\n" for at in range(80)), subjects=None)
    document = persons(subjects=None, product={"columns": {"block": KEEP, name: KEEP}})
    properties = document["schema"][0]["properties"]
    document["schema"][0]["properties"] = [*properties[:2], column(name, "text", label, **marks)]
    made.declare(document)
    made.run()
    assert rules_of(held(made)) == ["disclosure.k"]


def test_facts_about_persons_without_subjects_or_quasi_identifiers_are_held(tmp_path: Path) -> None:
    document = persons(subjects=None)
    for item in document["schema"][0]["properties"]:
        for more in item.get("customProperties", ()):
            for name in ("quasi", "subject"):
                more["value"].pop(name, None)
    made = city(tmp_path, rows(80))
    made.declare(document)
    made.run()
    assert rules_of(held(made)) == ["disclosure.undeclared"]


def test_entropy_is_asked_for_by_the_policy(tmp_path: Path) -> None:
    product = {"tier": "restricted", "columns": {"block": KEEP, "illness": KEEP}}
    lopsided = HEADER + "".join(f"P{at},A,30-39,{'x' if at else 'y'}\n" for at in range(40))
    made = city(tmp_path, lopsided, product=product)
    assert by_step(made.run())["parks.members serve main"] == "done"
    made.write("negative_list.yaml", rule("parks.members") + "thresholds: {entropy_l_restricted: 1.5}\n")
    made.run()
    (finding,) = held(made)[0].findings
    assert finding["rule"] == "disclosure.entropy_l"
    assert finding["observed"]["smallest"]["illness"] < 1.5
