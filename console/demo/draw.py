"""Random streams and synthetic identities. One named stream a purpose, so that adding a dataset changes no other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from zlib import crc32

import numpy as np
import numpy.typing as npt

Text = npt.NDArray[np.object_]
DAY_ONE = date(2026, 11, 22)
EARLIER = 40        # days before the first that day 0 lies: longer than lost property is kept


@dataclass(frozen=True)
class Canary:
    """Texts that must never leave; a test plants them and searches for them everywhere."""

    person_name: str
    resident_id: str
    mobile: str
    bank_card: str
    email: str
    header: str
    sheet: str
    filename: str


@dataclass(frozen=True)
class Draw:
    """What the generator is a function of."""

    seed: int
    scale: float
    day: int
    canary: Canary | None = None

    def __post_init__(self) -> None:
        if self.scale <= 0 or self.day not in (0, 1, 2, 3):
            raise ValueError("scale must be above 0, and day 0, 1, 2 or 3")

    @property
    def today(self) -> date:
        return DAY_ONE + timedelta(days=self.day - 1) if self.day else DAY_ONE - timedelta(days=EARLIER)

    @property
    def yesterday(self) -> date:
        return self.today - timedelta(days=1)

    @property
    def now(self) -> datetime:
        """When the files of this day are dropped: 06:00 in Hangzhou."""
        return datetime(self.today.year, self.today.month, self.today.day, tzinfo=UTC) - timedelta(hours=2)

    def rng(self, name: str) -> np.random.Generator:
        """A stream of its own for every name, the same on all days."""
        return np.random.default_rng([self.seed, crc32(name.encode())])

    def many(self, base: int, least: int = 1, most: int | None = None) -> int:
        """`base` rows at scale 1, within bounds."""
        number = max(least, round(base * self.scale))
        return number if most is None else min(number, most)


def texts(values: npt.NDArray[np.generic], form: str = "%s") -> Text:
    """Numbers as text."""
    return np.char.mod(form, values).astype(object)


def joined(*parts: Text | str) -> Text:
    """Texts put together, row by row; a single text stands in every row."""
    found: Text = sum(parts[1:], start=np.asarray(parts[0], object))      # type: ignore[arg-type]  # arrays of str add up
    return found


def pick(rng: np.random.Generator, words: list[str] | Text, size: int, weights: list[float] | None = None) -> Text:
    """`size` words at random; weights need not add up to one."""
    share = None if weights is None else np.asarray(weights, float) / sum(weights)
    return np.asarray(words, object)[rng.choice(len(words), size, p=share)]


@cache
def divisions() -> dict[str, Text]:
    """Hangzhou's districts and their streets and towns, columns `code`, `name`, `district`, `district_name` (SOURCE.md)."""
    lines = (files("console.demo") / "divisions.csv").read_text(encoding="utf-8").splitlines()
    header, *rows = [line.split(",") for line in lines if not line.startswith("#")]
    return {name: np.array([row[at] for row in rows], object) for at, name in enumerate(header)}
