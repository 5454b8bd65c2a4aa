"""Loads a city folder strictly: every problem of every file at once, each with file and line; then the city, or nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from catalog.city import Calendar, CalendarFile, City, CityFile, PeopleFile, Person
from catalog.codes import CodeList, read_codes
from catalog.contract import Contract
from catalog.contract_reader import read_contract, validated
from catalog.cross import cross_check
from catalog.errors import DefinitionErrors, Problem
from catalog.yamlread import Document, Path_, read_yaml

M = TypeVar("M", bound=BaseModel)
_CONTRACT = re.compile(r"datasets/[a-z][a-z0-9_]{0,59}/[a-z][a-z0-9_]{0,59}\.odcs\.yaml")


def load_city(path: Path) -> City:
    """The city in this folder. Raises DefinitionErrors."""
    city, problems = check_city(path)
    if city is None or problems:
        raise DefinitionErrors(problems)
    return city


def check_city(path: Path) -> tuple[City | None, list[Problem]]:
    """The city as far as it can be read, and everything that is wrong with its files, in order of file and line."""
    city, _, problems = examine(path)
    return city, problems


def examine(path: Path) -> tuple[City | None, Mapping[str, Document], list[Problem]]:
    """The same, with the contracts as they are written, by file, for checks that need their lines."""
    head, people, calendar = (_Part(path, name) for name in ("city.yaml", "people.yaml", "calendar.yaml"))
    top, listed = head.read(CityFile), _people(people)
    days = _calendar(calendar)
    codes, problems = _codes(path)
    documents, contracts = _contracts(path)
    city = None
    if top is not None:
        _top(head.document, top)
        for number, person in enumerate(listed):
            if person.department not in top.departments:
                people.document.problem(("people", number), "people.department", "The person's department is not in city.yaml.", "Mend the name.")
        negative = path / "negative_list.yaml"
        city = City(path, top.id, top.name, top.title, top.zone, top.departments, top.systems, top.portals,
                    {person.id: person for person in listed}, codes, days, contracts, negative if negative.exists() else None, top.division or "")
        cross_check(city, documents)
    for document in (*(part.document for part in (head, people, calendar)), *documents.values()):
        problems += document.problems
    return city, documents, sorted({*problems, *_stray(path)}, key=lambda item: (item.file, item.line, item.code))


class _Part:
    """One of the city's own files."""

    def __init__(self, path: Path, name: str) -> None:
        self.document = read_yaml(path / name, name)

    def read(self, model: type[M]) -> M | None:
        return validated(self.document, model, self.document.data, ()) if self.document.data is not None else None


def _top(document: Document, head: CityFile) -> None:
    try:
        ZoneInfo(head.zone)
    except (KeyError, ValueError, OSError):
        document.problem(("zone",), "city.zone", "The time zone is unknown.", "Write an IANA name such as Asia/Shanghai.")
    for name, system in head.systems.items():
        at: Path_ = ("systems", name)
        if system.department not in head.departments:
            document.problem((*at, "department"), "city.system", f"The system {name} belongs to no department.", "List the department.")
        if Path(system.root).is_absolute() or ".." in Path(system.root).parts:
            document.problem((*at, "root"), "city.root", f"The root of {name} leaves the folder of sources.", "Write a relative path.")


def _people(part: _Part) -> list[Person]:
    found = part.read(PeopleFile)
    people = found.people if found else []
    ids = [person.id for person in people]
    for number, person in enumerate(people):
        if person.id in ids[:number]:
            part.document.problem(("people", number), "people.twice", "Two people have the same id.", "Give each an id of their own.")
    return people


def _calendar(part: _Part) -> Calendar:
    found = part.read(CalendarFile)
    days: dict[str, set[date]] = {"holidays": set(), "workdays": set()}
    years: set[int] = set()
    for year, declared in (found.years if found else {}).items():
        if not re.fullmatch(r"[0-9]{4}", year):
            part.document.problem(("years", year), "calendar.year", "This is not a year.", "Write four digits.")
            continue
        years.add(int(year))
        for kind, target in days.items():
            for at, text in enumerate(getattr(declared, kind)):
                day = _day(text)
                if day is None or day.year != int(year):
                    part.document.problem(("years", year, kind, at), "calendar.date", "This is not a date of its year.", "Write it like 2026-05-01.")
                else:
                    target.add(day)
    return Calendar(frozenset(days["holidays"]), frozenset(days["workdays"]), frozenset(years))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _codes(path: Path) -> tuple[Mapping[str, CodeList], list[Problem]]:
    found: dict[str, CodeList] = {}
    problems: list[Problem] = []
    for file in sorted((path / "codes").glob("*")):
        if not re.fullmatch(r"[a-z][a-z0-9_]*\.csv", file.name) or not file.is_file():
            problems.append(Problem(f"codes/{file.name}", 1, "codes.stray", "This is not a code list.", "Remove it, or name it like_this.csv."))
            continue
        codes, wrong = read_codes(file, f"codes/{file.name}")
        problems += wrong
        if codes is not None:
            found[codes.id] = codes
    return found, problems


def _contracts(path: Path) -> tuple[dict[str, Document], dict[str, Contract]]:
    """Documents by file, contracts by dataset."""
    documents, contracts = {}, {}
    for file in _files(path):
        name = file.relative_to(path).as_posix()
        if _CONTRACT.fullmatch(name):
            document = documents[name] = read_yaml(file, name)
            contract = read_contract(document) if document.data is not None else None
            if contract is not None:
                contracts[contract.id] = contract
    return documents, contracts


def _files(path: Path) -> list[Path]:
    return [file for file in sorted((path / "datasets").rglob("*")) if not file.is_dir()]


def _stray(path: Path) -> list[Problem]:
    names = [file.relative_to(path).as_posix() for file in _files(path)]
    return [Problem(name, 1, "datasets.stray", "This file is no contract.",
                    "Name it datasets/<department>/<dataset>.odcs.yaml, both like_this, or move it away.")
            for name in names if not _CONTRACT.fullmatch(name)]
