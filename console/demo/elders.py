"""The same elders in two registers: allowances of civil affairs and check-ups of the health commission. All made by the seed.

In each register alone many are alike; laid side by side by what was published, three at a time are left: which is what the
exposure register is for. The numbers of people are the same at every scale.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from console.demo import people
from console.demo.draw import DAY_ONE, Draw, Text, texts
from console.demo.files import Sources, csv_lines

SIZE = 360                       # 6 districts × 2 bands of age × 2 sexes × 5 clinics, three times
_DISTRICTS = np.array(["330102", "330105", "330106", "330108", "330109", "330110"], object)
_CLINICS = np.array(["市第一人民医院", "市第三人民医院", "西溪医院", "萧山区第一人民医院", "余杭区第一人民医院"], object)
LIMIT = 500                      # rows that the collection rule permits in a batch, and within 31 days


def allowances(draw: Draw, out: Sources) -> None:
    """The list of a month; and three files that its collection rule refuses: too soon, too much within a month, from elsewhere."""
    rows, day = _allowances(draw, SIZE, "elders"), DAY_ONE - timedelta(days=12)
    _write(out, day, 6, rows)
    _write(out, day, 12, {name: values[:12] for name, values in rows.items()})
    _write(out, day + timedelta(days=2), 6, _allowances(draw, LIMIT - SIZE + 40, "more elders"))
    away = _allowances(draw, 12, "elders from elsewhere")
    away["居住区县"][:3] = "330203"
    _write(out, day - timedelta(days=100), 6, away)


def checkups(draw: Draw, out: Sources) -> None:
    """The same people, by other columns."""
    ids, names = _identities(draw, SIZE, "elders")
    at = np.arange(SIZE)
    out.csv(f"elders/checkups_{DAY_ONE:%Y%m%d}.csv", csv_lines({
        "身份证件号码": ids, "受检人": names, "性别": np.array(["男", "女"], object)[at // 12 % 2], "体检机构": _CLINICS[at // 24 % 5],
        "体检日期": (np.datetime64(DAY_ONE) - at % 90).astype(str).astype(object),
    }))


def _allowances(draw: Draw, size: int, name: str) -> dict[str, Text]:
    ids, names = _identities(draw, size, name)
    at = np.arange(size)
    age = _ages(size)
    return {"公民身份号码": ids, "姓名": names, "居住区县": _DISTRICTS[at % 6].copy(), "年龄": texts(age),
            "月津贴标准": texts(np.where(age < 90, 100, 300))}


def _ages(size: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    at = np.arange(size)
    return 80 + 10 * (at // 6 % 2) + at // 120 % 10


def _identities(draw: Draw, size: int, name: str) -> tuple[Text, Text]:
    """ID numbers and names; the same for the same name and size."""
    rng = draw.rng(name)
    return people.resident_ids(rng, 2026 - _ages(size), _DISTRICTS[np.arange(size) % 6]), people.names(rng, size)


def _write(out: Sources, day: date, hour: int, rows: dict[str, Text]) -> None:
    out.csv(f"elders/allowances_{day:%Y%m%d}{hour:02d}.csv", csv_lines(rows))
