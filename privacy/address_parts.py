"""The parts of addresses in a plain text: divisions by the gazetteer; roads, estates and communities by what their names end with;
numbers of gates, buildings, units, floors and rooms by their shape. One pass from left to right; nothing overlaps.

Which parts make one address together is addresses.py's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from privacy.address_places import Place, places
from privacy.address_text import Plain

_N = r"(?:(?:[A-Z]{1,2}-?)?\d{1,5}(?:[A-Z](?![A-Z]))?|[一二三四五六七八九十百零〇两]{1,5}|[A-Z]|[甲乙丙丁东西南北中](?=[幢栋座楼区单门]))"
_LIST = rf"{_N}(?:[-/、,.至和及]{_N}){{0,4}}"
_SHAPES: tuple[tuple[str, str], ...] = (
    ("road", r"(?:第?[一二三四五六七八九十]{1,3}|\d{1,3})号?(?:大街|大道)|[GSXY]?\d{2,4}(?:国道|省道|县道|乡道)|\d{1,3}号?[路街](?!公交|车)"),
    ("building", rf"{_LIST}(?:号楼|号院|号厂房|号?[幢栋座橦]|#楼?|号公寓|号别墅|号宿舍)"),
    ("unit", rf"{_LIST}(?:号?单元|号?梯|号?楼道|号门(?!口))"),
    ("room", rf"{_LIST}(?:号?房间|[室房]|号?[店商]?铺面?位?|号?店面|号?摊位?|号?柜|号?车间|号?车位|号?[仓车]?库|户)(?![一-龥]?屋)"),
    ("floor", rf"(?:负|地下|B)?{_LIST}(?:楼层?|层|F(?![A-Z0-9]))"),
    ("roadno", rf"(?:附|新|临|旧)?{_LIST}(?:支?弄|号(?![线码文])(?:附{_N}号?|之{_N}|[-]{_N}(?![\d])号?)?|巷)"),
    ("group", rf"(?:第?{_LIST}|[一-龥]{{0}})(?:村民)?(?:小组|组|社|[大小]?队)(?![一-龥]?[长员织])"),
    ("section", rf"(?:第?{_LIST}|[东西南北中上下]{{1,2}})(?:期|区(?!域|别|分)|组团|标段|段)"),
    ("bare", r"#?(?:[A-Z]{1,2}-?)?\d{1,4}[A-Z]?(?:-[A-Z]?\d{1,4}[A-Z]?){0,3}#?(?![\d.%‰]|[A-Z]{2})"),
)
# 5-2-301 after a name: building, unit, room. Not 3-5天, not 0571-88.
_DASHED = re.compile(r"(?:[A-Z]|[A-Z]?\d{1,3}[A-Z]?)(?:-[A-Z]?\d{1,4}[A-Z]?){1,3}(?![-\d.%‰:]|[A-Z]{2})")
_NUMBERED = tuple((kind, re.compile(shape)) for kind, shape in _SHAPES)
_QUANTITY = re.compile("[年月日时点分秒个次人元块万千百亿米天周岁吨斤克公度户家辆台只条张件份名位起例户米多余几]")
_ROAD = re.compile(
    "大道|大街|公路|国道|省道|县道|胡同|里弄|支路|街(?![道舞坊])|路(?![面灯人过途段费况由])|(?:巷|弄)(?![堂里口])"
    "|(?:巷|弄|道|线|环|桥|港|河)(?=[-\\d一二三四五六七八九十]+(?:号|弄|支弄))")
_TOWN = re.compile("街道(?!办事)|街道(?=办事处)|镇|乡|开发区|工业区|新区|高新区|园区|功能区|度假区|风景区|集聚区")
_COMMUNITY = re.compile("社区|居委会|村委会|自然村|行政村|村(?!民|干|务|上|里|口|集)")
_ESTATE_LONG = (
    "小区|花园|花苑|家园|佳苑|公寓|大厦|大楼|广场|新村|别墅|山庄|公馆|华府|名邸|名苑|雅苑|景苑|嘉苑|华庭|商城|市场|中心|大学|学院|学校|中学|小学|幼儿园|医院|卫生院"
    "|酒店|宾馆|饭店|超市|商场|商厦|公园|工业园|科技园|产业园|创业园|创意园|软件园|物流园|码头|宿舍|车站|地铁站|加油站|写字楼|国际|时代|住宅区|步行街|商业街|城堡")
_ESTATE_ORG = "公司|集团|银行|支行|分行|派出所|法院|检察院|政府|分局|事务所|门诊部|营业厅|营业部|厂区|工厂|厂|店|馆|院|局|所|站"
_ESTATE_SHORT = "苑|园|城|府|庭|邸|湾|居|庄|轩|阁|坊|里|楼|塔|门|厅|庙|寺|亭|台|湖|岛|畈|埭|弄|桥|浜|墩|畔|座|室|口|东|西|南|北|侧|旁|边"
_ESTATE = re.compile(f"(?:{_ESTATE_LONG})")
# 桂湾 is no estate in 桂湾巷, nor 半山桥 one in 半山桥路.
_ESTATE_IN_CHAIN = re.compile(f"(?:{_ESTATE_LONG}|{_ESTATE_ORG}|(?:{_ESTATE_SHORT})(?!路|街(?!道)|巷|弄堂|大道|大街|公路))")
_NO_ROAD = re.compile(
    "(?:马路|道路|公路|铁路|线路|网路|电路|思路|半路|走路|上路|出路|该路|此路|大路|小路|水路|岔路|十字路|逛街|大街|沿街|人行道|车道|通道|轨道|管道|渠道|知道"
    "|报道|频道|隧道|赛道|占道|一路|两路|修路|环路|支路|高速公路)$")
# What makes a short name another thing: 上海路, 中山东路, 杭州银行.
_AFTER_SHORT = re.compile(
    "[东西南北中一-龥]?(?:大道|大街|路|街(?!道)|巷|公路)|[东西南北中一二三四五六七八九十新]?(?:大学|学院|银行|公司|集团|医院|商会|话|人|菜)")
DOOR = frozenset(("roadno", "building", "unit", "floor", "room", "bare"))
BEHIND = DOOR | {"road", "estate", "section"}
DIVISIONS = ("province", "city", "district", "street", "community")
SHAPES = tuple(pattern.pattern for pattern in (
    *(shape for _, shape in _NUMBERED), _DASHED, _QUANTITY, _ROAD, _TOWN, _COMMUNITY, _ESTATE, _ESTATE_IN_CHAIN, _NO_ROAD, _AFTER_SHORT))
_NAME = 8               # characters of a road's or estate's own name, at most


@dataclass(frozen=True)
class Part:
    """Characters `start` to `end` of the plain text; `codes` are a division's; `short` is a division without its suffix."""

    start: int
    end: int
    kind: str
    codes: tuple[str, ...] = ()
    short: bool = False


def parts(text: Plain) -> list[Part]:
    """All parts, by place."""
    known: dict[int, list[Place]] = {}
    for place in places(text.text):
        known.setdefault(place.start, []).append(place)
    found: list[Part] = []
    at = done = 0
    while at < len(text.text):
        part = _place(text, known.get(at, ()), found) or _numbered(text, at, found) or _named(text, at, done, found)
        if part is None:
            at += 1
            continue
        found.append(part)
        at = done = part.end
    return found


def _place(text: Plain, here: Sequence[Place], found: Sequence[Part]) -> Part | None:
    for place in here:
        parent = found[-1] if found and found[-1].codes and place.start - found[-1].end <= 1 else None
        codes = under(place.codes, parent.codes) if parent else ()
        if place.short and (_AFTER_SHORT.match(text.text, place.end) or (place.level == "district" and not codes)):
            continue
        if place.level == "community" and len(text.text[place.start:place.end]) < 4 and not codes:
            continue
        if not text.begins[place.start] and not codes and (place.short or place.end - place.start < 4):
            continue
        if place.short and not codes and found and place.start - found[-1].end <= 1 and found[-1].kind in (*BEHIND, *DIVISIONS[2:]):
            return Part(place.start, place.end, "estate")       # 蜀山街道桂林小区, 江湾路46号桂林大厦: part of another name
        return Part(place.start, place.end, place.level, codes or place.codes, place.short)
    return None


def under(codes: Sequence[str], parents: Sequence[str]) -> tuple[str, ...]:
    """Those codes that lie under one of the parents."""
    return tuple(code for code in codes if any(code.startswith(parent) for parent in parents))


def _numbered(text: Plain, at: int, found: Sequence[Part]) -> Part | None:
    before = text.text[at - 1] if at else ""
    if before.isascii() and before.isalnum() and not (found and found[-1].end == at):
        return None
    if before == "月":
        return None
    joined = bool(found) and at - found[-1].end <= 1 and found[-1].kind not in ("province", "city")
    for kind, pattern in _NUMBERED:
        hit = pattern.match(text.text, at)
        if hit and _fits(text, kind, hit, joined):
            return Part(at, hit.end(), kind)
    hit = _DASHED.match(text.text, at)
    near = bool(found) and at - found[-1].end <= _NAME
    if hit and (near or hit.group().count("-") == 2) and _is_han(before) and not _QUANTITY.match(text.text, hit.end()):
        return Part(at, hit.end(), "bare")
    return None


def _fits(text: Plain, kind: str, hit: re.Match[str], joined: bool) -> bool:
    """Weak shapes only count right behind another part, or (一区, 二期) behind the name of a place."""
    if kind == "section":
        return joined or (hit.start() > 0 and text.tags[hit.start() - 1] in ("LOC", "nz"))
    if kind in ("group", "bare") and not joined:
        return False
    return kind != "bare" or not _QUANTITY.match(text.text, hit.end())


def _is_han(mark: str) -> bool:
    return "一" <= mark <= "龥"


def _named(text: Plain, at: int, done: int, found: Sequence[Part]) -> Part | None:
    """A name that ends with the kind of place that it is: the suffix stands at `at`."""
    chained = bool(found) and at - found[-1].end <= _NAME
    for kind, pattern in (("street", _TOWN), ("community", _COMMUNITY), ("road", _ROAD), ("estate", _ESTATE_IN_CHAIN if chained else _ESTATE)):
        hit = pattern.match(text.text, at)
        if hit is None:
            continue
        start = _name_start(text, at, done)
        if start == at and not (kind == "estate" and text.tags[at] == "LOC"):
            continue
        if kind == "road" and _NO_ROAD.search(text.text[start:hit.end()]):
            continue
        return Part(start, hit.end(), kind)
    return None


def _name_start(text: Plain, at: int, done: int) -> int:
    """Where the name before `at` begins: after the last part, clause mark, function word or verb; at most 8 characters back."""
    if done > 0 and 0 < at - done <= _NAME and not any(_ends(text, index, verbs=False) for index in range(done, at)):
        return done
    start = at
    while start > done and at - start < _NAME and not _ends(text, start - 1):
        start -= 1
    while start < at and not text.begins[start] and start != done:
        start += 1
    return start


def _ends(text: Plain, at: int, verbs: bool = True) -> bool:
    mark = text.text[at]
    return (text.hard[at] or text.soft[at] or mark in ",，、()（）[]【】-/" or text.spaced[min(at + 1, len(text.text) - 1)]
            or (verbs and text.verb[at]))
