"""Counts identifiers in one column, vectorised: numbers and codes that fill a cell, by numpy. `embedded` looks at the rest.

Nothing here decides. A checksum's rate does, against chance (1 in 11, 10 and 31), and so does whether numbers follow one another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from privacy.checksums import ID_WEIGHTS, PROVINCES, USCC_ALPHABET, VIN_VALUES, VIN_WEIGHTS, numbers

Array = np.ndarray[Any, Any]
_OTHER, _DIGIT, _LETTER, _GAP = 0, 1, 1 << 20, 1 << 40       # bytes of each class are counted in 20 bits of one number
_CLASS = np.full(256, _OTHER, dtype=np.int64)
_CLASS[48:58], _CLASS[65:91], _CLASS[97:123] = _DIGIT, _LETTER, _LETTER
_CLASS[[ord(mark) for mark in "+()-_ \t"]] = _GAP
_UPPER = np.arange(256, dtype=np.uint8)
_UPPER[97:123] -= 32


def _table(values: dict[str, int]) -> Array:
    table = np.full(256, -1, dtype=np.int32)
    table[[ord(mark) for mark in values]] = list(values.values())
    return table


_USCC = _table({mark: at for at, mark in enumerate(USCC_ALPHABET)})
_VIN = _table(VIN_VALUES)
_USCC_WEIGHTS = tuple(pow(3, at, 31) for at in range(17))
_DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, *[0] * 87])
_PROVINCE = np.isin(np.arange(100), [int(code) for code in PROVINCES])
_PREFIX = np.isin(np.arange(1000), [int(code) for code in numbers("mobile_prefixes.csv")])
_AREAS = np.isin(np.arange(10_000), [int(code) for code in numbers("area_codes.csv") if len(code) == 4])
_SHORT_AREAS = np.isin(np.arange(1000), [int(code) for code in numbers("area_codes.csv") if len(code) == 3])
_BODIES = np.zeros((256, 256), dtype=bool)
for _first, _second in (pair for group, kinds in (("1", "1239"), ("2", "19"), ("3", "123459"), ("4", "19"), ("5", "1239"), ("6", "129"), ("7", "129"),
                        ("8", "19"), ("9", "123"), ("A", "19"), ("N", "1239"), ("Y", "1")) for pair in ((group, kind) for kind in kinds)):
    _BODIES[ord(_first), ord(_second)] = True


@dataclass(frozen=True)
class Hits:
    """Of one kind in one column: cells, distinct values, distinct values whose checksum holds (or whose prefix is allocated), and
    distinct values that fill their cell. `persons`: of social credit codes, those of individual businesses (92), who are persons.
    """

    cells: int
    distinct: int
    checked: int
    whole: int = 0
    persons: int = 0

    def __add__(self, other: Hits) -> Hits:
        return Hits(self.cells + other.cells, self.distinct + other.distinct, self.checked + other.checked, self.whole + other.whole,
                    self.persons + other.persons)


@dataclass
class Tally:
    """Hits by kind while a column is read, and which values of the slice at hand are settled."""

    weak: bool
    hits: dict[str, Hits] = field(default_factory=dict)

    def add(self, kind: str, hits: Hits) -> None:
        if hits.distinct:
            self.hits[kind] = self.hits.get(kind, Hits(0, 0, 0)) + hits


@dataclass(frozen=True)
class _Group:
    """Values of one length without their gaps: upper-case bytes and the digits among them, both (length, n) so that one place of all
    values lies together, cells, and which are all digits.
    """

    marks: Array
    digits: Array
    cells: Array
    pure: Array


def wholes(values: pa.Array, cells: Array, tally: Tally) -> Array:
    """Counts the identifiers that fill a cell; returns which values need no further look. At most one form is one value's."""
    offsets, data = _buffers(values)
    lengths = np.diff(offsets)
    done = lengths == 0
    if done.all():
        return np.asarray(done)
    digits, letters, gaps, gap = _makeup(data, offsets, lengths)
    plain = (digits + letters + gaps == lengths) & (digits >= 8)
    if gap is not None:         # four separators in a row end a number
        torn = np.append(gap[3:] & gap[2:-1] & gap[1:-2] & gap[:-3], [False] * 3)[:len(data)]
        if torn.any():
            plain &= ~np.add.reduceat(np.append(torn, False), np.minimum(offsets[:-1], len(data))).astype(bool)
    head = np.append(data, [0, 0])[np.minimum(offsets[:-1, None], len(data)) + np.arange(2)]
    abroad = (head[:, 0] == ord("0")) | (head == (ord("8"), ord("6"))).all(1)       # with a country's prefix
    done |= plain & (letters == 0) & (gaps == 0) & (digits < 21) & ~abroad        # other digits alone are one number or none
    size = np.where(plain, digits + letters, 0)
    kept = data if gap is None else data[~gap]
    starts = (offsets if gap is None else np.cumsum(np.append(0, lengths - gaps)))[:-1]
    for length in (10, 11, 12, 13, 15, 16, 17, 18, 19, 20):
        at = np.flatnonzero(size == length)
        if len(at):
            marks = _UPPER[kept[starts[at][None, :] + np.arange(length)[:, None]]]
            found = _judge(_Group(marks, marks.astype(np.int32) - 48, cells[at], letters[at] == 0), length, tally)
            done[at] |= found
    return np.asarray(done)


def _makeup(data: Array, offsets: Array, lengths: Array) -> tuple[Array, Array, Array, Array | None]:
    """How many digits, letters and separators each value has, and which bytes are separators (None: none is)."""
    if lengths.min() == lengths.max() and ((data >= 48) & (data <= 57)).all():
        return lengths, np.zeros_like(lengths), np.zeros_like(lengths), None
    classes = _CLASS[data]
    sums = np.add.reduceat(np.append(classes, 0), np.minimum(offsets[:-1], len(data)))
    sums[lengths == 0] = 0
    gap = classes == _GAP
    return sums & 0xFFFFF, (sums >> 20) & 0xFFFFF, sums >> 40, gap if gap.any() else None


def _buffers(values: pa.Array) -> tuple[Array, Array]:
    """Offsets (n + 1, from 0) and bytes of an Arrow text array."""
    values = values.cast(pa.large_string())
    _, offsets, data = values.buffers()
    at = np.frombuffer(offsets, dtype=np.int64)[values.offset:values.offset + len(values) + 1]
    return at - at[0], np.frombuffer(data, dtype=np.uint8)[at[0]:at[-1]] if data is not None else np.zeros(0, np.uint8)


def _judge(group: _Group, length: int, tally: Tally) -> Array:
    if length <= 13:
        return _calls(group, length, tally)
    if length == 15:
        return _fifteen(group, tally)
    if length == 20:
        return _disability(group, tally)
    found = np.zeros(len(group.cells), dtype=bool)
    if length == 18:
        found = _eighteen(group, tally)
    elif length == 17:
        found = _vin(group, tally)
    return found | _card(group, length, found, tally)


def _count(tally: Tally, kind: str, group: _Group, mask: Array, checked: Array, persons: Array | None = None) -> None:
    distinct = int(mask.sum())
    tally.add(kind, Hits(int(group.cells[mask].sum()), distinct, int((checked & mask).sum()), distinct,
                         0 if persons is None else int((persons & mask).sum())))


def _number(digits: Array, first: int, last: int) -> Array:
    """The number in the columns from `first` to `last` (exclusive)."""
    value = np.zeros(digits.shape[1], dtype=np.int32)
    for at in range(first, last):
        value = value * 10 + digits[at]
    return np.where((value >= 0) & (value < 10 ** (last - first)), value, 0)


def _day(digits: Array, first: int) -> Array:
    year, month, day = _number(digits, first, first + 4), _number(digits, first + 4, first + 6), _number(digits, first + 6, first + 8)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return np.asarray((year >= 1900) & (year <= 2099) & (day >= 1) & (day <= _DAYS[month] - ((month == 2) & ~leap)))


def _calls(group: _Group, length: int, tally: Tally) -> Array:
    """Mobile and landline numbers, with 86 before them or not."""
    digits, none = group.digits, np.zeros(len(group.cells), dtype=bool)
    mobile, land = none, none
    if length in (11, 13):
        tail = digits[length - 11:]
        abroad = group.pure if length == 11 else group.pure & (digits[0] == 8) & (digits[1] == 6)
        mobile = abroad & (tail[0] == 1) & (tail[1] >= 3)
        _count(tally, "mobile", group, mobile, _PREFIX[_number(tail, 0, 3)])
    if length <= 12:
        zero = group.pure & (digits[0] == 0)
        for code, areas in ((3, _SHORT_AREAS), (4, _AREAS)):
            if length - code in (7, 8):
                land = land | (zero & areas[_number(digits, 0, code)] & (digits[code] >= 2) & (digits[code] <= 8))
        _count(tally, "landline", group, land, land)
    return mobile | land


def _luhn(digits: Array) -> Array:
    total = np.zeros(digits.shape[1], dtype=np.int32)
    for at, place in enumerate(digits[::-1]):
        total += place * 2 - 9 * (place > 4) if at % 2 else place
    return np.asarray(total % 10 == 0)


def _weighed(places: Array, weights: tuple[int, ...]) -> Array:
    total = np.zeros(places.shape[1], dtype=np.int32)
    for place, weight in zip(places, weights, strict=True):
        total += place * weight
    return total


def _id_sum(group: _Group) -> Array:
    last = np.where(group.marks[17] == ord("X"), 10, group.digits[17])
    return np.asarray((12 - _weighed(group.digits[:17], ID_WEIGHTS) % 11) % 11 == last)


def _are_digits(places: Array) -> Array:
    return np.asarray(((places >= 0) & (places <= 9)).all(0))


def _born(group: _Group) -> Array:
    """Eighteen characters or more that begin as a resident's number does: digits, birth date."""
    front = group.pure | _are_digits(group.digits[:17])
    last = ((group.digits[17] >= 0) & (group.digits[17] <= 9)) | (group.marks[17] == ord("X"))
    return np.asarray(front & last & (group.digits[0] > 0) & _day(group.digits, 6))


def _fifteen(group: _Group, tally: Tally) -> Array:
    none = np.zeros(len(group.cells), dtype=np.int32)
    short = np.vstack([none + 1, none + 9, group.digits[6:12]])
    old = group.pure & (group.digits[0] > 0) & _PROVINCE[_number(group.digits, 0, 2)] & _day(short, 0)
    _count(tally, "resident_id", group, old, np.zeros(len(old), dtype=bool))
    if tally.weak:
        device = group.pure & np.isin(_number(group.digits, 0, 2), (0, 1, 35, 86, 99))
        _count(tally, "imei", group, device, _luhn(group.digits))
    return np.asarray(old)


def _disability(group: _Group, tally: Tally) -> Array:
    card = _born(group) & _are_digits(group.digits[18:]) & _PROVINCE[_number(group.digits, 0, 2)]
    _count(tally, "disability_card", group, card, _id_sum(group))
    return np.asarray(card)


def _eighteen(group: _Group, tally: Tally) -> Array:
    born, checked, region = _born(group), _id_sum(group), _number(group.digits, 0, 6)
    person = born & _PROVINCE[_number(group.digits, 0, 2)]
    away = person & np.isin(region, (810_000, 820_000, 830_000))
    _count(tally, "resident_id", group, person, checked)
    _count(tally, "hmt_residence_permit", group, away, checked)
    if tally.weak:
        _count(tally, "foreigner_permit", group, born & (group.digits[0] == 9), checked)
    return np.asarray((person & checked) | _credit(group, person, tally) | (person & ~group.pure))


def _credit(group: _Group, person: Array, tally: Tally) -> Array:
    place = _number(group.digits, 2, 4)
    code = _BODIES[group.marks[0], group.marks[1]] & (_PROVINCE[place] | (place == 10)) & ~person & _are_digits(group.digits[2:8])
    right = np.zeros(len(code), dtype=bool)
    at = np.flatnonzero(code)
    values = _USCC[group.marks[:, at]]
    code[at] = (values >= 0).all(0)
    right[at] = (_weighed(values[:17], _USCC_WEIGHTS) + values[17]) % 31 == 0
    _count(tally, "social_credit_code", group, code if tally.weak else code & right, right, group.marks[1] == ord("2"))
    return np.asarray(code & right)


def _vin(group: _Group, tally: Tally) -> Array:
    values = _VIN[group.marks]
    ninth = (group.digits[8] >= 0) & (group.digits[8] <= 9) | (group.marks[8] == ord("X"))
    form = (values >= 0).all(0) & ~group.pure & _are_digits(group.digits[13:]) & ninth
    rest = _weighed(values, VIN_WEIGHTS) % 11
    right = np.where(rest == 10, ord("X"), rest + 48) == group.marks[8]
    _count(tally, "vin", group, form if tally.weak else form & right, right)
    return np.asarray(form & right)


def _card(group: _Group, length: int, taken: Array, tally: Tally) -> Array:
    if length not in (16, 17, 18, 19):
        return np.zeros(len(group.cells), dtype=bool)
    two, first = _number(group.digits, 0, 2), group.digits[0]
    card = group.pure & ~taken & (np.isin(two, (62, 60, 51, 52, 53, 54, 55, 35)) | (first == 4) | (first == 9))
    right = np.zeros(len(card), dtype=bool)
    at = np.flatnonzero(card)
    right[at] = _luhn(group.digits[:, at])
    _count(tally, "bank_card", group, card if tally.weak else card & right, right)
    return np.asarray(card & right)
