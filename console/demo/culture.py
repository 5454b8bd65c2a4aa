"""The culture bureau: workbooks with title rows above the header and a second sheet of explanations; readers of the libraries."""

from __future__ import annotations

import numpy as np

from console.demo import people
from console.demo.draw import DAY_ONE, Draw, Text, joined, pick, texts
from console.demo.files import Sheet, Sources, csv_lines

_KINDS = {"LIB": ("图书馆", "Library"), "MUS": ("博物馆", "Museum"), "CUL": ("文化馆", "Cultural Centre"), "ART": ("美术馆", "Art Museum"),
          "THE": ("剧院", "Theatre"), "MEM": ("纪念馆", "Memorial Hall")}
_THEMES = [("西湖", "West Lake"), ("运河", "Grand Canal"), ("良渚", "Liangzhu"), ("南宋", "Southern Song"), ("钱塘", "Qiantang"), ("茶叶", "Tea"),
           ("丝绸", "Silk"), ("湘湖", "Xianghu"), ("天目", "Tianmu"), ("富春", "Fuchun"), ("新安", "Xin'an"), ("城市", "City")]
_NOTES = Sheet("填表说明", [["一、类别按代码填写。"], ["二、咨询电话填写单位办公电话。"]])


def build(draw: Draw, out: Sources) -> None:
    """Day 1: the register, and a workbook without the declared sheet; day 2: changes, and a workbook with a column more."""
    venues = _venues(draw)
    if draw.day == 1:
        _readers(draw, out)
        _events(draw, out, "courses/signups", ["书法入门", "越剧体验", "少儿国画", "古琴基础"])
        _events(draw, out, "shows/bookings", ["新年音乐会", "经典话剧专场", "戏曲折子戏", "儿童剧专场"])
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


def _readers(draw: Draw, out: Sources) -> None:
    """Card holders: young and old, few of some years in some districts, so that widening has something to do."""
    size, rng = draw.many(2_000, 600, 50_000), draw.rng("readers")
    district, _, _ = people.places(rng, size, 8)
    rows = {
        "读者证号": "DZ" + texts(np.arange(1, size + 1), "%08d"), "读者姓名": people.names(rng, size), "联系电话": people.mobiles(rng, size),
        "出生年份": texts(2020 - np.clip(rng.gamma(3, 12, size), 4, 95).astype(int)), "性别": pick(rng, ["女", "男"], size, [6, 4]),
        "居住区县": district, "常借类别": pick(rng, ["文学", "历史地理", "少儿", "自然科学", "医药健康", "法律"], size, [8, 4, 6, 3, 3, 2]),
        "年借阅册次": texts(rng.geometric(0.04, size)),
    }
    if draw.canary is not None:
        rows["读者姓名"][9], rows["联系电话"][9] = draw.canary.person_name, draw.canary.mobile
    out.csv(f"readers/readers_{DAY_ONE:%Y%m%d}.csv", csv_lines(rows))


def _events(draw: Draw, out: Sources, name: str, events: list[str]) -> None:
    """Who comes to what; one collection rule is over, the other does not permit files."""
    size, rng = 60, draw.rng(name)
    person, phone = people.names(rng, size), people.mobiles(rng, size)
    if draw.canary is not None:
        person[9], phone[9] = draw.canary.person_name, draw.canary.mobile
    out.csv(f"{name}_{DAY_ONE:%Y%m%d}.csv", csv_lines({
        "登记编号": "HD" + texts(np.arange(1, size + 1), "%06d"), "活动名称": pick(rng, events, size),
        "活动日期": (np.datetime64(DAY_ONE) + rng.integers(1, 30, size)).astype(str).astype(object),
        "报名人": person, "报名人电话": phone,
    }))


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
