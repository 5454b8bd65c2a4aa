"""Killed on the way to a real CKAN: the publisher at each numbered boundary, and each part of the portal while it is written.

A reader polls file, table and metadata all the while: at each address only the release before or the one that comes.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from killing import Killer
from portals import act, ckan_of, get, with_ckan
from stacking import PARTS, PortalStack
from tiny import DATASET, GOOD, Tiny, contract

from catalog.ckan import table_id
from pipelines import applying
from pipelines.audit import verify

pytestmark = [pytest.mark.portal, pytest.mark.slow, pytest.mark.usefixtures("umask")]
ID = f"{DATASET}.main"
HEADER = GOOD.splitlines()[0] + "\n"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalStack]:
    """A portal of our own: its parts are killed."""
    found = PortalStack(tmp_path_factory.mktemp("kill") / "stack")
    found.up()
    yield found
    found.reset()


@pytest.fixture
def killer(tmp_path: Path) -> Iterator[Killer]:
    found = Killer(tmp_path / "killer", tmp_path / "city" / "sources", Tiny(tmp_path / "clock").now)
    yield found
    found.close()


class Reader:
    """Polls what anybody sees of the product; `faults` is what was neither before nor after."""

    def __init__(self, stack: PortalStack) -> None:
        self.stack, self.faults, self.looks = stack, [], 0
        self.allowed: dict[str, set[str]] = {"table": set(), "file": set(), "page": set()}
        self._end, self._thread = threading.Event(), threading.Thread(target=self._poll, daemon=True)

    def allow(self, city: Tiny) -> None:
        """What the newest release of a city is at each address may be seen from now on, and the one before."""
        state = city.way().journal.state(DATASET)
        self.allowed = {"table": set(), "file": set(), "page": set()}
        for release in state.releases["main"][-2:]:
            folder = city.settings.lake / release.body["release"]["folder"]
            text = (folder / f"{ID}.csv").read_bytes()
            self.allowed["file"].add(hashlib.sha256(text).hexdigest())
            self.allowed["table"].add(" ".join(sorted(line.split(",")[0].strip('"') for line in text.decode("utf-8-sig").splitlines()[1:])))
            self.allowed["page"].add(release.id)

    def _poll(self) -> None:
        while not self._end.wait(0.02):
            try:
                before, seen, after = self.allowed, self._seen(), self.allowed
            except Exception:       # a part that was killed answers nothing, and nothing is not wrong
                continue
            self.looks += 1
            self.faults += [f"{name}: {found}" for name, found in seen.items() if found is not None and found not in before[name] | after[name]]

    def _seen(self) -> dict[str, str | None]:
        found: dict[str, str | None] = {"table": None, "file": None, "page": None}
        rows = act(self.stack, "datastore_search", resource_id=table_id(ID), limit=1000)
        if rows is not None:
            found["table"] = " ".join(sorted(row["id"] for row in rows["records"]))
        listed = act(self.stack, "package_search", fq=f'citylake_id:"{ID}"')
        if listed and listed["results"]:
            package = act(self.stack, "package_show", id=listed["results"][0]["id"])
            page = json.loads(package["page"])
            found["page"] = package["release"]
            torn = {package["release"], page["release"], *(one["release"] for one in package["resources"][1:])}
            if len(torn) != 1 or [one["hash"] for one in package["resources"][1:]] != [one["sha256"] for one in page["files"]]:
                found["page"] = f"torn {sorted(torn)}"
            status, body = get(self.stack.url, f"/data/{package['name']}/latest/csv")
            found["file"] = hashlib.sha256(body).hexdigest() if status == 200 else None
        return found

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._end.set()
        self._thread.join()


def next_release(city: Tiny, number: int) -> None:
    """One more row, so one more release; the portal that waits does not see it yet."""
    city.drop(f"trees{number:03}.csv", f"{HEADER}K{number},A,1.00,2026-03-12,\n")
    assert {item.outcome for item in city.run()} <= {"done", "unchanged"}


def settled(city: Tiny) -> list[str]:
    """What is not as planned after a recovery: planned and applied once more."""
    way = city.way()
    portals = applying.named(way, [])
    failed = [item.note for item in applying.apply(way, [applying.plan_of(way, portal) for portal in portals]) if item.outcome == "failed"]
    left = [f"{action.kind} {action.id}" for portal in portals for action in applying.plan_of(city.way(), portal).actions]
    return failed + left + [f"{one.place} {one.what}" for one in verify(city.way()) if one.severity == "mismatch"]


@pytest.mark.parametrize("stride", [3, pytest.param(1, marks=pytest.mark.soak)])
def test_the_publisher_is_killed_at_each_boundary(tmp_path: Path, stack: PortalStack, killer: Killer, stride: int) -> None:
    city = with_ckan(Tiny(tmp_path / "city"), stack)
    city.become("bureau")
    city.drop("trees000.csv", GOOD)
    city.run()
    seen: set[str] = set()
    with Reader(stack) as reader:
        reader.allow(city)
        for at in range(0, 60, stride):
            came = killer.act(city.root, "apply", kill_at=at)
            seen |= set(came.seen)
            assert reader.faults == []
            assert settled(city) == [], f"killed at {came.seen[-1:]}"
            if not came.killed:
                break
            next_release(city, at + 1)
            reader.allow(city)
        else:
            raise AssertionError("there is no end of boundaries")
        assert reader.faults == []
        assert reader.looks > at
    assert len([name for name in seen if name.startswith("publish/ckan/")]) >= 7
    assert at >= 10


def test_a_withdrawal_is_killed_at_each_boundary(tmp_path: Path, stack: PortalStack, killer: Killer) -> None:
    names = [f"parks.t{at:02}" for at in range(11)]
    city = with_ckan(Tiny(tmp_path / "city"), stack)
    city.become("bureau")
    for name in names:
        city.declare(contract(name))
        city.drop(f"{name.split('.')[1]}a.csv", GOOD)
    city.run()
    way = city.way()
    applying.apply(way, [applying.plan_of(way, applying.named(way, ["platform"])[0])])
    passed = killer.act(city.root, f"withdraw {names.pop()}").seen
    boundaries = [one for one in dict.fromkeys(passed) if one.startswith(("publish/ckan/", "withdraw", "publish/switched", "publish/judged"))]
    assert 8 <= len(boundaries) <= len(names)
    for boundary, name in zip(boundaries, names, strict=False):
        assert killer.act(city.root, f"withdraw {name}", kill_name=boundary).killed
        again = killer.act(city.root, f"withdraw {name}")
        assert again.code == 0, f"{boundary}: {again.said}"
        assert act(stack, "datastore_search", resource_id=table_id(f"{name}.main")) is None
        package = ckan_of(city).look(f"{name}.main")
        assert package is not None
        assert (package["shown"], package["resources"]) == ("tombstone", [])
    assert [item for item in verify(city.way()) if item.severity == "mismatch"] == []
    for name in (*names, "parks.t10"):
        remove(city, stack, f"{name}.main")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("after", [0.4, pytest.param(0.05, marks=pytest.mark.soak), pytest.param(0.9, marks=pytest.mark.soak)])
def test_a_part_of_the_portal_is_killed_while_it_is_written(tmp_path: Path, stack: PortalStack, part: str, after: float) -> None:
    city = with_ckan(Tiny(tmp_path / "city"), stack)
    city.become("bureau")
    city.drop("trees000.csv", GOOD)
    city.run()
    try:
        _killed(city, stack, part, after)
    finally:
        remove(city, stack)


def _killed(city: Tiny, stack: PortalStack, part: str, after: float) -> None:
    with Reader(stack) as reader:
        for at in range(2):
            reader.allow(city)
            way = city.way()
            applying_thread = threading.Thread(target=lambda way=way: applying.apply(way, [applying.plan_of(way, applying.named(way, [])[1])]))
            applying_thread.start()
            time.sleep(after)
            stack.kill(part)
            stack.up()
            applying_thread.join()
            assert reader.faults == []
            deadline = time.monotonic() + 30
            while settled(city) and time.monotonic() < deadline:       # Solr replays its log after it answers
                time.sleep(1)
            assert settled(city) == []
            assert found_by_search(stack)
            next_release(city, at + 1)


def found_by_search(stack: PortalStack) -> bool:
    """Whether the index knows the product as it is now."""
    found = act(stack, "package_search", fq=f'citylake_id:"{ID}"')["results"]
    return len(found) == 1 and found[0]["release"] == act(stack, "package_show", id=found[0]["id"])["release"]


def remove(city: Tiny, stack: PortalStack, identity: str = ID) -> None:
    package = ckan_of(city).look(identity)
    if package is not None:
        stack.call("package_delete", {"id": package["id"]})
        ckan_of(city).purge()
