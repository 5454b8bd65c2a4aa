"""A city as the program uses it: departments, source systems, people, calendar, code lists and contracts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from catalog.codes import CodeList
from catalog.contract import Contract
from catalog.extension import Label, Name, Strict

Role = Literal["steward", "bureau", "privacy_officer", "secrecy_officer", "auditor"]


class Department(Strict):
    """A department of the city, or a vertical agency that answers to a higher level."""

    name: Label
    vertical: bool = False


class System(Strict):
    """A source system: a folder below `CITYLAKE_SOURCES`."""

    department: Name
    title: Label
    root: Annotated[str, Field(min_length=1)]


class Portal(Strict):
    """A portal of the city; a run applies its plan at once when `auto`."""

    kind: Literal["folder", "ckan"]
    auto: bool = False
    options: dict[str, Any] = Field(default_factory=dict)


class Person(Strict):
    """Somebody who may decide. No private data: an official name and a department."""

    id: Name
    name: Annotated[str, Field(min_length=1)]
    department: Name
    roles: Annotated[list[Role], Field(min_length=1)]


class CityFile(Strict):
    """city.yaml."""

    id: Name
    name: Label
    title: Label
    zone: str
    division: str | None = Field(
        default=None, pattern=r"^[0-9]{4}$", description="The city's division code (GB/T 2260, four digits): addresses are read as lying in it"
    )
    departments: Annotated[dict[Name, Department], Field(min_length=1)]
    systems: dict[Name, System]
    portals: Annotated[dict[Name, Portal], Field(min_length=1)]


class PeopleFile(Strict):
    """people.yaml."""

    people: Annotated[list[Person], Field(min_length=1)]


class Year(Strict):
    """One year of the calendar: holidays that fall on weekdays or not, and weekend days that are worked."""

    holidays: list[str]
    workdays: list[str] = Field(default_factory=list)


class CalendarFile(Strict):
    """calendar.yaml."""

    years: dict[str, Year]


@dataclass(frozen=True)
class Calendar:
    """Working days: Monday to Friday without holidays, and worked weekends. Years that are not covered know only weekends."""

    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    years: frozenset[int] = frozenset()

    def covers(self, day: date) -> bool:
        return day.year in self.years

    def is_working(self, day: date) -> bool:
        return day in self.workdays or (day.weekday() < 5 and day not in self.holidays)

    def add_working_days(self, day: date, number: int) -> date:
        """The `number`-th working day after `day`."""
        while number > 0:
            day += timedelta(days=1)
            number -= self.is_working(day)
        return day

    def working_days_between(self, first: date, last: date) -> int:
        """Working days after `first`, up to and with `last`."""
        return sum(self.is_working(first + timedelta(days=n)) for n in range(1, (last - first).days + 1))


@dataclass(frozen=True)
class City:
    """Everything a city folder says."""

    path: Path
    id: str
    name: Label
    title: Label
    zone: str
    departments: Mapping[str, Department]
    systems: Mapping[str, System]
    portals: Mapping[str, Portal]
    people: Mapping[str, Person]
    codes: Mapping[str, CodeList]
    calendar: Calendar
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    negative_list: Path | None = None
    division: str = ""

    def order(self) -> list[str]:
        """Dataset ids, inputs before what is derived from them."""
        done: list[str] = []
        waiting = sorted(self.contracts)
        while waiting:
            ready = [name for name in waiting if all(item.dataset in done for item in self.contracts[name].inputs)]
            if not ready:
                raise AssertionError("the loader refuses cycles")
            done += ready
            waiting = [name for name in waiting if name not in ready]
        return done

    def followers(self, dataset: str) -> list[str]:
        """Datasets derived directly from this one."""
        return sorted(name for name, contract in self.contracts.items() if any(item.dataset == dataset for item in contract.inputs))
