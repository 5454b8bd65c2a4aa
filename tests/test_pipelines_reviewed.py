"""An officer's word on doubts counts for the very same doubts: another file, another release, no new question; one new value, a new one."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from tiny import DATASET, Tiny, by_step, column, contract

from console.words import noted
from pipelines.audit import verify
from pipelines.decisions import decide, inbox
from pipelines.state import Hold

# Plants, some of them written like names of persons: a judge of columns cannot know better.
PLANTS = ("何首乌", "云杉", "朱槿", "方竹", "白菜", "桂花", "紫薇", "枫香", "牡丹", "黄瓜")


def garden(root: Path) -> Tiny:
    city = Tiny(root)
    city.declare(contract(columns=[column("id", "text", "编号", key=1, required=True), column("plant", "text", "植物")], max_bad_percent=60.0,
                          products=[{"name": "main", "tier": "unconditional", "purpose": "open_data",
                                     "columns": {"id": {"do": "keep"}, "plant": {"do": "keep"}}}]))
    city.become("officer")
    return city


def rows(*plants: str, start: int = 0) -> str:
    return "编号,植物\n" + "".join(f"P{start + at},{plant}\n" for at, plant in enumerate(plants))


def waiting(city: Tiny) -> list[Hold]:
    return [item.hold for item in inbox(city.way())]


def approve(city: Tiny) -> Hold:
    (hold,) = waiting(city)
    decide(city.way(), hold.id, "approve", "Plants, no persons")
    return hold


def published(city: Tiny) -> Tiny:
    """The first file and the first release, each on the officer's word."""
    city.drop("trees1.csv", rows(*PLANTS))
    assert by_step(city.run())[f"{DATASET} ingest"] == "held"
    assert approve(city).step == "ingest"
    assert by_step(city.run())[f"{DATASET} serve main"] == "held"
    assert approve(city).step == "serve"
    assert by_step(city.run())[f"{DATASET} serve main"] == "done"
    return city


def test_the_same_doubts_are_not_asked_about_again(tmp_path: Path) -> None:
    city = published(garden(tmp_path))
    first = next(iter(city.way().journal.state(DATASET).past_holds.values()))
    city.drop("trees2.csv", rows(*PLANTS, "樟树", start=100))
    outcomes = city.run()
    assert by_step(outcomes)[f"{DATASET} ingest"] == by_step(outcomes)[f"{DATASET} serve main"] == "done"
    assert waiting(city) == []
    (batch,) = next(item.body["batches"] for item in outcomes if item.step == "ingest")
    assert batch["cleared"] == first.id            # an auditor sees on whose word it came in
    assert [found["rule"] for found in batch["findings"]] == ["doubt.personal"]
    assert len(city.way().journal.state(DATASET).releases["main"]) == 2
    assert verify(city.way()) == []


def test_one_more_doubtful_value_is_asked_about(tmp_path: Path) -> None:
    city = published(garden(tmp_path))
    city.drop("trees2.csv", rows(*PLANTS, "龙须菜", start=100))
    assert by_step(city.run())[f"{DATASET} ingest"] == "held"
    assert len(city.way().journal.state(DATASET).batches) == 1


def test_a_doubt_beside_something_else_is_asked_about(tmp_path: Path) -> None:
    city = published(garden(tmp_path))
    city.drop("trees2.csv", rows(*PLANTS, start=100).replace("植物", "植物,来源").replace("\nP", ",苗圃\nP").rstrip("\n") + ",苗圃\n")
    assert by_step(city.run())[f"{DATASET} ingest"] == "held"


def test_a_word_that_is_taken_back_or_over_counts_no_more(tmp_path: Path) -> None:
    city = published(garden(tmp_path))
    admission, release = sorted(city.way().journal.state(DATASET).past_holds.values(), key=lambda hold: hold.step)
    decide(city.way(), admission.id, "revoke", "Looked again")
    city.drop("trees2.csv", rows(*PLANTS, start=100))
    assert by_step(city.run())[f"{DATASET} ingest"] == "held"
    approve(city)
    city.run()
    assert waiting(city) == []
    city.now += timedelta(days=91)
    city.drop("trees3.csv", rows(*PLANTS, start=200))
    assert by_step(city.run())[f"{DATASET} ingest"] == "held"
    assert release.step == "serve"


def test_the_word_on_a_release_ends_with_what_leaves(tmp_path: Path) -> None:
    city = published(garden(tmp_path))
    columns = [column("id", "text", "编号", key=1, required=True), column("plant", "text", "植物"), column("owner", "text", "权属")]
    product = {"name": "main", "tier": "unconditional", "purpose": "open_data", "columns": {one["name"]: {"do": "keep"} for one in columns}}
    document = contract(columns=columns, max_bad_percent=60.0, products=[product])
    city.declare(document)
    city.drop("trees2.csv", "编号,植物,权属\n" + "".join(f"P{at},{plant},公园\n" for at, plant in enumerate(PLANTS)))
    city.run()
    assert {hold.step: [found["rule"] for found in hold.findings] for hold in waiting(city)} == {
        "ingest": ["doubt.personal"], "serve": ["screen.name.plant"]}


def test_the_steward_sees_no_keyed_hash(tmp_path: Path) -> None:
    city = garden(tmp_path)
    city.drop("trees1.csv", rows(*PLANTS))
    city.run()
    (hold,) = waiting(city)
    (found,) = hold.findings
    shown = noted(found)
    assert "name" in shown
    assert not [mark for mark in re.findall(r"[0-9a-f]{32}", str(found)) if mark in shown]
    assert re.search(r"[0-9a-f]{32}", str(found))
