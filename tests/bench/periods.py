"""One changed period beside everything: CPU of a run after one hundredth of the rows has changed, all of one period, to that of the run before it.

BENCH_PERIOD_ROWS sets another size than 10,000,000. Run as `PYTHONPATH=tests python -m bench.periods`; a part of `make bench-many`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import duckdb
import yaml
from bench.history import tell
from bench.many import RUN, cpu
from bench.whole_way import SOURCE, city_of, make
from tiny import Tiny

ROWS = int(os.environ.get("BENCH_PERIOD_ROWS", 10_000_000))
SHARE = 100
BAR = 0.08


def changed(root: Path, rows: int) -> bool:
    """Whether the bar is kept."""
    (root / "sources/parks").mkdir(parents=True)
    city, path = city_of(root), root / "city/datasets/parks/events.odcs.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    ours = document["customProperties"][0]["value"]
    ours["period"] = {"column": "event_date", "grain": "month"}
    ours["products"][0]["columns"]["event_date"] = {"do": "keep"}
    city.declare(document)
    make(root / "sources/parks/events1.csv", rows)
    whole = cpu("-c", RUN, str(root), PYTHONPATH=os.pathsep.join(sys.path))
    # Every twentieth row shares the key of the one before, of another month: these stay as they are.
    duckdb.sql(f"COPY (SELECT * REPLACE ('77' AS score) FROM ({SOURCE.format(rows=rows)}) WHERE event_date LIKE '2023-05-%' "
               f"AND CAST(substr(event_id, 2) AS BIGINT) % 20 <> 19 LIMIT {rows // SHARE}) "
               f"TO '{root / 'sources/parks/events2.csv'}' (HEADER, DELIMITER ',')")
    part = cpu("-c", RUN, str(root), PYTHONPATH=os.pathsep.join(sys.path))
    step = city.way().journal.state("parks.events").last["refine/"]["increment"]
    assert step["periods"] == ["2023-05"], step
    print(f"whole {whole:.1f}, changed {part:.1f} CPU seconds")
    kept = tell(f"one changed period of {rows:,} rows to all of them", part / whole, BAR)
    scattered(root, city, rows)
    return kept


def scattered(root: Path, city: Tiny, rows: int) -> None:
    """Reports the bytes of silver and of published files that are written for each byte that came, where it touches every period."""
    before = _written(city)
    path = root / "sources/parks/events3.csv"
    duckdb.sql(f"COPY (SELECT * REPLACE ('78' AS score) FROM ({SOURCE.format(rows=rows)}) WHERE hash(event_id) % 1000 = 0) "
               f"TO '{path}' (HEADER, DELIMITER ',')")
    spent = cpu("-c", RUN, str(root), PYTHONPATH=os.pathsep.join(sys.path))
    new = sum(size for inode, size in _written(city).items() if inode not in before)
    print(f"scattered over all periods: {spent:.1f} CPU seconds, {new / 1e6:,.1f} MB written for {path.stat().st_size / 1e6:,.1f} MB")
    tell(f"bytes written for each that came, one in a thousand of {rows:,} rows in every period", new / path.stat().st_size)


def _written(city: Tiny) -> dict[int, int]:
    """Inode → size of every file of silver, gold and the releases."""
    lake = city.settings.lake
    return {path.stat().st_ino: path.stat().st_size for folder in ("tables/silver", "tables/gold", "releases")
            for path in (lake / folder).rglob("*") if path.is_file()}


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="citylake-bench-") as folder:
        return 0 if changed(Path(folder), ROWS) else 1


if __name__ == "__main__":
    sys.exit(main())
