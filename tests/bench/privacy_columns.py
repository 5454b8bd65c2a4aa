"""The column judge over the zoo of columns (tests/zoo.py): personal columns flagged, harmless ones denied or held, per style of header;
beside stock Presidio cell by cell on the same columns. Run: `PYTHONPATH=tests python -m bench.privacy_columns`.

Automatic DENY and HOLD for a person's look are counted apart. The second stage (Presidio on doubtful values) has its say, as in the city.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter, defaultdict
from typing import cast

import pyarrow as pa
import zoo
from bench.privacy_bars import at_least, at_most
from bench.privacy_text import presidio

from privacy.column_counts import ColumnCounts
from privacy.column_doubts import second
from privacy.column_verdicts import decided, judge_counts, undeclared
from privacy.model import load
from privacy.remembered import Memory

ROWS, SAMPLE = 1000, 20         # values a column; cells a column that stock Presidio reads
FLAGGED, DENIED, HELD = 1.0, 0.02, 0.06
Tally = dict[str, Counter[str]]


def judge(values: list[str], header: str, memory: Memory, strict: bool = False) -> str:
    """The decision on one column of a file that nobody has declared."""
    counted, counts = Counter(values), ColumnCounts()
    counts.add(pa.array(list(counted)), pa.array(list(counted.values())), load(), memory)
    verdict = judge_counts("c", counts, (header,), None, None, strict)
    if asked := undeclared(verdict.judged, None):
        verdict = second(verdict, sorted(counted)[:500], (header,), [] if strict else asked, memory)
    return decided(verdict.judged, None)


def figures(columns: list[tuple[str, str, str, bool, list[str]]], strict: bool) -> tuple[Tally, list[str], float]:
    """Per style of header: personal and harmless columns by decision; what was judged wrongly; seconds."""
    found: Tally = defaultdict(Counter)
    wrong, memory, begun = [], Memory(b"bench"), time.perf_counter()
    for kind, style, header, personal, values in columns:
        decision = judge(values, header, memory, strict)
        found[style][f"{'personal' if personal else 'harmless'} {decision}"] += 1
        if personal == (decision == "PASS"):
            wrong.append(f"{kind}/{style}={decision}")
    return found, wrong, time.perf_counter() - begun


def share(found: Counter[str], who: str, what: str) -> float:
    """Of the personal or harmless columns, those with the decision; `flagged` is either of DENY and HOLD."""
    of = sum(found[f"{who} {one}"] for one in ("PASS", "HOLD", "DENY"))
    return sum(found[f"{who} {one}"] for one in (("HOLD", "DENY") if what == "flagged" else (what,))) / max(of, 1)


def told(name: str, found: Tally) -> Counter[str]:
    """Prints one line a style and one for all."""
    total: Counter[str] = Counter()
    for one in found.values():
        total.update(one)
    for style, one in [*found.items(), ("all", total)]:
        print(f"   {name} {style:<12} flagged {share(one, 'personal', 'flagged'):.3f} (DENY {share(one, 'personal', 'DENY'):.3f});"
              f" wrong DENY {share(one, 'harmless', 'DENY'):.3f}, wrong HOLD {share(one, 'harmless', 'HOLD'):.3f}")
    return total


def stock(columns: list[tuple[str, str, str, bool, list[str]]]) -> Tally:
    """Stock Presidio as it is installed: a column is flagged where it finds anything but a date or a link in a cell of the sample."""
    read, found = presidio(), cast("Tally", defaultdict(Counter))
    for _, style, _, personal, values in columns:
        hit = any(span.kind not in ("DATE_TIME", "URL") for spans in read(values[:SAMPLE]) for span in spans)
        found[style][f"{'personal' if personal else 'harmless'} {'HOLD' if hit else 'PASS'}"] += 1
    return found


def main() -> int:
    columns = zoo.columns(ROWS)
    judge([f"电话{zoo.mobile(random.Random(0))}"], "x", Memory(b"warm"))      # imports are no part of it
    found, wrong, seconds = figures(columns, strict=False)
    total = told("screen", found)
    print(f"   {len(zoo.KINDS)} kinds × {len(zoo.STYLES)} styles × {ROWS} rows in {seconds:.1f} s; judged wrongly: {', '.join(wrong) or 'none'}")
    strict, kept, _ = figures(columns, strict=True)
    told("strict", strict)
    print(f"   strict (what leaves): held beside the screen's: {', '.join(sorted(set(kept) - set(wrong))) or 'none'}")
    told("stock Presidio (a hit in a sample)", stock([one for one in columns if one[1] == "meaningless"]))
    flagged, denied, held = share(total, "personal", "flagged"), share(total, "harmless", "DENY"), share(total, "harmless", "HOLD")
    kept = [at_least(flagged, FLAGGED, "personal columns flagged", "ratio"), at_most(denied, DENIED, "wrong DENY"), at_most(held, HELD, "wrong HOLD")]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
