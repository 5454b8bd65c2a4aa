"""The gate under attack: whatever is missing, late, changed or in error, nothing leaves, and nobody has to notice first."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_pipelines_disclosure import HEADER, city, held, persons, rows, rule, state_of
from tiny import Tiny, by_step

from pipelines.decisions import decide, inbox
from pipelines.portals.listed import portals_of
from pipelines.protocol import perform
from pipelines.steps.publish import publish
from pipelines.steps.serve import serve

NAME, ID = "parks.members", "parks.members.main"


def shown(made: Tiny) -> str:
    pages = json.loads((made.settings.site / "current/pages.json").read_text(encoding="utf-8"))
    return str(pages.get(ID, {"shown": "absent"})["shown"])


def served(root: Path) -> tuple[Tiny, Path]:
    """A release that serve has let through and no portal shows yet, and its folder in the lake."""
    made = city(root, rows(80))
    way = made.way()
    from pipelines.steps.ingest import ingest
    from pipelines.steps.refine import refine
    for step in (ingest, refine, serve("main")):
        assert perform(way, way.contract(NAME), step)["outcome"] == "done"
    release = state_of(made).release("main")
    assert release is not None
    return made, made.settings.lake / release.body["release"]["folder"]


def published(made: Tiny) -> str:
    """The outcome of publishing as a run does it."""
    from pipelines.conduct import Planned, take

    way = made.way()
    (portal,) = portals_of(way)
    return take(way, way.contract(NAME), Planned("publish", "site/main", publish(portal, "main"))).outcome


def offered(made: Tiny) -> list[Path]:
    return list(made.settings.site.rglob("*.parquet"))


def test_untouched_it_leaves(tmp_path: Path) -> None:
    made, _ = served(tmp_path)
    assert published(made) == "done"
    assert offered(made)


@pytest.mark.parametrize("how", ["one byte", "cut short", "gone"])
def test_a_file_that_is_not_the_one_that_was_judged(tmp_path: Path, how: str) -> None:
    made, folder = served(tmp_path)
    (file,) = folder.glob("*.parquet")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(bytes(data) if how == "one byte" else bytes(data[:-100]))
    assert published(made) == "refused"
    assert offered(made) == []


def test_the_policy_changed_after_the_verdict(tmp_path: Path) -> None:
    made, _ = served(tmp_path)
    made.write("negative_list.yaml", rule(NAME).replace("version: 1", "version: 2"))
    published(made)
    assert shown(made) == "metadata"
    assert offered(made) == []


def test_a_column_changed_its_treatment_after_the_verdict(tmp_path: Path) -> None:
    made, _ = served(tmp_path)
    made.declare(persons(product={"columns": {"block": {"do": "mask", "left": 1}, "age": {"do": "keep"}}}))
    published(made)
    assert offered(made) == []


def test_a_column_added_after_the_verdict_is_not_shown_before_it_is_judged(tmp_path: Path) -> None:
    made, _ = served(tmp_path)
    made.declare(persons(product={"columns": {"block": {"do": "keep"}, "age": {"do": "keep"}, "id": {"do": "mask", "left": 2}}}))
    published(made)
    assert offered(made) == []


def test_a_record_without_a_ruling_lets_nothing_leave(tmp_path: Path) -> None:
    from pipelines.verdicts import stands

    made, _ = served(tmp_path)
    way, body = made.way(), dict(state_of(made).passed["serve/main"])
    from pipelines.products import Outward
    contract = way.contract(NAME)
    outward = Outward(contract, contract.product("main"), way.city.codes, way.city.zone)
    assert stands(way, state_of(made), outward, body)
    assert not stands(way, state_of(made), outward, {**body, "ruling": {**body["ruling"], "ruling": "HOLD"}})
    body.pop("ruling")
    assert not stands(way, state_of(made), outward, body)


@pytest.mark.parametrize("damage", ["garbage", "a record is missing", "unreadable"])
def test_the_journal_cannot_be_read(tmp_path: Path, damage: str) -> None:
    made, _ = served(tmp_path)
    records = sorted((made.settings.lake / "journal" / "parks" / "members").glob("*.json"))
    if damage == "garbage":
        records[1].write_bytes(b"{")
    elif damage == "a record is missing":
        records[1].unlink()
    else:
        records[1].unlink()
        records[1].mkdir()
    assert published(made) == "failed"
    assert offered(made) == []


def test_a_screen_in_error_makes_no_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: Any, **__: Any) -> Any:
        raise TimeoutError("P900 C")

    made = city(tmp_path, rows(80))
    monkeypatch.setattr("pipelines.steps.serve.screen_files", late)
    outcomes = made.run()
    assert by_step(outcomes)[f"{NAME} serve main"] == "failed"
    assert not any("P900" in one.note for one in outcomes)
    assert offered(made) == []
    assert state_of(made).releases == {}


def test_a_review_that_ends_closes_what_it_opened(tmp_path: Path) -> None:
    made = city(tmp_path, rows(80, "P900,C,30-39,x\n"))
    made.run()
    (hold,) = held(made)
    made.become("officer")
    way = made.way()
    assert [item.hold.id for item in inbox(way)] == [hold.id]
    decide(way, hold.id, "approve", "The block is open ground", until=way.today() + timedelta(days=3))
    made.run()
    assert shown(made) == "open"
    made.now += timedelta(days=5)
    made.run()
    assert shown(made) == "metadata"
    assert offered(made) == []
    assert [one.id for one in held(made)] == [hold.id]


def test_an_approval_is_for_these_bytes_alone(tmp_path: Path) -> None:
    made = city(tmp_path, rows(80, "P900,C,30-39,x\n"))
    made.run()
    (hold,) = held(made)
    made.become("officer")
    decide(made.way(), hold.id, "approve", "The block is open ground")
    made.drop("members2.csv", f"{HEADER}P901,D,40-49,y\n")
    made.run()
    assert [one.id for one in held(made)] != [hold.id]
    assert held(made)
    assert offered(made) == []
