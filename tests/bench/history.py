"""One line for each figure of a bench, beside what it was the last time; kept in docs/bench-history.csv, so that a change shows."""

from __future__ import annotations

import csv
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(os.environ.get("BENCH_HISTORY") or ROOT / "docs/bench-history.csv")
HEADER = ("day", "commit", "figure", "value", "bar")


def tell(figure: str, value: float, bar: float | None = None, unit: str = "times") -> bool:
    """Prints and keeps a figure; whether it keeps its bar (an upper one). Without a bar it is only reported."""
    before = [float(row["value"]) for row in _kept() if row["figure"] == figure]
    kept = bar is None or value <= bar
    asked = "" if bar is None else f" (at most {bar:g}{'' if kept else ': MISSED'})"
    was = f", was {before[-1]:g}" if before else ""
    print(f"{figure}: {value:.2f} {unit}{asked}{was}", flush=True)
    new = not FILE.exists()
    with FILE.open("a", encoding="utf-8", newline="") as handle:
        rows = csv.writer(handle, lineterminator="\n")
        if new:
            rows.writerow(HEADER)
        rows.writerow([datetime.now(UTC).date().isoformat(), _commit(), figure, f"{value:.3f}", "" if bar is None else f"{bar:g}"])
    return kept


def _kept() -> list[dict[str, str]]:
    if not FILE.exists():
        return []
    with FILE.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip()
