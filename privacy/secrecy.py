"""Clause a: words that point to state secrets, in running text and in names, and elements that become secret together.

What matched stands nowhere: rows, names and other texts are counted. Spaces, full-width forms, invisible marks, traditional characters,
entities and escapes hide nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from unicodedata import category, normalize

import ahocorasick
import pyarrow as pa
import pyarrow.compute as pc

from catalog.evidence import Finding
from privacy.characters import simplified
from privacy.folding import ASSIGNED
from privacy.negative_list import Policy
from privacy.spellings import CODED, decoded

FEW = 200_000              # bytes that are read sooner than a pattern is compiled
SEPARATOR = "。"            # between the cells of a row: no cue of less than LONG characters goes over it, as those stand there by chance
LONG = 3
_DROPPED = ("Z", "C", "M", "Pd", "Pc")
_MARKS = frozenset("·•‧・*/\\|~'`\"+=^#.．\u115f\u1160\u3164\uffa0")
# The same in RE2: what may stand between two characters of a word.
GAP = (r"[\pZ\pC\pM\p{Pd}\p{Pc}\x{b7}\x{2022}\x{2027}\x{30fb}*/\\|~'`\"+=^#.\x{ff0e}\s\x{3002}\x{115f}\x{1160}\x{3164}\x{ffa0}\x{2065}"
       r"\x{fff0}-\x{fff8}\x{e0000}-\x{e0fff}]")


class _Folding(dict[int, str]):
    """Character → what it is read as; made up as characters are met."""

    def __missing__(self, code: int) -> str:
        self[code] = "".join(one for one in normalize("NFKC", chr(code)).lower() if not _gap(one))
        return self[code]


def _gap(one: str) -> bool:
    return category(one).startswith(_DROPPED) or one in _MARKS


_FOLDING = _Folding()


def folded(text: str) -> str:
    """The text without gaps, in one width and case, in simplified characters."""
    return simplified(normalize("NFKC", text.translate(_FOLDING)))


@lru_cache(maxsize=8)
def _automaton(strong: tuple[str, ...], weak: tuple[str, ...]) -> Any:
    found = ahocorasick.Automaton()
    for strength, words in (("weak", weak), ("strong", strong)):
        for word in words:
            if folded(word):
                found.add_word(folded(word), strength)
    found.make_automaton()
    return found


def cues_in(policy: Policy, text: str) -> frozenset[str]:
    """`strong` and `weak`, as far as a word of either is in the text (Aho-Corasick over the folded text)."""
    automaton = _automaton(policy.strong, policy.weak)
    if not len(automaton):
        return frozenset()
    read = decoded(text) if any(mark in text for mark in "&\\%<") else text
    found = {strength for one in {text, read} for _, strength in automaton.iter(folded(one))}
    if SEPARATOR in read:
        long = _automaton(*(tuple(word for word in words if len(word) >= LONG) for words in (policy.strong, policy.weak)))
        found |= {strength for _, strength in long.iter(folded(read.replace(SEPARATOR, "")))} if len(long) else set()
    return frozenset(found)


def count_cues(policy: Policy, texts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Of texts with how often each stands there: how many hold a strong and how many a weak cue."""
    counts = {"strong": 0, "weak": 0}
    for text, times in texts:
        for strength in cues_in(policy, text):
            counts[strength] += times
    return counts


class Watch:
    """Counts cues in texts that pass by, many at a time: of more than a few bytes RE2 finds those that could have one."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.counts = {"strong": 0, "weak": 0}

    def see(self, texts: pa.Array) -> None:
        """Texts as strings; nulls are none."""
        pattern = possible_pattern(self.policy)
        if texts.nbytes > FEW:
            texts = texts.filter(pc.match_substring_regex(texts, pattern)) if pattern else texts[:0]
        for strength, number in count_cues(self.policy, ((text, 1) for text in texts.to_pylist() if text)).items():
            self.counts[strength] += number


@lru_cache(maxsize=1)
def _written() -> Mapping[str, tuple[str, ...]]:
    """Folded character → every character that is read as it or holds it."""
    found: dict[str, list[str]] = {}
    for char in map(chr, ASSIGNED):
        text = normalize("NFKC", char).lower()
        text = simplified(text)
        if text != char:
            for one in set(text):
                found.setdefault(one, []).append(char)
    return {one: tuple(chars) for one, chars in found.items()}


def _class(one: str) -> str:
    return "[" + "".join(rf"\x{{{ord(char):x}}}" for char in (one, *_written().get(one, ()))) + "]"


@lru_cache(maxsize=8)
def _pattern(words: tuple[str, ...]) -> str:
    heads = sorted({folded(word)[:2] for word in words if folded(word)})
    parts = []
    for head in heads:
        parts.append(f"{GAP}*".join(_class(one) for one in head))
        parts += [re.escape(char) for char in _written().get(head[0], ()) if len(head) == 2 and head in normalize("NFKC", char).lower()]
    return "|".join([*parts, CODED, "<[A-Za-z/]"]) if parts else ""


def possible_pattern(policy: Policy) -> str:
    """An RE2 pattern that is in every text with a cue, and in few others: the first two characters of each; '' without words."""
    return _pattern((*policy.strong, *policy.weak))


def judge_secrecy(
    policy: Policy, cues: Mapping[str, int], names: Mapping[str, int] | None = None, beside: Mapping[str, int] | None = None, read: bool = True
) -> list[Finding]:
    """Holds a batch for the secrecy officer (State Secrets Law Art. 35: review before anything is made public).

    `names`: how many of its names (file, archive, sheets, headers) hold a cue; one of either strength is enough there. `beside`: texts of
    the file that are no declared cell; where nobody could read the file as declared (`read` is false) one of either strength is enough.
    """
    found = []
    if strong := cues.get("strong", 0):
        found.append(Finding("secrecy.strong", False, "block", "Rows hold words that point to state secrets.", observed={"rows": strong}))
    if (weak := cues.get("weak", 0)) >= policy.weak_rows:
        found.append(Finding("secrecy.weak", False, "block", "Many rows hold words that may point to state secrets.", observed={"rows": weak}))
    if named := sum((names or {}).values()):
        found.append(Finding("secrecy.names", False, "block", "The name of the file, its archive, a sheet or a column holds words that point to "
                             "state secrets.", observed={"names": named}))
    if not strong and (places := _places(policy, beside or {}, read)):
        found.append(Finding("secrecy.beside", False, "block", "The file holds words that point to state secrets beside its declared cells: in "
                             "comments, other sheets or tables, undeclared columns, or what could not be read.", observed={"places": places}))
    return found


def _places(policy: Policy, beside: Mapping[str, int], read: bool) -> int:
    strong, weak = beside.get("strong", 0), beside.get("weak", 0)
    return strong + weak if strong or weak >= (policy.weak_rows if read else 1) else 0
