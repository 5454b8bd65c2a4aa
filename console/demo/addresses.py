"""The city's address book: roads, estates and doors that are made up, in streets and communities that are real (SOURCE.md).

Other sources take their addresses from it, each in spellings of its own: `spelled` writes one door in every way that officials do.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from console.demo.draw import DAY_ONE, Draw, Text, divisions, joined, pick, texts
from console.demo.files import Sources, csv_lines
from privacy.address_places import names

Book = dict[str, Text]
ROADS_A_STREET, GATES_A_ROAD, BUILDINGS, DOORS = 3, 4, 2, 2
_FIRST = list("云竹桂松枫荷梅兰栖泉溪湖江澜潮汐晨星月霞锦绣瑞祥嘉禾")
_LAST = list("和安宁康泰丰裕盛兴隆庆华英文景秀芳香林谷峰岚湾渡")
_ROAD = ["路", "路", "路", "街", "巷", "大道"]
_ESTATE = ["花园", "公寓", "家园", "新村", "大厦", "广场", "小区", "苑"]
_USE = {"花园": "住宅", "公寓": "住宅", "家园": "住宅", "新村": "住宅", "小区": "住宅", "苑": "住宅", "大厦": "办公", "广场": "商业"}
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
# How one door is written. 4 names the estate instead of the road, where there is one; 5 leaves the street out.
FORMS = ("浙江省杭州市{d}{s}{c}{r}{n}号{e}{b}幢{u}单元{o}室", "杭州市{d}{s}{r}{n}号{b}幢{u}单元{o}室", "{d}{s}{r}{n}号{e}{b}号楼{u}单元{o}",
         "杭州市 {d} {s} {r}{n}号 {b}栋 {u}单元 {o}室", "{d}{s}{e}{b}-{u}-{o}", "{d}{r}{n}号{b}幢{u}单元{o}室")


@lru_cache(maxsize=2)
def book(draw: Draw) -> Book:
    """One row a gate, building or door; what it does not have is empty. The same on both days."""
    rng, known = draw.rng("address book"), divisions()
    real = np.flatnonzero([name.endswith(("街道", "镇", "乡")) for name in known["name"]])     # the others are statistical units
    streets = np.repeat(real, ROADS_A_STREET * GATES_A_ROAD)
    streets = np.sort(rng.choice(streets, draw.many(len(streets), 240, len(streets)), replace=False))
    gates = _gates(rng, known, streets)
    estates = np.flatnonzero(gates["e"] != "")
    buildings = _within(gates, np.repeat(estates, BUILDINGS), b=np.tile(np.arange(1, BUILDINGS + 1), len(estates)))
    size = len(buildings["b"])
    doors = _within(buildings, np.repeat(np.arange(size), DOORS), u=rng.integers(1, 4, size * DOORS),
                    o=rng.integers(1, 12, size * DOORS) * 100 + np.tile(np.arange(1, DOORS + 1), size))
    return {name: np.concatenate([part[name] for part in (gates, buildings, doors)]) for name in gates}


def _gates(rng: np.random.Generator, known: dict[str, Text], streets: npt.NDArray[np.int64]) -> Book:
    """Roads are named once a district, so that a number on a road is one place."""
    roads = [first + last for first in _FIRST for last in _LAST]
    of_street: dict[str, list[str]] = {code: [] for code in known["code"]}
    for district in dict.fromkeys(known["district"]):
        mine = known["code"][known["district"] == district]
        drawn = rng.permutation(roads)[: len(mine) * ROADS_A_STREET]
        for at, code in enumerate(mine):
            of_street[code] = list(drawn[at * ROADS_A_STREET:(at + 1) * ROADS_A_STREET])
    code, size = known["code"][streets], len(streets)
    road = np.array([of_street[one][at] for one, at in zip(code, rng.integers(0, ROADS_A_STREET, size), strict=True)], object)
    kind = np.array([_ROAD[sum(map(ord, one)) % len(_ROAD)] for one in road], object)
    estate = np.where(rng.random(size) < 0.5, joined(pick(rng, _FIRST, size), pick(rng, _LAST, size), pick(rng, _ESTATE, size)), "")
    empty = np.full(size, "", object)
    return {"street": code, "d": known["district_name"][streets], "s": known["name"][streets], "c": _communities(rng, code),
            "r": joined(road, kind), "n": texts(rng.integers(1, 999, size)), "e": estate.astype(object), "b": empty, "u": empty, "o": empty}


def _communities(rng: np.random.Generator, streets: Text) -> Text:
    """A community of each street, where its name says that it is one."""
    known: dict[str, list[str]] = {}
    for code, name in names().items():
        if len(code) == 12 and name.endswith(("社区", "村")):
            known.setdefault(code[:9], []).append(name)
    return np.array([known[street][at % len(known[street])] if street in known else ""
                     for street, at in zip(streets, rng.integers(0, 9, len(streets)), strict=True)], object)


def _within(book_: Book, at: npt.NDArray[np.int64], **more: npt.NDArray[np.int64]) -> Book:
    return {name: texts(more[name]) if name in more else values[at] for name, values in book_.items()}


def spelled(rng: np.random.Generator, known: Book, at: npt.NDArray[np.int64], weights: list[float]) -> Text:
    """The rows `at` of the book as text; `weights` say how often each of the forms is used."""
    return np.array([_form({name: known[name][row] for name in "dscrneuob"}, form)
                     for row, form in zip(at, rng.choice(len(FORMS), len(at), p=np.array(weights) / sum(weights)), strict=True)], object)


def _form(parts: dict[str, str], form: int) -> str:
    """One spelling, without what the row does not have."""
    if form == 4 and not (parts["e"] and parts["o"]):
        form = 2
    text = FORMS[form]
    for name, words in (("b", ("{b}幢", "{b}号楼", "{b}栋")), ("u", ("{u}单元",)), ("o", ("{o}室", "{o}"))):
        if not parts[name]:
            for word in words:
                text = text.replace(word, "")
    made = text.format(**parts).strip()
    return made.translate(_WIDE) if form == 3 else made


def build(draw: Draw, out: Sources) -> None:
    """Day 1: the whole book as CSV, with the defects of planted.py. Day 2 brings nothing."""
    if draw.day != 1:
        return
    known, rng = book(draw), draw.rng("address book spellings")
    size = len(known["street"])
    use = np.array([_USE.get(next((kind for kind in _ESTATE if estate.endswith(kind)), ""), "公共") for estate in known["e"]], object)
    columns = {"地址编号": "D" + texts(np.arange(1, size + 1), "%06d"), "地址全称": spelled(rng, known, np.arange(size), [8, 1, 1, 1, 0, 0]),
               "用途": use, "登记日期": (np.datetime64(DAY_ONE) - rng.integers(30, 3000, size)).astype(str).astype(object)}
    address = columns["地址全称"]
    address[0], address[1], address[2] = "不详", known["r"][1] + known["n"][1] + "号", f"{address[2]}；{address[3]}"
    columns["用途"][4], columns["登记日期"][5] = "仓库", "2024/13/01"
    lines = csv_lines(columns)
    out.csv(f"address_book/doors_{draw.today:%Y%m%d}.csv", [*lines, *lines[10:13]], "utf-8-sig", "\r\n")


def premises(draw: Draw, districts: Text, streets: Text) -> Text:
    """A gate of the book for each district's code and street's name, as enterprises write where they are registered."""
    known, rng = book(draw), draw.rng("premises")
    gates = {name: values[known["b"] == ""] for name, values in known.items()}
    return spelled(rng, gates, _there(rng, gates, districts, streets), [1, 4, 3, 1, 0, 1])


def locations(draw: Draw, stream: str, districts: Text, streets: Text) -> Text:
    """What a caller says of where it is; of one case in eight nothing, and one in ten names a building that is not in the book."""
    known, rng = book(draw), draw.rng(stream)
    at = _there(rng, known, districts, streets)
    told = {name: values[at] for name, values in known.items()}
    told["b"] = np.where((told["b"] != "") & (rng.random(len(at)) < 0.1), "19", told["b"])
    said = spelled(rng, told, np.arange(len(at)), [1, 2, 4, 1, 2, 2])
    said[rng.random(len(said)) < 0.125] = None
    return said


def _there(rng: np.random.Generator, known: Book, districts: Text, streets: Text) -> npt.NDArray[np.int64]:
    """A row of the book in each street, or in its district where the book has none."""
    near: dict[str, list[int]] = {}
    for at, (street, name) in enumerate(zip(known["street"], known["s"], strict=True)):
        for place in (street[:6], street[:6] + name):
            near.setdefault(place, []).append(at)
    chosen = [near.get(district + street) or near[district] for district, street in zip(districts, streets, strict=True)]
    return np.array([rows[int(share * len(rows))] for rows, share in zip(chosen, rng.random(len(chosen)), strict=True)], np.int64)
