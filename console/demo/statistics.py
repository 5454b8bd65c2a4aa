"""The statistics bureau: what lies in the grain depots at the end of a month. All made up."""

from __future__ import annotations

import numpy as np

from console.demo.draw import DAY_ONE, Draw, texts
from console.demo.files import Sources, csv_lines
from console.demo.planning_resources import DEPOTS, numbers


def build(draw: Draw, out: Sources) -> None:
    """Day 1: a month. Nothing comes on day 2."""
    if draw.day == 1:
        out.csv(f"grain/stocks_{DAY_ONE:%Y%m%d}.csv", csv_lines({
            "粮库编号": numbers(), "统计月份": np.full(DEPOTS, "2026-10", object),
            "库存量": texts(draw.rng("stocks").integers(800, 30_000, DEPOTS))}))
