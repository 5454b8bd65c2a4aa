"""The last part of a restore: what is staged takes the place of what is there, in renames that may be done again after a kill.

Each folder that a restore changes has a staging folder `.restoring` in it: `new` comes in, `old` is what left. The marker `ready` in
that of the lake is the commit point: before it nothing has changed, after it whoever opens the lake finishes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.boundary import boundary
from pipelines.lease import alone

STAGING = ".restoring"
READY = "ready"


@dataclass(frozen=True)
class Switch:
    """What changes in one folder: the names that come in, in place of equal ones, and the names that leave without another."""

    root: Path
    comes: Sequence[str]
    leaves: Sequence[str] = ()


def ready(lake: Path) -> bool:
    """Whether a restore of this lake was decided and not finished."""
    return (lake / STAGING / READY).exists()


def finish(lake: Path) -> None:
    """Finishes an interrupted restore; waits for one that is still at work. Nothing where there is none."""
    if ready(lake):
        with alone(lake / "leases", 3600.0):
            switch(lake)


def decide(lake: Path, switches: Sequence[Switch]) -> None:
    """Puts the marker: from here on the restore is done, or finished by the next process. The caller holds the gate."""
    text = json.dumps([{"root": str(one.root), "comes": list(one.comes), "leaves": list(one.leaves)} for one in switches])
    temporary = lake / STAGING / f".{READY}"
    temporary.write_text(text, encoding="utf-8")
    os.sync()
    boundary("restore/staged")
    os.replace(temporary, lake / STAGING / READY)
    os.sync()
    boundary("restore/decided")


def switch(lake: Path) -> None:
    """Does the renames of the marker, those that are not done yet, and removes what was staged. The caller holds the gate."""
    if not ready(lake):
        return
    switches = _read(lake)
    for one in switches:
        _switch(one)
    os.sync()
    roots = [one.root for one in switches if one.root != lake]
    for root in roots:
        shutil.rmtree(root / STAGING, ignore_errors=True)
    for name in ("old", "new"):
        shutil.rmtree(lake / STAGING / name, ignore_errors=True)
    boundary("restore/removed")
    clear(lake)


def clear(root: Path) -> None:
    """Removes what a restore had staged here, its marker last."""
    for name in ("old", "new"):
        shutil.rmtree(root / STAGING / name, ignore_errors=True)
    shutil.rmtree(root / STAGING, ignore_errors=True)


def _switch(one: Switch) -> None:
    new, old = one.root / STAGING / "new", one.root / STAGING / "old"
    old.mkdir(parents=True, exist_ok=True)
    for name in (*one.leaves, *one.comes):
        here = one.root / name
        waits = (new / name).exists()
        if here.exists() and (waits or name in one.leaves):
            os.rename(here, old / name)
            boundary("restore/left")
        if waits:
            os.rename(new / name, here)
            boundary("restore/came")


def _read(lake: Path) -> list[Switch]:
    document = json.loads((lake / STAGING / READY).read_text(encoding="utf-8"))
    return [Switch(Path(one["root"]), one["comes"], one["leaves"]) for one in document]
