"""Planning and applying against a real CKAN: writes counted at a proxy, hand edits, stale plans, tiers, withdrawal, rollback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from portals import NAME, act, ckan_of, get, with_ckan
from recording import Recorder
from stacking import PortalStack
from tiny import DATASET, GOOD, Tiny, by_step, column, contract

from catalog.ckan import resource_id, table_id
from catalog.errors import DefinitionError
from pipelines import applying, planning
from pipelines.audit import verify
from pipelines.portals.listed import portals_of
from pipelines.steps.rollback import rollback
from pipelines.steps.withdraw import withdraw

pytestmark = [pytest.mark.portal, pytest.mark.usefixtures("umask")]
ID, OTHER = f"{DATASET}.main", "weather.rain"
RAIN = "编号,雨量\nT1,3\nT2,4\n"
STONE = {"reason": "Wrong", "basis": "Law", "date": "2026-11-24", "replacement": f"{OTHER}.main"}


@pytest.fixture
def city(tmp_path: Path, portal_stack: PortalStack) -> Iterator[Tiny]:
    """Two datasets, released, and a CKAN that shows neither."""
    city = with_ckan(Tiny(tmp_path), portal_stack)
    city.declare(contract(OTHER, [column("id", "text", "编号", key=1, required=True), column("amount", "bigint", "雨量")]))
    city.drop("trees1.csv", GOOD)
    city.drop("rain1.csv", RAIN, "weather")
    city.become("bureau")
    city.run()
    yield city
    portal = ckan_of(with_ckan(city, portal_stack))
    for identity in (ID, f"{OTHER}.main"):
        if package := portal.look(identity):
            portal_stack.call("package_delete", {"id": package["id"]})
    portal.purge()


def plan(city: Tiny, *datasets: str) -> planning.Plan:
    way = city.way()
    return applying.plan_of(way, applying.named(way, [NAME])[0], datasets)


def apply(city: Tiny, *plans: planning.Plan) -> dict[str, str]:
    return {item.dataset: item.outcome for item in applying.apply(city.way(), plans)}


def package(city: Tiny, identity: str = ID) -> dict[str, Any]:
    found = ckan_of(city).look(identity)
    assert found is not None
    return dict(found)


def addresses(city: Tiny) -> dict[str, str]:
    """Every address at which something of the open product answers."""
    found = package(city)
    page, table = json.loads(found["page"]), table_id(ID)
    files = {f"/data/{found['name']}/{past['release']}/{file['name']}" for past in page["releases"] for file in past["files"]}
    more = {f"/dataset/{found['name']}/resource/{resource_id(ID, 'csv/')}/download/x.csv", f"/datastore/dump/{table}",
            f"/api/3/action/datastore_search?resource_id={table}", f"/api/3/action/datastore_info?id={table}", f"/data/{found['name']}/latest/csv"}
    return {path: "" for path in sorted(files | more)}


def test_a_second_apply_writes_nothing(city: Tiny, portal_stack: PortalStack) -> None:
    recorder = Recorder(portal_stack.url)
    try:
        with_ckan(city, portal_stack, url=recorder.url)
        recorder.take()
        found = plan(city)
        reads, writes = recorder.take()
        assert (writes, len(found.actions)) == ([], 2)
        assert set(apply(city, found).values()) == {"done"}
        assert {"package_create", "package_revise", "citylake_table_swap"} <= set(recorder.take()[1])
        assert set(apply(city, found).values()) == {"unchanged"}
        assert recorder.take()[1] == []
        assert plan(city).actions == ()
        reads, writes = recorder.take()
        assert (writes, reads.count("package_show")) == ([], 2)       # one for each product, beside the token's check
        assert len(reads) <= 3
        city.run()
        assert recorder.take() == ([], [])                            # a run asks a portal that waits for nothing
    finally:
        recorder.close()


def test_what_is_published_is_audited(city: Tiny, portal_stack: PortalStack) -> None:
    apply(city, plan(city))
    assert verify(city.way()) == []
    portal_stack.call("package_patch", {"id": package(city)["id"], "title": "改过的题目"})
    assert [item.dataset for item in verify(city.way()) if item.severity == "mismatch"] == [DATASET]


EDITS: dict[str, Any] = {"title": "改过的题目", "notes": "改过的摘要", "license_id": "other", "rights_holder": "别人", "tier": "restricted",
                         "tags": [{"name": "添加"}], "groups": [], "private": True, "page": "{}", "resources": [], "url": "http://example.org/"}


def test_a_hand_edit_is_drift_and_is_mended(city: Tiny, portal_stack: PortalStack) -> None:
    apply(city, plan(city))
    before = package(city)
    for field, value in EDITS.items():
        portal_stack.call("package_patch", {"id": before["id"], field: value})
        (action,) = plan(city, DATASET).actions
        if field != "private":                  # what nobody sees is not there: it is made again
            assert field in [change.field for change in action.changes if change.drift]
        apply(city, plan(city))
        assert package(city)["id"] == before["id"], field
        assert plan(city).actions == (), field
    assert verify(city.way()) == []


def test_rows_that_somebody_changed_are_drift_and_mended(city: Tiny, portal_stack: PortalStack) -> None:
    apply(city, plan(city))
    before = act(portal_stack, "datastore_search", resource_id=table_id(ID))["records"]
    for how in ("changed", "removed", "added", "renamed"):
        _changed_and_mended(city, portal_stack, how, before)
    assert verify(city.way()) == []


def _changed_and_mended(city: Tiny, portal_stack: PortalStack, how: str, before: list[dict[str, Any]]) -> None:
    table = table_id(ID)
    if how == "changed":
        portal_stack.call("datastore_upsert", {"resource_id": table, "method": "update", "force": True, "records": [{**before[0], "kind": "EVIL"}]})
    elif how == "removed":
        portal_stack.call("datastore_delete", {"resource_id": table, "force": True, "filters": {"id": "T1"}})
    elif how == "added":
        portal_stack.call("datastore_upsert", {"resource_id": table, "method": "insert", "force": True, "records": [{"id": "T9"}]})
    else:
        field = {"id": "id", "type": "text", "info": {"label": "EVIL"}}
        portal_stack.call("datastore_create", {"resource_id": table, "force": True, "fields": [field]})
    (action,) = plan(city, DATASET).actions
    assert (action.kind, all(change.drift for change in action.changes)) == ("mend", True)
    assert set(apply(city, plan(city)).values()) == {"done"}
    assert act(portal_stack, "datastore_search", resource_id=table)["records"] == before
    assert "EVIL" not in json.dumps(act(portal_stack, "datastore_info", id=table))
    assert plan(city).actions == ()


def test_a_table_that_somebody_removed_comes_back(city: Tiny, portal_stack: PortalStack) -> None:
    apply(city, plan(city))
    portal_stack.call("datastore_delete", {"resource_id": table_id(ID), "force": True})
    (action,) = plan(city, DATASET).actions
    assert action.kind == "mend"
    assert "table" in [change.field for change in action.changes if change.drift]
    apply(city, plan(city))
    assert len(act(portal_stack, "datastore_search", resource_id=table_id(ID))["records"]) == 3
    assert plan(city).actions == ()


def test_a_portal_that_was_emptied_is_filled_again(city: Tiny, portal_stack: PortalStack) -> None:
    apply(city, plan(city))
    portal_stack.call("dataset_purge", {"id": package(city)["id"]})
    assert [item.dataset for item in verify(city.way()) if item.severity == "mismatch"] == [DATASET]
    assert [action.kind for action in plan(city).actions] == ["create"]
    assert set(apply(city, plan(city)).values()) == {"done"}
    assert plan(city).actions == ()
    assert verify(city.way()) == []
    way = city.way()
    withdraw(way, way.contract(DATASET), "main", STONE, portals_of(way), "bureau")
    assert package(city)["shown"] == "tombstone"


def test_a_hand_edit_of_words_may_be_accepted_until_the_product_changes(city: Tiny, portal_stack: PortalStack) -> None:
    apply(city, plan(city))
    portal_stack.call("package_patch", {"id": package(city)["id"], "title": "更好的题目"})
    way = city.way()
    applying.accept(way, way.contract(DATASET), "main", applying.named(way, [NAME])[0], "A better title", "bureau")
    assert plan(city).actions == ()
    assert [item for item in verify(city.way()) if item.severity == "mismatch"] == []
    city.drop("trees2.csv", GOOD.replace("T1", "T7"))
    city.run()
    assert "title" in [change.field for change in plan(city, DATASET).actions[0].changes if change.drift]
    apply(city, plan(city))
    assert package(city)["title"] == "trees数据"


def test_a_hand_edit_of_anything_else_is_never_accepted(city: Tiny, portal_stack: PortalStack) -> None:
    apply(city, plan(city))
    portal_stack.call("package_patch", {"id": package(city)["id"], "title": "题目", "tier": "restricted"})
    way = city.way()
    with pytest.raises(DefinitionError, match="tier"):
        applying.accept(way, way.contract(DATASET), "main", applying.named(way, [NAME])[0], "Because", "bureau")


def test_a_stale_plan_is_refused_dataset_by_dataset(city: Tiny, portal_stack: PortalStack) -> None:
    apply(city, plan(city, DATASET))
    city.declare(contract(title={"zh": "行道树", "en": "Street trees"}))
    city.run()
    stale = plan(city)
    portal_stack.call("package_patch", {"id": package(city)["id"], "notes": "改过"})
    assert apply(city, stale) == {DATASET: "refused", OTHER: "done"}
    assert package(city)["title"] == "trees数据"
    assert package(city)["notes"] == "改过"


@pytest.mark.parametrize("how", ["restricted", "withdrawn", "prohibited"])
def test_what_closes_answers_nowhere(city: Tiny, portal_stack: PortalStack, how: str) -> None:
    apply(city, plan(city))
    city.drop("trees2.csv", GOOD.replace("T3", "T8"))
    city.run()
    apply(city, plan(city))
    was = addresses(city)
    assert len(was) >= 9
    assert all(get(portal_stack.url, path)[0] == 200 for path in was)
    if how == "withdrawn":
        way = city.way()
        withdraw(way, way.contract(DATASET), "main", STONE, portals_of(way), "bureau")
    else:
        product: dict[str, Any] = {"tier": how, "conditions": {"zh": "申请", "en": "Apply"}}
        if how == "prohibited":
            product["catalog_entry"] = True
        document = contract()
        document["customProperties"][0]["value"]["products"][0] |= product
        city.declare(document)
        assert by_step(city.run())[f"{DATASET} publish {NAME}/main"] == "done"       # at once, without a plan
    assert [path for path in was if get(portal_stack.url, path)[0] not in (403, 404, 409)] == []
    assert act(portal_stack, "datastore_search", resource_id=table_id(ID)) is None
    found = package(city)
    assert (found["resources"], found["shown"]) == ([], "tombstone" if how == "withdrawn" else "metadata")
    page = json.loads(found["page"])
    assert (page["files"], [past["files"] for past in page["releases"] if past["files"]]) == ([], [])
    assert page.get("tombstone") == (STONE if how == "withdrawn" else None)
    assert verify(city.way()) == []
    assert plan(city, DATASET).actions == ()


def test_a_rollback_leaves_nothing_of_the_later_release(city: Tiny, portal_stack: PortalStack) -> None:
    apply(city, plan(city))
    city.drop("trees2.csv", GOOD.replace("T1", "T8"))
    city.run()
    apply(city, plan(city))
    later = [path for path in addresses(city) if "/r2/" in path]
    assert later
    way = city.way()
    rollback(way, way.contract(DATASET), "main", 1, "A wrong list", portals_of(way), "bureau")
    assert {get(portal_stack.url, path)[0] for path in later} == {404}
    rows = act(portal_stack, "datastore_search", resource_id=table_id(ID))["records"]
    assert sorted(row["id"] for row in rows) == ["T1", "T2", "T3"]
    assert package(city)["release"] == "r1"
    assert verify(city.way()) == []


def test_a_portal_that_does_not_answer_is_a_failure_of_this_dataset_only(city: Tiny, portal_stack: PortalStack) -> None:
    apply(city, plan(city))
    with_ckan(city, portal_stack, url="http://127.0.0.1:9")
    document = contract()
    document["customProperties"][0]["value"]["products"][0] |= {"tier": "restricted", "conditions": {"zh": "申请", "en": "Apply"}}
    city.declare(document)
    outcomes = by_step(city.run())
    assert outcomes[f"{DATASET} publish {NAME}/main"] == "failed"       # what should have left may still be there: it is said
    assert outcomes[f"{DATASET} publish site/main"] == "done"
    assert outcomes[f"{OTHER} publish {NAME}/main"] == "unchanged"
