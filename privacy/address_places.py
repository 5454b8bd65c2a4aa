"""The gazetteer: names of China's divisions with their codes, and of Zhejiang's communities and villages.

The files are in privacy/data (origin and licence: README there). Read once a process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import ahocorasick

from catalog.canonical import fingerprint

LEVEL_OF = {2: "province", 4: "city", 6: "district", 9: "street", 12: "community"}
_NO_NAMES = frozenset(("市辖区", "县", "城区", "郊区", "矿区", "省直辖县级行政区划", "自治区直辖县级行政区划"))
_NATION = ("壮族|回族|维吾尔|藏族|苗族|彝族|土家族|侗族|布依族|朝鲜族|蒙古族?|哈萨克|傣族|白族|哈尼族|傈僳族|羌族|柯尔克孜|畲族|黎族|瑶族|满族|各族")
_SUFFIX = re.compile(rf"(?:(?:{_NATION})+)?(?:特别行政区|自治区|自治州|自治县|自治旗|地区|省|市|区|县|盟|旗)$")
_STREET = re.compile(r"(?:街道|镇|乡|苏木)$")


@dataclass(frozen=True)
class Place:
    """A name as it stands in a text: the codes that it may mean, and whether it is the short form (杭州 for 杭州市)."""

    start: int
    end: int
    level: str
    codes: tuple[str, ...]
    short: bool


def rows(name: str) -> list[tuple[str, str]]:
    """(code, name) of a file of privacy/data."""
    lines = (files("privacy") / "data" / name).read_text(encoding="utf-8").splitlines()[1:]
    return [(code, title) for code, _, title in (line.partition(",") for line in lines)]


@lru_cache(maxsize=1)
def names() -> Mapping[str, str]:
    """Code (2, 4, 6, 9 or 12 digits) → official name."""
    return dict(rows("divisions.csv") + rows("communities.csv"))


@lru_cache(maxsize=1)
def version() -> str:
    """Fingerprint of the gazetteer."""
    return fingerprint(*(sha256((files("privacy") / "data" / name).read_bytes()).hexdigest() for name in ("divisions.csv", "communities.csv")))[:16]


def short_name(name: str) -> str:
    """杭州 for 杭州市; the name itself where nothing but the suffix would be left."""
    short = _SUFFIX.sub("", name)
    return short if len(short) >= 2 else name


def _entries() -> Iterator[tuple[str, str, str, bool]]:
    """(spelling, level, code, short)."""
    for code, name in names().items():
        level = LEVEL_OF[len(code)]
        if name in _NO_NAMES or (level == "street" and not _STREET.search(name)) or (level == "community" and len(name) < 3):
            continue
        yield name, level, code, False
        if level in ("province", "city", "district") and (short := short_name(name)) != name:
            yield short, level, code, True


@lru_cache(maxsize=1)
def _automaton() -> Any:
    meant: dict[str, list[tuple[str, str, bool]]] = {}
    for spelling, level, code, short in _entries():
        meant.setdefault(spelling, []).append((level, code, short))
    found = ahocorasick.Automaton()
    for spelling, entries in meant.items():
        found.add_word(spelling, (spelling, tuple(entries)))
    found.make_automaton()
    return found


def places(text: str) -> list[Place]:
    """Every name of a place in a compact text, by start, longest first; one entry for each level that it may be."""
    found = []
    for last, (spelling, entries) in _automaton().iter(text):
        start = last + 1 - len(spelling)
        by_level: dict[tuple[str, bool], list[str]] = {}
        for level, code, short in entries:
            by_level.setdefault((level, short), []).append(code)
        found += [Place(start, last + 1, level, tuple(codes), short) for (level, short), codes in by_level.items()]
    return sorted(found, key=lambda place: (place.start, -place.end, place.short, len(place.codes[0])))
