"""Tables on the portal: exchanged whole under readers, dumped with every digit, purged."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import ckanapi
import pytest
import requests
from publishing import COLUMNS, EXACT, Product, Site, content, file_path, metadata, rows_of, sha
from stacking import PortalStack

from catalog.ckan import fields, staged_id

pytest_plugins = ["publishing"]
pytestmark = pytest.mark.portal


def test_a_swap_is_exact(site: Site, make: Callable[..., Product]) -> None:
    product = make()
    site.publisher.call("datastore_create", resource_id=product.table, aliases=[f"alias_{product.name[-6:]}"], force=True)
    assert site.anonymous.call("datastore_search", resource_id=product.table)["total"] == 3
    assert product.load(rows_of("新", 5), mark="m2")["rows"] == 5
    found = site.anonymous.call("datastore_search", resource_id=product.table)
    assert (found["total"], [row["station"] for row in found["records"]]) == (5, [f"新{number}" for number in range(5)])
    info = site.anonymous.call("datastore_info", id=product.table)
    assert info["meta"]["count"] == 5
    assert [one["info"]["label"] for one in info["fields"]] == ["站点名称", "所属区县", "金额"]
    assert info["fields"][2]["info"] == {"label": "金额", "label_en": "Amount", "unit": "元"} | {"notes": ""}
    assert site.anonymous.call("datastore_search", resource_id=f"alias_{product.name[-6:]}")["total"] == 5
    assert site.publisher.call("citylake_table_show", resource_id=product.table) == {"exists": True, "mark": "m2", "info_mark": "i1", "rows": 5}
    staged = staged_id(product.item.id)
    assert not site.publisher.call("citylake_table_show", resource_id=staged)["exists"]
    flags = {one: site.publisher.call("resource_show", id=one)["datastore_active"] for one in (product.table, staged)}
    assert flags == {product.table: True, staged: False}
    again = site.publisher.call("citylake_table_swap", resource_id=product.table, staged=staged, mark="m2", info_mark="i1")
    assert again == {"rows": 5, "lock_ms": 0}
    with pytest.raises(ckanapi.NotFound):
        site.publisher.call("citylake_table_swap", resource_id=product.table, staged=staged, mark="m3", info_mark="i1")


def test_indexes_are_not_made_twice(site: Site, make: Callable[..., Product], portal_stack: PortalStack) -> None:
    product = make()
    for mark in ("m2", "m3"):
        product.load(rows_of("新"), mark=mark)
    before = site.anonymous.call("datastore_info", id=product.table)
    site.publisher.call("datastore_create", resource_id=product.table, fields=fields(COLUMNS), force=True)
    assert site.anonymous.call("datastore_info", id=product.table)["meta"]["idx_size"] == before["meta"]["idx_size"]
    marked = site.publisher.call("citylake_table_mark", resource_id=product.table, mark="m3", info_mark="i2")
    assert marked == {"exists": True, "mark": "m3", "info_mark": "i2", "rows": 3}


def test_the_loading_account_cannot_write_what_is_shown(site: Site, make: Callable[..., Product], portal_stack: PortalStack) -> None:
    psycopg = pytest.importorskip("psycopg")
    product = make()
    staged = product.stage(rows_of("甲"))
    insert = "INSERT INTO \"{}\" (station) VALUES ('直接')"
    with psycopg.connect(portal_stack.database, autocommit=True) as connection:
        connection.execute(insert.format(staged))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(insert.format(product.table))
    assert site.publisher.call("citylake_table_swap", resource_id=product.table, staged=staged, mark="m", info_mark="i")["rows"] == 4


def test_a_reader_sees_all_old_or_all_new_rows(site: Site, make: Callable[..., Product]) -> None:
    product = make()
    product.load(rows_of("版0-", 40))
    seen, ended = set(), threading.Event()

    def read() -> None:
        with requests.Session() as session:
            while not ended.is_set():
                answer = session.post(f"{site.url}/api/3/action/datastore_search", json={"resource_id": product.table, "limit": 100}, timeout=60)
                found = answer.json()["result"]
                made_by = frozenset(row["station"].split("-")[0] for row in found["records"])
                seen.add((answer.status_code, found["total"], len(found["records"]), made_by))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 7):
        product.load(rows_of(f"版{number}-", 40 + number), mark=f"m{number}")
    ended.set()
    reader.join()
    assert seen <= {(200, 40 + number, 40 + number, frozenset([f"版{number}"])) for number in range(7)}
    assert len(seen) > 2


@pytest.mark.parametrize("kind", ["csv", "tsv", "json", "xml"])
def test_a_dump_has_every_digit_and_physical_names(site: Site, product: Product, kind: str) -> None:
    found = site.anonymous.get(f"/datastore/dump/{product.table}?format={kind}")
    assert found.status_code == 200
    assert found.text.count(EXACT) == 3
    assert "station" in found.text
    assert "_id" not in found.text.replace("district_id", "")
    assert len(found.content) == int(found.headers["Content-Length"])


def test_the_api_has_every_digit(site: Site, product: Product) -> None:
    for given in ({}, {"records_format": "lists"}, {"records_format": "csv"}):
        found = requests.post(f"{site.url}/api/3/action/datastore_search", json={"resource_id": product.table, **given}, timeout=60)
        assert found.text.count(EXACT) == 3
    for name in ("resource_id", "id"):
        assert site.anonymous.get(f"/api/3/action/datastore_search?{name}={product.table}").text.count(EXACT) == 3
    assert site.anonymous.get("/api/3/action/datastore_search?resource_id=").status_code == 409
    assert site.anonymous.get("/api/3/action/datastore_search?resource_id=nothing").status_code == 404


def test_a_dump_takes_ckans_parameters(site: Site, product: Product) -> None:
    path = f"/datastore/dump/{product.table}"
    lines = site.anonymous.get(f"{path}?bom=true&limit=2&offset=1").content.decode().splitlines()
    assert lines == ["\ufeffstation,district,amount", f"固定1,330102,{EXACT}", f"固定2,330102,{EXACT}"]
    some = site.anonymous.get(path, params=None)
    assert some.status_code == 200
    assert site.anonymous.get(f'{path}?fields=station&filters={{"station":"固定1"}}').content.decode().splitlines() == ["station", "固定1"]
    assert site.anonymous.get(f"{path}?sort=station desc&fields=station").content.decode().splitlines()[1] == "固定2"
    assert json.loads(site.anonymous.get(f"{path}?format=json&limit=0").content)["records"] == []
    assert site.anonymous.get(f"{path}?format=pdf").status_code == 400
    assert site.anonymous.get(f"{path}?sort=nothing").status_code == 400


def test_purge_leaves_what_is_open(site: Site, make: Callable[..., Product]) -> None:
    stays, closes = make(), make()
    closes.stage(rows_of("剩"))
    closes.show(metadata(closes))
    found = site.publisher.call("citylake_purge")
    assert found["tables"] >= 2
    assert found["files"] >= 1
    gone = site.publisher.call("citylake_file_status", sha256=sha(content(closes.item.id)))
    assert gone == {sha(content(closes.item.id)): {"size": 0, "complete": False}}
    assert site.anonymous.get(file_path(stays)).status_code == 200
    assert site.anonymous.call("datastore_search", resource_id=stays.table)["total"] == 3
    assert site.publisher.call("citylake_purge") == {"files": 0, "tables": 0}
