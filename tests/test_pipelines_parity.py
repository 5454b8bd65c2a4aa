"""Both engines say the same: every builder of the vocabulary over hostile values, compared as Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from parity import AT, KINDS, PADS, ROWS, Row, values
from sqlglot import exp

from catalog import dialect as d
from pipelines.engines.spark.keyed import register_keyed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def views(spark: SparkSession) -> SparkSession:
    for kind in KINDS:
        spark.createDataFrame(values(kind)).createOrReplaceTempView(f"values_{kind}")
    register_keyed(spark, PADS)
    return spark


@pytest.fixture(scope="module")
def duck() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for kind in KINDS:
        connection.register(f"values_{kind}", values(kind))
    return connection


def _query(row: Row) -> exp.Query:
    if row.by is not None:
        return exp.select(exp.alias_(exp.Min(this=AT), "i"), exp.alias_(row.tree, "v")).from_(f"values_{row.kind} AS v").group_by(row.by)
    return exp.select(d.col("i", "v"), exp.alias_(row.tree, "v")).from_(f"values_{row.kind} AS v")


def _canonical(table: pa.Table) -> list[Any]:
    kinds = {field.name: field.type for field in table.schema}
    whole = pa.types.is_integer(kinds["v"]) or (pa.types.is_decimal(kinds["v"]) and kinds["v"].scale == 0)     # a sum's own type differs
    wide = pa.decimal128(38, 0) if whole else pa.string() if pa.types.is_large_string(kinds["v"]) else kinds["v"]
    return [repr(value) for value in table.sort_by("i").column("v").cast(wide).to_pylist()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_builder_gives_the_same_on_both_engines(row: Row, duck: duckdb.DuckDBPyConnection, views: SparkSession) -> None:
    sql = d.render(_query(row), "duckdb")
    ours = _canonical(duck.sql(sql, params={name: pad for name, pad in PADS.items() if f"${name} " in sql} or None).to_arrow_table())
    theirs = _canonical(views.sql(d.render(_query(row), "spark")).toArrow())
    inputs = values(row.kind).column("t").to_pylist() if row.by is None else ours
    assert not [(value, one, other) for value, one, other in zip(inputs, ours, theirs, strict=True) if one != other]
