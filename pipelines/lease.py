"""One writer per dataset (and per portal) at a time: an advisory file lock that the kernel drops with its holder.

Whoever holds a lease shares the gate of its folder; a backup or a restore takes the gate whole, so that nobody writes meanwhile.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog.errors import LakeError

GATE = "_gate"
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
        handles = [os.open(each, os.O_CREAT | os.O_RDWR, 0o600) for each in (folder / f"{GATE}.lock", path)]
        try:
            _take(handles[0], name, wait, fcntl.LOCK_SH)
            _take(handles[1], name, wait)
            yield
        finally:
            for handle in handles:
                os.close(handle)


@contextmanager
def alone(folder: Path, wait: float) -> Iterator[None]:
    """Holds the gate whole: nobody has a lease below `folder` meanwhile, and nobody gets one. Raises LakeError after `wait` seconds.

    Whoever holds it must not ask for a lease there: the process would wait for itself.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / f"{GATE}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        _take(handle, "", wait)
        yield
    finally:
        os.close(handle)


def _take(handle: int, name: str, wait: float, how: int = fcntl.LOCK_EX) -> None:
    until = time.monotonic() + wait
    while True:
        try:
            return fcntl.flock(handle, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise _busy(name) from None
            time.sleep(0.05)


def _busy(name: str) -> LakeError:
    if not name:
        return LakeError("Another process is at work on this lake.", remedy="Wait for its end, or give it longer with --wait.")
    return LakeError(f"Another process has held the lease of {name} for too long.",
                     remedy="See `citylake status`; end the other process or wait for it.")
