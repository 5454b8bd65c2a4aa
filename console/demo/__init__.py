"""The demo city's source systems: synthetic files of every department, a pure function of seed, scale and day.

Nothing here is a real observation, enterprise or person. What is wrong with the files on purpose stands in planted.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from console.demo.draw import Canary, Draw
from console.demo.files import Sources
from console.demo.planted import Planted, planted

DEPARTMENTS = ("civil_affairs", "culture", "ecology_environment", "health", "letters_calls", "market_regulation", "meteorology",
               "planning_resources", "statistics", "tax", "transport", "urban_management")
DAILY = ("ecology_environment", "letters_calls", "market_regulation", "meteorology")     # all that deliver on day 3
BEFORE = ("transport",)     # what delivers on day 0, forty days before the first
KEPT_SHORT = "transport.lost_items"

__all__ = ["Canary", "Planted", "generate", "planted"]


def generate(
    folder: Path, seed: int = 20260407, scale: float = 1.0, day: int = 1, canary: Canary | None = None,
    departments: Sequence[str] = DEPARTMENTS,
) -> None:
    """Writes the drops of one day into the source systems below `folder`; days 2 and 3 add to it, day 0 lies long before.

    Scale 1 is about 80,000 rows in all. The same arguments give the same bytes. `canary` texts, if given, are put into
    every column that holds persons, into an undeclared header, a sheet name and a file name.
    """
    draw = Draw(seed, scale, day, canary)
    usual = {0: BEFORE, 3: DAILY}
    for name in [one for one in departments if one in usual.get(day, departments)]:
        build: Callable[[Draw, Sources], None] = import_module(f"console.demo.{name}").build
        build(draw, Sources(folder / name, draw.now))
