"""What visitors of the CKAN portal see: every kind of page, in both languages, on a phone; rows that can be searched; no word left English."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, sync_playwright
from stacking import CHECKOUT, PortalStack

from catalog.ckan import compose, table_id
from catalog.loader import load_city
from pipelines.portals import Item
from pipelines.portals.ckan.figures import figures
from pipelines.portals.ckan.setup import set_up

AXE = CHECKOUT / ".tools/axe/axe.min.js"
DEPARTMENT = "culture"
FILE = {"rows": 45, "size": 71_800, "sha256": "ab" * 32}
CODES = [{"code": "330102", "zh": "上城区", "en": "Shangcheng"}, {"code": "330106", "zh": "西湖区", "en": "Xihu"}]
QUALITY = {"overall": 99.4, "dimensions": {"completeness": 99.0, "conformity": 100.0}, "rows": 47, "quarantined": 2,
           "reasons": ["code.district: 1 rows", "required.name: 1 rows", "unique.key", "sex_known: 1 rows"],
           "rules": {"sex_known": {"says": "性别为男或女。has a known sex", "column": None, "published": True, "row": True, "metric": ""}}}
PROTECTION = {"treatments": {"opened_at": {"do": "generalise", "to": "month"}}, "rows": "suppress", "k": 5, "left_out": 1230}
# Names of formats, programs and parameters, which are the same in every language.
COMMON = set("""api csv json jsonl lines parquet excel xlsx geojson ld turtle rdf xml atom dcat ap sha curl python duckdb etag utf url id asc desc
             latest filters success false error retry after post datastore info page organization feeds tier groups res format update every rows
             start cc by kb mb ds ol english rn""".split())  # noqa: SIM905


def column(name: str, label: str, label_en: str, kind: str, **other: Any) -> dict[str, Any]:
    return {"name": name, "label": label, "label_en": label_en, "type": kind, "unit": None, "description": "", "codes": None, "level": "L1",
            "treatment": "keep", **other}


COLUMNS = [column("stop", "站点编号", "Stop", "text"), column("name", "站点名称", "Name", "text", description="站牌上的名字。The name on the sign."),
           column("district", "所属区县", "District", "text", codes="theme_districts"), column("fare", "票价", "Fare", "decimal(9,2)", unit="元"),
           column("opened_at", "启用时间", "Opened at", "timestamp", treatment="generalise"), column("shelter", "候车亭", "Shelter", "boolean"),
           column("longitude", "经度", "Longitude", "decimal(9,6)"), column("latitude", "纬度", "Latitude", "decimal(9,6)")]


def page(name: str, zh: str, en: str, **other: Any) -> dict[str, Any]:
    """A page as pipelines/pages.py makes it."""
    return {
        "id": f"culture.{name}.main", "dataset": "culture.theme", "product": name, "version": "1.0.0", "title": {"zh": zh, "en": en},
        "summary": {"zh": f"{zh}的说明。", "en": f"{en}, described."}, "department": DEPARTMENT, "vertical": False, "field": "urban",
        "department_name": {"zh": "杭州市文化广电旅游局", "en": "Hangzhou Bureau of Culture"}, "tier": "unconditional", "licence": "CC-BY-4.0",
        "rights_holder": "杭州市文化广电旅游局", "legal_basis": "浙江省公共数据条例", "attribution": None, "purpose": "方便出行。For travel.",
        "usage": "Join by district.", "limitations": "不含临时站点。", "update": {"every": "daily", "within_working_days": 3},
        "contact": {"name": "公共服务处", "email": "open@example.org", "phone": "0571-12345", "address": None}, "conditions": None,
        "tags": ["公交", "bus"], "columns": COLUMNS, "codes": {"theme_districts": CODES}, "quality": QUALITY, "status": "active",
        "sources": [{"zh": "公交管理系统", "en": "Bus system"}], "left_out": {"L3": 2, "L4": 1}, "protection": PROTECTION,
        "release": None, "released": None, "files": [], "rows": None, "releases": [], "entry": {}, **other}


def released(files: list[dict[str, Any]]) -> dict[str, Any]:
    at = "2026-11-21T23:30:00+00:00"         # already the 22nd in the city
    past = {"hash": "0" * 64, "rows": 45, "taken_back": None}
    return {"release": "r2", "released": at, "files": files, "rows": 45,
            "releases": [{**past, "release": "r2", "at": at, "files": files},
                         {**past, "release": "r1", "at": "2026-10-20T01:00:00+00:00", "files": [], "taken_back": "坐标有误"}]}


def listed(name: str, kinds: str, periods: tuple[str, ...] = ("",)) -> list[dict[str, Any]]:
    return [{**FILE, "name": f"{name}{period and '-' + period}.{kind}", "format": kind, "period": period}
            for period in periods for kind in kinds.split()]


MONTHS = tuple(f"2026-{month:02d}" for month in range(1, 9))
ITEMS = {
    "open": Item("culture.theme_stops.main", "open", page("theme_stops", "主题测试公交站点名录", "Theme bus stops",
                 **released(listed("stops", "csv parquet")))),
    "monthly": Item("culture.theme_hours.main", "open", page("theme_hours", "主题测试逐月客流", "Theme monthly flow",
                    **released(listed("hours", "csv parquet", MONTHS)))),
    "restricted": Item("culture.theme_contacts.main", "metadata", page("theme_contacts", "主题测试联络信息", "Theme contacts", tier="restricted",
                       conditions={"zh": "限科研使用。", "en": "For research only."})),
    "prohibited": Item("culture.theme_cards.main", "metadata", page("theme_cards", "主题测试原始卡片", "Theme cards", tier="prohibited")),
    "pending": Item("culture.theme_pending.main", "metadata", page("theme_pending", "主题测试待发布数据", "Theme pending data")),
    "gone": Item("culture.theme_gone.main", "tombstone", page("theme_gone", "主题测试已下线数据", "Theme withdrawn data",
                 tombstone={"reason": "来源停止更新。", "basis": "条例第三十条", "date": "2026-10-08", "replacement": "culture.theme_stops.main"})),
}
ROWS = [{"stop": f"S{number:03d}", "name": f"梧桐{number}号公交站" if number != 7 else "100%电动_示范站", "district": CODES[number % 2]["code"],
         "fare": f"{number}.50", "opened_at": "2026-01-02T08:30:00", "shelter": number % 3 == 0,
         "longitude": f"120.{number // 5:02d}", "latitude": "30.25"} for number in range(1, 46)]
TYPES = {"text": "text", "decimal(9,2)": "numeric", "decimal(9,6)": "numeric", "timestamp": "timestamp", "boolean": "bool"}


def written(item: Item, folders: pytest.TempPathFactory) -> Item:
    """The item with its newest CSV file: one shelter is not known."""
    path = folders.mktemp("released") / "stops.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow([one["label"] for one in COLUMNS])
        writer.writerows([*row.values()] if at else [*list(row.values())[:5], "", *list(row.values())[6:]] for at, row in enumerate(ROWS))
    csv_only = {**item.page, "files": [file for file in item.page["files"] if file["format"] == "csv"]}
    return replace(item, page=csv_only, files={"r2/stops.csv": path})


@dataclass
class Visit:
    """A browser on the filled portal, and what it had to complain of."""

    stack: PortalStack
    tab: Page
    names: Mapping[str, str]
    trouble: list[str] = field(default_factory=list)

    def see(self, path: str, status: int = 200) -> str:
        """Opens a page; the text that can be seen."""
        self.trouble.clear()
        answer = self.tab.goto(self.stack.url + path)
        assert answer is not None, path
        assert answer.status == status, path
        return self.tab.locator("body").inner_text()

    def words(self) -> str:
        """The seen text without what is data or a program's word: code, other languages, names of datasets, addresses, lists of others' data."""
        return str(self.tab.evaluate("""() => { const copy = document.body.cloneNode(true);
            copy.querySelectorAll('code, pre, \\
            .filename, .cite, [lang], datalist, .preview tbody, .items, .tiles, .cl-brand, a[href^=mailto], .bars, .found, \\
            .filters details:nth-of-type(2), .chosen, .codes').forEach(one => one.remove());
            document.body.append(copy); const text = copy.innerText; copy.remove(); return text; }"""))

    def rows(self) -> list[str]:
        return self.tab.locator(".preview tbody tr").all_inner_texts()


@pytest.fixture(scope="module")
def names(portal_stack: PortalStack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The portal with one product of every kind; kind → name of the package."""
    city = load_city(CHECKOUT / "catalog/cities/hangzhou")
    set_up(replace(city, departments={DEPARTMENT: city.departments[DEPARTMENT]}), portal_stack.url, portal_stack.token)
    for kind, item in ITEMS.items():
        told = {"figures": figures(written(item, tmp_path_factory), "Asia/Shanghai", None)} if kind == "open" else {}
        portal_stack.call("package_create", {**compose(item, portal_stack.url), **told})
        if item.shown == "open":
            fields = [{"id": one["name"], "type": TYPES[one["type"]]} for one in COLUMNS]
            portal_stack.call("datastore_create", {"resource_id": table_id(item.id), "force": True, "fields": fields, "records": ROWS})
    return {kind: compose(item, portal_stack.url)["name"] for kind, item in ITEMS.items()}


@pytest.fixture(scope="module")
def visit(portal_stack: PortalStack, names: dict[str, str], chromium: str) -> Iterator[Visit]:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 390, "height": 800})
        found = Visit(portal_stack, tab, names)
        tab.on("console", lambda message: found.trouble.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: found.trouble.append(str(error)))
        tab.on("requestfailed", lambda request: found.trouble.append(f"failed: {request.url}") if request.failure != "net::ERR_ABORTED" else None)
        tab.on("request", lambda request: None if request.url.startswith(portal_stack.url) else found.trouble.append(f"outside: {request.url}"))
        yield found
        browser.close()


def kinds(names: Mapping[str, str]) -> dict[str, str]:
    """Every kind of page that a visitor reads."""
    table, file = table_id(ITEMS["open"].id), compose(ITEMS["open"], "")["resources"][1]["id"]
    return {
        "home": "/", "search": "/dataset/", "found": f"/dataset/?q={quote('测试公交')}&tier=unconditional", "nothing": "/dataset/?q=zzqqxx",
        "departments": "/organization/", "department": f"/organization/{DEPARTMENT}", "fields": "/group/", "field": "/group/field-urban",
        "developers": "/developers", "statistics": "/statistics", "about": "/about", "login": "/user/login", "reset": "/user/reset",
        "table": f"/dataset/{names['open']}/resource/{table}", "file": f"/dataset/{names['open']}/resource/{file}",
        **{kind: f"/dataset/{name}" for kind, name in names.items()},
    }


@pytest.mark.browser
@pytest.mark.portal
@pytest.mark.parametrize(("prefix", "tag"), [("", "zh-CN"), ("/en", "en")])
def test_every_page_on_a_phone_in_its_language_and_from_here_only(visit: Visit, prefix: str, tag: str) -> None:
    wrong = []
    for kind, path in kinds(visit.names).items():
        text = visit.see(prefix + path)
        width = visit.tab.evaluate("document.documentElement.scrollWidth")
        language = visit.tab.evaluate("document.documentElement.lang")
        left = untranslated(visit.words()) if tag == "zh-CN" else re.findall(r"[\u3400-\u9fff]+", visit.words())
        untouched = re.findall(r"CKAN|[Pp]owered by|Followers|关注者", text)
        if (width, language, left, untouched, visit.trouble) != (390, tag, [], [], []):
            wrong.append((kind, width, language, left, untouched, list(visit.trouble)))
    assert not wrong


def untranslated(text: str) -> list[str]:
    return [word for word in re.findall(r"[A-Za-z]{2,}", text) if word.lower() not in COMMON]


@pytest.mark.browser
@pytest.mark.portal
@pytest.mark.parametrize(("path", "status", "said"), [
    ("/nowhere", 404, "没有该页面"), ("/user/", 403, "无权访问"), ("/dataset/?page=x", 400, "无法识别")])
def test_errors_are_said_in_the_readers_language(visit: Visit, path: str, status: int, said: str) -> None:
    assert said in visit.see(path, status)
    assert not untranslated(visit.words())
    assert not re.findall(r"[\u3400-\u9fff]", visit.see("/en" + path, status).replace("中文", ""))


@pytest.mark.browser
@pytest.mark.portal
@pytest.mark.parametrize(("query", "rows"), [
    ("桐7", 0), ("梧桐8号", 1), ("桐1", 11), ("上城", 20), ("%", 1), ("_", 1), ("330106", 20), ("Xihu", 20), ("2026-01-02", 20), ("';--", 0)])
def test_rows_are_found_by_any_piece_of_text_and_by_what_a_code_means(visit: Visit, query: str, rows: int) -> None:
    visit.see(f"/dataset/{visit.names['open']}?rows_q={quote(query)}")
    assert len(visit.rows()) == rows
    assert visit.trouble == []


@pytest.mark.browser
@pytest.mark.portal
def test_rows_are_paged_labelled_and_as_in_the_table(visit: Visit) -> None:
    visit.see(f"/dataset/{visit.names['open']}")
    assert visit.tab.locator(".preview th").all_inner_texts() == ["站点编号", "站点名称", "所属区县", "票价 元", "启用时间", "候车亭", "经度", "纬度"]
    assert visit.rows()[0].split("\t") == ["S001", "梧桐1号公交站", "330106 西湖区", "1.50", "2026-01-02 08:30", "否", "120.00", "30.25"]
    visit.tab.locator(".pager a[rel=next]").click()
    visit.tab.locator(".pager a[rel=next]").click()
    assert len(visit.rows()) == 5
    assert "第 41–45 行，共 45 行" in visit.tab.locator("#preview").inner_text()
    visit.tab.locator("#preview input[type=search]").fill("号公交")
    visit.tab.locator("#preview select").select_option("stop")
    visit.tab.locator("#preview button").click()
    assert "没有包含“号公交”的数据行" in visit.tab.locator("#preview").inner_text()


@pytest.mark.browser
@pytest.mark.portal
def test_the_page_of_an_open_dataset_in_its_order(visit: Visit) -> None:
    text = visit.see(f"/dataset/{visit.names['open']}")
    heads = visit.tab.locator("h1, h2").all_inner_texts()
    assert heads[1:10] == ["数据下载", "预览", "数据位置分布", "数据字典", "基本信息", "质量", "加工说明", "版本", "使用方法"]
    assert heads[-2:] == ["引用方式", "数据纠错"]
    assert "无条件开放" in heads[0]
    assert "2026-11-22 发布" in text
    assert "71.8 kB" in text
    assert "知识共享署名" in text
    assert visit.tab.locator(".reasons li").all_inner_texts() == [
        "所属区县：不在代码表中，1 行", "站点名称：缺少必填值，1 行", "主键：有重复", "不符合规则：“性别为男或女”，1 行"]
    assert "方便出行" in text
    assert "For travel" not in text
    assert "Join by district" not in text
    assert "站牌上的名字。" in text
    links = visit.tab.locator("#downloads a[download]").evaluate_all("all => all.map(one => one.href)")
    assert links == [f"{visit.stack.url}/data/{visit.names['open']}/r2/stops.{kind}" for kind in ("csv", "parquet")]
    changes = visit.tab.locator("#releases tbody tr").all_inner_texts()
    assert ["45 行" in changes[0], "坐标有误" in changes[1]] == [True, True]
    assert visit.tab.locator("#dictionary tbody tr", has_text="shelter").locator("td.n").inner_text() == "2.2 %"
    drawn = "".join(visit.tab.locator("#places path").evaluate_all("all => all.map(one => one.getAttribute('d'))"))
    assert drawn.count("M") == 10                       # squares: 1 to 4, then fives, last 45
    assert "单格最多 5 行；经度 120.00 至 120.09，纬度 30.25 至 30.25" in text
    english = visit.see(f"/en/dataset/{visit.names['open']}")
    assert "Theme bus stops" in english
    assert "For travel." in english
    assert "Join by district." in english
    assert "District: not in the code list" in english


@pytest.mark.browser
@pytest.mark.portal
def test_how_persons_are_protected_stands_on_the_page(visit: Visit) -> None:
    """Open and restricted alike; of what is prohibited nothing is told."""
    for kind in ("open", "restricted"):
        visit.see(f"/dataset/{visit.names[kind]}")
        made = visit.tab.locator("#made").inner_text()
        for said in ("来源：公交管理系统", "启用时间 (opened_at)：概化 (到月)", "来源中的 3 个字段 (L3：2，L4：1)", "如何保护个人",
                     "相同情况不足 5 人的行不公布。", "1,230", "以上属于去标识化，不是匿名化。"):
            assert said in made, said
    english = visit.see(f"/en/dataset/{visit.names['open']}")
    assert "How persons are protected" in english
    assert "Up to 1,230 rows were left out." in english
    visit.see(f"/dataset/{visit.names['prohibited']}")
    assert visit.tab.locator("#made").count() == 0


@pytest.mark.browser
@pytest.mark.axe
@pytest.mark.portal
@pytest.mark.parametrize(("prefix", "width", "looked_at"), [("", 390, ("home", "open")), ("/en", 1280, ("search", "department", "restricted"))])
def test_accessibility_by_axe(visit: Visit, prefix: str, width: int, looked_at: tuple[str, ...]) -> None:
    """Chinese pages on a phone, English ones on a desk: one template makes both."""
    visit.tab.set_viewport_size({"width": width, "height": 800})
    wrong, pages = [], kinds(visit.names)
    for kind in looked_at:
        visit.see(prefix + pages[kind])
        visit.tab.add_script_tag(path=AXE)
        found = visit.tab.evaluate("async () => (await axe.run({resultTypes: ['violations']})).violations.map(one => "
                                   "[one.impact, one.id, one.nodes[0].html.slice(0, 120)])")
        wrong += [(kind, *one) for one in found if one[0] in ("serious", "critical", "moderate")]
    visit.tab.set_viewport_size({"width": 390, "height": 800})
    assert wrong == []


@pytest.mark.browser
@pytest.mark.portal
def test_what_is_not_open_says_why_and_shows_no_row(visit: Visit) -> None:
    restricted = visit.see(f"/dataset/{visit.names['restricted']}")
    assert "如何申请" in restricted
    assert "限科研使用" in restricted
    assert "open@example.org" in restricted
    assert "数据字典" in restricted
    assert "不对外提供" in visit.see(f"/dataset/{visit.names['prohibited']}")
    assert "尚未发布" in visit.see(f"/dataset/{visit.names['pending']}")
    gone = visit.see(f"/dataset/{visit.names['gone']}")
    assert "来源停止更新" in gone
    assert "2026-10-08" in gone
    assert "条例第三十条" in gone
    assert "数据字典" not in gone
    visit.tab.locator(".grave dd a").click()
    assert visit.tab.url.endswith(visit.names["open"])


@pytest.mark.portal
def test_rows_are_gone_with_the_word_that_they_are_open(portal_stack: PortalStack, names: dict[str, str]) -> None:
    """The table is still there: it is the package that decides."""
    item = ITEMS["monthly"]
    try:
        assert "梧桐1号" in portal_stack.get(f"/dataset/{names['monthly']}")[1].decode()
        portal_stack.call("package_patch", {"id": names["monthly"], "shown": "metadata"})
        assert 'id="places"' not in portal_stack.get(f"/dataset/{names['monthly']}")[1].decode()
        assert "梧桐" not in portal_stack.get(f"/dataset/{names['monthly']}?rows_q={quote('梧桐')}")[1].decode().replace('value="梧桐"', "")
    finally:
        portal_stack.call("package_patch", {"id": names["monthly"], "shown": "open", "resources": compose(item, portal_stack.url)["resources"]})


@pytest.mark.browser
@pytest.mark.portal
def test_the_catalog_finds_filters_and_orders_by_pinyin(visit: Visit) -> None:
    assert "找到与“测试公交”相关的数据 1 项" in visit.see(f"/dataset/?q={quote('测试公交')}")
    visit.see(f"/organization/{DEPARTMENT}?q={quote('主题测试')}&sort=title_string+asc")
    titles = visit.tab.locator(".items h2 a").all_inner_texts()
    assert titles == ["主题测试待发布数据", "主题测试公交站点名录", "主题测试联络信息", "主题测试已下线数据", "主题测试原始卡片", "主题测试逐月客流"]
    with visit.tab.expect_navigation():
        visit.tab.locator(".filters a", has_text="受限开放").click()
    assert visit.tab.locator(".items h2 a").all_inner_texts() == ["主题测试联络信息"]
    assert "开放类型：受限开放" in visit.tab.locator(".chosen").inner_text()
    with visit.tab.expect_navigation():
        visit.tab.locator(".chosen a").click()
    assert len(visit.tab.locator(".items h2 a").all_inner_texts()) == 6
    assert "5 个数据产品\n2 个可下载\n90 行\n最新发布 2026-11-22" in visit.tab.locator("main").inner_text()
    assert visit.tab.locator(".filters a", has_text="99 分及以上").inner_text().split()[-1] == "6"


@pytest.mark.browser
@pytest.mark.portal
def test_the_keyboard_gets_to_the_content_and_the_other_language(visit: Visit) -> None:
    visit.see(f"/dataset/{visit.names['open']}")
    visit.tab.keyboard.press("Tab")
    assert visit.tab.evaluate("document.activeElement.getAttribute('href')") == "#content"
    visit.tab.locator(".cl-lang a").click()
    assert visit.tab.url == f"{visit.stack.url}/en/dataset/{visit.names['open']}"
    visit.tab.locator(".cl-lang a").click()
    assert visit.tab.url == f"{visit.stack.url}/dataset/{visit.names['open']}"


@pytest.mark.portal
def test_pages_of_a_site_where_people_talk_are_not_here(portal_stack: PortalStack, names: dict[str, str]) -> None:
    for path in (f"/dataset/followers/{names['open']}", f"/organization/about/{DEPARTMENT}", f"/organization/members/{DEPARTMENT}",
                 "/group/about/field-urban"):
        status, body = portal_stack.get(path)
        assert (status == 200 and b"class=\"items\"" in body) or b"id=\"downloads\"" in body, path
    assert portal_stack.get("/api/i18n/zh_CN")[0] == 200


@pytest.mark.portal
def test_feeds_speak_the_readers_language_and_lead_to_pages(portal_stack: PortalStack, names: dict[str, str]) -> None:
    for prefix, title, about in (("", "主题测试公交站点名录", "最近新增或更新的数据"), ("/en", "Theme bus stops", "New and changed data")):
        text = portal_stack.get(f"{prefix}/feeds/organization/{DEPARTMENT}.atom")[1].decode()
        assert f"<title>{title}</title>" in text
        assert about in text
        assert f'href="{portal_stack.url}{prefix}/dataset/{names["open"]}"' in text
        assert f'<link href="{prefix}/organization/{DEPARTMENT}" rel="alternate"/>' in text
        assert "query=" not in text
