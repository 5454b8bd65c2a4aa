"""Putting a backup back: everything is copied beside its place and verified there, and only then takes it, in one step.

What the journal learned after the backup is lost, but for what closed something (pipelines/carrying.py). See docs/backup.md.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import LakeError
from pipelines.backup import PARTS, Backup, Entry, Told, belongs, check_of, copied, files, load, object_path, place, sound
from pipelines.boundary import boundary
from pipelines.carrying import Act, Acts, carry, counted, since
from pipelines.journal import CITY, Clock, Journal, now
from pipelines.lease import alone
from pipelines.lost import ACCESS
from pipelines.settings import Settings
from pipelines.switching import STAGING, Switch, clear, decide, finish, switch

LOCAL = "people.local.yaml"
STALE = ("state", "sketches")           # by table version, and a version may be made anew with other rows


@dataclass(frozen=True)
class Restored:
    """What a restore did, or would do: `living` a lake is there; `forgotten`: dataset → kind of record → number, of the present
    journal, that the backup does not know; `carried`: those of them that closed something and were recorded anew.
    """

    backup: Backup
    living: bool
    forgotten: Acts
    carried: Acts


def look(settings: Settings, source: Path, name: str | None = None, told: Told = lambda _: None) -> Restored:
    """Verifies every file of a backup and says what restoring it would do. Changes nothing. Raises LakeError for a damaged backup."""
    backup = load(source, name)
    wrong = []
    for part, entry in _entries(backup):
        told(Path(entry.path).name)
        wrong += [] if sound(source, entry.sha256) else [f"{part}/{entry.path}"]
    _complain(wrong)
    return Restored(backup, living(settings), counted(since(settings, backup)), {})


def restore(settings: Settings, source: Path, name: str | None = None, *, replace: bool = False, wait: float = 60.0, clock: Clock = now,
            told: Told = lambda _: None) -> Restored:
    """Puts a backup in place. Raises LakeError, and changes nothing, where a lake is there and `replace` was not said, a file of the
    backup is missing or changed, or the secrets here are others than the backup's.
    """
    finish(settings.lake)
    backup = load(source, name)
    _unless_living(settings, replace)       # before it waits for anybody
    try:
        settings.lake.mkdir(parents=True, exist_ok=True, mode=0o700)
        with alone(settings.lake / "leases", wait):
            _unless_living(settings, replace)
            there, acts = living(settings), since(settings, backup)
            _keys(settings, backup, source)
            _room(settings, backup)
            switches = [_staged(settings, source, backup, part, told) for part in PARTS if part in backup.parts]
            found = _journalled(settings, backup, acts, there, clock)
            decide(settings.lake, switches)
            switch(settings.lake)
            return found
    except OSError as error:
        raise LakeError(f"The backup could not be put back ({type(error).__name__}).",
                        remedy="Look at the disks; then give the command again.") from None


def _unless_living(settings: Settings, replace: bool) -> None:
    if not replace and living(settings):
        raise LakeError("There is a lake in this place.", remedy="Move it away; or see `citylake restore --dry-run`, then add --replace.")


def living(settings: Settings) -> bool:
    """Whether there is anything in the lake but its leases."""
    return next(files(settings, "lake"), None) is not None


def _entries(backup: Backup) -> Iterator[tuple[str, Entry]]:
    return ((part, entry) for part in PARTS for entry in backup.parts.get(part, ()))


def _children(root: Path) -> list[Path]:
    return sorted(root.iterdir()) if root.is_dir() else []


def _complain(wrong: list[str]) -> None:
    """Raises LakeError for files, each as part and place, whose bytes are not sound."""
    if wrong:
        raise LakeError(f"{len(wrong)} files of the backup are missing or have been changed, among them «{wrong[0]}»; every other backup with"
                        " the same content lacks it too.",
                        remedy="Nothing was put in place. Take another backup with --backup, or the same from another copy; where the lake still"
                               " lives, `citylake backup` writes the content anew.")


def _keys(settings: Settings, backup: Backup, source: Path) -> None:
    """Raises LakeError where a key here is another than the backup's, or one that was left out of it is not here."""
    for entry in backup.parts.get("secrets", ()):
        if entry.path.endswith(ACCESS) or not (settings.secrets / entry.path).exists():
            continue
        if (settings.secrets / entry.path).read_bytes() != object_path(source, entry.sha256).read_bytes():
            raise LakeError(f"The secret {entry.path} here is another than the backup's.",
                            remedy="Look which of the two counts; to take the backup's, move the one here away.")
    for name, check in backup.left_out.items():
        path = settings.secrets / name
        if not name.endswith(ACCESS) and (not path.is_file() or (check and check_of(path.read_bytes()) != check)):
            raise LakeError(f"The backup was made without keys, and the key «{name}» is not here, or is another.",
                            remedy="Put the city's keys into CITYLAKE_SECRETS first.")


def _room(settings: Settings, backup: Backup) -> None:
    needed = sum(entry.size for entry in backup.parts["lake"])
    if shutil.disk_usage(settings.lake).free < needed:
        raise LakeError(f"The lake's disk has no room for the backup's {needed:,} bytes.", remedy="Make room; nothing was changed.")


def _staged(settings: Settings, source: Path, backup: Backup, part: str, told: Told) -> Switch:
    """Copies what comes of a part beside its place, and verifies it on the way."""
    root = place(settings, part)
    clear(root)
    entries = [entry for entry in backup.parts[part] if _comes(settings, part, entry)]
    try:
        _complain([f"{part}/{entry.path}" for entry in entries if not _copy(source, entry, root / STAGING / "new" / entry.path, told)])
    except BaseException:
        clear(root)
        if part != "lake":
            clear(settings.lake)
        raise
    comes = sorted({entry.path.split("/")[0] for entry in entries})
    return Switch(root, comes, _leaves(settings, part, comes))


def _comes(settings: Settings, part: str, entry: Entry) -> bool:
    """Lake and state come as they were. Keys are only added, the city folder only where there is none, who is who on this machine stays."""
    if part == "secrets" or (part == "state" and entry.path == LOCAL):
        return not (place(settings, part) / entry.path).exists()
    return part != "city" or not any(child.name != STAGING for child in _children(settings.city))


def _leaves(settings: Settings, part: str, comes: list[str]) -> list[str]:
    """What has no counterpart in the backup, in the lake and in the state."""
    if part not in ("lake", "state"):
        return []
    found = [child.name for child in _children(place(settings, part)) if belongs(settings, part, child.name) or (part, child.name) == STALE]
    return [name for name in found if name not in {*comes, LOCAL}]


def _copy(source: Path, entry: Entry, target: Path, told: Told) -> bool:
    told(Path(entry.path).name)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        sha, _ = copied(object_path(source, entry.sha256), target)
    except FileNotFoundError:
        return False
    target.chmod(entry.mode)
    os.utime(target, ns=(entry.mtime, entry.mtime))
    boundary("restore/copied")
    return sha == entry.sha256


def _journalled(settings: Settings, backup: Backup, acts: list[Act], there: bool, clock: Clock) -> Restored:
    """Carries over what closed something since, and lets the city's journal say that the lake was put back and what was lost by it."""
    journal = Journal(settings.lake / STAGING / "new" / "journal", clock)
    found = Restored(backup, there, counted(acts), counted(carry(settings, acts, journal)))
    journal.append(CITY, "restore", {"backup": backup.id, "made": backup.made, "forgotten": found.forgotten, "carried": found.carried})
    return found
