"""Backups: a copy of all that a city cannot make again, in a folder of its own; making one, reading one, letting old ones go.

    TARGET/objects/ab/<sha256>            bytes, once, however many backups and files have them
    TARGET/backups/<time>-<hash>.json     one backup: every file with place, size, sha256, mode and time; <hash> begins this list's sha256
                                          (<time>.0001 and so on where the time is that of an earlier backup: ids stand in order)

The list is put there last, in one step: a kill leaves the backups that were there, and objects that the next backup takes up.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets as random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC
from hmac import new as hmac
from pathlib import Path, PurePosixPath
from stat import S_IMODE
from typing import Any

from catalog.errors import LakeError
from pipelines.boundary import boundary
from pipelines.journal import Clock, now
from pipelines.lease import alone, lease
from pipelines.settings import Settings
from pipelines.switching import STAGING, finish

FORMAT = 1
PARTS = ("lake", "state", "secrets", "city")
STATE = {"holding", "unsettled", "people.local.yaml"}       # the rest of it is made again, or has a backup of its own
Told = Callable[[str], None]
_ID = re.compile(r"(\d{8}T\d{6}Z)(?:\.(\d{4}))?-([0-9a-f]{16})")


@dataclass(frozen=True)
class Entry:
    """One file: its place below its part, bytes, sha256, permission bits, modification time in nanoseconds."""

    path: str
    size: int
    sha256: str
    mode: int
    mtime: int


@dataclass(frozen=True)
class Backup:
    """One backup. `left_out`: secrets that were left out, each with a keyed check by which it is known again ('' where it has none)."""

    id: str
    made: str
    parts: Mapping[str, tuple[Entry, ...]]
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> int:
        return sum(len(entries) for entries in self.parts.values())

    @property
    def size(self) -> int:
        """Bytes, counting equal files each time."""
        return sum(entry.size for entries in self.parts.values() for entry in entries)


@dataclass
class Made:
    """What making a backup came to: files and bytes that no earlier backup had, backups that went; `repaired`: objects that were damaged
    in the store and were written anew from the lake; `damaged`: ids of older backups that name bytes that nobody has any more.
    """

    backup: Backup
    copied: int
    copied_bytes: int
    gone: list[str] = field(default_factory=list)
    repaired: int = 0
    damaged: list[str] = field(default_factory=list)


def place(settings: Settings, part: str) -> Path:
    """The folder of a part."""
    return {"lake": settings.lake, "state": settings.state, "secrets": settings.secrets, "city": settings.city}[part]


def belongs(settings: Settings, part: str, name: str) -> bool:
    """Whether what lies under this name in the folder of a part is of the backup: not other places of the city, leases, half-made keys."""
    root = place(settings, part)
    others = [one for one in (settings.city, settings.state, settings.lake, settings.site, settings.secrets, settings.sources) if one != root]
    if name == STAGING or any(one.is_relative_to(root / name) for one in others):
        return False
    return {"lake": name != "leases", "state": name in STATE}.get(part, not name.startswith("."))


def files(settings: Settings, part: str) -> Iterator[tuple[str, Path]]:
    """Every file of a part: its place below the folder, and its path."""
    root = place(settings, part)
    for top in sorted(root.iterdir()) if root.is_dir() else ():
        if belongs(settings, part, top.name):
            for path in (top, *sorted(top.rglob("*"))):
                if path.is_file() and "__pycache__" not in path.parts:
                    yield path.relative_to(root).as_posix(), path


def check_of(key: bytes) -> str:
    """Tells a key of 32 random bytes from another without telling it; '' for shorter secrets, which could be guessed."""
    return hmac(key, b"citylake backup", hashlib.sha256).hexdigest()[:16] if len(key) >= 32 else ""


# -- making ---------------------------------------------------------------------------------------------------------------

def make(settings: Settings, target: Path, *, keys: bool = True, wait: float = 60.0, keep: int | None = None, clock: Clock = now,
         told: Told = lambda _: None) -> Made:
    """Makes a backup. Nearly everything is copied while runs may go on; the rest while nobody writes, for which it waits up to `wait`
    seconds. `keep`: only so many of the newest backups stay. What is in the store already is read too: what is damaged there is written
    anew. Raises LakeError where the lake stays busy or something cannot be written.
    """
    _apart(settings, target)
    finish(settings.lake)
    if not any((settings.lake / "journal").rglob("*.json")):
        raise LakeError("There is no lake to back up.", remedy="Look at CITYLAKE_LAKE.")
    try:
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        with lease(target, "backup", 0):
            store = _Store(target, told)
            parts = [part for part in PARTS if keys or part != "secrets"]
            for part in parts:      # unlocked: what vanishes or changes meanwhile is taken below
                store.warm(settings, part)
            boundary("backup/warm")
            with alone(settings.lake / "leases", wait):
                found = {part: tuple(store.entry(name, path) for name, path in files(settings, part)) for part in parts}
                out = {} if keys else {name: check_of(path.read_bytes()) for name, path in files(settings, "secrets")}
            backup = _listed(target, {"format": FORMAT, "made": clock().astimezone(UTC).isoformat(timespec="seconds"), "left_out": out,
                                      "parts": {part: [list(asdict(one).values()) for one in found[part]] for part in found}})
            made = Made(backup, store.copied, store.copied_bytes, repaired=store.repaired)
            if keep is not None:
                made.gone = _prune(target, keep)
            made.damaged = store.damaged()
            return made
    except OSError as error:
        raise LakeError(f"The backup could not be made ({type(error).__name__}).",
                        remedy="Look at the target's disk and its permissions; the backups that are there still count.") from None


def _apart(settings: Settings, target: Path) -> None:
    places = [place(settings, part) for part in PARTS] + [settings.site, settings.sources]
    target = target.resolve()
    if any(target.is_relative_to(one.resolve()) or one.resolve().is_relative_to(target) for one in places):
        raise LakeError("The backup's folder lies in what is backed up, or around it.", remedy="Give a folder elsewhere, best on another disk.")


class _Store:
    """The objects of a target. Files that were read already and have not changed since are not read again."""

    def __init__(self, target: Path, told: Told) -> None:
        self.home, self.told = target / "objects", told
        self.copied = self.copied_bytes = self.repaired = 0
        self._sound: dict[str, bool] = {}       # sha256 → whether the store has these bytes: each object is read once
        self._known: dict[tuple[str, int, int, int], str] = {}

    def warm(self, settings: Settings, part: str) -> None:
        for name, path in files(settings, part):
            try:
                self.entry(name, path)
            except FileNotFoundError:       # held bytes that were wiped, a version that was swept
                continue

    def entry(self, name: str, path: Path) -> Entry:
        """The file's entry; its bytes are in the store afterwards."""
        about = path.stat()
        key = (str(path), about.st_ino, about.st_size, about.st_mtime_ns)
        sha = self._known.get(key) or self._put(path)
        self._known[key] = sha
        size = object_path(self.home.parent, sha).stat().st_size
        return Entry(name, size, sha, S_IMODE(about.st_mode), about.st_mtime_ns)

    def _put(self, path: Path) -> str:
        with path.open("rb") as handle:
            sha = hashlib.file_digest(handle, "sha256").hexdigest()
        if self._whole(sha):
            return sha
        self.told(path.name)
        temporary = self.home / f".{random.token_hex(8)}"
        self.home.mkdir(exist_ok=True, mode=0o700)
        sha, size = copied(path, temporary)     # by what was copied: a file may have been replaced since it was read
        temporary.chmod(0o400)
        target = object_path(self.home.parent, sha)
        target.parent.mkdir(exist_ok=True, mode=0o700)
        self.repaired += os.path.lexists(target) and not self._whole(sha)
        os.replace(temporary, target)
        boundary("backup/object")
        self._sound[sha] = True
        self.copied, self.copied_bytes = self.copied + 1, self.copied_bytes + size
        return sha

    def _whole(self, sha: str) -> bool:
        if sha not in self._sound:
            self._sound[sha] = sound(self.home.parent, sha)
        return self._sound[sha]

    def damaged(self) -> list[str]:
        """Ids of the backups here that cannot be put back whole, by their list or by an object."""
        known = {name: legible(self.home.parent, name) for name in names(self.home.parent)}
        return [name for name, found in known.items()
                if found is None or not all(self._whole(entry.sha256) for entries in found.parts.values() for entry in entries)]


def object_path(target: Path, sha256: str) -> Path:
    return target / "objects" / sha256[:2] / sha256


def sound(target: Path, sha256: str) -> bool:
    """Whether an object is there and its bytes are those of its name; one that cannot be read is not."""
    try:
        with object_path(target, sha256).open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest() == sha256
    except OSError:
        return False


def copied(source: Path, target: Path) -> tuple[str, int]:
    """Copies a file to a new one that only its owner may read; returns the sha256 and the number of the bytes that were written."""
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reader, open(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as writer:
        while block := reader.read(2**20):
            digest.update(block)
            size += writer.write(block)
    return digest.hexdigest(), size


def _listed(target: Path, document: Mapping[str, Any]) -> Backup:
    data = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    name = _named(target, str(document["made"]), hashlib.sha256(data).hexdigest()[:16])
    home = target / "backups"
    home.mkdir(exist_ok=True, mode=0o700)
    temporary = home / f".{name}"
    temporary.write_bytes(data)
    temporary.chmod(0o600)
    os.sync()           # the list must not be there before what it names
    boundary("backup/listing")
    os.replace(temporary, home / f"{name}.json")
    os.sync()
    boundary("backup/listed")
    return load(target, name)


def _named(target: Path, made: str, sha: str) -> str:
    """An id that stands after those of all earlier backups: a second may bring several, and a clock may be set back."""
    stamp = f"{made[:19].replace('-', '').replace(':', '')}Z"
    known = [found for name in names(target) if (found := _ID.fullmatch(name))]
    if not known or known[-1][1] < stamp:
        return f"{stamp}-{sha}"
    last = known[-1]
    return last[0] if last[3] == sha else f"{last[1]}.{int(last[2] or 0) + 1:04d}-{sha}"


def _prune(target: Path, keep: int) -> list[str]:
    """Removes all but the newest backups, then every object that none of these names; returns the ids of those that went. Where a list
    that stays cannot be read, nobody knows what it needs: no object goes.
    """
    gone = names(target)[: -keep or None] if keep > 0 else []
    kept = [legible(target, name) for name in names(target) if name not in gone]
    for name in gone:
        (target / "backups" / f"{name}.json").unlink()
        boundary("backup/pruned")
    if None in kept:
        return gone
    needed = {entry.sha256 for found in kept if found for entries in found.parts.values() for entry in entries}
    for path in (target / "objects").rglob("*"):
        if path.is_file() and (path.name.startswith(".") or (len(path.name) == 64 and path.name not in needed)):
            path.unlink()
    return gone


# -- reading --------------------------------------------------------------------------------------------------------------

def names(target: Path) -> list[str]:
    """Ids of the backups in a folder, oldest first."""
    return sorted(path.stem for path in (target / "backups").glob("*.json") if not path.name.startswith("."))


def load(target: Path, name: str | None = None) -> Backup:
    """One backup, the newest by default. Raises LakeError where there is none, or its list has been changed."""
    known = names(target)
    if not known or (name is not None and name not in known):
        raise LakeError("There is no such backup in this folder.", remedy="See `citylake restore SOURCE --list`.")
    chosen = name or known[-1]
    data = (target / "backups" / f"{chosen}.json").read_bytes()
    try:
        if hashlib.sha256(data).hexdigest()[:16] != chosen.rpartition("-")[2]:
            raise ValueError
        document = json.loads(data)
        parts = {part: tuple(_entry(item) for item in document["parts"][part]) for part in document["parts"]}
        if document["format"] != FORMAT or not parts.keys() <= set(PARTS):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise LakeError("The backup's list of files has been changed, or another version of citylake has made it.",
                        remedy="Take another backup with --backup.") from None
    return Backup(chosen, document["made"], parts, document["left_out"])


def legible(target: Path, name: str) -> Backup | None:
    """A backup, or None where its list has been changed or cannot be read."""
    try:
        return load(target, name)
    except (LakeError, OSError):
        return None


def _entry(item: list[Any]) -> Entry:
    entry = Entry(*item)
    path = PurePosixPath(entry.path)
    if path.is_absolute() or ".." in path.parts or not entry.path:
        raise ValueError
    return entry
