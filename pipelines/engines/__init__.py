"""The engine seam: runs sqlglot expressions over named views of exact table versions. Data only, no policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from sqlglot import exp

from catalog.evidence import TableAt
from pipelines.lake import Op, Write

Params = Mapping[str, Any]


@dataclass(frozen=True)
class PublishedCsv:
    """A CSV file as our writer makes it (one header line, RFC 4180), read as text under these names."""

    path: Path
    names: tuple[str, ...]


Source = TableAt | Path | PublishedCsv          # a table version, a Parquet file, a published CSV file


class Session(Protocol):
    """One piece of work over fixed views. Everything staged in it is gone when it closes."""

    def read(self, query: exp.Query, params: Params | None = None) -> pa.RecordBatchReader:
        """Streams the result."""

    def rows(self, query: exp.Query, params: Params | None = None) -> list[dict[str, Any]]:
        """A small result as dictionaries."""

    def stage(self, query: exp.Query, name: str, params: Params | None = None) -> None:
        """Computes a query once under a name; spills to disk beyond the memory limit."""

    def load(self, name: str, batches: Iterable[pa.RecordBatch], names: tuple[str, ...]) -> None:
        """Stages text rows that were read elsewhere under a name."""

    def write(
        self, query: exp.Query, to: str, how: Write, op: Op, base: int | None, params: Params | None = None
    ) -> int:
        """Streams the result into a Delta table; returns the new version."""

    def database(self, views: Mapping[str, exp.Query]) -> Path:
        """A database file with these views (and the session's others), for Great Expectations; over files, never a copy."""


class Engine(Protocol):
    """A way to run sessions. `dialect` is sqlglot's name of its SQL."""

    name: str
    dialect: str

    def open(self, views: Mapping[str, Source]) -> AbstractContextManager[Session]:
        """A session over the named views."""
