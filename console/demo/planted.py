"""Every defect that the generator plants, as data: what is wrong, where, and what must come of it.

Counts hold at any scale. tests/test_console_demo.py compares them with the journal of a run, both ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["null", "standardised", "dedup", "quarantined", "skipped", "late", "held", "refused", "vanished", "release_held"]


@dataclass(frozen=True)
class Planted:
    """`count` rows (or, for `skipped`, `late`, `held`, `refused` and `release_held`, batches or releases) of one defect.

    `rule` is the finding that must name it: the row rule of quarantined rows, or what holds or refuses a batch.
    """

    kind: str
    dataset: str
    where: str
    outcome: Outcome
    rule: str = ""
    count: int = 1
    day: int = 1


_WEATHER = "meteorology.station_hours"
_ALL = (
    Planted("null words", _WEATHER, "temperature, humidity: NaN, -, --, 999999 and nothing", "null", count=5),
    Planted("full-width digits", _WEATHER, "temperature, pressure", "standardised", count=2),
    Planted("units in values", _WEATHER, "temperature ℃, humidity %, wind_speed m/s, rain 毫米", "standardised", count=4),
    Planted("padded spaces", _WEATHER, "station, temperature", "standardised", count=2),
    Planted("duplicate rows", _WEATHER, "newest day of the first drop", "dedup", count=3),
    Planted("wrong type", _WEATHER, "temperature: a word", "quarantined", "type.temperature"),
    Planted("out of range", _WEATHER, "humidity above 100", "quarantined", "maximum.humidity"),
    Planted("unknown code", _WEATHER, "station that is in no list", "quarantined", "code.station"),
    Planted("ragged line", _WEATHER, "a line with a field too many", "quarantined", "format.record"),
    Planted("late file", _WEATHER, "a day that was missing in the first drop", "late", day=2),
    Planted("repeated file", _WEATHER, "a day sent again, the same bytes", "skipped", day=2),
)


def planted() -> list[Planted]:
    """All of them, in the order of their datasets."""
    return list(_ALL)
