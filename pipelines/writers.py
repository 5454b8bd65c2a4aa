"""Published files have one writer: Arrow batches in, the same bytes out whichever engine made them.

CSV carries Chinese labels as its header and a BOM; Parquet and JSON Lines carry physical names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from pipelines.products import Published

ROWS = 100_000
SHEET_ROWS = 1_048_575
BOM = b"\xef\xbb\xbf"


class Writer(Protocol):
    """Takes batches of one file; `close` finishes it."""

    def write(self, batch: pa.RecordBatch) -> None: ...
    def close(self) -> None: ...


def write_files(
    batches: Iterable[pa.RecordBatch], columns: Sequence[Published], targets: dict[str, Path], zone: str
) -> int:
    """Streams the rows once into every target (format → path); returns the number of rows."""
    schema = batch_schema(columns)
    writers = [WRITERS[name](path, columns, zone) for name, path in targets.items()]
    rows = 0
    for batch in _even(batches, schema):
        rows += batch.num_rows
        for writer in writers:
            writer.write(batch)
    for writer in writers:
        writer.close()
    for path in targets.values():
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
    return rows


def batch_schema(columns: Sequence[Published]) -> pa.Schema:
    from pipelines.refining import arrow_type

    return pa.schema([(column.name, arrow_type(column.type)) for column in columns])


def _even(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Batches of exactly ROWS rows but the last, so that row groups do not depend on the engine's."""
    waiting: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        waiting.append(batch.cast(schema))
        size += batch.num_rows
        while size >= ROWS:
            table = pa.Table.from_batches(waiting, schema)
            yield table.slice(0, ROWS).combine_chunks().to_batches()[0]
            rest = table.slice(ROWS).combine_chunks()
            waiting, size = rest.to_batches(), rest.num_rows
    if size:
        yield pa.Table.from_batches(waiting, schema).combine_chunks().to_batches()[0]


def as_published_text(array: pa.Array, zone: str) -> pa.Array:
    """Timestamps as text in the city's zone; everything else is left to the format."""
    if not pa.types.is_timestamp(array.type):
        return array
    local = pc.local_timestamp(array.cast(pa.timestamp("us", tz=zone)))
    return pc.strftime(local.cast(pa.timestamp("s"), safe=False), format="%Y-%m-%d %H:%M:%S")


def _texts(batch: pa.RecordBatch, names: Sequence[str], zone: str) -> pa.RecordBatch:
    arrays = [as_published_text(array, zone) for array in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, names=list(names))


class CsvWriter:
    """RFC 4180 with LF, UTF-8 with BOM, labels as header."""

    def __init__(self, path: Path, columns: Sequence[Published], zone: str) -> None:
        self._columns, self._zone = columns, zone
        self._handle = path.open("wb")
        header = ",".join(_quoted(column.label) for column in columns)
        self._handle.write(BOM + header.encode() + b"\n")

    def write(self, batch: pa.RecordBatch) -> None:
        options = pacsv.WriteOptions(include_header=False, quoting_style="needed")
        pacsv.write_csv(_texts(batch, [c.name for c in self._columns], self._zone), self._handle, options)

    def close(self) -> None:
        self._handle.close()


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


class ParquetWriter:
    """zstd; statistics only on columns that are not sensitive."""

    def __init__(self, path: Path, columns: Sequence[Published], zone: str) -> None:
        plain = [column.name for column in columns if column.level == "L1"]
        schema = batch_schema(columns)
        self._writer = pq.ParquetWriter(path, schema, compression="zstd", write_statistics=plain or False)

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch, row_group_size=ROWS)

    def close(self) -> None:
        self._writer.close()


class JsonLinesWriter:
    """One object a line, physical names; `array` writes one JSON array instead."""

    def __init__(self, path: Path, columns: Sequence[Published], zone: str, array: bool = False) -> None:
        self._zone, self._names, self._array = zone, [column.name for column in columns], array
        self._handle = path.open("wb")
        self._connection = duckdb.connect()
        self._first = True
        if array:
            self._handle.write(b"[\n")

    def write(self, batch: pa.RecordBatch) -> None:
        rows = pa.Table.from_batches([_texts(batch, self._names, self._zone)])
        self._connection.register("rows", rows)
        lines = self._connection.sql("SELECT CAST(to_json(rows) AS VARCHAR) AS line FROM rows").to_arrow_table()["line"]
        joiner = ",\n" if self._array else "\n"
        text = joiner.join(lines.to_pylist())
        prefix = "" if self._first or not self._array else joiner
        self._handle.write((prefix + text + ("" if self._array else "\n")).encode())
        self._first = False

    def close(self) -> None:
        if self._array:
            self._handle.write(b"\n]\n")
        self._handle.close()
        self._connection.close()


class XlsxWriter:
    """One sheet with labels as header; a table that does not fit a sheet is refused by `fits`."""

    def __init__(self, path: Path, columns: Sequence[Published], zone: str) -> None:
        import xlsxwriter

        self._book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
        from datetime import datetime

        self._book.set_properties({"created": datetime(2000, 1, 1)})
        self._sheet = self._book.add_worksheet("data")
        self._sheet.write_row(0, 0, [column.label for column in columns])
        self._zone, self._names, self._row = zone, [column.name for column in columns], 1

    def write(self, batch: pa.RecordBatch) -> None:
        for row in zip(*(_cells(array) for array in _texts(batch, self._names, self._zone).columns), strict=True):
            self._sheet.write_row(self._row, 0, row)
            self._row += 1

    def close(self) -> None:
        self._book.close()


def _cells(array: pa.Array) -> list[Any]:
    if pa.types.is_decimal(array.type) or pa.types.is_date(array.type):
        return [None if value is None else str(value) for value in array.to_pylist()]
    return array.to_pylist()     # type: ignore[no-any-return]  # pyarrow has no types


class GeoJsonWriter:
    """A FeatureCollection (RFC 7946) of `geometry`, or of points from `longitude` and `latitude`."""

    def __init__(self, path: Path, columns: Sequence[Published], zone: str) -> None:
        self._zone, self._names = zone, [column.name for column in columns]
        self._handle = path.open("w", encoding="utf-8", newline="\n")
        self._handle.write('{"type":"FeatureCollection","features":[\n')
        self._first = True

    def write(self, batch: pa.RecordBatch) -> None:
        for row in _texts(batch, self._names, self._zone).to_pylist():
            feature = json.dumps(_feature(row), ensure_ascii=False, separators=(",", ":"), default=str)
            self._handle.write(feature if self._first else ",\n" + feature)
            self._first = False

    def close(self) -> None:
        self._handle.write("\n]}\n")
        self._handle.close()


def _feature(row: dict[str, Any]) -> dict[str, Any]:
    if row.get("geometry"):
        geometry = json.loads(row.pop("geometry"))
    elif row.get("longitude") is not None and row.get("latitude") is not None:
        geometry = {"type": "Point", "coordinates": [float(row["longitude"]), float(row["latitude"])]}
    else:
        geometry = None
    return {"type": "Feature", "geometry": geometry, "properties": row}


WRITERS: dict[str, Callable[[Path, Sequence[Published], str], Writer]] = {
    "csv": CsvWriter,
    "parquet": ParquetWriter,
    "jsonl": JsonLinesWriter,
    "json": lambda path, columns, zone: JsonLinesWriter(path, columns, zone, array=True),
    "xlsx": XlsxWriter,
    "geojson": GeoJsonWriter,
}
