"""Products on a running CKAN as the publisher puts them there, and everybody who calls on it, for tests of the extension over HTTP.

Fixtures: a test file takes them by `pytest_plugins = ["publishing"]`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
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
    set_up(some, found.url, portal_stack.token)
    found.accounts["publisher"] = Account(found.url, admin.call("api_token_create", user=PUBLISHER, name="tests")["token"])
    for name in ("editor", "stranger"):
        if f"ext-{name}" not in admin.call("user_list", all_fields=False):
            admin.call("user_create", name=f"ext-{name}", email=f"ext-{name}@example.org", password="a-long-password-1")
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


def metadata(product: Product) -> Item:
    return Item(product.item.id, "metadata", closed(product.item.page))


def tombstone(product: Product) -> Item:
    body = closed(product.item.page) | {"tombstone": {"reason": "撤回", "basis": "条例", "date": "2026-11-25"}}
    return Item(product.item.id, "tombstone", body)


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
