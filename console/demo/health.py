"""The health commission: a gzipped CSV of infectious disease reports a day, and elders' check-ups. All people are made by the seed."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from console.demo import elders, people
from console.demo.draw import DAY_ONE, Draw, Text, pick, texts
from console.demo.files import Sources, csv_lines

_DISEASES = ["C01", "C03", "C04", "C02", "B01", "B02", "B03", "B04", "B05"]
_HOSPITALS = ["市第一人民医院", "市第三人民医院", "市疾病预防控制中心", "西溪医院", "儿童医院", "萧山区第一人民医院", "余杭区第一人民医院"]
LIMIT = 5_000       # rows a batch that the collection rule permits


def build(draw: Draw, out: Sources) -> None:
    """Day 1: six weeks by the week, and a file with more rows than its rule permits; day 2: one more day, with corrections."""
    size = draw.many(450, 120, LIMIT - 100)
    weeks = [DAY_ONE - timedelta(days=back) for back in (36, 29, 22, 15, 8, 1)]
    if draw.day == 1:
        elders.checkups(draw, out)
        for day in weeks:
            reports = _reports(draw, day, size)
            _write(out, day, _planted(draw, reports) if day == weeks[-1] else reports)
        _write(out, DAY_ONE - timedelta(days=60), _reports(draw, DAY_ONE - timedelta(days=60), LIMIT + 1))
        return
    new, corrected = _reports(draw, DAY_ONE, size // 4), _reports(draw, weeks[-1], size)
    corrected["报告日期"][:] = DAY_ONE.isoformat()
    corrected["病种"][:] = "C01"
    _write(out, DAY_ONE, {name: np.append(new[name], corrected[name][20:30]) for name in new})


def _write(out: Sources, day: date, reports: dict[str, Text]) -> None:
    out.gzip(f"reports/infectious_{day:%Y%m%d}.csv.gz", csv_lines(reports))


def _reports(draw: Draw, day: date, size: int) -> dict[str, Text]:
    rng = draw.rng(f"reports {day}")
    district, district_name, street = people.places(rng, size, 10)
    disease = pick(rng, _DISEASES, size, [40, 18, 16, 6, 8, 6, 1, 3, 2])
    young = np.isin(disease, ["C03", "C02", "B04", "B05"])
    age = np.where(young, rng.integers(1, 13, size), rng.integers(3, 92, size))
    reported = np.datetime64(day) - rng.integers(0, 7, size)
    return {
        "报告卡编号": f"R{day:%Y%m%d}" + texts(np.arange(1, size + 1), "%05d"), "患者姓名": people.names(rng, size),
        "身份证号": people.resident_ids(rng, 2026 - age, district), "联系电话": people.mobiles(rng, size),
        "性别": pick(rng, ["男", "女"], size), "年龄": texts(age), "现住区县": district,
        "现住地址": people.addresses(rng, district_name, street), "病种": disease,
        "发病日期": (reported - rng.integers(0, 6, size)).astype(str).astype(object), "报告日期": reported.astype(str).astype(object),
        "报告单位": "杭州" + pick(rng, _HOSPITALS, size),
    }


def _planted(draw: Draw, reports: dict[str, Text]) -> dict[str, Text]:
    """The defects of planted.py; each in a row of its own."""
    reports["年龄"][0], reports["年龄"][1], reports["年龄"][2], reports["年龄"][3] = "36岁", "２７", "-", "230"
    reports["性别"][4], reports["病种"][5], reports["现住区县"][6] = "不详", "X99", ""
    reports["发病日期"][7] = "2026-13-01"
    reports["身份证号"][8] = reports["身份证号"][8][:17] + "x" if reports["身份证号"][8].endswith("X") else reports["身份证号"][8]
    if draw.canary is not None:
        reports["患者姓名"][9], reports["身份证号"][9], reports["联系电话"][9] = draw.canary.person_name, draw.canary.resident_id, draw.canary.mobile
        reports["现住地址"][9] = f"杭州市{draw.canary.person_name}家"
    return {name: np.append(values, values[15:17]) for name, values in reports.items()}
