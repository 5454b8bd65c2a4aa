"""Files on the portal: arriving in pieces, served by what the page names, latest and older releases, purged."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import ckanapi
import pytest
from publishing import Product, Site, content, file_path, page, sha

from pipelines.portals import Item

pytest_plugins = ["publishing"]
pytestmark = pytest.mark.portal


def append(site: Site, body: bytes, offset: int, part: bytes, of: str | None = None) -> dict[str, Any]:
    given = {"sha256": of or sha(body), "size": len(body), "offset": offset}
    return dict(site.publisher.call("citylake_file_append", **given, files={"upload": io.BytesIO(part)}))


def test_a_file_arrives_in_pieces_and_only_whole(site: Site) -> None:
    body = uuid4().bytes * 40_000
    assert append(site, body, 0, body[:300_000]) == {"size": 300_000, "complete": False}
    for offset in (0, 299_999, 300_001):
        with pytest.raises(ckanapi.ValidationError) as refused:
            append(site, body, offset, body[offset:])
        assert "offset" in refused.value.error_dict
    with pytest.raises(ckanapi.ValidationError) as refused:
        append(site, body, 300_000, body[300_000:] + b"x")
    assert "size" in refused.value.error_dict
    assert site.publisher.call("citylake_file_status", sha256=[sha(body)]) == {sha(body): {"size": 300_000, "complete": False}}
    assert append(site, body, 300_000, body[300_000:]) == {"size": len(body), "complete": True}
    assert append(site, body, 0, body) == {"size": len(body), "complete": True}


def test_wrong_bytes_are_refused_and_gone(site: Site) -> None:
    body = uuid4().bytes
    with pytest.raises(ckanapi.ValidationError) as refused:
        append(site, body, 0, body[::-1])
    assert "sha256" in refused.value.error_dict
    assert site.publisher.call("citylake_file_status", sha256=sha(body))[sha(body)] == {"size": 0, "complete": False}
    for name in ("../../etc/passwd", "A" * 64, "0" * 63):
        with pytest.raises(ckanapi.ValidationError):
            append(site, body, 0, body, of=name)


def test_an_empty_file_is_a_file(site: Site) -> None:
    assert append(site, b"", 0, b"") == {"size": 0, "complete": True}


def test_a_file_is_served_as_it_is(site: Site, product: Product) -> None:
    whole = site.anonymous.get(file_path(product))
    assert (whole.status_code, whole.content) == (200, content("固定"))
    assert whole.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert whole.headers["ETag"] == f'"{sha(content("固定"))}"'
    assert product.item.id in whole.headers["Content-Disposition"]
    assert {"max-age=0", "must-revalidate"} <= set(whole.headers["Cache-Control"].split(", "))
    part = site.anonymous.get(file_path(product), Range="bytes=5-14")
    assert (part.status_code, part.content) == (206, content("固定")[5:15])
    assert site.anonymous.get(file_path(product), **{"If-None-Match": whole.headers["ETag"]}).status_code == 304
    head = site.anonymous.get(file_path(product), "HEAD")
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, str(len(content("固定"))), b"")
    assert site.anonymous.get(f"/en{file_path(product)}").content == content("固定")


@pytest.mark.parametrize("path", ["r2/{id}.csv", "r1/{id}.parquet", "r1/", "r1/../r1/x", "latest/xlsx", "latest/", "r1/{sha}", "r1/%2e%2e/{id}"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_page_does_not_name_is_not_there(site: Site, product: Product, path: str, method: str) -> None:
    found = site.anonymous.get(f"/data/{product.name}/{path.format(id=product.item.id, sha=sha(content('固定')))}", method)
    assert found.status_code == 404


@pytest.mark.parametrize("wanted", ["csv", "ext.fixed.main.csv"])
def test_latest_leads_to_the_newest_release(site: Site, product: Product, wanted: str) -> None:
    found = site.anonymous.get(f"/data/{product.name}/latest/{wanted}")
    assert found.status_code == 302
    assert found.headers["Location"].endswith(file_path(product))


def test_older_releases_answer_while_the_page_lists_them(site: Site, make: Callable[..., Product]) -> None:
    product = make()
    first = product.item.page
    body = content("第二版")
    second = page(product.item.id, "公交站点", {f"{product.item.id}.csv": body}, "r2")
    product.send(body)
    product.show(Item(product.item.id, "open", {**second, "releases": [*second["releases"], *first["releases"]]}))
    assert site.anonymous.get(file_path(product, "r2")).content == body
    assert site.anonymous.get(file_path(product, "r1")).content == content(product.item.id)
    product.show(Item(product.item.id, "open", {**second, "releases": [*second["releases"], {**first["releases"][0], "files": []}]}))
    assert site.anonymous.get(file_path(product, "r1")).status_code == 404
    before = site.publisher.call("citylake_file_status", sha256=[sha(content(product.item.id)), sha(body)])
    assert all(one["complete"] for one in before.values())
    site.publisher.call("citylake_purge")
    after = site.publisher.call("citylake_file_status", sha256=[sha(content(product.item.id)), sha(body)])
    assert after == {sha(content(product.item.id)): {"size": 0, "complete": False}, sha(body): {"size": len(body), "complete": True}}


def test_a_chinese_file_name(site: Site, make: Callable[..., Product]) -> None:
    product = make()
    body = content(product.item.id)
    named = page(product.item.id, "公交站点", {"站点 表.csv": body})
    product.show(Item(product.item.id, "open", named))
    found = site.anonymous.get(f"/data/{product.name}/r1/站点 表.csv")
    assert (found.status_code, found.content) == (200, body)
    assert "filename*=UTF-8''%E7%AB%99%E7%82%B9%20%E8%A1%A8.csv" in found.headers["Content-Disposition"]
