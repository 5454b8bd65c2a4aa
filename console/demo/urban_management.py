"""The urban management bureau: SQLite files of one table, written by the districts' own programs, and permits for signs as CSV."""

from __future__ import annotations

import numpy as np

from console.demo import people
from console.demo.draw import DAY_ONE, Draw, Text, pick, texts
from console.demo.files import Sources, csv_lines
from console.demo.market_regulation import register

_KINDS = ["3", "12", "13", "15", "31", "4", "8", "1"]
_SPOTS = ["小区东门", "小区西门", "小区南门", "小区北门", "社区服务中心", "集贸市场", "公园入口", "物业楼旁"]


def build(draw: Draw, out: Sources) -> None:
    """Day 1: all points, a file with people's numbers in the remark and one with a secrecy cue; day 2: changes."""
    points = _points(draw)
    if draw.day == 1:
        out.sqlite("points/waste_points.db", "collection_points", _planted(draw, points))
        out.sqlite("points/district_remarks.db", "collection_points", _few(points, 40, "联系 " + people.mobiles(draw.rng("remarks"), 15)))
        out.sqlite("points/district_notes.db", "collection_points", _few(points, 60, np.full(15, "临近军用机场坐标点，位置待核", object)))
        _signs(draw, out)
        if draw.canary is not None:
            canary = np.array([f"{draw.canary.person_name} {draw.canary.mobile} {draw.canary.resident_id}"], object)
            out.sqlite(f"points/{draw.canary.filename}.db", "collection_points", _few(points, 80, canary))
        return
    changed = {name: values[:200].copy() for name, values in points.items()}
    changed["bin_count"] = texts(changed["bin_count"].astype(int) + 1)
    changed["updated_at"][:] = f"{DAY_ONE:%Y-%m-%d} 21:30:00"
    out.sqlite("points/waste_points_2.db", "collection_points", changed)


def _signs(draw: Draw, out: Sources) -> None:
    """Permits whose persons in charge are the legal representatives of the register, under another name: nine in ten of them."""
    rng, known, size = draw.rng("signs"), register(draw), 60
    responsible = np.append(known["法定代表人"][40:94], people.names(rng, 6))
    out.csv(f"signs/permits_{draw.today:%Y%m%d}.csv", csv_lines({
        "许可编号": "ZP" + texts(np.arange(300_001, 300_001 + size)), "店名": pick(rng, ["云栖", "钱江", "湖滨", "西溪", "武林"], size)
        + pick(rng, ["便利店", "面馆", "书店", "药房", "茶馆"], size), "责任人": responsible,
        "所在区县": people.places(rng, size)[0], "许可日期": np.full(size, f"{DAY_ONE:%Y-%m-%d}", object),
    }))


def _few(points: dict[str, Text], start: int, remark: Text) -> dict[str, Text]:
    part = {name: values[start : start + len(remark)].copy() for name, values in points.items()}
    part["remark"] = remark
    return part


def _points(draw: Draw) -> dict[str, Text]:
    size, rng = draw.many(4_000, 300), draw.rng("waste points")
    district, _, street = people.places(rng, size)
    kinds = pick(rng, _KINDS, size)
    main = np.array([{"4": "4", "8": "8", "12": "4"}.get(mask, "1") for mask in kinds], object)
    opened = (np.datetime64("2019-08-15") + rng.integers(0, 2400, size)).astype(str).astype(object)
    return {
        "point_no": "FL" + texts(np.arange(200_001, 200_001 + size)), "point_name": street + pick(rng, _SPOTS, size), "district_code": district,
        "street_name": street, "kind_mask": kinds, "main_kind": main, "bin_count": texts(rng.integers(2, 16, size)),
        "is_open": pick(rng, ["1", "0"], size, [95, 5]), "opened_on": opened,
        "updated_at": np.full(size, "2026-10-31 08:00:00", object), "remark": np.full(size, None, object),
        "管理员姓名": people.names(rng, size), "管理员电话": people.mobiles(rng, size),
    }


def _planted(draw: Draw, points: dict[str, Text]) -> dict[str, Text]:
    """The defects of planted.py; the keepers' names and numbers are left out by the contract."""
    copy = {name: values.copy() for name, values in points.items()}
    copy["bin_count"][0], copy["bin_count"][1], copy["point_no"][2] = "6只", "４", f" {copy['point_no'][2].lower()} "
    copy["kind_mask"][3], copy["kind_mask"][4], copy["district_code"][5], copy["is_open"][6] = "64", "0", "杭州", "maybe"
    copy["main_kind"][7] = "3"
    if draw.canary is not None:
        copy["管理员姓名"][8], copy["管理员电话"][8] = draw.canary.person_name, draw.canary.mobile
    return copy
