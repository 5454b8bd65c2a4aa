"""Structured screening against DuckDB's plain union-regex scan of the same cells, and against Presidio cell by cell on a sample.

CPU of one thread each, in one run. The table has twelve columns as cities have them: numbers of persons, phones, codes, plates,
serial numbers, dates, amounts; no free text. Run: `PYTHONPATH=tests python -m bench.privacy_speed [rows]`.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from bench.privacy_bars import at_least, at_most, in_turns, ratio, table
from tiny import Tiny

from catalog.contract import ColumnType
from pipelines.column_screens import Look, screen_columns
from pipelines.way import Way
from privacy.column_verdicts import ColumnVerdict

NAMES = ("citizen", "phone", "credit_code", "order_number", "seen_at", "day", "amount", "district", "category", "state", "office_phone", "plate")
LIMIT, TIMES, ROWS, SAMPLE, TURNS = 2.0, 2000, 1_000_000, 250, 3
TABLE = """
SELECT
  '3301' || lpad((1 + i // 18480 % 90)::VARCHAR, 2, '0') || (1950 + i % 55) || lpad((1 + i % 12)::VARCHAR, 2, '0')
    || lpad((1 + i % 28)::VARCHAR, 2, '0') || lpad((i % 1000)::VARCHAR, 3, '0')
    || substr('10X98765432', 1 + (i % 11)::INT, 1) AS citizen,
  (13000000000 + (i * 7919) % 6999999999)::VARCHAR AS phone,
  '91330100MA' || upper(lpad(to_hex(i * 2654435761 % 4294967296), 8, '0')) AS credit_code,
  'DD' || (2026000000000 + i)::VARCHAR AS order_number,
  (TIMESTAMP '2026-01-01' + INTERVAL (i * 31) SECOND)::VARCHAR AS seen_at,
  (DATE '2020-01-01' + (i % 2000)::INT)::VARCHAR AS day,
  ((i * 137 % 10000000) / 100.0)::DECIMAL(12, 2)::VARCHAR AS amount,
  ['330102', '330105', '330106', '330108', '330109'][1 + i % 5] AS district,
  'A' || lpad((i % 977)::VARCHAR, 4, '0') AS category,
  ['已办结', '办理中', '已退回', '待受理'][1 + i % 4] AS state,
  '0571-8' || lpad((i * 31 % 10000000)::VARCHAR, 7, '0') AS office_phone,
  '浙A' || lpad((i * 17 % 100000)::VARCHAR, 5, '0') AS plate
FROM range({rows}) r(i)"""


# What one would write without gaps, widths and checks; and the least of it.
PLAIN = (r"[1-9]\d{16}[\dXx]|[1-9]\d{14}|1[3-9]\d{9}|[0-9A-HJ-NPQRTUWXY]{18}|(?:62|4|5)\d{14,17}|0\d{2,3}-?[2-8]\d{6,7}"
         r"|[京津沪浙苏][A-Z][A-Z0-9]{5,6}|[\w.+-]+@[\w-]+\.[\w.]+|[EGDS]\d{8}|(?:\d{1,3}\.){3}\d{1,3}")
SMALL = r"[1-9]\d{16}[\dXx]|1[3-9]\d{9}|[0-9A-HJ-NPQRTUWXY]{18}|[\w.+-]+@[\w-]+\.[\w.]+"


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def scan(way: Way, path: Path, pattern: str) -> None:
    """What one would write by hand, with the same engine over the same file."""
    counts = ", ".join(f"count(*) FILTER (regexp_matches({name}, '{pattern}'))" for name in NAMES)
    with way.engine.open({"cells": path}) as session:
        session._connection.execute(f"SELECT {counts} FROM cells").fetchall()       # type: ignore[attr-defined]


def screen(way: Way, path: Path) -> dict[str, ColumnVerdict]:
    """As a release's files are screened: every column, strictly, without knowing the contract."""
    with way.engine.open({"cells": path}) as session:
        return screen_columns(way, session, dict.fromkeys(NAMES, ColumnType("text")), "cells", Look({}, {}, strict=True))


def presidio(path: Path) -> float:
    """Cells a second of CPU through Presidio's analyzer with our recognisers and the language model, one cell after the other."""
    from privacy.model import load
    from privacy.presidio_engine import Engine
    from privacy.presidio_specs import presidio_recognisers

    engine = Engine(load(), presidio_recognisers())
    sampled = duckdb.sql(f"SELECT * FROM '{path}' USING SAMPLE {SAMPLE} ROWS (reservoir, 7)").fetchall()
    texts = [value for row in sampled for value in row]
    engine.analyze(texts[0])
    return ratio(len(texts), cpu(lambda: [engine.analyze(text) for text in texts]))


def measure(rows: int, folder: Path) -> int:
    os.environ["CITYLAKE_THREADS"], os.environ["CITYLAKE_MEMORY"] = "1", "2GB"
    path, way = folder / f"{rows}.parquet", Tiny(folder / "city").way()
    duckdb.execute(f"COPY ({TABLE.format(rows=rows)}) TO '{path}'")
    duckdb.execute(f"COPY ({TABLE.format(rows=10)}) TO '{folder}/warm.parquet'")
    screen(way, folder / "warm.parquet")                # imports and loading the model are no part of it
    before, found, ways = _peak(), dict[str, ColumnVerdict](), iter(range(9))

    def ours() -> None:         # a state of its own each time: nothing is remembered
        found.update(screen(Tiny(folder / f"city {rows} {next(ways)}").way(), path))

    turns = TURNS if rows <= ROWS else 1
    (plain, _), (small, _), (spent, _) = in_turns((lambda: scan(way, path, PLAIN), lambda: scan(way, path, SMALL), ours), turns)
    print("   " + "; ".join(f"{name} {one.decision} {' '.join(one.kinds)}" for name, one in sorted(found.items()) if one.kinds))
    speed, rate = ratio(rows * 12, spent), presidio(path)
    table(("cells, M", "plain scan, CPU s", "of four forms only", "screen", "M cells a CPU second", "screen / plain",
           "screen / four forms", "peak MB before", "after"),
          [(rows * 12 / 1e6, plain, small, spent, speed / 1e6, ratio(spent, plain), ratio(spent, small), str(before), str(_peak()))])
    kept = at_most(ratio(spent, plain), LIMIT, "screen to a plain union-regex scan")
    return 0 if at_least(speed / rate, TIMES, f"cells a CPU second to Presidio's, cell by cell, {rate:.0f}", "ratio") and kept else 1


def _peak() -> int:
    """Highest resident memory of this process until now, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(given: list[str]) -> int:
    os.umask(0o077)
    with tempfile.TemporaryDirectory(prefix="citylake-bench-") as folder:
        return max(measure(int(float(rows)), Path(folder)) for rows in given or [str(ROWS)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
