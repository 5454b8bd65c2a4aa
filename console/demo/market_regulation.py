"""The market regulation bureau: CSV in GB18030 with CRLF out of the register of enterprises. The tax office uses it too."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

import numpy as np

from console.demo import addresses, people
from console.demo.draw import DAY_ONE, Draw, Text, pick, texts
from console.demo.files import Sources, csv_lines

Enterprises = dict[str, Text]


def build(draw: Draw, out: Sources) -> None:
    """Day 1: the whole register, a file in another encoding and one without rows; days 2 and 3: what was approved the day before."""
    if draw.day == 1:
        known = _planted(draw, {name: values.copy() for name, values in register(draw).items()})
        lines = csv_lines(known)
        out.csv(f"export/enterprises_{DAY_ONE:%Y%m%d}.csv", [*lines, *lines[30:34]], "gb18030", "\r\n")
        few = csv_lines({name: values[:20] for name, values in register(draw).items()})
        out.csv(f"export/enterprises_{DAY_ONE - timedelta(days=2):%Y%m%d}.csv", few, "utf-16")
        out.csv(f"export/enterprises_{DAY_ONE - timedelta(days=1):%Y%m%d}.csv", few[:1], "gb18030", "\r\n")
        return
    out.csv(f"export/enterprises_{draw.today:%Y%m%d}.csv", csv_lines(_changes(draw)), "gb18030", "\r\n")


@lru_cache(maxsize=2)
def register(draw: Draw) -> Enterprises:
    """All enterprises, clean, in the order of their codes' making; the same on all days."""
    size, rng = draw.many(30_000, 800), draw.rng("enterprises")
    district, _, street = people.places(rng, size)
    kind = pick(rng, list("ABCDEF"), size, [62, 4, 4, 8, 17, 5])
    industry = pick(rng, people.INDUSTRIES, size, people.TRADE_WEIGHTS)
    founded = np.datetime64("2022-01-10") + rng.integers(0, 1600, size)
    approved = np.minimum(founded + rng.integers(0, 400, size), np.datetime64(DAY_ONE) - 1)
    digits = np.where(kind == "E", "2", "1").astype(object)
    return {
        "统一社会信用代码": people.credit_codes(rng, district, digits), "企业名称": people.enterprises(rng, industry, kind),
        "市场主体类型": kind, "行业门类": industry, "登记区划": district,
        "注册资本(万元)": texts(rng.choice([10, 50, 100, 200, 500, 1000, 5000], size, p=[0.2, 0.2, 0.25, 0.15, 0.12, 0.07, 0.01]), "%.2f"),
        "成立日期": founded.astype(str).astype(object), "核准日期": approved.astype(str).astype(object),
        "经营状态": pick(rng, ["存续", "注销", "吊销", "迁出"], size, [88, 8, 2, 2]),
        "住所": addresses.premises(draw, district, street),
        "法定代表人": people.names(rng, size), "联系电话": people.mobiles(rng, size),
    }


def _changes(draw: Draw) -> Enterprises:
    """One in fifty has moved its capital or state, approved yesterday."""
    known, rng = register(draw), draw.rng("enterprise changes" if draw.day == 2 else f"enterprise changes {draw.day}")
    size = len(known["企业名称"])
    at = np.sort(rng.choice(np.arange(100, size), size // 50, replace=False))      # none that day 1 has defects in
    changed = {name: values[at].copy() for name, values in known.items()}
    changed["核准日期"][:] = draw.yesterday.isoformat()
    changed["注册资本(万元)"] = texts(changed["注册资本(万元)"].astype(float) * 2, "%.2f")
    changed["经营状态"][: len(at) // 4] = "注销"
    return changed


def _planted(draw: Draw, known: Enterprises) -> Enterprises:
    """The defects of planted.py in the whole register; each in a row of its own, from row 30 on four sent twice."""
    code, capital, approved, founded = (known[name] for name in ("统一社会信用代码", "注册资本(万元)", "核准日期", "成立日期"))
    code[0], code[1] = code[0].lower(), f" {code[1]}\t"
    capital[2], capital[3], capital[4], capital[5] = "-", "１００．００", "1,000.00", "5000万元"
    founded[6], founded[7], founded[8] = "2023/5/7", "2023年5月7日", "20230507"
    approved[6:9] = "2024-05-06"
    known["登记区划"][9], approved[9], founded[9] = "330103", "2019-03-01", "2018-03-01"       # still valid then
    known["登记区划"][10], known["登记区划"][11] = "330103", "330104"                           # abolished in 2021
    known["登记区划"][12], approved[12], founded[12] = "330113", "2020-06-01", "2019-06-01"    # not yet there
    code[13] = code[13][:15]
    capital[14], known["行业门类"][15], known["经营状态"][16] = "面议", "Z", "营业中"
    known["企业名称"][17] = ""
    if draw.canary is not None:
        known["法定代表人"][20], known["联系电话"][20] = draw.canary.person_name, draw.canary.mobile
    return known
