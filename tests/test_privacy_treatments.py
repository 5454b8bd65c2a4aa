"""What a treatment may claim: a level falls only where something is hidden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny import GOOD, Tiny, by_step, column, contract

from catalog.contract import Column, ColumnType
from catalog.extension import Band, ColumnFields, Generalise, Keep, Mask, Round, Token
from catalog.loader import check_city
from privacy.treatments import level_after


def of(kind: str, level: Any, **more: Any) -> Column:
    return Column("c", ColumnType(kind, 9, 2), "列", "", level, False, None, False, {}, ColumnFields(**more))     # type: ignore[arg-type]


@pytest.mark.parametrize(("level", "how", "left"), [
    ("L3", Keep(do="keep"), "L3"), ("L3", Mask(do="mask"), "L2"), ("L2", Token(do="token"), "L2"), ("L4", Token(do="token"), "L3"),
    ("L3", Generalise(do="generalise", prefix=1), "L2"), ("L4", Generalise(do="generalise", prefix=99), "L3"),
    ("L3", Generalise(do="generalise", to="month"), "L1"), ("L2", Round(do="round", step=10), "L1"), ("L3", Band(do="band", width=5), "L2"),
])
def test_levels_after_treatment(level: str, how: Any, left: str) -> None:
    assert level_after(of("text", level), how) == left


def test_a_prefix_of_a_coded_column_is_a_coarser_class() -> None:
    assert level_after(of("text", "L3", codes="kinds"), Generalise(do="generalise", prefix=1)) == "L1"


COLUMNS = [column("id", "text", "编号", key=1, required=True), column("kind", "text", "类别", codes="kinds"),
           column("height", "decimal(6,2)", "高度", strip_unit=["米"]), column("planted", "date", "种植日期"), column("note", "text", "备注", "L2")]


@pytest.mark.parametrize(("name", "how"), [
    ("kind", {"do": "generalise", "prefix": 1}), ("planted", {"do": "generalise", "to": "day"}), ("height", {"do": "round", "step": 0.01}),
])
def test_a_treatment_that_hides_nothing_is_refused(tmp_path: Path, name: str, how: dict[str, Any]) -> None:
    city = Tiny(tmp_path)
    product = {"name": "main", "tier": "unconditional", "purpose": "open_data", "columns": {"id": {"do": "keep"}, name: how}}
    city.declare(contract(columns=COLUMNS, products=[product]))
    assert [problem.code for problem in check_city(city.city)[1]] == ["product.coarse"]


def test_a_name_does_not_leave_whole_by_a_long_prefix(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    product = {"name": "main", "tier": "unconditional", "purpose": "open_data", "formats": ["csv"],
               "columns": {"id": {"do": "keep"}, "note": {"do": "generalise", "prefix": 99}}}
    city.declare(contract(columns=COLUMNS, products=[product]))
    city.drop("trees1.csv", GOOD)
    outcomes = city.run()
    body = next(item.body for item in outcomes if item.step == "serve")
    assert by_step(outcomes)["parks.trees publish site/main"] == "done"
    assert body["tier"] == "restricted"
    released = city.settings.lake / body["release"]["folder"] / "parks.trees.main.csv"
    assert "已修剪" not in released.read_text(encoding="utf-8-sig")
    assert not (city.settings.site / "current/data/parks.trees.main").exists()
