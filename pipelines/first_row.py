"""Whether the first row of a file is a header at all, or data; and what to write then. No value is told, only numbers of columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from sqlglot import exp

from catalog import dialect as d
from catalog.dialect import col, lit
from catalog.errors import BadInput
from pipelines.engines import Session
from privacy.recognisers import kinds_in

PIVOT = 3               # so many headers that are dates, or numbers one after the other: a table with a column for each day or hour
_DATE = re.compile(r"[0-9]{4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?(?:[ T].*)?")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?%?")
_YEAR = re.compile("(?:19|20)[0-9]{2}")
_CODE = "[A-Za-z]{1,4}[-_]?[0-9]{3,}"


def like_data(session: Session, view: str, places: Sequence[str], headers: Sequence[str], telling: Sequence[bool]) -> tuple[int, ...]:
    """Numbers (from 1) of the columns whose header is a date, a number, an identifier, or what their own cells hold; `telling` headers
    name a person or a home.
    """
    plain = [header.strip() for header in headers]
    dates = [at for at, header in enumerate(plain) if _DATE.fullmatch(header)]
    numbers = [at for at, header in enumerate(plain) if _NUMBER.fullmatch(header) and not _YEAR.fullmatch(header)]
    found = {at for at, header in enumerate(plain) if telling[at] or kinds_in(header)} | _held(session, view, places, plain)
    found |= set() if len(dates) >= PIVOT else set(dates)
    found |= set() if _counting([plain[at] for at in numbers]) else set(numbers)
    return tuple(sorted(at + 1 for at in found))


def _counting(numbers: Sequence[str]) -> bool:
    whole = [int(number) for number in numbers if number.isdecimal()]
    return len(numbers) >= PIVOT and len(whole) == len(numbers) and all(after == before + 1 for before, after in pairwise(whole))


def _held(session: Session, view: str, places: Sequence[str], headers: Sequence[str]) -> set[int]:
    """Columns with a cell that is their header, or with codes of which the header is one."""
    asked = []
    for at, (place, header) in enumerate(zip(places, headers, strict=True)):
        text = d.trim_text(col(place))
        tests: dict[str, exp.Expr] = {"same": exp.EQ(this=text, expression=lit(header))} if header else {}
        tests |= {"code": d.matches(text, _CODE)} if re.fullmatch(_CODE, header) else {}
        asked += [exp.alias_(exp.Count(this=d.case([(test, lit(1))])), f"{name} {at}", quoted=True) for name, test in tests.items()]
    counted = session.rows(exp.select(*asked).from_(view))[0] if asked else {}
    return {int(name.split(" ")[1]) for name, count in counted.items() if count}


def all_different(headers: Sequence[str], form: str) -> None:
    """Refuses headers of which some are the same, and says which. Raises BadInput."""
    places: dict[str, list[str]] = {}
    for at, header in enumerate(headers, 1):
        places.setdefault(header, []).append(str(at))
    if alike := ["=".join(one) for one in places.values() if len(one) > 1]:
        options = headless(form, len(headers))
        raise BadInput(f"Some headers are the same: those of columns {', '.join(alike)}.",
                       remedy="Ask the source for different headers." if not options else
                       f"Where the first row is data, name the columns: {options}; else ask the source.")


def headless(form: str, count: int) -> str:
    """The options of `citylake new` with which a file's first row is data; empty where the format always has names."""
    names = f"--option 'columns=[{', '.join(f'c{at}' for at in range(1, count + 1))}]'"
    return {"csv": f"--option header=false {names}", "excel": names}.get(form, "")
