"""The tax office, which answers to the state: one Parquet file a rating, with the office's own short column names."""

from __future__ import annotations

import numpy as np

from console.demo.draw import DAY_ONE, Draw
from console.demo.files import Sources
from console.demo.market_regulation import register

_NAMES = {"nsrsbh": "统一社会信用代码", "nsrmc": "企业名称", "hymldm": "行业门类", "xzqhdm": "登记区划"}


def build(draw: Draw, out: Sources) -> None:
    """Day 1: the rating of 2025; day 2: additions that use another list of industries, too many for the dataset to go on."""
    known = register(draw)
    companies = np.flatnonzero(np.isin(known["市场主体类型"], ["A", "B"]))
    rated, new = companies[::4], companies[1::32]
    columns = {name: known[source][rated if draw.day == 1 else new].copy() for name, source in _NAMES.items()}
    size = len(columns["nsrsbh"])
    columns |= {"pjnd": np.full(size, "2025", object), "bz": np.full(size, "-", object)}
    if draw.day == 1:
        columns["nsrsbh"][0], columns["hymldm"][1], columns["pjnd"][2] = columns["nsrsbh"][0][:17], "9", "二〇二五"
        columns["bz"][3] = "原名称已变更"
    else:
        columns["hymldm"][:] = "0910"
    out.parquet(f"ratings/a_rated_{draw.today if draw.day == 2 else DAY_ONE:%Y%m%d}.parquet", columns)
