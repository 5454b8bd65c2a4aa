"""Addresses: found in texts, parsed to standard levels, cut off after a level. Their codes are address_codes.py's.

Levels, coarse to fine: province, city, district, street (街道, 镇, 乡), community (社区, 村), road, estate (a named estate, building or
institution), door (a number on the road, a building, unit, floor or room). The gazetteer says what a division is; where it does not,
nothing is guessed: `text_at` gives None. Parts and their order follow GB/T 23705.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from catalog.canonical import fingerprint
from privacy.address_parts import DIVISIONS, DOOR, SHAPES, Part, parts, under
from privacy.address_places import LEVEL_OF, names, version
from privacy.address_text import Plain, Word, number, plain
from privacy.spans import Span

LEVELS = ("province", "city", "district", "street", "community", "road", "estate", "door")
_LEVEL = {"group": "community", "section": "estate", "zone": "street", **{kind: "door" for kind in DOOR}}
_GAP = 12           # characters without a sign of their own (an estate's name) that may stand between two parts of one address
_TAIL = 10
_RULES = 3          # raise with every change of how parts become an address
_ROAD_NAME = 4      # a longer name before 路 may hold more than the road's
_SUFFIX = re.compile("(?:大道|大街|公路|胡同|路|街|巷|弄|道|线)$")
_BRIDGE = frozenset("-,，、()（）/与和及的 .内[]【】")
_SCORE = {"door": 0.9, "estate": 0.6, "road": 0.5, "community": 0.5, "street": 0.4, "district": 0.35, "city": 0.3, "province": 0.3}


@dataclass(frozen=True)
class Component:
    """A part of an address: its characters in the original text, and its normal spelling."""

    start: int
    end: int
    kind: str
    text: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Address:
    """Characters `start` to `end` of the original; `level` is the finest that occurs."""

    start: int
    end: int
    level: str
    score: float
    components: tuple[Component, ...]


def parse(text: str, words: Sequence[Word] | None = None) -> list[Address]:
    """All addresses in a text; `words` are the language model's, joining to the text (better borders of names)."""
    made = plain(text, words)
    found = [_address(made, chain, whole=words is None) for chain in _chains(made, parts(made))]
    return [address for address in found if address is not None]


def address_spans(text: str, words: Sequence[Word] | None = None) -> list[Span]:
    """The addresses as spans; `level` is the finest."""
    return [Span(found.start, found.end, "address", found.score, found.level) for found in parse(text, words)]


@lru_cache(maxsize=1)
def address_version() -> str:
    """Fingerprint of the gazetteer and the rules: part of what a verdict or a cached result is bound to."""
    return fingerprint(_RULES, SHAPES, version(), list(LEVELS), _SCORE)[:16]


def level_of(kind: str) -> str:
    """The level of a component's kind."""
    return _LEVEL.get(kind, kind)


def _chains(text: Plain, found: Sequence[Part]) -> list[list[Part]]:
    chains: list[list[Part]] = []
    for part in found:
        if chains and _linked(text, chains[-1], part):
            last = chains[-1][-1]
            if _filled(text.text[last.end:part.start]):
                chains[-1].append(Part(last.end, part.start, "estate"))
            chains[-1].append(part)
        else:
            chains.append([part])
    return chains


def _filled(gap: str) -> bool:
    return any(mark not in _BRIDGE for mark in gap)


def _linked(text: Plain, chain: Sequence[Part], part: Part) -> bool:
    last = chain[-1]
    gap = range(last.end, part.start)
    if len(gap) > _GAP or any(text.hard[at] for at in gap):
        return False
    if part.codes and not part.short and last.kind in DOOR:
        return False
    between = text.text[last.end:part.start]
    if not _filled(between):
        return len(between) <= 2
    if any(mark in ",，、" for mark in between) or any(text.soft[at] and not (text.tags[at] == "PER" and part.kind in DOOR) for at in gap):
        return False
    if any(text.verb[at] for at in gap) and last.kind in DOOR:
        return False
    return part.kind in DOOR or part.kind in ("estate", "road", "section", "group", "community") or len(gap) <= 2


def _address(text: Plain, chain: list[Part], whole: bool) -> Address | None:
    kinds = {part.kind for part in chain}
    doors = [part for part in chain if part.kind in DOOR]
    if not doors and kinds == {"section"}:
        return None
    if kinds <= DOOR | {"section"}:
        before = _before(text, chain[0].start)
        if before is None and (len(doors) < 2 or kinds <= {"floor", "bare", "roadno"}):
            return None
        chain = [*([before] if before else []), *chain]
    chain = _tail(text, _head(text, chain), whole)
    level = max((level_of(part.kind) for part in chain), key=LEVELS.index)
    if not doors and len(chain) == 1 and not _alone(text, chain[0], whole):
        return None
    start, end = text.place(chain[0].start, chain[-1].end)
    components = tuple(Component(*text.place(part.start, part.end), part.kind, number(text.text[part.start:part.end]) if part.kind in DOOR
                                 else text.text[part.start:part.end], part.codes) for part in chain)
    return Address(start, end, level, _SCORE[level], components)


def _alone(text: Plain, part: Part, whole: bool) -> bool:
    """Whether one part without any number is an address at all."""
    if whole:
        return bool(part.codes) or (part.start == 0 and part.end == len(text.text))
    if part.kind in ("road", "estate", "street", "community", "district"):
        return bool(part.codes and not part.short) or any(tag == "LOC" for tag in text.tags[part.start:part.end])
    return text.tags[part.start] == "LOC"


def _before(text: Plain, end: int) -> Part | None:
    """The name that stands directly before numbers of a door, when it looks like one."""
    start = end
    while start and end - start < _TAIL and not (text.hard[start - 1] or text.soft[start - 1] or text.verb[start - 1]
                                                 or text.text[start - 1] in ",，、()（）"):
        start -= 1
    while start < end and not text.begins[start]:
        start += 1
    return Part(start, end, "estate") if end - start >= 2 and not text.text[start:end].isascii() else None


def _head(text: Plain, chain: list[Part]) -> list[Part]:
    """The chain with the words before it that the model calls a place and that touch it."""
    start = chain[0].start
    while start and text.tags[start - 1] == "LOC" and chain[0].start - start < _TAIL and not text.hard[start - 1]:
        start -= 1
    return [Part(start, chain[0].start, "estate"), *chain] if start < chain[0].start else chain


def _tail(text: Plain, chain: list[Part], whole: bool) -> list[Part]:
    """The chain with the name that follows its last part (文三路 12 号华星大厦), as far as it can be one."""
    last = chain[-1]
    if last.kind in ("unit", "floor", "room") or (last.kind == "bare") or (not whole and len(chain) == 1):
        return chain
    end = last.end
    while end < len(text.text) and end - last.end < (40 if whole else _TAIL) and not _stops(text, end, whole):
        end += 1
    return [*chain, Part(last.end, end, "estate")] if end > last.end and _filled(text.text[last.end:end]) else chain


def _stops(text: Plain, at: int, whole: bool) -> bool:
    if text.hard[at] or text.soft[at] or (not whole and (text.text[at] in ",，、" or text.spaced[at])):
        return True
    return not whole and (text.verb[at] or text.tags[at] not in ("LOC", "ORG", "n", "nz", "nw", "s", "f", "m", "q", "vn", "a", "an"))


def standard(address: Address, near: str = "") -> dict[str, str]:
    """Level → its text in normal spelling; divisions above the first that is known by its code are filled in."""
    made: dict[str, str] = {}
    code = division_code(address, near)
    for length, level in LEVEL_OF.items():
        name = names().get(code[:length]) if len(code) >= length else None
        if name and name != "市辖区":
            made[level] = name
    for part in address.components:
        level = part.kind if part.kind in DOOR else level_of(part.kind)
        if level in DIVISIONS[:3] or (level in made and part.kind in DIVISIONS):
            continue
        for name, piece in _bare(part.text) if level == "bare" else [(level, part.text)]:
            made[name] = made.get(name, "") + piece
    return made


def _bare(text: str) -> list[tuple[str, str]]:
    """5-2-301 is building, unit and room; 5-301 building and room; 301 a room."""
    pieces = text.strip("#").split("-")
    kinds = {1: ("room",), 2: ("building", "room"), 3: ("building", "unit", "room")}.get(len(pieces))
    return list(zip(kinds, pieces, strict=True)) if kinds else [("room", text)]


def division_code(address: Address, near: str = "") -> str:
    """The code of the finest division that is certain: 2, 4, 6, 9 or 12 digits; "" where none is. Of several that bear the name, the
    only one under `near` (the code of the city that the data are from: four digits).
    """
    best: tuple[str, ...] = ()
    for part in address.components:
        if not part.codes:
            continue
        narrowed = under(part.codes, best) if best else part.codes
        if not narrowed and best and not any(code.startswith(part.codes) for code in best):
            return ""                       # they contradict each other: nothing is certain
        best = narrowed or best
    if len(best) > 1 and near:
        best = under(best, (near,))
    return best[0] if len(best) == 1 else ""


def text_at(value: str, level: str, near: str = "") -> str | None:
    """An address cut off after `level`, in standard spelling; None where that cannot be told: fail closed.

    Levels that the address does not name are left out, never guessed from finer ones, but a value that names nothing down to
    `level`, or holds more than one address, gives None. So does a name that several places bear, unless `near` tells which.
    """
    found = parse(value)
    if len(found) != 1 or level not in LEVELS[:6]:
        return None
    code = division_code(found[0], near)
    wanted = LEVELS.index(level)
    if not code or not _names(found[0], level, code):
        return None
    made = standard(found[0], near)
    text = "".join(made.get(name, "") for name in LEVELS[:wanted + 1])
    return text or None


def _names(address: Address, level: str, code: str) -> bool:
    """Whether the address names the level: a division by its code, a road by a name right after one."""
    if level != "road":
        return any(LEVEL_OF[length] == level for length in LEVEL_OF if length <= len(code))
    at = next((at for at, part in enumerate(address.components) if part.kind == "road"), 0)
    own = _SUFFIX.sub("", address.components[at].text)
    return at > 0 and all(part.codes for part in address.components[:at]) and len(own) <= _ROAD_NAME
