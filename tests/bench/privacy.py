"""`make bench-privacy`: the privacy pillar's scores and speeds, part after part, each in a process of its own, with their bars.

Only ratios within one run mean anything of the speeds. Sizes: BENCH_TEXTS (of each corpus), BENCH_PRIVACY_ROWS (of the tables).
Parts that need the shared corpora are skipped by name where those are not (CITYLAKE_SHARED).
Run: `PYTHONPATH=tests python -m bench.privacy [part ...]`
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec

from bench.privacy_bars import SHARED

ROWS = os.environ.get("BENCH_PRIVACY_ROWS", "1000000")


@dataclass(frozen=True)
class Part:
    """A module of this folder that exits with 0 where it keeps its bars."""

    module: str
    given: tuple[str, ...] = ()
    shared: bool = False


PARTS = {
    "text": Part("bench.privacy_text", shared=True),
    "reading": Part("bench.privacy_reading", shared=True),
    "columns": Part("bench.privacy_columns"),
    "address": Part("bench.privacy_address", shared=True),
    "structured": Part("bench.privacy_speed", (ROWS,)),
    "disclosure": Part("bench.privacy_disclosure", (ROWS,)),
}


def run(name: str, part: Part) -> bool:
    """Whether a part kept its bars; a part that cannot run here says so and counts as kept, one that is not there does not."""
    print(f"-- {name}", flush=True)
    if part.shared and not SHARED.is_dir():
        print("   skipped: the shared corpora are not here")
        return True
    if find_spec(part.module) is None:
        print("   missing: the part is not there   MISSED")
        return False
    at = time.perf_counter()
    code = subprocess.run([sys.executable, "-m", part.module, *part.given], check=False).returncode
    said = {0: "bars kept", 1: "a bar is missed"}.get(code, f"failed ({code})")
    print(f"   {name}: {said}, {time.perf_counter() - at:.0f} s", flush=True)
    return code == 0


def main(names: list[str]) -> int:
    """Runs the named parts, all where nothing is named; 1 when a bar is missed."""
    kept = [run(name, PARTS[name]) for name in names or PARTS]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
