"""Structured screening against DuckDB's plain union-regex scan of the same cells, and against Presidio cell by cell on a sample.

CPU of one thread each, in one run. The table has twelve columns as cities have them: numbers of persons, phones, codes, plates,
serial numbers, dates, amounts; no free text. Run: `PYTHONPATH=tests python -m bench.privacy_speed [rows in millions]`.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable

import duckdb
import pyarrow as pa

from catalog.contract import ColumnType
from catalog.dialect import render
from privacy.screen import ColumnScreen, judge_column, possible_query, rows_query, screen_query, suspects_query

LIMIT, TIMES, ROWS, SAMPLE = 2.0, 2000, 1_000_000, 250
TABLE = """
CREATE TABLE cells AS SELECT
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
FROM range(?) r(i)"""


# What one would write without gaps, widths and checks; and the least of it.
PLAIN = (r"[1-9]\d{16}[\dXx]|[1-9]\d{14}|1[3-9]\d{9}|[0-9A-HJ-NPQRTUWXY]{18}|(?:62|4|5)\d{14,17}|0\d{2,3}-?[2-8]\d{6,7}"
         r"|[京津沪浙苏][A-Z][A-Z0-9]{5,6}|[\w.+-]+@[\w-]+\.[\w.]+|[EGDS]\d{8}|(?:\d{1,3}\.){3}\d{1,3}")
SMALL = r"[1-9]\d{16}[\dXx]|1[3-9]\d{9}|[0-9A-HJ-NPQRTUWXY]{18}|[\w.+-]+@[\w-]+\.[\w.]+"


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def scan(con: duckdb.DuckDBPyConnection, pattern: str) -> None:
    names = [row[0] for row in con.execute("DESCRIBE cells").fetchall()]
    con.execute("SELECT " + ", ".join(f"count(*) FILTER (regexp_matches({name}, $1))" for name in names) + " FROM cells", [pattern]).fetchall()


def screen(con: duckdb.DuckDBPyConnection, view: str = "cells") -> dict[str, ColumnScreen]:
    """As pipelines.screening does: columns that could, cells that could, distinct values that do."""
    types = {row[0]: ColumnType("text") for row in con.execute(f"DESCRIBE {view}").fetchall()}
    row = con.execute(render(possible_query(types, view), "duckdb")).fetchall()[0]
    types = {name: kind for (name, kind), hit in zip(types.items(), row, strict=True) if hit}
    row = con.execute(render(screen_query(types, view), "duckdb")).fetchall()[0]
    found, rows = {}, con.execute(render(rows_query(view), "duckdb")).fetchall()[0][0]
    for name, hits in zip(types, row, strict=True):
        if hits:
            values = con.sql(render(suspects_query(name, types[name], view, hits * 2 > rows), "duckdb")).to_arrow_reader(65_536)
            found[name] = judge_column(values, name)
    return found


def presidio(con: duckdb.DuckDBPyConnection) -> float:
    """Cells a second of CPU through Presidio's analyzer with our recognisers and the language model, one cell after the other."""
    from privacy.model import load
    from privacy.presidio_engine import Engine
    from privacy.presidio_specs import presidio_recognisers

    engine = Engine(load(), presidio_recognisers())
    texts = [value for row in con.execute(f"SELECT * FROM cells USING SAMPLE {SAMPLE} ROWS (reservoir, 7)").fetchall() for value in row]
    engine.analyze(texts[0])
    return len(texts) / cpu(lambda: [engine.analyze(text) for text in texts])


def measure(rows: int) -> bool:
    con = duckdb.connect()
    con.execute("SET threads = 1")
    con.execute("SET memory_limit = '1GB'")
    con.execute(TABLE, [rows])
    plain = cpu(lambda: scan(con, PLAIN))
    small = cpu(lambda: scan(con, SMALL))
    found: dict[str, ColumnScreen] = {}
    judge_column([pa.record_batch({"value": ["13800001111"], "cells": [1]})], "warm")        # imports are no part of it
    ours = cpu(lambda: found.update(screen(con)))
    for name, result in found.items():
        print(f"   {name}: {dict(result.kinds)}")
    print(f"   {rows * 12 / 1e6:.0f} M cells: plain {plain:.2f} s, of four forms only {small:.2f} s, screen {ours:.2f} s of CPU;"
          f" {rows * 12 / ours / 1e6:.2f} M cells a second; {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most")
    print(f"ratio {ours / plain:.2f} (at most {LIMIT})   screen to a plain union-regex scan; {ours / small:.2f} to one of four forms only (no limit)")
    rate = presidio(con)
    print(f"ratio {rows * 12 / ours / rate:.0f} (at least {TIMES})   the screen's cells a second to Presidio's, {rate:.0f}")
    return ours / plain <= LIMIT and rows * 12 / ours / rate >= TIMES


if __name__ == "__main__":
    sys.exit(0 if measure(int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else ROWS) else 1)
