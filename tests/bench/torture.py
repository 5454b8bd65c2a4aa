"""`make bench-torture`: how the readers do on the torture suites, by Pollock's measures and by what may never happen.

First the measures are proved on a tool whose published score is known; then citylake's own reader, with what a contract may declare, and with
everything detected as `citylake new` detects it. The small suites: every file loads or is refused with a remedy, and no row differs from Python's.
"""

from __future__ import annotations

import csv
import io
import os
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard
from bench.pollock import Loader, Polluted, Rows, as_written, by_python, read_rows, scored, totals, unpack, weights
from bench.privacy_bars import at_least, at_most, table

from catalog.errors import BadInput
from pipelines.formats import Table, open_table

TORTURE = Path(os.environ.get("CITYLAKE_SHARED", Path(__file__).parents[3] / "shared")) / "data" / "torture"
PYTHON = (9.721, 9.436)                 # Python's csv as published; and how near the measures must come to it
NEAR = 0.02
DECLARED, DETECTED = (9.961, 9.599), (9.3, 8.8)
SUITES = ("csv-spectrum", "messytables-horror", "frictionless", "qsv", "CleverCSV")
TEXTS = (".csv", ".tsv", ".ssv", ".psv", ".tab", ".txt")
LONG = 30.0                             # seconds that a file of these suites may take
PACKED = {"big5": "cp950", "gbk": "gb18030"}


def values(opened: Table) -> Rows:
    return [[value or "" for value in list(row.values())[:-1]] for batch in opened.batches() for row in batch.to_pylist()]


def declared(file: Polluted) -> Rows:
    """With what a contract may declare, from the file's description: the names of the columns too, as a contract has them anyway."""
    said = file.parameters
    quote = said["quotechar"] or '"'
    names = [name.strip() for name in said["column_names"]] or [f"col_{at}" for at in range(said["n_columns"])] or ["col_0"]
    options = {"name": "csv", "encoding": "utf-8", "delimiter": said["delimiter"] or ",", "quote": quote, "inner_quotes": True,
               "escape": said["escapechar"] if said["escapechar"] != quote else "", "header": False, "columns": names,
               "skip": int(said["preamble_lines"]) + int(said["header_lines"])}
    opened = open_table(file.path, options, file.name)
    rows = values(opened)
    return as_written([opened.columns, *rows] if said["column_names"] else rows)


def detected(file: Polluted) -> Rows:
    """With nothing declared."""
    opened = open_table(file.path, None, file.name)
    rows = values(opened)
    return as_written([opened.columns, *rows])


def strange(file: Polluted, load: Loader) -> int:
    """Rows of a loaded file that its clean form does not have: what was loaded wrong without a word."""
    try:
        return len({tuple(row) for row in load(file)[1:]} - {tuple(row) for row in read_rows(file.clean)})
    except BadInput:
        return 0


def pollock(files: list[Polluted]) -> dict[str, tuple[float, float, int]]:
    """For each way to load: simple and weighted score, and how many files have a row that is not right."""
    found, weight = {}, weights(TORTURE)
    for name, load, failures in (("Python's csv", by_python, (csv.Error, UnicodeDecodeError)), ("declared", declared, (BadInput,)),
                                 ("detected", detected, (BadInput,))):
        scores = {file.name: scored(file, load, failures) for file in files}
        wrong = sum(strange(file, load) > 0 for file in files) if load is not by_python else -1
        found[name] = (*totals(scores, weight), wrong)
    return found


@dataclass
class Told:
    """What became of a suite's files."""

    files: int = 0
    loaded: int = 0
    marked: int = 0             # of the loaded: with records named as no rows
    refused: int = 0
    wrong: list[str] = field(default_factory=list)       # not one clear error, or rows that Python's csv reads otherwise
    slow: list[str] = field(default_factory=list)


def suite(folder: Path) -> Told:
    """Every file of a folder through the reader, with nothing declared."""
    told = Told()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        told.files += 1
        begun = time.monotonic()
        try:
            opened = open_table(path, None, path.name)
            rows = values(opened)
            told.loaded += 1
            told.marked += bool(opened.bad)
            if path.suffix.lower() in TEXTS and opened.options["name"] == "csv" and not _as_python(path, opened.options, rows):
                told.wrong.append(path.name)
        except BadInput as error:
            told.refused += 1
            if not (error.remedy and str(error)) or "\n" in str(error):
                told.wrong.append(path.name)
        except Exception as error:      # whatever it is: a user would see a traceback
            told.wrong.append(f"{path.name}: {type(error).__name__}")
        if time.monotonic() - begun > LONG:
            told.slow.append(path.name)
    return told


def _as_python(path: Path, options: dict[str, Any], rows: Rows) -> bool:
    """Whether Python's csv reads each of these rows as well, in the dialect that was detected."""
    if len(options["delimiter"]) != 1:
        return True
    encoding = PACKED.get(options["encoding"], options["encoding"])
    text = path.read_bytes().decode(encoding, "replace").replace("\r\r\n", "\n")
    csv.field_size_limit(sys.maxsize)
    quoting = csv.QUOTE_MINIMAL if options["quote"] else csv.QUOTE_NONE
    known = csv.reader(io.StringIO(text, newline=""), delimiter=options["delimiter"], quotechar=options["quote"] or None, quoting=quoting,
                       escapechar=options["escape"] or None)
    return {tuple(row) for row in rows} <= {tuple(row) for row in known}


def suites(scratch: Path) -> Iterator[tuple[str, Path]]:
    """The small suites by name, unpacked where they are packed."""
    yield SUITES[0], TORTURE / "csv-spectrum/csvs"
    yield SUITES[1], TORTURE / "messytables-horror/horror"
    for name, file in ((SUITES[2], "frictionless-data.tar.zst"), (SUITES[3], "qsv-test.tar.zst")):
        with (TORTURE / file).open("rb") as packed, tarfile.open(
                fileobj=io.BytesIO(zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(packed).read())) as archive:
            archive.extractall(scratch / name, filter="data")
        yield name, scratch / name
    yield SUITES[4], TORTURE / "clevercsv"


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        told = {name: suite(folder) for name, folder in suites(Path(scratch))}
        table(("suite", "files", "loaded", "of these with records named as no rows", "refused with a remedy", "wrong", f"over {LONG:g} s"),
              [(name, *map(str, (one.files, one.loaded, one.marked, one.refused, len(one.wrong), len(one.slow)))) for name, one in told.items()])
        found = pollock(unpack(TORTURE, Path(scratch)))
    print()
    table(("Pollock, 2,290 files", "simple", "weighted", "files with a row that is not right"),
          [(name, simple, weighted, str(wrong) if wrong >= 0 else "–") for name, (simple, weighted, wrong) in found.items()])
    print()
    good = [at_most(abs(found["Python's csv"][at] - PYTHON[at]), NEAR, f"Python's csv, {word}, from the published {PYTHON[at]}", "distance")
            for at, word in enumerate(("simple", "weighted"))]
    for name, bars in (("declared", DECLARED), ("detected", DETECTED)):
        good += [at_least(found[name][at], bars[at], f"citylake, {name}, {word}", "score") for at, word in enumerate(("simple", "weighted"))]
    good.append(not any(one.wrong or one.slow for one in told.values()))
    print(*(f"wrong: {name}" for one in told.values() for name in (*one.wrong, *one.slow)), sep="\n")
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
