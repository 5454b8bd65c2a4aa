"""What merging makes of good rows: the newest of each key, what has vanished since, and corrected rows among snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tiny import DATASET, Tiny, column, contract

from catalog.dialect import render
from pipelines.refining import Plan
from pipelines.way import open_way
from quality.specs import specs

Row = tuple[str, str, str, int, int, str]      # id, kind, source, batch's order, line, batch


def plan(root: Path, corrected: bool = False, **fields: Any) -> Plan:
    tiny = Tiny(root)
    tiny.declare(contract(columns=[column("id", "text", "编号", key=1, required=True), column("kind", "text", "类别")], **fields))
    way = open_way(tiny.settings)
    found = way.contract(DATASET)
    return Plan(found, specs(found, way.city.codes), way.city.zone, corrected)


@contextmanager
def checked(rows: list[Row]) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("CREATE TABLE checked (id VARCHAR, kind VARCHAR, _batch_id VARCHAR, _source_id VARCHAR, _source_sha256 VARCHAR, "
                    "_source_line BIGINT, _batch_order BIGINT, _rules VARCHAR)")
        con.executemany("INSERT INTO checked VALUES (?, ?, ?, ?, '', ?, ?, '')",
                        [(name, kind, batch, source, line, order) for name, kind, source, order, line, batch in rows])
        yield con


def merged(plan: Plan, rows: list[Row]) -> dict[str, tuple[str, int, str | None]]:
    """id → (batch, line, batch in which it vanished) after merging these checked rows."""
    with checked(rows) as con:
        found = con.sql(render(plan.merged(), "duckdb")).to_arrow_table().to_pylist()
    assert len(found) == len({row["id"] for row in found})
    return {row["id"]: (row["_batch_id"], row["_source_line"], row.get("_vanished_in")) for row in found}


@pytest.mark.parametrize(("merge", "keys"), [("append", 2), ("snapshot", 1), ("upsert", None)])
def test_keys_that_came_with_different_values_are_counted_where_none_should(tmp_path: Path, merge: str, keys: int | None) -> None:
    """A snapshot may say something else than the one before, not two things at once."""
    rows = [("a", "A", "main", 10, 1, "b1"), ("a", "B", "main", 20, 1, "b2"), ("b", "A", "main", 20, 2, "b2"), ("b", "B", "main", 20, 3, "b2"),
            ("b", "A", "main", 30, 1, "b3"), ("b", "B", "main", 30, 2, "b3"), ("c", "A", "main", 10, 2, "b1"), ("c", "A", "main", 20, 4, "b2")]
    query = plan(tmp_path, merge=merge).conflicts()
    with checked(rows) as con:
        assert (con.sql(render(query, "duckdb")).fetchall()[0][0] if query is not None else None) == keys


def test_the_newest_row_of_a_key_stays(tmp_path: Path) -> None:
    rows = [("a", "A", "main", 20, 1, "b2"), ("a", "A", "main", 10, 9, "b3"), ("a", "A", "main", 20, 5, "b2"), ("b", "A", "main", 10, 9, "b1")]
    assert merged(plan(tmp_path, merge="upsert"), rows) == {"a": ("b2", 5, None), "b": ("b1", 9, None)}


def test_newest_by_comes_before_arrival_and_unknown_last(tmp_path: Path) -> None:
    rows = [("a", "B", "main", 10, 1, "b1"), ("a", "A", "main", 20, 1, "b2"), ("a", None, "main", 30, 1, "b3")]
    assert merged(plan(tmp_path, merge="upsert", newest_by="kind"), rows) == {"a": ("b1", 1, None)}      # type: ignore[arg-type]


def test_a_key_vanishes_in_the_next_snapshot_of_its_own_source(tmp_path: Path) -> None:
    rows = [("a", "A", "main", 10, 1, "b1"), ("b", "A", "main", 10, 2, "b1"), ("b", "A", "main", 20, 1, "b3"),
            ("c", "A", "other", 15, 1, "b2"), ("b", "A", "main", 30, 1, "b4")]
    assert merged(plan(tmp_path, merge="snapshot"), rows) == {"a": ("b1", 1, "b3"), "b": ("b4", 1, None), "c": ("b2", 1, None)}


def test_of_two_snapshots_at_one_time_the_first_is_named(tmp_path: Path) -> None:
    rows = [("a", "A", "main", 10, 1, "b1"), *[(name, "A", "main", 20, at, f"b{at}") for at, name in ((4, "x"), (2, "y"), (3, "z"))]]
    assert merged(plan(tmp_path, merge="snapshot"), rows)["a"] == ("b1", 1, "b2")


@pytest.mark.parametrize(("later", "gone"), [([], None), ([("z", "A", "main", 40, 1, "b5")], "b5")])
def test_corrected_rows_are_no_snapshot(tmp_path: Path, later: list[Row], gone: str | None) -> None:
    """Two files of corrections do not drive each other out; a later dump without the key does."""
    rows = [("a", "A", "main", 10, 1, "b1"), ("b", "A", "corrections", 20, 1, "b2"), ("c", "A", "corrections", 30, 1, "b3"), *later]
    found = merged(plan(tmp_path, corrected=True, merge="snapshot"), rows)
    assert {name: found[name][2] for name in "abc"} == {"a": gone, "b": gone, "c": gone}
