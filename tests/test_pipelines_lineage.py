"""A published row goes back to its file, sha256 and line; a published column to the headers it came from."""

from __future__ import annotations

import copy
import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp
from tiny import DATASET, Tiny, column, contract

from catalog.dialect_lineage import columns_behind
from catalog.errors import DefinitionError, LakeError
from pipelines.lineage import column as one_column
from pipelines.lineage import columns, row
from pipelines.lineage_counts import counting
from pipelines.lineage_rows import trace

FIRST = """\
编号,类别,高度,种植日期,备注
T1,A,3.50 米,2026-03-12,x
T2,B,2.25,2025-11-30,x
T2,B,2.25,2025-11-30,x
T3,A,tall,2024-01-05,x
T4,A,9.00,2024-01-06,x
T5,A,3.50,2026-03-12,x
"""
SECOND = """\
编号,类别,高度,种植日期,备注
T4,B,9.50,2024-01-06,y
T6,Z,1.00,2024-01-06,y
T7,B,7.00,2026-05-01,y
"""
KEEP = {"do": "keep"}
COLUMNS = [column("id", "text", "编号", key=1, required=True), column("kind", "text", "类别", codes="kinds", aliases=["kind of tree"]),
           column("height", "decimal(6,2)", "高度", unit="m", strip_unit=["米"]), column("planted", "date", "种植日期"),
           column("note", "text", "备注", "L2")]
ALL = {name: KEEP for name in ("id", "kind", "height", "planted")}


def product(name: str, columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return copy.deepcopy({"name": name, "tier": "unconditional", "purpose": "open_data", "columns": {key: dict(how) for key, how in columns.items()},
                          "formats": ["csv"], **more})


PRODUCTS = [
    product("main", ALL),
    product("short", {"kind": KEEP, "height": {"do": "round", "step": 1}}, filter="height > 1"),
    product("kinds", {"kind": KEEP, "height": KEEP}, aggregate={"by": ["kind"], "measures": {"trees": "count(*)", "tallest": "max(height)"}}),
    product("tokens", {"id": {"do": "token"}, "kind": KEEP}, tier="restricted", formats=["csv", "parquet"]),
]


def derived(dataset: str, columns: list[dict[str, Any]], query: str, **inputs: str) -> dict[str, Any]:
    return contract(dataset, columns, sources=None, merge="append", query=query,
                    inputs=[{"dataset": source, "name": name} for name, source in inputs.items()])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Two batches of trees, four products, a join of two, a count of it, and a union."""
    tiny = Tiny(tmp_path_factory.mktemp("lineage"), columns=COLUMNS, products=PRODUCTS, max_bad_percent=90.0,
                period={"column": "planted", "grain": "year"})
    keepers = [column("kind", "text", "类别", key=1, required=True), column("crew", "text", "班组")]
    tiny.declare(contract("parks.crews", keepers))
    tiny.declare(derived("parks.cared", [column("id", "text", "编号", key=1, required=True), column("crew", "text", "班组"),
                                         column("size", "decimal(6,2)", "高度")],
                         "SELECT t.id, c.crew, t.height AS size FROM trees t LEFT JOIN crews c ON t.kind = c.kind",
                         trees=DATASET, crews="parks.crews"))
    tiny.declare(derived("parks.load", [column("crew", "text", "班组"), column("trees", "bigint", "树木")],
                         "SELECT crew, count(*) AS trees FROM cared GROUP BY crew", cared="parks.cared"))
    tiny.declare(derived("parks.names", [column("name", "text", "名称")],
                         "SELECT id AS name FROM trees UNION SELECT crew FROM (SELECT crew FROM crews) c", trees=DATASET, crews="parks.crews"))
    tiny.declare(derived("parks.duty", [column("crew", "text", "班组"), column("tallest", "decimal(6,2)", "最高")],
                         "WITH g AS (SELECT kind, max(height) AS top FROM trees GROUP BY kind), unused AS (SELECT id FROM trees) "
                         "SELECT c.crew, g.top AS tallest FROM crews c LEFT JOIN g ON g.kind = c.kind", trees=DATASET, crews="parks.crews"))
    tiny.declare(derived("parks.looked", [column("id", "text", "编号")],
                         "SELECT id FROM trees WHERE kind IN (SELECT kind FROM crews)", trees=DATASET, crews="parks.crews"))
    tiny.drop("trees1.csv", FIRST)
    tiny.drop("crews.csv", "类别,班组\nA,east\nC,none\n")
    assert {(item.dataset, item.outcome) for item in tiny.run() if item.outcome not in ("done", "unchanged")} == set()
    tiny.drop("trees2.csv", SECOND)
    assert {(item.dataset, item.outcome) for item in tiny.run() if item.outcome not in ("done", "unchanged")} == set()
    return tiny


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def published(tiny: Tiny, dataset: str, name: str) -> list[dict[str, str]]:
    """The rows of the newest release's CSV files, in the order of the release."""
    release = tiny.way().journal.state(dataset).releases[name][-1].body["release"]
    rows: list[dict[str, str]] = []
    for entry in release["files"]:
        if entry["first"]:
            with (tiny.root / "lake" / release["folder"] / entry["name"]).open(encoding="utf-8-sig", newline="") as handle:
                rows += csv.DictReader(handle)
    return rows


def places(tiny: Tiny, dataset: str, name: str, release: str, number: int) -> list[tuple[str | None, int | None]]:
    return [(item.batch, item.line) for item in row(tiny.way(), dataset, name, release, number)]


def test_every_row_of_a_release_goes_back_to_its_line(tiny: Tiny) -> None:
    rows = published(tiny, DATASET, "main")
    found = {item["编号"]: row(tiny.way(), DATASET, "main", "r2", number) for number, item in enumerate(rows, 1)}
    assert {name: [(origin.batch, origin.line) for origin in origins] for name, origins in found.items()} == {
        "T1": [("b000001", 2)], "T2": [("b000001", 4)], "T5": [("b000001", 7)], "T4": [("b000002", 2)], "T7": [("b000002", 4)]}
    assert {origin.sha256 for origin in found["T1"]} == {sha(FIRST)}
    assert {origin.raw for origin in found["T4"]} == {sha(SECOND)}
    assert FIRST.splitlines()[found["T2"][0].line - 1].startswith("T2,")


def test_the_line_is_in_the_raw_bytes_whatever_was_quarantined(tiny: Tiny) -> None:
    way = tiny.way()
    for number, item in enumerate(published(tiny, DATASET, "main"), 1):
        origin = row(way, DATASET, "main", 2, number)[0]
        raw = (tiny.root / "lake/raw" / origin.raw[:2] / origin.raw).read_text("utf-8")
        assert raw.splitlines()[origin.line - 1].split(",")[0] == item["编号"]


def test_an_older_release_is_computed_from_its_own_versions(tiny: Tiny) -> None:
    found = {places(tiny, DATASET, "main", "r1", number)[0] for number in range(1, 5)}
    assert found == {("b000001", 2), ("b000001", 4), ("b000001", 6), ("b000001", 7)}
    with pytest.raises(DefinitionError):
        row(tiny.way(), DATASET, "main", "r1", 5)


def test_rows_that_look_alike_are_all_returned(tiny: Tiny) -> None:
    rows = [(item["类别"], item["高度"]) for item in published(tiny, DATASET, "short")]
    assert rows.count(("A", "4.00")) == 2
    at = rows.index(("A", "4.00")) + 1
    assert places(tiny, DATASET, "short", "r2", at) == places(tiny, DATASET, "short", "r2", at + 1) == [("b000001", 2), ("b000001", 7)]


def test_a_group_gives_all_its_rows(tiny: Tiny) -> None:
    rows = published(tiny, DATASET, "kinds")
    assert [item["类别"] for item in rows] == ["A", "B"]
    assert places(tiny, DATASET, "kinds", "r2", 2) == [("b000001", 4), ("b000002", 2), ("b000002", 4)]
    assert trace(tiny.way(), DATASET, "kinds", "r2", 2).total == 3


def test_tokens_are_computed_again_under_the_product_s_key(tiny: Tiny) -> None:
    found = [places(tiny, DATASET, "tokens", "r2", number) for number in range(1, 6)]
    assert sorted(part[0] for part in found) == [("b000001", 2), ("b000001", 4), ("b000001", 7), ("b000002", 2), ("b000002", 4)]
    assert all(len(part) == 1 for part in found)


def test_rows_count_through_the_files_of_all_periods(tiny: Tiny) -> None:
    found = trace(tiny.way(), DATASET, "main", "r2", 5)
    release = tiny.way().journal.state(DATASET).releases["main"][-1].body["release"]
    assert found.file == release["files"][-1]["name"]
    assert found.row_in_file == release["files"][-1]["rows"]


def test_a_join_gives_the_rows_of_both_inputs(tiny: Tiny) -> None:
    rows = published(tiny, "parks.cared", "main")
    state = tiny.way().journal.state("parks.cared")
    release = state.releases["main"][-1].id
    found = {item["编号"]: {(origin.dataset, origin.batch, origin.line) for origin in row(tiny.way(), "parks.cared", "main", release, number)}
             for number, item in enumerate(rows, 1)}
    assert found["T1"] == {(DATASET, "b000001", 2), ("parks.crews", "b000001", 2)}
    assert found["T7"] == {(DATASET, "b000002", 4)}         # no crew: the left join found nobody


def test_a_count_of_a_derived_dataset_goes_down_to_the_files(tiny: Tiny) -> None:
    rows = published(tiny, "parks.load", "main")
    release = tiny.way().journal.state("parks.load").releases["main"][-1].id
    number = next(number for number, item in enumerate(rows, 1) if item["班组"] == "east")
    found = {(origin.dataset, origin.batch, origin.line) for origin in row(tiny.way(), "parks.load", "main", release, number)}
    assert found == {(DATASET, "b000001", 2), (DATASET, "b000001", 7), ("parks.crews", "b000001", 2)}


def origins(tiny: Tiny, dataset: str, column: str, value: str) -> set[tuple[str, str | None, int | None]]:
    """Where the published row with this value comes from."""
    rows, release = published(tiny, dataset, "main"), tiny.way().journal.state(dataset).releases["main"][-1].id
    number = next(number for number, item in enumerate(rows, 1) if item[column] == value)
    return {(origin.dataset, origin.batch, origin.line) for origin in row(tiny.way(), dataset, "main", release, number)}


def test_unions_subqueries_and_with_are_opened_up(tiny: Tiny) -> None:
    assert origins(tiny, "parks.names", "名称", "east") == {("parks.crews", "b000001", 2)}
    assert origins(tiny, "parks.names", "名称", "T7") == {(DATASET, "b000002", 4)}
    assert origins(tiny, "parks.duty", "班组", "east") == {("parks.crews", "b000001", 2), (DATASET, "b000001", 2), (DATASET, "b000001", 7)}
    assert origins(tiny, "parks.duty", "班组", "none") == {("parks.crews", "b000001", 3)}


def test_what_only_decides_about_rows_is_named_by_its_version(tiny: Tiny) -> None:
    assert origins(tiny, "parks.looked", "编号", "T1") == {(DATASET, "b000001", 2), ("parks.crews", None, None)}
    found = row(tiny.way(), "parks.looked", "main", tiny.way().journal.state("parks.looked").releases["main"][-1].id, 1)
    assert [origin.version for origin in found if origin.batch is None] == [tiny.way().journal.state("parks.crews").tables["silver/parks/crews"]]


def test_a_changed_contract_is_said_and_nothing_is_guessed(tiny: Tiny, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(tiny.root, tmp_path / "copy", symlinks=True)
    shutil.rmtree(tmp_path / "copy/city/datasets")
    other = Tiny(tmp_path / "copy", columns=COLUMNS, products=[product("main", {"id": KEEP, "kind": KEEP})])
    with pytest.raises(LakeError, match="columns"):
        row(other.way(), DATASET, "main", "r2", 1)
    with pytest.raises(DefinitionError):
        row(other.way(), DATASET, "main", "r9", 1)


def edges(graph: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(edge["from"], edge["to"], edge["how"]) for edge in graph["edges"]}


def test_columns_from_header_to_product(tiny: Tiny) -> None:
    graph = columns(tiny.way(), DATASET)
    found = edges(graph)
    assert {("source/parks/trees/main#kind of tree", "bronze/parks/trees#kind", "ingest"),
            ("source/parks/trees/main#类别", "bronze/parks/trees#kind", "ingest"),
            ("bronze/parks/trees#kind", "silver/parks/trees#kind", "refine"),
            ("silver/parks/trees#kind", "gold/parks/trees/main#kind", "keep"),
            ("silver/parks/trees#height", "gold/parks/trees/short#height", "round"),
            ("silver/parks/trees#id", "gold/parks/trees/tokens#id", "token"),
            ("silver/parks/trees#height", "gold/parks/trees/kinds#tallest", "aggregate")} <= found
    assert {edge for edge in found if edge[1] == "gold/parks/trees/kinds#trees"} == {          # count(*) counts rows, which the key tells apart
        ("silver/parks/trees#id", "gold/parks/trees/kinds#trees", "count")}
    assert not [edge for edge in found if "#note" in edge[0] and edge[1].startswith("gold")]
    filters = {node["id"]: node["rows_by"]["filter"] for node in graph["nodes"] if node["layer"] == "published"}
    assert filters["gold/parks/trees/short#kind"] == ["height"]
    assert json.dumps(graph, sort_keys=True) == json.dumps(columns(tiny.way(), DATASET), sort_keys=True)


def test_columns_of_a_derived_dataset_reach_the_headers_of_its_inputs(tiny: Tiny) -> None:
    found = edges(columns(tiny.way(), "parks.load"))
    assert {("source/parks/crews/main#班组", "bronze/parks/crews#crew", "ingest"), ("silver/parks/crews#crew", "silver/parks/cared#crew", "derive"),
            ("silver/parks/cared#crew", "silver/parks/load#crew", "derive"), ("silver/parks/load#crew", "gold/parks/load/main#crew", "keep")} <= found
    assert not [edge for edge in found if "height" in edge[0]]


def test_what_a_query_counts_leads_to_the_keys_of_what_it_reads() -> None:
    """Through a join, a subquery and a WITH; a value that is read as well is no count."""
    keys = {"trees": ["id"], "crews": ["crew", "day"]}
    views = {"trees": ["id", "kind", "height"], "crews": ["crew", "day", "kind"]}
    for sql, expected in (
        ("SELECT kind, count(*) AS n FROM trees GROUP BY kind", {("trees", "id")}),
        ("SELECT t.kind AS kind, count(*) AS n FROM trees AS t JOIN crews AS c ON c.kind = t.kind GROUP BY t.kind",
         {("trees", "id"), ("crews", "crew"), ("crews", "day")}),
        ("SELECT sum(n) AS n FROM (SELECT kind, count(*) AS n FROM trees GROUP BY kind) AS k", {("trees", "id")}),
        ("WITH tall AS (SELECT kind AS of FROM trees WHERE height > 3) SELECT count(*) AS n FROM tall", {("trees", "kind")}),
        ("SELECT count(height) AS n FROM trees", {("trees", "height")}),
    ):
        tree = sqlglot.parse_one(sql, dialect="duckdb")
        assert isinstance(tree, exp.Query)
        assert columns_behind(counting(tree, keys), views)["n"] == expected, sql
        assert tree.sql() == sqlglot.parse_one(sql, dialect="duckdb").sql()       # what runs stays as it is


def test_one_column_up_and_down(tiny: Tiny) -> None:
    found = {node["id"] for node in one_column(tiny.way(), DATASET, "height")["nodes"]}
    assert {"source/parks/trees/main#高度", "silver/parks/trees#height", "silver/parks/cared#size", "gold/parks/cared/main#size",
            "gold/parks/trees/kinds#tallest"} <= found
    assert not [key for key in found if key.endswith(("#id", "#kind"))]
    with pytest.raises(DefinitionError):
        one_column(tiny.way(), DATASET, "nothing")


def test_a_column_that_is_read_from_a_lookup_comes_from_its_own(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    treated = {"id": {"do": "keep"}, "note": {"do": "redact"}}
    city.declare(contract(products=[{"name": "main", "tier": "restricted", "purpose": "open_data", "columns": treated, "formats": ["csv"]}]))
    found = columns(city.way(), "parks.trees")
    assert ("silver/parks/trees#note", "gold/parks/trees/main#note", "redact") in edges(found)
