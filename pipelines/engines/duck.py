"""The default engine: DuckDB reads Parquet files of exact Delta versions, delta-rs writes. Embedded, streaming."""

from __future__ import annotations

import contextlib
import uuid
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pyarrow as pa
from sqlglot import exp

from catalog.dialect import render
from catalog.errors import EngineFailure
from pipelines.engines import Params, PublishedCsv, Question, Source
from pipelines.lake import PERIOD, Lake, Op, Write
from pipelines.scratch import scratch
from pipelines.settings import Settings

warnings.filterwarnings("ignore", message="Arrow output on a DB-API result")       # where rows are few, the copy costs nothing

BATCH_ROWS = 100_000
_ARROW_TO_SQL = {"string": "VARCHAR", "large_string": "VARCHAR", "string_view": "VARCHAR", "int64": "BIGINT",
                 "int32": "INTEGER", "double": "DOUBLE", "bool": "BOOLEAN", "date32[day]": "DATE"}


class DuckEngine:
    """DuckDB + delta-rs. Memory is bounded by `CITYLAKE_MEMORY`; the rest of it is left to Arrow and delta-rs."""

    name = "duckdb"
    dialect = "duckdb"

    def __init__(self, lake: Lake, settings: Settings) -> None:
        self.lake, self.settings = lake, settings

    @contextmanager
    def open(self, views: Mapping[str, Source]) -> Iterator[DuckSession]:
        """A session in a private scratch folder that is wiped at the end."""
        with scratch(self.settings) as folder, translated(), duckdb.connect(config=self._config(folder)) as connection:
            connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")     # `--json` owns standard output
            session = DuckSession(connection, self.lake, folder)
            for name, source in views.items():
                session.add_view(name, source)
            yield session

    def _config(self, folder: Path) -> dict[str, str | bool | int | float | list[str]]:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{self.settings.memory * 50 // 100 // 2**20}MiB",
            "temp_directory": str(folder / "spill"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": True,
        }
        if self.settings.threads:
            config["threads"] = self.settings.threads
        return config


@contextmanager
def translated() -> Iterator[None]:
    """Maps DuckDB's errors at one boundary: their text quotes values and SQL."""
    try:
        yield
    except duckdb.Error as error:
        raise EngineFailure(f"The engine failed ({type(error).__name__}).",
                            remedy="See docs/operating.md, «when the engine fails».") from None


class DuckSession:
    """See `pipelines.engines.Session`."""

    one_pass: ClassVar[bool] = False

    def __init__(self, connection: duckdb.DuckDBPyConnection, lake: Lake, scratch: Path) -> None:
        self._connection, self._lake, self._scratch = connection, lake, scratch
        self._views: dict[str, str] = {}

    def add_view(self, name: str, source: Source) -> None:
        """Names a table version or a Parquet file."""
        self._views[name] = self._relation(source)
        self._connection.execute(f'CREATE OR REPLACE VIEW "{name}" AS {self._views[name]}')

    def _relation(self, source: Source) -> str:
        if isinstance(source, Path):
            return f"SELECT * FROM read_parquet({_quote(str(source))})"
        if isinstance(source, PublishedCsv):
            return _published(source)
        schema, files = self._lake.schema(source), self._lake.files(source)
        columns = ", ".join(f'CAST("{field.name}" AS {sql_type(field.type)}) AS "{field.name}"' for field in schema)
        if not files:
            nulls = ", ".join(f'CAST(NULL AS {sql_type(field.type)}) AS "{field.name}"' for field in schema)
            return f"SELECT {nulls} WHERE false"
        listed = ", ".join(_quote(file) for file in files)
        hive = f", hive_partitioning = true, hive_types = {{'{PERIOD}': 'VARCHAR'}}" if PERIOD in schema.names else ", hive_partitioning = false"
        return f"SELECT {columns} FROM ({_padded(listed, hive, self._missing(files, schema))})"

    def _missing(self, files: list[str], schema: pa.Schema) -> list[pa.Field]:
        listed = ", ".join(_quote(file) for file in files)
        found = self._connection.execute(
            f"SELECT DISTINCT name FROM parquet_schema([{listed}])"
        ).fetchall()
        present = {row[0] for row in found} | {PERIOD}
        return [field for field in schema if field.name not in present]

    def read(self, query: exp.Query, params: Params | None = None) -> pa.RecordBatchReader:
        sql = render(query, "duckdb")
        with translated():
            relation = self._connection.sql(sql, params=dict(params) if params else None)
            return relation.to_arrow_reader(BATCH_ROWS)

    def rows(self, query: exp.Query, params: Params | None = None) -> list[dict[str, Any]]:
        with translated():      # a few rows: `sql` would look for parameters token by token, in Python, in patterns of 100 kB and more
            found = self._connection.execute(render(query, "duckdb"), dict(params) if params else None).to_arrow_table()
            return list(found.to_pylist()) if found is not None else []

    def stage(self, query: exp.Query, name: str, params: Params | None = None) -> None:
        with translated():
            self._connection.execute(
                f'CREATE OR REPLACE TEMP TABLE "{name}" AS {render(query, "duckdb")}', dict(params) if params else None
            )

    def load(self, name: str, batches: Iterable[pa.RecordBatch], names: tuple[str, ...]) -> None:
        columns = ", ".join(f'"{column}" VARCHAR' for column in names)
        with translated():
            self._connection.execute(f'CREATE OR REPLACE TEMP TABLE "{name}" ({columns})')
            for batch in batches:
                self._connection.register("_batch", pa.Table.from_batches([batch]))
                listed = ", ".join(f'"{column}"' for column in names)
                self._connection.execute(f'INSERT INTO "{name}" SELECT {listed} FROM _batch')
                self._connection.unregister("_batch")

    def ask(self, texts: Sequence[str], question: Question) -> list[str | None]:
        return list(question.answers(texts, None))

    def write(
        self, query: exp.Query, to: str, how: Write, op: Op, base: int | None, params: Params | None = None
    ) -> int:
        with translated():
            return self._lake.write(to, self.read(query, params), how, op, base)

    def judged(self, views: Mapping[str, exp.Query]) -> Path:
        path = self._scratch / f"{uuid.uuid4().hex}.duckdb"
        with translated(), duckdb.connect(str(path)) as connection:
            for name, relation in self._views.items():
                if name not in views:
                    connection.execute(f'CREATE VIEW "{name}" AS {relation}')
            for name, query in views.items():
                connection.execute(f'CREATE VIEW "{name}" AS {render(query, "duckdb")}')
        with contextlib.suppress(OSError):
            path.chmod(0o600)
        return path


def published_batches(source: PublishedCsv) -> Iterator[pa.RecordBatch]:
    """The rows of a published CSV as text, for an engine that reads none as we write them."""
    with translated(), duckdb.connect() as connection:
        yield from connection.sql(_published(source)).to_arrow_reader(BATCH_ROWS)


def _published(source: PublishedCsv) -> str:
    names = ", ".join(f"{_quote(name)}: 'VARCHAR'" for name in source.names)
    return (f"SELECT * FROM read_csv({_quote(str(source.path))}, header = false, skip = 1, columns = {{{names}}}, "
            "delim = ',', quote = '\"', escape = '\"', nullstr = '', max_line_size = 16777216, auto_detect = false)")


def sql_type(kind: pa.DataType) -> str:
    """DuckDB's name of an Arrow type that may stand in our tables."""
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMPTZ" if kind.tz else "TIMESTAMP"
    return _ARROW_TO_SQL[str(kind)]


def _padded(listed: str, options: str, missing: list[pa.Field]) -> str:
    """The files' rows with typed NULLs for columns that the log has and no file has."""
    extra = "".join(f', CAST(NULL AS {sql_type(field.type)}) AS "{field.name}"' for field in missing)
    return f"SELECT *{extra} FROM read_parquet([{listed}], union_by_name = true{options})"


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
