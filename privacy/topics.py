"""What a text tells about somebody that harms more than a name does: health, religion, being a minor, a victim or an accused.

Word lists (data/topics.yaml) over the folded text, and ages below eighteen. They never decide alone: a screen holds on them, a
redaction takes them out.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import Any

import ahocorasick
import yaml

from privacy.secrecy import folded
from privacy.spans import Span

TOPICS = ("health", "religion", "minor", "victim", "crime")
_SCORE = 0.5
_AGE = re.compile(r"(?<![0-9０-９.一二三四五六七八九十百])(?:[1１][0-7０-７]|[1-9１-９]|十[一二三四五六七]?|[一二两三四五六七八九])"
                  r"\s{0,2}个?(?:多|半)?\s{0,2}(?:周岁|岁|月大)")


@lru_cache(maxsize=1)
def _automaton() -> Any:
    words = yaml.safe_load((files("privacy") / "data" / "topics.yaml").read_text(encoding="utf-8"))
    found = ahocorasick.Automaton()
    for topic in TOPICS:
        for word in words[topic]:
            found.add_word(folded(word), (topic, len(folded(word))))
    found.make_automaton()
    return found


def topic_spans(text: str) -> list[Span]:
    """Places of such words in the text's own characters, which may overlap."""
    found = [Span(hit.start(), hit.end(), "minor", _SCORE) for hit in _AGE.finditer(text)]
    if next(_automaton().iter(folded(text)), None) is None:
        return found
    letters = [(one, at) for at, mark in enumerate(text) for one in folded(mark)]
    line = "".join(one for one, _ in letters)
    return found + [Span(letters[last - length + 1][1], letters[last][1] + 1, topic, _SCORE)
                    for last, (topic, length) in _automaton().iter(line)]
