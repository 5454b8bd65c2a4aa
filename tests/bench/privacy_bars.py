"""How the privacy bench says a figure and its bar, measures CPU in turns, and finds the shared corpora."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import zstandard

SHARED = Path(os.environ.get("CITYLAKE_SHARED", Path(__file__).parents[3] / "shared")) / "data" / "privacy"
LONGEST = 400           # characters: what the stock model reads in one call
TEXTS = int(os.environ.get("BENCH_TEXTS", 0))       # of each corpus, 0: as many as measured usually
Row = Mapping[str, Any]
Cells = Sequence[str | float]


def at_least(value: float, bar: float, what: str, word: str = "bar") -> bool:
    print(f"{word} {value:.3f} (at least {bar})   {what}{'' if value >= bar else '   MISSED'}", flush=True)
    return value >= bar


def at_most(value: float, bar: float, what: str, word: str = "ratio") -> bool:
    print(f"{word} {value:.3f} (at most {bar})   {what}{'' if value <= bar else '   MISSED'}", flush=True)
    return value <= bar


def rows(corpus: str, most: int) -> list[Row]:
    """The first texts of a corpus, `most` or what BENCH_TEXTS says, as far as they are not longer than the model reads at once."""
    packed = (SHARED / f"{corpus}.jsonl.zst").read_bytes()
    lines = zstandard.ZstdDecompressor().stream_reader(packed).read().decode().split("\n")[:TEXTS or most]
    return [row for row in (json.loads(line) for line in lines if line) if 0 < len(row["text"]) <= LONGEST]


def table(header: Sequence[str], lines: Sequence[Cells]) -> None:
    """A table in Markdown: what docs/performance.md shows."""
    print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    for line in lines:
        print("| " + " | ".join(cell if isinstance(cell, str) else f"{cell:.3f}" for cell in line) + " |", flush=True)


def in_turns(sides: Sequence[Callable[[], object]], times: int) -> list[tuple[float, float]]:
    """For each side the median of its (CPU, wall) seconds over so many turns: the machine does other things too."""
    spent: list[list[tuple[float, float]]] = [[] for _ in sides]
    for _ in range(times):
        for side, found in zip(sides, spent, strict=True):
            cpu, wall = time.process_time(), time.perf_counter()
            side()
            found.append((time.process_time() - cpu, time.perf_counter() - wall))
    return [(median(cpu for cpu, _ in found), median(wall for _, wall in found)) for found in spent]


def ratio(over: float, under: float) -> float:
    """Of times that may be too short for the clock."""
    return over / max(under, 1e-6)
