"""Finds identifiers in one text by the table of `identifiers`, in whatever spelling. For distinct values, never for whole columns.

`spans_in` reads a text with the words around each match; `kinds_in` is the strict profile of the gate: no word excuses a match.
Checksums weigh and never filter: a mistyped number identifies as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from catalog.canonical import fingerprint
from privacy.checksums import USCC_ALPHABET, luhn, numbers, quad, uscc_check
from privacy.folding import GAP, GAPS, UNSEEN, fold, folded
from privacy.identifiers import BY_KIND, COUNTS, MASKED, SPECS, Spec
from privacy.pattern_forms import after, before, gappy
from privacy.spans import Span
from privacy.spellings import plainly

__all__ = ["BY_KIND", "FLOOR", "GAPS", "SCREEN_VERSION", "SPECS", "UNSEEN", "USCC_ALPHABET", "fold", "kinds_in", "luhn", "spans_in",
           "uscc_check"]

FLOOR = 0.4                        # below it a match is no finding in a text with words around
_NEAR, _AFTER = 16, 8              # characters before and after a match in which a word speaks for or against it
_REWRITTEN = ("resident_id", "mobile", "bank_card", "social_credit_code")
SCREEN_VERSION = fingerprint(
    8, [(s.kind, s.cores, s.bare, s.odd, s.checked, s.cued, s.cues, s.vetoes, s.gaps, s.lead, s.edge, s.source) for s in (*SPECS, MASKED)],
    sorted(numbers("area_codes.csv")), sorted(numbers("mobile_prefixes.csv")))[:16]

_FORMS = tuple((spec, re.compile((spec.lead or before(spec.edge, core)) + f"(?P<hit>{gappy(core, spec.gaps)}){after(spec.edge)}"))
               for spec in (*SPECS, MASKED) for core in spec.cores)
_WHOLE = {kind: [re.compile(core) for core in BY_KIND[kind].cores] for kind in _REWRITTEN}
_ANY = re.compile("[0-9@*●•■]|://|WECHAT|WEIXIN|WX|VX|微信|薇信|微心|V信| AT |艾特|[(\\[{（【]AT")
# What spreadsheets make of a long number; money in that spelling is no identifier.
_GROUPED = re.compile(r"(?<![0-9.,])[1-9][0-9]{0,2}(?:,[0-9]{3}){3,6}(?![0-9])")
_POWER = re.compile(r"(?<![0-9.])(?P<first>[1-9])\.(?P<rest>[0-9]{4,18})E\+?(?P<power>1[0-9])(?![0-9])")
_MONEY = re.compile(r"[¥￥$€元圆]|万|亿|RMB|CNY|USD")


@dataclass(frozen=True)
class _Found:
    """In the folded text."""

    start: int
    end: int
    spec: Spec
    score: float
    checked: bool


def spans_in(text: str, context: str = "") -> list[Span]:
    """Where identifiers stand, in the text's own characters; `context` is read before it, such as a column's title.

    In order of their start; a span inside another that is as likely is left out.
    """
    line, places = folded(text)
    found = _settled([hit for hit in _matches(line, fold(context), strict=False) if hit.score >= FLOOR])
    at = places if places is not None else range(len(line))
    return [*[Span(at[hit.start], at[hit.end - 1] + 1, hit.spec.kind, hit.score) for hit in found], *_hidden(text, line, fold(context), found)]


def _hidden(text: str, line: str, context: str, found: list[_Found]) -> Iterator[Span]:
    """What only `plainly` reads: nobody knows where in the text it begins, so all of the text is the place."""
    if (read := plainly(text)) == line:
        return
    known = {hit.spec.kind for hit in found}
    for hit in _settled([hit for hit in _matches(read, context, strict=False) if hit.score >= COUNTS]):
        if hit.spec.kind not in known:
            known.add(hit.spec.kind)
            yield Span(0, len(text), hit.spec.kind, hit.score)


def kinds_in(value: str) -> dict[str, bool]:
    """Kinds of identifier that occur in a value → whether a checksum (or where there is none, the shape) speaks for one of them."""
    line = fold(value)
    found = kinds_of(line)
    for kind, sure in kinds_of(read).items() if (read := plainly(value)) != line else ():
        found[kind] = found.get(kind, False) or sure
    return found


def kinds_of(line: str) -> dict[str, bool]:
    """As `kinds_in`, of a folded text as it stands."""
    found: dict[str, bool] = {}
    hits = list(_matches(line, "", strict=True))
    sure = [hit for hit in hits if hit.checked and hit.spec.kind == "resident_id"]
    for hit in hits:
        if hit.spec.kind == "bank_card" and any(one.start <= hit.start and hit.end <= one.end for one in sure):
            continue            # seventeen digits before the X of a resident's number, one in ten of which pass Luhn
        if hit.score >= COUNTS and hit.spec is not MASKED:
            found[hit.spec.kind] = found.get(hit.spec.kind, False) or hit.checked
    return found


def _matches(line: str, context: str, strict: bool) -> Iterator[_Found]:
    if not _ANY.search(line):
        return
    for spec, form in _FORMS:
        at = 0
        while (match := form.search(line, at)) is not None:
            start, end = match.span("hit")
            if not (spec.gaps and quad(match.group("hit"))):
                yield _judged(spec, line, start, end, context, strict)
            at = start + 1
    yield from _rewritten(line, context, strict)


def _judged(spec: Spec, line: str, start: int, end: int, context: str, strict: bool) -> _Found:
    hit = GAP.sub("", line[start:end]) if spec.gaps else line[start:end]
    shaped = spec.shape(hit)
    checked = shaped and (spec.check is None or spec.check(hit))
    own = spec.checked if checked and spec.check is not None else spec.bare if shaped else spec.odd
    word = _word(spec, context + GAP.sub("", line[max(0, start - _NEAR - 8):start])[-_NEAR:], line[end:end + _AFTER])
    if word > 0:
        own = max(own, spec.cued if shaped else min(spec.cued, 0.6))
    elif word < 0 and own < 0.9 and not strict:
        own *= 0.3
    return _Found(start, end, spec, own, checked)


def _word(spec: Spec, before: str, after: str) -> int:
    """1 where the nearest word speaks for the kind, -1 where it speaks against it, 0 without one."""
    words = _words(spec.kind)
    if words is None:
        return 0
    near = 0
    for match in words.finditer(before):
        near = 1 if match.group() in spec.cues else -1
    if near == 0 and any(cue in after for cue in spec.cues):
        return 1
    return near


@cache
def _words(kind: str) -> re.Pattern[str] | None:
    spec = BY_KIND.get(kind)
    words = sorted((*spec.cues, *spec.vetoes), key=len, reverse=True) if spec is not None else []
    return re.compile("|".join(re.escape(word) for word in words)) if words else None


def _rewritten(line: str, context: str, strict: bool) -> Iterator[_Found]:
    """Long numbers with thousands separators or in powers of ten, read as the digits they were."""
    for match in (*_GROUPED.finditer(line), *_POWER.finditer(line)):
        start, end = match.span()
        money = _MONEY.search(line[max(0, start - 4):start]) or _MONEY.search(line[end:end + 3])
        digits = _digits(match)
        for kind, cores in _WHOLE.items():
            if not money and any(core.fullmatch(digits) for core in cores):
                one = _judged(BY_KIND[kind], digits, 0, len(digits), context + line[max(0, start - _NEAR):start], strict)
                yield _Found(start, end, one.spec, min(one.score, 0.6), one.checked)


def _digits(match: re.Match[str]) -> str:
    if "power" not in match.groupdict():
        return match.group().replace(",", "")
    length = int(match["power"]) + 1
    return (match["first"] + match["rest"]).ljust(length, "0")[:length]


def _settled(found: list[_Found]) -> list[_Found]:
    order: Mapping[str, int] = {spec.kind: at for at, spec in enumerate((*SPECS, MASKED))}
    kept: list[_Found] = []
    for hit in sorted(found, key=lambda one: (-one.score, one.start - one.end, order[one.spec.kind], one.start)):
        if not any(one.start <= hit.start and hit.end <= one.end for one in kept):
            kept.append(hit)
    return sorted(kept, key=lambda one: (one.start, -one.end))
