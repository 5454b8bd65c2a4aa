"""A run with nothing changed writes nothing, and loads neither Great Expectations nor Presidio."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tiny import DATASET, GOOD, Tiny, by_step, contract

from pipelines import boundary

IDLE = """\
import json, sys
from pipelines.conduct import run
from pipelines.settings import settings
from pipelines.way import open_way
outcomes = run(open_way(settings()))
print(json.dumps({"outcomes": [(item.outcome, item.note) for item in outcomes], "loaded": sorted({name.split(".")[0] for name in sys.modules})}))
"""


def contents(root: Path) -> dict[str, tuple[int, int]]:
    """Every file below the city's state, lake and site: size and time of change."""
    places = [root / name for name in ("state", "lake", "site")]
    files = [path for place in places for path in place.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return {path.relative_to(root).as_posix(): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def test_nothing_changed_nothing_written(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", GOOD)
    assert set(by_step(city.run()).values()) == {"done"}
    before, seen = contents(tmp_path), list[str]()
    boundary.watchers.append(seen.append)
    try:
        assert set(by_step(city.run()).values()) == {"unchanged"}
    finally:
        boundary.watchers.remove(seen.append)
    assert contents(tmp_path) == before
    assert seen == []


def test_nothing_changed_while_things_are_held(tmp_path: Path) -> None:
    """Open holds at admission, refinement and release: the next run looks and writes nothing."""
    city = Tiny(tmp_path)
    other = contract("parks.ponds", max_bad_percent=1.0)
    city.declare(other)
    shown = contract("parks.paths")
    shown["customProperties"][0]["value"]["products"][0]["columns"]["note"] = {"do": "keep"}
    next(item for item in shown["schema"][0]["properties"] if item["name"] == "note")["classification"] = "L1"
    city.declare(shown)
    city.drop("trees1.csv", GOOD.replace("备注", "没有说明的列"))
    city.drop("ponds1.csv", GOOD.replace("T1,A", "T1,Z"))
    city.drop("paths1.csv", GOOD.replace("已修剪", "统一代码91330100MA2XXXXXXX"))
    outcomes = by_step(city.run())
    assert outcomes["parks.trees ingest"] == outcomes["parks.ponds refine"] == "held"
    before = contents(tmp_path)
    again = by_step(city.run())
    assert set(again.values()) <= {"unchanged", "held"}
    assert contents(tmp_path) == before


def test_the_heavy_libraries_stay_out(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", GOOD)
    city.run()
    done = subprocess.run([sys.executable, "-c", IDLE], env=city.environment(), capture_output=True, text=True, check=True, timeout=120)
    told = json.loads(done.stdout)
    assert told["outcomes"] == [["unchanged", ""]] * 4
    assert not {"great_expectations", "presidio_analyzer", "spacy", "pandas"} & set(told["loaded"])
    assert city.way().journal.state(DATASET).seq == len(list((city.settings.lake / "journal/parks/trees").iterdir()))
