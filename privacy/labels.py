"""What a header or a file's name tells of a person or a home, before it is written where others read it. No column is judged here.

Of names in Latin letters only those count that are written like one (privacy/latin_names.py). A term of the trade (林长, 毛重) and a numbered
road (文三路) are no names where they stand by themselves or before what follows a label; in doubt a label is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files

from privacy.column_texts import bare_name
from privacy.identifiers import BY_KIND
from privacy.latin_names import latin_names
from privacy.model import Model
from privacy.recognisers import kinds_in
from privacy.spans import Span
from privacy.text import door_spans, find

_HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003134f]+")
_TERMS = frozenset(word for line in (files("privacy") / "data" / "terms.txt").read_text(encoding="utf-8").splitlines()
                   if not line.startswith("#") for word in line.split())
_ROAD = re.compile("[\u3400-\u9fff][一二三四五六七八九十]{1,3}(?:路|街|巷|弄)")       # nobody is called 三路
# What follows in a label: the end, no Chinese, or a word that asks for something of a term or of a road.
_ASKED = ("姓名|名称|职务|职责|电话|联系|级别|等级|编号|代码|类型|数量|数目|总数|总量|总额|合计|比例|比重|占比|面积|单位|年份|日期|公示|管理")
_END = "(?![\u3400-\u9fff])"
_BEHIND = {"term": re.compile(f"{_END}|{_ASKED}|[率额量号]{_END}"), "road": re.compile(f"{_END}|{_ASKED}|沿线|[站口]{_END}")}
_SURE = 0.7             # of an address: less is shaped like a door, on no further evidence (一层面积)


def label_spans(labels: Sequence[str], model: Model | None) -> list[list[Span]]:
    """Where each label names a person, a door or an identifier. Without the model every run of Chinese may."""
    if model is None:
        found = [[Span(*hit.span(), "name", 0.0) for hit in _HAN.finditer(label)] for label in labels]
    else:
        found = [[span for span in (*spans, *door_spans(label)) if _counts(label, span)]
                 for label, spans in zip(labels, find(labels, model), strict=True)]
        bare = [bare_name(label) for label in labels]
        for label, name, spans, again in zip(labels, bare, found, find(bare, model), strict=True):
            if name != label and any(_counts(name, span) for span in again):
                spans.append(Span(0, len(label), "name", 0.0))
        for label, spans, read in zip(labels, found, find(labels, model), strict=True):
            spans += latin_names(label, read)
    return [[*spans, *_unplaced(label, spans)] for label, spans in zip(labels, found, strict=True)]


def without(label: str, spans: Sequence[Span], mark: str = "*") -> str:
    """The label with one mark in place of each run of characters that the spans cover."""
    hidden = {at for span in spans for at in range(span.start, span.end)}
    return "".join("" if at in hidden and at - 1 in hidden else mark if at in hidden else letter for at, letter in enumerate(label))


def _unplaced(label: str, spans: Sequence[Span]) -> list[Span]:
    """Identifiers that only the strict profile of the gate finds: all of the label is their place."""
    return [Span(0, len(label), kind, 1.0) for kind in kinds_in(label).keys() - {span.kind for span in spans}]


def _counts(label: str, span: Span) -> bool:
    """A single character is a surname before a title, as in 班主任, and nobody's name."""
    if span.kind == "name":
        if _term(label, span):
            return False
        return len(_HAN.sub("", label[span.start:span.end])) <= span.end - span.start - 2
    if span.kind == "address":
        return span.level in ("", "door") and span.score >= _SURE
    return span.kind in BY_KIND


def _term(label: str, span: Span) -> bool:
    """Whether it is a term of the trade or a numbered road, with nothing of a name before or behind it."""
    word, before = label[span.start:span.end], label[span.start - 1:span.start]
    if before and _HAN.fullmatch(before):
        return False
    term = next((one for one in _TERMS if word.startswith(one)), "")
    if term:        # the model may read what follows along with it (林班号)
        behind = _BEHIND["term"]
        return behind.match(label, span.start + len(term)) is not None and (word == term or behind.fullmatch(word, len(term)) is not None)
    return _ROAD.fullmatch(word) is not None and _BEHIND["road"].match(label, span.end) is not None
