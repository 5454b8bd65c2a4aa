"""Delta tables against the journal: every file that a record vouches for, the mark of every commit, the versions in force."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from catalog.errors import LakeError
from catalog.evidence import TableAt
from pipelines.audit.chains import Chain
from pipelines.audit.finding import AGAIN, Mismatch, note
from pipelines.journal import Record
from pipelines.lake import Lake, check_protocol, commit, marks
from pipelines.manifest import Files, manifest_path, sealed_files
from pipelines.spool import digest


@dataclass
class _Table:
    """What the records say of one table."""

    newest: int = -1
    in_force: int | None = None
    vouched: set[str] = field(default_factory=set)
    blind: bool = False         # a list of files is lost, so what is vouched for is not known

    def take(self, version: int, files: Files | None) -> None:
        self.newest = max(self.newest, version)
        self.vouched |= set(files or ())
        self.blind |= files is None


def check_tables(lake: Lake, chain: Chain) -> Iterator[Mismatch]:
    """Everything that is wrong with the tables of one chain."""
    erased = {name: seq for seq, record in sorted(chain.records.items()) if record.kind == "erase" for name in record.body["sealed"]}
    tables: dict[str, _Table] = {}
    for seq, record in sorted(chain.records.items()):
        files, written = record.body.get("files", {}), record.body.get("tables", {})
        if record.kind == "erase":
            yield from _kept(lake, chain, record, tables, {name for name in record.body["sealed"] if erased[name] == seq})
        files, written = ({name: item for name, item in of.items() if seq > erased.get(name, 0)} for of in (files, written))
        for name, version in written.items():
            known = tables.setdefault(name, _Table())
            before, known.in_force = known.in_force, version
            if files.get(name, {}).get("version") != version and before != version:      # a step may leave a table as it was
                yield Mismatch(chain.place(seq), chain.dataset, f"The record vouches for no file of {name} at version {version}.")
        for name, entry in files.items():
            version, at = entry["version"], TableAt(name, entry["version"])
            listed = sealed_files(lake, name, version, entry["sha256"])
            tables.setdefault(name, _Table()).take(version, listed)
            yield from _version(lake, chain, at, listed, str(record.body.get("op")))
    for name, table in sorted(tables.items()):
        yield from _whole(lake, chain, name, table)


def _kept(lake: Lake, chain: Chain, record: Record, tables: dict[str, _Table], names: Collection[str]) -> Iterator[Mismatch]:
    """What the newest erasure of these tables has left; everything that was recorded of them before may be absent, and nothing else."""
    for name in sorted(names):
        entry, emptied = record.body["sealed"][name], name in record.body["emptied"]
        version = entry["version"]
        listed = sealed_files(lake, name, version, entry["sha256"], kept=True)
        tables[name] = _Table(in_force=None if emptied else version)
        tables[name].take(version, listed)
        yield from _version(lake, chain, TableAt(name, version), listed, str(record.body["op"]) if emptied else None, kept=True)
        left = [path for path in (lake.root / "hashes" / name).glob("*.json") if path.name[:20].isdigit() and int(path.name[:20]) < version]
        if left:
            yield Mismatch(f"hashes/{name}", chain.dataset, f"{len(left)} lists of erased versions lie there still.", AGAIN)


def _version(lake: Lake, chain: Chain, at: TableAt, listed: Files | None, op: str | None, kept: bool = False) -> Iterator[Mismatch]:
    """`op` None: whose version it is was recorded before an erasure."""
    if listed is None:
        place = manifest_path(lake, at.name, at.version, kept).relative_to(lake.root).as_posix()
        yield Mismatch(place, chain.dataset, f"The list of files of {at.name} at version {at.version} is missing or has been changed.")
        return
    root, sound = lake.path(at.name), True
    for path, (size, sha) in sorted(listed.items()):
        if wrong := changed(root / path, size, sha):
            sound = False
            yield Mismatch(f"tables/{at.name}/{path}", chain.dataset, wrong)
    if sound and op is not None and listed and _mark(root, at.version) != op:
        yield Mismatch(f"tables/{at.name}@{at.version}", chain.dataset, "The version does not carry the mark of the operation that recorded it.")


def changed(path: Path, size: int, sha: str) -> str | None:
    """What is wrong with a file that should have this size (bytes) and sha256; None when nothing is."""
    try:
        if path.stat().st_size == size and digest(path) == sha:
            return None
    except FileNotFoundError:
        return "The file is missing."
    except OSError:
        return "The file cannot be read."
    return "The file has been changed."


def _mark(root: Path, version: int) -> str | None:
    try:
        actions = commit(root / "_delta_log" / f"{version:020d}.json")
    except (OSError, ValueError):
        return None
    about: dict[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
    return {**about, **marks(about)}.get("op")


def _whole(lake: Lake, chain: Chain, name: str, table: _Table) -> Iterator[Mismatch]:
    """The version in force opens and reads vouched files only; the log has no file that could make it read others."""
    place = f"tables/{name}"
    if table.in_force is not None:
        yield from _opens(lake, chain, TableAt(name, table.in_force), table)
    if table.blind:
        return
    found = {path.relative_to(lake.path(name)).as_posix() for path in lake.path(name).rglob("*") if path.is_file()}
    strange = Counter(_kind(path, table.newest) for path in found - table.vouched)
    if strange["log"]:
        yield Mismatch(place, chain.dataset, f"The table's log has {strange['log']} files that no record vouches for.",
                       "Move them away, then verify again.")
    if "_delta_log/_last_checkpoint" in found and not _hint(lake.path(name), table):
        yield Mismatch(f"{place}/_delta_log/_last_checkpoint", chain.dataset, "The file does not name a checkpoint that a record vouches for.",
                       "Remove it: it only saves time.")
    if strange["left"]:
        yield note(place, chain.dataset, f"Interrupted or held writes left {strange['left']} files that nothing in force reads.",
                   "Nothing needs to be done.")


def _kind(path: str, newest: int) -> str:
    """log: may change what a recorded version reads. left: not in force, or never committed."""
    name = path.removeprefix("_delta_log/")
    if name == "_last_checkpoint":
        return "hint"
    return "log" if name != path and name[:20].isdigit() and int(name[:20]) <= newest else "left"


def _hint(root: Path, table: _Table) -> bool:
    try:
        item: dict[str, Any] = json.loads((root / "_delta_log" / "_last_checkpoint").read_bytes())
        name = f"_delta_log/{int(item['version']):020d}.checkpoint.parquet"
        return (name in table.vouched or int(item["version"]) > table.newest) and item.get("sizeInBytes") in (None, (root / name).stat().st_size)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _opens(lake: Lake, chain: Chain, at: TableAt, table: _Table) -> Iterator[Mismatch]:
    place = f"tables/{at.name}@{at.version}"
    root = lake.path(at.name)
    try:
        opened = DeltaTable(str(root), version=at.version)
        check_protocol(opened, at.name)
        paths = {Path(path).relative_to(root).as_posix() for path in lake.paths(opened)}
    except (DeltaError, LakeError, OSError, ValueError):
        yield Mismatch(place, chain.dataset, "The version in force cannot be opened.")
        return
    if not table.blind and paths - table.vouched:
        yield Mismatch(place, chain.dataset, f"The version in force reads {len(paths - table.vouched)} files that no record vouches for.")
