"""Our CKAN extension over HTTP: who may do what, what leaves the portal and when, whole tables exchanged, Chinese search, DCAT-AP."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import ckanapi
import pytest
import requests
from stacking import CHECKOUT, PortalStack

from catalog.ckan import compose, fields, staged_id, table_id
from catalog.loader import load_city
from pipelines.portals import Item
from pipelines.portals.ckan.setup import PUBLISHER, set_up

pytestmark = pytest.mark.portal
DEPARTMENT, OTHER = "transport", "meteorology"
COLUMNS = [
    {"name": "station", "label": "站点名称", "label_en": "Station", "type": "text", "unit": None, "description": "站牌上的名字", "codes": None,
     "level": "L1", "treatment": "keep"},
    {"name": "district", "label": "所属区县", "label_en": "District", "type": "text", "unit": None, "description": "", "codes": "admin_divisions",
     "level": "L1", "treatment": "keep"},
    {"name": "amount", "label": "金额", "label_en": "Amount", "type": "decimal(20,2)", "unit": "元", "description": "", "codes": None,
     "level": "L1", "treatment": "keep"},
]
EXACT = "123456789012345678.12"


@dataclass
class Account:
    """One caller of the portal."""

    url: str
    token: str | None = None

    def call(self, action: str, files: Mapping[str, Any] | None = None, **given: Any) -> Any:
        with ckanapi.RemoteCKAN(self.url, apikey=self.token) as ckan:
            return ckan.call_action(action, given, files=files, requests_kwargs={"timeout": 60})

    def get(self, path: str, method: str = "GET", **headers: str) -> requests.Response:
        known = {"Authorization": self.token} if self.token else {}
        return requests.request(method, self.url + path, headers={**known, **headers}, timeout=60, allow_redirects=False)


@dataclass
class Site:
    """The running portal and everybody who calls on it."""

    url: str
    accounts: dict[str, Account] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Account:
        return self.accounts[name]


@pytest.fixture(scope="module")
def site(portal_stack: PortalStack) -> Site:
    """Departments and fields of the demo city; the publisher, an editor of one department, a stranger, everybody, a sysadmin."""
    found = Site(portal_stack.url)
    admin = found.accounts["sysadmin"] = Account(found.url, portal_stack.token)
    city = load_city(CHECKOUT / "catalog/cities/hangzhou")
    some = replace(city, departments={name: city.departments[name] for name in (DEPARTMENT, OTHER)})
    found.accounts["publisher"] = Account(found.url, set_up(some, found.url, portal_stack.token))
    for name in ("editor", "stranger"):
        admin.call("user_create", name=f"ext-{name}", email=f"{name}@example.org", password="a-long-password-1")
        found.accounts[name] = Account(found.url, admin.call("api_token_create", user=f"ext-{name}", name="t")["token"])
    admin.call("organization_member_create", id=DEPARTMENT, username="ext-editor", role="editor")
    found.accounts["anonymous"] = Account(found.url)
    return found


def content(word: str, rows: int = 3) -> bytes:
    return ("站点名称,所属区县,金额\n" + "".join(f"{word}{number},330102,{EXACT}\n" for number in range(rows))).encode()


def page(identity: str, title: str, files: Mapping[str, bytes], release: str = "r1", **other: Any) -> dict[str, Any]:
    """A page as pipelines/pages.py makes it; `files`: name → bytes."""
    listed = [{"name": name, "format": name.rpartition(".")[2], "period": "", "rows": 3, "size": len(body), "sha256": sha(body)}
              for name, body in files.items()]
    return {
        "id": identity, "dataset": identity.rpartition(".")[0], "product": "main", "version": "1.0.0", "title": {"zh": title, "en": f"T {identity}"},
        "summary": {"zh": f"{title}的说明。", "en": "A summary."}, "department": DEPARTMENT,
        "department_name": {"zh": "杭州市交通运输局", "en": "Hangzhou Transport Bureau"}, "vertical": False, "field": "urban",
        "tier": "unconditional", "licence": "CC-BY-4.0", "rights_holder": "杭州市交通运输局", "legal_basis": "条例第八条", "attribution": "注明来源",
        "purpose": "出行", "usage": "出行", "limitations": "", "update": {"every": "daily"},
        "contact": {"name": "信息中心", "email": "open@example.org", "phone": "0571-12345"}, "conditions": None, "tags": ["公共交通"],
        "columns": COLUMNS, "codes": {"admin_divisions": [{"code": "330102", "zh": "上城区", "en": "Shangcheng"}]},
        "quality": {"overall": 97, "dimensions": {}, "reasons": [], "rows": 3, "quarantined": 0}, "status": "active",
        "release": release, "released": "2026-11-20T08:00:00+08:00", "files": listed, "rows": 3,
        "releases": [{"release": release, "at": "2026-11-20T08:00:00+08:00", "hash": "0" * 64, "rows": 3, "taken_back": None, "files": listed}],
        "entry": {}, **other,
    }


def closed(body: Mapping[str, Any], tier: str = "restricted") -> dict[str, Any]:
    return {**body, "tier": tier, "release": None, "released": None, "files": [], "rows": None, "releases": []}


def sha(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@dataclass
class Product:
    """A product on the portal, published as the publisher does it."""

    site: Site
    item: Item

    @property
    def package(self) -> dict[str, Any]:
        return compose(self.item, self.site.url)

    @property
    def name(self) -> str:
        return str(self.package["name"])

    @property
    def table(self) -> str:
        return table_id(self.item.id)

    def send(self, *bodies: bytes) -> None:
        for body in bodies:
            self.site.publisher.call("citylake_file_append", sha256=sha(body), size=len(body), offset=0, files={"upload": io.BytesIO(body)})

    def create(self, **other: Any) -> dict[str, Any]:
        return dict(self.site.publisher.call("package_create", **{**self.package, **other}))

    def show(self, item: Item | None = None) -> None:
        """One package_revise with all fields: of `item`, or of this one."""
        self.item = item or self.item
        given = self.package
        match = {"name": given.pop("name")}
        self.site.publisher.call("package_revise", match=match, filter=["-resources"] if not given["resources"] else [], update=given)

    def stage(self, rows: list[dict[str, Any]]) -> str:
        """A typed table of these rows beside the product's."""
        staging, staged = f"citylake-staging-{DEPARTMENT}", staged_id(self.item.id)
        publisher = self.site.publisher
        try:
            known = publisher.call("package_show", id=staging)
        except ckanapi.NotFound:
            known = publisher.call("package_create", name=staging, title=staging, owner_org=DEPARTMENT, private=True)
        if staged not in [one["id"] for one in known["resources"]]:
            publisher.call("resource_create", package_id=known["id"], id=staged, name=self.item.id, url="")
        publisher.call("datastore_create", resource_id=staged, fields=fields(COLUMNS), force=True, records=rows, calculate_record_count=False)
        return staged

    def load(self, rows: list[dict[str, Any]], mark: str = "m1") -> dict[str, Any]:
        staged = self.stage(rows)
        return dict(self.site.publisher.call("citylake_table_swap", resource_id=self.table, staged=staged, mark=mark, info_mark="i1"))


def rows_of(word: str, count: int = 3) -> list[dict[str, Any]]:
    return [{"station": f"{word}{number}", "district": "330102", "amount": EXACT} for number in range(count)]


@pytest.fixture
def make(site: Site) -> Callable[..., Product]:
    """A product with a file and a table, open to everybody; what is shown may be given otherwise."""

    def made(title: str = "公交站点", **other: Any) -> Product:
        identity = f"ext.{uuid4().hex[:8]}.main"
        body = content(identity)
        product = Product(site, Item(identity, "open", page(identity, title, {f"{identity}.csv": body}, **other)))
        product.create(private=True)
        product.send(body)
        product.load(rows_of(identity))
        product.show()
        return product

    return made


@pytest.fixture(scope="module")
def product(site: Site) -> Product:
    """One open product that no test changes."""
    body = content("固定")
    found = Product(site, Item("ext.fixed.main", "open", page("ext.fixed.main", "主城区公共自行车站点（2024年）", {"ext.fixed.main.csv": body})))
    found.create(private=True)
    found.send(body)
    found.load(rows_of("固定"))
    found.show()
    return found


def file_path(product: Product, release: str = "r1") -> str:
    return f"/data/{product.name}/{release}/{product.item.id}.csv"


def allowed(call: Callable[[], Any]) -> bool:
    try:
        call()
    except (ckanapi.NotAuthorized, ckanapi.NotFound):
        return False
    return True


# -- fields ----------------------------------------------------------------------------------------------------------------


def test_a_package_is_shown_exactly_as_it_was_sent(site: Site, product: Product) -> None:
    shown, sent = site.anonymous.call("package_show", id=product.name), product.package
    own = [key for key in sent if key not in ("resources", "groups", "tags", "owner_org")]
    assert {key: shown.get(key) for key in own} == {key: sent[key] for key in own}
    assert shown["organization"]["name"] == DEPARTMENT
    for got, want in zip(shown["resources"], sent["resources"], strict=True):
        assert {key: got.get(key) for key in want} == want


def test_the_form_of_ckan_shows_the_fields_and_keeps_the_publishers(site: Site, make: Callable[..., Product]) -> None:
    product = make()
    before = site.editor.call("package_show", id=product.name)
    without = {key: value for key, value in before.items() if key not in ("page", "shown", "citylake_id", "release", "tier", "formats")}
    site.editor.call("package_update", **{**without, "title_en": "By hand"})
    after = site.editor.call("package_show", id=product.name)
    assert after["title_en"] == "By hand"
    kept = ("page", "shown", "citylake_id", "release")
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}


def test_an_editor_cannot_put_other_bytes_into_a_package(site: Site, make: Callable[..., Product]) -> None:
    product = make()
    shown = site.editor.call("package_show", id=product.name)
    table, file = shown["resources"]
    for action, given in (
        ("resource_create", {"package_id": shown["id"], "name": "more", "url": "https://example.org/other.csv"}),
        ("resource_patch", {"id": file["id"], "url": "https://example.org/other.csv"}),
        ("resource_patch", {"id": file["id"], "url_type": "upload"}),
        ("package_revise", {"match": {"id": shown["id"]}, "update__resources__extend": [{"url": "https://example.org/x"}]}),
    ):
        assert not allowed(lambda action=action, given=given: site.editor.call(action, **given)), action
    upload = {"upload": ("own.csv", io.BytesIO(b"a,b"))}
    assert not allowed(lambda: site.editor.call("resource_create", package_id=shown["id"], name="own.csv", files=upload))
    assert not allowed(lambda: site.editor.call("resource_patch", id=table["id"], files=upload))
    assert site.editor.call("resource_patch", id=file["id"], description="说明")["description"] == "说明"


def test_the_form_of_ckan_is_in_both_languages(site: Site, product: Product) -> None:
    chinese, english = (site.editor.get(f"{prefix}/dataset/edit/{product.name}") for prefix in ("", "/en"))
    assert (chinese.status_code, english.status_code) == (200, 200)
    assert "权利人" in chinese.text
    assert "Rights holder" in english.text
    assert "quarantined" not in chinese.text


@pytest.mark.parametrize("change", [{"shown": "open"}, {"page": "{}"}, {"release": "r9"}, {"citylake_id": "other"}, {"tier": "unconditional"}])
def test_an_editor_cannot_change_what_opens_a_package(site: Site, make: Callable[..., Product], change: dict[str, str]) -> None:
    product = make()
    product.show(Item(product.item.id, "metadata", closed(product.item.page)))
    with pytest.raises(ckanapi.ValidationError) as refused:
        site.editor.call("package_patch", id=product.name, **change)
    assert set(refused.value.error_dict) - {"__type"} == set(change)
    with pytest.raises(ckanapi.ValidationError):
        site.editor.call("package_create", name=f"hand-{uuid4().hex[:6]}", owner_org=DEPARTMENT, **change)
    assert site.anonymous.get(file_path(product)).status_code == 404


# -- who -------------------------------------------------------------------------------------------------------------------

ACTIONS = {
    "citylake_file_status": {"sha256": ["0" * 64]}, "citylake_file_append": {"sha256": "0" * 64, "size": 1, "offset": 0},
    "citylake_table_show": {"resource_id": "x"}, "citylake_table_mark": {"resource_id": "x", "mark": "", "info_mark": ""},
    "citylake_table_swap": {"resource_id": "x", "staged": "y", "mark": "", "info_mark": ""}, "citylake_purge": {},
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("who", ["anonymous", "stranger", "editor"])
def test_only_the_publisher_has_these_actions(site: Site, who: str, action: str) -> None:
    with pytest.raises(ckanapi.NotAuthorized):
        site.accounts[who].call(action, **ACTIONS[action])
    assert site.accounts[who].get(f"/api/3/action/{action}").status_code in (400, 403)


def test_the_publisher_is_no_sysadmin(site: Site) -> None:
    assert not site.sysadmin.call("user_show", id=PUBLISHER)["sysadmin"]
    assert site.publisher.call("citylake_file_status", sha256=["0" * 64]) == {"0" * 64: {"size": 0, "complete": False}}


def test_rows_come_from_releases_only(site: Site, product: Product) -> None:
    given = {"resource_id": product.table, "force": True}
    assert not allowed(lambda: site.editor.call("datastore_upsert", **given, method="insert", records=rows_of("手写")))
    assert not allowed(lambda: site.editor.call("datastore_delete", **given))
    assert not allowed(lambda: site.editor.call("datastore_create", **given, fields=[{"id": "more", "type": "text"}]))
    assert site.anonymous.call("datastore_search", resource_id=product.table)["total"] == 3


# -- files -----------------------------------------------------------------------------------------------------------------


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


# -- what is closed ----------------------------------------------------------------------------------------------------------


def metadata(product: Product) -> Item:
    return Item(product.item.id, "metadata", closed(product.item.page))


def tombstone(product: Product) -> Item:
    body = closed(product.item.page) | {"tombstone": {"reason": "撤回", "basis": "条例", "date": "2026-11-25"}}
    return Item(product.item.id, "tombstone", body)


def _hide(product: Product, how: str) -> None:
    if how == "metadata":
        product.show(metadata(product))
    elif how == "tombstone":
        product.show(tombstone(product))
    elif how == "deleted":
        product.site.publisher.call("package_delete", id=product.name)
    elif how == "private":
        product.site.publisher.call("package_patch", id=product.name, private=True)
    else:
        product.site.publisher.call("package_patch", id=product.name, shown=how)


HOWS = ["metadata", "tombstone", "deleted", "private", "absent", ""]


@pytest.mark.parametrize("how", HOWS)
def test_nothing_leaves_a_package_that_is_not_open(site: Site, make: Callable[..., Product], how: str) -> None:
    product = make()
    rows = {"resource_id": product.table}
    routes = [(method, path) for method in ("GET", "HEAD") for path in
              (file_path(product), f"/data/{product.name}/latest/csv", f"/datastore/dump/{product.table}", f"/en/datastore/dump/{product.table}",
               *(f"/datastore/dump/{product.table}?format={kind}" for kind in ("json", "tsv", "xml")))]
    assert all(site.anonymous.get(path, method).status_code in (200, 302) for method, path in routes)
    _hide(product, how)
    for who in ("anonymous", "stranger", "editor"):
        caller = site.accounts[who]
        assert {caller.get(path, method).status_code for method, path in routes} == {404}, who
        assert not allowed(lambda caller=caller: caller.call("datastore_search", **rows)), who
        assert not allowed(lambda caller=caller: caller.call("datastore_info", id=product.table)), who
        assert caller.get(f"/api/3/action/datastore_search?resource_id={product.table}").status_code in (403, 404), who
        assert EXACT not in caller.get(f"/dataset/{product.name}").text + caller.get(f"/dataset/{product.name}/resource/{product.table}").text


def test_closed_bytes_do_not_come_back_by_hand(site: Site, make: Callable[..., Product]) -> None:
    product, others = make(), make()
    body = content(product.item.id)
    was = product.item
    _hide(product, "deleted")
    site.publisher.call("citylake_purge")
    with pytest.raises(ckanapi.NotAuthorized):
        site.editor.call("package_patch", id=site.sysadmin.call("package_show", id=product.name)["id"], state="active")
    # another package of the freed name, and even the same page again: the bytes and the rows are gone
    hand = site.editor.call("package_create", name=product.name, title="x", owner_org=DEPARTMENT)
    assert site.anonymous.get(file_path(product)).status_code == 404
    site.sysadmin.call("package_patch", id=hand["id"], shown="open", page=compose(was, site.url)["page"])
    assert site.anonymous.get(file_path(product)).status_code == 404
    assert site.publisher.call("citylake_file_status", sha256=sha(body))[sha(body)] == {"size": 0, "complete": False}
    assert not allowed(lambda: site.sysadmin.call("datastore_search", resource_id=product.table))
    assert site.anonymous.get(file_path(others)).status_code == 200
    site.sysadmin.call("package_delete", id=hand["id"])


def test_staging_is_for_the_publisher(site: Site, make: Callable[..., Product]) -> None:
    product = make()
    staged, name = product.stage(rows_of("未发布")), f"citylake-staging-{DEPARTMENT}"
    assert site.publisher.call("datastore_search", resource_id=staged)["total"] == 3
    for who in ("anonymous", "stranger", "editor"):
        caller = site.accounts[who]
        assert not allowed(lambda caller=caller: caller.call("datastore_search", resource_id=staged)), who
        assert not allowed(lambda caller=caller: caller.call("package_show", id=name)), who
        assert not allowed(lambda caller=caller: caller.call("resource_show", id=staged)), who
        assert not allowed(lambda caller=caller: caller.call("package_patch", id=name, private=False)), who
        assert caller.get(f"/datastore/dump/{staged}").status_code == 404
        assert name not in [one["name"] for one in caller.call("package_search", q="*:*", rows=1000, include_private=True)["results"]]
        assert name not in caller.call("package_list")
        assert name not in caller.get("/catalog.jsonld").text + caller.get("/feeds/dataset.atom").text
    before = site.anonymous.call("organization_show", id=DEPARTMENT)["package_count"]
    assert before == site.anonymous.call("package_search", fq=f"organization:{DEPARTMENT}")["count"]


def test_nobody_lists_the_tables(site: Site, product: Product) -> None:
    for who in ("anonymous", "stranger"):
        assert not allowed(lambda who=who: site.accounts[who].call("datastore_search", resource_id="_table_metadata"))
        assert site.accounts[who].get("/datastore/dump/_table_metadata").status_code == 404


# -- tables ------------------------------------------------------------------------------------------------------------------


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


# -- search ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def titles(site: Site, product: Product) -> dict[str, str]:
    """Title → name of described packages, and of the fixed open one."""
    names = {product.item.page["title"]["zh"]: product.name}
    for at, title in enumerate(("地铁客流量统计", "北京路车站名录", "图书馆、博物馆名录", "空气质量PM2.5监测数据", "重点企业登记信息（2023年）")):
        body = closed(page(f"ext.found{at}.main", title, {}))
        made = Product(site, Item(f"ext.found{at}.main", "metadata", {**body, "columns": [], "codes": {}, "tags": []}))
        made.create()
        names[title] = made.name
    return names


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


# -- DCAT-AP -----------------------------------------------------------------------------------------------------------------


def graph(found: requests.Response, form: str) -> Any:
    rdflib = pytest.importorskip("rdflib")
    assert found.status_code == 200
    return rdflib.Graph().parse(data=found.content, format=form)


@pytest.fixture(scope="module")
def described(site: Site, product: Product, titles: dict[str, str]) -> dict[str, str]:
    """An open, a restricted and a withdrawn dataset."""
    gone = Product(site, Item("ext.gone.main", "tombstone", {}))
    gone.item = Item("ext.gone.main", "tombstone", {**closed(page("ext.gone.main", "撤回的", {})), "tombstone": {"reason": "撤回"}})
    gone.create()
    return {"open": product.name, "restricted": titles["地铁客流量统计"], "gone": gone.name}


@pytest.mark.shared
@pytest.mark.parametrize(("path", "form"), [("/catalog.ttl", "turtle"), ("/dataset/{open}.jsonld", "json-ld"), ("/dataset/{restricted}.rdf", "xml"),
                                            ("/dataset/{gone}.ttl", "turtle")])
def test_feeds_pass_the_shapes_of_dcat_ap(site: Site, described: dict[str, str], shared: Path, path: str, form: str) -> None:
    pyshacl = pytest.importorskip("pyshacl")
    found = graph(site.anonymous.get(path.format(**described)), form)
    for shapes in ("3.0.0/shacl/dcat-ap-SHACL.ttl", "3.0.1/html/shacl/shapes.ttl", "3.0.1/html/shacl/range.ttl"):
        shapes_graph = str(shared / "data/conformance/dcat-ap/releases" / shapes)
        conforms, _, text = pyshacl.validate(found, shacl_graph=shapes_graph, do_owl_imports=False)
        assert conforms, text


def test_the_catalog_says_the_same_in_every_form(site: Site, described: dict[str, str]) -> None:
    found = [graph(site.anonymous.get(f"/catalog.{suffix}"), form) for suffix, form in (("ttl", "turtle"), ("jsonld", "json-ld"), ("rdf", "xml"))]
    assert {len(one) for one in found} == {len(found[0])}
    assert {f"{site.url}/dataset/{name}" for name in described.values()} <= {str(o) for o in found[0].objects()}


def test_a_description_has_what_a_reuser_needs(site: Site, product: Product, described: dict[str, str]) -> None:
    text = site.anonymous.get(f"/dataset/{product.name}.ttl").content.decode()
    for part in (sha(content("固定")), "access-right/PUBLIC", "frequency/DAILY", "licenses/by/4.0", "media-types/text/csv", "file-type/CSV",
                 "mailto:open@example.org", "Hangzhou Transport Bureau", "信息中心", f"{site.url}{file_path(product)}", "datastore_search"):
        assert part in text, part
    other = site.anonymous.get(f"/dataset/{described['restricted']}.ttl").text
    assert "access-right/RESTRICTED" in other
    assert "Distribution" not in other
