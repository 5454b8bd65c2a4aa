"""CPU of disclosure control over a million rows and four quasi-identifiers, as a ratio to one GROUP BY over them, in one run: k alone, k with
l and t, and Mondrian to k = 5 (over the distinct combinations; from the GROUP BY to the names of the classes).

    python -m bench.privacy_disclosure [ROWS]      (from tests/)
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import duckdb
import numpy as np
import pyarrow as pa
from sqlglot import exp

from catalog.dialect import render
from privacy.disclosure import classes_query, k_query, told_query
from privacy.mondrian import widened
from privacy.ranges import ranges, sizes_of

QUASI = ("age", "sex", "district", "month")
MAKE = """CREATE TABLE gold AS SELECT concat(CAST(floor(a) * 5 AS INTEGER), '-') AS age, CASE WHEN b < 0.5 THEN 'F' ELSE 'M' END AS sex,
concat('3301', CAST(floor(c) AS INTEGER)) AS district, concat('2026-', CAST(floor(d) AS INTEGER)) AS month,
concat('s', CAST(floor(e) AS INTEGER)) AS s
FROM (SELECT random() * 18 a, random() b, random() * 13 c, random() * 12 d, random() * {values} e FROM range({rows}))"""
WIDE = """CREATE TABLE wide AS SELECT CAST(floor(a) AS BIGINT) AS age, CASE WHEN b < 0.5 THEN 'F' ELSE 'M' END AS sex,
CAST(floor(c) AS BIGINT) AS district, CAST(floor(d) AS BIGINT) AS month
FROM (SELECT random() * 90 a, random() b, random() * 200 c, random() * 400 d FROM range({rows}))"""


def spent(work: Callable[[], object], times: int = 5) -> float:
    """CPU seconds of the process, the least of some tries."""
    found = []
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def main(rows: int, values: int) -> int:
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(MAKE.format(rows=rows, values=values))

        def run(query: exp.Query) -> None:
            connection.sql(render(query, "duckdb")).fetchall()

        plain = spent(lambda: run(classes_query(QUASI, "gold")))
        k, k_l_t = spent(lambda: run(k_query(QUASI, "gold", 5))), spent(lambda: run(told_query(QUASI, "s", "gold", 5)))
    print(f"rows {rows}, {values} sensitive values  one GROUP BY {plain:.3f} s  k {k / plain:.2f} x  k, l and t {k_l_t / plain:.2f} x (bar 2)")
    return int(max(k, k_l_t) > 2 * plain)


def mondrian(rows: int) -> int:
    """Nearly every row is a combination of its own: the worst case."""
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(WIDE.format(rows=rows))
        grouped = render(classes_query(QUASI, "wide"), "duckdb")
        plain = spent(lambda: connection.sql(grouped).to_arrow_table(), 3)

        def made() -> list[float]:
            table = connection.sql(grouped).to_arrow_table()
            columns = [table.column(name).combine_chunks() for name in QUASI]
            found = [ranges(column.cast(pa.string()), sizes_of(column)) for column in columns]
            counts = table.column(len(QUASI)).to_numpy().astype(np.int64)
            return list(widened([one for one, _ in found], [places for _, places in found], counts, 5).losses)

        losses: list[float] = []
        taken = spent(lambda: losses.extend(made()), 3)
    print(f"rows {rows}, Mondrian to k = 5  {taken:.2f} s  {taken / plain:.1f} x one GROUP BY of {plain:.2f} s (bar 15)  "
          f"GCP {sum(losses) / len(losses):.4f}")
    return int(taken > 15 * plain)


if __name__ == "__main__":
    ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    sys.exit(max([*(main(ROWS, values) for values in (3, 6, 20, 200)), mondrian(ROWS)]))
