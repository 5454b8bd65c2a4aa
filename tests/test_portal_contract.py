"""What every portal must do, held by one suite: the folder and a real CKAN."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from portals import ckan_of, with_ckan
from tiny import DATASET, GOOD, Tiny, contract

from catalog.errors import Drifted
from pipelines.pages import item
from pipelines.portals import Item, Portal
from pipelines.portals.ckan.portal import CkanPortal
from pipelines.portals.folder import FolderPortal
from pipelines.portals.listed import portals_of

ID = f"{DATASET}.main"
ABSENT = Item(ID, "absent")


@dataclass(frozen=True)
class Items:
    """One product over time: its first release, its second, the second under another title, and closed in three ways."""

    first: Item
    second: Item
    renamed: Item
    closed: Item
    tombstone: Item

    @property
    def fingerprints(self) -> set[str]:
        return {one.fingerprint for one in (self.first, self.second, self.renamed, self.closed, self.tombstone)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tiny, Items]:
    city = Tiny(tmp_path_factory.mktemp("contract") / "city")

    def now() -> Item:
        way = city.way()
        made = way.contract(DATASET)
        return item(way, made, made.products[0], way.journal.state(DATASET))

    city.drop("trees1.csv", GOOD)
    city.run()
    first = now()
    city.drop("trees2.csv", GOOD.replace("T1", "T9"))
    city.run()
    second = now()
    city.declare(contract(title={"zh": "行道树名录", "en": "Street trees"}))
    renamed = now()
    city.declare(contract())
    page = {**second.page, "release": None, "released": None, "rows": None, "files": [], "releases": []}
    stone = {"reason": "Wrong", "basis": "Law", "date": "2026-11-24"}
    items = Items(first, second, renamed, Item(ID, "metadata", page), Item(ID, "tombstone", {**page, "tombstone": stone}))
    assert len(items.fingerprints) == 5
    return city, items


@pytest.fixture(scope="module", params=["folder", pytest.param("ckan", marks=pytest.mark.portal)])
def kind(request: pytest.FixtureRequest, made: tuple[Tiny, Items]) -> str:
    if request.param == "ckan":
        with_ckan(made[0], request.getfixturevalue("portal_stack"))
    return str(request.param)


@pytest.fixture
def portal(kind: str, made: tuple[Tiny, Items]) -> Portal:
    """A portal that shows nothing of the product."""
    found: Portal = ckan_of(made[0]) if kind == "ckan" else portals_of(made[0].way())[0]
    remove(found)
    return found


@pytest.fixture
def items(made: tuple[Tiny, Items]) -> Items:
    return made[1]


def put(portal: Portal, want: Item) -> None:
    seen = portal.observe([ID]).get(ID)
    portal.switch(portal.stage(want), seen.fingerprint if seen else None)


def remove(portal: Portal) -> None:
    if portal.observe([ID]):
        put(portal, ABSENT)


def shown(portal: Portal) -> str:
    found = portal.observe([ID]).get(ID)
    return "absent" if found is None else found.shown


def test_what_is_not_there_is_not_observed(portal: Portal) -> None:
    assert portal.observe([ID, "parks.nothing.main"]) == {}
    assert portal.stored(ID) is None
    assert ID not in portal.ids()


@pytest.mark.parametrize("name", ["first", "second", "closed", "tombstone"])
def test_what_is_shown_is_observed_as_it_was_wanted(portal: Portal, items: Items, name: str) -> None:
    want = getattr(items, name)
    put(portal, want)
    seen = portal.observe([ID])[ID]
    assert (seen.fingerprint, seen.shown, seen.release, seen.drift) == (want.fingerprint, want.shown, want.page["release"], ())
    stored = portal.stored(ID)
    assert stored is not None
    assert stored.fingerprint == want.fingerprint
    assert seen.page == want.page
    assert portal.ids() >= {ID}
    assert portal.verify(want) == []


def told(portal: Portal) -> dict[str, Any]:
    """What a portal keeps beside a page: what was read from the rows."""
    if isinstance(portal, FolderPortal) and portal.current:
        found: dict[str, Any] = json.loads((portal.current / "pages.json").read_text(encoding="utf-8"))[ID]["measured"]
        return found
    assert isinstance(portal, CkanPortal)
    return dict(json.loads((portal.look(ID) or {})["figures"] or "{}"))


def test_what_was_read_from_the_rows_is_told_while_they_are_open(portal: Portal, items: Items) -> None:
    """Both releases are compared; of what closes nothing is told any more."""
    for want in (items.first, items.second, items.renamed):
        put(portal, want)
    found = told(portal)
    assert set(found["nulls"]) == {column["name"] for column in items.second.page["columns"]}
    assert (found["changes"]["r2"]["since"], found["changes"]["r2"]["added"]) == ("r1", 1)
    if isinstance(portal, CkanPortal):
        assert all(found["said"][release][language] for release in ("r1", "r2") for language in ("zh", "en"))
        assert "r1" in found["said"]["r2"]["zh"]
    put(portal, items.closed)
    assert told(portal) == {}


def test_what_is_staged_is_not_seen(portal: Portal, items: Items) -> None:
    portal.stage(items.first)
    assert shown(portal) == "absent"
    put(portal, items.first)
    portal.stage(items.second)
    assert portal.observe([ID])[ID].fingerprint == items.first.fingerprint
    assert portal.verify(items.first) == []


def test_staging_and_switching_again_changes_nothing(portal: Portal, items: Items) -> None:
    put(portal, items.second)
    put(portal, items.second)
    assert portal.verify(items.second) == []


def test_each_state_follows_each_other(portal: Portal, items: Items) -> None:
    way = [items.first, items.second, items.renamed, items.closed, items.renamed, items.tombstone, ABSENT, items.closed, items.second, ABSENT]
    for want in way:
        put(portal, want)
        assert shown(portal) == want.shown
        assert portal.verify(want) == []
    assert ID not in portal.ids()


@pytest.mark.parametrize("name", ["first", "closed", "tombstone"])
def test_an_unexpected_state_is_not_overwritten(portal: Portal, items: Items, name: str) -> None:
    put(portal, items.second)
    with pytest.raises(Drifted):
        portal.switch(portal.stage(getattr(items, name)), items.first.fingerprint)
    with pytest.raises(Drifted):
        portal.switch(portal.stage(getattr(items, name)), None)
    assert portal.observe([ID])[ID].fingerprint == items.second.fingerprint
    assert portal.verify(items.second) == []


def test_verify_names_what_differs(portal: Portal, items: Items) -> None:
    put(portal, items.second)
    assert portal.verify(items.first)
    assert portal.verify(items.closed)
    assert portal.verify(ABSENT)
    put(portal, items.closed)
    assert portal.verify(items.second)


def test_an_older_release_that_is_shown_no_more_is_gone(portal: Portal, items: Items) -> None:
    put(portal, items.second)
    page: dict[str, Any] = {**items.second.page, "releases": [past if past["release"] == "r2" else {**past, "files": []}
                                                              for past in items.second.page["releases"]]}
    fewer = replace(items.second, page=page, files={name: path for name, path in items.second.files.items() if name.startswith("r2/")})
    put(portal, fewer)
    assert portal.verify(fewer) == []


def test_purge_leaves_what_is_shown(portal: Portal, items: Items) -> None:
    put(portal, items.second)
    portal.purge()
    assert portal.verify(items.second) == []


def test_files_that_are_not_what_the_page_says_are_refused(portal: Portal, items: Items, tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_bytes(b"x" * 10)
    with pytest.raises(Exception, match="not what its record says"):
        put(portal, replace(items.first, files={name: broken for name in items.first.files}))
    assert shown(portal) == "absent"
