"""Long patterns of the screens as functions of RE2 on the workers: Java tries alternatives and classes of hundreds of ranges one by one,
and the pattern would stand in every query's text.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from catalog.dialect_tree import MARK, Renderer, mark, rendering, string

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LONG = 300          # characters of a pattern from which a call to the worker's Python costs less
_KNOWN: WeakKeyDictionary[SparkSession, set[str]] = WeakKeyDictionary()


@rendering("FOUND")
def _found(r: Renderer, a: list[exp.Expr]) -> str:
    return f"{string(a[1])}({r.sql(a[0])})"


def with_patterns(spark: SparkSession, tree: exp.Query) -> exp.Query:
    """The query with a registered function in place of each search for a long pattern."""
    for call in list(tree.find_all(exp.Anonymous)):
        if call.this == MARK + "FIND" and len(string(call.expressions[1])) > LONG:
            call.replace(mark("FOUND", call.expressions[0], _registered(spark, string(call.expressions[1]))))
    return tree


def _registered(spark: SparkSession, pattern: str) -> str:
    from pyspark.sql.pandas.functions import arrow_udf

    name = f"cl_find_{sha256(pattern.encode()).hexdigest()[:16]}"
    known = _KNOWN.setdefault(spark, set())
    if name not in known:
        spark.udf.register(name, arrow_udf(_searching(pattern), "boolean"))
        known.add(name)
    return name


def _searching(pattern: str) -> Any:
    wanted = pattern

    def found(batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
        for batch in batches:
            yield pc.match_substring_regex(batch, wanted)
    found.__annotations__ = {"batches": Iterator[pa.Array], "return": Iterator[pa.Array]}
    return found
