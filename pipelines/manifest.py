"""Which files a table version brought, with size and sha256: what `citylake audit verify` compares the disk with.

The list lies beside the tables (`hashes/<table>/<version>.json`); the record that puts the version in force holds the
sha256 of the list, so that a record stays small however many files a version has.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from pipelines.boundary import boundary
from pipelines.lake import Lake
from pipelines.spool import digest

Files = dict[str, tuple[int, str]]      # path inside the table → size in bytes, sha256


def manifest_path(lake: Lake, name: str, version: int, kept: bool = False) -> Path:
    """Where the list of a version lies; `kept` is the whole list of what an erasure has left."""
    return lake.root / "hashes" / name / f"{version:020d}.{'kept.' if kept else ''}json"


def seal_version(lake: Lake, name: str, version: int, base: int | None) -> dict[str, Any]:
    """Hashes the data and log files of all commits after `base` up to `version`; returns the version and the list's sha256."""
    return _listed(lake, name, version, base, lake.added(name, version, base))


def seal_kept(lake: Lake, name: str, version: int) -> dict[str, Any]:
    """The same for everything that a version reads, once nothing before it is left."""
    return _listed(lake, name, version, None, lake.remains(name, version), kept=True)


def _listed(lake: Lake, name: str, version: int, base: int | None, paths: list[str], kept: bool = False) -> dict[str, Any]:
    root = lake.path(name)
    files = [[path, (root / path).stat().st_size, digest(root / path)] for path in paths]
    data = json.dumps({"table": name, "version": version, "base": base, "files": files}, sort_keys=True, separators=(",", ":")).encode()
    target = manifest_path(lake, name, version, kept)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}")     # the table's lease is ours: nobody else writes it
    temporary.write_bytes(data)
    boundary(f"table/{name.split('/')[0]}/listed")
    os.replace(temporary, target)
    boundary(f"table/{name.split('/')[0]}/sealed")
    return {"version": version, "sha256": hashlib.sha256(data).hexdigest()}


def sealed_files(lake: Lake, name: str, version: int, sha256: str, kept: bool = False) -> Files | None:
    """The list that a record vouches for by its sha256; None when it is missing or altered."""
    try:
        data = manifest_path(lake, name, version, kept).read_bytes()
    except OSError:
        return None
    if hashlib.sha256(data).hexdigest() != sha256:
        return None
    return {path: (size, sha) for path, size, sha in json.loads(data)["files"]}
