"""One writer per dataset (and per portal) at a time: an advisory file lock that the kernel drops with its holder."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog.errors import LakeError

_threads: dict[str, threading.RLock] = {}
_guard = threading.Lock()


@contextmanager
def lease(folder: Path, name: str, wait: float = 3600.0) -> Iterator[None]:
    """Holds the lock `name` below `folder`; waits up to `wait` seconds for another holder to finish."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.lock"
    with _guard:
        lock = _threads.setdefault(str(path), threading.RLock())
    with lock:
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            _take(handle, name, wait)
            yield
        finally:
            os.close(handle)


def _take(handle: int, name: str, wait: float) -> None:
    until = time.monotonic() + wait
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise LakeError(
                    f"Another process has held the lease of {name} for too long.",
                    remedy="See `citylake status`; end the other process or wait for it.",
                ) from None
            time.sleep(0.05)
