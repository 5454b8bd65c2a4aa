"""HMAC-SHA256 (RFC 2104) as functions that hold their pads: the keys stand in no SQL text, plan, log or page of Spark's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def register_keyed(spark: SparkSession, params: Mapping[str, Any]) -> None:
    """Registers `cl_hmac_<ipad>` for each pair of pads: text → 64 hex digits, NULL for NULL."""
    from pyspark.sql.pandas.functions import arrow_udf

    for name, inner in params.items():
        if name.endswith("ipad"):
            outer = params[name.removesuffix("ipad") + "opad"]
            spark.udf.register(f"cl_hmac_{name}", arrow_udf(_keyed(bytes(inner), bytes(outer)), "string"))


def _keyed(inner: bytes, outer: bytes) -> Any:
    started, ended = inner, outer

    def digest(batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
        for batch in batches:
            once = batch.dictionary_encode()
            words = [None if text is None else sha256(ended + sha256(started + text.encode()).digest()).hexdigest()
                     for text in once.dictionary.to_pylist()]
            yield pa.DictionaryArray.from_arrays(once.indices, pa.array(words, pa.string())).cast(pa.string())
    digest.__annotations__ = {"batches": Iterator[pa.Array], "return": Iterator[pa.Array]}
    return digest
