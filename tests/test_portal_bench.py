"""The portal's bench runs to its end at tiny sizes. What it says of speed means nothing then; the rest must hold."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from stacking import CHECKOUT

TINY = {"ROWS": "1000", "ROUNDS": "1", "SWAPS": "4", "CALLS": "2", "DATASETS": "10"}


@pytest.mark.portal
def test_the_bench_of_the_portal_says_every_figure() -> None:
    environment = {**os.environ, "PYTHONPATH": "tests", **{f"BENCH_PORTAL_{name}": size for name, size in TINY.items()}}
    ran = subprocess.run([sys.executable, "-m", "bench.portal"], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False,
                         timeout=500)
    assert "Traceback" not in ran.stderr, ran.stderr
    ratios = dict(re.findall(r"^ratio (?:[\d.]+|inf) \(((?:at most|at least|no) \S+)\)   (\S+ \S+)", ran.stdout, re.M))
    assert list(ratios) == ["at most 1.6", "no limit", "at least 0.9", "at most 1.0"]
    assert "in 4 swaps of 10 and 20 rows" in ran.stdout
    assert ran.stdout.count("anything else never") == 2
    assert re.search(r"^ratio 1\.00 \(at most 1\.0\)   read requests", ran.stdout, re.M)
