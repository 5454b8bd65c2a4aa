"""`make bench`: a CSV of 5 M rows × 12 columns through the whole way, beside the same raw steps by bare DuckDB and delta-rs.

Both run in one go, each in a process of its own; only their ratio means anything. BENCH_ROWS sets another size.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiny import Tiny

ROWS = int(os.environ.get("BENCH_ROWS", 5_000_000))
THREADS = 2
MEMORY = "2GB"
KINDS = ("complaint", "advice", "question", "praise", "report")
SOURCE = """
SELECT 'E' || lpad(CAST(i - CASE WHEN i % 20 = 0 THEN 1 ELSE 0 END AS VARCHAR), 9, '0') AS event_id,
 '3301' || lpad(CAST(2 + i % 13 AS VARCHAR), 2, '0') AS district,
 (['文三路','延安路','体育场路','江南大道','金城路','钱江路','北山街','天目山路'])[1 + (h % 8)::INT] || CAST(h % 900 AS VARCHAR) || '号' AS street,
 CAST(DATE '2020-01-01' + (h % 2190)::INT AS VARCHAR) AS event_date,
 strftime(TIMESTAMP '2020-01-01' + to_seconds((h % 189216000)::BIGINT), '%Y-%m-%d %H:%M:%S') AS reported_at,
 'W' || CAST(h % 997 AS VARCHAR) AS worker,
 CAST(h % 1000000 AS VARCHAR) || '.' || lpad(CAST(h % 100 AS VARCHAR), 2, '0') AS amount,
 (['complaint','advice','question','praise','report'])[1 + (i % 5)::INT] AS kind,
 repeat('市民反映道路积水问题已派单处理', 1 + (h % 3)::INT) || CAST(i % 1000 AS VARCHAR) AS summary,
 '30.' || lpad(CAST(h % 1000000 AS VARCHAR), 6, '0') AS lat, '120.' || lpad(CAST((h // 7) % 1000000 AS VARCHAR), 6, '0') AS lon,
 CAST(h % 101 AS VARCHAR) AS score
FROM (SELECT i, hash(i) % 9007199254740991 AS h FROM range({rows}) t(i))
"""


def make(path: Path, rows: int = ROWS) -> None:
    import duckdb

    duckdb.sql(f"COPY ({SOURCE.format(rows=rows)}) TO '{path}' (HEADER, DELIMITER ',')")


def city_of(root: Path) -> Tiny:
    """A city whose one dataset is that CSV."""
    from tiny import Tiny, column, contract

    columns = [
        column("event_id", "text", "事件编号", key=1, required=True), column("district", "text", "区县", codes="districts"),
        column("street", "text", "街路"), column("event_date", "date", "日期"), column("reported_at", "timestamp", "上报时间"),
        column("worker", "text", "经办", "L2"), column("amount", "decimal(18,2)", "金额"),
        column("kind", "text", "类别", codes="event_kinds"), column("summary", "text", "摘要"), column("lat", "decimal(9,6)", "纬度"),
        column("lon", "decimal(9,6)", "经度"), column("score", "bigint", "评分"),
    ]
    kept = {item["name"]: {"do": "keep"} for item in columns} | {"worker": {"do": "drop"}, "event_date": {"do": "generalise", "to": "month"}}
    city = Tiny(root)
    shutil.rmtree(city.city / "datasets")
    header = "code,zh,en,valid_from,valid_to\n"
    city.write("codes/districts.csv", header + "".join(f"3301{n:02d},区{n},district {n},,\n" for n in range(2, 15)))
    city.write("codes/event_kinds.csv", header + "".join(f"{kind},{kind},{kind},,\n" for kind in KINDS))
    city.declare(contract("parks.events", columns, products=[
        {"name": "main", "tier": "unconditional", "purpose": "open_data", "columns": kept, "formats": ["csv", "parquet"]}]))
    return city


def ours(root: Path) -> None:
    """The whole way; prints `step seconds` lines and `peak` in MB."""
    city = city_of(root)
    begun = time.perf_counter()
    at = begun

    def told(outcome: object) -> None:
        nonlocal at
        print(f"step {outcome.step} {time.perf_counter() - at:.2f} {outcome.outcome} {outcome.note} (peak so far {peak()} MB)", flush=True)  # type: ignore[attr-defined]
        at = time.perf_counter()

    outcomes = city.run(told=told)
    assert [item.outcome for item in outcomes] == ["done"] * 4, "the way did not come to its end"
    body = next(item.body for item in outcomes if item.step == "refine")
    print(f"checks {len(body['verdict']['findings'])} rows {body['counts']['rows']}")
    report(time.perf_counter() - begun)


def bare(root: Path) -> None:
    """The raw steps, by the libraries alone."""
    import duckdb
    from deltalake import DeltaTable, WriterProperties, write_deltalake

    con = duckdb.connect(config={"threads": THREADS, "memory_limit": "1100MiB", "temp_directory": str(root / "spill")})
    con.execute("SET TimeZone = 'UTC'")
    source, total = str(root / "sources/parks/events.csv"), 0.0
    zstd = WriterProperties(compression="ZSTD")

    def step(name: str, work: Callable[[], object]) -> None:
        nonlocal total
        at = time.perf_counter()
        work()
        total += time.perf_counter() - at
        print(f"step {name} {time.perf_counter() - at:.2f}", flush=True)

    def delta(name: str, query: str) -> None:
        write_deltalake(str(root / name), con.sql(query).to_arrow_reader(100_000), writer_properties=zstd)

    def files(name: str) -> str:
        return f"read_parquet({DeltaTable(str(root / name)).file_uris()!r})"

    typed = ("event_id, district, street, TRY_CAST(event_date AS DATE) event_date, TRY_CAST(reported_at AS TIMESTAMP) reported_at, worker, "
             "TRY_CAST(amount AS DECIMAL(18,2)) amount, kind, summary, TRY_CAST(lat AS DECIMAL(9,6)) lat, "
             "TRY_CAST(lon AS DECIMAL(9,6)) lon, TRY_CAST(score AS BIGINT) score")
    leaving = "event_id, district, street, strftime(event_date, '%Y-%m') event_month, reported_at, amount, kind, summary, lat, lon, score"
    texts = ("event_id", "district", "street", "event_month", "kind", "summary")
    regex = r"[0-9]{11,}|[0-9A-Za-z]{15,}|@"
    step("csv→delta", lambda: delta("b", f"SELECT * FROM read_csv('{source}', all_varchar = true)"))
    step("dedup+cast→delta", lambda: delta(
        "s", f"SELECT {typed} FROM {files('b')} QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY reported_at DESC) = 1"))
    step("treat→delta", lambda: delta("g", f"SELECT {leaving} FROM {files('s')}"))
    step("→csv", lambda: con.execute(f"COPY (FROM {files('g')}) TO '{root}/o.csv' (HEADER)"))
    step("→parquet", lambda: con.execute(f"COPY (FROM {files('g')}) TO '{root}/o.parquet' (COMPRESSION zstd)"))
    step("checks", lambda: con.execute(
        f"SELECT count(*), count(DISTINCT event_id), count(*) FILTER (event_id IS NULL), count(*) FILTER (kind NOT IN {KINDS}), min(lat), max(lat), "
        f"avg(amount), count(*) FILTER (NOT regexp_matches(district, '^3301[0-9]{{2}}$')), min(event_date), max(score) FROM {files('s')}").fetchall())
    step("union regex", lambda: con.execute(
        f"SELECT {', '.join(f'count(*) FILTER (regexp_matches({name}, {regex!r}))' for name in texts)} FROM {files('g')}").fetchall())
    report(total)


def peak() -> int:
    """Highest resident memory of this process until now, in MB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def report(seconds: float) -> None:
    print(f"total {seconds:.2f}\ncpu {time.process_time():.2f}\npeak {peak()}", flush=True)


def child(kind: str, root: Path) -> tuple[float, float, int]:
    """Runs one side in its own process and reads its last lines."""
    print(f"-- {kind}", flush=True)
    done = subprocess.run([sys.executable, __file__, kind, str(root)], stdout=subprocess.PIPE, text=True, check=True)
    for line in done.stdout.splitlines():
        print("  ", line)
    words = dict(line.split()[:2] for line in done.stdout.splitlines() if line.split()[0] in ("total", "cpu", "peak"))
    return float(words["total"]), float(words["cpu"]), int(words["peak"])


def main() -> int:
    root = Path(tempfile.mkdtemp(prefix="citylake-bench-"))
    try:
        (root / "sources/parks").mkdir(parents=True)
        make(root / "sources/parks/events.csv")
        size = (root / "sources/parks/events.csv").stat().st_size / 1e6
        print(f"{ROWS:,} rows × 12 columns, {size:,.0f} MB of CSV, {THREADS} threads, {MEMORY}")
        mine, cpu, peak = child("ours", root)
        raw, raw_cpu, raw_peak = child("bare", root)
        print(f"ratio {mine / raw:.2f} (at most 4.0)   of CPU {cpu / raw_cpu:.2f}   peak {peak} MB (at most 2500; bare {raw_peak} MB)")
        return 0 if mine / raw <= 4 and peak <= 2500 else 1
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]
    if len(sys.argv) == 3:
        {"ours": ours, "bare": bare}[sys.argv[1]](Path(sys.argv[2]))
    else:
        sys.exit(main())
