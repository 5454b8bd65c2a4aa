"""The transport bureau: a GeoJSON snapshot of all bus stops a day, and lost property as CSV."""

from __future__ import annotations

import numpy as np

from console.demo import people
from console.demo.draw import Draw, Text, pick, texts
from console.demo.files import Sources, csv_lines

# Rough middle of each district: longitude, latitude.
CENTRES = {"330102": (120.184, 30.25), "330105": (120.15, 30.315), "330106": (120.09, 30.27), "330108": (120.19, 30.19),
           "330109": (120.265, 30.165), "330110": (119.99, 30.31), "330111": (119.95, 30.05), "330112": (119.72, 30.235),
           "330113": (120.3, 30.42), "330114": (120.39, 30.31), "330122": (119.69, 29.795), "330127": (119.04, 29.61), "330182": (119.28, 29.475)}
_PLACES = ["小学", "医院", "公园", "新村", "路口", "地铁站", "市场", "广场", "桥", "公交站", "村委会", "文化中心"]


def build(draw: Draw, out: Sources) -> None:
    """Day 0: what was lost forty days before, and nothing else. Day 1: all stops. Day 2: some are gone, some are new, some lines have
    changed; and a snapshot with a handful of stops.
    """
    if draw.day < 2:
        _lost(draw, out)
    if draw.day == 0:
        return
    stops = _stops(draw)
    size = len(stops["站点编号"])
    if draw.day == 1:
        first = {name: values[:-5] for name, values in stops.items()}
        out.geojson(f"snapshots/bus_stops_{draw.today:%Y%m%d}04.geojson", _planted(first))
        return
    rest = {name: values[~np.isin(np.arange(size), np.arange(100, 100 + GONE))] for name, values in stops.items()}
    rest["停靠线路"][200 % len(rest["停靠线路"]) :: 97] = "7路;51路"
    out.geojson(f"snapshots/bus_stops_{draw.today:%Y%m%d}04.geojson", rest)
    out.geojson(f"snapshots/bus_stops_{draw.today:%Y%m%d}16.geojson", {name: values[:12] for name, values in stops.items()})


GONE = 6     # stops that vanish on day 2


def _stops(draw: Draw) -> dict[str, Text]:
    size, rng = draw.many(8_000, 300), draw.rng("bus stops")
    district, _, street = people.places(rng, size, 10)
    centre = np.array([CENTRES[code] for code in district])
    spread = np.where(centre[:, :1] < 120, 0.12, 0.035)
    at = centre + rng.normal(0, 1, (size, 2)) * spread * 0.4
    lines = texts(rng.integers(1, 400, size)) + "路;" + texts(rng.integers(400, 900, size)) + "路"
    short = np.array([name.removesuffix("街道").removesuffix("镇").removesuffix("乡") for name in street], object)
    return {
        "站点编号": "S" + texts(np.arange(100_001, 100_001 + size)), "站点名称": short + pick(rng, _PLACES, size), "所在区县": district,
        "乡镇街道": street, "停靠线路": lines, "候车亭": pick(rng, ["是", "否"], size, [7, 3]),
        "longitude": texts(at[:, 0], "%.6f"), "latitude": texts(at[:, 1], "%.6f"),
    }


def _planted(stops: dict[str, Text]) -> dict[str, Text]:
    """The defects of planted.py: full-width text, an unknown code, places at sea and without a position, one stop twice."""
    copy = {name: values.copy() for name, values in stops.items()}
    copy["停靠线路"][0], copy["候车亭"][1] = "７路;５１路", "-"
    copy["所在区县"][2] = "330199"
    copy["longitude"][3], copy["latitude"][3] = "0.000000", "0.000000"
    copy["longitude"][4] = copy["latitude"][4] = ""
    copy["候车亭"][5] = "待建"
    return {name: np.append(values, values[10]) for name, values in copy.items()}


_ITEMS = ["黑色双肩包", "折叠雨伞", "公交卡", "蓝牙耳机", "保温杯", "钥匙一串", "眼镜", "学生证套", "灰色围巾", "儿童书包"]


def _lost(draw: Draw, out: Sources) -> None:
    """A week's lost property. What was collected forty days before is over the time of its collection rule."""
    size, rng = draw.many(60, 30, 400), draw.rng(f"lost items {draw.today}")
    found = (np.datetime64(draw.today) - rng.integers(1, 8, size)).astype(str).astype(object)
    out.csv(f"lost/items_{draw.today:%Y%m%d}.csv", csv_lines({
        "登记编号": f"SW{draw.today:%Y%m%d}" + texts(np.arange(1, size + 1), "%04d"), "物品": pick(rng, _ITEMS, size),
        "线路": pick(rng, ["地铁1号线", "地铁2号线", "地铁5号线", "B1路", "7路", "51路"], size), "拾获日期": found,
        "拾获人": people.names(rng, size), "拾获人电话": people.mobiles(rng, size),
    }))
