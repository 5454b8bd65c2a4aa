"""The verdict on one column from all its distinct values: checksum rates against chance, shares of names, doors and forms, the
header, sequence. DENY where an identifier is certain and nobody declared it, HOLD on any doubt, else PASS.

The strict profile judges what leaves: there a single identifier that counts without further evidence is a doubt in whatever company.
No value is kept: counts, fixed words, and a few keyed hashes that `column_doubts` adds.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from typing import Literal

from catalog.canonical import fingerprint
from catalog.contract import Column
from privacy.column_counts import ColumnCounts
from privacy.headers import header_kinds, of_things, shown_by_header
from privacy.identifiers import BY_KIND, COUNTS
from privacy.numbers import Hits
from privacy.recognisers import SCREEN_VERSION
from privacy.text import TEXT_VERSION

Decision = Literal["PASS", "HOLD", "DENY"]
LEVELS: Mapping[str, str] = {kind: spec.level for kind, spec in BY_KIND.items()}
RAISED = "L3"                   # suggested for every other kind that points to a person
SPARSE, MOST = 0.02, 0.5        # shares of the distinct values
SOME, MANY = 0.3, 0.7           # shares of the values with Chinese characters that are names
DOORS = 0.2                     # ... that name a door
FEW = 30                        # distinct values below which a rate proves nothing
SIGMA = 4.0                     # standard deviations above chance that settle a checksum
CLOSE = 0.9                     # share of birth dates in two decades that makes a column one of dated codes
BLOCK = 100_000                 # numbers in a row that no single body is issued: more than that are serials
LANGUAGE = ("name", "address")
# Whatever a column's verdict hangs on: a change of any of these makes what was judged before stale.
_RULES = ("values.py", "numbers.py", "checksums.py", "column_counts.py", "column_texts.py", "column_verdicts.py", "column_doubts.py", "headers.py",
          "suspicion.py", "screen.py", "pattern_forms.py", "identifiers.py", "folding.py", "spellings.py",
          "recognisers.py", "presidio_engine.py", "presidio_specs.py")
JUDGE_VERSION = fingerprint(SCREEN_VERSION, TEXT_VERSION, [sha256((files("privacy") / name).read_bytes()).hexdigest() for name in _RULES])[:16]
_ORDER: tuple[Decision, ...] = ("PASS", "HOLD", "DENY")


@dataclass(frozen=True)
class ColumnVerdict:
    """`kinds` are found kinds, declared ones too, and `judged` says how each was judged before any declaration; `reasons` are fixed words;
    `suggested_level` never is below the declared one. `evidence`: kind → keyed hashes of a few values that were hit; `sets`: kind → one
    keyed hash of all of them, where all were counted: two verdicts of one set doubt the same values.
    """

    column: str
    decision: Decision
    kinds: Mapping[str, Hits] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    suggested_level: str = "L1"
    judged: Mapping[str, Decision] = field(default_factory=dict)
    evidence: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unseen: bool = False
    sets: Mapping[str, str] = field(default_factory=dict)


def held(column: str, reason: str, declared: Column | None = None) -> ColumnVerdict:
    """The verdict where something stood in the way of a full look."""
    return ColumnVerdict(column, "HOLD", {}, (reason,), _level(declared, ()), unseen=True)


def judge_counts(column: str, counts: ColumnCounts, headers: tuple[str, ...], declared: Column | None, rows: int | None = None,
                 strict: bool = False, excused: Collection[str] = ()) -> ColumnVerdict:
    """`rows` is the number of filled cells that there must be; where another number was seen, the column is held. `excused` kinds may
    stand anywhere, as a collection rule permits them.
    """
    if rows is not None and rows != counts.cells:
        return held(column, "partial", declared)
    asked, things, found = header_kinds(*headers), of_things(*headers), counts.kinds()
    judged: dict[str, tuple[Decision, str]] = {}
    for kind, hits in found.items():
        one = _judge(kind, hits, counts, kind in asked, things)
        judged[kind] = _stricter(kind, hits, counts, one) if strict else one
    if _born(counts, things) and judged.get("resident_id", ("PASS", ""))[0] == "PASS":
        judged["resident_id"], number = ("HOLD", "unchecked"), sum(counts.unchecked.values())
        found.setdefault("resident_id", Hits(number, number, 0, number))
    for kind in asked if counts.cells else ():
        if judged.get(kind, ("PASS", ""))[0] == "PASS" and (declared is None or shown_by_header(kind, *headers)):
            judged[kind] = ("HOLD", "header")
    worst = {kind: one for kind, one in sorted(judged.items()) if one[0] != "PASS"}
    kinds = {kind: found.get(kind, Hits(0, 0, 0)) for kind in worst}
    reasons = tuple(f"{kind}.{why}" for kind, (_, why) in worst.items())
    outcome = {kind: one for kind, (one, _) in worst.items()}
    return ColumnVerdict(column, decided(outcome, declared, excused), kinds, reasons, _level(declared, tuple(kinds)), outcome)


def decided(judged: Mapping[str, Decision], declared: Column | None, excused: Collection[str] = ()) -> Decision:
    """The decision on a column from those on its kinds: the strictest of what nobody declared."""
    return max((one for kind, one in judged.items() if kind in undeclared(judged, declared, excused)), key=_ORDER.index, default=_ORDER[0])


def undeclared(judged: Mapping[str, Decision], declared: Column | None, excused: Collection[str] = ()) -> list[str]:
    """The kinds in doubt or certain that neither the contract nor a rule names."""
    return [kind for kind in judged if not declares(declared, kind) and kind not in excused]


def _judge(kind: str, hits: Hits, counts: ColumnCounts, asked: bool, things: bool) -> tuple[Decision, str]:
    share = hits.distinct / max(counts.distinct, 1)
    if hits.whole == 0 and share < SPARSE and counts.hexes == counts.distinct and not asked:
        return "PASS", ""           # of long hexadecimal codes a few hold a number's form by chance
    if kind in BY_KIND and BY_KIND[kind].chance < 1:
        return _by_rate(kind, hits, share, counts, asked, things)
    if kind == "name":
        return _named(counts, asked, things)
    if kind == "address":
        return _doors(counts, asked)
    if kind == "mobile":
        return _mobile(hits, share, counts, asked, things)
    if kind in ("email", "plate", "mac", "url_token"):
        return ("DENY", "form") if share >= SPARSE and hits.distinct >= 3 else ("HOLD", "sparse")
    if asked and share >= MOST:
        return "DENY", "form"
    if hits.whole == hits.distinct and kind in ("passport", "ip", "hk_macao_permit", "taiwan_permit") and things and share < 0.9:
        return "PASS", ""
    if kind == "coordinates" and hits.whole == hits.distinct and not asked:
        return "PASS", ""           # whose place it is the numbers do not say; those of a home stand beside a word, or under its header
    return "HOLD", "form"


def _stricter(kind: str, hits: Hits, counts: ColumnCounts, one: tuple[Decision, str]) -> tuple[Decision, str]:
    """What weak evidence lets pass is a doubt where it leaves: one identifier that counts by itself, one door, a column of likely names."""
    if one[0] != "PASS":
        return one
    spec, texts = BY_KIND.get(kind), counts.texts
    if spec is not None:
        sure = hits.distinct > hits.whole or spec.bare >= COUNTS or (spec.checked >= COUNTS and hits.checked > 0)
        return ("HOLD", "strict") if sure else one
    named = kind == "name" and texts.likely >= 3 and texts.likely >= SOME * texts.han
    return ("HOLD", "strict") if named or (kind == "address" and texts.doors) else one


def _by_rate(kind: str, hits: Hits, share: float, counts: ColumnCounts, asked: bool, things: bool) -> tuple[Decision, str]:
    """A checksum that holds no more often than by chance speaks against the kind, where there are values enough."""
    chance = BY_KIND[kind].chance
    above = hits.checked - chance * hits.distinct > SIGMA * math.sqrt(hits.distinct * chance * (1 - chance))
    if above and hits.checked > 0.5 * hits.distinct and share >= SPARSE:
        return ("DENY" if BY_KIND[kind].personal else "HOLD"), "checksum"
    if above or asked:
        return "HOLD", "checksum"
    whole = hits.whole == hits.distinct
    if BY_KIND[kind].certain and hits.checked > 0.5 * hits.distinct and not (things and whole):
        return "DENY", "certain"                # one is enough; codes of that form whose checksum fails would tell of chance
    if not whole:                               # inside a text, beside a word or in its full form
        return "HOLD", "text"
    if hits.distinct < FEW:                     # mistyped ones identify as well; in few columns a code by chance has the form
        return ("HOLD", "few") if hits.checked or (share >= 0.1 and not things) else ("PASS", "")
    if kind == "resident_id" and (_among_codes(counts) or (counts.rounded >= 3 and counts.rounded > 0.05 * hits.distinct)):
        return "HOLD", "mixed"
    return "PASS", ""


def _born(counts: ColumnCounts, things: bool) -> bool:
    """Most values have a resident's division and birthday and no check digit that could speak: of random numbers one in eighty does. Under
    a header of things they pass where they are dated within two years, as codes are.
    """
    years = sorted(counts.unchecked.values(), reverse=True)
    return sum(years) >= 3 and sum(years) >= MOST * counts.distinct and not (things and sum(years[:2]) >= CLOSE * sum(years))


def _among_codes(counts: ColumnCounts) -> bool:
    """A few residents' numbers among codes that are made of a division and a date alike: codes lie in two decades, people do not."""
    sizes = sorted((size for size, _ in counts.decades.values()), reverse=True)
    if sum(sizes[:2]) < CLOSE * sum(sizes):
        return False
    apart = [(size, right) for size, right in counts.decades.values() if size not in sizes[:2] or size < FEW]
    return any(right for _, right in apart)


def _mobile(hits: Hits, share: float, counts: ColumnCounts, asked: bool, things: bool) -> tuple[Decision, str]:
    """Of eleven-digit numbers at random one in fourteen looks like a mobile number; serial numbers come in sequence. So do the numbers that
    one body is issued: a short sequence passes only where the header or the type says that it is of things.
    """
    like = counts.mobiles / max(counts.elevens, 1)
    serial = counts.sequential and (things or counts.number or counts.reach >= BLOCK)
    if not asked and hits.distinct == counts.mobiles and counts.elevens >= FEW and (like < 0.25 or serial):
        return "PASS", ""
    if asked and share >= SPARSE:
        return "DENY", "form"
    spread = len(counts.prefixes) >= 8
    certain = share >= MOST and spread and hits.checked >= 0.9 * counts.mobiles and not counts.number and not things
    return ("DENY" if certain else "HOLD"), "form"


def _named(counts: ColumnCounts, asked: bool, things: bool) -> tuple[Decision, str]:
    texts = counts.texts
    share, read = texts.names / max(texts.han, 1), texts.read / max(texts.han, 1)
    if texts.names >= 3 and share >= MANY and (read >= 0.6 or asked):
        return ("HOLD" if things else "DENY"), "share"
    if texts.within or (texts.names >= 3 and share >= SOME and (asked or read >= 0.25)):
        return "HOLD", "share"
    return "PASS", ""


def _doors(counts: ColumnCounts, asked: bool) -> tuple[Decision, str]:
    """Addresses of bodies have doors as well: they are a doubt, and certain only where the header asks for a home."""
    doors = counts.texts.doors
    if asked and doors >= MOST * counts.distinct:
        return "DENY", "form"
    return ("HOLD", "form") if doors >= 3 or asked or doors >= DOORS * counts.texts.han else ("PASS", "")


def declares(declared: Column | None, kind: str) -> bool:
    """Whether the contract says that this kind stands in this column."""
    if declared is None:
        return False
    more = declared.more
    return more.identifies == kind or (kind in (*LANGUAGE, "masked") and more.person and declared.level in ("L3", "L4"))


def _level(declared: Column | None, kinds: tuple[str, ...]) -> str:
    return max([declared.level if declared is not None else "L1", *(LEVELS.get(kind, RAISED) for kind in kinds)])
