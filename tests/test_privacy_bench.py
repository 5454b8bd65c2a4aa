"""The privacy bench runs to its end at tiny sizes. What it says of speed means nothing then; the rest must hold."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TINY = {"BENCH_TEXTS": "40", "BENCH_PRIVACY_ROWS": "2000"}


def bench(*parts: str, **more: str) -> str:
    environment = {**os.environ, "PYTHONPATH": "tests", **TINY, **more}
    ran = subprocess.run([sys.executable, "-m", "bench.privacy", *parts], cwd=ROOT, env=environment, capture_output=True, text=True,
                         check=False, timeout=300)
    assert "Traceback" not in ran.stderr, ran.stderr
    assert ran.returncode in (0, 1)
    return ran.stdout


@pytest.mark.shared
def test_scores_and_speeds_of_texts_say_every_figure() -> None:
    said = bench("text", "reading", "address")
    for bar in ("synth_hotline names covered", "synth_hotline right of the characters found as names", "synth_hotline CN_MOBILE covered",
                "door-level address characters"):
        assert re.search(rf"^bar [\d.]+ \(at least [\d.]+\)   {bar}", said, re.M), bar
    assert re.search(r"^ratio [\d.]+ \(at least 4\.5\)   speed to the stock calls", said, re.M)
    assert "the words are the same" in said
    assert "| cluener_train | PERSON |" in said
    assert "| cluener_train | all of these |" in said


def test_speeds_of_tables_say_every_figure() -> None:
    said = bench("structured", "disclosure")
    assert re.search(r"^ratio [\d.]+ \(at most 2\.0\)   screen to a plain", said, re.M)
    assert re.search(r"^ratio [\d.]+ \(at least 2000\)   cells a CPU second to Presidio's", said, re.M)
    assert "-- disclosure" in said


def test_parts_without_their_corpora_are_skipped_by_name(tmp_path: Path) -> None:
    said = bench("text", "reading", "address", CITYLAKE_SHARED=str(tmp_path))
    assert said.count("skipped: the shared corpora are not here") == 3
