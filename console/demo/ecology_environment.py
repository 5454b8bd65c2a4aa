"""The environment bureau: a zip a day with one CSV for every day that it brings, new or corrected."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from console.demo.draw import DAY_ONE, Draw, Text, texts
from console.demo.files import Sources, csv_lines

STATIONS = (("HZ01", "卧龙桥", 0.9), ("HZ02", "浙江农大", 1.0), ("HZ03", "和睦小学", 1.05), ("HZ04", "朝晖五区", 1.0),
            ("HZ05", "西溪", 0.95), ("HZ06", "滨江", 0.95), ("HZ07", "下沙", 1.1), ("HZ08", "云栖", 0.7),
            ("HZ09", "城厢镇", 1.1), ("HZ10", "临平镇", 1.1), ("HZ11", "千岛湖", 0.5))
# Individual index of PM2.5 after HJ 633-2012: 24-hour concentrations in μg/m³ and the index at them.
_PM25, _INDEX = [0, 35, 75, 115, 150, 250, 350, 500], [0, 50, 100, 150, 200, 300, 400, 500]


def build(draw: Draw, out: Sources) -> None:
    """Day 1: all earlier days, and an archive that is cut short; day 2: the next day, a corrected one, and a renamed column; day 3: one
    day more.
    """
    days = [DAY_ONE - timedelta(days=back) for back in range(draw.many(24, 4), 0, -1)]
    if draw.day == 1:
        members = {_name(day): csv_lines(_hours(draw, day)) for day in days}
        members[_name(days[-1])] = _planted(draw, days[-1])
        out.zip(f"drops/air_{DAY_ONE:%Y%m%d}.zip", members)
        whole = out.zipped({_name(days[0]): csv_lines(_hours(draw, days[0]))})
        out.put(f"drops/air_{days[0]:%Y%m%d}.zip", whole[: len(whole) // 2])
        return
    if draw.day == 3:
        out.zip(f"drops/air_{draw.today:%Y%m%d}.zip", {_name(draw.yesterday): csv_lines(_hours(draw, draw.yesterday))})
        return
    corrected = _hours(draw, days[-2])
    corrected["PM10"] = texts(corrected["PM10"].astype(int) + 1)
    out.zip(f"drops/air_{draw.today:%Y%m%d}.zip", {_name(DAY_ONE): csv_lines(_hours(draw, DAY_ONE)), _name(days[-2]): csv_lines(corrected)})
    renamed = {"PM2.5(新)" if name == "PM2.5" else name: values for name, values in _hours(draw, days[1]).items()}
    out.zip(f"drops/air_{days[1]:%Y%m%d}.zip", {_name(days[1]): csv_lines(renamed)})


def _name(day: date) -> str:
    return f"air_hourly_{day:%Y%m%d}.csv"


def _hours(draw: Draw, day: date) -> dict[str, Text]:
    """One day of all points: particles rise with the traffic and fall at night, ozone follows the sun."""
    rng = draw.rng(f"air {day}")
    station, hour = np.divmod(np.arange(len(STATIONS) * 24), 24)
    size, local = len(hour), np.array([factor for _, _, factor in STATIONS])[station]
    weather = rng.gamma(6, 0.17)
    traffic = 1 + 0.25 * np.exp(-((hour - 8) ** 2) / 8) + 0.3 * np.exp(-((hour - 19) ** 2) / 10)
    sun = np.clip(np.sin((hour - 6) / 12 * np.pi), 0, None)
    pm25 = np.clip(34 * weather * local * traffic + rng.normal(0, 3, size), 3, 300).astype(int)
    index = np.interp(pm25, _PM25, _INDEX).astype(int)
    times = np.array([f"{day:%Y-%m-%d} {at:02d}:00" for at in range(24)], object)
    names = np.array([name for _, name, _ in STATIONS], object)
    return {
        "监测点编号": np.array([code for code, _, _ in STATIONS], object)[station], "监测点名称": names[station], "监测时间": times[hour],
        "PM2.5": texts(pm25), "PM10": texts((pm25 * 1.5 + rng.integers(2, 12, size)).astype(int)),
        "SO2": texts(rng.integers(4, 12, size)), "NO2": texts((30 * local * traffic + rng.normal(0, 4, size)).clip(4).astype(int)),
        "O3": texts((30 + 70 * sun + rng.normal(0, 8, size)).clip(5).astype(int)), "CO": texts(0.5 + pm25 / 120, "%.2f"),
        "AQI": texts(index), "空气质量级别": texts(np.digitize(index, [50.5, 100.5, 150.5, 200.5, 300.5]) + 1),
    }


def _planted(draw: Draw, day: date) -> list[str]:
    """The defects of planted.py in the newest day of the first drop."""
    columns = _hours(draw, day)
    columns["PM2.5"][0], columns["O3"][1], columns["NO2"][2] = "NaN", "—", ""
    columns["监测点编号"][3] = "HZ01\n"
    columns["CO"][4], columns["PM10"][5] = "0.61mg/m³", "６２"
    columns["PM2.5"][5] = "40"
    columns["AQI"][6], columns["AQI"][7], columns["空气质量级别"][7] = "优", "80", "7"
    columns["SO2"][8] = "-3"
    lines = csv_lines(columns)
    return [*lines, *lines[60:65], f"{lines[70]},,", lines[71].rsplit(",", 2)[0]]
