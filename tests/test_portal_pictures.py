"""What the folder portal reads from released files and how it draws it: the same from CSV and Parquet, nothing where nothing can be told."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from folder_site import FIRST, HOURS, SECOND, STOPS, column, hours, page, release, released, stops
from hypothesis import given
from hypothesis import strategies as st

from catalog.city import Calendar
from pipelines.portals import Item, drawing, telling
from pipelines.portals.measuring import COMPARED, measured

ZONE, NAME = "Asia/Shanghai", "transport.x.main"
SVG = "{http://www.w3.org/2000/svg}"


def product(home: Path, columns: list[dict[str, Any]], *versions: list[list[Any]], only: str = "", **other: Any) -> Item:
    """An open product with a release of each list of rows; `only` leaves one format."""
    made = []
    for at, rows in enumerate(versions, start=1):
        files = release(home, NAME, f"r{at}", columns, rows)
        made.append((f"r{at}", FIRST if at == 1 else SECOND, [file for file in files if file["format"] == only or not only]))
    return Item(NAME, "open", page(NAME, "数据", "Data", "transport", columns, **released(home, NAME, made), **other))


@pytest.mark.parametrize(("columns", "rows"), [(STOPS, stops(40)), (HOURS, hours(17) + hours(18))], ids=["places", "times"])
def test_csv_and_parquet_tell_the_same(tmp_path: Path, columns: list[dict[str, Any]], rows: list[list[Any]]) -> None:
    found = [measured(product(tmp_path, columns, rows, only=kind), tmp_path / NAME, ZONE) for kind in ("csv", "parquet")]
    assert found[0] == found[1]
    assert found[0]["chart"]["kind"] == ("bars" if columns is STOPS else "line")


def test_a_file_that_cannot_be_read_costs_the_figures_and_not_the_release(tmp_path: Path) -> None:
    item = product(tmp_path, STOPS, stops(9), only="parquet")
    (tmp_path / NAME / "r1" / f"{NAME}.parquet").write_bytes(b"no parquet")
    assert measured(item, tmp_path / NAME, ZONE) == {}
    assert measured(replace(item, shown="metadata"), tmp_path / NAME, ZONE) == {}


def test_columns_that_came_and_went(tmp_path: Path) -> None:
    old, new = stops(9), [[*row[:2], "x", *row[3:]] for row in stops(9)]
    first = product(tmp_path, STOPS, old)
    other = [one if one["name"] != "address" else column("shelter", "候车亭", "Shelter", "text") for one in STOPS]
    files = release(tmp_path, NAME, "r2", other, new)
    body = {**first.page, "columns": other, **released(tmp_path, NAME, [("r1", FIRST, first.page["files"]), ("r2", SECOND, files)])}
    told = measured(Item(NAME, "open", body), tmp_path / NAME, ZONE)["changes"]["r2"]
    assert (told["came"], told["went"], "added" in told) == (["候车亭"], ["地址"], False)


def test_older_comparisons_stand_and_the_newest_is_made_anew(tmp_path: Path) -> None:
    item = product(tmp_path, STOPS, stops(9), stops(10), stops(12))
    found = measured(item, tmp_path / NAME, ZONE)
    assert {name: (one["added"], one["gone"]) for name, one in found["changes"].items()} == {"r2": (1, 0), "r3": (2, 0)}
    wrong = {name: {**one, "added": 99} for name, one in found["changes"].items()}
    again = measured(item, tmp_path / NAME, ZONE, {"changes": wrong})["changes"]
    assert (again["r2"]["added"], again["r3"]["added"]) == (99, 2)


def test_large_changes_are_counted_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert COMPARED >= 2**20
    monkeypatch.setattr("pipelines.portals.measuring.COMPARED", 10)
    told = measured(product(tmp_path, STOPS, stops(9), stops(10)), tmp_path / NAME, ZONE)["changes"]["r2"]
    assert (told["files"], told["of"], "added" in told) == (1, 1, False)


def test_what_has_too_many_values_or_none_is_not_drawn(tmp_path: Path) -> None:
    columns = [column("code", "编号", "Code", "text"), column("note", "备注", "Note", "text")]
    assert measured(product(tmp_path, columns, [[f"N{at}", ""] for at in range(200)]), tmp_path / NAME, ZONE)["chart"] is None
    empty = measured(product(tmp_path, STOPS, []), tmp_path / NAME, ZONE)
    assert (empty["chart"], empty["map"], set(empty["nulls"].values())) == (None, None, {0.0})


def test_values_that_no_picture_can_hold_are_left_out(tmp_path: Path) -> None:
    columns = [column("at", "日期", "Date", "date"), column("x", "值", "Value", "double", unit="m"), *STOPS[3:]]
    good = [[f"2026-11-{day:02d}", str(day), "", "30.1"] for day in range(1, 8)]
    odd = [["0001-01-01", "1", "120.1", ""], ["9999-12-31", "2", "", ""], ["2026-11-09", "inf", "", "30.2"], ["2026-11-10", "nan", "", ""]]
    told = measured(product(tmp_path, columns, good + odd, only="csv"), tmp_path / NAME, ZONE)
    assert told["chart"]["points"] == [[f"2026-11-{day:02d}T00:00", float(day)] for day in range(1, 8)]
    assert told["map"] is None
    assert told["nulls"]["longitude"] == round(10 / 11, 4)


@given(st.lists(st.tuples(st.text(max_size=30), st.floats(-1e9, 1e9)), min_size=2, max_size=24))
def test_bars_of_anything_are_sound_svg(points: list[tuple[str, float]]) -> None:
    points = [(re.sub(r"[^\x20-\ud7ff]", "", name), value) for name, value in points]
    root = ET.fromstring(str(drawing.bars(points, 'A "title" <x>', "words")))
    bars = list(root.iter("rect"))
    assert len(bars) == len(points)
    assert all(float(one.attrib["x"]) >= 0 and float(one.attrib["x"]) + float(one.attrib["width"]) <= drawing.WIDE for one in bars)
    assert root.findtext("title") == 'A "title" <x>'


@given(st.lists(st.floats(-1e9, 1e9, allow_subnormal=False), min_size=4, max_size=60))
def test_a_line_stays_within_its_axes(values: list[float]) -> None:
    points = [(f"2026-{1 + at // 28:02d}-{1 + at % 28:02d}T00:00", value) for at, value in enumerate(values)]
    root = ET.fromstring(str(drawing.line(points, "day", "title", "words")))
    path = next(one.attrib["d"] for one in root.iter("path") if one.attrib.get("class") == "line")
    spots = [tuple(map(float, spot.split())) for spot in path[1:].split("L")]
    assert len(spots) == len(values)
    assert all(drawing.LEFT <= x <= drawing.WIDE and drawing.TOP - 1 <= y <= drawing.HIGH - drawing.BOTTOM + 1 for x, y in spots)
    ticks = [one for one in root.iter() if one.tag.endswith("text")][:sum(one.attrib.get("class") == "grid" for one in root.iter("path"))]
    assert 2 <= len(ticks) <= 8
    assert all(len(one.text or "") * 7.6 <= float(one.attrib["x"]) for one in ticks)        # 7.6: a digit on a phone


def test_promises_are_counted_in_the_city_s_days() -> None:
    body = {"released": "2026-11-20T17:00:00+00:00", "update": {"every": "daily", "within_working_days": 2},
            "releases": [{"at": at} for at in ("2026-11-20T17:00:00+00:00", "2026-11-12T01:00:00+00:00", "2026-11-11T01:00:00+00:00")]}
    assert telling.due(body, Calendar(), ZONE) == "2026-11-24"       # the 21st there, a day on, then Monday and Tuesday
    assert telling.kept(body, Calendar(), ZONE) == (1, 2)
    assert telling.due({**body, "update": {"every": "irregular", "within_working_days": 2}}, Calendar(), ZONE) is None


def test_texts_kept_in_both_languages_are_told_in_the_reader_s() -> None:
    text = "坐标系为 CGCS2000，精度 2.5 米。Positions in CGCS2000, within 2.5 m. GB/T 2260"
    assert telling.spoken(text, "zh") == "坐标系为 CGCS2000，精度 2.5 米。"
    assert telling.spoken(text, "en") == "Positions in CGCS2000, within 2.5 m. GB/T 2260"
    assert telling.spoken("只有中文。", "en") == "只有中文。"
    assert (telling.share(0), telling.share(0.0004), telling.share(0.125)) == ("0 %", "< 0.1 %", "12.5 %")
