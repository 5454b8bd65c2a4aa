"""All identifiers among the distinct values of one column: what fills a cell by numpy (`numbers`) or one RE2 form, what stands inside
a longer one by the recognisers, for the few cells whose folded text has a form that could count.

Each step may only leave too much to the next one, never too little.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy.folding import fold
from privacy.identifiers import BY_KIND, SPECS, Spec
from privacy.numbers import Array, Hits, Tally, wholes
from privacy.pattern_forms import bounded, folded_form
from privacy.recognisers import kinds_in, kinds_of
from privacy.spellings import VEILED, plainly
from privacy.suspicion import FOLDED_WORDS, SUSPICIOUS, WORDED, WORDS

SLICE = 1 << 16                 # values at a time; bounds memory
# One form, all of the cell: which cores, and what the shape asks for beside the core.
_FILLING = (("plate", slice(0, 2), r"^.[A-Z].*[0-9]"), ("email", slice(0, 1), "@"), ("mac", slice(0, 2), "[:A-F]"),
            ("ip", slice(0, 1), r"(?:^|\.)(?:3[2-9]|[4-9][0-9]|[12][0-9][0-9])(?:\.|$)"))
_WEAK = (("passport", slice(0, 4)), ("hk_macao_permit", slice(0, 4)), ("taiwan_permit", slice(1, 2)), ("coordinates", slice(0, 2)))
_ALNUM = r"^[0-9A-Za-z]*$"
_REWRITTEN = r"[0-9],[0-9]{3},[0-9]{3},[0-9]{3}|[0-9]\.[0-9]{4,}E"


def _bounded(spec: Spec, core: str) -> str:
    """A mobile number may stand before another one; `kinds_in` looks again in any case."""
    form = folded_form(core.replace("){1,6}", ")"), spec.gaps)
    return f"(?:^|[^0-9])(?:{form})" if spec.kind == "mobile" else bounded(spec.edge, core, form)


_FORMS = (FOLDED_WORDS, _REWRITTEN,
          *(_bounded(spec, core) for spec in SPECS if not spec.lead and spec.kind not in WORDED for core in spec.cores),
          *(_bounded(BY_KIND["landline"], core) for core in BY_KIND["landline"].cores[:2]))
# Letters and digits alone: one pattern, for the runs of digits in them.
_TIGHT = (r"(?:^|[^0-9])(?:(?:0?0?86)?1[3-9][0-9]{9}|[1-9][0-9]{14}(?:[0-9]{2}[0-9Xx](?:[0-9]{2})?)?|[3-69][0-9]{15,18}"
          r"|0[01][0-9]{13}|(?:0?0?86)?0[1-9][0-9]{8,10}|0?0?86[1-9][0-9]{9})")
_SIMPLE_WORDS = "(?i)" + "|".join(word for word in WORDS if word.isascii())


def judge_values(values: pa.Array, counts: pa.Array, weak: bool = True) -> dict[str, Hits]:
    """Kind → hits among distinct texts (`values`, no NULL) that stand in `counts` cells each.

    Without `weak`, only what `kinds_in` counts; with it also forms that count by rate or beside a word alone: cards and codes whose
    checksum fails, device numbers, bare passport numbers.
    """
    tally = Tally(weak)
    cells = np.asarray(counts.to_numpy(zero_copy_only=False), dtype=np.int64)
    texts = plain_values(values.cast(pa.large_string()))
    for start in range(0, len(texts), SLICE):
        _slice(texts.slice(start, SLICE), cells[start:start + SLICE], tally)
    return dict(sorted(tally.hits.items()))


def plain_values(values: pa.Array) -> pa.Array:
    """The same, with every text that may spell a number otherwise as it is read; where a kind would go by that, with its own words before."""
    veiled = np.flatnonzero(_matches(values, VEILED))
    if not len(veiled):
        return values
    read = [_plain(text) for text in values.take(pa.array(veiled)).to_pylist()]
    mask = np.zeros(len(values), dtype=bool)
    mask[veiled] = True
    return pc.replace_with_mask(values, pa.array(mask), pa.array(read, values.type))


def _plain(text: str) -> str:
    line = plainly(text)
    if line == fold(text) or kinds_of(fold(text)).keys() <= kinds_of(line).keys():
        return line
    return f"{text} {line}"


def _slice(texts: pa.Array, cells: Array, tally: Tally) -> None:
    left, cells = _kept(texts, cells, ~wholes(texts, cells, tally))
    if tally.weak:
        _weak(pc.ascii_upper(left), cells, tally)
    simple = _matches(left, _ALNUM)
    _embedded(*_kept(left, cells, simple & _any(left, (_TIGHT, _SIMPLE_WORDS))), tally)
    left, cells = _kept(left, cells, ~simple)
    left, cells = _kept(left, cells, ~_filling(pc.ascii_upper(left), cells, tally))
    left, cells = _kept(left, cells, _matches(left, SUSPICIOUS))
    line = pa.array([fold(text) for text in left.to_pylist()], pa.large_string())
    _embedded(*_kept(left, cells, _any(line, _FORMS)), tally)


def _kept(texts: pa.Array, cells: Array, mask: Array) -> tuple[pa.Array, Array]:
    return (texts, cells) if mask.all() else (texts.filter(pa.array(mask)), cells[mask])


def _embedded(texts: pa.Array, cells: Array, tally: Tally) -> None:
    for value, count in zip(texts.to_pylist(), cells.tolist(), strict=True):
        for kind, sure in kinds_in(value).items():
            tally.add(kind, Hits(count, 1, int(sure)))


def _matches(texts: pa.Array, pattern: str) -> Array:
    if not len(texts):          # a large pattern takes longer to read than to match
        return np.zeros(0, dtype=bool)
    return np.asarray(pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False), dtype=bool)


def _any(texts: pa.Array, patterns: tuple[str, ...]) -> Array:
    """Which texts match one of the patterns: one after the other, as one large automaton of them all would outgrow RE2's memory."""
    found = np.zeros(len(texts), dtype=bool)
    for pattern in patterns:
        at = np.flatnonzero(~found)
        if len(at):
            found[at] = _matches(texts.take(pa.array(at)), pattern)
    return found


def _filling(texts: pa.Array, cells: Array, tally: Tally) -> Array:
    """Counts cells that are one identifier from end to end; returns which."""
    done = np.zeros(len(texts), dtype=bool)
    for kind, cores, shape in _FILLING:
        found = _matches(texts, _whole(kind, cores)) & ~done
        if found.any():
            found &= _matches(texts, shape)
            tally.add(kind, Hits(int(cells[found].sum()), int(found.sum()), int(found.sum()), int(found.sum())))
            done |= found
    return done


def _weak(texts: pa.Array, cells: Array, tally: Tally) -> None:
    for kind, cores in _WEAK:
        found = _matches(texts, _whole(kind, cores))
        tally.add(kind, Hits(int(cells[found].sum()), int(found.sum()), 0, int(found.sum())))


def _whole(kind: str, cores: slice) -> str:
    return "^(?:" + "|".join(BY_KIND[kind].cores[cores]) + ")$"
