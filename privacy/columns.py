"""Names and doors in the text columns of what leaves: counted over distinct values, judged by shares. No value is kept.

A column of names (most short values are read as one and begin with a surname) and any name or door inside a longer text count;
a place or a dish that happens to begin with a surname is rare in its column, and does not.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from privacy.model import Model, Reading
from privacy.names import like_a_name, name_spans
from privacy.screen import Hits
from privacy.text import door_spans

SHORT = 6                       # characters of a value that can be a name as a whole
LONG = 12                       # characters of a value that is running text
NAMES = 0.3                     # share of the distinct Chinese values that makes a column one of names
DOORS = 0.2
WHOLE, WITHIN, DOOR = 1, 2, 4
MOST = 1_000_000                # values remembered in a process
_SEEN: dict[bytes, int] = {}
_KEY = secrets.token_bytes(32)
_BODY = re.compile(r"[\w()（）·]{4,40}(?:公司|企业|合伙|商行|经营部|服务部|工作室|事务所|合作社|中心|协会|学会|基金会|学校|医院|研究院|研究所"
                   r"|乡|镇|村|场|旗|县|区|市|街道|委员会|路|街|桥|分店|店|厂|馆|院|园|所|站|部|社)(?:[(（].{1,12}[)）])?")
_RUNNING = frozenset(("v", "vd", "p", "c", "w", "r"))
SURE = 0.7                      # score of a name inside a longer text that holds a release


@dataclass
class TextTally:
    """Counts over distinct values with Chinese characters; `cells` weigh them."""

    distinct: int = 0
    whole: int = 0
    whole_cells: int = 0
    within: int = 0
    within_cells: int = 0
    doors: int = 0
    doors_cells: int = 0

    def add(self, values: Sequence[str], cells: Sequence[int], model: Model) -> None:
        for what, count in zip(looked_at(values, model), cells, strict=True):
            self.distinct += 1
            if what & WHOLE:
                self.whole, self.whole_cells = self.whole + 1, self.whole_cells + count
            if what & WITHIN:
                self.within, self.within_cells = self.within + 1, self.within_cells + count
            if what & DOOR:
                self.doors, self.doors_cells = self.doors + 1, self.doors_cells + count

    def kinds(self) -> Mapping[str, Hits]:
        """The kinds that this column holds; `checked` counts distinct values that are one as a whole."""
        found = {}
        named = self.whole >= 3 and self.whole >= NAMES * self.distinct
        if named or self.within:
            distinct = (self.whole if named else 0) + self.within
            found["name"] = Hits((self.whole_cells if named else 0) + self.within_cells, distinct, self.whole if named else 0)
        if self.doors >= 3 and self.doors >= DOORS * self.distinct:
            found["address"] = Hits(self.doors_cells, self.doors, 0)
        return found


def looked_at(values: Sequence[str], model: Model) -> list[int]:
    """What each value holds, as a sum of WHOLE, WITHIN and DOOR. A value seen before (in another format of the same release, say)
    costs nothing: its keyed hash is remembered, never the value.
    """
    keys = [blake2b(value.encode("utf-8", "surrogatepass"), key=_KEY, digest_size=16).digest() for value in values]
    new = {key: value for key, value in zip(keys, values, strict=True) if key not in _SEEN}
    if len(_SEEN) + len(new) > MOST:
        _SEEN.clear()
        new = dict(zip(keys, values, strict=True))
    for key, value, reading in zip(new, new.values(), model.read(list(new.values())), strict=True):
        _SEEN[key] = _look(value, reading)
    return [_SEEN[key] for key in keys]


def _look(value: str, reading: Reading) -> int:
    text = value.strip()
    found = DOOR if door_spans(value) else 0
    if len(text) <= SHORT:
        return found | (WHOLE if _whole(text, reading) else 0)
    return found | (WITHIN if len(text) >= LONG and _within(text, value, reading) else 0)


def _whole(text: str, reading: Reading) -> bool:
    return like_a_name(text) and any(end - start >= len(text) - 1 for start, end in reading.likely)


def _within(text: str, value: str, reading: Reading) -> bool:
    """A name inside running text: read as one and written like one, or after a word that asks for one. The name of a body may
    hold a founder's: there only titles and cues count.
    """
    likely = set(reading.likely)
    running = any(tag in _RUNNING for _, tag in reading.words)         # a long place's name has no verb and no full stop
    others = () if not running or _BODY.fullmatch(text) else tuple((start, end) for start, end in likely if like_a_name(value[start:end]))
    places = _tagged(reading, ("LOC", "ORG"))
    sure = [span for span in name_spans(value, reading)
            if span.score >= SURE and all(span.start >= end or span.end <= start for start, end in likely)]
    return bool(sure) or any(all(start >= last or end <= first for first, last in places) for start, end in others)


def _tagged(reading: Reading, tags: tuple[str, ...]) -> list[tuple[int, int]]:
    """Where the words with these tags stand."""
    found, at = [], 0
    for word, tag in reading.words:
        if tag in tags:
            found.append((at, at + len(word)))
        at += len(word)
    return found
