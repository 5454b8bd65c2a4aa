"""A cursor for duckdb-engine that buffers its rows: Great Expectations rolls back the pooled connection between execute
and fetch, and DuckDB forgets the result then (notes/engines-lab).
"""

from __future__ import annotations

from typing import Any

import duckdb_engine


class BufferedCursor(duckdb_engine.CursorWrapper):
    """Fetches everything at execute; results here are counts, a few rows at most."""

    def __init__(self, cursor: Any, wrapper: Any) -> None:
        super().__init__(cursor, wrapper)
        self._cursor, self._described, self._at = cursor, None, 0
        self._rows: list[Any] = []

    def execute(self, statement: str, parameters: Any = None, context: Any = None) -> None:
        super().execute(statement, parameters, context)
        self._described = self._cursor.description
        self._rows = self._cursor.fetchall() if self._described else []
        self._at = 0

    @property
    def description(self) -> Any:
        return self._described

    @property
    def rowcount(self) -> int:
        return -1

    def fetchall(self) -> list[Any]:
        rows, self._at = self._rows[self._at :], len(self._rows)
        return rows

    def fetchone(self) -> Any:
        rows = self.fetchmany(1)
        return rows[0] if rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        rows = self._rows[self._at : self._at + (size or 1)]
        self._at += len(rows)
        return rows


def install() -> None:
    """Makes duckdb-engine hand out buffered cursors."""
    name = "_ConnectionWrapper__c"
    setattr(duckdb_engine.ConnectionWrapper, "cursor", lambda self: BufferedCursor(getattr(self, name), self))  # noqa: B010  # a method of theirs
