"""An outside developer's way over the portal, in a browser, in both languages: find, look, download, load by API, run the page's examples."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, sync_playwright
from portals import NAME, ckan_of, with_ckan
from stacking import DIRECT, PortalStack
from tiny import Tiny, column, contract

from catalog.ckan import table_id
from pipelines import applying
from pipelines.portals.listed import portals_of
from pipelines.steps.withdraw import withdraw

pytestmark = [pytest.mark.portal, pytest.mark.browser]
OPEN, ASKED, GONE = "parks.dev_trees", "parks.dev_owners", "parks.dev_benches"
TITLE = "临平湖滨绿道乔木普查名录"
COLUMNS = [column("id", "text", "编号", key=1, required=True), column("kind", "text", "类别", codes="kinds"), column("place", "text", "位置"),
           column("height", "decimal(6,2)", "高度", unit="m"), column("planted", "date", "种植日期")]
ROWS = [[f"00{at:02d}", "AB"[at % 2], f"湖滨{at}号段" if at % 5 else "", f"{at}.50", f"2026-01-{at % 28 + 1:02d}"] for at in range(1, 46)]
CSV = "编号,类别,位置,高度,种植日期\n" + "".join(",".join(row) + "\n" for row in ROWS)
STONE = {"reason": "长椅已拆除", "basis": "某通知第三号", "date": "2026-11-24", "replacement": f"{OPEN}.main"}


@dataclass
class Site:
    """The portal as it was published, and the releases' own files."""

    stack: PortalStack
    files: dict[str, Path]
    names: dict[str, str]
    trouble: list[str] = field(default_factory=list)

    def address(self, prefix: str, dataset: str) -> str:
        return f"{self.stack.url}{prefix}/dataset/{self.names[dataset]}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, portal_stack: PortalStack) -> Iterator[Site]:
    old = os.umask(0o077)
    city = with_ckan(Tiny(tmp_path_factory.mktemp("developer")), portal_stack)
    (city.city / "datasets/parks/trees.odcs.yaml").unlink()
    formats = {"formats": ["csv", "parquet", "jsonl", "xlsx"]}
    titles = {OPEN: (TITLE, "Lakeside greenway tree census"), ASKED: ("绿道认养人", "Greenway adopters"), GONE: ("绿道长椅", "Greenway benches")}
    for dataset, (zh, en) in titles.items():
        document = contract(dataset, [dict(one) for one in COLUMNS], title={"zh": zh, "en": en})
        product = document["customProperties"][0]["value"]["products"][0]
        product |= formats
        if dataset == ASKED:
            product |= {"tier": "restricted", "conditions": {"zh": "限科研，先签承诺书", "en": "For research, after a pledge"}}
        city.declare(document)
        city.drop(f"{dataset.split('.')[1]}1.csv", CSV)
    city.become("bureau")
    city.run()
    way = city.way()
    applying.apply(way, [applying.plan_of(way, applying.named(way, [NAME])[0])])
    way = city.way()
    withdraw(way, way.contract(GONE), "main", STONE, portals_of(way), "bureau")
    release = city.way().journal.state(OPEN).releases["main"][-1].body["release"]
    files = {entry["format"]: city.settings.lake / release["folder"] / entry["name"] for entry in release["files"]}
    portal = ckan_of(city)
    found = {dataset: dict(portal.look(f"{dataset}.main") or {}) for dataset in (OPEN, ASKED, GONE)}
    yield Site(portal_stack, files, {dataset: package["name"] for dataset, package in found.items()})
    for package in found.values():
        portal_stack.call("dataset_purge", {"id": package["id"]})
    portal.purge()
    os.umask(old)


@pytest.fixture
def tab(site: Site, chromium: str) -> Iterator[Page]:
    """A developer's browser; what it asks for outside, and its errors, are trouble."""
    site.trouble.clear()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
        found = context.new_page()
        found.on("console", lambda message: site.trouble.append(message.text) if message.type in ("error", "warning") else None)
        found.on("pageerror", lambda error: site.trouble.append(str(error)))
        found.on("request", lambda asked: None if asked.url.startswith(site.stack.url) else site.trouble.append(f"outside: {asked.url}"))
        found.on("response", lambda answer: site.trouble.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
        yield found
        browser.close()


SAID: dict[str, dict[str, Any]] = {
    "": {"search": "平湖滨绿", "found": TITLE, "rows": "第 21–40 行，共 45 行", "none": "没有包含", "how": "如何申请",
         "conditions": "限科研，先签承诺书", "gone": "已下架", "columns": ["编号", "类别", "位置", "高度 m", "种植日期"]},
    "/en": {"search": "greenway tree", "found": "Lakeside greenway tree census", "rows": "Rows 21 to 40 of 45", "none": "No row contains",
            "how": "How to get it", "conditions": "For research, after a pledge", "gone": "Withdrawn"},
}


@pytest.mark.parametrize("prefix", ["", "/en"])
def test_a_developer_finds_looks_downloads_and_loads(site: Site, tab: Page, prefix: str, tmp_path: Path) -> None:
    said = SAID[prefix]
    tab.goto(f"{site.stack.url}{prefix}/")
    tab.locator(".hero input[name=q]").fill(said["search"])
    tab.locator(".hero button").click()
    tab.locator(".items h2 a", has_text=said["found"]).click()
    assert tab.url == site.address(prefix, OPEN)
    assert said["found"] in tab.locator("h1").inner_text()
    _previews(tab, said)
    _downloads(site, tab)
    _loads(site, tab)
    assert site.trouble == []


def _previews(tab: Page, said: dict[str, Any]) -> None:
    """A page further, then one row by a piece of its text."""
    tab.locator(".pager a[rel=next]").click()
    assert said["rows"] in tab.locator("#preview").inner_text()
    assert tab.locator(".preview tbody tr").first.inner_text().split("\t")[0] == ROWS[20][0]
    if "columns" in said:
        assert tab.locator(".preview th").all_inner_texts() == said["columns"]
    for text, rows in (("滨33号", 1), ("没有这个", 0)):
        tab.locator("#preview input[type=search]").fill(text)
        tab.locator("#preview button").click()
        assert tab.locator(".preview tbody tr").count() == rows
    assert said["none"] in tab.locator("#preview").inner_text()
    tab.locator("#preview form a").click()


def _downloads(site: Site, tab: Page) -> None:
    """Every file is the release's, byte for byte, with the hash that the page shows."""
    links = tab.locator("#downloads a[download]")
    assert links.count() == len(site.files) == 4
    for at in range(4):
        with tab.expect_download() as waited:
            links.nth(at).click()
        name = waited.value.suggested_filename
        data = Path(waited.value.path()).read_bytes()
        assert data == site.files[name.rsplit(".", 1)[1]].read_bytes()
        shown = tab.locator("#downloads tr", has_text=name).locator("details code").all_text_contents()
        assert hashlib.sha256(data).hexdigest() == shown[-1]


def _loads(site: Site, tab: Page) -> None:
    """The address of the API as it stands on the page, and the dump, give the release's rows."""
    address = next(text for text in _examples(tab) if "datastore_search" in text).split('"')[1].replace("limit=5", "limit=1000")
    assert table_id(f"{OPEN}.main") in address
    with DIRECT.open(address) as answer:
        result = json.load(answer, parse_float=str)["result"]
    assert [(row["id"], row["kind"], row["place"], str(row["height"]), row["planted"]) for row in result["records"]] == _gold(site)
    assert {one["id"]: one["type"] for one in result["fields"]} == {
        "_id": "int", "id": "text", "kind": "text", "place": "text", "height": "numeric", "planted": "date"}
    with tab.expect_download() as waited:
        tab.locator("#downloads a[href*='/datastore/dump/']").click()
    text = Path(waited.value.path()).read_bytes().decode("utf-8-sig")
    assert [tuple(row[key] or (None if key == "place" else "") for key in ("id", "kind", "place", "height", "planted"))
            for row in csv.DictReader(io.StringIO(text))] == _gold(site)


def _gold(site: Site) -> list[tuple[Any, ...]]:
    """The release's rows, from its Parquet file."""
    rows = pq.read_table(site.files["parquet"]).to_pylist()
    return [(row["id"], row["kind"], row["place"], str(row["height"]), row["planted"].isoformat()) for row in rows]


def _examples(tab: Page) -> list[str]:
    return tab.locator("#use pre code").all_text_contents()


def test_the_examples_of_the_pages_run_as_they_stand(site: Site, tab: Page, tmp_path: Path) -> None:
    """Those of the dataset's page and of the developers' page, in an empty folder."""
    tab.goto(site.address("", OPEN))
    texts = _examples(tab)
    tab.goto(f"{site.stack.url}/en/developers")
    texts += tab.locator("pre code").all_text_contents()
    ran = [_run(text, tmp_path) for text in dict.fromkeys(texts)]
    assert ran.count("curl") >= 5
    assert ran.count("python") == 2
    assert "sql" in ran
    assert (tmp_path / f"{OPEN}.main.csv").read_bytes() == site.files["csv"].read_bytes()
    assert len((tmp_path / "all.csv").read_text(encoding="utf-8-sig").splitlines()) == 46
    assert site.trouble == []


def _run(text: str, folder: Path) -> str:
    """Runs an example; its language. DuckDB and R would need parts from outside: their address is fetched, and DuckDB reads that file."""
    env = {**os.environ, "no_proxy": "127.0.0.1"}
    if text.startswith("curl"):
        text = text.replace("curl", "curl -sS --fail", 1)
        ran = subprocess.run(["bash", "-c", text], cwd=folder, env=env, capture_output=True, check=False, timeout=60)
        assert ran.returncode == 0, (text, ran.stderr)
        assert " -o " in text or " -O " in text or json.loads(ran.stdout)["success"] is True
        return "curl"
    if "import " in text:
        ran = subprocess.run([sys.executable, "-c", f"{text}\nprint(len(rows))"], cwd=folder, env=env, capture_output=True, check=False, timeout=60)
        assert ran.returncode == 0, (text, ran.stderr)
        assert int(ran.stdout) == len(ROWS)
        return "python"
    address = next(part for part in re.split("[\"']", text) if part.startswith("http"))
    with DIRECT.open(address) as answer:
        (folder / "fetched").write_bytes(answer.read())
    if text.startswith("SELECT"):
        assert len(duckdb.connect().execute(text.rstrip(";").replace(address, str(folder / "fetched"))).fetchall()) == 5
        return "sql"
    assert (folder / "fetched").read_text(encoding="utf-8-sig").splitlines()[0].startswith("编号")
    return "r"


def test_what_is_not_open_says_how_to_get_it_and_offers_nothing(site: Site, tab: Page) -> None:
    for prefix, said in SAID.items():
        tab.goto(site.address(prefix, ASKED))
        text = tab.locator("article").inner_text()
        assert said["how"] in text
        assert said["conditions"] in text
        assert "parks@example.org" in text
        tab.goto(site.address(prefix, ASKED))
        assert _offers(tab) == []
        tab.goto(site.address(prefix, GONE))
        assert said["gone"] in tab.locator(".grave h2").inner_text()
        for told in (STONE["reason"], STONE["basis"], STONE["date"]):
            assert told in tab.locator(".grave").inner_text()
        assert _offers(tab) == []
        tab.locator(".grave dd a").click()
        assert tab.url == site.address(prefix, OPEN)
    assert site.trouble == []


def _offers(tab: Page) -> list[str]:
    """Links and elements that lead to rows."""
    links = tab.locator("a").evaluate_all("all => all.map(one => one.getAttribute('href') || '')")
    shown = tab.locator("[download], .preview, #downloads, #use").all_inner_texts()
    return [link for link in links if "/data/" in link or "/datastore/" in link] + shown


def test_copied_addresses_keep_working_without_a_browser(site: Site) -> None:
    """`latest` leads to the newest file by name and by format; a file can be resumed and asked for conditionally."""
    csv_file, name = site.files["csv"], site.names[OPEN]
    whole = csv_file.read_bytes()
    for path in (f"/data/{name}/latest/csv", f"/data/{name}/latest/{csv_file.name}", f"/data/{name}/r1/{csv_file.name}"):
        assert site.stack.get(path) == (200, whole), path
    assert site.stack.get(f"/data/{name}/r1/{csv_file.name}", Range="bytes=100-") == (206, whole[100:])
    assert site.stack.get(f"/data/{name}/r1/{csv_file.name}", **{"If-None-Match": f'"{hashlib.sha256(whole).hexdigest()}"'}) == (304, b"")
    assert site.stack.get(f"/data/{name}/r9/{csv_file.name}")[0] == 404
