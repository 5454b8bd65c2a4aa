"""The bench of both engines runs to its end at tiny sizes, and its slope is a slope. What it says of speed means nothing then."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bench.engines import PHASES, Figures, Run, slope

ROOT = Path(__file__).parents[1]


def test_the_slope_parts_what_a_run_costs_anyway_from_what_rows_cost() -> None:
    small, large = (Run("spark", rows, {"→ silver": Figures(1, 10 + rows / 500_000), "screen": Figures(1, 2)}) for rows in (1_000_000, 10_000_000))
    fixed, each = slope(small, large)
    assert (round(fixed, 6), round(each, 6)) == (12, 2)


@pytest.mark.spark
@pytest.mark.soak
def test_both_engines_go_the_whole_way_and_say_every_figure() -> None:
    environment = {**os.environ, "PYTHONPATH": "tests", "BENCH_SIZES": "300,900"}
    ran = subprocess.run([sys.executable, "-m", "bench.engines"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=1500)
    for rows in ("300", "900"):
        for engine in ("duckdb", "spark"):
            (line,) = re.findall(rf"^\| {rows} \| {engine} \|(.*)\|$", ran.stdout, re.MULTILINE)
            cells = [cell.strip() for cell in line.split("|")]
            assert len(cells) == len(PHASES) + 4
            assert (float(cells[-1].replace(",", "")) > 0) == (engine == "spark"), "only Spark shuffles"
            assert float(cells[-2].replace(",", "")) > 100
        assert re.search(rf"^ratio [\d.]+   Spark to DuckDB, {rows} rows", ran.stdout, re.MULTILINE)
    assert len(re.findall(r"^slope -?[\d.]+   CPU seconds a million rows on", ran.stdout, re.MULTILINE)) == 2
