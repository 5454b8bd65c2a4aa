"""The planning bureau: the address book (addresses.py), and the sites of grain depots, harmless without the stocks of statistics.py."""

from __future__ import annotations

import numpy as np

from console.demo import addresses, people
from console.demo.draw import DAY_ONE, Draw, Text, joined, texts
from console.demo.files import Sources, csv_lines

DEPOTS = 24


def build(draw: Draw, out: Sources) -> None:
    """Day 1: all sites. Nothing comes on day 2."""
    addresses.build(draw, out)
    if draw.day == 1:
        district, _, street = people.places(draw.rng("depots"), DEPOTS, 1)
        out.csv(f"depots/sites_{DAY_ONE:%Y%m%d}.csv", csv_lines({
            "粮库编号": numbers(), "粮库名称": "杭储" + texts(np.arange(1, DEPOTS + 1)) + "号库", "所在区县": district, "所在乡镇街道": street}))


def numbers() -> Text:
    """The numbers by which the two bureaus name a depot."""
    return joined("LK", texts(np.arange(1, DEPOTS + 1), "%03d"))
