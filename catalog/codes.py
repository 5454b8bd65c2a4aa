"""Code list files: one standard for all departments, used as foreign keys at the row's date."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from catalog.errors import Problem

COLUMNS = ("code", "zh", "en", "valid_from", "valid_to")


@dataclass(frozen=True)
class CodeList:
    """A shared code list: `codes/<id>.csv` with code, zh, en, valid_from, valid_to and optionally parent."""

    id: str
    rows: tuple[Mapping[str, str], ...]
    path: Path

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(row["code"] for row in self.rows)


def read_codes(path: Path, name: str) -> tuple[CodeList | None, list[Problem]]:
    """A code list, and every problem of its file."""
    problems: list[Problem] = []

    def problem(line: int, code: str, what: str, remedy: str) -> None:
        problems.append(Problem(name, line, code, what, remedy))

    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            header = reader.fieldnames or []
            if any(column not in header for column in COLUMNS) or set(header) - {*COLUMNS, "parent"} or len(header) > len(set(header)):
                problem(1, "codes.columns", "The columns are not code, zh, en, valid_from, valid_to and perhaps parent.", "Mend the header.")
                return None, problems
            rows = [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error, OSError):
        problem(1, "codes.encoding", "The file is not CSV in UTF-8.", "Save it as UTF-8.")
        return None, problems
    if not rows:
        problem(1, "codes.empty", "The list has no code.", "Add its codes.")
    broken = [line for line, row in rows if None in row.values() or None in row]
    for line in broken:
        problem(line, "codes.fields", "The line has another number of fields than the header.", "Mend the line.")
    if broken:
        return None, problems
    for line, row in rows:
        _row(line, row, problem)
    problems += _overlaps(name, rows)
    known = {row["code"] for _, row in rows}
    for line, row in rows:
        if row.get("parent") and row["parent"] not in known:
            problem(line, "codes.parent", "The parent is not a code of this list.", "Add the parent, or mend the code.")
    return CodeList(path.stem, tuple(row for _, row in rows), path), problems


def _row(line: int, row: dict[str, str], problem: Callable[[int, str, str, str], None]) -> None:
    for column in ("valid_from", "valid_to"):
        if row[column] and not _is_date(row[column]):
            problem(line, "codes.date", f"{column} is not a date.", "Write it like 2026-05-07.")
    if row["valid_from"] and row["valid_to"] and row["valid_from"] > row["valid_to"]:
        problem(line, "codes.date", "valid_to is before valid_from.", "Mend one of them.")
    if not row["code"] or not row["zh"] or not row["en"]:
        problem(line, "codes.empty", "A code needs a code, a Chinese and an English name.", "Fill them in.")
    if any(value != value.strip() for value in row.values()):
        problem(line, "codes.space", "A field begins or ends with a space.", "Take the space out.")


def _overlaps(name: str, rows: list[tuple[int, dict[str, str]]]) -> list[Problem]:
    found: list[Problem] = []
    spans: dict[str, list[tuple[int, tuple[str, str]]]] = {}
    for line, row in rows:
        start, end = row["valid_from"] or "0001-01-01", row["valid_to"] or "9999-12-31"
        for other, (first, last) in spans.get(row["code"], []):
            if start <= last and first <= end:
                found.append(Problem(name, line, "codes.overlap", f"The code is also valid by line {other} at the same time.", "Part the periods."))
        spans.setdefault(row["code"], []).append((line, (start, end)))
    return found


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
