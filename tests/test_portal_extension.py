"""Our CKAN extension: who may do what, what opens a package, and what of a closed one can still be had: nothing."""

from __future__ import annotations

import io
from collections.abc import Callable
from uuid import uuid4

import ckanapi
import pytest
from publishing import DEPARTMENT, EXACT, Product, Site, allowed, closed, content, file_path, metadata, rows_of, sha, tombstone

from catalog.ckan import compose
from pipelines.portals import Item
from pipelines.portals.ckan.setup import PUBLISHER

pytest_plugins = ["publishing"]
pytestmark = pytest.mark.portal


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


@pytest.mark.parametrize("change", [{"shown": "open"}, {"page": "{}"}, {"figures": "{}"}, {"release": "r9"}, {"citylake_id": "other"},
                                    {"tier": "unconditional"}])
def test_an_editor_cannot_change_what_opens_a_package(site: Site, make: Callable[..., Product], change: dict[str, str]) -> None:
    product = make()
    product.show(Item(product.item.id, "metadata", closed(product.item.page)))
    with pytest.raises(ckanapi.ValidationError) as refused:
        site.editor.call("package_patch", id=product.name, **change)
    assert set(refused.value.error_dict) - {"__type"} == set(change)
    with pytest.raises(ckanapi.NotAuthorized):
        site.editor.call("package_create", name=f"hand-{uuid4().hex[:6]}", owner_org=DEPARTMENT, **change)
    assert site.anonymous.get(file_path(product)).status_code == 404


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
    hand = site.sysadmin.call("package_create", name=product.name, title="x", owner_org=DEPARTMENT)
    assert site.anonymous.get(file_path(product)).status_code == 404
    site.sysadmin.call("package_patch", id=hand["id"], shown="open", page=compose(was, site.url)["page"])
    assert site.anonymous.get(file_path(product)).status_code == 404
    assert site.publisher.call("citylake_file_status", sha256=sha(body))[sha(body)] == {"size": 0, "complete": False}
    assert not allowed(lambda: site.sysadmin.call("datastore_search", resource_id=product.table))
    assert site.anonymous.get(file_path(others)).status_code == 200
    site.sysadmin.call("package_delete", id=hand["id"])


def test_nothing_comes_into_the_catalog_past_the_publisher(site: Site, make: Callable[..., Product]) -> None:
    """No package by hand, no upload by anybody: not by an editor, not with the publisher's token."""
    product = make()
    for who in ("stranger", "editor", "publisher"):
        caller = site.accounts[who]
        assert not allowed(lambda caller=caller: caller.call("package_create", name=f"hand-{uuid4().hex[:6]}", owner_org=DEPARTMENT)), who
    for who in ("editor", "publisher", "sysadmin"):
        upload = {"upload": ("people.html", b"<script>x</script>")}
        with pytest.raises((ckanapi.NotAuthorized, ckanapi.ValidationError)):
            site.accounts[who].call("resource_create", files=upload, package_id=product.name, name="people.html")


def test_the_publishers_token_makes_no_other_and_changes_no_account(site: Site) -> None:
    for action, given in (("api_token_create", {"user": "citylake-publisher", "name": "second"}),
                          ("user_patch", {"id": "citylake-publisher", "password": "a-long-password-2"}),
                          ("user_update", {"id": "citylake-publisher", "email": "other@example.org", "password": "a-long-password-2"})):
        for who in ("publisher", "editor", "anonymous"):
            caller = site.accounts[who]
            assert not allowed(lambda caller=caller, action=action, given=given: caller.call(action, **given)), (who, action)


def test_rows_that_are_shown_are_written_by_nobody_in_place(site: Site, make: Callable[..., Product]) -> None:
    product = make()
    for who in ("editor", "publisher"):
        caller = site.accounts[who]
        for action, given in (("datastore_upsert", {"method": "insert", "records": [{}]}), ("datastore_delete", {"filters": {"_id": [1]}}),
                              ("datastore_records_delete", {"filters": {"_id": [1]}}), ("datastore_create", {"records": [{}]})):
            call = lambda caller=caller, action=action, given=given: caller.call(action, resource_id=product.table, force=True, **given)  # noqa: E731
            assert not allowed(call), (who, action)
    assert site.anonymous.call("datastore_search", resource_id=product.table)["total"] == 3


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


API = [
    "package_show?id={name}", "package_search?q=*:*&rows=1000&fl=*", "package_search?q=*:*&rows=1000&fl=validated_data_dict,data_dict,res_url,urls",
    'package_search?rows=0&facet.field=["res_url","urls","res_name"]&facet.limit=-1', "package_search?fq=res_name:*{id}*",
    "resource_search?query=url:{id}",
    "resource_search?query=hash:{sha}", "current_package_list_with_resources?limit=1000", "organization_show?id=transport&include_datasets=true",
    "resource_show?id={table}", "datastore_search?resource_id={table}", "datastore_info?id={table}", "resource_view_list?id={table}",
    "package_activity_list?id={name}", "recently_changed_packages_activity_list", 'datastore_search_sql?sql=select * from "{table}"',
]
PAGES = ["/", "/dataset/", "/dataset/{name}", "/dataset/{name}.ttl", "/dataset/{name}.jsonld", "/catalog.ttl", "/catalog.jsonld",
         "/feeds/dataset.atom",
         "/organization/transport", "/dataset/{name}/resource/{table}", "/dataset/{name}/dictionary/{table}", "/dataset/activity/{name}"]


def test_no_route_tells_what_was_open_before(site: Site, make: Callable[..., Product]) -> None:
    product = make()
    secret = (f"{product.item.id}.csv", f"{product.item.id}0", sha(content(product.item.id)))
    given = {"name": product.name, "table": product.table, "id": product.item.id, "sha": secret[2][:12]}
    product.show(metadata(product))
    for path in (*PAGES, *(f"/api/3/action/{action}" for action in API)):
        found = site.anonymous.get(path.format(**given))
        assert found.status_code < 500, path
        assert [word for word in secret if word in found.text] == [], path
