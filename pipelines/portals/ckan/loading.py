"""Rows of a release into a DataStore table: read from its own published files, written by COPY or through the API.

Every value goes as the text that PostgreSQL reads: exact decimals, null apart from empty, times in the city's zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from psycopg import sql

from catalog.ckan import row_files, table_columns
from catalog.errors import PortalError
from pipelines.formats import open_table
from pipelines.portals.ckan.client import Client
from pipelines.releases import AS_WRITTEN

ROWS = 50_000            # of a batch; wide tables have fewer
CELLS = 1_000_000
CALL = 5_000             # rows of one API call: more are slower (notes/ckan-lab §4)
BLOCK = 2**24            # bytes of CSV, and therefore of the longest record
CONNECT = 5              # seconds


class LoadStrategy(Protocol):
    """A way to fill an empty DataStore table."""

    name: str

    def fill(self, resource: str, rows: Iterable[pa.RecordBatch]) -> int:
        """Adds the rows to the resource's table; returns how many. Raises PortalError."""


class CopyLoad:
    """COPY into the DataStore's database, all rows in one transaction. The account needs no right but INSERT."""

    name = "copy"

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def answers(self) -> bool:
        """Whether the database lets us in."""
        try:
            with psycopg.connect(self._dsn, connect_timeout=CONNECT):
                return True
        except psycopg.Error:
            return False

    def fill(self, resource: str, rows: Iterable[pa.RecordBatch]) -> int:
        count = 0
        options = pacsv.WriteOptions(include_header=False, quoting_style="all_valid")     # what is not quoted is null
        try:
            with psycopg.connect(self._dsn, connect_timeout=CONNECT) as connection, connection.cursor() as cursor:
                batches = iter(rows)
                first = next(batches, None)
                if first is None:
                    return 0
                with cursor.copy(_copy(resource, first.schema.names)) as copy:
                    while first is not None:
                        buffer = pa.BufferOutputStream()
                        pacsv.write_csv(first, buffer, options)
                        copy.write(memoryview(buffer.getvalue()))
                        count += first.num_rows
                        first = next(batches, None)
        except psycopg.Error:      # its text may quote a value
            raise PortalError("The DataStore's database did not take the rows.", remedy="See the portal's database log, then run again.") from None
        return count


def _copy(resource: str, names: Sequence[str]) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(sql.Identifier(resource), columns)


class ApiLoad:
    """Calls of `datastore_upsert`: needs nothing but the portal's address. Not one transaction; only for a table beside."""

    name = "api"

    def __init__(self, client: Client) -> None:
        self._client = client

    def fill(self, resource: str, rows: Iterable[pa.RecordBatch]) -> int:
        count = 0
        for batch in rows:
            for at in range(0, batch.num_rows, CALL):
                records = batch.slice(at, CALL).to_pylist()
                self._client.call("datastore_upsert", resource_id=resource, method="insert", force=True, records=records,
                                  calculate_record_count=False)
                count += len(records)
        return count


def rows_of(page: Mapping[str, Any], files: Mapping[str, Path], zone: str) -> Iterator[pa.RecordBatch]:
    """The rows of a page's newest release as text under the table's column names; memory holds some batches."""
    names = [column["name"] for column in page["columns"]]
    labels = {column["label"]: column["name"] for column in page["columns"]} | {name: name for name in names}
    for file in row_files(page):
        path, kind = files[f"{page['release']}/{file['name']}"], str(file["format"])
        for batch in _read(path, kind, names, labels):
            columns = [_column(batch, name, zone) for name in names]
            yield pa.RecordBatch.from_arrays(columns, names=table_columns(page["columns"]))


def _read(path: Path, kind: str, names: Sequence[str], labels: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    if kind == "parquet":
        yield from pq.ParquetFile(path).iter_batches(max(1_000, min(ROWS, CELLS // len(names))))
    elif kind == "csv":
        yield from _csv(path, names)
    elif path.stat().st_size:      # JSON Lines of no rows
        table = open_table(path, {"name": kind, **AS_WRITTEN.get(kind, {})}, path.name)
        heads = [labels.get(head, head) for head in table.columns]
        for batch in table.batches():
            yield pa.RecordBatch.from_arrays([batch.column(str(at)) for at in range(len(heads))], names=heads)


def _csv(path: Path, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Our own CSV as pipelines/writers.py makes it: what is not quoted and empty is null."""
    with pacsv.open_csv(
        path, pacsv.ReadOptions(block_size=BLOCK, column_names=list(names), skip_rows_after_names=1),
        pacsv.ParseOptions(newlines_in_values=True),
        pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, quoted_strings_can_be_null=False,
                             null_values=[""]),
    ) as reader:
        yield from reader


def _column(batch: pa.RecordBatch, name: str, zone: str) -> pa.Array:
    at = batch.schema.get_field_index(name)
    if at < 0:
        return pa.nulls(batch.num_rows, pa.string())
    array = batch.column(at)
    if pa.types.is_timestamp(array.type):
        array = pc.local_timestamp(array.cast(pa.timestamp("us", tz=zone)))
    found = array.cast(pa.string())
    return pc.replace_substring(found, "\0", "") if pc.any(pc.match_substring(found, "\0")).as_py() else found
