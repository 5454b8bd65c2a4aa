"""The mapping to CKAN: names, tags, packages; what a `package_show` answer differs in; fields of the table."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.ckan import compose, drift, fields, info_mark, name_of, picture, resource_id, row_files, table_columns, table_id, table_mark
from catalog.ckan_names import clean_tags, slug
from pipelines.portals import Item

SITE = "https://data.example.org/portal/"
SHA = "0" * 64


def column(name: str = "id", kind: str = "text", **more: Any) -> dict[str, Any]:
    return {"name": name, "label": f"标签{name}", "label_en": name, "type": kind, "unit": None, "description": "", "codes": None,
            "level": "L1", "treatment": "keep", **more}


def page(**more: Any) -> dict[str, Any]:
    return {
        "id": "parks.trees.main", "dataset": "parks.trees", "product": "main", "version": "1.0.0", "title": {"zh": "古树名木", "en": "Old trees"},
        "summary": {"zh": "说明", "en": "Summary"}, "department": "parks", "department_name": {"zh": "园林局", "en": "Parks"}, "vertical": False,
        "field": "urban", "tier": "unconditional", "licence": "CC-BY-4.0", "rights_holder": "小城", "legal_basis": "条例", "attribution": None,
        "purpose": "", "usage": "", "limitations": "", "update": {"every": "daily", "within_working_days": 5},
        "contact": {"name": "信息科", "email": None, "phone": None, "address": None}, "conditions": None, "tags": ["公园", "树木"],
        "columns": [column()], "codes": {}, "quality": {"overall": 98.5}, "status": "active", "release": None, "released": None, "files": [],
        "rows": None, "releases": [], "entry": {}, **more,
    }


def file(kind: str, period: str = "", sha256: str = SHA, size: int = 7) -> dict[str, Any]:
    stem = f"parks.trees.main{'-' + period if period else ''}"
    return {"name": f"{stem}.{kind}", "format": kind, "period": period, "rows": 3, "size": size, "sha256": sha256}


def opened(**more: Any) -> Item:
    files = more.pop("files", [file("csv"), file("parquet")])
    return Item("parks.trees.main", "open", page(release="r7", released="2026-11-24T04:00:00+00:00", rows=3, files=files, **more))


def shown(package: dict[str, Any]) -> dict[str, Any]:
    """What CKAN answers after it was given a package: its own keys added, lists in its order, ids of its own, nothing for empty."""
    found = {key: None if value == "" else value for key, value in package.items()}
    owner = package["owner_org"]
    found |= {"id": str(uuid.uuid4()), "owner_org": str(uuid.uuid4()), "organization": {"name": owner, "title": "园林局"}, "state": "active",
              "metadata_modified": "2026-11-24T04:00:00.123456", "isopen": True, "num_tags": len(package["tags"]), "extras": [], "url": None}
    found["tags"] = [{"name": tag["name"], "display_name": tag["name"], "id": "x"} for tag in reversed(package["tags"])]
    found["groups"] = [{**group, "title": "城市建设", "id": "y"} for group in package["groups"]]
    found["resources"] = [{"description": None, "position": at, "state": "active", **entry} for at, entry in enumerate(package["resources"])]
    return found


titles = st.text(min_size=1).filter(lambda text: text.strip("\0"))


@given(titles, st.text())
@example("杭州市2024年PM2.5监测（地铁）", "a.b.main")
@example("（）", "a.b.main")
@example("!", "")
@example("重庆路" * 60, "a.b.main")
@example("ＡＢＣ１２３ Éclair", "a.b.main")
def test_slug_is_a_name_that_ckan_takes(title: str, identity: str) -> None:
    try:
        identity.encode()
    except UnicodeEncodeError:
        return
    found = slug(title, identity)
    assert re.fullmatch(r"[a-z0-9-]{2,100}", found)
    assert found == slug(title, identity)
    assert not found.startswith("-")


def test_slug_spells_titles() -> None:
    assert slug("杭州市2024年PM2.5监测（地铁）", "a.b.main").startswith("hang-zhou-shi-2024-nian-pm2-5-jian-ce-di-tie-")
    assert slug("ＡＢＣ Éclair", "a.b.main").startswith("abc-eclair-")
    assert slug("（）", "a.b.main").startswith("a-b-main-")
    long = slug("公共自行车站点实时信息" * 9, "a.b.main")
    assert len(long) <= 67
    assert "-xin-" in long or not long.split("-")[-2].startswith("x-")
    assert slug("同名", "a.b.main") != slug("同名", "a.c.main")


@given(st.lists(st.text()))
@example(["地", "公共交通（地铁）", "交通·出行", "a/b", " x ", "a  b", "长" * 300, "emoji🌳树", "a\0b", "PM2.5", "_-"])
def test_tags_are_those_that_ckan_takes(tags: list[str]) -> None:
    found = clean_tags(tags)
    assert all(2 <= len(tag) <= 100 and re.fullmatch(r"[\w \-.]*", tag) and tag == tag.strip() for tag in found)
    assert found == sorted(set(found)) == clean_tags(found)


def test_tags_keep_their_words() -> None:
    assert clean_tags(["公共交通（地铁）", "交通·出行", "a/b", "地", "PM2.5"]) == ["PM2.5", "a b", "交通 出行", "公共交通 地铁"]


labels = st.text(min_size=1, max_size=40)
columns = st.lists(st.sampled_from(["id", "xmin", "xmin_", "rank", "高度"]), min_size=1, max_size=4, unique=True).map(
    lambda names: [column(name, level=f"L{at + 1}") for at, name in enumerate(names)]
)
pages = st.builds(
    lambda zh, en, tags, columns, attribution, quality, conditions: {
        "title": {"zh": zh, "en": en}, "summary": {"zh": en, "en": zh}, "tags": tags, "columns": columns, "attribution": attribution,
        "quality": quality, "conditions": conditions},
    labels, labels, st.lists(st.text(max_size=20), max_size=5), columns, st.none() | st.text(), st.none() | st.just({"overall": 100}),
    st.none() | st.just({"zh": "申请", "en": "on application"}),
)


@given(pages, st.sampled_from(["open", "metadata", "tombstone"]))
def test_nothing_drifts_when_ckan_shows_what_it_was_given(more: dict[str, Any], how: str) -> None:
    found = opened(**more)
    item = Item(found.id, how, found.page) if how == "open" else Item(found.id, how, page(**more))
    package = compose(item, SITE)
    assert all("\0" not in str(value) for key, value in package.items() if key != "page")
    answer = json.loads(json.dumps(shown(package)))
    assert drift(item, answer, SITE) == ()
    assert Item(item.id, item.shown, json.loads(answer["page"])).fingerprint == item.fingerprint
    assert json.loads(json.dumps(package)) == package


EDITS: list[tuple[str, Any]] = [
    ("title", "另一个"), ("notes", "x"), ("notes", None), ("tags", [{"name": "别的"}]), ("tags", []), ("groups", []), ("version", "2"),
    ("license_id", "other"), ("citylake_id", "a.b.c"), ("shown", "metadata"), ("tier", "restricted"), ("level", ""), ("title_en", "x"),
    ("notes_en", "x"), ("rights_holder", "x"), ("legal_basis", "x"), ("attribution", "x"), ("update_every", "yearly"), ("contact_name", "x"),
    ("contact_email", "x@example.org"), ("contact_phone", "1"), ("conditions", "x"), ("conditions_en", "x"), ("release", "r8"), ("released", ""),
    ("rows", "4"), ("quality", "99"), ("formats", "csv"), ("page", "{}"), ("name", "renamed"), ("private", True), ("type", "harvest"),
    ("dataset_id", "x"), ("product", "x"), ("organization", {"name": "weather"}), ("author", "x"), ("maintainer_email", "x@example.org"),
    ("url", "https://example.org"), ("extras", [{"key": "a", "value": "b"}]),
]


@pytest.mark.parametrize(("key", "value"), EDITS)
def test_every_hand_edit_is_named(key: str, value: Any) -> None:
    item = opened()
    answer = shown(compose(item, SITE)) | {key: value}
    assert drift(item, answer, SITE) == ({"organization": "owner_org"}.get(key, key),)
    assert picture(item.id, answer) != picture(item.id, shown(compose(item, SITE)))


@pytest.mark.parametrize("key", ["name", "description", "format", "mimetype", "size", "hash", "url_type", "url", "release", "id"])
def test_a_hand_edit_of_a_resource_is_named(key: str) -> None:
    item = opened()
    answer = shown(compose(item, SITE))
    answer["resources"][1][key] = "x"
    assert drift(item, answer, SITE) == ("resources",)


def test_resources_that_somebody_added_took_away_or_moved_are_drift() -> None:
    item = opened()
    for edit in (lambda found: found.reverse(), lambda found: found.pop(), lambda found: found.append(dict(found[0]))):
        answer = shown(compose(item, SITE))
        edit(answer["resources"])
        assert drift(item, answer, SITE) == ("resources",)


def test_sizes_may_come_back_as_text() -> None:
    item = opened()
    answer = shown(compose(item, SITE))
    answer["resources"][1]["size"] = "7"
    assert drift(item, answer, SITE) == ()


def test_a_table_that_is_gone_is_drift() -> None:
    item = opened()
    answer = shown(compose(item, SITE))
    before = picture(item.id, answer)
    answer["resources"][0]["datastore_active"] = False
    assert drift(item, answer, SITE) == ("table",)
    assert picture(item.id, answer) != before


def test_the_picture_of_a_package_tells_only_of_ours() -> None:
    item = opened()
    package = compose(item, SITE)
    again = shown(package) | {"metadata_modified": "2027-01-01T00:00:00", "num_tags": 9}
    assert picture(item.id, shown(package)) == picture(item.id, again)
    assert all(picture(item.id, package) != picture(item.id, {**package, key: "x" if key not in ("tags", "groups", "resources") else []})
               for key in package)


def test_a_new_title_keeps_the_address() -> None:
    old = compose(opened(), SITE)
    renamed = opened(title={"zh": "新名字", "en": "x"})
    assert compose(renamed, SITE, name_of("parks.trees.main", old))["name"] == old["name"]
    assert "name" not in drift(renamed, shown(old), SITE)
    assert name_of("parks.trees.main", {"name": "renamed-by-hand"}) is None


def test_resources_of_an_open_product() -> None:
    item = opened(files=[file("csv", "2026-03"), file("geojson", "2026-03"), file("parquet")])
    package = compose(item, SITE)
    table, csv, geojson, parquet = package["resources"]
    assert table == {"id": table_id(item.id), "name": "数据表", "format": "API", "url_type": "datastore", "datastore_active": True,
                     "url": f"https://data.example.org/portal/datastore/dump/{table_id(item.id)}"}
    assert csv["id"] == resource_id("parks.trees.main", "csv/2026-03")
    assert parquet["id"] == resource_id("parks.trees.main", "parquet/")
    assert csv["url"] == f"https://data.example.org/portal/data/{package['name']}/r7/parks.trees.main-2026-03.csv"
    assert (csv["format"], geojson["format"], parquet["format"], csv["hash"], csv["size"], csv["release"]) == (
        "CSV", "GeoJSON", "PARQUET", SHA, 7, "r7")
    assert package["formats"] == "csv geojson parquet"


def test_what_is_not_open_has_no_resources_but_all_its_metadata() -> None:
    closed = page(conditions={"zh": "申请", "en": "apply"}, columns=[column(level="L3"), column("b")])
    package = compose(Item("parks.trees.main", "metadata", closed), SITE)
    assert (package["resources"], package["release"], package["rows"], package["level"], package["conditions"]) == ([], "", "", "L3", "申请")
    assert json.loads(compose(Item("a.b.c", "tombstone", page(tombstone={"reason": "x"})), SITE)["page"])["tombstone"] == {"reason": "x"}


def test_resource_ids_never_change() -> None:
    assert table_id("parks.trees.main") == "f6937e3c-4b54-593a-963c-975cea557f57"


def test_fields_are_typed_as_declared() -> None:
    kinds = ["text", "bigint", "decimal(20,17)", "double", "boolean", "date", "timestamp"]
    found = fields([column(f"c{at}", kind, unit="m", label="很长的中文列名" * 20 + "🌳") for at, kind in enumerate(kinds)])
    assert [field["type"] for field in found] == ["text", "int8", "numeric", "float8", "bool", "date", "timestamp"]
    assert found[0]["info"] == {"label": "很长的中文列名" * 20 + "🌳", "label_en": "c0", "notes": "", "unit": "m"}


def test_columns_that_every_table_has_are_named_otherwise() -> None:
    names = ["xmin", "xmin_", "ctid", "id"]
    assert table_columns([column(name) for name in names]) == ["xmin__", "xmin_", "ctid_", "id"]


def test_marks_tell_rows_from_labels() -> None:
    before = opened().page
    assert row_files(before) == [file("parquet")]
    assert row_files(opened(files=[file("xlsx"), file("csv", "a"), file("csv", "b")]).page) == [file("csv", "a"), file("csv", "b")]
    labelled = opened(columns=[column(label="新标签")]).page
    assert (table_mark(labelled) == table_mark(before), info_mark(labelled) == info_mark(before)) == (True, False)
    for other in (opened(files=[file("csv"), file("parquet", sha256="1" * 64)]), opened(columns=[column(kind="bigint")])):
        assert table_mark(other.page) != table_mark(before)
    assert table_mark(opened(files=[file("csv", sha256="2" * 64), file("parquet")]).page) == table_mark(before)
