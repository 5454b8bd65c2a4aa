"""What one value with Chinese characters tells of persons: a name as a whole, a name or a door inside it. Too much rather than too little
for one value; the column's shares decide (`column_verdicts`). No value is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from privacy.characters import simplified
from privacy.folding import fold
from privacy.model import Model, Reading
from privacy.names import SINGLE, TITLES, like_a_name, name_spans
from privacy.remembered import Memory
from privacy.spans import Span
from privacy.text import TEXT_VERSION, door_spans

SHORT = 6                       # characters of a value that can be a name as a whole
MOST = 40                       # characters of a value that may be a name and marks around it
LONG = 10                       # characters of a value that is running text
SURE = 0.7                      # score of a name inside a longer text that counts
NAME, LIKELY, READ, WITHIN, DOOR = 1, 2, 4, 8, 16
# Two Chinese characters, one beside a mark that hides another or a Latin word, or a room: less is no name and no door, such as a plate.
WORDED = r"\p{Han}(?s:.*)(?:[\p{Han}*×○]|[A-Za-z]{3})|[A-Za-z]{3}(?s:.*)\p{Han}|室"
# The name of a body may hold a founder's.
_BODY = re.compile(r"[\w()（）·]{4,40}(?:公司|企业|合伙|商行|经营部|服务部|工作室|事务所|合作社|中心|协会|学会|基金会|学校|医院|研究院|研究所"
                   r"|乡|镇|村|场|旗|县|区|市|街道|委员会|路|街|桥|分店|店|厂|馆|院|园|所|站|部|社)(?:[(（].{1,12}[)）])?")
# What makes a part of an address of the two or three characters before it, which the model may read as a name.
_ESTATE = re.compile(r"小区|社区|新村|新苑|花园|花苑|家园|公寓|大厦|大楼|广场|[村苑园庭府居城弄巷里路街桥]")
_AROUND = re.compile(rf"^[\W\d_]+|[\W\d_]+$|[\W_]+|(?:{TITLES.removesuffix('|某')})$")
_RUNNING = frozenset(("v", "vd", "p", "c", "w", "r"))
LOOK_VERSION = f"{TEXT_VERSION} look 5"
Looks = Callable[[Sequence[str]], Sequence[int]]        # who reads texts with the model: this process, or an engine's workers


@dataclass
class TextCounts:
    """Of one column: distinct values and the cells that they fill. `names` are written like one and read or formed so, `likely` the
    model leans to, `read` it reads as a person's and nothing else; `within` and `doors` stand inside longer texts.
    """

    han: int = 0
    names: int = 0
    name_cells: int = 0
    likely: int = 0
    read: int = 0
    within: int = 0
    within_cells: int = 0
    doors: int = 0
    door_cells: int = 0

    def add(self, values: Sequence[str], cells: Sequence[int], model: Model | Looks, memory: Memory | None = None) -> None:
        """Distinct values that have a Chinese character."""
        for what, count in zip(looked_at(values, model, memory), cells, strict=True):
            self.han += 1
            self.names, self.name_cells = self.names + bool(what & NAME), self.name_cells + count * bool(what & NAME)
            self.likely, self.read = self.likely + bool(what & LIKELY), self.read + bool(what & READ)
            self.within, self.within_cells = self.within + bool(what & WITHIN), self.within_cells + count * bool(what & WITHIN)
            self.doors, self.door_cells = self.doors + bool(what & DOOR), self.door_cells + count * bool(what & DOOR)


def looked_at(values: Sequence[str], model: Model | Looks, memory: Memory | None = None) -> list[int]:
    """What each value holds, as a sum of NAME, LIKELY, READ, WITHIN and DOOR. What `memory` knows costs nothing, and what is no running
    text and not written like a name is not read by the model.
    """
    look = partial(looks, model) if isinstance(model, Model) else model
    values = [bare_name(value) for value in values]
    asked = [value for value in values if _asks(value.strip())]
    if memory is None:
        known = dict(zip(asked, look(asked), strict=True))
    else:
        told = memory.recall(asked, LOOK_VERSION, lambda new: [bytes((one,)) for one in look(new)], lambda one, _: len(one) == 1 and one[0] < 32)
        known = {value: one[0] for value, one in zip(asked, told, strict=True)}
    return [known[value] if value in known else DOOR if door_spans(value) else 0 for value in values]


def looks(model: Model, values: Sequence[str]) -> list[int]:
    """What each value holds that the model is asked about."""
    return [_look(value, reading) for value, reading in zip(values, model.read(values), strict=True)]


def bare_name(value: str) -> str:
    """What is a name but for marks, spaces, digits, and a title around it, as that name; every other value as it is."""
    if len(value) > MOST:
        return value
    name = simplified(_AROUND.sub("", _AROUND.sub("", fold(value))))
    return name if name != value and like_a_name(name) and not door_spans(value) else value


def _asks(text: str) -> bool:
    return like_a_name(text) if len(text) <= SHORT else len(text) >= LONG


def _look(value: str, reading: Reading) -> int:
    text = value.strip()
    found = DOOR if door_spans(value) else 0
    if len(text) <= SHORT and like_a_name(text):
        likely, faint = (any(end - start >= len(text) - 1 for start, end in places) for places in (reading.likely, reading.faint))
        found |= NAME if likely or faint or (text[0] in SINGLE and len(text) == 3) else 0
        found |= LIKELY if likely else 0
        found |= READ if any(word == text and tag == "PER" for word, tag in reading.words) else 0
    elif len(text) >= LONG and _within(text, value, reading):
        found |= WITHIN
    return found


def _within(text: str, value: str, reading: Reading) -> bool:
    """A name inside running text: read as one and written like one, or before a title or after a word that asks for one. In the name of a
    body, and in a long place's name (no verb, no full stop), only the latter count.
    """
    doors, likely = door_spans(value), set(reading.likely)
    running = any(tag in _RUNNING for _, tag in reading.words)
    others = () if not running or _BODY.fullmatch(text) else tuple(
        (start, end) for start, end in likely if like_a_name(value[start:end]) and not _estate(value, start, end, doors))
    places = _tagged(reading, ("LOC", "ORG"))
    sure = [span for span in name_spans(value, reading)
            if span.score >= SURE and all(span.start >= end or span.end <= start for start, end in likely)]
    return bool(sure) or any(all(start >= last or end <= first for first, last in places) for start, end in others)


def _estate(value: str, start: int, end: int, doors: Sequence[Span]) -> bool:
    """Whether it names a part of the address that it stands in."""
    return bool(_ESTATE.match(value, end)) and any(door.start <= start and end < door.end for door in doors)


def _tagged(reading: Reading, tags: tuple[str, ...]) -> list[tuple[int, int]]:
    """Where the words with these tags stand."""
    found, at = [], 0
    for word, tag in reading.words:
        if tag in tags:
            found.append((at, at + len(word)))
        at += len(word)
    return found
