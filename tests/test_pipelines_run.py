"""A run over a tiny city: what comes out at the end of the way, and what no contract names any more is gone."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
from tiny import DATASET, GOOD, Tiny, by_step, contract


def test_a_file_becomes_a_release(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", GOOD)
    assert set(by_step(city.run()).values()) == {"done"}
    released = city.settings.site / "current/data/parks.trees.main/r1"
    assert (released / "parks.trees.main.csv").read_text(encoding="utf-8-sig").splitlines()[0] == "编号,类别,高度,种植日期"
    table = pq.read_table(released / "parks.trees.main.parquet")
    assert [str(value) for value in table["height"].to_pylist()] == ["3.50", "2.25", "None"]
    assert table["planted"].to_pylist()[2].isoformat() == "2024-01-05"


def test_a_product_that_no_contract_names_leaves_the_portal(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", GOOD)
    city.run()
    document = contract()
    document["customProperties"][0]["value"]["products"][0]["name"] = "other"
    city.declare(document)
    city.run()
    pages = json.loads((city.settings.site / "current/pages.json").read_text())
    assert set(pages) == {"parks.trees.other"}
    assert not list(city.settings.site.glob("generations/*/data/parks.trees.main"))
    shutil.rmtree(city.city / "datasets/parks")
    city.run()
    assert json.loads((city.settings.site / "current/pages.json").read_text()) == {}


def test_a_draft_is_not_shown(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.declare({**contract(), "status": "draft"})
    city.drop("trees1.csv", GOOD)
    city.run()
    assert not (city.settings.site / "current").exists()
    assert city.way().journal.state(DATASET).release("main") is not None


def test_corrected_rows_come_back(tmp_path: Path) -> None:
    city = Tiny(tmp_path, max_bad_percent=60, volume={"min_rows": 3, "max_shrink": 0.1})     # a guard of sources, not of corrections
    city.become("steward_p")
    city.drop("trees1.csv", "编号,类别,高度,种植日期,备注\nT1,A,3.5,2026-03-12,\nT2,X,2,2026-03-12,\nT3,A,high,2026-03-12,\n")
    city.run()
    from pipelines.corrections import counts, export, resubmit, rows

    way = city.way()
    trees = way.contract(DATASET)
    assert counts(way, trees) == {"code.kind": 1, "type.height": 1}
    assert {row["_source_line"]: row["_rules"] for row in rows(way, trees)} == {3: "code.kind", 4: "type.height"}
    path = tmp_path / "corrected.csv"
    assert export(way, trees, path) == 2
    path.write_text(path.read_text(encoding="utf-8-sig").replace("X", "B").replace("high", "4.25"), encoding="utf-8")
    assert resubmit(way, trees, path)["outcome"] == "done"
    city.run()
    assert counts(city.way(), trees) == {}
    text = (city.settings.site / "current/data/parks.trees.main/r2/parks.trees.main.csv").read_text(encoding="utf-8-sig")
    assert [line.split(",")[2] for line in text.splitlines()[1:]] == ["3.50", "2.00", "4.25"]
    assert city.way().journal.state(DATASET).batches[-1].body["resubmitted_by"] == "steward_p"


def test_replay_gives_the_same_bronze_and_reaches_new_columns(tmp_path: Path) -> None:
    from pipelines.replay import replay

    city = Tiny(tmp_path)
    city.drop("trees1.csv", GOOD)
    city.run()
    assert replay(city.way(), city.way().contract(DATASET))["outcome"] == "unchanged"


def test_bytes_that_wait_already_open_no_second_hold(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    strange = "编号,类别,高度,种植日期,备注,别的\nT1,A,3.5,2026-03-12,,x\n"
    city.drop("trees1.csv", strange)
    city.run()
    city.drop("trees1.csv", strange)
    city.drop("trees2.csv", strange)
    city.run()
    state = city.way().journal.state(DATASET)
    assert list(state.holds) == ["parks.trees/ingest/b000001"]
    assert state.last["ingest/"]["skipped"][0]["batch"] == "b000001"


def test_a_web_server_can_enter_the_site(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", GOOD)
    old = os.umask(0o077)
    try:
        city.run()
    finally:
        os.umask(old)
    served = (city.settings.site / "current").resolve()
    assert all(path.stat().st_mode & 0o055 == 0o055 for path in (city.settings.site, served.parent, served, served / "data/parks.trees.main/r1"))
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in served.rglob("*"))
    assert not any(path.stat().st_mode & 0o077 for path in city.settings.lake.rglob("*") if path.is_file())


def test_what_the_negative_list_excludes_stands_in_no_catalog(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", GOOD)
    city.run()
    city.write("negative_list.yaml", "version: 2\nexcluded:\n"
               "  - {id: T1, kind: dataset, name: parks.trees, legal_basis: 保守国家秘密法, verified: true}\n")
    assert by_step(city.run())["parks.trees ingest"] == "refused"
    assert json.loads((city.settings.site / "current/pages.json").read_text()) == {}
    assert not list(city.settings.site.glob("generations/*/data/parks.trees.main"))
    from pipelines.steps.register import entries

    assert entries(city.way()) == []


def test_control_characters_do_not_leave(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", "编号,类别,高度,种植日期,备注\nT\x071,A,1,2026-03-12,\nT\x1b2\tx,A,1,2026-03-12,\n")
    city.run()
    text = (city.settings.site / "current/data/parks.trees.main/r1/parks.trees.main.csv").read_text(encoding="utf-8-sig")
    assert [line.split(",")[0].strip('"') for line in text.splitlines()[1:]] == ["T1", "T2\tx"]
