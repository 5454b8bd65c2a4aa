"""What a treatment may claim: a level falls only where something is hidden."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp
from tiny import GOOD, Tiny, by_step, column, contract

from catalog.contract import Column, ColumnType
from catalog.dialect import render
from catalog.extension import Band, Cap, ColumnFields, Generalise, Keep, Mask, Redact, Round, Shift, Token
from catalog.loader import check_city
from privacy.treatments import level_after, treat


def of(kind: str, level: Any, **more: Any) -> Column:
    return Column("c", ColumnType(kind, 9, 2), "列", "", level, False, None, False, {}, ColumnFields(**more))     # type: ignore[arg-type]


@pytest.mark.parametrize(("level", "how", "left"), [
    ("L3", Keep(do="keep"), "L3"), ("L3", Mask(do="mask"), "L2"), ("L2", Token(do="token"), "L2"), ("L4", Token(do="token"), "L3"),
    ("L3", Generalise(do="generalise", prefix=1), "L2"), ("L4", Generalise(do="generalise", prefix=99), "L3"),
    ("L3", Generalise(do="generalise", to="month"), "L1"), ("L2", Round(do="round", step=10), "L1"), ("L3", Band(do="band", width=5), "L2"),
    ("L3", Cap(do="cap", top=100), "L3"), ("L2", Redact(do="redact"), "L2"), ("L4", Redact(do="redact"), "L3"),
    ("L2", Shift(do="shift", by="id"), "L2"), ("L4", Generalise(do="generalise", address="street"), "L2"),
    ("L2", Generalise(do="generalise", address="community"), "L2"),
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


@pytest.mark.parametrize(("tier", "name", "how", "code"), [
    ("unconditional", "note", {"do": "token"}, "product.token"), ("restricted", "note", {"do": "cap", "top": 3}, "product.treatment"),
    ("restricted", "height", {"do": "cap"}, "product.treatment"), ("restricted", "height", {"do": "cap", "bottom": 9, "top": 3}, "product.treatment"),
    ("restricted", "height", {"do": "cap", "top": 3.005}, "product.treatment"), ("restricted", "height", {"do": "redact"}, "product.treatment"),
    ("restricted", "planted", {"do": "shift", "by": "kind"}, "product.treatment"),
    ("restricted", "note", {"do": "shift", "by": "id"}, "product.treatment"),
    ("restricted", "planted", {"do": "generalise", "address": "street"}, "product.treatment"),
    ("restricted", "note", {"do": "token"}, None), ("restricted", "planted", {"do": "shift", "by": "id"}, None),
    ("unconditional", "planted", {"do": "band", "width": 5}, None), ("unconditional", "height", {"do": "cap", "bottom": 1, "top": 3.5}, None),
])
def test_a_treatment_fits_its_column_and_its_tier(tmp_path: Path, tier: str, name: str, how: dict[str, Any], code: str | None) -> None:
    city = Tiny(tmp_path)
    city.declare(contract(columns=COLUMNS, products=[{"name": "main", "tier": tier, "purpose": "open_data", "columns": {name: how}}]))
    assert [problem.code for problem in check_city(city.city)[1]] == ([code] if code else [])


def made(how: Any, kind: str, values: list[Any], subjects: list[str | None] | None = None) -> list[Any]:
    """What the engine makes of a column's values, in order; shifts under a fixed key."""
    expression, _ = treat(of(kind, "L3"), how, "Asia/Shanghai", subject=replace(of("text", "L3"), name="s"))
    con = duckdb.connect()
    con.execute(f"CREATE TABLE r (n INTEGER, c {'DECIMAL(9,2)' if kind == 'decimal' else kind}, s VARCHAR)")
    con.executemany("INSERT INTO r VALUES (?, ?, ?)", [(n, one, (subjects or ["x"] * len(values))[n]) for n, one in enumerate(values)])
    query = render(exp.select(exp.alias_(expression, "v")).from_("r").order_by(exp.column("n")))
    pads = {"shift_ipad": b"k" * 64, "shift_opad": b"o" * 64} if isinstance(how, Shift) else None
    return [row[0] for row in con.sql(query, params=pads).fetchall()]


def test_caps_write_the_bound_and_leave_null() -> None:
    assert made(Cap(do="cap", bottom=18, top=90), "bigint", [3, 18, 40, 90, 101, None]) == [18, 18, 40, 90, 90, None]
    assert made(Cap(do="cap", top=2.5), "decimal", [Decimal("2.49"), Decimal("7.00")]) == [Decimal("2.49"), Decimal("2.50")]


def test_a_date_is_banded_by_its_year() -> None:
    assert made(Band(do="band", width=5), "date", [date(1984, 12, 31), date(1985, 1, 1), None]) == ["1980-1984", "1985-1989", None]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.dates(date(1900, 1, 2), date(2099, 12, 30)), st.text("张三Aé1 ", min_size=1)), min_size=1, max_size=20),
       st.integers(7, 366))
def test_a_shift_moves_every_date_of_a_subject_alike_and_none_by_nothing(rows: list[tuple[date, str]], days: int) -> None:
    left = made(Shift(do="shift", by="s", days=days), "date", [day for day, _ in rows], [who for _, who in rows])
    moved: dict[str, set[int]] = {}
    for (day, who), now in zip(rows, left, strict=True):
        moved.setdefault(who, set()).add((now - day).days)
    assert all(len(some) == 1 and 0 < abs(next(iter(some))) <= days for some in moved.values())


def test_what_would_tell_a_shift_does_not_leave() -> None:
    rows = [date(9999, 12, 31), date(1900, 1, 1), None, date(2000, 1, 1)]
    assert made(Shift(do="shift", by="s"), "date", rows, ["x", "x", "x", None]) == [None] * 4


@pytest.mark.parametrize(("kind", "prefix", "value", "left"), [
    ("resident_id", 17, "330106199003071234", None), ("resident_id", 14, "330106199003071234", None),
    ("resident_id", 6, "330106199003071234", "330106"), ("mobile", 10, "13900001234", None), ("mobile", 7, "13900001234", "1390000"),
    ("email", 3, "someone@example.org", None), (None, 4, "abcdef", "abcd"), (None, 5, "abcdef", None), (None, 5, "abcde", None),
])
def test_a_prefix_hides_what_a_mask_must_hide(kind: Any, prefix: int, value: str, left: str | None) -> None:
    expression, _ = treat(of("text", "L3", identifies=kind), Generalise(do="generalise", prefix=prefix), "Asia/Shanghai")
    found = duckdb.sql(f"SELECT {render(expression, 'duckdb')} FROM (SELECT '{value}' AS c)").fetchall()
    assert found == [(left,)]


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
