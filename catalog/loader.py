"""Loads a city folder strictly: every problem of every file at once, each with file and line; then the city, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from catalog.city import Calendar, CalendarFile, City, CityFile, PeopleFile
from catalog.codes import read_codes
from catalog.contract import CodeList, Contract
from catalog.contract_reader import read_contract, validated
from catalog.cross import cross_check
from catalog.errors import DefinitionErrors, Problem
from catalog.yamlread import Document, read_yaml

M = TypeVar("M", bound=BaseModel)


def load_city(path: Path) -> City:
    """The city in this folder. Raises DefinitionErrors."""
    city, problems = check_city(path)
    if city is None or problems:
        raise DefinitionErrors(problems)
    return city


def check_city(path: Path) -> tuple[City | None, list[Problem]]:
    """The city as far as it can be read, and everything that is wrong with its files, in order of file and line."""
    problems: list[Problem] = []
    head = _model(path, "city.yaml", CityFile, problems)
    people = _model(path, "people.yaml", PeopleFile, problems)
    calendar = _calendar(path, problems)
    codes = _codes(path, problems)
    documents, contracts = _contracts(path)
    if head is not None:
        _zone(head, problems)
        listed = {person.id: person for person in people.people} if people else {}
        if people and len(listed) < len(people.people):
            problems.append(Problem("people.yaml", 1, "people.twice", "Two people have the same id.", "Give each an id of their own."))
        negative = path / "negative_list.yaml"
        city = City(path, head.id, head.name, head.title, head.zone, head.departments, head.systems, head.portals, listed, codes,
                    calendar, contracts, negative if negative.exists() else None)
        cross_check(city, documents, problems)
    problems += [problem for document in documents.values() for problem in document.problems]
    problems += _stray(path)
    problems = sorted(set(problems), key=lambda item: (item.file, item.line, item.code))
    return (replace(city) if head is not None else None), problems


def _model(path: Path, name: str, model: type[M], problems: list[Problem]) -> M | None:
    document = read_yaml(path / name, name)
    found = validated(document, model, document.data, ()) if not document.problems else None
    problems += document.problems
    return found


def _zone(head: CityFile, problems: list[Problem]) -> None:
    try:
        ZoneInfo(head.zone)
    except (KeyError, ValueError, OSError):
        problems.append(Problem("city.yaml", 1, "city.zone", "The time zone is unknown.", "Write an IANA name such as Asia/Shanghai."))
    for name, system in head.systems.items():
        if system.department not in head.departments:
            problems.append(Problem("city.yaml", 1, "city.system", f"The system {name} belongs to no department.", "List the department."))
        if Path(system.root).is_absolute() or ".." in Path(system.root).parts:
            problems.append(Problem("city.yaml", 1, "city.root", f"The root of {name} leaves the folder of sources.", "Write a relative path."))


def _calendar(path: Path, problems: list[Problem]) -> Calendar:
    document = read_yaml(path / "calendar.yaml", "calendar.yaml")
    found = validated(document, CalendarFile, document.data, ()) if not document.problems else None
    holidays: set[date] = set()
    workdays: set[date] = set()
    for year, days in (found.years if found else {}).items():
        for kind, target in (("holidays", holidays), ("workdays", workdays)):
            for at, text in enumerate(getattr(days, kind)):
                try:
                    target.add(date.fromisoformat(text))
                except ValueError:
                    document.problem(("years", year, kind, at), "calendar.date", "This is not a date.", "Write it like 2026-05-01.")
    problems += document.problems
    years = frozenset(int(year) for year in found.years) if found else frozenset()
    return Calendar(frozenset(holidays), frozenset(workdays), years)


def _codes(path: Path, problems: list[Problem]) -> Mapping[str, CodeList]:
    found = {}
    for file in sorted((path / "codes").glob("*")):
        if file.suffix != ".csv":
            problems.append(Problem(f"codes/{file.name}", 1, "codes.stray", "This is not a code list.", "Remove it, or name it .csv."))
            continue
        codes, wrong = read_codes(file, f"codes/{file.name}")
        problems += wrong
        if codes is not None:
            found[codes.id] = codes
    return found


def _contracts(path: Path) -> tuple[dict[str, Document], dict[str, Contract]]:
    documents, contracts = {}, {}
    for file in sorted((path / "datasets").glob("*/*.odcs.yaml")):
        name = file.relative_to(path).as_posix()
        document = read_yaml(file, name)
        contract = read_contract(document) if document.data is not None else None
        if contract is not None:
            documents[contract.id] = document
            contracts[contract.id] = contract
        else:
            documents[name] = document
    return documents, contracts


def _stray(path: Path) -> list[Problem]:
    found = []
    for file in sorted((path / "datasets").rglob("*")):
        good = file.is_dir() or (file.name.endswith(".odcs.yaml") and len(file.relative_to(path / "datasets").parts) == 2)
        if not good:
            found.append(Problem(file.relative_to(path).as_posix(), 1, "datasets.stray", "This file is no contract.",
                                 "Name it datasets/<department>/<dataset>.odcs.yaml, or move it away."))
    return found
