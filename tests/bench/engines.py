"""`make bench-engines`: one CSV through the whole way on each engine in turn, at several sizes: wall time, CPU, shuffle, peak memory, slope.

Each engine and size is a process of its own, so that Spark is as cold as in a nightly run. BENCH_SIZES names the sizes (rows, with commas),
BENCH_ENGINES the engines. Wall times hang on what else the machine does; CPU hardly does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.privacy_bars import table
from bench.processes import cpu, memory
from bench.whole_way import MEMORY, THREADS, city_of, make

SIZES = [int(one) for one in os.environ.get("BENCH_SIZES", "1000000,5000000,10000000").split(",")]
ENGINES = os.environ.get("BENCH_ENGINES", "duckdb,spark").split(",")
# What has been done when this boundary is passed; the last word is for all that comes after (disclosure control, publishing).
PHASES = {"table/bronze/before": "read, admit", "table/bronze/after": "→ bronze", "table/silver/after": "→ silver", "refine/judged": "checks",
          "table/gold/after": "→ gold", "serve/files": "files", "serve/screened": "screen", "end": "rest"}
TICK = 0.3              # seconds between looks at the memory
MB = 10**6


@dataclass(frozen=True)
class Figures:
    """Of one phase, or of all: wall and CPU seconds, and bytes that Spark wrote for other tasks to read."""

    wall: float
    cpu: float
    shuffled: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(self.wall + other.wall, self.cpu + other.cpu, self.shuffled + other.shuffled)

    def __sub__(self, other: Figures) -> Figures:
        return Figures(self.wall - other.wall, self.cpu - other.cpu, self.shuffled - other.shuffled)


@dataclass
class Run:
    """One engine over one size. `start` is Spark's, before the first row; `peak` in bytes, with everything the process started."""

    engine: str
    rows: int
    phases: dict[str, Figures] = field(default_factory=dict)
    start: Figures = Figures(0, 0)
    peak: int = 0

    @property
    def total(self) -> Figures:
        return sum(self.phases.values(), Figures(0, 0))


def slope(small: Run, large: Run) -> tuple[float, float]:
    """CPU seconds that a run costs whatever its size, and for each further million rows; the sizes must differ."""
    each = (large.total.cpu - small.total.cpu) / (large.rows - small.rows)
    return small.total.cpu - each * small.rows, each * MB


def child(engine: str, root: Path) -> None:
    """The whole way in this process; a line for each phase."""
    from pipelines.boundary import watchers

    city = city_of(root)
    city.engine = engine
    if engine == "spark":
        from pipelines.engines.spark.session import session

        before = _now(False)
        session(city.settings)
        _say("start", _now(True) - before)
    last = _now(engine == "spark")

    def passed(name: str) -> None:
        nonlocal last
        if name in PHASES:
            now = _now(engine == "spark")
            _say(PHASES[name], now - last)
            last = now

    watchers.append(passed)
    outcomes = city.run()
    passed("end")
    assert [item.outcome for item in outcomes] == ["done"] * 4, [(item.step, item.outcome, item.note) for item in outcomes]


def _now(spark: bool) -> Figures:
    return Figures(time.perf_counter(), cpu(os.getpid()), _shuffled() if spark else 0)


def _shuffled() -> int:
    """Bytes written to shuffles until now, as Spark's own status store counts them."""
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    assert running is not None
    executors = running.sparkContext._jsc.sc().statusStore().executorList(False)
    return sum(int(executors.apply(at).totalShuffleWrite()) for at in range(executors.size()))


def _say(phase: str, made: Figures) -> None:
    print(f"phase\t{phase}\t{made.wall}\t{made.cpu}\t{made.shuffled}", flush=True)


def measured(engine: str, rows: int) -> Run:
    """Runs one engine over one size in a process of its own."""
    run = Run(engine, rows)
    with _folder() as root, (root / "said").open("w+") as said:
        make(root / "sources/parks/events.csv", rows)
        plain = {"JDK_JAVA_OPTIONS": "", **os.environ}        # what tests give Java to start sooner would slow it later
        running = subprocess.Popen([sys.executable, "-m", "bench.engines", engine, str(root)], stdout=said, env=plain)
        while running.poll() is None:
            run.peak = max(run.peak, memory(running.pid))
            time.sleep(TICK)
        if running.returncode:
            raise SystemExit(f"{engine} did not come to its end with {rows} rows.")
        said.seek(0)
        for _, phase, *figures in (line.rstrip("\n").split("\t") for line in said if line.startswith("phase\t")):
            made = Figures(float(figures[0]), float(figures[1]), int(figures[2]))
            if phase == "start":
                run.start = made
            else:
                run.phases[phase] = run.phases.get(phase, Figures(0, 0)) + made
    return run


@contextmanager
def _folder() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="citylake-bench-"))
    try:
        (root / "sources/parks").mkdir(parents=True)
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def say(runs: Mapping[tuple[str, int], Run]) -> None:
    """Every figure (CPU / wall), the ratios at each size, and what a run costs by its size."""
    table(["rows", "engine", *[f"{name} (s)" for name in PHASES.values()], "all (s)", "start (s)", "peak (MB)", "shuffled (MB)"],
          [[f"{run.rows:,}", run.engine, *[_both(run.phases.get(name, Figures(0, 0))) for name in PHASES.values()], _both(run.total),
            _both(run.start), f"{run.peak / MB:,.0f}", f"{run.total.shuffled / MB:,.2f}"] for run in runs.values()])
    for (engine, rows), run in runs.items():
        if engine == "spark" and (duck := runs.get(("duckdb", rows))):
            print(f"ratio {run.total.wall / duck.total.wall:.2f}   Spark to DuckDB, {rows:,} rows, of wall time; of CPU "
                  f"{run.total.cpu / duck.total.cpu:.2f}; of peak memory {run.peak / duck.peak:.2f}", flush=True)
    for engine in dict.fromkeys(name for name, _ in runs):
        sizes = sorted(rows for name, rows in runs if name == engine)
        if len(sizes) > 1:
            fixed, each = slope(runs[engine, sizes[0]], runs[engine, sizes[-1]])
            print(f"slope {each:.1f}   CPU seconds a million rows on {engine}, from {sizes[0]:,} to {sizes[-1]:,}; {fixed:.1f} whatever the size",
                  flush=True)


def _both(figures: Figures) -> str:
    return f"{figures.cpu:.1f} / {figures.wall:.1f}"


def main() -> None:
    print(f"12 columns, {THREADS} threads, {MEMORY}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    runs = {}
    for rows in SIZES:
        for engine in ENGINES:
            runs[engine, rows] = measured(engine, rows)
            print(f"-- {engine} {rows:,}: {_both(runs[engine, rows].total)} s, peak {runs[engine, rows].peak / MB:,.0f} MB, load "
                  f"{os.getloadavg()[0]:.1f} at its end", flush=True)
    say(runs)


if __name__ == "__main__":
    child(sys.argv[1], Path(sys.argv[2])) if len(sys.argv) == 3 else main()
