"""Bytes outside the lake: the spool where a fetch is judged, holding where held bytes wait, and raw by sha256.

The spool survives until the outcome is recorded; holding is wiped on rejection and after 30 days.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection
from contextlib import suppress
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


def hold_bytes(settings: Settings, dataset: str, batch: str, payload: Path, filename: str, around: str = "") -> None:
    """Keeps a held batch's bytes, and the names they came under (`around`: those of its archive), until someone decides."""
    folder = settings.holding / dataset / batch
    if (folder / "payload").exists() and digest(folder / "payload") == digest(payload):
        return
    wipe(folder)        # an attempt that was killed before its record held other bytes under this number
    temporary = private(folder.with_name(f"{batch}.tmp"))
    copy_private(payload, temporary / "payload")
    for name, text in (("filename", filename), ("around", around)):
        (temporary / name).write_text(text, encoding="utf-8", errors="surrogateescape")
    boundary("ingest/holding/copied")
    temporary.rename(folder)
    boundary("ingest/holding")


def held_bytes(settings: Settings, dataset: str, batch: str) -> tuple[Path, str] | None:
    """The payload and file name of a held batch, or None when it has been wiped."""
    folder = settings.holding / dataset / batch
    if not (folder / "payload").exists():
        return None
    return folder / "payload", _name(folder / "filename")


def held_around(settings: Settings, dataset: str, batch: str) -> str:
    """What the archive of a held batch is called and says; '' when it came in none."""
    return _name(settings.holding / dataset / batch / "around")


def _name(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""


def sweep_holding(settings: Settings, dataset: str, held: Collection[str]) -> None:
    """Wipes held bytes that no open hold names: what a killed attempt has left. `held` are the batches of the open holds."""
    folder = settings.holding / dataset
    for path in folder.iterdir() if folder.exists() else ():
        if path.name not in held:
            wipe(path)


def sweep_spool(settings: Settings, dataset: str, used: Collection[Path]) -> None:
    """Wipes fetches whose outcome is on record, or that nobody offers any more."""
    folder, kept = settings.spool / dataset, {path.name for path in used}
    for path in folder.iterdir() if folder.exists() else ():
        if path.name not in kept:
            wipe(path)


def release_bytes(settings: Settings, dataset: str, batch: str) -> None:
    """Wipes a held batch."""
    wipe(settings.holding / dataset / batch)


def overdue(settings: Settings, dataset: str, now: datetime) -> list[str]:
    """Held batches older than 30 days; one that another process wipes meanwhile is none."""
    limit = now.astimezone(UTC) - timedelta(days=HOLDING_DAYS)
    return [path.parent.name for path in sorted((settings.holding / dataset).glob("*/payload")) if (since := _since(path)) and since < limit]


def _since(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None


def sweep_unnamed(settings: Settings, known: Collection[str], now: datetime) -> None:
    """What lies here of datasets that the city no longer has: fetches go at once, held bytes after 30 days like any other."""
    for home in (settings.spool, settings.holding):
        for folder in home.iterdir() if home.exists() else ():
            if folder.name not in known:
                with suppress(LakeError), lease(settings.lake / "leases", folder.name, 0):      # a run that still knows it is at work there
                    _forget(settings, folder, home, now)


def _forget(settings: Settings, folder: Path, home: Path, now: datetime) -> None:
    if home == settings.spool:
        wipe(folder)
    for batch in overdue(settings, folder.name, now) if home == settings.holding else ():
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
    """Copies bytes to a file that only its owner may read, and syncs it. Raises LakeError where they are gone."""
    try:
        _copy(source, target)
    except FileNotFoundError:
        raise LakeError("Fetched bytes were gone before they were copied.", remedy="Run again.") from None


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reader, open(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as writer:
        shutil.copyfileobj(reader, writer, 2**20)
        writer.flush()
        os.fsync(writer.fileno())
