"""Finding data on the folder portal from a keyboard without Chinese, in the catalog and below the home page's search box."""

from __future__ import annotations

import pytest
from folder_pages import Made
from playwright.sync_api import Page
from stacking import CHECKOUT

from catalog.spelling import spelled

pytest_plugins = ["folder_pages"]

FOUND = [
    ("gongjiaozhandian", ["公交站点名录"]), ("gjzdml", ["公交站点名录"]), ("gjzhdml", ["公交站点名录"]), ("zhandianm", ["公交站点名录"]),
    ("gongjzd", ["公交站点名录"]), ("ZDML", ["公交站点名录"]), ("gong'jiaozh", ["公交站点名录"]),
    ("zhuxs qiwen", ["逐小时气温"]), ("qw", ["逐小时气温", "自动站气温"]),
    ("jtysj", ["公交站点名录", "驾驶员信息", "轮渡航班"]),                   # the department
    ("gjtj", []), ("ongjiao", []), ("gxzd", []), ("气温 qw", ["逐小时气温", "自动站气温"]),
    ("gongjiao", ["公交站点名录", "驾驶员信息", "轮渡航班", "逐小时气温", "自动站气温"]),
    # the last: of the others a tag, 公共交通,
]


@pytest.mark.parametrize(("text", "wanted"), [
    ("主城区公共自行车站点（２０２４年）", "zhu cheng qu gong gong zi xing che zhan dian 2024 nian"), ("银行与绿地", "yin hang yu lv di"),
    ("PM2.5监测", "pm 2 5 jian ce"), ("Bus stops", ""), ("", ""), ("（）", ""),
])
def test_syllables(text: str, wanted: str) -> None:
    assert spelled(text) == wanted


@pytest.mark.browser
@pytest.mark.parametrize("language", ["", "en/"])
def test_the_catalog_is_searched_in_pinyin(made: Made, tab: Page, language: str) -> None:
    """From disk; in full, by initials, and mixed; the title counts more than the department."""
    tab.goto(f"{made.folder.as_uri()}/{language}catalog.html")
    titles = {item.page["title"]["en" if language else "zh"]: item.page["title"]["zh"] for item in made.items.values()}
    found = {}
    for query, _ in FOUND:
        tab.fill("#q", query)
        found[query] = sorted(titles[text.strip()] for text in tab.locator(".items > li:visible h2 a").all_inner_texts())
    assert found == {query: sorted(wanted) for query, wanted in FOUND}
    tab.fill("#q", "gongjiao")
    assert titles[tab.locator(".items > li:visible h2 a").first.inner_text()] == "公交站点名录"


@pytest.mark.browser
@pytest.mark.axe
def test_open_suggestions_are_accessible(address: str, tab: Page) -> None:
    tab.goto(address + "index.html")
    tab.locator("[data-suggest]").fill("qiwen")
    tab.keyboard.press("ArrowDown")
    tab.add_script_tag(path=CHECKOUT / ".tools/axe/axe.min.js")
    found = tab.evaluate("async () => (await axe.run({resultTypes: ['violations']})).violations.map(one => [one.impact, one.id, one.nodes[0].html])")
    assert [one for one in found if one[0] in ("serious", "critical", "moderate")] == []


@pytest.mark.browser
def test_suggestions_below_the_search_box(address: str, tab: Page) -> None:
    tab.goto(address + "index.html")
    box, shown = tab.locator("[data-suggest]"), tab.locator("#titles li:visible")
    box.press_sequentially("gjzd")
    assert shown.all_inner_texts() == ["公交站点名录"]
    assert (box.get_attribute("aria-expanded"), box.get_attribute("aria-activedescendant")) == ("true", None)
    box.press("Escape")
    assert (shown.count(), box.input_value()) == (0, "gjzd")
    box.fill("qiwen")
    assert shown.all_inner_texts() == ["逐小时气温", "自动站气温"]
    box.press("ArrowDown")
    box.press("ArrowDown")
    assert tab.locator(f"#{box.get_attribute('aria-activedescendant')}[aria-selected=true]").inner_text() == "自动站气温"
    box.press("Enter")
    tab.wait_for_url("**/datasets/meteorology.sky.html#raw")
    tab.goto(address + "en/index.html")
    tab.locator("[data-suggest]").fill("trams")         # withdrawn: not suggested
    assert tab.locator("#titles").is_hidden()
    tab.locator("[data-suggest]").fill("bus")
    tab.locator("#titles li:visible").click()
    tab.wait_for_url("**/en/datasets/transport.bus.html")
    tab.goto(address + "index.html")
    tab.locator("[data-suggest]").fill("qiwen")
    tab.keyboard.press("Enter")                          # none chosen: the catalog searches
    tab.wait_for_url("**/catalog.html#q=qiwen")
    assert tab.locator(".items > li:visible").count() == 2
