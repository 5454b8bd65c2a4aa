"""Reads one sheet in a process of its own: the reader of spreadsheets may panic, run on or take all memory over a broken file.

Run as a script, alone (`python -I`), by pipelines/formats/excel_cells.py. Standard input: the request as JSON (path, sheet,
memory, seconds). Standard output, JSON lines: the sheets and which it is, its extent, then every row that is not empty, as text.
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any


def main() -> None:
    request = json.load(sys.stdin)
    for what, limit in ((resource.RLIMIT_AS, request["memory"]), (resource.RLIMIT_CPU, request["seconds"]), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(what, (limit, limit))
    import python_calamine as calamine

    with open(request["path"], "rb") as handle:      # by path the reader would believe the suffix
        book = calamine.load_workbook(handle)
        names = list(book.sheet_names)
        found = chosen(calamine, book, names, request["sheet"])
        say({"sheets": len(names), "names": names, **found})
        if "number" in found:
            tell(book.get_sheet_by_index(found["number"] - 1))


def say(line: Any) -> None:
    sys.stdout.write(json.dumps(line, ensure_ascii=True) + "\n")


def chosen(calamine: Any, book: Any, names: list[str], declared: str | int | None) -> dict[str, Any]:
    """The number of the declared sheet, or of the only one that is shown and filled; else the filled ones."""
    if isinstance(declared, str):
        return {"number": names.index(declared) + 1} if declared in names else {}
    if declared is not None:
        return {"number": declared} if declared <= len(names) else {}
    filled = [
        at + 1 for at, about in enumerate(book.sheets_metadata)
        if about.typ == calamine.SheetTypeEnum.WorkSheet and about.visible == calamine.SheetVisibleEnum.Visible
        and book.get_sheet_by_index(at).height
    ]
    return {"number": filled[0]} if len(filled) == 1 else {"filled": filled}


def tell(sheet: Any) -> None:
    """The extent of what is filled, then the rows."""
    filled: set[int] = set()
    timed: set[int] = set()
    for row in sheet.iter_rows():
        for at, value in enumerate(row):
            if value != "":
                filled.add(at)
                if type(value) is datetime:
                    timed.add(at)
    first, last = min(filled, default=0), max(filled, default=-1) + 1
    say({"first": first, "last": last, "merged": sheet.merged_cell_ranges or []})
    for number, row in enumerate(sheet.iter_rows(), 1):
        if any(value != "" for value in row):
            say([number, [as_text(value, at in timed) for at, value in enumerate(row[:last])]])


def as_text(value: Any, timed: bool) -> str | None:
    """A cell as a person reads it. `timed`: other cells of its column have a time of day."""
    if value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date):
        return f"{value.isoformat()} 00:00:00" if timed else value.isoformat()
    if isinstance(value, timedelta):
        return duration_text(value)
    return value.isoformat() if isinstance(value, time) else str(value)


def number_text(value: float) -> str:
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else text


def duration_text(value: timedelta) -> str:
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


if __name__ == "__main__":
    main()
