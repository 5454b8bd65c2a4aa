"""How bytes arrive: one module per kind of source, found by folder scan. A new kind of source is one small class here.

A connector lists what is there and copies it into the spool; it judges nothing and reads no content. Archives are opened
in archives.py, whichever connector brought them.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

from pydantic import BaseModel

from catalog.errors import BadInput


class Unsettled(BadInput):
    """A drop that is still being written, or has gone since it was listed; the next run looks again."""


@dataclass(frozen=True)
class Offer:
    """Something at the source. `key` is its path below the system's root: it may hold personal data and is never logged.

    `fingerprint` changes when the drop does, without reading it; `time` is the drop's own time (UTC), if its name says so.
    """

    key: str
    fingerprint: str
    time: datetime | None


@dataclass(frozen=True)
class Fetched:
    """The bytes of an offer in the spool, whole and synced. `size` in bytes; `filename` is as private as the key."""

    path: Path
    filename: str
    sha256: str
    size: int


class Connector(Protocol):
    """A kind of source. `zone` reads local times in names unless the options say otherwise (the city's zone)."""

    name: ClassVar[str]
    Options: ClassVar[type[BaseModel]]

    def __init__(self, options: Any, root: Path, zone: str = "UTC") -> None: ...

    @property
    def timed(self) -> bool:
        """Whether every drop (or every member of an archive) must have a time; one without is held."""
        ...

    def time_of(self, name: str) -> datetime | None:
        """The time that a file or member name says (aware, UTC), or None."""
        ...

    def offers(self) -> Iterator[Offer]:
        """What is there, in order of time, then key. Raises BadInput when the source cannot be listed."""
        ...

    def fetch(self, offer: Offer, folder: Path) -> Fetched:
        """Copies an offer into a private folder; a finished copy of the same fingerprint is used again.

        Raises Unsettled for what has changed or gone since it was listed, BadInput for what cannot or may not be read.
        """
        ...

    def label(self, offer: Offer) -> str | None:
        """The offer's name if the contract spells it out but for its time; None for a name that may say anything."""
        ...

    def unpacking(self) -> dict[str, Any]:
        """Keyword arguments for `archives.unpack`."""
        ...


@cache
def connectors() -> Mapping[str, type[Connector]]:
    """Every connector by its name."""
    found: dict[str, type[Connector]] = {}
    for module in pkgutil.iter_modules(__path__):
        home = f"{__name__}.{module.name}"
        for _, kind in inspect.getmembers(importlib.import_module(home), inspect.isclass):
            if kind.__module__ == home and hasattr(kind, "offers") and hasattr(kind, "Options"):
                connector = cast(type[Connector], kind)
                found[connector.name] = connector
    return found
