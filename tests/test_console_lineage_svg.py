"""Lineage as a picture, over every contract of the shipped city: well formed, nothing covers anything, everything has a title."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import Tiny

from console.layered import GAP, layout
from console.lineage_svg import NARROW, WIDE, picture
from console.lines import graph
from console.words import speak
from pipelines import lineage
from pipelines.settings import shipped_city
from pipelines.way import Way, open_way

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Way:
    """The shipped city without any data."""
    tiny = Tiny(tmp_path_factory.mktemp("lineage"))
    return open_way(tiny.settings.at(city=shipped_city()))


@pytest.fixture(autouse=True, scope="module")
def chinese() -> Iterator[None]:
    speak("zh")
    yield
    speak("en")


def test_every_contract_of_the_city(way: Way) -> None:
    for name in way.city.contracts:
        found = lineage.columns(way, name)
        text = picture(found, name)
        root = ElementTree.fromstring(text)
        assert (root.get("role"), root.get("lang")) == ("img", "zh-CN")
        assert root.findtext(f"{SVG}title") == f"{name} 的血缘"
        assert {root.find(f".//{SVG}*[@id='{one}']") is not None for one in str(root.get("aria-labelledby")).split()} == {True}
        lines = root.findall(f".//{SVG}path")
        assert sorted(str(line.findtext(f"{SVG}title")).partition(" (")[0] for line in lines) == sorted(
            f"{edge['from']} → {edge['to']}" for edge in found["edges"])
        groups = root.findall(f".//{SVG}g[@class]")
        assert all(group.findtext(f"{SVG}title") for group in groups)
        assert len(groups) == len(found["nodes"]) + len({node["id"].split("#")[0] for node in found["nodes"]})
        assert re.findall(r"<script|<image|href|url\(|@import|@font-face|\son\w+=", text) == []


def test_every_published_column_of_the_city_comes_from_somewhere(way: Way) -> None:
    """Counts too, in table and picture; they are told apart from values, and what is only counted does not leave."""
    for name in way.city.contracts:
        found = lineage.columns(way, name)
        reached = {edge["to"] for edge in found["edges"]}
        assert [node["id"] for node in found["nodes"] if node["layer"] == "published" and node["id"] not in reached] == []
    found = lineage.columns(way, "letters_calls.hotline_cases")
    line = next(line for line in ElementTree.fromstring(picture(found, "x")).findall(f".//{SVG}path")
                if str(line.findtext(f"{SVG}title")).endswith("#case_no → gold/letters_calls/hotline_cases/summary#cases (计数)"))
    assert line.get("class") == "edge counted"
    told = "\n".join(graph(found))
    assert "cases 记录数 (bigint L1)\n    ← silver/letters_calls/hotline_cases case_no" in told
    assert "计数)" in told


def test_boxes_do_not_cover_each_other_and_lines_pass_beside_them(way: Way) -> None:
    for name in way.city.contracts:
        found = lineage.columns(way, name)
        rows: dict[str, list[str]] = {}
        for node in found["nodes"]:
            rows.setdefault(node["id"].split("#")[0], []).append(node["id"])
        made = layout(rows, [(edge["from"], edge["to"]) for edge in found["edges"]])
        for layer in made.layers:
            for one, other in combinations(layer, 2):
                assert one.top + one.height + GAP <= other.top + 0.01 or other.top + other.height + GAP <= one.top + 0.01
        of = {row: box for box in made.boxes.values() for row in box.rows}
        for route in made.routes.values():
            layers = [of[row].layer for row in route]
            assert layers == list(range(layers[0], layers[-1] + 1))
            assert all(of[row].lanes for row in route[1:-1])


def test_a_long_name_is_cut_and_said_whole() -> None:
    long = "很长的列名" * 20
    nodes = [{"id": "silver/a/b#x", "column": "x", "label": long, "layer": "silver", "dataset": "a.b", "type": "text", "level": "L1"}]
    root = ElementTree.fromstring(picture({"nodes": nodes, "edges": []}, "a.b"))
    row = root.find(f".//{SVG}g[@class='idle']")
    assert row is not None
    assert long in str(row.findtext(f"{SVG}title"))
    assert str(row.findtext(f"{SVG}text")).endswith("…")
    assert NARROW <= float(str(root.findall(f".//{SVG}rect[@class='box']")[0].get("width"))) <= WIDE


def test_what_stands_in_names_is_no_markup() -> None:
    nodes = [{"id": "source/a/b/<c>#<x>&\"", "column": "<x>&\"", "layer": "source", "dataset": "a.b"}]
    assert ElementTree.fromstring(picture({"nodes": nodes, "edges": []}, "<a>")).findtext(f"{SVG}title") == "<a> 的血缘"


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=25))
def test_any_graph_without_cycles_is_laid_out(pairs: list[tuple[int, int]]) -> None:
    rows = {f"b{at}": [f"b{at}#x", f"b{at}#y"] for at in range(8)}
    edges = [(f"b{min(pair)}#x", f"b{max(pair)}#y") for pair in pairs if pair[0] != pair[1]]
    made = layout(rows, edges)
    assert set(made.routes) == set(edges)
    assert all(made.boxes[source.split("#")[0]].layer < made.boxes[target.split("#")[0]].layer for source, target in edges)


def test_the_command_writes_it(way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from console.main import build

    for name in ("CITY", "STATE", "LAKE", "SITE", "SECRETS", "SOURCES"):
        monkeypatch.setenv(f"CITYLAKE_{name}", str(getattr(way.settings, name.lower())))
    done = CliRunner().invoke(build(), ["lineage", "data_bureau.address_links", "--svg", str(tmp_path / "l.svg")])
    assert (done.exit_code, done.stdout.strip()) == (0, str(tmp_path / "l.svg"))
    ElementTree.parse(tmp_path / "l.svg")
    assert CliRunner().invoke(build(), ["lineage", "data_bureau.address_links.streets", "--row", "1", "--svg", "x"]).exit_code == 2
