"""Delta tables by exact version: creating, aligning with the journal, listing files. Knows no dataset and no step.

Table properties are pinned here, and so are the protocol features that may be read: anything else is refused, because a
file list over deletion vectors returns deleted rows and one over column mapping returns NULLs (notes/spark-lab §4).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import ColumnProperties, CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError

from catalog.errors import LakeError
from catalog.evidence import TableAt
from pipelines.boundary import boundary

PERIOD = "_period"
READABLE = {"appendOnly", "invariants", "checkConstraints", "changeDataFeed", "generatedColumns", "timestampNtz"}
TYPES = {"string", "large_string", "string_view", "int64", "int32", "double", "bool", "date32[day]"}      # and decimals, and timestamps
PROPERTIES = {
    "delta.dataSkippingNumIndexedCols": "0",            # no values of any column in the log
    "delta.enableDeletionVectors": "false",
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
    "delta.checkpointInterval": "100",
}


@dataclass(frozen=True)
class Op:
    """One attempt at a step: `id` names what is done, `base` the version of the table that it starts from."""

    id: str
    step: str


@dataclass(frozen=True)
class Write:
    """How rows enter a table. `plain` names the columns whose Parquet statistics may be kept (level L1). `periods`: these partitions are
    replaced, the others stay; the rows must be theirs.
    """

    mode: str                                   # "append" or "replace"
    plain: Collection[str] = ()
    periods: Sequence[str] = ()

    @property
    def where(self) -> str:
        """The partitions that are replaced, as Delta's writers take it."""
        listed = ", ".join("'" + one.replace("'", "''") + "'" for one in self.periods)
        return f"{PERIOD} IN ({listed})"


class Lake:
    """The tables below `root`; a table's name is its path."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "tables").mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        return self.root / "tables" / name

    def ensure(self, name: str, schema: pa.Schema, base: int | None) -> None:
        """Creates the table, empty, as version 0; does nothing where it exists. Never in the place of a version in force."""
        if base is not None or self.newest(name) is not None:
            return
        if self.path(name).exists():            # a kill inside the creation left no readable log
            shutil.rmtree(self.path(name))
        partition = [PERIOD] if PERIOD in schema.names else None
        DeltaTable.create(str(self.path(name)), schema, partition_by=partition, configuration=PROPERTIES)
        boundary(f"table/{name.split('/')[0]}/created")

    def newest(self, name: str) -> int | None:
        """The newest version on disk, whether or not it is in force; None when there is no table."""
        commits = [int(path.stem) for path in (self.path(name) / "_delta_log").glob("*.json") if path.stem.isdigit()]
        return max(commits, default=None)

    def align(self, name: str, base: int | None, op: Op) -> int | None:
        """The version that an interrupted attempt at `op` has already written, or None.

        Looks only at the commits after the version in force: marks survive RESTORE. Anything foreign there is undone.
        """
        in_force = base or 0
        newest = self.newest(name)
        if newest == in_force or (newest is None and base is None):
            return None
        if newest is None or newest < in_force:
            raise LakeError(f"Table {name} is older than version {in_force}, which is in force.",
                            remedy="Restore the table from a backup.")
        table = DeltaTable(str(self.path(name)))
        later = sorted(table.history(newest - in_force), key=lambda entry: int(entry["version"]))
        later = [{**entry, **marks(entry)} for entry in later]
        undone = [at for at, entry in enumerate(later) if entry.get("restored") == str(in_force)]
        pending = later[undone[-1] + 1 :] if undone else later
        if not pending:
            return None
        if len(pending) == 1 and pending[0].get("op") == op.id and pending[0].get("base") == str(in_force):
            return newest
        table.restore(in_force, commit_properties=CommitProperties(custom_metadata={"restored": str(in_force)}))
        boundary(f"table/{name.split('/')[0]}/restored")
        return None

    def write(self, name: str, rows: pa.RecordBatchReader, how: Write, op: Op, base: int | None) -> int:
        """Appends or replaces in one commit that carries the operation's mark; returns the new version."""
        properties = CommitProperties(
            app_transactions=[Transaction(f"{op.id}@{base or 0}", 1)],
            custom_metadata={"op": op.id, "base": str(base or 0), "step": op.step},
        )
        boundary(f"table/{name.split('/')[0]}/before")
        append = how.mode == "append"
        if how.periods:
            write_deltalake(str(self.path(name)), rows, mode="overwrite", predicate=how.where, writer_properties=_writer(how.plain),
                            commit_properties=properties)
            boundary(f"table/{name.split('/')[0]}/after")
            return self.landed(name)
        # A stream without rows makes delta-rs commit nothing in append mode: every operation leaves its mark.
        write_deltalake(
            str(self.path(name)), rows,
            mode="append" if append else "overwrite",
            schema_mode="merge" if append else "overwrite",
            partition_by=None if append else [PERIOD] if PERIOD in rows.schema.names else [],      # a contract may gain or lose its period
            writer_properties=_writer(how.plain), commit_properties=properties,
        )
        boundary(f"table/{name.split('/')[0]}/after")
        return self.landed(name)

    def landed(self, name: str, before: int | None = -1) -> int:
        """The newest version after a write; where `before` says what it was, it must be another."""
        version = self.newest(name)
        if version is None or version == before:
            raise LakeError(f"Table {name} has no new version after it was written.", remedy="Check the disk and run again.")
        return version

    def files(self, at: TableAt) -> list[str]:
        """Data files of one version, after checking that they may be read as plain Parquet."""
        table = _open(str(self.path(at.name)), at.version)
        check_protocol(table, at.name)
        return self.paths(table)

    def paths(self, table: DeltaTable) -> list[str]:
        """Data files of an opened version."""
        return [unquote(urlparse(uri).path) if uri.startswith("file:") else uri for uri in table.file_uris()]

    def added(self, name: str, version: int, base: int | None) -> list[str]:
        """Log and data files that the commits after `base`, up to `version`, brought, without what an undone attempt
        had written; paths inside the table, sorted.
        """
        log = self.path(name) / "_delta_log"
        found, data = set(), set[str]()
        for path in sorted(log.iterdir()):
            if path.name[:20].isdigit() and (-1 if base is None else base) < int(path.name[:20]) <= version:
                found.add(f"_delta_log/{path.name}")
                data = _after(data, commit(path)) if path.suffix == ".json" else data
        return sorted(found | data)

    def condense(self, name: str, version: int) -> None:
        """Writes a checkpoint of exactly this version that names no removed file, so that nothing before it is needed."""
        log = self.path(name) / "_delta_log"
        DeltaTable(str(self.path(name)), version=version).create_checkpoint()
        path = log / f"{version:020d}.checkpoint.parquet"
        actions = pq.read_table(path)
        temporary = path.with_name(f".{path.name}")
        pq.write_table(actions.filter(pc.is_null(actions["remove"])), temporary)
        os.replace(temporary, path)
        (log / "_last_checkpoint").unlink(missing_ok=True)      # a hint: it tells the size of the one before
        boundary(f"table/{name.split('/')[0]}/condensed")

    def remains(self, name: str, version: int) -> list[str]:
        """Log and data files that a condensed version needs; paths inside the table, sorted."""
        data = [Path(path).relative_to(self.path(name)).as_posix() for path in self.paths(DeltaTable(str(self.path(name)), version=version))]
        return sorted([f"_delta_log/{version:020d}.json", f"_delta_log/{version:020d}.checkpoint.parquet", *data])

    def purge(self, name: str, version: int) -> None:
        """Removes every file that neither this condensed version nor a later commit that stands needs. Idempotent."""
        root, log = self.path(name), self.path(name) / "_delta_log"
        live = set(self.remains(name, version))
        for path in sorted(log.glob("*.json")):
            if path.stem.isdigit() and int(path.stem) > version:
                live = _after(live, commit(path))
        _opened.cache_clear()
        for path in [path for path in root.rglob("*") if path.is_file() and path.parent != log]:
            if path.relative_to(root).as_posix() not in live:
                path.unlink()
        boundary(f"table/{name.split('/')[0]}/purging")
        for path in [path for path in log.iterdir() if path.is_file()]:
            number = path.name.lstrip(".")[:20]
            if f"_delta_log/{path.name}" not in live and not (number.isdigit() and int(number) > version) and path.name != "_last_checkpoint":
                path.unlink()
        boundary(f"table/{name.split('/')[0]}/purged")

    def sweep(self, name: str, version: int | None) -> None:
        """Removes the data files of writes that never came into force; `version` is in force, None: no version is."""
        root = self.path(name)
        if version is None:
            shutil.rmtree(root, ignore_errors=True)
            return
        live = set(self.remains(name, version))
        for path in sorted((root / "_delta_log").glob("*.json")):
            if path.stem.isdigit() and int(path.stem) <= version:
                live = _after(live, commit(path))
        for path in [path for path in root.rglob("*") if path.is_file() and path.parent != root / "_delta_log"]:
            if path.relative_to(root).as_posix() not in live:
                path.unlink()

    def schema(self, at: TableAt) -> pa.Schema:
        """The table's schema at that version, from the log."""
        return pa.schema(_open(str(self.path(at.name)), at.version).schema().to_arrow())

    def rows(self, at: TableAt) -> int:
        """Number of rows, from the log."""
        actions = pa.table(_open(str(self.path(at.name)), at.version).get_add_actions(flatten=True))
        return int(sum(actions["num_records"].to_pylist()))


def marks(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """The operation's marks where Spark has written them: as one text."""
    try:
        found = json.loads(entry.get("userMetadata") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _after(live: set[str], actions: list[dict[str, Any]]) -> set[str]:
    """What is needed after one more commit: what it adds; of what it removes only what an undone attempt had added goes."""
    undone = any("restored" in action.get("commitInfo", {}) for action in actions)
    gone = {unquote(action["remove"]["path"]) for action in actions if undone and "remove" in action}
    return (live | {unquote(action["add"]["path"]) for action in actions if "add" in action}) - gone


def commit(path: Path) -> list[dict[str, Any]]:
    """The actions of one commit file. Raises OSError or ValueError."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def _open(path: str, version: int) -> DeltaTable:
    """An opened version; kept as long as its commit is the very same file: after a restore the version may be made anew."""
    try:
        made = os.stat(f"{path}/_delta_log/{version:020d}.json")
    except OSError:
        return _opened.__wrapped__(path, version, ())
    return _opened(path, version, (made.st_ino, made.st_mtime_ns))


@lru_cache(maxsize=64)
def _opened(path: str, version: int, made: tuple[int, ...]) -> DeltaTable:
    try:
        return DeltaTable(path, version=version)
    except DeltaError as error:
        raise LakeError(f"A table version in force cannot be opened ({type(error).__name__}).",
                        remedy="Run `citylake audit verify`.") from None


def check_protocol(table: DeltaTable, name: str) -> None:
    """Raises LakeError for a table that a file list would read wrongly: by its features, or because it is partitioned by another column
    than ours, whose values stand in the log and in no file; and for columns of types that no table of ours has.
    """
    protocol, configuration = table.protocol(), table.metadata().configuration
    features = {*(protocol.reader_features or ()), *(protocol.writer_features or ())}
    mapped = configuration.get("delta.columnMapping.mode", "none") != "none"
    low = protocol.min_reader_version == 1 or (protocol.min_reader_version == 3 and features <= READABLE)
    if mapped or not low or not features <= READABLE:
        raise LakeError(f"Table {name} uses Delta features that citylake does not read.",
                        remedy="Write it again without deletion vectors, column mapping and the like.")
    if not {*table.metadata().partition_columns} <= {PERIOD}:
        raise LakeError(f"Table {name} is partitioned by a column that citylake does not read from the log.",
                        remedy="Write it again without partitions.")
    if not all(_read(field.type) for field in pa.schema(table.schema().to_arrow())):
        raise LakeError(f"Table {name} has columns of types that citylake does not read.",
                        remedy="Write it again with texts, whole numbers, decimals, dates and the like.")


def _read(kind: pa.DataType) -> bool:
    return pa.types.is_decimal128(kind) or pa.types.is_timestamp(kind) or str(kind) in TYPES


def _writer(plain: Collection[str]) -> WriterProperties:
    columns: Mapping[str, Any] = {name: ColumnProperties(statistics_enabled="CHUNK") for name in plain}
    return WriterProperties(
        compression="ZSTD",
        max_row_group_size=131_072,
        default_column_properties=ColumnProperties(statistics_enabled="NONE"),
        column_properties=dict(columns) or None,
    )
