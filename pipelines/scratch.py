"""A private folder for one piece of work, outside the lake; it may hold spilled rows. What a killed process has left of it is
removed by the next one: the kernel drops a dead process's lock.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.boundary import boundary
from pipelines.lease import lease
from pipelines.settings import Settings

HELD = "held"


@contextmanager
def scratch(settings: Settings) -> Iterator[Path]:
    """A new folder (0700) that is removed at the end."""
    home = settings.scratch
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with lease(home, "scratch"):
        _sweep(home)
        folder = Path(tempfile.mkdtemp(dir=home))
        handle = os.open(folder / HELD, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
    boundary("scratch/made")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _sweep(home: Path) -> None:
    for folder in home.iterdir():
        if folder.is_dir() and not _alive(folder / HELD):
            shutil.rmtree(folder, ignore_errors=True)


def _alive(held: Path) -> bool:
    try:
        handle = os.open(held, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
