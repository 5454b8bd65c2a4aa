"""Whole cities on both engines: the shipped one through the demo's days and its inbox, and that of real data. `make soak`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from sparking import JARS, MASTER
from twins import ENGINES, hashes, same_keys, site_files, tables, told, unlike, unlike_records

from catalog.errors import Refused
from console.demo import KEPT_SHORT, generate
from console.demo.draw import EARLIER
from pipelines.conduct import run
from pipelines.decisions import LOCAL, decide, inbox
from pipelines.journal import now
from pipelines.settings import Settings, shipped_city
from pipelines.steps.retain import retain
from pipelines.way import Way, open_way

pytestmark = [pytest.mark.spark, pytest.mark.soak, pytest.mark.timeout(7200)]
SEED, SCALE = 7, 0.02
REAL = Path(__file__).parent / "cities" / "real"
# Of 260 dumps the two whose name begins so after its time: each is a snapshot of its own, and a batch costs Spark seconds.
DUMPS = {"area_csv/{time}_*.csv": "area_csv/{time}_0a*.csv"}


@dataclass
class City:
    """A city's places on one engine, its clock, and what every step of every run came to."""

    places: Settings
    moment: Any = field(default_factory=now)
    outcomes: list[tuple[str, ...]] = field(default_factory=list)

    def way(self, user: str | None = None, back: int = 0) -> Way:
        return open_way(self.places, lambda: self.moment - timedelta(days=back), user)

    def run(self, *datasets: str, back: int = 0) -> None:
        self.outcomes += told(run(self.way(back=back), datasets))

    def approve(self) -> None:
        """Everything that waits and may be approved is, by the first person who may."""
        people = self.way().city.people
        (self.places.state / LOCAL).write_text("".join(f"{json.dumps(person)}: {person}\n" for person in people), encoding="utf-8")
        for item in inbox(self.way()):
            for person in item.people[:1]:
                try:
                    decide(self.way(person.id), item.hold.id, "approve", "Looked at.")
                except Refused as error:
                    self.outcomes.append((item.dataset, "decide", item.hold.id, "refused", str(error)))


def twins(root: Path, city: Path, sources: Callable[[Path], Path], live: Callable[[City], None]) -> list[City]:
    """The same life on both engines, the second with the secrets of the first."""
    found: list[City] = []
    for engine in ENGINES:
        home = root / engine
        places = Settings(city, home / "state", home / "lake", home / "site", home / "secrets", sources(home), engine, 2**31, 2, MASTER, JARS)
        one = City(places, *([found[0].moment] if found else []))
        with same_keys(found[0].places.secrets if found else None, places.secrets):
            live(one)
        found.append(one)
    return found


def alike(one: City, other: City) -> None:
    mine, theirs = one.way(), other.way()
    assert [pair for pair in zip(one.outcomes, other.outcomes, strict=True) if pair[0] != pair[1]] == []
    assert unlike(tables(mine), tables(theirs)) == []
    assert unlike_records(mine, theirs) == []
    assert hashes(mine) == hashes(theirs)
    assert unlike(site_files(mine), site_files(theirs)) == []


def demo(city: City) -> None:
    """`citylake demo`, then a day on which those deliver that do so daily, then an afternoon at the inbox."""
    sources = city.places.sources
    generate(sources, SEED, SCALE, 0)
    city.run(KEPT_SHORT, back=EARLIER)
    for day in (1, 3):
        generate(sources, SEED, SCALE, day)
        city.run()
        retain(city.way())
    city.approve()
    city.run()


def test_the_shipped_city_through_the_demo(tmp_path: Path, umask: None) -> None:
    one, other = twins(tmp_path, shipped_city(), lambda home: home / "sources", demo)
    ran: Mapping[str, Any] = one.way().city.contracts
    assert {outcome[0] for outcome in one.outcomes} == set(ran)
    assert len(hashes(one.way())) > 20
    alike(one, other)


@pytest.mark.shared
def test_the_city_of_real_data(tmp_path: Path, shared: Path, umask: None) -> None:
    city = Path(copytree(REAL, tmp_path / "city"))
    for path in (city / "datasets" / "health").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        for whole, some in DUMPS.items():
            assert whole in text
            text = text.replace(whole, some)
        path.write_text(text, encoding="utf-8")

    def live(one: City) -> None:
        one.run()
        one.approve()
        one.run()
    one, other = twins(tmp_path, city, lambda home: shared / "data", live)
    assert {outcome[0] for outcome in one.outcomes} == set(one.way().city.contracts)
    alike(one, other)
