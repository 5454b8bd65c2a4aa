"""The screens' long patterns run as RE2 on Spark's workers: the same cells as in DuckDB, and no pattern in a query's text."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from privacy_values import MADE
from sqlglot import exp
from tiny import Tiny

from catalog import dialect as d
from catalog.dialect import col
from pipelines.engines.spark.patterns import LONG, with_patterns
from privacy.suspicion import SUSPICIOUS

pytestmark = pytest.mark.spark
VALUES = [None, "", "杭州市西湖区", "１３８ ０００\u200b０１１１１", "12345", "a@b.cn", "\U0001f600", "x" * 70_000,
          *[f"请联系{make(number)}。" for make in MADE.values() for number in range(3)]]


def query() -> exp.Query:
    """Inside a count, a CASE and a condition, as the screens use it."""
    found = d.contains_pattern(col("v"), SUSPICIOUS)
    inner = exp.select(exp.alias_(col("v"), "v"), exp.alias_(found, "hit")).from_("texts").where(
        exp.Not(this=exp.Is(this=d.contains_pattern(d.coalesce(col("v"), d.lit("")), SUSPICIOUS), expression=exp.Null())))
    counted = exp.Count(this=d.case([(d.contains_pattern(col("v"), SUSPICIOUS), d.lit(1))]))
    return exp.select(exp.alias_(col("hit"), "hit"), exp.alias_(exp.Count(this=exp.Star()), "cells"), exp.alias_(counted, "counted")).from_(
        inner.subquery("looked")).group_by(col("hit")).order_by(col("hit"))


def test_long_patterns_find_the_same_cells_on_both_engines(tmp_path: Path, spark: object) -> None:
    tiny = Tiny(tmp_path)
    path = tmp_path / "texts.parquet"
    pq.write_table(pa.table({"v": pa.array(VALUES, pa.string())}), path)
    told = {}
    for engine in ("duckdb", "spark"):
        tiny.engine = engine
        with tiny.way().engine.open({"texts": path}) as session:
            told[engine] = {row["hit"]: (row["cells"], row["counted"]) for row in session.rows(query())}
    assert told["duckdb"] == told["spark"]
    assert told["spark"][True][0] > len(MADE)


def test_no_long_pattern_stands_in_a_query(spark: object) -> None:
    text = d.render(with_patterns(spark, query().copy()), "spark")        # type: ignore[arg-type]
    assert "cl_find_" in text
    assert len(text) < 1_000
    short = exp.select(exp.alias_(d.contains_pattern(col("v"), "x" * LONG), "hit")).from_("texts")
    assert "cl_find_" not in d.render(with_patterns(spark, short), "spark")       # type: ignore[arg-type]
