"""Relaxing takes two people and ends: with a day, with a revocation, with the role of one of them. What stops then says by which columns."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from tiny import DATASET, GOOD, PEOPLE, Tiny, by_step, column, contract

from catalog.errors import Refused
from pipelines.audit import verify
from pipelines.decisions import decide, inbox
from pipelines.state import Hold

SERVE = f"{DATASET} serve main"


def tiered(city: Tiny, tier: str) -> dict[str, str]:
    document = contract()
    document["customProperties"][0]["value"]["products"][0]["tier"] = tier
    city.declare(document)
    return by_step(city.run())


def waiting(city: Tiny) -> Hold:
    (hold,) = city.way().journal.state(DATASET).holds.values()
    return hold


def decided(city: Tiny, person: str, verdict: str = "approve", days: int | None = None, hold: str = "") -> str:
    city.become(person)
    way, name = city.way(), hold or waiting(city).id
    until = way.today() + timedelta(days=days) if days is not None else None
    decide(way, name, verdict, "Looked at it and it is well", until=until)  # type: ignore[arg-type]
    return name


def shown(city: Tiny) -> str:
    pages = json.loads((city.settings.site / "current/pages.json").read_text(encoding="utf-8"))
    return str(pages[f"{DATASET}.main"]["shown"])


def without(city: Tiny, person: str, role: str) -> None:
    """The person is still there, with another role."""
    line = next(line for line in PEOPLE.splitlines() if f"id: {person}," in line)
    city.write("people.yaml", PEOPLE.replace(line, line.replace(role, "[auditor]")))


@pytest.fixture
def loosened(tmp_path: Path) -> Tiny:
    """Restricted at first, then declared unconditional: held."""
    city = Tiny(tmp_path)
    city.drop("trees1.csv", GOOD)
    assert tiered(city, "restricted")[SERVE] == "done"
    assert tiered(city, "unconditional")[SERVE] == "held"
    return city


def opened(city: Tiny, first: int = 30, second: int = 60) -> str:
    name = decided(city, "bureau", days=first)
    decided(city, "bureau2", days=second)
    assert by_step(city.run())[SERVE] == "done"
    assert shown(city) == "open"
    return name


def stopped(city: Tiny) -> None:
    """The next run stops: the same hold, the columns that cause it, and no file on the portal."""
    assert by_step(city.run())[SERVE] == "held"
    hold = waiting(city)
    (finding,) = hold.findings
    assert (finding["rule"], hold.role, hold.body["people"]) == ("tier.looser", "bureau", 2)
    assert finding["observed"]["columns"] == ["id", "kind", "height", "planted"]
    assert shown(city) == "metadata"
    assert [path for path in city.settings.site.rglob("*.parquet") if path.is_file()] == []
    assert verify(city.way()) == []


def test_it_ends_with_the_first_of_both_days_and_the_run_says_by_which_columns(loosened: Tiny) -> None:
    opened(loosened)
    loosened.now += timedelta(days=30)
    assert by_step(loosened.run())[SERVE] == "unchanged"        # the last day counts
    assert shown(loosened) == "open"
    loosened.now += timedelta(days=1)
    stopped(loosened)
    decided(loosened, "bureau", days=10)                        # the second person's word still stands
    assert by_step(loosened.run())[SERVE] == "done"
    assert shown(loosened) == "open"


def test_a_first_approval_that_has_ended_is_none_when_the_second_comes(loosened: Tiny) -> None:
    decided(loosened, "bureau", days=5)
    loosened.now += timedelta(days=6)
    decided(loosened, "bureau2", days=5)
    stopped(loosened)


def test_one_person_cannot_be_both_by_whatever_order_of_acts(loosened: Tiny) -> None:
    name = decided(loosened, "bureau")
    with pytest.raises(Refused):
        decided(loosened, "bureau")
    decided(loosened, "bureau", "revoke")
    decided(loosened, "bureau")
    stopped(loosened)
    for person in ("author_p", "officer", "steward_p", "secrecy", "auditor"):       # the author has the role, and may not
        with pytest.raises(Refused):
            decided(loosened, person, hold=name)
    stopped(loosened)


def test_one_of_two_takes_the_word_back(loosened: Tiny) -> None:
    name = opened(loosened)
    decided(loosened, "bureau", "revoke", hold=name)
    stopped(loosened)


@pytest.mark.parametrize("gone", ["bureau", "bureau2"])
def test_an_approval_ends_with_the_role_that_it_was_given_in(loosened: Tiny, gone: str) -> None:
    opened(loosened)
    without(loosened, gone, "[bureau]")
    without_role = loosened.way()
    assert len(without_role.journal.state(DATASET).standing(without_role.today())) == 0
    stopped(loosened)
    assert [person.id for item in inbox(loosened.way()) for person in item.people if person.id == gone] == []
    loosened.write("people.yaml", PEOPLE)
    assert by_step(loosened.run())[SERVE] == "done"
    assert shown(loosened) == "open"


def test_a_role_lost_between_the_two_words_leaves_one(loosened: Tiny) -> None:
    decided(loosened, "bureau")
    without(loosened, "bureau", "[bureau]")
    decided(loosened, "bureau2")
    stopped(loosened)


@pytest.mark.parametrize("end", ["day", "role", "gone"])
def test_an_officers_word_on_a_doubt_ends_too(tmp_path: Path, end: str) -> None:
    """What the officer let out falls back to metadata; nothing of it has to change for that."""
    columns = [column("id", "text", "编号", key=1, required=True), column("plant", "text", "植物")]
    city = Tiny(tmp_path)
    city.declare(contract(columns=columns, products=[{"name": "main", "tier": "unconditional", "purpose": "open_data",
                                                      "columns": {"id": {"do": "keep"}, "plant": {"do": "keep"}}}]))
    plants = ("何首乌", "云杉", "朱槿", "方竹", "白菜", "桂花", "紫薇", "枫香", "牡丹", "黄瓜")
    city.drop("trees1.csv", "编号,植物\n" + "".join(f"P{at},{plant}\n" for at, plant in enumerate(plants)))
    city.run()
    decided(city, "officer", days=20)
    city.run()
    decided(city, "officer", days=10)
    city.run()
    assert shown(city) == "open"
    if end == "day":
        city.now += timedelta(days=11)
    elif end == "role":
        without(city, "officer", "[privacy_officer]")
    else:
        city.write("people.yaml", "\n".join(line for line in PEOPLE.splitlines() if "id: officer," not in line) + "\n")
    assert by_step(city.run())[SERVE] == "held"
    assert shown(city) == "metadata"
    assert verify(city.way()) == []
