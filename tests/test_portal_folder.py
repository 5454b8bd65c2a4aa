"""The folder portal as its readers meet it: every page from disk and over HTTP, by keyboard, on paper, on a phone; examples that run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from urllib.request import urlopen

import duckdb
import pytest
from folder_pages import Made
from folder_site import publish, stops
from playwright.sync_api import Browser, Page
from stacking import CHECKOUT

from pipelines.portals import Item
from pipelines.portals.damage import damage
from pipelines.portals.folder import FolderPortal

pytest_plugins = ["folder_pages"]
AXE = CHECKOUT / ".tools/axe/axe.min.js"
ATOM = "{http://www.w3.org/2005/Atom}"


def test_there_are_the_pages_that_people_expect(made: Made) -> None:
    views = {f"{name}.html" for name in ("index", "catalog", "departments", "developers", "statistics", "status")}
    datasets = {f"datasets/{item.id.rpartition('.')[0]}.html" for item in made.items.values()}
    assert set(made.pages) == {f"{way}{name}" for name in views | datasets for way in ("", "en/")}
    for name in made.pages:
        for target in re.findall(r'(?:href|src|action)="([^"#]+)[^"]*"', made.text(name)):
            if not target.startswith(("http", "mailto:", "tel:")):
                assert (made.folder / name).parent.joinpath(target).resolve().exists(), f"{name}: {target}"


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_without_trouble_or_sideways_scrolling(made: Made, address: str, tab: Page, width: int) -> None:
    """From disk on a phone, over HTTP on a desk; no console error and no outside request is the fixture's assertion."""
    tab.set_viewport_size({"width": width, "height": 800})
    for name in made.pages:
        tab.goto((made.folder.as_uri() + "/" if width == 390 else address) + name)
        wide, heads, language = tab.evaluate("[document.documentElement.scrollWidth, document.querySelectorAll('h1').length, "
                                             "document.documentElement.lang]")
        assert (wide <= width, heads, language) == (True, 1, "en" if name.startswith("en/") else "zh-CN"), name


@pytest.mark.browser
@pytest.mark.axe
@pytest.mark.parametrize("width", [1280, 390])
def test_accessibility_by_axe(made: Made, address: str, tab: Page, width: int) -> None:
    """Chinese pages on a phone, English ones on a desk: one template makes both."""
    tab.set_viewport_size({"width": width, "height": 800})
    wrong = []
    for name in (name for name in made.pages if name.startswith("en/") == (width == 1280)):
        tab.goto(address + name)
        tab.add_script_tag(path=AXE)
        found = tab.evaluate("async () => (await axe.run({resultTypes: ['violations']})).violations.map(one => "
                             "[one.impact, one.id, one.nodes[0].html.slice(0, 120)])")
        assert tab.evaluate("axe.getRules().length") > 80
        wrong += [(name, *one) for one in found if one[0] in ("serious", "critical", "moderate")]
    assert wrong == []


@pytest.mark.browser
def test_the_catalog_searches_and_combines_filters(address: str, tab: Page) -> None:
    tab.goto(address + "catalog.html")

    def shown() -> list[str]:
        return [text.strip() for text in tab.locator(".items > li:visible h2 a").all_inner_texts()]

    def count(name: str, value: str) -> str:
        return tab.locator(f"label:has(input[name={name}][value={value}]) .count").inner_text()

    assert len(shown()) == 6
    assert count("field", "urban") == "3"
    tab.check("input[name=field][value=urban]")
    assert set(shown()) == {"公交站点名录", "驾驶员信息", "轮渡航班"}
    assert (count("tier", "restricted"), count("tier", "prohibited"), count("field", "environment")) == ("1", "0", "3")
    tab.check("input[name=tier][value=restricted]")
    assert shown() == ["驾驶员信息"]
    assert tab.url.endswith("#field=urban&tier=restricted")
    tab.reload()
    assert shown() == ["驾驶员信息"]
    tab.locator(".chosen button").last.click()
    assert len(shown()) == 3
    tab.locator("button[type=reset]").click()
    tab.wait_for_function("document.querySelectorAll('.items > li:not([hidden])').length === 6")
    tab.fill("#q", "temperature")               # an English label of a column finds it on the Chinese page
    assert shown()[0] == "逐小时气温"
    tab.fill("#q", "没有这样的数据")
    assert shown() == []
    assert tab.locator("[data-none]").is_visible()
    tab.fill("#q", "")
    tab.select_option("#sort", "newest")
    assert shown()[:2] == ["公交站点名录", "逐小时气温"]
    tab.check("input[name=has][value=map]")
    assert shown() == ["公交站点名录"]


@pytest.mark.browser
def test_a_search_on_any_page_leads_to_the_catalog(address: str, tab: Page) -> None:
    tab.goto(address + "en/datasets/transport.bus.html")
    tab.fill(".find input", "ferries")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/en/catalog.html#q=ferries")
    assert tab.locator(".items > li:visible h2 a").all_inner_texts() == ["Ferries"]


@pytest.mark.browser
def test_without_javascript_everything_can_be_read(made: Made, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto((made.folder / "catalog.html").as_uri())
    assert tab.locator(".items > li:visible").count() == 6
    assert tab.locator("[id='field=urban'] + .items h3 a").all_inner_texts() == ["公交站点名录", "驾驶员信息", "轮渡航班"]     # g, j, l
    assert not tab.locator("form:visible, aside:visible").count()
    tab.goto((made.folder / "datasets/transport.bus.html").as_uri())
    assert "https://SITE/data/transport.bus.main/r2/transport.bus.main.csv" in tab.locator("pre").first.inner_text()
    assert tab.locator("svg.figure:visible").count() == 2
    context.close()


@pytest.mark.browser
def test_by_keyboard_and_on_paper(address: str, tab: Page) -> None:
    tab.goto(address + "datasets/transport.bus.html")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    assert tab.locator(".skip").bounding_box()["x"] >= 0        # type: ignore[index]
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "content"
    seen = set()
    for _ in range(200):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement === document.body"):
            break           # past the last one
        assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        seen.add(tab.evaluate("document.activeElement.textContent.trim()"))
    assert any("transport.bus.main.csv" in text for text in seen)
    tab.emulate_media(media="print")
    assert not tab.locator("header nav:visible, form:visible, .onpage:visible").count()
    assert tab.locator("svg.figure:visible").count() == 2


@pytest.mark.browser
def test_examples_run(address: str, tab: Page, tmp_path: Path) -> None:
    tab.goto(address + "datasets/transport.bus.html")
    code = dict(zip(tab.locator(".tool").all_inner_texts(), tab.locator(".example code").all_inner_texts(), strict=True))
    assert set(code) == {"curl", "Python", "DuckDB", "R"}
    done = subprocess.run(["bash", "-e", "-c", code["curl"]], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "transport.bus.main.csv: OK", done.stderr
    done = subprocess.run([sys.executable, "-c", code["Python"]], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "62 ['站点编号', '所属区县', '地址', '经度', '纬度']", done.stderr
    fetch, query = code["DuckDB"].split("\n", 1)
    subprocess.run(["bash", "-e", "-c", fetch.removeprefix("-- ")], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as db:
        db.execute(f"SET file_search_path = '{tmp_path}'")
        assert db.execute(query).fetchone() == ("S002", "330102", "文三路新街区", "120.100000", "30.150000")
    url = re.findall(r'read\.csv\("([^"]+)", fileEncoding = "UTF-8-BOM", colClasses = "character"\)', code["R"])
    assert urlopen(url[0]).read(3) == b"\xef\xbb\xbf"      # what fileEncoding takes off, and by which Excel knows UTF-8
    if shutil.which("Rscript"):
        done = subprocess.run(["Rscript", "-e", code["R"]], capture_output=True, text=True, timeout=120)
        assert done.stdout.strip() == "[1] 62"
    tab.goto(address + "en/developers.html")
    done = subprocess.run([sys.executable, "-c", tab.locator("pre code").first.inner_text()], capture_output=True, text=True, timeout=60)
    listed = done.stdout.splitlines()
    assert listed, done.stderr
    assert all(urlopen(line.split(" ")[0]).status == 200 for line in listed)


def test_pictures_say_what_the_released_rows_hold(made: Made) -> None:
    shown = made.portal._pages(made.folder)["transport.bus.main"]["measured"]
    counts = Counter(row[1] for row in stops(64)[2:])
    assert {code: number for code, number in shown["chart"]["points"]} == counts
    assert shown["map"]["rows"] == sum(int(cell.split(",")[2]) for cell in shown["map"]["grid"].split()) == 62
    assert shown["nulls"] == {"stop": 0.0, "district": 0.0, "address": round(21 / 62, 4), "longitude": 0.0, "latitude": 0.0}
    line = made.portal._pages(made.folder)["meteorology.sky.main"]["measured"]["chart"]
    assert (line["kind"], line["span"], line["of"], len(line["points"])) == ("line", "hour", "temperature", 48)
    assert line["points"][0] == ["2026-11-17T00:00", 11.7]         # the city's time, both periods
    for name, words in (("datasets/transport.bus.html", ["各所属区县的数据行数", "数据位置分布"]),
                        ("en/datasets/meteorology.sky.html", ["Mean of Temperature (℃), by hour"])):
        found = re.findall(r'<svg class="figure"[^>]*role="img" aria-label="[^"]{20,}"><title>([^<]+)</title><desc>[^<]{20,}</desc>', made.text(name))
        assert found == words
    assert "km</text>" in made.text("datasets/transport.bus.html")


def test_what_changed_is_told_on_the_page_and_in_the_feed(made: Made) -> None:
    told = "与 r1 相比：新增 4 行，修改 1 行，删除 2 行"
    assert told in made.text("datasets/transport.bus.html")
    assert "Since r1: rows added 4, changed 1, removed 2" in made.text("en/datasets/transport.bus.html")
    feed = ET.fromstring(made.text("feed.xml").encode())
    entries = {one.findtext(f"{ATOM}id"): one for one in feed.iter(f"{ATOM}entry")}
    assert set(entries) == {"urn:citylake:transport.bus.main:r2", "urn:citylake:transport.bus.main:r1", "urn:citylake:meteorology.sky.main:r1",
                            "urn:citylake:transport.trams.main:withdrawn", "urn:citylake:transport.drivers.main:r3:tier"}
    assert told in str(entries["urn:citylake:transport.bus.main:r2"].findtext(f"{ATOM}summary"))
    assert [one.findtext(f"{ATOM}updated") for one in feed.iter(f"{ATOM}entry")] == sorted(
        (str(one.findtext(f"{ATOM}updated")) for one in feed.iter(f"{ATOM}entry")), reverse=True)


def test_pages_say_in_the_reader_s_language_what_they_must(made: Made) -> None:
    page = re.sub(r"<[^>]+>", "", made.text("datasets/transport.bus.html"))
    told = ("2026-11-20", "所属区县：不在代码表中，3 行", "主键：有重复", "规则 own_rule，1 行", "不符合规则：“每行位于本市范围内”，2 行",
            "电话（未公开）：不是声明的类型，1,200 行", "主键：同一主键出现不同取值",
            "概化 (到乡镇街道)", "来源中的 2 个字段 (L3：2)",
            "1 次更新中 1 次按时", "下次应于此日前更新： 2026-11-23", "CC BY 4.0", "33.9 %", "不含临时站点。", "站点系统")
    for words in told:
        assert words in page, words
    assert "Without temporary stops." not in page
    assert "2026-11-19" in page, "the day in the city, not in UTC"
    for name, words in (("transport.drivers", "限科研使用。"), ("meteorology.radar", "不对外提供"), ("transport.ferries", "尚未发布"),
                        ("transport.trams", "来源停止更新。")):
        text = made.text(f"datasets/{name}.html")
        assert words in text
        assert "/data/" not in text
    assert ">50 %<" not in made.text("index.html")
    assert "<b>100 %</b>" in made.text("index.html")


def test_only_changed_datasets_are_written_anew_and_come_out_the_same(made: Made, tmp_path: Path) -> None:
    shutil.copytree(made.portal.root, tmp_path / "copy", symlinks=True)
    again = FolderPortal("open", tmp_path / "copy", made.portal.city)
    before = again.current
    assert before is not None
    was = {name: (before / name).stat().st_ino for name in made.pages}
    item = made.items["waiting"]
    publish(again, Item(item.id, item.shown, {**item.page, "title": {"zh": "轮渡时刻", "en": "Ferry times"}}))
    assert again.current is not None
    kept = {name for name in made.pages if (again.current / name).stat().st_ino == was[name]}
    assert {"datasets/meteorology.radar.html", "en/datasets/transport.trams.html"} <= kept
    assert not kept & {"datasets/transport.ferries.html", "datasets/transport.bus.html", "catalog.html"}     # the stops name them as related
    (tmp_path / "scratch").mkdir()
    assert list(damage(again, tmp_path / "scratch")) == []
    assert again.verify(made.items["bus"]) == []


def test_the_figures_of_another_file_are_found(made: Made, tmp_path: Path) -> None:
    shutil.copytree(made.portal.root, tmp_path / "copy", symlinks=True)
    again = FolderPortal("open", tmp_path / "copy", made.portal.city)
    assert again.current is not None
    pages = again.current / "pages.json"
    pages.write_text(pages.read_text("utf-8").replace('"gone": 3', '"gone": 4'), "utf-8")
    assert again.verify(made.items["bus"]) == ["The figures differ"]
