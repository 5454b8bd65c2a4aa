"""Speed of loading through the API, against a bare loop of `datastore_upsert` with the same rows already in memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import ckanapi
import pyarrow.parquet as pq
import requests
from bench.site import CALLS, ZONE, Site, parquet_of

from pipelines.portals import Item
from pipelines.portals.ckan.loading import CALL, ApiLoad, rows_of
from pipelines.portals.ckan.tables import Tables

LIMIT = 0.9


def measure(site: Site) -> bool:
    """Prints the ratio of speeds; whether it keeps its limit."""
    item, bare = site.item("called", CALL), site.item("bare", 1)
    load, records = ApiLoad(site.portal.client), _records(item)
    tables = Tables(site.portal.client, load, ZONE)
    places, ckan = (tables._room(item), tables._room(bare)), _ckan(site)
    sides: tuple[Callable[[], Any], ...] = (
        lambda: load.fill(places[0], rows_of(item.page, item.files, ZONE)),
        lambda: ckan.action.datastore_upsert(resource_id=places[1], method="insert", force=True, records=records))
    spent: tuple[list[float], ...] = ([], [])
    for number in range(CALLS):      # call by call in turns, since the machine does other things too
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            at = time.perf_counter()
            sides[side]()
            spent[side].append(time.perf_counter() - at)
    ours, raw = map(median, spent)
    print(f"   ours {CALL / ours:,.0f} rows a second, bare {CALL / raw:,.0f}: medians of {CALLS} calls each, {CALL:,} rows a call")
    print(f"ratio {raw / ours:.2f} (at least {LIMIT})   speed of the API strategy to bare calls", flush=True)
    return raw / ours >= LIMIT


def _records(item: Item) -> list[dict[str, Any]]:
    def plain(value: Any) -> Any:
        return value if value is None or isinstance(value, int | str) else str(value)

    return [{name: plain(value) for name, value in row.items()} for row in pq.read_table(parquet_of(item)).to_pylist()]


def _ckan(site: Site) -> Any:
    session = requests.Session()
    session.trust_env = False
    return ckanapi.RemoteCKAN(site.portal.url, apikey=site.portal._secret("token"), session=session)
