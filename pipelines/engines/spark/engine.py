"""Sessions of the cluster engine: named views of exact versions, results that stream through Parquet, marked Delta commits."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from catalog.dialect import render
from catalog.errors import CitylakeError, EngineFailure
from pipelines.boundary import boundary
from pipelines.engines import Params, PublishedCsv, Question, Source
from pipelines.engines.duck import published_batches
from pipelines.engines.spark.keyed import register_keyed
from pipelines.engines.spark.patterns import with_patterns
from pipelines.engines.spark.session import AGAIN, SILENT, session, unanswered
from pipelines.engines.spark.workers import answered
from pipelines.lake import PERIOD, Lake, Op, Write
from pipelines.scratch import scratch
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

BATCH_ROWS = 100_000
PADS = {"CL_TOKEN": (1, 2), "CL_SHIFT": (3, 4)}         # where a marker names its pads
_WRITING = Lock()


class SparkEngine:
    """Spark + delta-spark. The process's one Spark session starts with the first work."""

    name = "spark"
    dialect = "spark"

    def __init__(self, lake: Lake, settings: Settings) -> None:
        self.lake, self.settings = lake, settings

    @contextmanager
    def open(self, views: Mapping[str, Source]) -> Iterator[SparkViews]:
        """A session whose staged rows lie in a private scratch folder that is wiped at the end."""
        spark = session(self.settings)
        with scratch(self.settings) as folder, translated():
            opened = SparkViews(spark, self.lake, folder)
            try:
                for name, source in views.items():
                    opened.add_view(name, source)
                yield opened
            finally:
                opened.close()


@contextmanager
def translated() -> Iterator[None]:
    """Maps Spark's errors at one boundary: their text quotes values, plans and SQL."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except CitylakeError:
        raise
    except (PySparkException, Py4JError, pa.ArrowException) as error:
        if unanswered(error):
            raise EngineFailure(SILENT, remedy=AGAIN) from None
        raise EngineFailure(f"The engine failed ({_condition(error)}).", remedy="See docs/operating.md, «when the engine fails».") from None


def _condition(error: Exception) -> str:
    """Spark's name of what went wrong, which quotes nothing."""
    with suppress(Exception):
        if condition := error.getCondition():       # type: ignore[attr-defined]  # PySparkException only
            return str(condition)
    return type(error).__name__


class SparkViews:
    """See `pipelines.engines.Session`. Temporary views are the process's, so each session's have names of their own."""

    one_pass: ClassVar[bool] = True

    def __init__(self, spark: SparkSession, lake: Lake, folder: Path) -> None:
        self._spark, self._lake, self._folder = spark, lake, folder
        self._id, self._views = f"v{uuid.uuid4().hex[:12]}", dict[str, str]()

    def add_view(self, name: str, source: Source) -> None:
        """Names a table version, a Parquet file or a published CSV.

        A version is read by its list of files, which delta-rs knows already: Delta's own reader would replay the log at each opening.
        """
        if isinstance(source, PublishedCsv):
            self.load(name, published_batches(source), source.names)
        elif isinstance(source, Path):
            self._name(name, self._files([str(source)], pq.read_schema(source)))
        else:
            files = self._lake.files(source)    # refuses a protocol that citylake does not read
            self._name(name, self._files(files, self._lake.schema(source), self._lake.path(source.name)))

    def _files(self, files: list[str], schema: pa.Schema, root: Path | None = None) -> DataFrame:
        """Parquet files under a schema, so that no job looks for one; below `root` folders may name the period. What a file lacks is NULL."""
        kinds = _struct(schema)
        if not files:
            return self._spark.createDataFrame([], kinds)
        reader = self._spark.read.schema(kinds).option("__globPaths__", "false")        # these are names, not patterns
        frame = (reader.option("basePath", str(root)) if root else reader).parquet(*files)
        return frame.select(*[f"`{name}`" for name in schema.names])

    def close(self) -> None:
        for view in self._views.values():
            with suppress(Exception):
                self._spark.catalog.dropTempView(view)
        self._views.clear()

    def _name(self, name: str, frame: DataFrame) -> None:
        view = f"{self._id}_{len(self._views)}" if name not in self._views else self._views[name]
        frame.createOrReplaceTempView(view)
        self._views[name] = view

    def frame(self, query: exp.Query, params: Params | None = None) -> DataFrame:
        """The query over this session's views, not yet computed."""
        if params:
            register_keyed(self._spark, {f"{self._id}_{name}": value for name, value in params.items()})
        return self._spark.sql(render(with_patterns(self._spark, self._renamed(query)), "spark"))

    def _renamed(self, query: exp.Query) -> exp.Query:
        tree = query.copy()
        inner = {cte.alias for cte in tree.find_all(exp.CTE)}
        for table in list(tree.find_all(exp.Table)):
            if table.name in self._views and table.name not in inner and not table.args.get("db"):
                known = table.name
                table.set("this", exp.to_identifier(self._views[known]))
                if not table.alias:
                    table.set("alias", exp.TableAlias(this=exp.to_identifier(known, quoted=True)))
        for call in tree.find_all(exp.Anonymous):       # functions are the process's too: another session's key must never be taken
            for at in PADS.get(str(call.this), ()):
                call.expressions[at].set("this", f"{self._id}_{call.expressions[at].this}")
        return tree

    def read(self, query: exp.Query, params: Params | None = None) -> pa.RecordBatchReader:
        with translated():
            return self._streamed(self.frame(query, params))

    def _streamed(self, frame: DataFrame) -> pa.RecordBatchReader:
        folder = self._spilled(frame)
        files = sorted(folder.glob("*.parquet"))
        first = pq.read_schema(files[0]).remove_metadata()

        def batches() -> Iterator[pa.RecordBatch]:
            for path in files:
                yield from pq.ParquetFile(path).iter_batches(BATCH_ROWS)
        return pa.RecordBatchReader.from_batches(first, (pa.record_batch(batch.columns, schema=first) for batch in batches()))

    def rows(self, query: exp.Query, params: Params | None = None) -> list[dict[str, Any]]:
        with translated():
            return list(self.frame(query, params).toArrow().to_pylist())

    def stage(self, query: exp.Query, name: str, params: Params | None = None) -> None:
        with translated():
            frame = self.frame(query, params)
            self._name(name, self._spark.read.schema(frame.schema).parquet(str(self._spilled(frame))))

    def _spilled(self, frame: DataFrame) -> Path:
        """The rows as Parquet files, in order, below the scratch folder. Spark writes a file without rows where there are none."""
        folder = self._folder / uuid.uuid4().hex
        frame.write.parquet(str(folder))
        return folder

    def load(self, name: str, batches: Iterable[pa.RecordBatch], names: tuple[str, ...]) -> None:
        schema = pa.schema([(column, pa.string()) for column in names])
        path = self._folder / f"{uuid.uuid4().hex}.parquet"
        with translated():
            with pq.ParquetWriter(path, schema) as writer:
                for batch in batches:
                    writer.write_batch(pa.record_batch([batch.column(column).cast(pa.string()) for column in names], schema=schema))
            self._name(name, self._files([str(path)], schema))

    def ask(self, texts: Sequence[str], question: Question) -> list[str | None]:
        with translated():
            return answered(self._spark, self._folder / uuid.uuid4().hex, texts, question)

    def write(self, query: exp.Query, to: str, how: Write, op: Op, base: int | None, params: Params | None = None) -> int:
        with translated():
            frame = self.frame(query, params)
            boundary(f"table/{to.split('/')[0]}/before")
            append = how.mode == "append"
            before = self._lake.newest(to)
            schema = ("replaceWhere", how.where) if how.periods else ("mergeSchema" if append else "overwriteSchema", "true")
            writer = (frame.write.format("delta").mode("append" if append else "overwrite").option(*schema)
                      .option("txnAppId", f"{op.id}@{base or 0}").option("txnVersion", -1 if before is None else before)
                      .option("userMetadata", json.dumps({"op": op.id, "base": str(base or 0), "step": op.step})))
            if not append and PERIOD in frame.columns:
                writer = writer.partitionBy(PERIOD)
            with self._statistics(how):
                writer.save(str(self._lake.path(to)))
            boundary(f"table/{to.split('/')[0]}/after")
        return self._lake.landed(to, before)

    @contextmanager
    def _statistics(self, how: Write) -> Iterator[None]:
        """Parquet's footers keep no value but those of plain columns. Delta's writer takes this from nothing but the session's settings,
        and the session is the process's: one write at a time, and nothing stays set for another table's column of the same name.
        """
        names = [f"parquet.column.statistics.enabled#{name}" for name in how.plain]
        with _WRITING:
            self._spark.conf.set("parquet.column.statistics.enabled", "false")
            for name in names:
                self._spark.conf.set(name, "true")
            try:
                yield
            finally:
                for name in names:
                    self._spark.conf.unset(name)

    def judged(self, views: Mapping[str, exp.Query]) -> Mapping[str, object]:
        return {name: self.frame(query) for name, query in views.items()}


def _struct(schema: pa.Schema) -> StructType:
    from pyspark.sql.pandas.types import from_arrow_type
    from pyspark.sql.types import StructField, StructType

    types = {field.name: pa.string() if pa.types.is_string_view(field.type) else field.type for field in schema}
    return StructType([StructField(name, from_arrow_type(kind, prefer_timestamp_ntz=True)) for name, kind in types.items()])
