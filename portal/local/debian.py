"""What the stack takes from the machine, where it lies, and the one line that installs what is missing."""

from __future__ import annotations

import ctypes.util
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from state import StackError

POSTGRES_HOMES = Path("/usr/lib/postgresql")


def postgres_bin(version: str | None = None) -> Path | None:
    """PostgreSQL's programs, which Debian keeps off the search path: of this major version (a cluster's), else the newest from 13 on."""
    found = {int(each.name): each / "bin" for each in POSTGRES_HOMES.glob("[0-9]*") if each.name.isdigit() and int(each.name) >= 13}
    if version is not None:
        found = {number: bin for number, bin in found.items() if str(number) == version}
    for number in sorted(found, reverse=True):
        if os.access(found[number] / "initdb", os.X_OK):
            return found[number]
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


NEEDED: dict[str, Callable[[], bool]] = {
    "postgresql-15": lambda: postgres_bin() is not None,
    "redis-server": lambda: shutil.which("redis-server") is not None,
    "libmagic1": lambda: ctypes.util.find_library("magic") is not None,
    "openjdk-17-jre-headless": lambda: shutil.which("java") is not None,
}


def missing() -> list[str]:
    """Names of Debian packages that are not there."""
    return [package for package, there in NEEDED.items() if not there()]


def require() -> None:
    """Raises StackError with the installing line."""
    if lacking := missing():
        raise StackError(f"This machine lacks {', '.join(lacking)}.", install_line(lacking))


def install_line(packages: list[str]) -> str:
    return f"Install what is missing: apt-get install -y --no-install-recommends {' '.join(packages)}"
