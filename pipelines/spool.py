"""Bytes outside the lake: the spool where a fetch is judged, holding where held bytes wait, and raw by sha256.

The spool survives until the outcome is recorded; holding is wiped on rejection and after 30 days.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

from catalog.errors import LakeError
from pipelines.boundary import boundary
from pipelines.lease import lease
from pipelines.settings import Settings
from pipelines.way import private

HOLDING_DAYS = 30


def spool_of(settings: Settings, dataset: str, name: str) -> Path:
    """The private folder of one offer; `name` is its keyed hash."""
    return private(settings.spool / dataset / name)


def wipe(folder: Path) -> None:
    """Removes a folder of the spool or of holding; missing is fine."""
    shutil.rmtree(folder, ignore_errors=True)


def hold_bytes(settings: Settings, dataset: str, batch: str, payload: Path, filename: str) -> None:
    """Keeps a held batch's bytes, and the name they came under, until someone decides."""
    folder = settings.holding / dataset / batch
    if (folder / "payload").exists() and digest(folder / "payload") == digest(payload):
        return
    wipe(folder)        # an attempt that was killed before its record held other bytes under this number
    temporary = private(folder.with_name(f"{batch}.tmp"))
    copy_private(payload, temporary / "payload")
    (temporary / "filename").write_text(filename, encoding="utf-8")
    boundary("ingest/holding/copied")
    temporary.rename(folder)
    boundary("ingest/holding")


def held_bytes(settings: Settings, dataset: str, batch: str) -> tuple[Path, str] | None:
    """The payload and file name of a held batch, or None when it has been wiped."""
    folder = settings.holding / dataset / batch
    if not (folder / "payload").exists():
        return None
    return folder / "payload", (folder / "filename").read_text(encoding="utf-8")


def sweep_holding(settings: Settings, dataset: str, held: Collection[str]) -> None:
    """Wipes held bytes that no open hold names: what a killed attempt has left. `held` are the batches of the open holds."""
    folder = settings.holding / dataset
    for path in folder.iterdir() if folder.exists() else ():
        if path.name not in held:
            wipe(path)


def sweep_spool(settings: Settings, dataset: str, used: Collection[Path]) -> None:
    """Wipes fetches whose outcome is on record, or that nobody offers any more."""
    folder = settings.spool / dataset
    for path in folder.iterdir() if folder.exists() else ():
        if path not in used:
            wipe(path)


def release_bytes(settings: Settings, dataset: str, batch: str) -> None:
    """Wipes a held batch."""
    wipe(settings.holding / dataset / batch)


def overdue(settings: Settings, dataset: str, now: datetime) -> list[str]:
    """Held batches older than 30 days."""
    folder = settings.holding / dataset
    limit = now.astimezone(UTC) - timedelta(days=HOLDING_DAYS)
    found = folder.iterdir() if folder.exists() else iter(())
    return [
        path.name for path in sorted(found)
        if (path / "payload").exists()
        and datetime.fromtimestamp((path / "payload").stat().st_mtime, UTC) < limit
    ]


def sweep_unnamed(settings: Settings, known: Collection[str], now: datetime) -> None:
    """What lies here of datasets that the city no longer has: fetches go at once, held bytes after 30 days like any other."""
    for home in (settings.spool, settings.holding):
        for folder in home.iterdir() if home.exists() else ():
            if folder.name not in known and home == settings.spool:
                wipe(folder)
            elif folder.name not in known:
                for batch in overdue(settings, folder.name, now):
                    release_bytes(settings, folder.name, batch)


def raw_path(settings: Settings, sha256: str) -> Path:
    return settings.lake / "raw" / sha256[:2] / sha256


def store_raw(settings: Settings, payload: Path, sha256: str) -> None:
    """Puts admitted bytes into raw, once: temporary name, fsync, link, read-only."""
    target = raw_path(settings, sha256)
    temporary = target.with_name(f".{sha256}")
    with lease(settings.lake / "leases", f"raw-{sha256[:2]}"):     # datasets share raw: two may bring the same bytes
        if not target.exists():
            private(target.parent)
            temporary.unlink(missing_ok=True)
            copy_private(payload, temporary)
            if digest(temporary) != sha256:
                temporary.unlink()
                raise LakeError("A fetched file has changed on its way to raw.", remedy="Run again.")
            temporary.chmod(0o400)
            boundary("ingest/raw/copied")
            os.link(temporary, target)
            boundary("ingest/raw/linked")
        temporary.unlink(missing_ok=True)
    boundary("ingest/raw")


def digest(path: Path) -> str:
    """sha256 of a file, streamed."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def copy_private(source: Path, target: Path) -> None:
    """Copies bytes to a file that only its owner may read, and syncs it."""
    with source.open("rb") as reader, open(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as writer:
        shutil.copyfileobj(reader, writer, 2**20)
        writer.flush()
        os.fsync(writer.fileno())
