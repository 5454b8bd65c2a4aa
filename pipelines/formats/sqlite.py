"""SQLite: one table of a database file, opened read-only; `_source_line` is the row's number in the table's own order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from catalog.errors import BadInput
from pipelines.formats.table import MAGIC, BadRecord, Format, Row, Strict, Table, in_batches, shown

BROKEN = "The SQLite file is broken or encrypted."


class SqliteOptions(Strict):
    """What a contract may declare."""

    table: str | None = None


class Sqlite(Format):
    """A table of an SQLite 3 database."""

    name = "sqlite"
    Options = SqliteOptions

    @classmethod
    def detect(cls, head: bytes, filename: str) -> int | None:
        return MAGIC if head.startswith(b"SQLite format 3\0") else None

    def open(self, payload: Path, options: SqliteOptions, filename: str) -> Table:
        try:
            with closing(_connect(payload)) as database:
                names = [row[0].decode() for row in database.execute(
                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid")]
                table = _chosen(names, options.table)
                columns = [item[0] for item in database.execute(_select(database, table) + " LIMIT 0").description]
        except (sqlite3.Error, UnicodeDecodeError):
            raise BadInput(BROKEN, remedy="Ask the source for a sound file.") from None
        detected: dict[str, Any] = {} if options.table else {"table": 1}
        return Table([name.strip() for name in columns], shown(options, self.name, **detected),
                     partial(_read, payload, table, len(columns)), extra=True,       # free pages keep deleted rows, and CREATE its comments
                     names=tuple(names))


def _chosen(names: list[str], declared: str | None) -> str:
    if declared is not None and declared not in names:
        raise BadInput("The declared table is not in the database.", remedy="Correct format.table in the contract.")
    if declared is None and len(names) != 1:
        raise BadInput(f"The database has {len(names)} tables.", remedy="Declare format.table in the contract.")
    return declared or names[0]


def _connect(payload: Path) -> sqlite3.Connection:
    database = sqlite3.connect(f"{payload.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    database.text_factory = bytes
    database.execute("PRAGMA trusted_schema = OFF")
    return database


def _select(database: sqlite3.Connection, table: str) -> str:
    name = '"' + table.replace('"', '""') + '"'
    try:
        database.execute(f"SELECT rowid FROM {name} LIMIT 0")
    except sqlite3.OperationalError:
        return f"SELECT * FROM {name}"           # WITHOUT ROWID: the primary key is the order
    return f"SELECT * FROM {name} ORDER BY rowid"


def _read(payload: Path, table: str, width: int, bad: list[BadRecord]) -> Iterator[pa.RecordBatch]:
    try:
        with closing(_connect(payload)) as database:
            yield from in_batches(_rows(database.execute(_select(database, table)), bad), width, bad)
    except sqlite3.Error:
        raise BadInput(BROKEN, remedy="Ask the source for a sound file.") from None


def _rows(cursor: sqlite3.Cursor, bad: list[BadRecord]) -> Iterator[Row]:
    for number, values in enumerate(cursor, 1):
        try:
            row = [value.decode() if isinstance(value, bytes) else None if value is None else str(value) for value in values]
        except UnicodeDecodeError:
            bad.append(BadRecord(number, "encoding"))
            continue
        yield number, row
