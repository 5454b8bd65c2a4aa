"""Parquet and SQLite: typed values as exact text."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.errors import BadInput
from pipelines.formats import Table, open_table
from pipelines.formats.table import BadRecord


def rows(table: Table) -> list[tuple[Any, ...]]:
    found = [row for batch in table.batches() for row in batch.to_pylist()]
    return [(row["_source_line"], *(row[str(at)] for at in range(len(table.columns)))) for row in found]


def parquet(tmp_path: Path, columns: dict[str, pa.Array]) -> Table:
    pq.write_table(pa.table(columns), tmp_path / "payload")
    return open_table(tmp_path / "payload", None, "data")


@pytest.mark.parametrize(("values", "texts"), [
    (pa.array([1, -2]), ["1", "-2"]),
    (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
    (pa.array([0.1, 330300.0, 1e300]), ["0.1", "330300", "1e+300"]),
    (pa.array([0.1], pa.float32()), ["0.1"]),
    (pa.array([Decimal("1.10"), Decimal("-99999999999999999999.00")]), ["1.10", "-99999999999999999999.00"]),
    (pa.array([Decimal("1.50")], pa.decimal256(60, 2)), ["1.50"]),
    (pa.array([True, False]), ["true", "false"]),
    (pa.array([date(2024, 2, 29)]), ["2024-02-29"]),
    (pa.array([datetime(2024, 1, 2), datetime(2024, 1, 2, 3, 4, 5, 600000)]), ["2024-01-02 00:00:00", "2024-01-02 03:04:05.6"]),
    (pa.array([datetime(2024, 1, 2, tzinfo=UTC)], pa.timestamp("us", "Asia/Shanghai")), ["2024-01-02 00:00:00Z"]),
    (pa.array([time(8, 30)]), ["08:30:00"]),
    (pa.array([timedelta(seconds=1)]), ["1000000"]),
    (pa.array(["", None, "中"]), ["", None, "中"]),
    (pa.array(["x", "y"]).dictionary_encode(), ["x", "y"]),
    (pa.array([b"ab"]), ["ab"]),
    (pa.array([{"k": [1, None]}]), ['{"k":[1,null]}']),
    (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())), ['{"a":1}']),
    (pa.nulls(1), [None]),
])
def test_parquet_types_as_text(values: pa.Array, texts: list[str | None], tmp_path: Path) -> None:
    assert [row[1] for row in rows(parquet(tmp_path, {"a": values}))] == texts


def test_parquet_names_order_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    table = parquet(tmp_path, {"乙": pa.array([b"x", b"\xff", b"z"]), "甲": pa.array([1, 2, 3])})
    assert (table.columns, rows(table)) == (["乙", "甲"], [(1, "x", "1"), (3, "z", "3")])
    assert table.bad == [BadRecord(2, "encoding")]


def database(tmp_path: Path, *statements: str) -> Path:
    with sqlite3.connect(tmp_path / "payload") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return tmp_path / "payload"


def test_sqlite_values_and_order(tmp_path: Path) -> None:
    path = database(tmp_path, "CREATE TABLE t (a, b, \"c\"\"d\")", "INSERT INTO t VALUES (2, 1.50, 'x'), (NULL, '', x'ff'), (1, '中', x'6162')")
    table = open_table(path, None, "data.db")
    assert table.columns == ["a", "b", 'c"d']
    assert rows(table) == [(1, "2", "1.5", "x"), (3, "1", "中", "ab")]
    assert (table.bad, table.options["table"]) == ([BadRecord(2, "encoding")], 1)
    assert table.extra              # always: free pages keep deleted rows, and CREATE its comments


def test_sqlite_table_is_declared_when_there_are_several(tmp_path: Path) -> None:
    path = database(tmp_path, "CREATE TABLE t (a)", "CREATE TABLE \"u \"\" v\" (b PRIMARY KEY) WITHOUT ROWID",
                    "INSERT INTO \"u \"\" v\" VALUES (2), (1)", "CREATE VIEW w AS SELECT 1")
    with pytest.raises(BadInput, match="2 tables"):
        open_table(path, None, "x")
    for wrong in ("w", "nothing"):
        with pytest.raises(BadInput, match="declared table"):
            open_table(path, {"name": "sqlite", "table": wrong}, "x")
    table = open_table(path, {"name": "sqlite", "table": 'u " v'}, "x")
    assert (rows(table), table.extra) == ([(1, "1"), (2, "2")], True)


def test_sqlite_file_is_not_written_to(tmp_path: Path) -> None:
    path = database(tmp_path, "PRAGMA journal_mode = WAL", "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")
    before = path.read_bytes()
    path.chmod(0o400)
    assert rows(open_table(path, None, "x")) == [(1, "1")]
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["payload"]


def test_what_a_file_says_beside_its_columns_makes_it_more_than_its_table(tmp_path: Path) -> None:
    plain = pa.schema([("a", pa.string())])
    for name, schema, more in (("1", plain, False), ("2", plain.with_metadata({"comment": "x"}), True),
                               ("3", pa.schema([pa.field("a", pa.string(), metadata={"comment": "x"})]), True)):
        found = pa.table([["x"]], schema=schema)
        pq.write_table(found, tmp_path / f"{name}.parquet")
        with pa.ipc.new_file(tmp_path / f"{name}.arrow", schema) as writer:
            writer.write_table(found)
        for path in (tmp_path / f"{name}.parquet", tmp_path / f"{name}.arrow"):
            assert open_table(path, None, path.name).extra is more, path.name
