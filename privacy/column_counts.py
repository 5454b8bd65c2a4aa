"""Counts over the distinct values of one column, slice by slice: identifiers by `privacy.values`, what is masked already, how numbers of
eleven digits lie, birth decades of what looks like resident numbers, and what the language model reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy.checksums import PROVINCES
from privacy.column_texts import WORDED, Looks, TextCounts
from privacy.model import Model
from privacy.numbers import Hits
from privacy.recognisers import fold
from privacy.remembered import Memory
from privacy.values import judge_values, plain_values

MASKED_NUMBER, _MASKED_NAME = r"^\s*(?:1\d{2}[*xX×]{4}\d{4}|\d{3,6}[*xX×]{6,12}[\dXx]{2,4})\s*$", r"^\s*\p{Han}[*×○]{1,2}\s*$"
_HEX = r"^(?:[0-9]*[A-Fa-f][0-9A-Fa-f]{15,}|[0-9A-Fa-f]{15,}[A-Fa-f][0-9]*|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$"
_RESIDENT = r"^\d{17}[\dXx]$"
# Fifteen digits of a resident's number of before 1999, or seventeen of today's without its check digit: division and day of birth.
_UNCHECKED = (rf"^\s*(?:{'|'.join(sorted(PROVINCES))})\d{{4}}(?:\d\d|(?:19|20)\d\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{{3}}\s*$")
_WEIGHTS = np.array((7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
_DENSE, _WIDE = 100, 10**9      # gap and range of eleven-digit numbers that follow one another


@dataclass
class ColumnCounts:
    """`number` says that the column's type is a number. Counts are of distinct values, `cells` of filled cells. `decades`: birth decade →
    how many look like resident numbers, and how many of their checksums hold; `rounded` of them end in 000. `hexes` are long hexadecimal
    codes with letters. `unchecked`: year as written → numbers that have a resident's division and birthday and no check digit.
    """

    number: bool = False
    cells: int = 0
    distinct: int = 0
    elevens: int = 0
    mobiles: int = 0
    rounded: int = 0
    hexes: int = 0
    unchecked: dict[str, int] = field(default_factory=dict)
    prefixes: set[int] = field(default_factory=set)
    decades: dict[int, tuple[int, int]] = field(default_factory=dict)
    hits: dict[str, Hits] = field(default_factory=dict)
    texts: TextCounts = field(default_factory=TextCounts)
    _scattered: bool = False
    _lowest: int = 10**12
    _highest: int = 0

    @property
    def sequential(self) -> bool:
        """Whether the numbers of eleven digits follow one another, as serial numbers do and subscribers' numbers only in a block."""
        return self.elevens > 0 and not self._scattered

    @property
    def reach(self) -> int:
        """From the lowest number of eleven digits to the highest."""
        return max(0, self._highest - self._lowest)

    def add(self, values: pa.Array, cells: pa.Array, model: Model | None, memory: Memory | None = None) -> None:
        """One slice of all distinct texts and how many cells hold each. Without a model (a code list's words) no Chinese is read."""
        self.cells, self.distinct = self.cells + int(pc.sum(cells).as_py() or 0), self.distinct + len(values)
        self.add_numbers(values, cells)
        if model is not None:
            mask = pc.match_substring_regex(values, WORDED)
            self.add_texts(values.filter(mask), cells.filter(mask), model, memory)

    def add_numbers(self, values: pa.Array, cells: pa.Array) -> None:
        """Identifiers and masked values among these; `cells` and `distinct` are the caller's to count."""
        values = plain_values(values)
        values = pc.replace_substring_regex(values, r"^(\s*-?\d+)\.0+\s*$", r"\1")       # as a spreadsheet or a cast writes a whole number
        self.hexes += int(pc.sum(pc.match_substring_regex(values, _HEX)).as_py() or 0)
        for kind, hits in judge_values(values, cells).items():
            if kind != "imei" or not self.number:
                self.hits[kind] = self.hits.get(kind, Hits(0, 0, 0)) + hits
        self._masked(values, cells, MASKED_NUMBER)
        self._mobiles(values)
        self._residents(values)
        self._unchecked(values)

    def add_texts(self, values: pa.Array, cells: pa.Array, model: Model | Looks, memory: Memory | None = None) -> None:
        """Values that are WORDED."""
        if len(values):
            self._masked(values, cells, _MASKED_NAME)
            self.texts.add(values.to_pylist(), cells.to_pylist(), model, memory)

    def kinds(self) -> dict[str, Hits]:
        """Every kind that has a hit."""
        texts, found = self.texts, dict(self.hits)
        if texts.names or texts.within:
            found["name"] = Hits(texts.name_cells + texts.within_cells, texts.names + texts.within, 0, texts.names)
        if texts.doors:
            found["address"] = Hits(texts.door_cells, texts.doors, 0)
        return dict(sorted(found.items()))

    def _masked(self, values: pa.Array, cells: pa.Array, form: str) -> None:
        masked = pc.match_substring_regex(values, form)
        if count := int(pc.sum(masked).as_py() or 0):
            found = Hits(int(pc.sum(cells.filter(masked)).as_py()), count, 0, count)
            self.hits["masked"] = self.hits.get("masked", Hits(0, 0, 0)) + found

    def _mobiles(self, values: pa.Array) -> None:
        texts = _digits(values, r"^(?:\+?86)?[- ]?(\d{11})$")
        if not len(texts):
            return
        numbers = np.sort(pc.cast(texts, pa.int64()).to_numpy(zero_copy_only=False))
        mobile = (numbers >= 13 * 10**9) & (numbers < 20 * 10**9)
        self.elevens, self.mobiles = self.elevens + len(numbers), self.mobiles + int(mobile.sum())
        self.prefixes |= set(np.unique(numbers[mobile] // 10**8).tolist())
        self._lowest, self._highest = min(self._lowest, int(numbers[0])), max(self._highest, int(numbers[-1]))
        self._scattered |= len(numbers) < 30 or float(np.median(np.diff(numbers))) > _DENSE or self.reach >= _WIDE

    def _unchecked(self, values: pa.Array) -> None:
        found = pc.utf8_trim_whitespace(values.filter(pc.match_substring_regex(values, _UNCHECKED)))
        for text in found.to_pylist():
            year = text[6:8] if len(text) == 15 else text[6:10]
            self.unchecked[year] = self.unchecked.get(year, 0) + 1

    def _residents(self, values: pa.Array) -> None:
        """Decades of birth and checksums of what may be resident numbers, and how many of them a spreadsheet has rounded to 15 digits."""
        texts = values.filter(pc.match_substring_regex(values, _RESIDENT))
        if not len(texts):
            return
        marks = np.frombuffer("".join(texts.to_pylist()).upper().encode(), dtype=np.uint8).reshape(-1, 18).astype(np.int64)
        digits, last = marks[:, :17] - 48, np.where(marks[:, 17] == ord("X"), 10, marks[:, 17] - 48)
        year, month, day = (digits[:, at:to] @ 10 ** np.arange(to - at)[::-1] for at, to in ((6, 10), (10, 12), (12, 14)))
        born = (year >= 1900) & (year < 2100) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (digits[:, 0] > 0)
        right = (12 - digits @ _WEIGHTS % 11) % 11 == last
        self.rounded += int((born & (digits[:, 15:].sum(axis=1) == 0) & (last == 0)).sum())
        for decade in np.unique(year[born] // 10).tolist():
            some = born & (year // 10 == decade)
            known = self.decades.get(decade, (0, 0))
            self.decades[decade] = known[0] + int(some.sum()), known[1] + int((some & right).sum())


def _digits(values: pa.Array, form: str) -> pa.Array:
    """The digits of whole cells of this form, in whatever width."""
    wide = pc.match_substring_regex(values, r"[\x{ff10}-\x{ff19}\x{ff0b}]")
    if pc.any(wide).as_py():
        values = pa.array([fold(text) for text in values.to_pylist()], pa.string())
    values = pc.utf8_trim_whitespace(values)
    found: Any = values.filter(pc.match_substring_regex(values, form))
    return pc.replace_substring_regex(found, form, r"\1")
