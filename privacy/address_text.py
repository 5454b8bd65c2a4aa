"""An address's text made plain: half-width, upper case, without spaces and unseen marks, with the way back to the original.

Here also what a character may not be part of: punctuation that ends a clause, and words (by the language model's tags, or by a
short list where there is no model) that cannot stand inside a place's name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

Word = tuple[str, str]

_HARD = frozenset("。;；!！?？:：\"“”'‘’《》<>|=…")
_DASHES = frozenset("-‐‑‒–—―−－﹣_~～")
_FUNCTION = frozenset(("p", "c", "u", "r", "xc", "d", "w", "TIME", "PER"))
_VERBS = frozenset(("v", "vd", "ad"))
_STOPS = re.compile("家住|居住|现住|住址|地址|位于|地处|住|在|到|是|的|了|找|投诉|反映|举报|来自")
# What the model calls a preposition or an adverb but what stands inside addresses as well (文三路与教工路口, 中河中路).
_BRIDGES = frozenset("与和及东西南北中内旁口侧边")


@dataclass(frozen=True)
class Plain:
    """`text` is the compact form; character i of it is character `at[i]` of the original. `hard` and `soft` tell for every
    character whether nothing, or no name, reaches over it; `spaced` whether a space stood before it; `tags` are the model's.
    """

    text: str
    at: tuple[int, ...]
    hard: tuple[bool, ...]
    soft: tuple[bool, ...]
    verb: tuple[bool, ...]
    begins: tuple[bool, ...]
    spaced: tuple[bool, ...]
    tags: tuple[str, ...]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Characters of the original for characters of the compact form."""
        return self.at[start], self.at[end - 1] + 1


def plain(text: str, words: Sequence[Word] | None = None) -> Plain:
    """The compact form of `text`; `words` are the language model's, joining to `text` again."""
    tags, starts = _tagged(text, words)
    kept, at, spaced = [], [], []
    space = False
    for index, mark in enumerate(text):
        if mark == "\n" or not (mark.isspace() or unicodedata.category(mark) == "Cf"):
            kept.append(_folded(mark))
            at.append(index)
            spaced.append(space)
            space = False
        elif mark.isspace():
            space = True
    compact = "".join(kept)
    soft = [False] * len(compact)
    if words is None:
        for hit in _STOPS.finditer(compact):
            soft[hit.start():hit.end()] = [True] * (hit.end() - hit.start())
    own = [tags[index] for index in at]
    soft = [was or (tag in _FUNCTION and mark not in _BRIDGES) or mark in "的了" for was, tag, mark in zip(soft, own, compact, strict=True)]
    hard = [mark in _HARD or mark == "\n" for mark in compact]
    return Plain(compact, tuple(at), tuple(hard), tuple(soft), tuple(tag in _VERBS for tag in own),
                 tuple(starts[index] for index in at), tuple(spaced), tuple(own))


def _tagged(text: str, words: Sequence[Word] | None) -> tuple[list[str], list[bool]]:
    if words is None:
        return [""] * len(text), [True] * len(text)
    tags = [tag for word, tag in words for _ in word]
    starts = [at == 0 for word, _ in words for at in range(len(word))]
    if len(tags) != len(text):
        return [""] * len(text), [True] * len(text)
    return tags, starts


def _folded(mark: str) -> str:
    if mark in _DASHES:
        return "-"
    if mark == "#" or mark == "＃":
        return "#"
    folded = unicodedata.normalize("NFKC", mark).upper()
    return folded if len(folded) == 1 else mark


_NUMERALS = {mark: value for value, mark in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}


def number(text: str) -> str:
    """A number as ASCII digits: 三十二 and ３２ are 32, 五〇二 is 502; other characters stay. Ranges keep their dash."""
    return re.sub("[零〇一二两三四五六七八九十百]+", lambda hit: _numeral(hit.group()), unicodedata.normalize("NFKC", text).upper())


def _numeral(text: str) -> str:
    if "十" not in text and "百" not in text:
        return "".join(str(_NUMERALS[mark]) for mark in text)
    total, digit = 0, None
    for mark in text:
        if mark in "十百":
            total += (1 if digit is None else digit) * (10 if mark == "十" else 100)
            digit = None
        else:
            digit = _NUMERALS[mark]
    return str(total + (digit or 0))
