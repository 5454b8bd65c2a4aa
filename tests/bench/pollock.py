"""The measures of Pollock (Vitagliano, Hameed, Jiang, Reisener, Wu, Naumann: Pollock, a data loading benchmark, PVLDB 16, 2023), written anew
from their definitions.

A file's score is the sum of ten measures between 0 and 1: whether it was loaded at all; precision, recall and F1 of its header's cells, of its
records, of all its cells, each as multisets against the clean file. The simple score is the mean over all files, the weighted one the mean by the
share of real files that have the pollution. 10 is perfect. As published: shares of the clean file count as precision, shares of what was loaded as
recall; records are the joined text of their cells; a file whose clean form is empty scores in full when anything was done without an error.
"""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import zstandard

Rows = list[list[str]]
FAILED = (0.0,) * 10
PERFECT = (1.0,) * 9


@dataclass(frozen=True)
class Polluted:
    """One file of the benchmark: what is given, what it should say, how it is written."""

    name: str
    path: Path
    clean: Path
    parameters: Mapping[str, Any]

    def wanted(self) -> Rows:
        return read_rows(self.clean)


def unpack(torture: Path, folder: Path, every: int = 1) -> list[Polluted]:
    """Unpacks the polluted files, or every so many of those that pollute one row and all that pollute the whole file; sorted by name."""
    with (torture / "pollock_polluted_files.tar.zst").open("rb") as packed:
        plain = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(packed).read()
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        members: dict[str, list[tarfile.TarInfo]] = {}
        for member in archive:
            if member.isfile():
                members.setdefault(member.name.rpartition("/")[2].removesuffix("_parameters.json"), []).append(member)
        rows = sorted(name for name in members if name.startswith("row_"))
        chosen = {*rows[::every], *(members.keys() - set(rows))}
        archive.extractall(folder, [member for name in chosen for member in members[name]], filter="data")
    root = folder / "polluted_files"
    return [Polluted(path.name, path, root / "clean" / path.name,
                     json.loads((root / f"parameters/{path.name}_parameters.json").read_text(encoding="utf-8")))
            for path in sorted((root / "csv").glob("*.csv"))]


def weights(torture: Path) -> dict[str, float]:
    """How often each pollution occurs in real files."""
    found: dict[str, float] = json.loads((torture / "pollock/pollock_weights.json").read_text(encoding="utf-8"))
    return found


def read_rows(path: Path) -> Rows:
    """A CSV as the benchmark reads what was loaded: RFC 4180."""
    with path.open(encoding="utf-8-sig") as handle:
        return list(csv.reader(handle))


@cache
def normal(cell: str) -> str:
    """Numbers by their value, everything else in small letters: how a tool spells a number is no matter."""
    for kind in (int, float):
        try:
            return str(kind(cell))
        except ValueError:
            continue
    return cell.lower()


def _shares(wanted: Sequence[str], found: Sequence[str]) -> tuple[float, float, float]:
    """Precision, recall, F1 of two multisets."""
    if not wanted:
        return 1.0, 1.0, 1.0
    same = sum((Counter(wanted) & Counter(found)).values())
    if not same:
        return 0.0, 0.0, 0.0
    precision, recall = same / len(wanted), same / len(found)
    return precision, recall, 2 * precision * recall / (precision + recall)


def measures(wanted: Rows, found: Rows) -> tuple[float, ...]:
    """The nine measures of a file that was loaded; the first row is the header, whatever it holds."""
    if not wanted:
        return PERFECT
    header = _shares([normal(cell) for cell in wanted[0]], [normal(cell) for cell in found[0]] if found else [])
    records = _shares(*(["".join(map(normal, row)) for row in rows[1:]] for rows in (wanted, found)))
    cells = _shares(*([cell for row in rows for cell in row] for rows in (wanted, found)))
    return (*header, *records, *cells)


Loader = Callable[[Polluted], Rows]


def scored(file: Polluted, load: Loader, failures: tuple[type[Exception], ...]) -> tuple[float, ...]:
    """The ten measures of one file. `failures`: what the tool says when it does not load; anything else is a defect, and raised."""
    try:
        found = load(file)
    except failures:
        return FAILED
    return (1.0, *measures(file.wanted(), found))


def totals(scores: Mapping[str, Sequence[float]], weight: Mapping[str, float]) -> tuple[float, float]:
    """(simple, weighted), of 10."""
    sums = {name: sum(score) for name, score in scores.items()}
    whole = sum(weight[name] for name in sums)
    return sum(sums.values()) / len(sums), sum(sums[name] * weight[name] for name in sums) / whole


def by_python(file: Polluted) -> Rows:
    """Python's csv module as its authors of the benchmark called it: the dialect sniffed from the whole file."""
    with file.path.open(newline="", encoding=file.parameters["encoding"]) as handle:
        dialect = csv.Sniffer().sniff(handle.read())
        handle.seek(0)
        rows = list(csv.reader(handle, dialect))
    return as_written(rows)


def as_written(rows: Iterable[Sequence[str]]) -> Rows:
    """Rows as they come back from the CSV that a tool writes."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return list(csv.reader(io.StringIO(text.getvalue().replace("\r\n", "\n").replace("\r", "\n"), newline="")))
