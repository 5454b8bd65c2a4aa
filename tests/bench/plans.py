"""A plan over very many datasets: how many requests it makes, and how long it takes beside a bare loop of `package_show`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import ckanapi
import requests
from bench.site import DATASETS, NAME, Site
from portals import with_ckan
from recording import Recorder
from tiny import contract

from catalog.ckan_names import slug
from pipelines.applying import plan_of
from pipelines.pages import item
from pipelines.portals import Item
from pipelines.portals.ckan.portal import CkanPortal
from pipelines.portals.listed import portals_of
from pipelines.way import Way

LIMIT = 1.0      # read requests a dataset


def measure(site: Site) -> bool:
    """Prints requests and times; whether no dataset cost more than one request, and none was written."""
    names = [f"parks.d{number:04d}" for number in range(DATASETS)]
    for number, name in enumerate(names):
        site.city.declare(contract(name, title={"zh": f"第{number}号公园植物名录", "en": f"Plants of park {number}"}))
    at = time.perf_counter()
    way = site.city.way()
    print(f"   {DATASETS:,} contracts read in {time.perf_counter() - at:.1f} s", flush=True)
    items = _items(way, names)
    before = _counted(site, names[::10], 1)
    _publish(way, items)
    after = _counted(site, names, 0)
    portal = _portal(way)
    portal.client.check()
    at = time.perf_counter()
    found = plan_of(way, portal, names)
    seconds = time.perf_counter() - at
    bare = _bare(site, items[::5])
    print(f"   plan {seconds:.1f} s, {len(found.actions)} actions; a dataset {seconds / DATASETS * 1000:.1f} ms, by a bare package_show "
          f"{bare * 1000:.1f} ms: ratio {seconds / DATASETS / bare:.2f} (no limit)")
    print(f"ratio {max(before, after):.2f} (at most {LIMIT})   read requests to datasets: {before:.2f} with nothing published, {after:.2f} with all",
          flush=True)
    return max(before, after) <= LIMIT


def _items(way: Way, names: Iterable[str]) -> list[Item]:
    found = []
    for name in names:
        declared, state = way.contract(name), way.journal.state(name)
        found += [item(way, declared, product, state) for product in declared.products]
    return found


def _portal(way: Way) -> CkanPortal:
    found = next(portal for portal in portals_of(way) if portal.name == NAME)
    assert isinstance(found, CkanPortal)
    return found


def _publish(way: Way, items: list[Item]) -> None:
    """The packages as the publisher writes them, two at a time, without the journal."""
    at = time.perf_counter()

    def create(half: list[Item]) -> None:
        packages = _portal(way).packages
        for one in half:
            packages.create(one, private=False)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(create, (items[::2], items[1::2])))
    print(f"   {len(items):,} packages created in {time.perf_counter() - at:.0f} s", flush=True)


def _counted(site: Site, names: list[str], actions: int) -> float:
    """Read requests a dataset, as a proxy saw them; the client must say the same. `actions` a dataset are expected."""
    recorder = Recorder(site.stack.url)
    try:
        way = with_ckan(site.city, site.stack, url=recorder.url).way()
        portal = _portal(way)
        portal.client.check()                 # what a process asks once, whatever it plans
        known = sum(portal.client.calls.values())
        recorder.take()
        found = plan_of(way, portal, names)
        reads, writes = recorder.take()
        assert (len(found.actions), writes) == (actions * len(names), [])
        assert len(reads) == sum(portal.client.calls.values()) - known
        return len(reads) / len(names)
    finally:
        recorder.close()
        with_ckan(site.city, site.stack)


def _bare(site: Site, items: list[Item]) -> float:
    """Seconds a dataset."""
    session = requests.Session()
    session.trust_env = False
    ckan = ckanapi.RemoteCKAN(site.stack.url, apikey=site.portal._secret("token"), session=session)
    at = time.perf_counter()
    for one in items:
        ckan.action.package_show(id=slug(one.page["title"]["zh"], one.id))
    return (time.perf_counter() - at) / len(items)
