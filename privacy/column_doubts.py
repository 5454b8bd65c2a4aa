"""The second stage, for the few values that a doubt hangs on: which of them were hit (as keyed hashes), and whether Presidio, a second
reader with the words around, finds an identifier for certain. It can only make a verdict stricter, or explain it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa

from catalog.canonical import fingerprint
from privacy.column_texts import DOOR, NAME, WITHIN, looked_at
from privacy.column_verdicts import LANGUAGE, ColumnVerdict
from privacy.identifiers import BY_KIND
from privacy.model import MODEL_VERSION, load
from privacy.recognisers import SCREEN_VERSION, kinds_in, spans_in
from privacy.remembered import Memory, remembered
from privacy.spans import Span
from privacy.values import judge_values

if TYPE_CHECKING:
    from privacy.presidio_engine import Engine

SOME = 20_000                   # values looked at for one column, the lowest in order; a doubt about more is not known again
FEW = 500                       # ... where there are more than those anyway
READ = 40                       # of them that Presidio reads
_CODE = re.compile("[0-9A-Za-z]")
SHOWN = 3                       # keyed hashes a kind
CERTAIN = 0.85                  # score from which an identifier inside a text is one, with the words around it: a bare mobile number has less
DOUBTS_VERSION = fingerprint(SCREEN_VERSION, MODEL_VERSION, "second reader 1", CERTAIN)[:16]


def looked_for(verdict: ColumnVerdict, kinds: Collection[str]) -> int:
    """How many values to look at for these kinds: all that were hit where they are known again by their set, else a few."""
    return SOME if max((hits.distinct for kind, hits in verdict.kinds.items() if kind in kinds), default=0) <= SOME else FEW


def hit_values(values: Sequence[str], kinds: Collection[str], memory: Memory) -> dict[str, list[str]]:
    """Kind → those of the values that were hit by it."""
    found: dict[str, list[str]] = {kind: [] for kind in kinds}
    for value in values:
        for kind in set(kinds_in(value)) & set(kinds):
            found[kind].append(value)
    faint = {kind for kind in kinds if not found[kind] and kind not in LANGUAGE}
    for value in values[:READ] if faint else ():
        for kind in set(judge_values(pa.array([value]), pa.array([1]))) & faint:
            found[kind].append(value)
    if set(kinds) & set(LANGUAGE):
        for value, what in zip(values, looked_at(values, load(), memory), strict=True):
            for kind, marks in (("name", NAME | WITHIN), ("address", DOOR)):
                if kind in found and what & marks:
                    found[kind].append(value)
    return found


def second(verdict: ColumnVerdict, values: Sequence[str], headers: Sequence[str], asked: Collection[str], memory: Memory) -> ColumnVerdict:
    """The verdict with keyed hashes of what was hit; a kind of those `asked` about becomes DENY where Presidio and our own rules are both
    certain of one inside a text. Where the second reader fails, the first one's doubt stands.
    """
    hits = hit_values(values, verdict.judged.keys(), memory)
    evidence = {kind: tuple(sorted(map(memory.hash_of, some))[:SHOWN]) for kind, some in hits.items() if some}
    judged, reasons = dict(verdict.judged), set(verdict.reasons)
    for kind in [kind for kind in asked if judged.get(kind) == "HOLD" and _personal(kind)]:
        try:
            certain = _confirmed(kind, hits[kind][:READ], headers, memory)
        except Exception:       # any error whatever: nothing is confirmed, and its text may hold a value
            reasons.add(f"{kind}.unconfirmed")
            continue
        if certain:
            judged[kind] = "DENY"
            reasons.add(f"{kind}.confirmed")
    sets = {kind: memory.hash_of(" ".join(sorted(map(memory.hash_of, some)))) for kind, some in hits.items()
            if kind in verdict.kinds and 0 < len(some) == verdict.kinds[kind].distinct}
    return replace(verdict, evidence=evidence, judged=judged, reasons=tuple(sorted(reasons)), sets=sets)


def _personal(kind: str) -> bool:
    return kind in BY_KIND and BY_KIND[kind].personal and not BY_KIND[kind].bodies


def _confirmed(kind: str, values: Sequence[str], headers: Sequence[str], memory: Memory) -> bool:
    """Whether an identifier inside a text is certain to both readers. One that fills its cell may be a number of anything."""
    texts = [value for value in values if any(_inside(span, value, kind) for span in spans_in(value))]
    version = f"{DOUBTS_VERSION} {kind} {fingerprint(list(headers))[:12]}"
    return any(remembered(texts, memory, version, lambda new: [_engine().analyze(text, [kind], headers, CERTAIN) for text in new]))


def _inside(span: Span, value: str, kind: str) -> bool:
    """Between words: no digit and no letter of another code touches it, and there is more in the text than numbers."""
    rest = value[:span.start] + value[span.end:]
    touching = value[max(0, span.start - 1):span.start] + value[span.end:span.end + 1]
    return span.kind == kind and span.score >= CERTAIN and any(mark.isalpha() for mark in rest) and not _CODE.search(touching)


@lru_cache(maxsize=1)
def _engine() -> Engine:
    """Presidio with the table of identifiers; a heavy import, once a process and only where there is a doubt."""
    from privacy.presidio_engine import Engine
    from privacy.presidio_specs import presidio_recognisers

    return Engine(load(), presidio_recognisers())
