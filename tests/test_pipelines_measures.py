"""What tables tell: a measure that shows a row's value is that value, with its level, and is read as any other column is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlglot import parse_one
from test_pipelines_disclosure import rule
from tiny import Tiny, by_step, column, contract

from catalog import measures
from catalog.dialect import parse_measure
from catalog.loader import load_city
from pipelines.products import Outward

KEEP = {"do": "keep"}
NAMES = [one + two for one in "王李张刘陈杨黄赵" for two in ("建国", "秀英", "志强", "丽华", "海燕")]


def table(measure: str, min_group: int = 1, level: str = "L3", **more: Any) -> dict[str, Any]:
    columns = [column("id", "text", "编号", key=1, required=True), column("site", "text", "地点"),
               column("worth", "decimal(9,2)", "价值", level), column("said", "text", "说明")]
    aggregate = {"by": ["site"], "measures": {"told": measure}, "min_group": min_group}
    product = {"name": "main", "tier": "unconditional", "purpose": "open_data", "columns": {"site": KEEP}, "aggregate": aggregate,
               "formats": ["csv"]}
    return contract(columns=columns, products=[product], **more)


def outward(root: Path, document: dict[str, Any]) -> Outward:
    made = Tiny(root)
    made.declare(document)
    city = load_city(made.city)
    one = city.contracts["parks.trees"]
    return Outward(one, one.products[0], city.codes, city.zone)


@pytest.mark.parametrize(("measure", "min_group", "level", "tier"), [
    ("count(*)", 1, "L1", "unconditional"), ("count(worth)", 1, "L1", "unconditional"),
    ("sum(worth)", 3, "L1", "unconditional"), ("sum(worth)", 2, "L3", "restricted"), ("avg(worth)", 1, "L3", "restricted"),
    ("max(worth)", 50, "L3", "restricted"), ("min(worth) + sum(worth)", 50, "L3", "restricted"), ("max(id)", 1, "L1", "unconditional"),
])
def test_a_measure_that_shows_a_value_keeps_its_level(tmp_path: Path, measure: str, min_group: int, level: str, tier: str) -> None:
    made = outward(tmp_path, table(measure, min_group))
    assert (made.measures[0].level, made.tier) == (level, tier)


@pytest.mark.parametrize(("measure", "partial"), [
    ("count(*)", False), ("sum(a) * 2 - count(a)", False), ("count(distinct a)", False), ("avg(a)", False), ("count(b)", True),
    ("sum(distinct a)", True), ("sum(a - 99)", True), ("sum(CASE WHEN a > 99 THEN 1 END)", True), ("count(nullif(a, 1))", True),
    ("avg(CASE WHEN a > 99 THEN a END)", True), ("count(distinct CASE WHEN a > 99 THEN a END)", True), ("avg(b)", True),
])
def test_a_measure_of_some_rows_only_is_told_apart(measure: str, partial: bool) -> None:
    assert measures.partial(parse_measure(measure, ["a", "b"]), ["a"]) is partial


def test_a_filtered_measure_speaks_of_some_rows() -> None:
    assert measures.partial(parse_one("count(*) FILTER (WHERE a > 99)", read="duckdb"), ["a"])


def test_names_that_a_measure_shows_are_read(tmp_path: Path) -> None:
    made = Tiny(tmp_path)
    made.write("negative_list.yaml", rule("parks.trees").replace("kinds: []", "kinds: [name]"))
    made.declare(table("max(said)", collection_rule="RULE-1"))
    made.drop("trees1.csv", "编号,地点,价值,说明\n" + "".join(f"T{at},S{at},1.00,{NAMES[at]}\n" for at in range(40)))
    assert by_step(made.run())["parks.trees serve main"] == "held"
    hold = next(one for one in made.way().journal.state("parks.trees").holds.values() if one.step == "serve")
    assert any("name" in finding["rule"] for finding in hold.findings), [finding["rule"] for finding in hold.findings]
