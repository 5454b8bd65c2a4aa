"""Published bytes by their content: `<storage>/citylake/<sha[:2]>/<sha>`, and arriving ones in `incoming/`.

A file takes its place only whole and with its hash checked. Which of them anybody can get is said by pages (published.py).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BufferedRandom
from pathlib import Path
from typing import BinaryIO, Protocol

import ckan.plugins.toolkit as tk

BLOCK = 2**20
_SHA = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Status:
    """Bytes that are here of a file, and whether it is whole."""

    size: int
    complete: bool

    def body(self) -> dict[str, int | bool]:
        return asdict(self)


class Refused(Exception):
    """What was sent does not fit; `field` says what of it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Readable(Protocol):
    """Arriving bytes."""

    def read(self, size: int = ..., /) -> bytes: ...


def store() -> Store:
    """The one of this site."""
    return Store(Path(tk.config["ckan.storage_path"]) / "citylake")


class Store:
    """A folder of files named by their sha256. Any number of processes may use it at once."""

    def __init__(self, root: Path) -> None:
        self._root, self._incoming = root, root / "incoming"

    def path(self, sha256: str) -> Path:
        """Where a whole file lies, or would."""
        if not _SHA.fullmatch(sha256):
            raise Refused("sha256", "not a sha256 in lower-case hexadecimal digits")
        return self._root / sha256[:2] / sha256

    def status(self, sha256: str) -> Status:
        """What is here of a file."""
        for path, complete in ((self.path(sha256), True), (self._incoming / sha256, False)):
            try:
                return Status(path.stat().st_size, complete)
            except FileNotFoundError:
                continue
        return Status(0, False)

    def append(self, sha256: str, size: int, offset: int, data: Readable) -> Status:
        """Adds bytes at `offset`, which must be what is here already; the last ones put the file in its place.

        Raises Refused for another offset, for more bytes than `size`, and for bytes whose hash is another: those are removed.
        """
        target = self.path(sha256)
        self._incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _held(self._incoming / sha256) as handle:
            if target.exists():
                (self._incoming / sha256).unlink()
                return self.status(sha256)
            if os.fstat(handle.fileno()).st_size != offset:
                raise Refused("offset", "other bytes than these are due; ask for the status")
            here = _copy(data, handle, offset, size)
            if here < size:
                return Status(here, False)
            self._settle(handle, sha256, target)
        return Status(size, True)

    def _settle(self, handle: BufferedRandom, sha256: str, target: Path) -> None:
        os.fsync(handle.fileno())
        handle.seek(0)
        if hashlib.file_digest(handle, "sha256").hexdigest() != sha256:
            (self._incoming / sha256).unlink()
            raise Refused("sha256", "the bytes have another hash")
        target.parent.mkdir(exist_ok=True, mode=0o700)
        os.rename(self._incoming / sha256, target)
        _sync(target.parent)

    def purge(self, named: Set[str]) -> int:
        """Removes every file that is not named, and all that never became whole. Returns how many."""
        gone = 0
        for path in [*self._root.glob("[0-9a-f][0-9a-f]/*"), *self._incoming.glob("*")]:
            if path.parent == self._incoming or path.name not in named:
                path.unlink(missing_ok=True)
                gone += 1
        return gone


@contextmanager
def _held(path: Path) -> Iterator[BufferedRandom]:
    """The arriving file, open and locked; one at a time writes it."""
    while True:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_at(path, handle):      # else it went to its place while we waited
                yield handle
                return


def _is_at(path: Path, handle: BufferedRandom) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle.fileno()))
    except FileNotFoundError:
        return False


def _copy(data: Readable, handle: BinaryIO, offset: int, size: int) -> int:
    """Writes the stream at `offset`; returns how many bytes are there then. More than `size` are refused, and none is kept."""
    handle.seek(offset)
    shutil.copyfileobj(_Within(data, size - offset), handle, BLOCK)
    handle.flush()
    if data.read(1):
        handle.truncate(offset)
        raise Refused("size", "more bytes than the file has")
    return handle.tell()


class _Within:
    """No more than so many bytes of a stream."""

    def __init__(self, data: Readable, left: int) -> None:
        self._data, self._left = data, left

    def read(self, size: int = BLOCK, /) -> bytes:
        found = self._data.read(min(size, self._left))
        self._left -= len(found)
        return found


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
