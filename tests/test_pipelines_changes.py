"""Contracts change between runs, batches are empty, tables get lost: the next run goes on, or says so and writes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tiny import DATASET, GOOD, Tiny, by_step, column, contract

from pipelines.audit import verify
from pipelines.replay import replay

HEADER = "编号,类别,高度,种植日期,备注\n"


def columns(**changed: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The columns of the tiny city with some of them exchanged, or taken out."""
    found = {item["name"]: item for item in contract()["schema"][0]["properties"]}
    return [item for item in {**found, **changed}.values() if item is not None]


CHANGES: dict[str, dict[str, Any]] = {
    "a period": {"period": {"column": "planted", "grain": "year"}},
    "another type": {"columns": columns(height=column("height", "text", "高度"))},
    "a level": {"columns": columns(height=column("height", "decimal(6,2)", "高度", "L3", strip_unit=["米"]))},
    "a new column": {"columns": columns(extra=column("extra", "text", "新列"))},
    "one column less": {"columns": columns(note=None), "sources": [
        {"system": "parks_files", "options": {"path": "trees*.csv"}, "format": {"name": "csv"}, "leave_out": ["备注"]}]},
    "a snapshot": {"merge": "snapshot"},
    "another key": {"columns": columns(kind=column("kind", "text", "类别", codes="kinds", key=2, required=True))},
}


@pytest.mark.slow
@pytest.mark.parametrize("change", list(CHANGES))
def test_a_changed_contract_takes_what_is_there_along_and_back(tmp_path: Path, change: str) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", GOOD)
    city.run()
    before = city.way().journal.state(DATASET).release("main")
    assert before is not None
    city.declare(contract(**CHANGES[change]))
    outcomes = by_step(city.run())
    assert "failed" not in outcomes.values(), outcomes
    city.drop("trees2.csv", GOOD.replace("T1", "T7"))
    outcomes = by_step(city.run())
    assert "failed" not in outcomes.values(), outcomes
    assert replay(city.way(), city.way().contract(DATASET))["outcome"] in ("unchanged", "done")
    assert "failed" not in by_step(city.run()).values()
    (city.sources / "parks/trees2.csv").unlink()
    city.declare(contract())
    outcomes = by_step(city.run())
    assert "failed" not in outcomes.values(), outcomes
    assert verify(city.way()) == []
    assert set(by_step(city.run()).values()) <= {"unchanged", "held"}


def test_a_batch_without_rows_is_a_batch(tmp_path: Path) -> None:
    city = Tiny(tmp_path, volume={"min_rows": 0})
    city.drop("trees1.csv", HEADER)
    assert set(by_step(city.run()).values()) == {"done"}
    state = city.way().journal.state(DATASET)
    assert [batch.rows for batch in state.batches] == [0]
    city.drop("trees2.csv", GOOD)
    city.drop("trees3.csv", HEADER + "\n")
    city.run()
    assert [batch.rows for batch in city.way().journal.state(DATASET).batches] == [0, 3, 0]
    assert pq.read_table(next(city.settings.site.glob("current/data/parks.trees.main/r2/*.parquet"))).num_rows == 3
    assert verify(city.way()) == []
    assert set(by_step(city.run()).values()) == {"unchanged"}


@pytest.mark.parametrize("lost", ["bronze/parks/trees", "silver/parks/trees", "gold/parks/trees/main", "bronze/parks/trees/_delta_log",
                                  "silver/parks/trees/_delta_log/00000000000000000001.json"])
def test_a_table_in_force_that_is_lost_is_never_made_anew(tmp_path: Path, lost: str) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", GOOD)
    city.run()
    path = city.settings.lake / "tables" / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = city.way().journal.state(DATASET)
    city.drop("trees2.csv", GOOD.replace("T1", "T7"))
    outcomes = by_step(city.run())
    assert "failed" in outcomes.values(), outcomes
    after = city.way().journal.state(DATASET)
    layer = "/".join(part for part in lost.split("/") if part != "_delta_log" and not part.endswith(".json"))
    assert after.tables[layer] == before.tables[layer]
    assert not path.exists()
    assert any(found.dataset == DATASET for found in verify(city.way()))
