"""What may not be on the portal is in no byte of it, and what was taken off answers nowhere and is kept nowhere.

Words that exist nowhere else stand in rows of restricted and prohibited products, in dropped and treated columns, in quarantined
rows and held batches. A word that may be there is looked for too: each way of looking must find it, or it proves nothing.
"""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import inside
import pyarrow.parquet as pq
import pytest
from portals import NAME, act, ckan_of, get, with_ckan
from stacking import PortalStack
from tiny import Tiny, column, contract

from catalog.ckan import resource_id, staged_id, table_id
from pipelines import applying
from pipelines.audit import verify
from pipelines.portals.listed import portals_of
from pipelines.steps.rollback import rollback
from pipelines.steps.withdraw import withdraw

pytestmark = [pytest.mark.portal, pytest.mark.usefixtures("umask")]
SYLLABLES = "ba da fo gu ke li mo nu pe ri so ta vu wi xa zo".split()  # noqa: SIM905
HANZI = "彧翀婠犇淼骁璟祎珺玥甯旻昶晟暄赟"
COLUMNS = [column("id", "text", "编号", key=1, required=True), column("kind", "text", "类别", codes="kinds"), column("seen", "text", "所见"),
           column("amount", "decimal(14,2)", "数目", "L2"), column("note", "text", "备注", "L2"), column("owner", "text", "来路", "L2")]
HEADER = "编号,类别,所见,数目,备注,来路\n"
OPEN = {"id": {"do": "keep"}, "kind": {"do": "keep"}, "seen": {"do": "keep"}, "amount": {"do": "band", "width": 100000000000},
        "note": {"do": "drop"}, "owner": {"do": "drop"}}
ALL = {"id": {"do": "keep"}, "kind": {"do": "keep"}, "seen": {"do": "keep"}, "amount": {"do": "keep"}, "note": {"do": "keep"},
       "owner": {"do": "mask", "left": 1}}


SEEDS = count()      # other words each time, and the same ones in each run: one made-up word in some thousand reads like a name


@dataclass
class Words:
    """Made-up words by what may happen to them: open ones are shown, never ones are not, gone ones were shown before.

    All of one fate and script begin alike: looking for these beginnings finds what is left of a word, too.
    """

    chance: random.Random = field(default_factory=lambda: random.Random(next(SEEDS)))
    of: dict[str, set[str]] = field(default_factory=dict)
    made: Counter[str] = field(default_factory=Counter)
    _starts: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def latin(self, fate: str) -> str:
        return self._start(fate)[0] + "".join(self.chance.choices(SYLLABLES, k=4))

    def chinese(self, fate: str) -> str:
        return self._start(fate)[1] + "".join(self.chance.sample(HANZI, 4))

    def number(self, fate: str) -> str:
        return f"{self._start(fate)[2]}{self.chance.randrange(1000, 9999)}.{self.chance.randrange(11, 99)}"

    def _start(self, fate: str) -> tuple[str, str, str]:
        self.made[fate] += 1
        if fate not in self._starts:
            self._starts[fate] = ("kx" + "".join(self.chance.choices(SYLLABLES, k=5)), "".join(self.chance.sample(HANZI, 5)),
                                  str(self.chance.randrange(10**7, 9 * 10**7)))
            self.of[fate] = set(self._starts[fate])
        return self._starts[fate]

    def row(self, key: str, fate: str, kind: str = "A", treated: str = "never") -> str:
        """A row whose shown cells have one fate, and the others another."""
        return (f"{key},{kind},{self.latin(fate)} {self.chinese(fate)},{self.number(treated)},"
                f"{self.latin(treated)}{self.chinese(treated)},{self.chinese(treated)}\n")


def product(name: str, tier: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "tier": tier, "purpose": "open_data", "columns": deepcopy(OPEN if tier == "unconditional" else ALL),
            "formats": ["csv", "parquet", "xlsx", "jsonl"], **more}


def closed() -> dict[str, dict[str, Any]]:
    """Products that are not open, by name."""
    return {"asked": product("asked", "restricted", conditions={"zh": "申请", "en": "Apply"}), "entry": product("entry", "prohibited"),
            "hidden": product("hidden", "prohibited", catalog_entry=False)}


def planted(city: Tiny, words: Words, name: str) -> None:
    """One dataset with products of every kind, three with one each; rows quarantined, and batches held."""
    city.declare(contract(f"parks.{name}", deepcopy(COLUMNS), title={"zh": f"{words.chinese('open')}名录", "en": words.latin("open")},
                          max_bad_percent=60.0, products=[product("main", "unconditional"), *closed().values()]))
    city.drop(f"{name}1.csv", HEADER + "".join(words.row(f"A{at}", "open") for at in range(3))
              + words.row("B1", "never", kind=words.latin("never")) + words.row("", "never"))
    for other, only in closed().items():
        city.declare(contract(f"parks.{other}_{name}", deepcopy(COLUMNS), products=[only]))
        city.drop(f"{other}_{name}1.csv", HEADER + "".join(words.row(f"C{at}", "never") for at in range(3)))
    city.declare(contract(f"parks.held_{name}", deepcopy(COLUMNS), products=[product("main", "unconditional")]))
    city.drop(f"held_{name}1.csv", f"{HEADER.strip()},{words.chinese('never')}\n{words.row('D1', 'never').strip()},{words.latin('never')}\n")


def names_of(name: str) -> list[str]:
    """Every product of the planted city."""
    return [f"parks.{name}.{one}" for one in ("main", "asked", "entry", "hidden")] + [
        f"parks.{one}_{name}.{one}" for one in ("asked", "entry", "hidden")] + [f"parks.held_{name}.main"]


def published(city: Tiny) -> dict[str, str]:
    city.run()
    way = city.way()
    found = applying.apply(way, [applying.plan_of(way, applying.named(way, [NAME])[0])])
    return {f"{item.dataset} {item.target}": f"{item.outcome} {item.note or ''}".strip() for item in found}


@pytest.fixture
def city(tmp_path: Path, portal_stack: PortalStack) -> Iterator[Tiny]:
    city = with_ckan(Tiny(tmp_path), portal_stack)
    city.become("bureau")
    (city.city / "datasets/parks/trees.odcs.yaml").unlink()
    yield city
    portal = ckan_of(with_ckan(city, portal_stack))
    for path in sorted((city.city / "datasets/parks").glob("*.odcs.yaml")):
        for identity in names_of(path.name.split(".")[0]):
            with suppress(TypeError):
                portal_stack.call("dataset_purge", {"id": portal.look(identity)["id"]})        # type: ignore[index]
    portal.purge()


# -- looking ------------------------------------------------------------------------------------------------------------

def kept(stack: PortalStack, words: set[str]) -> list[str]:
    """Places of the portal's inside in which one of the words is kept, as far as a reader of everything could find it."""
    return [*inside.where(inside.dumped(stack), words), *inside.where(inside.kept(stack), words), *inside.where(inside.redis(stack), words),
            *inside.where(inside.solr(stack, words), words), *inside.where(_cells(stack), words)]


def _cells(stack: PortalStack) -> inside.Found:
    """Cells of the packed files of the store."""
    for path in (stack.root / "storage/citylake").rglob("*"):
        if path.is_file() and path.read_bytes()[:4] == b"PAR1":
            yield "storage cells", json.dumps(pq.read_table(io.BytesIO(path.read_bytes())).to_pylist(), ensure_ascii=False, default=str).encode()


def shown(stack: PortalStack, words: set[str], identities: list[str], paths: set[str] | None = None) -> list[str]:
    """Addresses, of all that anybody could think of, at which one of the words is answered."""
    found = inside.where(((path, get(stack.url, path)[1]) for path in sorted(addresses(stack, identities) | (paths or set()))), words)
    for word in sorted(words):
        answer = act(stack, "package_search", q=f"text:{word}*" if word.isascii() else f'"{word}"', rows=1000)
        found += [f"package_search {package['citylake_id']}" for package in answer["results"]]
        found += [f"/dataset/ {package['name']}" for package in answer["results"] if f"/dataset/{package['name']}" in
                  get(stack.url, f"/dataset/?q={quote(word)}")[1].decode()]
    for identity in identities:
        rows = act(stack, "datastore_search", resource_id=table_id(identity), q={"seen": f"{max(filter(str.isascii, words))}:*"}, plain=False)
        found += [f"datastore_search {identity}"] if rows and rows["total"] else []
    return found


def addresses(stack: PortalStack, identities: list[str]) -> set[str]:
    found = {"/", "/en/", "/dataset/", "/statistics", "/developers", "/about", "/organization/parks", "/group/field-urban", "/feeds/dataset.atom",
             "/feeds/organization/parks.atom", "/catalog.jsonld", "/catalog.ttl", "/catalog.rdf", "/catalog.xml", "/sitemap.xml",
             "/api/3/action/package_search?rows=1000", "/api/3/action/package_search?rows=1000&fl=*&include_private=true",
             "/api/3/action/datastore_search?resource_id=_table_metadata", "/api/3/action/current_package_list_with_resources?limit=1000",
             "/api/3/action/recently_changed_packages_activity_list", "/api/3/action/package_activity_list"}
    for package in (act(stack, "package_search", rows=1000, fq="organization:parks") or {"results": []})["results"]:
        found |= {f"{prefix}/dataset/{package['name']}{end}" for prefix in ("", "/en") for end in ("", ".jsonld", ".ttl", ".rdf")}
        found |= {f"/dataset/activity/{package['name']}", f"/dataset/groups/{package['name']}", f"/api/3/action/package_show?id={package['name']}"}
        found |= {f"/data/{package['name']}/{release}/{package['citylake_id']}.{kind}" for release in ("r1", "r2", "latest")
                  for kind in ("csv", "parquet", "xlsx", "jsonl")}
        found |= {f"/dataset/{package['name']}/resource/{resource_id(package['citylake_id'], what)}" for what in ("table", "csv/", "parquet/")}
    for identity in identities:
        for table in (table_id(identity), staged_id(identity)):
            found |= {f"/datastore/dump/{table}", f"/datastore/dump/{table}?format=json", f"/api/3/action/datastore_search?resource_id={table}",
                      f"/api/3/action/datastore_info?id={table}", f"/api/3/action/resource_show?id={table}",
                      f"/api/3/action/datastore_search_sql?sql=SELECT%20*%20FROM%20%22{table}%22"}
    return found


# -- what may never be there --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("load", ["copy", "api"])
def test_no_word_of_what_is_not_open_is_in_the_portal(city: Tiny, portal_stack: PortalStack, load: str) -> None:
    with_ckan(city, portal_stack, copy=load == "copy")
    words, name = Words(), f"kanaria_{load}"
    if load == "api":
        (city.settings.secrets / f"{NAME}.database").unlink(missing_ok=True)
    assert ckan_of(city).tables._load.name == load
    planted(city, words, name)
    done = published(city)
    assert set(done.values()) == {"done"}
    assert len(done) == 6                                          # all but what is hidden; of what is held its metadata
    _went_where_the_test_believes(city, name)
    never, visible = words.of["never"], words.of["open"]
    assert words.made["never"] > 60
    if load == "copy":
        _seen_by_each_way(portal_stack, visible, names_of(name))
    assert kept(portal_stack, never) == []
    assert inside.where(inside.on_disk(portal_stack, ""), never) == []
    assert shown(portal_stack, never, names_of(name)) == []


def _seen_by_each_way(stack: PortalStack, visible: set[str], identities: list[str]) -> None:
    """Each way of looking finds what may be there."""
    places = kept(stack, visible)
    for seen in ("pg_dump datastore", "pg_dump ckan", "pg_stats datastore", "storage/citylake", "storage cells", "solr stored", "solr terms"):
        assert [place for place in places if place.startswith(seen)], seen
    assert inside.where(inside.on_disk(stack), visible)
    assert inside.where(inside.on_disk(stack, "pg_wal"), visible)
    answers = shown(stack, visible, identities)
    assert {f"package_search {identities[0]}", f"datastore_search {identities[0]}", "/feeds/dataset.atom"} <= set(answers)


def _went_where_the_test_believes(city: Tiny, name: str) -> None:
    journal = city.way().journal
    state = journal.state(f"parks.{name}")
    assert state.last["refine/"]["counts"] | {"rows": 3, "quarantined": 2} == state.last["refine/"]["counts"]
    assert {one: releases[-1].body["tier"] for one, releases in state.releases.items()} == {"main": "unconditional", "asked": "restricted"}
    assert [hold.findings[0]["rule"] for hold in journal.state(f"parks.held_{name}").holds.values()] == ["columns.unknown"]


# -- what was there and is gone -----------------------------------------------------------------------------------------

STONE = {"reason": "撤回的原因", "basis": "某条例", "date": "2026-11-24"}


TAKEN = ("withdrawn", "restricted", "hidden", "back")


def opened(city: Tiny, stack: PortalStack, words: Words) -> set[str]:
    """Four open products with two releases each and an alias of their tables; addresses at which a gone word answers then."""
    for name in TAKEN:
        title = {"zh": f"{name}名录", "en": name}
        city.declare(contract(f"parks.{name}", deepcopy(COLUMNS), title=title, products=[product("main", "unconditional")]))
        city.drop(f"{name}1.csv", HEADER + "".join(words.row(f"A{at}", "stays" if name == "back" else "gone") for at in range(3)))
    assert set(published(city).values()) == {"done"}
    for name in TAKEN:
        city.drop(f"{name}2.csv", HEADER + "".join(words.row(f"B{at}", "gone") for at in range(3)))
    assert set(published(city).values()) == {"done"}
    found = set()
    for name in TAKEN:
        table, package = table_id(f"parks.{name}.main"), (ckan_of(city).look(f"parks.{name}.main") or {})["name"]
        inside.query(stack, "datastore", f'CREATE VIEW "alias_{name}" AS SELECT * FROM "{table}"; ALTER VIEW "alias_{name}" OWNER TO ckan; '
                                         f'GRANT SELECT ON "alias_{name}" TO datastore_ro')
        found |= {f"/datastore/dump/alias_{name}", f"/api/3/action/datastore_search?resource_id=alias_{name}", f"/dataset/{package}?rows_q=kx"}
        found |= {f"/data/{package}/{release}/parks.{name}.main.{kind}" for release in ("r2", "latest") for kind in ("csv", "jsonl")}
        found |= {f"/data/{package}/r1/parks.{name}.main.{kind}" for kind in ("csv", "jsonl") if name != "back"}
    return found


def test_what_was_taken_off_answers_nowhere_and_is_kept_nowhere(city: Tiny, portal_stack: PortalStack) -> None:
    words, identities = Words(), [f"parks.{name}.main" for name in TAKEN]
    paths = opened(city, portal_stack, words)
    gone = words.of["gone"]
    assert paths <= set(shown(portal_stack, gone, identities, paths))
    assert {"storage cells", "pg_dump datastore", "pg_stats datastore"} <= set(kept(portal_stack, gone))

    way = city.way()
    withdraw(way, way.contract("parks.withdrawn"), "main", STONE, portals_of(way), "bureau")
    rollback(way, way.contract("parks.back"), "main", 1, "A wrong list", portals_of(way), "bureau")
    for name, tier in (("restricted", "asked"), ("hidden", "hidden")):
        title = {"zh": f"{name}名录", "en": name}
        city.declare(contract(f"parks.{name}", deepcopy(COLUMNS), title=title, products=[{**closed()[tier], "name": "main"}]))
    city.run()
    assert shown(portal_stack, gone, identities, paths) == []
    assert kept(portal_stack, gone) == []
    assert STONE["reason"] in get(portal_stack.url, f"/dataset/{(ckan_of(city).look(identities[0]) or {})['name']}")[1].decode()
    assert (ckan_of(city).look("parks.restricted.main") or {})["shown"] == "metadata"
    assert ckan_of(city).look("parks.hidden.main") is None
    assert inside.where([("back", get(portal_stack.url, f"/datastore/dump/{table_id(identities[3])}")[1])], words.of["stays"])
    assert verify(city.way()) == []
    _left_on_the_disk(portal_stack, gone)


def _left_on_the_disk(stack: PortalStack, gone: set[str]) -> None:
    """What docs/deploy.md says of it: dead rows of the planner's statistics, and the log of what was written, until these commands."""
    statistics = inside.query(stack, "datastore", "SELECT pg_relation_filepath('pg_statistic')").decode().strip()
    assert set(inside.where(inside.on_disk(stack), gone)) <= {f"disk {statistics}"}
    inside.query(stack, "datastore", "VACUUM FULL pg_statistic")
    inside.query(stack, "datastore", "SELECT pg_switch_wal()")
    assert inside.where(inside.on_disk(stack, ""), gone) == []
