"""The engine seam: runs sqlglot expressions over named views of exact table versions. Data only, no policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pyarrow as pa
from sqlglot import exp

from catalog.errors import EngineFailure
from catalog.evidence import TableAt
from pipelines.lake import Op, Write

Params = Mapping[str, Any]


@dataclass(frozen=True)
class PublishedCsv:
    """A CSV file as our writer makes it (one header line, RFC 4180), read as text under these names."""

    path: Path
    names: tuple[str, ...]


Source = TableAt | Path | PublishedCsv          # a table version, a Parquet file, a published CSV file


class Question(Protocol):
    """Something that is asked of texts, each for itself. It can be pickled by name, and its errors quote nothing."""

    def files(self) -> Sequence[Path]:
        """What must lie beside whoever answers."""

    def answers(self, texts: Sequence[str], folder: Path | None) -> Sequence[str | None]:
        """One a text, in order. `folder` holds the files where they were shipped; None: this process answers with its own."""


class Unanswered(EngineFailure):
    """A question was not answered where it was asked; `why` is the class of the error there."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"A worker could not answer ({why}).", remedy="See docs/scale.md, «texts on workers».")


class Session(Protocol):
    """One piece of work over fixed views. Everything staged in it is gone when it closes. `one_pass`: a query more costs more here than
    looking at every cell in the one that is asked anyway.
    """

    one_pass: ClassVar[bool]

    def read(self, query: exp.Query, params: Params | None = None) -> pa.RecordBatchReader:
        """Streams the result."""

    def rows(self, query: exp.Query, params: Params | None = None) -> list[dict[str, Any]]:
        """A small result as dictionaries."""

    def stage(self, query: exp.Query, name: str, params: Params | None = None) -> None:
        """Computes a query once under a name; spills to disk beyond the memory limit."""

    def load(self, name: str, batches: Iterable[pa.RecordBatch], names: tuple[str, ...]) -> None:
        """Stages text rows that were read elsewhere under a name."""

    def ask(self, texts: Sequence[str], question: Question) -> list[str | None]:
        """The answers to distinct texts, in order, given where the engine computes: in this process, or by its workers. Raises Unanswered."""

    def write(
        self, query: exp.Query, to: str, how: Write, op: Op, base: int | None, params: Params | None = None
    ) -> int:
        """Streams the result into a Delta table; returns the new version."""

    def judged(self, views: Mapping[str, exp.Query]) -> Path | Mapping[str, object]:
        """These views for Great Expectations: in a database file, or as frames by name; over files, never a copy."""


class Engine(Protocol):
    """A way to run sessions. `dialect` is sqlglot's name of its SQL."""

    name: str
    dialect: str

    def open(self, views: Mapping[str, Source]) -> AbstractContextManager[Session]:
        """A session over the named views."""
