"""The 12345 hotline: JSON Lines, one file a day, and what callers said when they were called back. All callers are made by the seed."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from console.demo import addresses, people
from console.demo.draw import DAY_ONE, Draw, Text, pick, texts
from console.demo.files import Sources

_ASKS = {
    "1001": ("占道经营影响通行", "多家摊位占用人行道经营"), "1002": ("夜间施工噪声扰民", "工地夜间十一点后仍在施工"),
    "1003": ("小区门口违章停车", "消防通道被车辆占用"), "2001": ("停水多日未恢复", "水压不足，已影响生活"),
    "2002": ("公交班次间隔过长", "早高峰等候超过四十分钟"), "2003": ("咨询小学入学政策", "随迁子女如何报名"),
    "3001": ("预付卡退费纠纷", "健身房停业后不退费"), "3002": ("反映餐饮店卫生问题", "就餐后身体不适"),
    "4001": ("物业收费不透明", "公共收益未公示"), "4002": ("新房墙面渗水", "交付后墙面多处渗水"),
}
_WORDS = ["我是{name}，问题已经解决，谢谢。", "本人{name}，电话{phone}，还没有人联系我。", "住在{address}，噪声还是很大，请{name}所在单位再看看。",
          "处理很快，满意。", "已退款到账，谢谢{name}的朋友帮忙反映。", "{address}的积水排掉了，希望常来巡查。", "没有解决，请再打{phone}找{name}。",
          "上周{name}代我打的电话，社区已经来人看过，说要等排期，希望给个准信。", "回复我的人态度很好。路灯修好了，{address}门口晚上亮了。",
          "请把结果告诉我爱人{name}，她的号码是{phone}，我白天上班接不了电话。", "第三次反映了。{address}楼下的烧烤摊还在，{name}和我都睡不好。",
          "停水的事解决了，但是没有提前通知，建议以后发短信。", "材料是{name}交的，窗口说缺一份证明，{phone}一直没人打来。"]
_OFFICES = ["市城管局", "市水务集团", "市公交集团", "市教育局", "市市场监管局", "市住保房管局"]


def build(draw: Draw, out: Sources) -> None:
    """Day 1: eight days, and a file without a byte; day 2: one more day, with some cases sent again; day 3: one more."""
    size = draw.many(1_200, 120, 4_900)
    days = [DAY_ONE - timedelta(days=back) for back in range(8, 0, -1)]
    if draw.day == 1:
        for day in days:
            cases = _cases(draw, day, size)
            _write(out, day, _planted(draw, cases) if day == days[-1] else cases, broken=day == days[-1])
        out.put(f"cases/cases_{days[0] - timedelta(days=1):%Y%m%d}.jsonl", b"")
        _write(out, days[0] - timedelta(days=2), _with_ids(draw, _cases(draw, days[0] - timedelta(days=2), 30)))
        _revisits(draw, out)
        return
    if draw.day == 3:
        _write(out, draw.yesterday, _cases(draw, draw.yesterday, size))
        return
    new, before = _cases(draw, DAY_ONE, size), _cases(draw, days[-2], size)
    _write(out, DAY_ONE, {name: np.append(new[name], before[name][40:45]) for name in new})


def _write(out: Sources, day: date, cases: dict[str, Text], broken: bool = False) -> None:
    lines = [json.dumps(dict(zip(cases, row, strict=True)), ensure_ascii=False) for row in zip(*cases.values(), strict=True)]
    if broken:
        lines += [lines[-1][:-9], *lines[30:33]]
    out.csv(f"cases/cases_{day:%Y%m%d}.jsonl", lines, "utf-8")


def _with_ids(draw: Draw, cases: dict[str, Text]) -> dict[str, Text]:
    """Cases in whose words the agent wrote ID numbers, a kind that the collection rule does not list."""
    rng, size = draw.rng("ids in cases"), len(cases["case_no"])
    ids = people.resident_ids(rng, rng.integers(1950, 2005, size), cases["district_code"])
    return {**cases, "content": cases["content"] + "，身份证号" + ids}


def _revisits(draw: Draw, out: Sources) -> None:
    """Words of callers, with names, numbers and addresses in them."""
    size, rng = draw.many(1_500, 240, 4_000), draw.rng("revisits")
    district, name, street = people.places(rng, size, 60)
    facts = {"name": people.names(rng, size), "phone": people.mobiles(rng, size), "address": people.addresses(rng, name, street)}
    words = [form.format(**{key: values[at] for key, values in facts.items()}) for at, form in enumerate(pick(rng, _WORDS, size))]
    rows = {"case_no": f"HZ{DAY_ONE - timedelta(days=5):%Y%m%d}" + texts(np.arange(1, size + 1), "%05d"), "district": district,
            "category": pick(rng, list(_ASKS), size), "words": np.array(words, object), "caller": facts["name"], "caller_phone": facts["phone"]}
    if draw.canary is not None:
        rows["words"][9] = f"{draw.canary.person_name} {draw.canary.mobile} {draw.canary.email}"
    lines = [json.dumps(dict(zip(rows, row, strict=True)), ensure_ascii=False) for row in zip(*rows.values(), strict=True)]
    out.csv(f"revisits/revisits_{DAY_ONE:%Y%m%d}.jsonl", lines, "utf-8")


def _cases(draw: Draw, day: date, size: int) -> dict[str, Text]:
    rng = draw.rng(f"cases {day}")
    district, _, street = people.places(rng, size, 8)
    category = pick(rng, list(_ASKS), size, [8, 16, 14, 6, 8, 5, 18, 6, 14, 5])
    title = np.array([_ASKS[code][0] for code in category], object)
    content = np.array([_ASKS[code][1] for code in category], object)
    caller, phone = people.names(rng, size), people.mobiles(rng, size)
    seconds = np.sort(rng.integers(7 * 3600, 23 * 3600, size))
    times = (np.datetime64(day) + seconds.astype("timedelta64[s]")).astype(str).astype(object)
    some = rng.random(size)
    return {
        "case_no": f"HZ{day:%Y%m%d}" + texts(np.arange(1, size + 1), "%05d"), "received_at": times,
        "category_code": category, "district_code": district, "title": street + title,
        "content": caller + "来电：" + content + "，请回复" + phone, "caller_name": caller, "caller_phone": phone,
        "email": _some(some < 0.2, people.emails(rng, size)), "refund_account": _some(category == "3001", people.bank_cards(rng, size)),
        "handled_by": pick(rng, _OFFICES, size), "status": pick(rng, ["受理", "办理中", "已办结"], size, [1, 2, 7]),
        "satisfied": _some(some < 0.6, pick(rng, ["是", "否"], size, [4, 1])),
        "location": addresses.locations(draw, f"locations {day}", district, street),
    }


def _some(there: npt.NDArray[np.bool_], values: Text) -> Text:
    """The values that are there; the others are not in the record's data."""
    values[~there] = None
    return values


def _planted(draw: Draw, cases: dict[str, Text]) -> dict[str, Text]:
    """The defects of planted.py; three titles with a caller's number, which the screen must find."""
    cases["title"][:3] = "请回电" + cases["caller_phone"][:3]
    cases["email"][3], cases["satisfied"][4], cases["status"][5] = "无", "一般", "已归档"
    cases["category_code"][6], cases["district_code"][7], cases["received_at"][8] = "9999", "", "昨天下午"
    cases["location"][10], cases["location"][11] = "不详", "小区南门附近"
    if draw.canary is not None:
        canary = draw.canary
        cases["caller_name"][9], cases["caller_phone"][9], cases["email"][9] = canary.person_name, canary.mobile, canary.email
        cases["refund_account"][9], cases["content"][9] = canary.bank_card, f"{canary.person_name} {canary.mobile}"
    return cases
