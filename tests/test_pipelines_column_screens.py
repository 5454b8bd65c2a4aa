"""`citylake screen` and the columns' verdicts over real files and tables."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import zoo
from tiny import DATASET, Tiny

from catalog.contract import ColumnType
from catalog.errors import DefinitionError
from pipelines.column_screens import screen_columns, screen_file, screen_table
from privacy import model


def _file(folder: Path, extra: str = "") -> Path:
    r = random.Random(1)
    rows = [f"{at},{zoo.resident(r)},{zoo.mobile(r)},{r.choice(zoo.POSTS)}" for at in range(60)]
    path = folder / "in.csv"
    path.write_text("\n".join(["XH,a,b,c", *rows, extra]).strip() + "\n", encoding="utf-8")
    return path


def test_a_file_is_judged_column_by_column_and_no_header_or_value_is_told(tmp_path: Path) -> None:
    found = screen_file(Tiny(tmp_path).way(), _file(tmp_path))
    assert {name: one.decision for name, one in found.items()} == {"1": "PASS", "2": "DENY", "3": "DENY", "4": "PASS"}
    assert found["2"].kinds["resident_id"].cells == 60


def test_a_file_with_a_record_that_is_no_row_passes_nowhere(tmp_path: Path) -> None:
    found = screen_file(Tiny(tmp_path).way(), _file(tmp_path, "1,2,3,4,5,6"))
    assert {one.decision for one in found.values()} == {"HOLD", "DENY"}


def test_a_missing_model_and_an_error_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    way = Tiny(tmp_path).way()
    model._load.cache_clear()
    monkeypatch.setattr(model, "_installed", lambda: tmp_path / "none")
    found = screen_file(way, _file(tmp_path))
    model._load.cache_clear()
    assert (found["4"].decision, found["4"].reasons) == ("HOLD", ("model",))
    with way.engine.open({}) as session:
        session.load("v", (), ("a",))
        wrong = screen_columns(way, session, {"gone": ColumnType("text")}, {}, "v", {})
    assert (wrong["gone"].decision, wrong["gone"].reasons) == ("HOLD", ("error",))


def test_a_table_in_force_is_looked_at_against_its_contract(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    with pytest.raises(DefinitionError):
        screen_table(tiny.way(), DATASET)
    tiny.drop("trees.csv", "编号,类别,高度,种植日期,备注\nT1,A,3.0,2024-01-01,新种\nT2,B,2.0,2024-01-02,已修剪\n")
    tiny.run()
    found = screen_table(tiny.way(), DATASET)
    assert found
    assert all(one.decision == "PASS" for one in found.values())
