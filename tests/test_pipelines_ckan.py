"""The publisher against a running CKAN: what is seen before and after, nothing written twice, hand edits, rights, failures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp
from stacking import PortalStack
from test_catalog_ckan import column, page
from tiny import Tiny

from catalog.ckan import file_path, resource_id, staged_id, table_id
from catalog.ckan_names import slug
from catalog.contract import ColumnType
from catalog.errors import Drifted, PortalError
from pipelines import boundary as boundaries
from pipelines.portals import Item, Observed
from pipelines.portals.ckan.client import READS, Client, Denied, NotThere
from pipelines.portals.ckan.loading import ApiLoad, CopyLoad, LoadStrategy, rows_of
from pipelines.portals.ckan.portal import CkanPortal, Staged
from pipelines.portals.ckan.setup import PUBLISHER, set_up
from pipelines.products import Published
from pipelines.spool import digest
from pipelines.writers import batch_schema, write_files

pytestmark = pytest.mark.portal
ZONE = "Asia/Shanghai"
NASTY = "很长的中文列名" * 30 + "🌳\"'，,;\n%:x"
TYPES = {"code": "text", "big": "bigint", "exact": "decimal(38,17)", "real": "double", "yes": "boolean", "day": "date", "at": "timestamp",
         "xmin": "text"}
AT = datetime(2026, 3, 12, 20, 0, 5, tzinfo=UTC)
ROWS: list[tuple[Any, ...]] = [
    ("000123", 123456789012345678, Decimal("123456789012345678.12345678901234567"), 0.1, True, date(2026, 3, 12), AT, ""),
    ("", None, None, None, None, None, None, None),
    (None, -(2**63), Decimal("0.00000000000000001"), 1e300, False, date(1, 1, 1), AT, "\\."),
    ("\\.", 0, Decimal(-1), -1.5, False, date(9999, 12, 31), AT, 'a,b"c\r\n\td\\N'),
    ("🌳\n第二行", 7, Decimal("1.10000000000000000"), 1 / 3, True, date(2024, 2, 29), AT, "NULL"),
    (None, None, None, None, None, None, None, None),
]
SIMPLE = {"code": "text", "big": "bigint"}


@dataclass
class Place:
    """A city's portal on the stack, with the files of its releases."""

    portal: CkanPortal
    stack: PortalStack
    tiny: Tiny
    folder: Path

    def again(self, **options: Any) -> CkanPortal:
        """The portal as another process opens it."""
        return CkanPortal("ckan", {"url": self.stack.url, **options}, self.tiny.settings, self.portal.city, journalled)

    def item(self, dataset: str, rows: list[tuple[Any, ...]], release: str = "r1", types: dict[str, str] | None = None,
             formats: tuple[str, ...] = ("csv", "parquet"), past: tuple[Item, ...] = (), **more: Any) -> Item:
        """An open product with real files; `past` are earlier releases that stay."""
        types, identity, folder = types or SIMPLE, f"parks.{dataset}.main", self.folder / dataset / release
        columns = [column(name, kind, label=NASTY + name) for name, kind in types.items()]
        folder.mkdir(parents=True, exist_ok=True)
        targets = {kind: folder / f"{identity}.{kind}" for kind in formats}
        write_files([batch_of(types, rows)], published(types), targets, ZONE)
        files = [{"name": path.name, "format": kind, "period": "", "rows": len(rows), "size": path.stat().st_size, "sha256": digest(path)}
                 for kind, path in targets.items()]
        listed = [{"release": old.page["release"], "at": "", "hash": "", "rows": 1, "taken_back": None, "files": old.page["files"]} for old in past]
        found = page(**{"id": identity, "dataset": f"parks.{dataset}", "title": {"zh": title(dataset), "en": dataset}, "columns": columns,
                        "release": release, "released": "2026-11-24T04:00:00+00:00", "rows": len(rows), "files": files,
                        "releases": [{"release": release, "at": "", "hash": "", "rows": len(rows), "taken_back": None, "files": files}, *listed],
                        **more})
        paths = {f"{release}/{path.name}": path for path in targets.values()}
        for old in past:
            paths |= old.files
        return Item(identity, "open", found, paths)

    def show(self, item: Item, expect: str | None = None, portal: CkanPortal | None = None) -> None:
        """Publishes as steps/publish.py does."""
        portal = portal or self.portal
        seen = portal.observe([item.id]).get(item.id)
        portal.switch(portal.stage(item), expect or (seen.fingerprint if seen else None))
        shown = portal.observe([item.id]).get(item.id)
        assert (shown.fingerprint if shown else None) == (None if item.shown == "absent" else item.fingerprint)

    def package(self, item: Item) -> dict[str, Any]:
        found = self.portal.look(item.id)
        assert found is not None
        return dict(found)

    def rows(self, item: Item) -> list[dict[str, Any]] | None:
        """What everybody reads from the table, numbers exact; None when it does not answer."""
        answer = requests.post(f"{self.stack.url}/api/3/action/datastore_search", json={"resource_id": table_id(item.id), "sort": "_id"}, timeout=60)
        return json.loads(answer.text, parse_float=Decimal)["result"]["records"] if answer.ok else None

    def get(self, item: Item, release: str, name: str) -> requests.Response:
        return requests.get(self.stack.url + file_path(journalled(item.id), release, name), timeout=60)


def title(dataset: str) -> str:
    return f"{dataset}数据（测试）"


def journalled(identity: str) -> str:
    """Under what these tests published a product."""
    return slug(title(identity.split(".")[1]), identity)


def published(types: dict[str, str]) -> list[Published]:
    return [Published(name, NASTY + name, name, "", None, None, _type(kind), "L1", "keep", exp.null(), False) for name, kind in types.items()]


def _type(kind: str) -> ColumnType:
    name, _, numbers = kind.rstrip(")").partition("(")
    return ColumnType(name, *map(int, numbers.split(","))) if numbers else ColumnType(name)     # type: ignore[arg-type]


def batch_of(types: dict[str, str], rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    schema = batch_schema(published(types))
    return pa.RecordBatch.from_arrays([pa.array([row[at] for row in rows], field.type) for at, field in enumerate(schema)], schema=schema)


def closed(item: Item, shown: str = "metadata", **more: Any) -> Item:
    facts = {**item.page, "release": None, "released": None, "files": [], "rows": None, "releases": [], **more}
    return Item(item.id, shown, {} if shown == "absent" else facts)     # type: ignore[arg-type]


@pytest.fixture(scope="module")
def place(portal_stack: PortalStack, tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("ckan")
    tiny = Tiny(root)
    city = tiny.way().city
    tiny.settings.secrets.mkdir(mode=0o700)
    token = set_up(city, portal_stack.url, portal_stack.token)
    (tiny.settings.secrets / "ckan.token").write_text(token + "\n")
    (tiny.settings.secrets / "ckan.database").write_text(portal_stack.database)
    portal = CkanPortal("ckan", {"url": portal_stack.url}, tiny.settings, city, journalled)
    return Place(portal, portal_stack, tiny, root / "files")


def writes(portal: CkanPortal) -> dict[str, int]:
    return {action: number for action, number in portal.client.calls.items() if action not in READS}


SMALL = [("a", 1), ("b", None)]


# -- the way of a product ------------------------------------------------------------------------------------------------


def test_a_new_product_is_seen_whole_or_not_at_all(place: Place) -> None:
    tags = ["公共交通（地铁）", "地", "a/b", "长" * 300, "树🌳木", "PM2.5", "a\0b", "_-", "ａｂ"]
    item = place.item("whole", SMALL, tags=tags, version="1" * 120, quality={"overall": 98.5})
    staged = place.portal.stage(item)
    name = item.page["files"][0]["name"]
    assert place.portal.observe([item.id]) == {}
    assert (place.rows(item), place.get(item, "r1", name).status_code) == (None, 404)
    seen = place.portal.switch(staged, None)
    assert seen.fingerprint == item.fingerprint
    shown = place.portal.observe([item.id])[item.id]
    assert (shown.fingerprint, shown.shown, shown.release, shown.drift, shown.page) == (item.fingerprint, "open", "r1", (), item.page)
    assert place.get(item, "r1", name).content == item.files[f"r1/{name}"].read_bytes()
    assert place.rows(item) == [{"_id": 1, "code": "a", "big": 1}, {"_id": 2, "code": "b", "big": None}]
    assert (place.portal.verify(item), place.portal.verify(item, deep=True)) == ([], [])
    assert place.portal.stored(item.id) == Item(item.id, "open", item.page)
    assert item.id in place.portal.ids()


def test_a_second_publication_writes_nothing(place: Place) -> None:
    item = place.item("twice", SMALL)
    place.show(item)
    again = place.again()
    place.show(item, portal=again)
    assert writes(again) == {}


def test_observing_is_one_read_for_each_product(place: Place) -> None:
    items = [place.item(name, SMALL) for name in ("one", "two")]
    for item in items:
        place.show(item)
    again = place.again()
    again._place = {item.id: place.package(item)["id"] for item in items}.get      # what the journal would know
    assert set(again.observe([*(item.id for item in items), "parks.nothing.main"])) == {item.id for item in items}
    assert again.client.calls == {"user_show": 1, "package_show": 2}
    again.observe([item.id for item in items])
    assert again.client.calls == {"user_show": 1, "package_show": 4}


@pytest.mark.parametrize("how", ["copy", "api"])
def test_values_come_back_as_they_were(place: Place, how: str) -> None:
    portal = place.again()
    portal.tables._load = CopyLoad(place.stack.database) if how == "copy" else ApiLoad(portal.client)
    item = place.item(f"values_{how}", ROWS, types=TYPES)
    place.show(item, portal=portal)
    found = place.rows(item)
    assert found is not None
    names = ["code", "big", "exact", "real", "yes", "day", "at", "xmin_"]
    assert [tuple(row[name] for name in names) for row in found] == [_shown(row) for row in ROWS]
    fields = place.portal.client.everybody.call("datastore_search", resource_id=table_id(item.id), limit=0)["fields"]
    assert [(field["id"], field["type"]) for field in fields[1:]] == list(
        zip(names, ["text", "int8", "numeric", "float8", "bool", "date", "timestamp", "text"], strict=True))
    assert fields[1]["info"] == {"label": NASTY + "code", "label_en": "code", "notes": "", "unit": ""}
    dump = requests.get(f"{place.stack.url}/datastore/dump/{table_id(item.id)}", timeout=60).content.decode("utf-8-sig")
    assert "123456789012345678.12345678901234567" in dump


def _shown(row: tuple[Any, ...]) -> tuple[Any, ...]:
    code, big, exact, real, yes, day, at, last = row
    local = (at + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S.000") if at else None
    return code, big, exact, Decimal(repr(real)) if real is not None else None, yes, day.isoformat() if day else None, local, last


def test_the_database_that_does_not_answer_is_left_alone(place: Place, tmp_path: Path) -> None:
    portal = place.again()
    assert isinstance(portal._loader(), CopyLoad)
    (place.tiny.settings.secrets / "ckan.database").write_text("postgresql://nobody@127.0.0.1:1/x")
    try:
        assert isinstance(portal._loader(), ApiLoad)
    finally:
        (place.tiny.settings.secrets / "ckan.database").write_text(place.stack.database)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "geojson"])
def test_rows_are_the_same_from_every_format(place: Place, kind: str) -> None:
    item = place.item(f"from_{kind}", ROWS, types=TYPES, formats=("parquet", kind))
    other = Item(item.id, "open", {**item.page, "files": item.page["files"][1:]}, item.files)
    read = [_rows(item), _rows(other)]
    assert read[0] == read[1]
    assert len(read[0]) == len(ROWS)


def _rows(item: Item) -> list[tuple[Any, ...]]:
    found = []
    for batch in rows_of(item.page, item.files, ZONE):
        for code, big, exact, real, yes, day, at, last in zip(*(one.to_pylist() for one in batch.columns), strict=True):
            found.append((code, big, exact and Decimal(exact), real and float(real), yes, day, at and at.removesuffix(".000000"), last))
    return found


def test_many_rows_in_many_batches(place: Place) -> None:
    rows = [(f"{number:06}", number) for number in range(12_001)]
    item = place.item("many", rows)
    portal = place.again()
    portal.tables._load = ApiLoad(portal.client)
    place.show(item, portal=portal)
    assert portal.client.calls["datastore_upsert"] == 3
    total = portal.client.everybody.call("datastore_search", resource_id=table_id(item.id), limit=0)["total"]
    assert total == 12_001
    assert portal.verify(item) == []


def test_a_product_of_no_rows(place: Place) -> None:
    item = place.item("empty", [], formats=("csv", "jsonl"))
    place.show(item)
    assert (place.rows(item), place.portal.verify(item, deep=True)) == ([], [])


def test_a_new_release_takes_the_place_of_the_old(place: Place) -> None:
    old = place.item("update", SMALL)
    place.show(old)
    new = place.item("update", [("c", 3)], "r2", past=(old,))
    place.show(new)
    assert [row["code"] for row in place.rows(new) or []] == ["c"]
    assert place.get(new, "r1", old.page["files"][0]["name"]).content == old.files[f"r1/{old.page['files'][0]['name']}"].read_bytes()
    assert place.portal.verify(new, deep=True) == []
    alone = place.item("update", [("c", 3)], "r2")
    place.show(alone)      # r1 may be shown no more
    assert place.get(new, "r1", old.page["files"][0]["name"]).status_code == 404
    assert place.portal.verify(alone, deep=True) == []


def test_new_labels_load_nothing_again(place: Place) -> None:
    item = place.item("labels", SMALL)
    place.show(item)
    other = Item(item.id, "open", {**item.page, "columns": [{**one, "label": "新" + one["name"]} for one in item.page["columns"]]}, item.files)
    portal = place.again()
    place.show(other, portal=portal)
    assert portal.client.calls["citylake_table_swap"] == 0
    fields = portal.client.everybody.call("datastore_search", resource_id=table_id(item.id), limit=0)["fields"]
    assert [field["info"]["label"] for field in fields[1:]] == ["新code", "新big"]
    assert (portal.verify(other), len(place.rows(other) or [])) == ([], 2)


def test_a_dictionary_that_was_changed_by_hand_is_found(place: Place) -> None:
    item = place.item("dictionary", SMALL)
    place.show(item)
    fields = [{"id": "code", "type": "text", "info": {"label": "手"}}, {"id": "big", "type": "int8"}]
    Client(place.stack.url, place.stack.token).call("datastore_create", resource_id=table_id(item.id), force=True, fields=fields)
    assert {"resources differs", "The table differs"} <= set(place.portal.verify(item))
    assert place.portal.observe([item.id])[item.id].drift == ("resources",)


def test_other_types_make_another_table(place: Place) -> None:
    item = place.item("types", [("1", 1)])
    place.show(item)
    place.show(place.item("types", [(1, "1")], "r2", types={"code": "bigint", "other": "text"}))
    assert place.rows(item) == [{"_id": 1, "code": 1, "other": "1"}]


def test_a_file_of_several_chunks_goes_on_where_it_ended(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.portals.ckan.files.CHUNK", 1000)
    item = place.item("chunks", [(f"x{number}", number) for number in range(500)])
    first = item.page["files"][0]
    part = item.files[f"r1/{first['name']}"].read_bytes()[:700]
    place.portal.client.call("citylake_file_append", files={"upload": ("part", part)}, sha256=first["sha256"], size=first["size"], offset=0)
    portal = place.again()
    place.show(item, portal=portal)
    due = [file["size"] - (700 if file is first else 0) for file in item.page["files"]]
    assert portal.client.calls["citylake_file_append"] == sum(-(-size // 1000) for size in due)
    assert portal.verify(item, deep=True) == []


def test_a_file_that_is_shorter_longer_or_other_than_recorded_is_refused(place: Place) -> None:
    item, same = place.item("broken", [("unlike others", 1)]), place.item("broken2", SMALL)
    for number, change in enumerate((lambda was: was[:-1], lambda was: was + b"x", lambda was: b"x" + was[1:], lambda _: b"")):
        broken = place.folder / f"broken{number}.csv"
        broken.write_bytes(change(item.files[f"r1/{item.page['files'][0]['name']}"].read_bytes()))
        with pytest.raises(PortalError, match="not what its record says"):
            place.portal.stage(Item(item.id, "open", item.page, dict.fromkeys(item.files, broken)))
        with pytest.raises(PortalError, match="not what its record says"):      # another product has brought these bytes already
            place.portal.stage(Item(same.id, "open", same.page, dict.fromkeys(same.files, broken)))
    assert place.portal.observe([item.id, same.id]) == {}
    place.show(item)      # what arrived of them hinders nothing
    assert place.portal.verify(item, deep=True) == []


@pytest.mark.parametrize("shown", ["metadata", "tombstone", "absent"])
def test_what_closes_answers_nowhere_and_may_open_again(place: Place, shown: str) -> None:
    item = place.item(f"close_{shown}", SMALL)
    place.show(item)
    more = {"tombstone": {"reason": "x", "basis": "y", "date": "2026-11-24"}} if shown == "tombstone" else {}
    gone = closed(item, shown, **more)
    place.show(gone)
    assert (place.rows(item), place.get(item, "r1", item.page["files"][0]["name"]).status_code) == (None, 404)
    assert place.portal.verify(gone) == []
    assert requests.get(f"{place.stack.url}/datastore/dump/{table_id(item.id)}", timeout=60).status_code in (403, 404)
    anonymous = requests.get(f"{place.stack.url}/api/3/action/package_show", params={"id": journalled(item.id)}, timeout=60)
    assert anonymous.ok == (shown != "absent")
    portal = place.again()
    place.show(gone, portal=portal)
    assert writes(portal) == {}
    place.show(item)
    assert (len(place.rows(item) or []), place.portal.verify(item, deep=True)) == (2, [])


def test_metadata_only_never_brings_a_byte(place: Place) -> None:
    item = closed(place.item("restricted", SMALL), tier="restricted", conditions={"zh": "申请", "en": "apply"})
    place.show(item)
    assert not {"citylake_file_append", "citylake_table_swap", "datastore_create"} & set(place.again().client.calls)
    assert place.package(item)["resources"] == []
    assert place.portal.verify(item) == []


def test_a_page_of_some_megabytes(place: Place) -> None:
    codes = {"kinds": [{"code": f"{number:05}", "zh": "公共自行车站点" * 4, "en": "x" * 20} for number in range(20_000)]}
    item = place.item("large", SMALL, codes=codes, summary={"zh": "说\0明\x01\n" + "长" * 40_000, "en": "x\0"})
    place.show(item)
    assert len(json.dumps(place.package(item)["page"])) > 2_000_000
    assert place.portal.verify(item) == []
    found = place.portal.client.everybody.call("package_search", q="large数据")
    assert [entry["citylake_id"] for entry in found["results"]] == [item.id]


texts = st.text(max_size=30) | st.sampled_from([" ", "\r\n x \t", "\ufffe\uffff", "\u202e右", "\\u0000", "<b>&amp;</b>", "𠮷" * 9, "\x7f\x85"])


def test_any_text_comes_back_as_it_was(place: Place) -> None:
    base = closed(place.item("texts", SMALL))
    place.show(base)

    @settings(max_examples=20, deadline=None, database=None)
    @given(texts.filter(len), texts, st.lists(texts, max_size=4), st.none() | texts)
    def check(one: str, two: str, tags: list[str], none: str | None) -> None:
        more = {"title": {"zh": one, "en": two or "x"}, "summary": {"zh": two or "x", "en": one}, "tags": tags, "attribution": none,
                "licence": one, "conditions": {"zh": one, "en": two}, "purpose": two, "columns": [column(label=one, description=two)]}
        item = Item(base.id, "metadata", {**base.page, **more})
        place.portal.packages.revise(item, place.package(item))
        assert place.portal.observe([item.id])[item.id] == Observed(item.fingerprint, "metadata", None, item.page)
    check()


def test_two_products_of_one_title(place: Place) -> None:
    items = [place.item(name, SMALL, title={"zh": "同一个名称", "en": "x"}) for name in ("same_a", "same_b")]
    portal = place.again()
    portal._place = lambda identity: slug("同一个名称", identity)
    for item in items:
        place.show(item, portal=portal)
    assert len({package["id"] for item in items if (package := portal.look(item.id))}) == 2
    assert [portal.verify(item) for item in items] == [[], []]


# -- what others do ------------------------------------------------------------------------------------------------------

EDITS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "title": lambda _: {"title": "手改"}, "notes": lambda _: {"notes": ""}, "tags": lambda _: {"tags": [{"name": "手改"}]},
    "groups": lambda _: {"groups": [{"name": "field-health"}]}, "owner_org": lambda _: {"owner_org": "weather"},
    "version": lambda _: {"version": "9"},
    "license_id": lambda _: {"license_id": "other"}, "tier": lambda _: {"tier": "restricted"}, "level": lambda _: {"level": "L4"},
    "title_en": lambda _: {"title_en": "hand"}, "rights_holder": lambda _: {"rights_holder": "手"}, "page": lambda _: {"page": "{"},
    "contact_email": lambda _: {"contact_email": "a@b.cn"}, "rows": lambda _: {"rows": "7"}, "shown": lambda _: {"shown": "metadata"},
    "release": lambda _: {"release": "r9"},
    "author": lambda _: {"author": "手"}, "name": lambda found: {"name": found["name"] + "-x"},
    "resources": lambda found: {"resources": found["resources"] + [{"name": "手", "url": "https://example.org"}]},
}


def test_hand_edits_are_seen_and_mended(place: Place) -> None:
    item = place.item("edited", SMALL)
    place.show(item)
    admin, identity = Client(place.stack.url, place.stack.token), place.package(item)["id"]
    for field, edit in EDITS.items():
        admin.call("package_patch", id=identity, **edit(place.package(item)))
        seen = place.portal.observe([item.id])[item.id]
        assert {"shown": "resources"}.get(field, field) in seen.drift
        assert seen.fingerprint != item.fingerprint
        with pytest.raises(Drifted):
            place.portal.switch(Staged(item), item.fingerprint)
        place.portal.switch(Staged(item), seen.fingerprint)
        assert place.portal.observe([item.id])[item.id] == Observed(item.fingerprint, "open", "r1", item.page)
    assert place.portal.verify(item) == []


def test_what_was_hidden_deleted_or_renamed_by_hand_is_not_there_and_comes_back(place: Place) -> None:
    item = place.item("hidden", SMALL)
    place.show(item)
    admin, identity = Client(place.stack.url, place.stack.token), place.package(item)["id"]
    for act in (lambda: admin.call("package_patch", id=identity, private=True), lambda: admin.call("package_delete", id=identity),
                lambda: admin.call("package_patch", id=identity, name="renamed-by-hand")):
        act()
        again = place.again()
        assert again.observe([item.id]) == {}
        again.switch(again.stage(item), None)
        assert place.package(item)["id"] == identity
        assert place.portal.verify(item) == []


def test_a_renamed_package_is_found_by_the_place_that_the_journal_keeps(place: Place) -> None:
    item = place.item("renamed", SMALL)
    place.show(item)
    known = place.portal.place_of(item.id)
    Client(place.stack.url, place.stack.token).call("package_patch", id=known, name="renamed-too")
    again = place.again()
    again._place = lambda _: known
    assert again.observe([item.id])[item.id].drift == ("name",)
    place.show(closed(item, "absent"), portal=again)
    assert place.rows(item) is None


def test_a_new_title_keeps_the_address(place: Place) -> None:
    item = place.item("titled", SMALL)
    place.show(item)
    before = place.package(item)["name"]
    other = Item(item.id, "open", {**item.page, "title": {"zh": "改名", "en": "x"}}, item.files)
    place.show(other)
    assert (place.package(other)["name"], place.portal.verify(other)) == (before, [])


def test_a_change_between_reading_and_writing_is_refused(place: Place) -> None:
    item = place.item("raced", SMALL)
    place.show(item)
    other = place.item("raced", [("c", 3)], "r2")
    staged = place.portal.stage(other)
    admin = Client(place.stack.url, place.stack.token)
    watch = _once("publish/ckan/table", lambda: admin.call("package_patch", id=place.package(item)["id"], notes="手"))
    boundaries.watchers.append(watch)
    try:
        with pytest.raises(Drifted):
            place.portal.switch(staged, item.fingerprint)
    finally:
        boundaries.watchers.remove(watch)
    assert place.package(item)["notes"] == "手"
    place.show(other)


def _once(name: str, act: Callable[[], Any]) -> Callable[[str], None]:
    done: list[str] = []

    def watch(at: str) -> None:
        if at == name and not done:
            done.append(at)
            act()
    return watch


# -- interrupted anywhere ------------------------------------------------------------------------------------------------


class Killed(BaseException):
    pass


def _killed_at(number: int, act: Callable[[], Any]) -> bool:
    """Runs and stops at the numbered boundary; whether it got that far."""
    passed: list[str] = []

    def watch(name: str) -> None:
        passed.append(name)
        if len(passed) == number:
            raise Killed
    boundaries.watchers.append(watch)
    try:
        act()
    except Killed:
        return True
    finally:
        boundaries.watchers.remove(watch)
    return False


@pytest.mark.slow
@pytest.mark.parametrize("way", ["new", "update", "close", "reopen"])
def test_interrupted_anywhere_a_second_attempt_ends_well(place: Place, way: str) -> None:
    first, second = place.item(f"kill_{way}", SMALL), place.item(f"kill_{way}", [("c", 3)], "r2")
    start, end = {"new": (closed(first, "absent"), second), "update": (first, second), "close": (first, closed(first)),
                  "reopen": (closed(first), second)}[way]
    number = 0
    while True:
        place.show(start)
        number += 1
        portal = place.again()
        seen = portal.observe([end.id]).get(end.id)
        expect = seen.fingerprint if seen else None
        if not _killed_at(number, lambda portal=portal, expect=expect: portal.switch(portal.stage(end), expect)):
            break
        again = place.again()
        now = again.observe([end.id]).get(end.id)
        shown = now.fingerprint if now else None
        half = now is not None and now.drift == ("table",)      # what closes loses its table first
        assert half or shown in (expect, None if end.shown == "absent" else end.fingerprint)
        if half or shown == expect:
            again.switch(again.stage(end), shown)
        else:
            again.purge()       # all that steps/publish.py does then
        assert again.verify(end, deep=True) == []
    assert number > 2


# -- rights and failures -------------------------------------------------------------------------------------------------


def test_setting_up_again_changes_nothing(place: Place) -> None:
    token = (place.tiny.settings.secrets / "ckan.token").read_text().strip()
    assert set_up(place.portal.city, place.stack.url, place.stack.token, token) == token
    admin = Client(place.stack.url, place.stack.token)
    admin.call("organization_patch", id="parks", title="手改")
    admin.call("organization_member_delete", id="weather", username=PUBLISHER)
    assert set_up(place.portal.city, place.stack.url, place.stack.token, token) == token
    found = admin.call("organization_show", id="parks", include_users=True)
    assert (found["title"], found["extras"][0]["value"]) == ("园林局", "Parks")
    roles = {user["name"]: user["capacity"] for user in admin.call("organization_show", id="weather", include_users=True)["users"]}
    assert roles[PUBLISHER] == "editor"
    assert admin.call("group_show", id="field-urban")["title"] == "城市建设与管理"


def test_the_publisher_has_the_least_right_that_works(place: Place) -> None:
    client = place.portal.client
    assert client.check() == PUBLISHER
    assert not client.call("user_show").get("sysadmin")
    account, admin = {"name": "other", "email": "a@b.cn", "password": "12345678"}, {"id": "parks", "username": PUBLISHER, "role": "admin"}
    for action, data in (("organization_create", {"name": "mine"}), ("organization_patch", {"id": "parks", "title": "x"}),
                         ("group_create", {"name": "mine"}), ("user_create", account), ("group_patch", {"id": "field-urban", "title": "x"}),
                         ("dataset_purge", {"id": "x"}), ("organization_member_create", admin)):
        with pytest.raises((Denied, NotThere)):
            client.call(action, **data)
    with pytest.raises(Denied):
        set_up(place.portal.city, place.stack.url, (place.tiny.settings.secrets / "ckan.token").read_text().strip())


def test_a_token_that_is_bad_missing_or_without_rights(place: Place) -> None:
    item, portal = place.item("rights", SMALL), place.again()
    admin = Client(place.stack.url, place.stack.token)
    admin.call("user_create", name="stranger", email="ckan-stranger@example.org", password="12345678")
    stranger = admin.call("api_token_create", user="stranger", name="x")["token"]
    secret = place.tiny.settings.secrets / "ckan.token"
    good = secret.read_text()
    try:
        secret.write_text("bad")
        with pytest.raises(Denied, match="does not know the publisher's token"):
            portal.observe([item.id])
        secret.write_text(stranger)
        with pytest.raises(Denied):
            place.again().stage(item)
        secret.unlink()
        with pytest.raises(PortalError, match="no token"):
            place.again().observe([item.id])
    finally:
        secret.write_text(good)
    assert place.portal.observe([item.id]) == {}


def test_another_editor_cannot_write_what_is_the_publishers(place: Place) -> None:
    item = place.item("managed", SMALL)
    place.show(item)
    admin = Client(place.stack.url, place.stack.token)
    admin.call("user_create", name="steward-x", email="steward-x@example.org", password="12345678")
    admin.call("organization_member_create", id="parks", username="steward-x", role="editor")
    steward = Client(place.stack.url, admin.call("api_token_create", user="steward-x", name="x")["token"])
    table: dict[str, Any] = {"resource_id": table_id(item.id), "force": True}
    for action, data in (("citylake_purge", {}), ("citylake_file_status", {"sha256": []}), ("citylake_table_show", table),
                         ("datastore_delete", table), ("datastore_upsert", {**table, "method": "insert", "records": [{"code": "x"}]})):
        with pytest.raises(Denied):
            steward.call(action, **data)
    assert place.portal.verify(item) == []


class Broken:
    """A loader that ends in the middle, as a portal that goes down."""

    name = "broken"

    def fill(self, resource: str, rows: Iterator[pa.RecordBatch]) -> int:
        raise PortalError("The portal cannot be reached.")


def test_a_portal_that_goes_down_in_the_middle(place: Place) -> None:
    item = place.item("down", SMALL)
    portal = place.again()
    load: LoadStrategy = Broken()
    portal.tables._load = load
    with pytest.raises(PortalError):
        portal.stage(item)
    assert place.portal.observe([item.id]) == {}
    place.show(item)
    assert place.portal.verify(item) == []


def test_rows_that_the_database_refuses_are_told_without_their_values(place: Place) -> None:
    place.show(place.item("refused", SMALL))
    staged = staged_id("parks.refused.main")
    place.portal.client.call("datastore_create", resource_id=staged, force=True, fields=[{"id": "code", "type": "int8"}])
    batch = pa.RecordBatch.from_arrays([pa.array(["canary77"])], names=["code"])
    for load in (CopyLoad(place.stack.database), ApiLoad(place.portal.client)):
        with pytest.raises(PortalError) as raised:
            load.fill(staged, [batch])
        assert "canary77" not in str(raised.value)


def test_the_loading_role_may_do_nothing_but_insert(place: Place) -> None:
    import psycopg

    item = place.item("loader", SMALL)
    place.show(item)
    with psycopg.connect(place.stack.database, autocommit=True) as connection:
        for statement in ("SELECT * FROM", "DELETE FROM", "TRUNCATE", "DROP TABLE"):
            with pytest.raises(psycopg.Error):
                connection.execute(f'{statement} "{table_id(item.id)}"'.encode())


def test_every_file_of_the_store_is_named_by_a_page(place: Place) -> None:
    item = place.item("kept", SMALL)
    place.show(item)
    place.portal.purge()
    store = place.stack.root / "storage" / "citylake"
    named = {hashlib.sha256(path.read_bytes()).hexdigest() == path.name for path in store.glob("[0-9a-f][0-9a-f]/*")}
    assert named == {True}
    assert place.portal.verify(item, deep=True) == []
    assert resource_id(item.id, "csv/") in {entry["id"] for entry in place.package(item)["resources"]}
