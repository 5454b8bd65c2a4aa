"""The meteorological bureau: one CSV a day (UTF-8 with BOM) with the hours of all stations."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from console.demo.draw import DAY_ONE, Draw, Text, texts
from console.demo.files import Sources, csv_lines

STATIONS = ("K1001", "K1002", "K1003", "K1004", "K1005", "K1006", "K1007", "K1008")
ALTITUDE = np.array([42, 8, 46, 137, 12, 171, 91, 6])


def build(draw: Draw, out: Sources) -> None:
    """Day 1: all days but one; day 2: the next day, the one that was missing, and one again; day 3: one day more."""
    days = [DAY_ONE - timedelta(days=back) for back in range(draw.many(10, 4), 0, -1)]
    missing, again = days[-3], days[-2]
    if draw.day == 1:
        for day in days:
            if day != missing:
                _write(draw, out, day, defects=day == days[-1])
        return
    _write(draw, out, draw.yesterday)
    if draw.day == 3:
        return
    _write(draw, out, missing)
    _write(draw, out, again)


def _write(draw: Draw, out: Sources, day: date, defects: bool = False) -> None:
    columns = _hours(draw, day)
    if defects:
        _plant(columns)
    lines = csv_lines(columns)
    if defects:
        lines += [lines[-1], lines[-2], lines[-3], f"{lines[40]},多余"]
    out.csv(f"hours/station_hours_{day:%Y%m%d}.csv", lines)


def _hours(draw: Draw, day: date) -> dict[str, Text]:
    """One day of all stations: a daily course on the season's mean, colder and thinner air uphill."""
    rng = draw.rng(f"hours {day}")
    station, hour = np.divmod(np.arange(len(STATIONS) * 24), 24)
    season = 17.5 - 12.5 * np.cos((day.timetuple().tm_yday - 20) / 365.25 * 2 * np.pi)
    weather = rng.normal(0, 2.5)
    course = 4.5 * np.sin((hour - 8.5) / 24 * 2 * np.pi)
    temperature = season + weather + course - 0.0065 * ALTITUDE[station] + rng.normal(0, 0.4, len(hour))
    wet = (rng.random(24) < rng.choice([0.02, 0.1, 0.5]))[hour]
    rain = np.where(wet, rng.gamma(0.9, 1.6, len(hour)), 0)
    humidity = np.clip(72 - 3.2 * course + 16 * wet + rng.normal(0, 4, len(hour)), 31, 99)
    minutes = [f"{day:%Y-%m-%d} {at:02d}:00:00" for at in range(24)]
    return {
        "区站号": np.asarray(STATIONS, object)[station], "观测时间": np.asarray(minutes, object)[hour],
        "气温": texts(temperature, "%.1f"), "相对湿度": texts(humidity.astype(int)), "小时降水量": texts(rain, "%.1f"),
        "风向": texts(rng.integers(0, 360, len(hour))), "风速": texts(rng.gamma(2, 1.1, len(hour)), "%.1f"),
        "本站气压": texts(1021 - weather - 0.12 * ALTITUDE[station] + rng.normal(0, 0.5, len(hour)), "%.1f"),
    }


def _plant(columns: dict[str, Text]) -> None:
    """The defects of planted.py; each in a row of its own."""
    temperature, humidity = columns["气温"], columns["相对湿度"]
    temperature[0], temperature[1], temperature[2] = "NaN", "-", "999999"
    humidity[3], humidity[4] = "", "--"
    temperature[5], columns["本站气压"][6] = "１２．５", "１０１９．３"
    temperature[7], humidity[8] = "13.2℃", "71 %"
    columns["风速"][9], columns["小时降水量"][10] = "2.4 m/s", "0.2毫米"
    columns["区站号"][11], temperature[12] = f" {columns['区站号'][11]}\u3000", "\u00a012.9 "
    temperature[13], humidity[14] = "偏高", "131"
    columns["区站号"][15] = "K9999"
