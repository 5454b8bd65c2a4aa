"""Clause a: words that point to state secrets, in running text and in names, and elements that become secret together.

What matched stands nowhere: rows and names are counted. Spaces, full-width forms and marks that cannot be seen hide nothing.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from unicodedata import category, normalize

import ahocorasick

from catalog.evidence import Finding
from privacy.negative_list import Policy

SEPARATOR = "。"            # between the cells of a row: no cue goes over it
_DROPPED = ("Z", "C", "M", "Pd", "Pc")
_MARKS = frozenset("·•‧・*/\\|~'`\"+=^#.．")
# The same in RE2: what may stand between two characters of a word.
GAP = r"[\pZ\pC\pM\p{Pd}\p{Pc}\x{b7}\x{2022}\x{2027}\x{30fb}*/\\|~'`\"+=^#.\x{ff0e}\s]"


class _Folding(dict[int, str]):
    """Character → what it is read as; made up as characters are met."""

    def __missing__(self, code: int) -> str:
        self[code] = "".join(one for one in normalize("NFKC", chr(code)).lower() if not _gap(one))
        return self[code]


def _gap(one: str) -> bool:
    return category(one).startswith(_DROPPED) or one in _MARKS


_FOLDING = _Folding()


def folded(text: str) -> str:
    """The text without gaps, in one width and case."""
    return normalize("NFKC", text.translate(_FOLDING))


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
    return frozenset(strength for _, strength in automaton.iter(folded(text))) if len(automaton) else frozenset()


def count_cues(policy: Policy, texts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Of texts with how often each stands there: how many hold a strong and how many a weak cue."""
    counts = {"strong": 0, "weak": 0}
    for text, times in texts:
        for strength in cues_in(policy, text):
            counts[strength] += times
    return counts


@lru_cache(maxsize=1)
def _written() -> Mapping[str, tuple[str, ...]]:
    """Folded character → every character that is read as it or holds it."""
    found: dict[str, list[str]] = {}
    for code in range(sys.maxunicode + 1):
        if 0xD800 <= code <= 0xDFFF:
            continue
        char = chr(code)
        text = normalize("NFKC", char).lower()
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
    return "|".join(parts)


def possible_pattern(policy: Policy) -> str:
    """An RE2 pattern that is in every text with a cue, and in few others: the first two characters of each; '' without words."""
    return _pattern((*policy.strong, *policy.weak))


def judge_secrecy(policy: Policy, cues: Mapping[str, int], names: Mapping[str, int] | None = None) -> list[Finding]:
    """Holds a batch for the secrecy officer (State Secrets Law Art. 35: review before anything is made public).

    `names`: how many of its names (file, sheets, headers) hold a cue; one of either strength is enough there.
    """
    strong, weak = cues.get("strong", 0), cues.get("weak", 0)
    found = []
    if strong:
        found.append(Finding("secrecy.strong", False, "block", "Rows hold words that point to state secrets.", observed={"rows": strong}))
    if weak >= policy.weak_rows:
        found.append(Finding("secrecy.weak", False, "block", "Many rows hold words that may point to state secrets.", observed={"rows": weak}))
    named = sum((names or {}).values())
    if named:
        found.append(Finding("secrecy.names", False, "block", "The file's name, a sheet's or a header holds words that point to state secrets.",
                             observed={"names": named}))
    return found
