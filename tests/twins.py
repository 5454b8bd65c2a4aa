"""One city on both engines: run with the same clock, secrets and ids of keys, and everything that both must give alike."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count, zip_longest
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from pipelines import keys
from pipelines.conduct import Outcome
from pipelines.way import Way

ENGINES = ("duckdb", "spark")
# What a record says of Parquet and log files, whose bytes are each writer's own, and of the chain that they stand in.
OF_FILES = {"files", "sealed"}
# A source's file is known by its inode too, which no two have.
OF_SOURCES = {"ingest": {"op", "fingerprint"}}


@contextmanager
def same_keys(known: Path | None, secrets: Path, first: int = 1) -> Iterator[None]:
    """Keys of tokens are drawn at random: here their ids count up from `first`, and what a twin drew under them is taken from `known`."""
    ids = count(first)
    if known is not None:
        (secrets.parent / "lake/journal").mkdir(parents=True, exist_ok=True)      # else keys without one would say that the lake is lost
        shutil.copytree(known, secrets, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "random", SimpleNamespace(token_hex=lambda size: f"{next(ids):0{2 * size}x}"))
        yield


def canonical(table: pa.Table) -> tuple[list[tuple[str, str]], list[tuple[str, ...]]]:
    """Names and types, and the rows in an order that depends on their values alone; -0.0 and 0.0 are two values here."""
    types = [(field.name, str(field.type).replace("large_string", "string").replace("string_view", "string")) for field in table.schema]
    return types, sorted(tuple(map(repr, row)) for row in zip(*(column.to_pylist() for column in table.columns), strict=True))


def rows_at(way: Way, name: str, version: int) -> tuple[list[tuple[str, str]], list[tuple[str, ...]]]:
    """A version of a table as delta-rs reads it, canonical."""
    return canonical(DeltaTable(str(way.lake.path(name)), version=version).to_pyarrow_table())


def tables(way: Way) -> dict[str, Any]:
    """Every table in force of every dataset, canonical."""
    return {name: rows_at(way, name, version) for dataset in way.journal.chains()
            for name, version in sorted(way.journal.state(dataset).tables.items())}


def records(way: Way) -> dict[str, list[Any]]:
    """Every act of every dataset: outcomes, verdicts, holds, refusals, versions, releases with their hashes, what portals show."""
    return {dataset: [(record.kind, _without(record.body, OF_FILES | OF_SOURCES.get(record.kind, set()))) for record in way.journal.records(dataset)]
            for dataset in way.journal.chains()}


def _without(body: Any, left_out: set[str]) -> Any:
    if isinstance(body, Mapping):
        return {key: _without(value, left_out) for key, value in body.items() if key not in left_out or (key == "files" and isinstance(value, list))}
    return [_without(value, left_out) for value in body] if isinstance(body, list) else body


def hashes(way: Way) -> dict[str, str]:
    """Release id → hash, of every release of every product."""
    return {f"{dataset}.{product}/{release.id}": release.hash for dataset in way.journal.chains()
            for product, releases in way.journal.state(dataset).releases.items() for release in releases}


def site_files(way: Way) -> dict[str, bytes]:
    """What the folder portal shows for download."""
    root = way.settings.site / "current" / "data"
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def told(outcomes: list[Outcome]) -> list[tuple[str, ...]]:
    """Every step with what it came to, and its note where it failed."""
    return [(one.dataset, one.step, one.target, one.outcome, one.note) for one in outcomes]


def unlike(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The names under which two views differ: a diff of everything would print tables whole."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def unlike_records(one: Way, other: Way) -> list[tuple[str, str, list[str]]]:
    """Dataset, kind and fields of the acts that differ; the first act that only one has."""
    mine, theirs = records(one), records(other)
    return [(name, kind, unlike(body, beside[1]) if kind == beside[0] else [beside[0]]) for name in sorted({*mine, *theirs})
            for (kind, body), beside in zip_longest(mine.get(name, []), theirs.get(name, []), fillvalue=("nothing", {})) if (kind, body) != beside]
