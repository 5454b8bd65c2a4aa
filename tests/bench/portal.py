"""`make bench-portal`: what publishing to a CKAN costs beside the same raw steps, on a whole portal below a temporary root.

Only ratios within one run mean anything. Sizes: BENCH_PORTAL_ROWS, _ROUNDS, _SWAPS, _CALLS (of 5,000 rows), _DATASETS.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import calls, copying, plans, swaps
from bench.site import Site, sized
from portals import with_ckan
from stacking import PortalStack
from tiny import Tiny

PARTS: dict[str, Callable[[Site], bool]] = {"copy": copying.measure, "swap": swaps.measure, "api": calls.measure, "plan": plans.measure}


def main(names: list[str]) -> int:
    """Runs the named parts, all where nothing is named; 1 when a limit is missed."""
    os.umask(0o077)
    root = Path(tempfile.mkdtemp(prefix="citylake-bench-"))
    stack = PortalStack(root / "portal")
    try:
        at = time.perf_counter()
        stack.up("--workers", "2")      # a reader must not wait for the publisher's own request
        print(f"a portal of its own, up in {time.perf_counter() - at:.0f} s; {sized()}", flush=True)
        site = Site(stack, with_ckan(Tiny(root), stack))
        kept = True
        for name in names or list(PARTS):
            print(f"-- {name}", flush=True)
            kept &= PARTS[name](site)
        return 0 if kept else 1
    finally:
        stack.reset()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
