"""The civil affairs bureau: the divisions as a tab-separated snapshot in UTF-16, which are real (SOURCE.md), and elders' allowances."""

from __future__ import annotations

import numpy as np

from console.demo import elders
from console.demo.draw import Draw, Text, divisions
from console.demo.files import Sources, csv_lines

_ZONES = ("开发区", "商业城", "围垦区", "农场", "世纪城")      # statistical units, no divisions: gone from the second snapshot


def build(draw: Draw, out: Sources) -> None:
    """Day 1: with five units that are no divisions; day 2: without them."""
    columns = _all()
    if draw.day == 1:
        elders.allowances(draw, out)
        columns["名称"][20], columns["级别"][21] = f"　{columns['名称'][20]} ", "street "
        columns = {name: np.append(values, values[30:31]) for name, values in columns.items()}
    else:
        keep = ~np.array([name.endswith(_ZONES) for name in columns["名称"]])
        columns = {name: values[keep] for name, values in columns.items()}
    out.csv(f"divisions/divisions_{draw.today:%Y%m%d}.tsv", csv_lines(columns, "\t"), "utf-16")


def _all() -> dict[str, Text]:
    known = divisions()
    districts = dict(zip(known["district"], known["district_name"], strict=True))
    return {
        "区划代码": np.array([*districts, *known["code"]], object), "名称": np.array([*districts.values(), *known["name"]], object),
        "级别": np.array(["district"] * len(districts) + ["street"] * len(known["code"]), object),
        "所属区县代码": np.array([*districts, *known["district"]], object),
    }
