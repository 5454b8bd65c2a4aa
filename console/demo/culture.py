"""The culture bureau: workbooks with title rows above the header and a second sheet of explanations."""

from __future__ import annotations

import numpy as np

from console.demo import people
from console.demo.draw import Draw, Text, joined, pick, texts
from console.demo.files import Sheet, Sources

_KINDS = {"LIB": ("图书馆", "Library"), "MUS": ("博物馆", "Museum"), "CUL": ("文化馆", "Cultural Centre"), "ART": ("美术馆", "Art Museum"),
          "THE": ("剧院", "Theatre"), "MEM": ("纪念馆", "Memorial Hall")}
_THEMES = [("西湖", "West Lake"), ("运河", "Grand Canal"), ("良渚", "Liangzhu"), ("南宋", "Southern Song"), ("钱塘", "Qiantang"), ("茶叶", "Tea"),
           ("丝绸", "Silk"), ("湘湖", "Xianghu"), ("天目", "Tianmu"), ("富春", "Fuchun"), ("新安", "Xin'an"), ("城市", "City")]
_NOTES = Sheet("填表说明", [["一、类别按代码填写。"], ["二、咨询电话填写单位办公电话。"]])


def build(draw: Draw, out: Sources) -> None:
    """Day 1: the register, and a workbook without the declared sheet; day 2: changes, and a workbook with a column more."""
    venues = _venues(draw)
    if draw.day == 1:
        out.xlsx("venues/venues.xlsx", [Sheet("场馆名录", _titled(_planted(venues))), _NOTES])
        sheet = draw.canary.sheet if draw.canary else "临时名单"
        out.xlsx("venues/district_list.xlsx", [Sheet(sheet, _titled(_part(venues, 20, 30)))])
        return
    changed = _part(venues, 40, 60)
    changed["开放时间"][:] = "09:00-16:30，周一闭馆"
    codes = people.credit_codes(draw.rng("venue codes"), changed["区县代码"][:2], np.full(2, "2", object))
    changed["地址"][:2] = joined(changed["地址"][:2], "（统一社会信用代码", codes, "）")
    out.xlsx("venues/venues_update.xlsx", [Sheet("场馆名录", _titled(changed)), _NOTES])
    extra = _part(venues, 60, 70)
    extra[draw.canary.header if draw.canary else "值班人员"] = people.names(draw.rng("venue staff"), 10)
    out.xlsx("venues/venues_staff.xlsx", [Sheet("场馆名录", _titled(extra)), _NOTES])


def _part(venues: dict[str, Text], start: int, end: int) -> dict[str, Text]:
    return {name: values[start:end].copy() for name, values in venues.items()}


def _titled(columns: dict[str, Text]) -> list[list[object]]:
    """Two title rows, the header, then the rows; the district's code as the number that a spreadsheet makes of it."""
    numbers = [at for at, name in enumerate(columns) if name in ("区县代码", "建筑面积(㎡)", "年接待人次(万人次)")]
    rows: list[list[object]] = [list(row) for row in zip(*columns.values(), strict=True)]
    for row in rows:
        for at in numbers:
            try:
                row[at] = float(str(row[at]))
            except ValueError:
                pass
    return [["杭州市公共文化场馆名录"], ["填报单位：各区县文旅局", None, "截止日期：2026年10月31日"], list(columns), *rows]


def _venues(draw: Draw) -> dict[str, Text]:
    size, rng = draw.many(400, 120, 9_000), draw.rng("venues")
    district, district_name, street = people.places(rng, size, 3)
    kind, theme = pick(rng, list(_KINDS), size, [25, 25, 20, 10, 10, 10]), rng.integers(0, len(_THEMES), size)
    zh = [f"{place}{_THEMES[t][0]}{_KINDS[k][0]}" for place, t, k in zip(district_name, theme, kind, strict=True)]
    en = [f"{_THEMES[t][1]} {_KINDS[k][1]} No. {at + 1}" for at, (t, k) in enumerate(zip(theme, kind, strict=True))]
    return {
        "编号": "CG" + texts(np.arange(1, size + 1), "%05d"), "场馆名称": np.array(zh, object), "英文名称": np.array(en, object), "类别": kind,
        "区县代码": district, "地址": people.addresses(rng, district_name, street),
        "开放时间": pick(rng, ["09:00-17:00", "08:30-20:30", "09:00-21:00，周一闭馆"], size),
        "咨询电话": "0571-8" + texts(rng.integers(10**6, 10**7, size)),
        "建筑面积(㎡)": texts(rng.gamma(2, 2500, size) + 200, "%.1f"), "免费开放": pick(rng, ["是", "否"], size, [8, 2]),
        "年接待人次(万人次)": texts(rng.gamma(1.5, 12, size) + 0.5, "%.2f"), "备注": np.full(size, None, object),
    }


def _planted(venues: dict[str, Text]) -> dict[str, Text]:
    """The defects of planted.py; each in a row of its own, and three rows twice."""
    copy = {name: values.copy() for name, values in venues.items()}
    name = copy["场馆名称"][0]
    copy["场馆名称"][0], copy["英文名称"][1] = f"  {name[:3]}　{name[3:]} ", copy["英文名称"][1].replace(" ", "   ")
    copy["建筑面积(㎡)"][2], copy["建筑面积(㎡)"][3], copy["年接待人次(万人次)"][4] = "12,500.5", "—", "35.2万"
    copy["咨询电话"][5], copy["免费开放"][6] = "０５７１－８７００１２３４", "无"
    copy["类别"][7], copy["区县代码"][8], copy["建筑面积(㎡)"][9] = "OPERA", "330104.5", "0"
    copy["年接待人次(万人次)"][10] = "若干"
    return {name: np.append(values, values[20:23]) for name, values in copy.items()}
