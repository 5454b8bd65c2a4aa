"""What a page tells of an open product's rows: first rows, share of nulls, a chart, a map, what changed since the release before.

Everything is read from the released bytes that the site shows, once when a product is published; drawing.py draws it at render time.
Columns are named `c0`, `c1`, … in queries: no name of a file's comes into SQL.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import duckdb

from pipelines.portals import Item

Data = Path | Mapping[str, Path]
PREVIEW_ROWS = 20
CELLS = 72                # of a map's grid, on the longer side
BUCKETS = 160             # most points of a line
CATEGORIES = range(2, 25)  # how many bars can be read
YEARS = (1800, 2200)      # times outside stand for "none" or "for ever", and would flatten a line
COMPARED = 64 * 2**20     # bytes of a release's changed files up to which rows are compared
_SPANS = (("hour", 3_600), ("day", 86_400), ("month", 2_629_746), ("year", 31_556_952))
_PLACES = (("longitude", "latitude"), ("lng", "lat"), ("lon", "lat"))
_NUMBERS = ("decimal", "double", "bigint")


def preview(item: Item, data: Path) -> dict[str, Any] | None:
    """The first rows of the newest release's last CSV file."""
    names = [entry["name"] for entry in item.page.get("files", ()) if entry["format"] == "csv"] if item.shown == "open" else []
    if not names:
        return None
    with (data / item.page["release"] / names[-1]).open(encoding="utf-8-sig", newline="") as handle:
        rows = list(islice(csv.reader(handle), PREVIEW_ROWS + 1))
    return {"file": names[-1], "header": rows[0], "rows": rows[1:]}


def measured(item: Item, data: Data, zone: str, before: Mapping[str, Any] | None = None, drawn: bool = True) -> dict[str, Any]:
    """Figures of an open product; empty for any other, and where a file cannot be read: no release waits for a picture.

    `data`: where `release/name` lies, below a folder or path by path. Times are told in `zone`. `before` is what was measured last: its
    comparisons of older releases stand. Without `drawn` chart and map are left out.
    """
    if item.shown != "open" or not (files := _source(item, data)):
        return {}
    try:
        return _figures(item, data, files, zone, before or {}, drawn)
    except (duckdb.Error, ArithmeticError, ValueError):
        return {}


def _figures(item: Item, data: Data, files: Sequence[Path], zone: str, before: Mapping[str, Any], drawn: bool) -> dict[str, Any]:
    with _connection(zone) as db:
        _rows_of(db, files, len(item.page["columns"]))
        found: dict[str, Any] = {"nulls": _nulls(db, item.page["columns"])}
        found |= {"map": _map(db, item.page), "chart": _chart(db, item.page)} if drawn else {}
        found["changes"] = _changes(db, item, data, before.get("changes", {}))
    return found


@contextmanager
def _connection(zone: str) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1, "memory_limit": "512MB", "temp_directory": "", "autoinstall_known_extensions": False,
                                "autoload_known_extensions": False}) as db:
        db.execute("SET TimeZone = ?", [zone])
        yield db


def _source(item: Item, data: Data) -> list[Path]:
    """The newest release's files of the one format that is read fastest."""
    for kind in ("parquet", "csv"):
        names = [entry["name"] for entry in item.page["files"] if entry["format"] == kind]
        if names:
            return [_at(data, item.page["release"], name) for name in names]
    return []


def _at(data: Data, release: str, name: str) -> Path:
    return data / release / name if isinstance(data, Path) else data[f"{release}/{name}"]


def _rows_of(db: duckdb.DuckDBPyConnection, files: Sequence[Path], width: int, view: str = "shown") -> None:
    """A view of the files' rows with columns `c0`, `c1`, …; of CSV all text, with '' as null."""
    names = ", ".join(f"c{at}" for at in range(width))
    listed = ", ".join(_quoted(path) for path in files)
    read = (f"read_parquet([{listed}])" if files[0].suffix == ".parquet" else
            f"read_csv([{listed}], header = true, all_varchar = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', nullstr = '', "
            f"columns = {{{', '.join(f'c{at}: {chr(39)}VARCHAR{chr(39)}' for at in range(width))}}})")
    db.execute(f"CREATE VIEW {view}({names}) AS SELECT * FROM {read}")


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _nulls(db: duckdb.DuckDBPyConnection, columns: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Column → share of rows without a value, four digits."""
    counts = ", ".join(f"count(c{at})" for at in range(len(columns)))
    total, *filled = _one(db, f"SELECT count(*), {counts} FROM shown")
    return {column["name"]: round(1 - found / total, 4) if total else 0.0 for column, found in zip(columns, filled, strict=True)}


def _one(db: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    found: tuple[Any, ...] | None = db.execute(query).fetchone()
    return found or ()


def _map(db: duckdb.DuckDBPyConnection, page: Mapping[str, Any]) -> dict[str, Any] | None:
    """Cells of a grid with the number of rows in each, and where the areas that a column names lie; None without positions.

    The cells are one text, `column,row,rows` and blanks between: as lists they would be most of pages.json.
    """
    names = [column["name"] for column in page["columns"]]
    pair = next((pair for pair in _PLACES if set(pair) <= set(names)), None)
    if pair is None:
        return None
    x, y = (f"TRY_CAST(c{names.index(name)} AS DOUBLE)" for name in pair)
    west, east, south, north = _one(db, f"SELECT min({x}), max({x}), min({y}), max({y}) FROM shown")
    if west is None or (west, south) == (east, north) or not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        return None
    step = max((east - west) * math.cos(math.radians((south + north) / 2)), north - south) / CELLS
    wide = step / (math.cos(math.radians((south + north) / 2)) or 1)
    cells = db.execute(f"SELECT floor(({x} - {west!r}) / {wide!r})::INT a, floor(({north!r} - {y}) / {step!r})::INT b, count(*) FROM shown "
                       f"WHERE {x} IS NOT NULL AND {y} IS NOT NULL GROUP BY a, b ORDER BY a, b").fetchall()
    if not cells:
        return None         # no row has both
    return {"box": [round(one, 4) for one in (west, east, south, north)],
            "step": [round(wide, 9), round(step, 9)], "grid": " ".join(f"{a},{b},{rows}" for a, b, rows in cells),
            "areas": _areas(db, page, x, y), "rows": sum(cell[2] for cell in cells),
            "most": max(cell[2] for cell in cells)}


def _areas(db: duckdb.DuckDBPyConnection, page: Mapping[str, Any], x: str, y: str) -> list[list[Any]]:
    """[code, longitude, latitude] of the middle of the rows of each district, those with most rows first, if a column with a code list
    says which.
    """
    at = next((at for at, column in enumerate(page["columns"]) if column["codes"] and "district" in column["name"]), None)
    if at is None:
        return []
    found = db.execute(f"SELECT c{at}::VARCHAR, round(median({x}), 4), round(median({y}), 4) FROM shown WHERE c{at} IS NOT NULL AND {x} IS NOT NULL "
                       f"AND {y} IS NOT NULL GROUP BY ALL ORDER BY count(*) DESC, 1 LIMIT 20").fetchall()
    return [list(row) for row in found]


def _chart(db: duckdb.DuckDBPyConnection, page: Mapping[str, Any]) -> dict[str, Any] | None:
    """A line where there is a time, else bars where there are categories; None where neither tells anything."""
    return _line(db, page) or _bars(db, page)


def _measures(page: Mapping[str, Any]) -> list[int]:
    """Columns that hold quantities: measures of a table, or numbers with a unit; never a code, a place or a year."""
    places = {name for pair in _PLACES for name in pair}
    return [at for at, column in enumerate(page["columns"])
            if column["type"].startswith(_NUMBERS) and not column["codes"] and column["name"] not in places
            and (column["unit"] or column["treatment"] == "aggregate")]


def _line(db: duckdb.DuckDBPyConnection, page: Mapping[str, Any]) -> dict[str, Any] | None:
    """Mean of the first quantity, or number of rows, by hour, day, month or year: the finest that still can be read."""
    for at, column in enumerate(page["columns"]):
        if not column["type"].startswith(("date", "timestamp")):
            continue
        time = f"TRY_CAST(c{at} AS TIMESTAMP)"       # from a time with a zone: local, in the connection's
        within = f"t >= '{YEARS[0]}-01-01' AND t < '{YEARS[1]}-01-01'"
        first, last = _one(db, f"SELECT min(t), max(t) FROM (SELECT {time} t FROM shown) WHERE {within}")
        if first is None:
            continue
        seconds = (last - first).total_seconds()
        span = next((name for name, length in _SPANS if seconds / length <= BUCKETS and (name != "hour" or column["type"] != "date")), "year")
        of = next(iter(_measures(page)), None)
        value = "count(*)" if of is None else f"round(avg(TRY_CAST(c{of} AS DOUBLE)), 3)"
        points = db.execute(f"SELECT strftime(date_trunc('{span}', t), '%Y-%m-%dT%H:%M') b, {value} FROM (SELECT *, {time} t FROM shown) "
                            f"WHERE {within} GROUP BY 1 ORDER BY 1").fetchall()
        told = [[at, value] for at, value in points if value is not None and math.isfinite(value)]
        if 4 <= len(told) <= 2 * BUCKETS:
            return {"kind": "line", "by": column["name"], "of": None if of is None else page["columns"][of]["name"], "span": span,
                    "points": told}
    return None


def _bars(db: duckdb.DuckDBPyConnection, page: Mapping[str, Any]) -> dict[str, Any] | None:
    """Number of rows of each category, or the first quantity where each category has one row."""
    for at, column in sorted(enumerate(page["columns"]), key=lambda pair: not pair[1]["codes"]):
        if not (column["codes"] or column["type"] in ("text", "boolean")):
            continue
        if _one(db, f"SELECT approx_count_distinct(c{at}) FROM shown")[0] > 2 * CATEGORIES.stop:
            continue        # counting a million names exactly would take the memory of all of them
        rows, many = _one(db, f"SELECT count(c{at}), count(DISTINCT c{at}) FROM shown")
        single, measures = rows == many, _measures(page)
        if many not in CATEGORIES or (single and not measures) or (not column["codes"] and not single and many * 3 > rows):
            continue
        summed = bool(measures) and (single or page["columns"][measures[0]]["treatment"] == "aggregate")
        value = f"sum(TRY_CAST(c{measures[0]} AS DOUBLE))" if summed else "count(*)"
        found = db.execute(f"SELECT c{at}::VARCHAR, {value} v FROM shown WHERE c{at} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1").fetchall()
        points = [[name, round(number, 3)] for name, number in found if number is not None and math.isfinite(number)]
        if len(points) >= CATEGORIES.start:
            return {"kind": "bars", "by": column["name"], "of": page["columns"][measures[0]]["name"] if summed else None, "points": points}
    return None


def _changes(db: duckdb.DuckDBPyConnection, item: Item, data: Data, known: Mapping[str, Any]) -> dict[str, Any]:
    """Release → what changed in it, for every two in a row whose CSV files are both shown."""
    shown = [{"release": past["release"], "files": [file for file in past["files"] if file["format"] == "csv"]} for past in item.page["releases"]]
    found: dict[str, Any] = {}
    for new, old in pairwise(shown):
        if not new["files"] or not old["files"]:
            continue
        last = known.get(new["release"])
        same = last is not None and last["since"] == old["release"] and new["release"] != item.page["release"]
        found[new["release"]] = last if same else _compared(db, data, new, old, _key(item.page))
    return found


def _key(page: Mapping[str, Any]) -> list[str]:
    """Headers of the columns by which a row is the same in two releases."""
    labels = {column["name"]: column["label"] for column in page["columns"]}
    return [labels[name] for name in page.get("key", ())]


def _compared(db: duckdb.DuckDBPyConnection, data: Data, new: Mapping[str, Any], old: Mapping[str, Any], key: Sequence[str]) -> dict[str, Any]:
    """Columns that came and went, files that changed, and, where they are not too large, rows that are in one release alone.

    With a key also `changed`, the rows among these that are in both by their key.
    """
    now, then = ({file["period"]: file for file in one["files"]} for one in (new, old))
    periods = sorted(name for name in {*now, *then} if now.get(name, {}).get("sha256") != then.get(name, {}).get("sha256"))
    sides = {which: [_at(data, one["release"], files[name]["name"]) for name in periods if name in files]
             for which, one, files in (("new", new, now), ("old", old, then))}
    heads = {which: _header(paths[0]) if paths else None for which, paths in sides.items()}
    said: dict[str, Any] = {"since": old["release"], "files": len(periods), "of": len(now),
                            "came": [name for name in heads["new"] or () if heads["old"] and name not in heads["old"]],
                            "went": [name for name in heads["old"] or () if heads["new"] and name not in heads["new"]]}
    if sum(path.stat().st_size for paths in sides.values() for path in paths) > COMPARED:
        return said
    if heads["new"] and heads["old"] and heads["new"] != heads["old"]:
        return said
    header = heads["new"] or heads["old"] or []
    width = len(header)
    for which, paths in sides.items():
        if paths:
            _rows_of(db, paths, width, f"{which}_{new['release']}")
    try:
        return {**said, **_rows_changed(db, new["release"], sides, [header.index(label) for label in key if label in header], len(key))}
    except duckdb.OutOfMemoryException:
        return said


def _rows_changed(db: duckdb.DuckDBPyConnection, release: str, sides: Mapping[str, Sequence[Path]], key: Sequence[int], whole: int) -> dict[str, int]:
    """Rows that are in one release alone: `added`, `gone`; and where all `whole` columns of a key are there, `changed` of both."""
    if not sides["new"] or not sides["old"]:
        only = {which: int(_one(db, f"SELECT count(*) FROM {which}_{release}")[0]) if sides[which] else 0 for which in sides}
        return {"added": only["new"], "gone": only["old"], **({"changed": 0} if whole else {})}
    for mine, yours in (("new", "old"), ("old", "new")):
        db.execute(f"CREATE TEMP TABLE only_{mine} AS SELECT * FROM {mine}_{release} EXCEPT ALL SELECT * FROM {yours}_{release}")
    found = {name: int(_one(db, f"SELECT count(*) FROM only_{which}")[0]) for name, which in (("added", "new"), ("gone", "old"))}
    if key and len(key) == whole:
        same = ", ".join(f"c{at}" for at in key)
        found["changed"] = int(_one(db, f"SELECT count(*) FROM (SELECT {same} FROM only_new INTERSECT SELECT {same} FROM only_old)")[0])
    for which in ("new", "old"):
        db.execute(f"DROP TABLE only_{which}")
    return found


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return next(csv.reader(handle), [])
