"""Finding datasets in Chinese: parts of titles, departments, columns, punctuation, order; no query fails."""

from __future__ import annotations

import json

import pytest
import requests
from publishing import Product, Site, closed, content, page, sha

from pipelines.portals import Item

pytest_plugins = ["publishing"]
pytestmark = pytest.mark.portal


FOUND = [
    ("自行车站", ["主城区公共自行车站点（2024年）"]), ("城区公共", ["主城区公共自行车站点（2024年）"]), ("铁", ["地铁客流量统计"]),
    ("客流", ["地铁客流量统计"]), ("２０２４年", ["主城区公共自行车站点（2024年）"]), ("2024", ["主城区公共自行车站点（2024年）"]),
    ("自行车，站点", ["主城区公共自行车站点（2024年）"]), ("《自行车》、（站点）。", ["主城区公共自行车站点（2024年）"]), ("公共图书馆", []),
    ("博物馆；图书馆", ["图书馆、博物馆名录"]), ("pm2.5 监测", ["空气质量PM2.5监测数据"]), ("pm2.5监测", ["空气质量PM2.5监测数据"]),
    ("企业 登记 就业", []), ("企业　登记", ["重点企业登记信息（2023年）"]), ("站点名称", ["主城区公共自行车站点（2024年）"]),
    ("名称所属", []), ("站点·自行车", ["主城区公共自行车站点（2024年）"]),
    ("admin_divisions", ["主城区公共自行车站点（2024年）"]), ("District", ["主城区公共自行车站点（2024年）"]),
    ("登记 -企业", []),
    ("监测 -企业", ["空气质量PM2.5监测数据"]), ("“公共自行车”", ["主城区公共自行车站点（2024年）"]), ("ext.found3.main", ["空气质量PM2.5监测数据"]),
    ("title:地铁", ["地铁客流量统计"]), ("统计：地铁", ["地铁客流量统计"]), ("企业 AND 登记", ["重点企业登记信息（2023年）"]),
    ("(((地铁", ["地铁客流量统计"]), ("\"地铁", ["地铁客流量统计"]), ("地铁 ++", ["地铁客流量统计"]), ("10:30 地铁", []),
    ("地铁!", ["地铁客流量统计"]),
]


@pytest.mark.parametrize(("query", "wanted"), FOUND)
def test_chinese_search(site: Site, titles: dict[str, str], query: str, wanted: list[str]) -> None:
    found = site.anonymous.call("package_search", q=query, rows=100, fq=f"name:({' '.join(titles.values())})")
    assert sorted(one["title"] for one in found["results"]) == sorted(wanted)


@pytest.mark.parametrize("query", ["杭州市交通运输局", "交通运输", "Hangzhou Transport Bureau", "城市建设"])
def test_a_department_or_a_field_finds_its_datasets(site: Site, titles: dict[str, str], query: str) -> None:
    found = site.anonymous.call("package_search", q=query, rows=100, fq=f"name:({' '.join(titles.values())})")
    assert {one["name"] for one in found["results"]} == set(titles.values())


@pytest.mark.parametrize("query", ["(((", '"', "AND", "NOT", "a:b:c", "++", "[", "\\", "？", "*", "!", "{", "时间:10"])
def test_no_query_of_a_reader_fails(site: Site, titles: dict[str, str], query: str) -> None:
    if query != "a:b:c":
        site.anonymous.call("package_search", q=query)
    assert site.anonymous.get(f"/dataset/?q={requests.utils.quote(query)}").status_code == 200


def test_titles_are_in_the_order_of_their_pinyin(site: Site, titles: dict[str, str]) -> None:
    found = site.anonymous.call("package_search", sort="title_string asc", rows=100, fq=f"name:({' '.join(titles.values())})")
    assert [one["title"][:2] for one in found["results"]] == ["北京", "地铁", "空气", "图书", "重点", "主城"]


def test_facets_and_long_texts(site: Site, titles: dict[str, str]) -> None:
    long = Product(site, Item("ext.long.main", "metadata", {**closed(page("ext.long.main", "很长", {})), "legal_basis": "依据" * 20_000}))
    long.create()
    found = site.anonymous.call("package_search", rows=0, **{"facet.field": ["tier", "vocab_formats", "update_every", "res_format", "groups"]})
    counts = {key: {one["name"]: one["count"] for one in facet["items"]} for key, facet in found["search_facets"].items()}
    assert counts["tier"]["restricted"] >= 6
    assert counts["vocab_formats"]["csv"] >= 1
    assert counts["update_every"]["daily"] >= 7
    assert site.anonymous.call("package_search", q="依据", fq=f"name:{long.name}")["count"] == 1


def test_the_page_is_not_searched(site: Site, product: Product) -> None:
    for query in ("Shangcheng", sha(content("固定")), "quarantined"):
        assert site.anonymous.call("package_search", q=query, fq=f"name:{product.name}")["count"] == 0
    shown = json.dumps(site.anonymous.call("package_search", q="*:*", fl="*", rows=100)["results"])
    assert "permission_labels" not in shown
