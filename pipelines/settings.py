"""Where everything lies and how much may be used. The only module that reads environment variables."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from catalog.errors import DefinitionError

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


@dataclass(frozen=True)
class Settings:
    """Resolved places and limits. Memory in bytes; `threads` 0 means one per core; `spark_wait` in seconds."""

    city: Path
    state: Path
    lake: Path
    site: Path
    secrets: Path
    sources: Path
    engine: str
    memory: int
    threads: int
    spark: str = ""
    spark_jars: Path = Path()
    spark_wait: int = 60

    @property
    def spool(self) -> Path:
        return self.state / "spool"

    @property
    def holding(self) -> Path:
        return self.state / "holding"

    @property
    def scratch(self) -> Path:
        return self.state / "scratch"

    def at(self, **places: Any) -> Settings:
        """The same settings with some places changed."""
        return replace(self, **places)


def _bytes(text: str, name: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if not found:
        raise DefinitionError(f"{name} is not an amount of memory.", remedy="Write it like 2GB or 1500MB.")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def _count(text: str, name: str, remedy: str = "Write it like 2; 0 means one thread a core.") -> int:
    if not text.isdigit():
        raise DefinitionError(f"{name} is not a whole number.", remedy=remedy)
    return int(text)


def shipped_city() -> Path:
    """The city folder that comes with the program."""
    return Path(str(files("catalog") / "cities" / "hangzhou"))


def settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from `CITYLAKE_*` variables; what is not set lies under `CITYLAKE_STATE` (default `.citylake`)."""
    env = os.environ if environ is None else environ
    state = Path(env.get("CITYLAKE_STATE", ".citylake")).absolute()

    def place(name: str, default: Path) -> Path:
        value = env.get(name)
        if value and "://" in value:
            raise DefinitionError(f"{name} names an object store.", remedy="This version keeps the lake in a folder.")
        return Path(value).absolute() if value else default

    return Settings(
        city=place("CITYLAKE_CITY", shipped_city()),
        state=state,
        lake=place("CITYLAKE_LAKE", state / "lake"),
        site=place("CITYLAKE_SITE", state / "site"),
        secrets=place("CITYLAKE_SECRETS", state / "secrets"),
        sources=place("CITYLAKE_SOURCES", state / "sources"),
        engine=env.get("CITYLAKE_ENGINE", "duckdb"),
        memory=_bytes(env.get("CITYLAKE_MEMORY", "2GB"), "CITYLAKE_MEMORY"),
        threads=_count(env.get("CITYLAKE_THREADS", "0"), "CITYLAKE_THREADS"),
        spark=env.get("CITYLAKE_SPARK", f"local[{(env.get('CITYLAKE_THREADS', '').strip('0') and env['CITYLAKE_THREADS']) or '*'}]"),
        spark_jars=place("CITYLAKE_SPARK_JARS", Path(str(files("catalog"))).parent / ".tools" / "spark"),
        spark_wait=_count(env.get("CITYLAKE_SPARK_WAIT", "60"), "CITYLAKE_SPARK_WAIT", "Write seconds, like 60."),
    )


def language(environ: Mapping[str, str] | None = None) -> str:
    """`zh` or `en`: what CITYLAKE_LANG says, else the language of the system: the first of LC_ALL, LC_MESSAGES and LANG that is set.

    Raises DefinitionError where CITYLAKE_LANG is something else.
    """
    env = os.environ if environ is None else environ
    if asked := env.get("CITYLAKE_LANG"):
        if asked not in ("zh", "en"):
            raise DefinitionError("CITYLAKE_LANG is no language that is spoken here.", remedy="Write zh or en, or leave it out.")
        return asked
    chosen = next((env[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if env.get(name)), "")
    return "zh" if chosen.lower().startswith("zh") else "en"


def plain_output(environ: Mapping[str, str] | None = None) -> bool:
    """Whether the user wants no colours (NO_COLOR, or a dumb terminal)."""
    env = os.environ if environ is None else environ
    return bool(env.get("NO_COLOR")) or env.get("TERM") == "dumb"
