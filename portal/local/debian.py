"""What the stack takes from the machine, where it lies, and the one line that installs what is missing."""

from __future__ import annotations

import ctypes.util
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from state import StackError

POSTGRES_HOMES = Path("/usr/lib/postgresql")


def postgres_bin() -> Path | None:
    """The newest PostgreSQL's programs, from 13 on: Debian keeps them off the search path."""
    versions = sorted((int(each.name) for each in POSTGRES_HOMES.glob("[0-9]*") if each.name.isdigit()), reverse=True)
    found = next((POSTGRES_HOMES / str(version) / "bin" for version in versions if version >= 13), None)
    if found and os.access(found / "initdb", os.X_OK):
        return found
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
