"""The three clauses of the negative list on a real lake: what is refused, with which rule, and that nothing of it stays."""

from __future__ import annotations

import gzip
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from tiny import Tiny, by_step, column, contract

from catalog.errors import DefinitionErrors, Refused
from pipelines.conduct import Outcome
from pipelines.corrections import export
from pipelines.corrections import rows as quarantined
from pipelines.decisions import decide
from pipelines.state import Hold
from privacy.checksums import ID_WEIGHTS

DATASET, CANARY = "parks.owners", "欧阳彧翀"
COLUMNS = [
    column("id", "text", "编号", key=1, required=True),
    column("area", "text", "区划"),
    column("owner", "text", "认养人", "L3", person=True),
]
RULE: dict[str, Any] = {
    "id": "R1", "department": "parks", "datasets": [DATASET], "purposes": ["open_data"], "kinds": [], "quantity": {"rows_per_batch": 5},
    "frequency": {"min_interval_hours": 0}, "mode": ["files"], "scope": {"subjects": "adopters"}, "retention_days": 365,
    "valid_from": "2026-01-01", "valid_to": "2026-12-31", "legal_basis": "个人信息保护法第十三条", "verified": True,
}


def policy(city: Tiny, version: int = 1, **fields: Any) -> None:
    city.write("negative_list.yaml", yaml.safe_dump({"version": version, **fields}, allow_unicode=True))


def owners(root: Path, **rule: Any) -> Tiny:
    city = Tiny(root)
    policy(city, collection_rules=[{**RULE, **rule}])
    city.declare(contract(DATASET, COLUMNS, collection_rule="R1", merge="upsert"))
    return city


def rows(*ids: str, area: str = "330106", owner: str = CANARY) -> str:
    return "编号,区划,认养人\n" + "".join(f"PK-730{one},{area},{owner}\n" for one in ids)


def ingested(outcomes: list[Outcome], dataset: str = DATASET) -> Outcome:
    return next(one for one in outcomes if one.dataset == dataset and one.step == "ingest")


def refusals(outcome: Outcome) -> dict[str, Any]:
    assert outcome.outcome == "refused", outcome
    return {found["rule"]: found["observed"] for item in outcome.body["refused"] for found in item["findings"] if not found["passed"]}


def found_in(city: Tiny, text: str) -> list[str]:
    """Files of state and lake that hold the text: in their name, as they are written, in Parquet (footer too), gzip and zip members."""
    found = []
    for path in (path for place in ("state", "lake") for path in (city.root / place).rglob("*") if path.is_file()):
        data = path.read_bytes()
        if data[:4] == b"PAR1":
            data += str(pq.read_table(path).to_pydict()).encode() + str(pq.read_metadata(path).to_dict()).encode()
        elif data[:2] == b"\x1f\x8b":
            data += gzip.decompress(data)
        elif data[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(path) as archive:
                data += b"".join(archive.read(name) for name in archive.namelist())
        if text.encode() in data or text in path.name:
            found.append(path.relative_to(city.root).as_posix())
    return found


def kept(city: Tiny, text: str, but: str = "") -> dict[str, list[str]]:
    """Every cell of a file of four marks or more → where it is found; headers are the contract's, and cells of `but` were there before."""
    cells = {cell for line in text.splitlines()[1:] for cell in line.split(",") if len(cell) >= 4} - set(but.replace("\n", ",").split(","))
    assert cells
    return {cell: places for cell in sorted(cells) if (places := found_in(city, cell))}


def open_holds(city: Tiny, dataset: str = DATASET) -> list[Hold]:
    return list(city.way().journal.state(dataset).holds.values())


@pytest.mark.parametrize(("rule", "text", "code", "figures"), [
    ({}, rows(*"123456"), "quantity", {"rows": 6, "rows_per_batch": 5}),
    ({"valid_to": "2026-11-23"}, rows("1"), "validity", {"valid_to": "2026-11-23"}),
    ({"mode": ["database"]}, rows("1"), "mode", {"mode": "files", "permitted": ["database"]}),
    ({}, rows("1", owner="电话13912345678"), "kinds", {"kinds": {"owner": ["mobile"]}, "cells": {"owner": {"mobile": 1}}}),
    ({"scope": {"subjects": "x", "limits": [{"column": "area", "prefixes": ["3301"]}]}}, rows("1", area="３３02"), "scope", {"rows": {"area": 1}}),
    ({"scope": {"subjects": "x", "limits": [{"column": "area", "values": ["330106"]}]}}, rows("1", area=""), "scope", {"rows": {"area": 1}}),
    ({"scope": {"subjects": "x", "limits": [{"column": "gone", "values": ["330106"]}]}}, rows("1"), "scope", {"rows": {"gone": 1}}),
])
def test_each_limit_refuses_the_whole_batch(tmp_path: Path, rule: dict[str, Any], text: str, code: str, figures: dict[str, Any]) -> None:
    city = owners(tmp_path, **rule)
    city.drop("owners1.csv", text)
    found = refusals(ingested(city.run(DATASET)))
    assert set(found) == {f"collection.{code}"}
    assert {"rule": "R1", **figures}.items() <= found[f"collection.{code}"].items()
    assert kept(city, text) == {}
    assert [path for place in ("lake/raw", "lake/tables/bronze", "state/holding", "state/spool") for path in (city.root / place).rglob("*")
            if path.is_file()] == []


def resident() -> str:
    """A made-up number of the right form, of nobody: born 1899 would be no form at all, so far in the future."""
    front = "330106" + "20990101" + "001"
    return front + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(front, ID_WEIGHTS, strict=True)) % 11]


NOTED = "编号,类别,高度,种植日期,备注\n" + "".join(f"T{one},A,1,2026-01-01,已修剪{one}\n" for one in range(50))


@pytest.mark.parametrize("text", [resident(), f"登记人{resident()}已核", f"no {resident()[:6]} {resident()[6:14]}-{resident()[14:]}."])
def test_one_certain_number_in_a_free_text_refuses_the_whole_batch(tmp_path: Path, text: str) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", NOTED + f"T99,B,1,2026-01-01,{text}\n")
    assert refusals(ingested(city.run("parks.trees"), "parks.trees")) == {"collection.rule": {"note": {"resident_id": 1}}}
    assert [found_in(city, one) for one in (text, resident(), "已修剪1", "T99")] == [[]] * 4
    assert not open_holds(city, "parks.trees")


def test_with_a_rule_the_figure_is_of_the_kind_that_it_does_not_list(tmp_path: Path) -> None:
    city = owners(tmp_path)
    city.drop("owners1.csv", rows("1", "2") + f"PK-7303,{resident()},{CANARY}\n")
    found = refusals(ingested(city.run(DATASET)))
    assert found == {"collection.kinds": {"rule": "R1", "kinds": {"area": ["resident_id"]}, "cells": {"area": {"resident_id": 1}}}}
    assert found_in(city, CANARY) == found_in(city, resident()) == []


@pytest.mark.parametrize("text", ["see 6228480402564890018 there", "13912345678", "见13912345678处", "a.b@example.org"])
def test_what_chance_or_a_body_may_have_made_waits_for_the_privacy_officer(tmp_path: Path, text: str) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", NOTED + f"T99,B,1,2026-01-01,{text}\n")
    assert ingested(city.run("parks.trees"), "parks.trees").outcome == "held"
    (hold,) = open_holds(city, "parks.trees")
    assert (hold.role, hold.approvable, [one["rule"] for one in hold.findings]) == ("privacy_officer", True, ["doubt.personal"])
    assert all(path.startswith("state/holding/") for path in found_in(city, text))


def test_within_the_limits_a_batch_is_admitted(tmp_path: Path) -> None:
    city = owners(tmp_path, scope={"subjects": "x", "limits": [{"column": "area", "prefixes": ["3301"]}]})
    city.drop("owners1.csv", rows("1", area="３３01") + "2,330106,\n")
    assert ingested(city.run(DATASET)).outcome == "done"
    assert found_in(city, CANARY)


def test_too_many_rows_in_a_rolling_window_are_refused_and_later_let_in(tmp_path: Path) -> None:
    city = owners(tmp_path, quantity={"rows_per_batch": 5, "rows_per_window": 6, "window_days": 10})
    city.drop("owners1.csv", rows(*"1234"))
    assert ingested(city.run(DATASET)).outcome == "done"
    city.now += timedelta(days=3)
    text = rows("5", "6", "7", owner="司马璟祎")
    city.drop("owners2.csv", text)
    found = refusals(ingested(city.run(DATASET)))
    assert found == {"collection.window": {"rule": "R1", "rows": 7, "rows_per_window": 6, "window_days": 10}}
    assert kept(city, text, rows("1")) == {}
    city.now += timedelta(days=8)
    city.drop("owners3.csv", rows("5", "6", "8", owner="司马璟祎"))
    assert ingested(city.run(DATASET)).outcome == "done"


def test_two_files_of_one_run_count_together(tmp_path: Path) -> None:
    city = owners(tmp_path, quantity={"rows_per_batch": 5, "rows_per_window": 6, "window_days": 10})
    city.drop("owners1.csv", rows(*"1234"))
    city.drop("owners2.csv", rows(*"5678"))
    assert set(refusals_in(ingested(city.run(DATASET)))) == {"collection.window"}


def refusals_in(outcome: Outcome) -> list[str]:
    return [found["rule"] for item in outcome.body["refused"] for found in item["findings"] if not found["passed"]]


def test_too_often_is_refused(tmp_path: Path) -> None:
    city = owners(tmp_path, frequency={"min_interval_hours": 24})
    city.drop("owners1.csv", rows("1"))
    assert ingested(city.run(DATASET)).outcome == "done"
    city.now += timedelta(hours=5)
    text = rows("2", owner="司马璟祎")
    city.drop("owners2.csv", text)
    found = refusals(ingested(city.run(DATASET)))
    assert found == {"collection.frequency": {"rule": "R1", "hours": pytest.approx(5, abs=0.1), "min_interval_hours": 24}}
    assert kept(city, text, rows("1")) == {}


def test_use_after_the_rule_has_ended_stops_what_is_published(tmp_path: Path) -> None:
    city = owners(tmp_path)
    city.drop("owners1.csv", rows("1"))
    assert by_step(city.run(DATASET))[f"{DATASET} publish site/main"] == "done"
    city.now += timedelta(days=60)
    outcomes = by_step(city.run(DATASET))
    assert outcomes[f"{DATASET} serve main"] == "held"
    (hold,) = open_holds(city)
    assert [found["rule"] for found in hold.findings] == ["use.validity"]
    assert not hold.approvable
    assert not [path for path in (city.root / "site").rglob("*.csv") if path.name != "catalog.csv"]


def test_a_purpose_that_the_rule_does_not_allow_is_refused_by_the_loader_for_products_and_what_is_derived(tmp_path: Path) -> None:
    city = owners(tmp_path)
    city.declare(contract(DATASET, COLUMNS, collection_rule="R1", merge="upsert", purposes=["open_data", "profit"], products=[
        {"name": "main", "tier": "restricted", "purpose": "profit", "columns": {"area": {"do": "keep"}}, "formats": ["csv"]}]))
    city.declare(contract("parks.adopted", [column("area", "text", "区划")], sources=None, merge="append", purposes=["profit"], products=[
        {"name": "main", "tier": "restricted", "purpose": "profit", "columns": {"area": {"do": "keep"}}, "formats": ["csv"]}],
        inputs=[{"dataset": DATASET, "name": "o"}], query="SELECT area FROM o GROUP BY area"))
    with pytest.raises(DefinitionErrors) as found:
        city.run()
    assert [(one.code, one.file) for one in found.value.problems] == [
        ("collection.purposes", f"datasets/parks/{name}.odcs.yaml") for name in ("adopted", "owners")]
    assert "R1" in str(found.value)
    assert "profit" in str(found.value)


def test_rows_for_correction_are_an_export_and_end_with_the_rule(tmp_path: Path) -> None:
    city = owners(tmp_path)
    city.declare(contract(DATASET, [*COLUMNS[:1], column("area", "bigint", "区划"), COLUMNS[2]], collection_rule="R1", merge="upsert",
                          max_bad_percent=90.0))
    city.drop("owners1.csv", rows("1") + rows("2", area="x").split("\n")[1] + "\n")
    assert ingested(city.run(DATASET)).outcome == "done"
    way, out = city.way(), city.root / "out.csv"
    assert export(way, way.contract(DATASET), out) == 1
    out.unlink()
    city.now += timedelta(days=60)
    way = city.way()
    for act in (lambda: export(way, way.contract(DATASET), out), lambda: quarantined(way, way.contract(DATASET), secret=True)):
        with pytest.raises(Refused, match=r"use\.validity"):
            act()
    assert not out.exists()
    assert len(quarantined(way, way.contract(DATASET))) == 1        # counts and hidden values: the steward must see what is wrong


def test_a_derived_dataset_may_not_be_used_beyond_the_rules_of_its_inputs(tmp_path: Path) -> None:
    city = owners(tmp_path)
    query = {"inputs": [{"dataset": DATASET, "name": "o"}], "sources": None, "merge": "append",
             "query": "SELECT area, count(*) AS adopted FROM o GROUP BY area"}
    columns = [column("area", "text", "区划"), column("adopted", "bigint", "数量")]
    city.declare(contract("parks.adopted", columns, **query))
    city.drop("owners1.csv", rows("1"))
    assert by_step(city.run())["parks.adopted refine"] == "done"
    city.now += timedelta(days=60)
    assert by_step(city.run())["parks.adopted refine"] == "held"
    rules = {found["rule"] for hold in open_holds(city, "parks.adopted") for found in hold.findings}
    assert rules == {"use.validity"}


def test_an_excluded_department_is_never_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.connectors import connectors

    asked: list[str] = []
    monkeypatch.setattr(connectors()["files"], "offers", lambda *_: asked.append("offers") or iter(()))
    city = owners(tmp_path)
    policy(city, 2, collection_rules=[RULE], excluded=[
        {"id": "T1", "kind": "element", "name": "认养人", "legal_basis": "law", "verified": True}])
    city.drop("owners1.csv", rows("1"))
    assert by_step(city.run(DATASET))[f"{DATASET} ingest"] == "refused"
    assert asked == []


@pytest.mark.parametrize(("name", "text"), [
    ("trees1.csv", "编号,类别,高度,种植日期,备注\nT1,A,1,2026-01-01,附近有军\u200b事 设-施分布\n"),
    ("trees1.csv", "编号,类别,高度,种植日期,备注\nT1,A,1,2026-01-01,ＣＡＮＡＲＹ机 密 级\n"),
    ("trees军事设施分布.csv", "编号,类别,高度,种植日期,备注\nT1,A,1,2026-01-01,x\n"),
    ("trees1.csv", "编号,类别,高度,种植日期,军事设施分布\nT1,A,1,2026-01-01,x\n"),
])
def test_a_cue_waits_for_the_secrecy_officer_in_holding_only(tmp_path: Path, name: str, text: str) -> None:
    city = Tiny(tmp_path)
    city.drop(name, text)
    outcomes = city.run("parks.trees")
    assert ingested(outcomes, "parks.trees").outcome == "held"
    (hold,) = open_holds(city, "parks.trees")
    assert hold.role == "secrecy_officer"
    assert str(hold.body).count("军事") == 0
    cue = text.strip().split("\n")[-1].split(",")[-1]
    held = found_in(city, cue) if cue != "x" else []
    assert all(path.startswith("state/holding/") for path in [*held, *found_in(city, "军事设施分布")])
    city.become("secrecy")
    decide(city.way(), hold.id, "reject", "It may not be collected")
    city.run("parks.trees")
    assert found_in(city, "军事设施分布") == []
    assert cue == "x" or found_in(city, cue) == []


@pytest.mark.parametrize("how", ["rejected", "expired"])
def test_what_waits_for_a_cue_is_gone_after_rejection_and_after_expiry(tmp_path: Path, how: str) -> None:
    city, text = Tiny(tmp_path), "编号,类别,高度,种植日期,备注\nTQ-7301,A,1,2026-01-01,附近有军事设施分布\n"
    city.drop("trees1.csv", text)
    city.run("parks.trees")
    (hold,) = open_holds(city, "parks.trees")
    assert (hold.role, hold.approvable) == ("secrecy_officer", True)
    assert {path.split("/")[1] for places in kept(city, text, "2026-01-01").values() for path in places} == {"holding"}
    _ended(city, "parks.trees", how)
    assert kept(city, text) == {}
    city.run("parks.trees")             # the same offer is not fetched again
    assert kept(city, text) == {}


def _ended(city: Tiny, dataset: str, how: str) -> None:
    """The secrecy officer, and nobody else, says no; or nobody says anything for a month."""
    (hold,) = open_holds(city, dataset)
    if how == "rejected":
        for person in ("steward_p", "officer", "bureau", "auditor"):
            city.become(person)
            with pytest.raises(Refused):
                decide(city.way(), hold.id, "reject", "It may not be collected")
        city.become("secrecy")
        decide(city.way(), hold.id, "reject", "It may not be collected")
    else:
        city.now += timedelta(days=20)
        policy(city, 9, joins=JOINS)            # judged and copied again: the month is not begun anew
        city.run(dataset)
        assert open_holds(city, dataset)
        city.now += timedelta(days=11)
        city.run(dataset)
        assert not open_holds(city, dataset)


@pytest.mark.parametrize("how", ["rejected", "expired"])
def test_a_batch_whose_own_columns_are_secret_together_waits_in_holding_only(tmp_path: Path, how: str) -> None:
    """Storing is already collecting: such a dataset is judged before bronze, not when it is refined."""
    city = Tiny(tmp_path)
    policy(city, 2, joins=JOINS)
    both = [column("place", "text", "哨位", key=1, required=True), column("height", "text", "高度"), column("guards", "text", "值守人数")]
    city.declare(contract("parks.posts", both, joins=["TJ1"]))
    text = "哨位,高度,值守人数\nPOSTQ-71,H8812.5,G9912\n"
    city.drop("posts1.csv", text)
    assert ingested(city.run("parks.posts"), "parks.posts").outcome == "held"
    (hold,) = open_holds(city, "parks.posts")
    assert (hold.role, hold.approvable, [one["rule"] for one in hold.findings]) == ("secrecy_officer", True, ["joins.dataset"])
    assert hold.findings[0]["observed"] == {"entry": "TJ1", "elements": ["高度", "值守人数"]}
    assert {path.split("/")[1] for places in kept(city, text).values() for path in places} == {"holding"}
    _ended(city, "parks.posts", how)
    city.run("parks.posts")
    assert kept(city, text) == {}


POSTS = [column("kind", "text", "种类", key=1, required=True), column("guards", "bigint", "值守人数")]
JOINS = [{"id": "TJ1", "elements": ["高度", "值守人数"], "legal_basis": "保守国家秘密法第十三条", "verified": True}]


def joining(root: Path, **fields: Any) -> Tiny:
    """Two datasets that are harmless alone."""
    city = Tiny(root, **fields)
    policy(city, 2, joins=JOINS)
    city.declare(contract("parks.posts", POSTS, **fields))
    city.drop("trees1.csv", "编号,类别,高度,种植日期,备注\nT1,A,1,2026-01-01,x\n")
    city.drop("posts1.csv", "种类,值守人数\nA,12\n")
    return city


def test_elements_that_are_secret_together_wait_for_the_secrecy_officer(tmp_path: Path) -> None:
    city = joining(tmp_path)
    columns = [column("kind", "text", "种类"), column("tallest", "decimal(6,2)", "最高"), column("people", "bigint", "人数")]
    city.declare(contract("parks.sums", columns, sources=None, merge="append", joins=["TJ1"],
                          inputs=[{"dataset": "parks.trees", "name": "t"}, {"dataset": "parks.posts", "name": "p"}],
                          query="SELECT t.kind AS kind, t.height AS tallest, p.guards AS people FROM t JOIN p ON t.kind = p.kind"))
    outcomes = by_step(city.run())
    assert outcomes["parks.trees refine"] == outcomes["parks.posts refine"] == "done"
    assert outcomes["parks.sums refine"] == "held"
    assert not (city.root / "lake/tables/silver/parks/sums").exists()
    (hold,) = open_holds(city, "parks.sums")
    assert (hold.role, hold.approvable, [found["rule"] for found in hold.findings]) == ("secrecy_officer", True, ["joins.dataset"])
    city.become("secrecy")
    decide(city.way(), hold.id, "approve", "Looked at it and it is well")
    assert by_step(city.run())["parks.sums refine"] == "done"


def test_a_contract_whose_elements_meet_unsaid_is_refused_by_the_loader_and_nothing_is_read(tmp_path: Path) -> None:
    """A view, and an indicator that tells one element only through another: both are refused, before any step."""
    city = joining(tmp_path)
    inputs = [{"dataset": "parks.trees", "name": "t"}, {"dataset": "parks.posts", "name": "p"}]
    for name, what in (("view", "max(t.height)"), ("indicator", "sum(t.height * p.guards)")):
        columns = [column("kind", "text", "种类"), column("a", "double", "甲"), column("b", "bigint", "乙")]
        city.declare(contract(f"parks.{name}", columns, sources=None, merge="append", inputs=inputs,
                              query=f"SELECT t.kind AS kind, {what} AS a, max(p.guards) AS b FROM t JOIN p ON t.kind = p.kind GROUP BY t.kind"))
    with pytest.raises(DefinitionErrors) as found:
        city.run()
    assert [(one.code, one.file) for one in found.value.problems] == [
        ("joins.undeclared", f"datasets/parks/{name}.odcs.yaml") for name in ("indicator", "view")]
    assert not (city.root / "lake").exists()


@pytest.mark.parametrize("subjects", ["sites", None])
def test_a_second_release_waits_where_the_elements_meet_by_subjects_or_by_a_column(tmp_path: Path, subjects: str | None) -> None:
    city = joining(tmp_path, subjects=subjects)
    assert by_step(city.run("parks.trees"))["parks.trees publish site/main"] == "done"
    outcomes = by_step(city.run("parks.posts"))
    assert outcomes["parks.posts serve main"] == "held"
    (hold,) = open_holds(city, "parks.posts")
    assert (hold.role, [found["rule"] for found in hold.findings]) == ("secrecy_officer", ["joins.releases"])


def test_releases_that_no_column_brings_together_do_not_meet(tmp_path: Path) -> None:
    city = joining(tmp_path)
    city.declare(contract("parks.posts", [column("sort", "text", "种类", key=1, required=True), column("guards", "bigint", "值守人数")]))
    outcomes = by_step(city.run())
    assert (outcomes["parks.trees serve main"], outcomes["parks.posts serve main"]) == ("done", "done")


def shared_city(root: Path) -> Tiny:
    city = Tiny(root)
    policy(city, shared_elements=[{"id": "E1", "element": "档案号", "names": ["file_no"], "codes": ["DE0001"], "authoritative": "parks.trees",
                                   "column": "id", "containment_deny": 0.4, "legal_basis": "浙江省公共数据条例", "verified": True}])
    city.drop("trees1.csv", "编号,类别,高度,种植日期,备注\n" + "".join(f"T{one:05d},A,1,2026-01-01,\n" for one in range(300)))
    city.run("parks.trees")
    return city


def test_a_renamed_column_with_half_the_values_is_not_collected_again(tmp_path: Path) -> None:
    city = shared_city(tmp_path)
    city.declare(contract("parks.again", [column("seq", "text", "序号", key=1, required=True), column("mark", "text", "标记")]))
    city.drop("again1.csv", "序号,标记\n" + "".join(f"{one},t{one + 150:05d}\n" for one in range(300)))
    found = refusals(ingested(city.run("parks.again"), "parks.again"))
    assert found == {"shared.values": {"entry": "E1", "authoritative": "parks.trees", "containment": 0.5, "containment_deny": 0.4}}
    assert found_in(city, "t00400") == []
    kept = list((city.root / "state/sketches").iterdir())
    assert kept
    assert all(b"T00" not in path.read_bytes() and path.stat().st_mode & 0o077 == 0 for path in kept)


@pytest.mark.parametrize("more", [{"label": "档案号"}, {"label": "档", "element": "DE0001"}])
def test_a_shared_element_is_known_by_name_and_by_code(tmp_path: Path, more: dict[str, Any]) -> None:
    city = shared_city(tmp_path)
    label = more.pop("label")
    city.declare(contract("parks.again", [column("seq", "text", "序号", key=1, required=True), column("mark", "text", label, **more)]))
    city.drop("again1.csv", f"序号,{label}\n1,x\n")
    assert set(refusals(ingested(city.run("parks.again"), "parks.again"))) == {"shared.element"}


def test_few_values_of_a_large_column_are_found_too(tmp_path: Path) -> None:
    city = shared_city(tmp_path)
    city.drop("trees2.csv", "编号,类别,高度,种植日期,备注\n" + "".join(f"V{one:06d},A,1,2026-01-01,\n" for one in range(40_000)))
    city.run("parks.trees")
    city.declare(contract("parks.again", [column("seq", "text", "序号", key=1, required=True), column("mark", "text", "标记")]))
    city.drop("again1.csv", "序号,标记\n" + "".join(f"{one},V{one * 999:06d}\n" for one in range(60)))
    found = refusals(ingested(city.run("parks.again"), "parks.again"))
    assert found["shared.values"]["containment"] == pytest.approx(41 / 60, abs=0.001)


def test_other_values_are_collected(tmp_path: Path) -> None:
    city = shared_city(tmp_path)
    city.declare(contract("parks.again", [column("seq", "text", "序号", key=1, required=True), column("mark", "text", "标记")]))
    city.drop("again1.csv", "序号,标记\n" + "".join(f"{one},t{one + 250:05d}\n" for one in range(300)))
    assert ingested(city.run("parks.again"), "parks.again").outcome == "done"




@pytest.mark.parametrize("spell", ["{}。", "{} ", "T {}", "T\u3164{}", "T-{}", "（T{}）"])
@pytest.mark.parametrize("number", [19, 40])
def test_neither_spelling_nor_small_number_hides_a_shared_column(tmp_path: Path, spell: str, number: int) -> None:
    city = shared_city(tmp_path)
    city.declare(contract("parks.again", [column("seq", "text", "序号", key=1, required=True), column("mark", "text", "标记")]))
    marks = [spell.format(f"{one:05d}" if "T" in spell else f"T{one:05d}") for one in range(number)]
    city.drop("again1.csv", "序号,标记\n" + "".join(f"S{at},{mark}\n" for at, mark in enumerate(marks)))
    found = refusals(ingested(city.run("parks.again"), "parks.again"))
    assert found["shared.values"]["containment"] == 1
