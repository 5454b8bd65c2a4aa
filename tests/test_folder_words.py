"""What the folder portal says of a city that lives: days in its zone, changes in words, both languages, in the documented order."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from folder_pages import Made
from stacking import CHECKOUT
from tiny import Tiny, contract
from tiny import column as declared

from catalog.loader import load_city
from catalog.wording import wording
from pipelines.portals import telling

pytest_plugins = ["folder_pages"]
ATOM = "{http://www.w3.org/2005/Atom}"
EVENING = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)          # the 24th in the city
HEAD = "编号,类别,高度,备注\n"
PAGE = "datasets/parks.trees.html"


def trees(tier: str = "unconditional") -> dict[str, Any]:
    rule = {"id": "noted", "metric": "nullValues", "mustBeLessOrEqualTo": 90, "unit": "percent", "dimension": "completeness",
            "severity": "warning", "description": "每棵树都有备注。is noted for every tree"}
    columns = [declared("id", "text", "编号", key=1, required=True, label_en="Number"),
               declared("kind", "text", "类别", codes="kinds", label_en="Kind"),
               declared("height", "decimal(6,2)", "高度", unit="m", label_en="Height"),
               declared("note", "text", "备注", "L2", label_en="Remark", quality=[rule])]
    made = contract(columns=columns)
    ours = made["customProperties"][0]["value"]
    ours |= {"merge": "snapshot", "max_bad_percent": 40, "volume": {"max_shrink": 0.9}}
    ours["products"][0] |= {"tier": tier, "conditions": {"zh": "限科研", "en": "Research only"}}
    return made


@dataclass
class Lived:
    city: Tiny

    def text(self, name: str) -> str:
        return (self.city.settings.site / "current" / name).read_text(encoding="utf-8-sig")

    def entries(self, name: str = "feed.xml") -> dict[str, tuple[str, str]]:
        """Id → moment and summary."""
        found = ET.fromstring(self.text(name).encode())
        return {str(one.findtext(f"{ATOM}id")).removeprefix("urn:citylake:parks.trees.main:"):
                (str(one.findtext(f"{ATOM}updated")), str(one.findtext(f"{ATOM}summary"))) for one in found.iter(f"{ATOM}entry")}


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Two releases, the second a day later with a row added, one changed (told twice in one file) and one gone."""
    city = Tiny(tmp_path_factory.mktemp("lived"))
    city.declare(trees())
    city.now = EVENING
    city.drop("trees1.csv", HEAD + "T1,A,3.5,好\nT2,B,2.25,好\nT3,A,1,好\nT4,C,1,好\n")
    city.run()
    city.now = EVENING + timedelta(days=1)
    city.drop("trees2.csv", HEAD + "T1,A,3.5,好\nT2,B,2.40,好\nT2,B,2.50,好\nT5,A,1,\n")
    city.run()
    return Lived(city)


def test_every_day_is_the_city_s_and_of_one_form(lived: Lived) -> None:
    assert lived.text("index.html").count("2026-11-25") >= 2
    assert "2026-11-24" in lived.text(PAGE)
    for name in (PAGE, "status.html", "statistics.html", "departments.html", "catalog.html", "index.html"):
        assert "2026-11-23" not in lived.text(name), name
    assert [row["发布日期"] for row in csv.DictReader(io.StringIO(lived.text("catalog.csv")))] == ["2026-11-25"]
    assert {moment[:11] + moment[-6:] for moment, _ in lived.entries().values()} == {"2026-11-24T+08:00", "2026-11-25T+08:00"}


def test_the_feed_and_the_versions_say_what_changed(lived: Lived) -> None:
    chinese, english = lived.entries(), lived.entries("en/feed.xml")
    assert chinese["r2"][1] == "3 行。与 r1 相比：新增 1 行，修改 1 行，删除 1 行"
    assert english["r2"][1] == "3 rows. Since r1: rows added 1, changed 1, removed 1"
    assert (chinese["r1"][1], english["r1"][1]) == ("3 行。首次发布", "3 rows. First release")
    for way, told in (("", chinese), ("en/", english)):
        assert all(summary in lived.text(way + PAGE) for _, summary in told.values())


def test_the_catalog_as_csv_is_in_the_language_of_the_file(lived: Lived) -> None:
    chinese, english = (next(csv.DictReader(io.StringIO(lived.text(name)))) for name in ("catalog.csv", "en/catalog.csv"))
    assert (chinese["信息项"], chinese["信息资源格式"]) == ("编号（文本）；类别（文本）；高度（小数）", "CSV、Parquet")
    assert (english["items"], english["share_type"], english["update_cycle"], english["provider"]) == (
        "Number (text); Kind (text); Height (decimal number)", "shared unconditionally", "daily", "Parks")
    assert not re.search("[\u4e00-\u9fff]", "".join(value for key, value in english.items() if key not in ("rights_holder", "legal_basis")))
    assert 'href="../en/catalog.csv"' in lived.text("en/index.html")


def test_reasons_speak_of_labels_in_both_languages(lived: Lived) -> None:
    lists = [re.findall(r'<ul class="reasons">(.*?)</ul>', lived.text(way + PAGE))[0] for way in ("", "en/")]
    assert [sorted(re.findall(r"<li>(.*?)</li>", unescape(one))) for one in lists] == [
        ["不符合规则：“每棵树都有备注”，1 行", "主键：同一主键出现不同取值", "类别：不在代码表中，1 行"],
        ['Does not hold: "Remark (not published) is noted for every tree", 1 row', "Kind: not in the code list, 1 row",
         "key: one key came with different values"]]


def test_english_pages_name_columns_in_english_and_as_the_files_do(lived: Lived) -> None:
    english, chinese = lived.text("en/" + PAGE), lived.text(PAGE)
    heads = re.findall(r"<thead><tr>(.*?)</tr>", english.split('class="preview"')[1])[0]
    assert [one.split() for one in re.sub(r"<[^>]+>", " ", heads.replace("</th>", "\n")).splitlines()] == [
        ["Number", "编号", "id"], ["Kind", "类别", "kind"], ["Height", "高度", "height"]]
    assert 'Kind <small><span lang="zh-CN">类别</span></small></td>' in english      # the dictionary
    assert re.search(r'<th scope="col">编号 <code>id</code></th>', chinese)


def test_a_tier_that_changed_is_told_in_the_feed_and_on_the_home_page(lived: Lived) -> None:
    """The last that uses this city: it closes the product."""
    lived.city.declare(trees("restricted"))
    lived.city.now += timedelta(days=1)
    lived.city.run()
    assert lived.entries() == {"r3:tier": ("2026-11-26T01:00:00+08:00", "开放类型现为“受限开放”，此前为“无条件开放”")}     # no release is shown now
    assert lived.entries("en/feed.xml")["r3:tier"][1] == 'The tier is now "Restricted", before it was "Unconditional"'
    home = re.sub(r"<[^>]+>", "", lived.text("en/index.html"))
    assert re.search(r"2026-11-26 breaking The trees: Restricted, before Unconditional", home)


def test_every_rule_of_the_shipped_city_has_its_sentence_in_chinese() -> None:
    rules = [(one.id, rule) for one in load_city(CHECKOUT / "catalog/cities/hangzhou").contracts.values() for rule in one.rules]
    assert len(rules) > 20
    for name, rule in rules:
        about = {"column": None, "published": True, "row": rule.scope == "row", "metric": rule.metric, "says": rule.description}
        page = {"quality": {"rules": {rule.id: about}}, "columns": []}
        said = telling.reason(f"{rule.id}: 2 rows", page, "zh", wording("zh"))
        assert re.fullmatch(r"不符合规则：“[^a-z]+”，2 行", said), f"{name}: {said}"


@pytest.mark.parametrize(("page", "doc"), [
    ("en/datasets/transport.bus.html", "folder-portal.md"), ("datasets/transport.bus.html", "folder-portal.zh-CN.md"),
])
def test_the_page_s_order_is_the_documented_one(made: Made, page: str, doc: str) -> None:
    """Of a page that has everything; a chart's and a map's heading say what they show, so their marks stand for them."""
    _ = wording("en" if page.startswith("en/") else "zh")
    kinds = {"main-bars": _("Chart"), "main-map": _("Map")}
    heads = [kinds.get(mark) or re.sub(r"<[^>]+>", "", head) for mark, head in re.findall(r'<h2 id="([^"]+)">(.*?)</h2>', made.text(page))]
    listed = re.findall(r"^\d+\. (.+?)(?:[:：]|$)", (CHECKOUT / "docs" / doc).read_text(encoding="utf-8"), re.MULTILINE)
    assert [word for line in listed for word in re.findall(r"\*\*(.+?)\*\*", line)] == heads
