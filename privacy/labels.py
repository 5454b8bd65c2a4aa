"""What a header or a file's name tells of a person or a home, before it is written where others read it. No column is judged here.

Names in Latin letters do not count: the model takes most English words of a header for one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from privacy.column_texts import bare_name
from privacy.identifiers import BY_KIND
from privacy.model import Model
from privacy.recognisers import kinds_in
from privacy.spans import Span
from privacy.text import door_spans, find

_HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003134f]+")
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
        return len(_HAN.sub("", label[span.start:span.end])) <= span.end - span.start - 2
    if span.kind == "address":
        return span.level in ("", "door") and span.score >= _SURE
    return span.kind in BY_KIND
