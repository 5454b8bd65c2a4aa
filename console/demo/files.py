"""Writing source files: the same bytes for the same content, in the forms in which departments deliver."""

from __future__ import annotations

import gzip
import io
import json
import os
import sqlite3
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xlsxwriter

from console.demo.draw import Text

Columns = Mapping[str, Text]
_STAMP = (2026, 11, 22, 6, 0, 0)


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook; numbers are written as numbers."""

    name: str
    rows: Sequence[Sequence[object]]


class Sources:
    """One source system's folder. Every file gets the time of the drop, not of the writing."""

    def __init__(self, root: Path, now: datetime) -> None:
        self.root, self.now = root, now

    def put(self, path: str, content: bytes) -> None:
        """Writes a file beside its place and moves it there, so that nobody reads half of it."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.part")
        temporary.write_bytes(content)
        os.utime(temporary, (self.now.timestamp(),) * 2)
        temporary.replace(target)

    def csv(self, path: str, lines: Sequence[str], encoding: str = "utf-8-sig", end: str = "\n") -> None:
        """Writes lines of text."""
        self.put(path, (end.join(lines) + end).encode(encoding))

    def gzip(self, path: str, lines: Sequence[str]) -> None:
        """Lines of UTF-8 text, packed."""
        self.put(path, gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))

    def zip(self, path: str, members: Mapping[str, Sequence[str]]) -> None:
        """An archive of text files in UTF-8."""
        self.put(path, self.zipped(members))

    def zipped(self, members: Mapping[str, Sequence[str]]) -> bytes:
        """The bytes of such an archive."""
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, lines in members.items():
                archive.writestr(zipfile.ZipInfo(name, _STAMP), "\n".join(lines) + "\n", zipfile.ZIP_DEFLATED)
        return sink.getvalue()

    def xlsx(self, path: str, sheets: Sequence[Sheet]) -> None:
        """A workbook."""
        sink = io.BytesIO()
        with xlsxwriter.Workbook(sink, {"in_memory": True}) as book:
            book.set_properties({"created": datetime(*_STAMP, tzinfo=UTC)})
            for sheet in sheets:
                page = book.add_worksheet(sheet.name)
                for at, row in enumerate(sheet.rows):
                    page.write_row(at, 0, row)
        self.put(path, sink.getvalue())

    def parquet(self, path: str, columns: Columns) -> None:
        """A Parquet file of text columns."""
        sink = pa.BufferOutputStream()
        pq.write_table(_table(columns), sink, compression="zstd")
        self.put(path, sink.getvalue().to_pybytes())

    def sqlite(self, path: str, table: str, columns: Columns) -> None:
        """A database with one table of text columns, and an empty log table that no contract names."""
        names = ", ".join(f'"{name}" TEXT' for name in columns)
        with sqlite3.connect(":memory:") as base:
            base.execute(f'CREATE TABLE "{table}" ({names})')
            base.execute("CREATE TABLE sync_log (at TEXT, message TEXT)")
            base.executemany(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(columns))})', zip(*columns.values(), strict=True))
            base.commit()
            self.put(path, base.serialize())

    def geojson(self, path: str, columns: Columns) -> None:
        """A FeatureCollection of points; the other columns are properties, and a point without place has no geometry."""
        places = [name for name in columns if name in ("longitude", "latitude")]
        features = []
        for row in zip(*columns.values(), strict=True):
            record = dict(zip(columns, row, strict=True))
            at = [float(record.pop(name) or "nan") for name in places]
            geometry = {"type": "Point", "coordinates": at} if at == at else None
            features.append(json.dumps({"type": "Feature", "geometry": geometry, "properties": record}, ensure_ascii=False))
        self.csv(path, ['{"type": "FeatureCollection", "features": [', ",\n".join(features), "]}"], "utf-8")


def _table(columns: Columns) -> pa.Table:
    return pa.table({name: pa.array(list(values), pa.string()) for name, values in columns.items()})


def csv_lines(columns: Columns, delimiter: str = ",") -> list[str]:
    """The header and one line a row, quoted where needed. A value may hold a line break."""
    arrays = [_quoted(column.combine_chunks(), delimiter) for column in _table(columns).columns]
    return [delimiter.join(columns), *pc.binary_join_element_wise(*arrays, delimiter).to_pylist()]


def _quoted(values: pa.StringArray, delimiter: str) -> pa.StringArray:
    values = pc.fill_null(values, "")
    special = pc.match_substring_regex(values, rf'["\r\n{delimiter}]')
    if not pc.any(special).as_py():
        return values
    doubled = pc.replace_substring(values, '"', '""')
    return pc.if_else(special, pc.binary_join_element_wise('"', doubled, '"', ""), values)
