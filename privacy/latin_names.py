"""Whether a short label is a person's name in Latin letters: read so by the model, or a surname in pinyin and what may follow it.

For headers only: there most words in Latin letters are terms, so a name must be written like one (two to four words in capitals), and at
least one of its words must be none of a header. One word alone is never told apart from a term, nor is what is written small.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.resources import files

from privacy.spans import Span

SURE = 0.6          # of the model's reading: less leans hardly
_WORD = re.compile(r"[A-Za-z][A-Za-z'’]*|[^\W\d_]+")
_RUN = re.compile(r"[A-Z][A-Za-z'’]*\.?(?:[ ,.·•_-]{1,3}[A-Z][A-Za-z'’]*\.?)+")
_SPLIT = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SYLLABLE = ("(?:(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?(?:iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|ai|ei|ao|ou|an|en|er|in|un|ia|ie|iu|ua|uo|ui|"
             "ue|ve|[aoeiuv]))")
_PINYIN = re.compile(rf"{_SYLLABLE}{{1,3}}")
_LINES = [line for line in (files("privacy") / "data" / "header_words.txt").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
# Surnames in pinyin; what stands in headers (a label all of whose words are there names nobody); what a place's name ends in.
SURNAMES, TERMS, PLACES = (frozenset(line.split()) for line in _LINES)


def latin_names(label: str, spans: Sequence[Span]) -> Iterator[Span]:
    """Names in a label; `spans`: what the model reads in it, faint readings left out."""
    for run in _RUN.finditer(label):
        words = [part.lower() for word in _WORD.findall(run[0]) for part in _SPLIT.split(word)]
        if not 2 <= len(words) <= 4 or words[-1] in PLACES or all(word in TERMS for word in words):
            continue
        read = any(span.kind == "name" and span.score >= SURE and span.start < run.end() and run.start() < span.end and " " in _spaced(label, span)
                   for span in spans)
        turned = re.fullmatch(r"[A-Za-z'’]+, ?[A-Za-z'’.]+", run[0]) is not None and not set(words) & TERMS
        if read or turned or _in_pinyin(words):
            yield Span(*run.span(), "name", 0.6)


def _spaced(label: str, span: Span) -> str:
    """What the model reads, with one space between words: of one word it says nothing."""
    return re.sub(r"[ ,.·•_-]+", " ", label[span.start:span.end].strip())


def _in_pinyin(words: Sequence[str]) -> bool:
    """A surname first or last, and syllables of pinyin beside it."""
    beside = words[1:] if words[0] in SURNAMES else words[:-1] if words[-1] in SURNAMES else []
    return bool(beside) and len(words) <= 3 and all(_PINYIN.fullmatch(word) for word in beside)
