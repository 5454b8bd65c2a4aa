"""The city of a thousand canaries on a real CKAN: none is in any byte that it keeps, indexes, logs, caches or answers.

Looked for with the same hunt as on the folder portal, whole and in part and in every coding; each way of looking must find what may be there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import inside
import pytest
from canaries import KINDS, Canary, Hunt, parts_of, unpacked
from planting import OPEN, Planting
from portals import NAME, act, ckan_of, get, with_ckan
from stacking import PortalStack
from test_pipelines_leak import in_folder, kept_only_where_it_may_be, planted, went_where_the_test_believes
from test_portal_canary import addresses

from catalog.ckan import table_id
from pipelines import applying

pytestmark = [pytest.mark.portal, pytest.mark.slow, pytest.mark.usefixtures("umask")]
SHOWN, ROW, TITLE = (Canary("name", "open", "may be seen", value) for value in (OPEN, f"{OPEN}C0", "notes数据"))
PLACES = ("pg_dump datastore", "pg_stats datastore", "disk base", "disk pg_wal", "storage/citylake", "/data/", "/datastore/dump/", "/dataset/",
          "/api/3/action/datastore_search?", "pg_dump ckan", "solr stored", "solr terms", "/catalog.jsonld", "/feeds/")
SOLR = 50                # words that one question to Solr is about


@pytest.fixture
def plant(tmp_path: Path, portal_stack: PortalStack) -> Iterator[Planting]:
    plant = planted(tmp_path)
    with_ckan(plant.city, portal_stack)
    plant.city.become("bureau")
    yield plant
    portal = ckan_of(plant.city)
    for identity in products(plant):
        with suppress(TypeError):
            portal_stack.call("dataset_purge", {"id": portal.look(identity)["id"]})        # type: ignore[index]
    portal.purge()


def products(plant: Planting) -> list[str]:
    return sorted(f"{contract.id}.{product.name}" for contract in plant.city.way().city.contracts.values() for product in contract.products)


def test_nothing_leaks_on_the_way_to_a_real_ckan(plant: Planting, portal_stack: PortalStack) -> None:
    city, laid = plant.city, plant.nest.laid
    city.run()
    way = city.way()
    done = {f"{item.dataset} {item.target}": item.outcome for item in applying.apply(way, [applying.plan_of(way, applying.named(way, [NAME])[0])])}
    assert set(done.values()) == {"done"}
    assert len(done) >= 10
    went_where_the_test_believes(plant)
    everything = [*kept(portal_stack), *terms(portal_stack), *answered(portal_stack, products(plant))]
    seen = Hunt([SHOWN, TITLE]).told(everything)
    assert [place for place in PLACES if not any(one.startswith(place) for one in seen)] == []
    assert Hunt(laid).told(everything) == {}
    assert asked_of_solr(portal_stack, [TITLE]) == {"name"}
    assert asked_of_solr(portal_stack, laid) == set()
    assert set(searched(portal_stack, [TITLE, ROW], products(plant))) == {"package_search name", "datastore_search parks.notes.main name"}
    assert searched(portal_stack, one_of_each(laid), products(plant)) == []          # last: CKAN logs what it is asked
    assert in_folder(city.settings.site, laid) == {}
    kept_only_where_it_may_be(plant)


def kept(stack: PortalStack) -> Iterator[tuple[str, bytes]]:
    """All that the portal's parts keep; what is packed is unpacked."""
    for place, data in (*inside.dumped(stack), *inside.on_disk(stack, ""), *inside.kept(stack), *inside.redis(stack), *inside.solr(stack, ())):
        yield place, data
        name, mark, content = data.partition(b"\n")
        if mark and len(name) < 256:
            yield from ((place, one) for one in unpacked(content) if one is not content)


def answered(stack: PortalStack, identities: list[str]) -> Iterator[tuple[str, bytes]]:
    """What anybody gets at every address: pages, feeds, DCAT, previews, dumps, downloads."""
    for path in sorted(addresses(stack, identities)):
        status, body = get(stack.url, path)
        if status == 200:
            yield from ((path, one) for one in unpacked(body))


def terms(stack: PortalStack) -> Iterator[tuple[str, bytes]]:
    """Every term of every field of Solr's index."""
    fields = json.loads(inside.solr_ask(stack, "admin/luke?fl=*&numTerms=1000000&wt=json"))["fields"]
    yield from ((f"solr terms {name}", json.dumps(found.get("topTerms"), ensure_ascii=False).encode()) for name, found in fields.items())


def asked_of_solr(stack: PortalStack, canaries: Iterable[Canary]) -> set[str]:
    """Kinds of the canaries that a phrase of the index's terms spells, in any field: Chinese words are cut into terms."""
    fields = " ".join(sorted(json.loads(inside.solr_ask(stack, "admin/luke?numTerms=0&wt=json"))["fields"]))
    words = [(one.kind, word) for one in canaries for word in {one.value, *parts_of(one.kind, one.value)} if not word.isascii()]
    found = set()
    for at in range(0, len(words), SOLR):
        if _known(stack, fields, [word for _, word in words[at:at + SOLR]]):
            found |= {kind for kind, word in words[at:at + SOLR] if _known(stack, fields, [word])}
    return found


def _known(stack: PortalStack, fields: str, words: list[str]) -> bool:
    phrases = " OR ".join(json.dumps(word, ensure_ascii=False) for word in words)
    asked = inside.solr_ask(stack, "select", f"q={quote(phrases)}&defType=edismax&qf={quote(fields)}&rows=0&wt=json")
    return bool(json.loads(asked)["response"]["numFound"])


def one_of_each(canaries: Iterable[Canary]) -> list[Canary]:
    """One admitted canary of every kind."""
    found = {one.kind: one for one in canaries if one.fate == "admitted"}
    assert set(found) == set(KINDS)
    return list(found.values())


def searched(stack: PortalStack, canaries: Iterable[Canary], identities: list[str]) -> list[str]:
    """Where anybody who knows a value finds it by asking: datasets, and rows of tables."""
    found = []
    tables = [identity for identity in identities if act(stack, "datastore_search", resource_id=table_id(identity), limit=0)]
    for one in canaries:
        found += [f"package_search {one.kind}" for _ in act(stack, "package_search", q=f'"{one.value}"', rows=10)["results"]]
        for identity in tables:
            rows = act(stack, "datastore_search", resource_id=table_id(identity), q=one.value, limit=1)
            found += [f"datastore_search {identity} {one.kind}"] if rows and rows["total"] else []
    return found
