"""Questions about texts, answered by the workers: an Arrow function over pieces of them, with the files that it needs shipped beside it.

A worker's error would be written to its standard error with whatever it quotes: only its class comes back, as a column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engines import Question, Unanswered

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PIECE = 2000            # texts a file, and so at least a task's share
_SHIPPED: WeakKeyDictionary[SparkSession, set[Path]] = WeakKeyDictionary()


def answered(spark: SparkSession, folder: Path, texts: Sequence[str], question: Question) -> list[str | None]:
    """One answer a text, in order. The texts go by files below `folder`: a local relation would stand in the plan. Raises Unanswered."""
    if not texts:
        return []
    _ship(spark, question.files())
    folder.mkdir(mode=0o700)
    for at in range(0, len(texts), PIECE):
        piece = texts[at:at + PIECE]
        pq.write_table(pa.table({"n": pa.array(range(at, at + len(piece)), pa.int64()), "t": pa.array(piece, pa.string())}), folder / f"{at}.parquet")
    asked = spark.read.schema("n bigint, t string").parquet(str(folder))
    asked.mapInArrow(_answering(question), "n bigint, said string, failed string").write.parquet(str(folder / "said"))
    found = pq.read_table(folder / "said").sort_by("n")
    if failed := found.column("failed").drop_null().unique().to_pylist():
        raise Unanswered(min(failed))
    if found.column("n").to_pylist() != list(range(len(texts))):
        raise Unanswered("Partial")
    return list(found.column("said").to_pylist())


def _ship(spark: SparkSession, files: Sequence[Path]) -> None:
    """Once a session: Spark fetches them to every worker before its first task."""
    shipped = _SHIPPED.setdefault(spark, set())
    for path in files:
        if path not in shipped:
            spark.addArtifacts(str(path), file=True)
            shipped.add(path)


def _answering(question: Question) -> Any:
    def answers(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import SparkFiles

        said: Sequence[str | None]
        for batch in batches:
            failed = None
            try:
                said = question.answers(batch.column("t").to_pylist(), Path(SparkFiles.getRootDirectory()))
            except Exception as error:      # whatever it is, its text may quote a value
                said, failed = [None] * len(batch), type(error).__name__
            yield pa.RecordBatch.from_arrays([batch.column("n"), pa.array(said, pa.string()), pa.array([failed] * len(batch), pa.string())],
                                             names=["n", "said", "failed"])
    return answers
