"""Mondrian (LeFevre et al., 2006): classes of rows that are published as one, each with at least k rows and l sensitive values.

Works on distinct combinations of quasi-identifiers with their counts, never on rows. All classes of a level are cut at once: each in the
column where the cut saves most, at the place nearest the middle where both sides are still large enough. Reaching the least loss is
NP-hard (Meyerson and Williams, 2004); this is greedy, deterministic, and loses nothing where every combination is large enough already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privacy.ranges import Costs, Places, Ranges

Flags = NDArray[np.bool_]
SPARE = 4096            # bins of a histogram that may be empty, beside four a combination


@dataclass(frozen=True)
class Held:
    """Values that a class must hold several of: the sensitive ones (l), or the subjects (k). One entry per combination and value:
    `at` the combination's number, `code` the value's, `rows` how many. With `entropy` e^(their entropy) must reach `least` too.
    """

    least: float
    at: Places
    code: Places
    rows: Places
    entropy: bool = False


@dataclass(frozen=True)
class Made:
    """The class of each combination, and each class's run in each column (`low`, `high`: classes × columns)."""

    klass: Places
    low: Places
    high: Places
    enough: bool                    # False: all rows together are too few for one class

    def losses(self, columns: Sequence[Ranges], rows: Places) -> list[float]:
        """The certainty penalty of each column over all rows: 0 nothing lost, 1 everything. Their mean is the global one (GCP)."""
        whole = max(int(rows.sum()), 1)
        return [float((column.cost(self.low[:, n], self.high[:, n])[self.klass] * rows).sum() / whole) for n, column in enumerate(columns)]


class _Level:
    """The combinations that may still be cut (`number`: which they are), and the class of each. A cut is found in a histogram of the column's
    values in each class, so that nothing is ever sorted.
    """

    def __init__(self, columns: Sequence[Ranges], places: Sequence[Places], rows: Places, least: int, held: Sequence[Held]) -> None:
        self.columns, self.rows, self.least, self.held = columns, rows, least, held
        self.places = [place.astype(np.int32) for place in places]
        self.number, self.combinations = np.arange(len(rows)), len(rows)
        self.klass = np.zeros(len(rows), dtype=np.int64)
        self.low = np.array([[place.min() for place in places]], dtype=np.int64)
        self.high = np.array([[place.max() for place in places]], dtype=np.int64)

    def cut(self) -> tuple[Places, Places]:
        """Cuts every class that can be. Returns the combinations of those that cannot, and their classes, numbered from 0."""
        count = len(self.low)
        costs = np.stack([column.cost(self.low[:, n], self.high[:, n]) for n, column in enumerate(self.columns)], axis=1)
        order = np.argsort(-costs, axis=1, kind="stable")       # the widest column first: what a cut in it saves is the most
        chosen, places, open_ = np.full(count, -1), np.zeros(count, dtype=np.int64), np.ones(count, dtype=bool)
        for rank in range(len(self.columns)):
            for n in range(len(self.columns)):
                asked = open_ & (order[:, rank] == n) & (self.low[:, n] < self.high[:, n])
                if asked.any():
                    found = self._best(n, asked)
                    cut = asked & (found >= 0)
                    chosen[cut], places[cut], open_[cut] = n, found[cut], False
        return self._divide(chosen, places)

    def _divide(self, chosen: Places, places: Places) -> tuple[Places, Places]:
        cuts, klass = chosen >= 0, self.klass
        ends = ~cuts[klass]
        done, classes = self.number[ends], (np.cumsum(~cuts) - 1)[klass[ends]]
        if len(done):
            kept = np.flatnonzero(~ends)
            self.number, klass, self.rows = self.number[kept], klass[kept], self.rows[kept]
            self.places = [place[kept] for place in self.places]
        column, border = chosen.astype(np.int8)[klass], places.astype(np.int32)[klass]
        right = np.zeros(len(klass), dtype=bool)
        for n, place in enumerate(self.places):
            right |= (column == n) & (place >= border)
        self.klass = 2 * (np.cumsum(cuts) - 1)[klass] + right
        self.low, self.high = np.repeat(self.low[cuts], 2, axis=0), np.repeat(self.high[cuts], 2, axis=0)
        at = np.arange(int(cuts.sum()))
        self.high[2 * at, chosen[cuts]], self.low[2 * at + 1, chosen[cuts]] = places[cuts] - 1, places[cuts]
        return done, classes

    def _best(self, n: int, asked: Flags) -> Places:
        """For each class that is asked for, the place from which on its values go right; -1 where no cut is allowed."""
        found = np.full(len(asked), -1, dtype=np.int64)
        members, at_value, classes, values, rows = self._histogram(n, asked)
        first = np.flatnonzero(np.diff(classes, prepend=-1))
        last = np.append(first[1:], len(values)) - 1
        of = np.cumsum(np.diff(classes, prepend=-1) != 0) - 1
        self.low[classes[first], n], self.high[classes[last], n] = values[first], values[last]
        summed = np.cumsum(rows)
        left = summed - rows - (summed - rows)[first][of]       # left of a cut before this value
        total = np.add.reduceat(rows, first)[of]
        fits = (left >= self.least) & (total - left >= self.least)
        fits[first] = False
        for held in self.held:
            fits &= _enough(held, self._pairs(held, members, at_value), classes)
        if not fits.any():
            return found
        at, column = np.flatnonzero(fits), self.columns[n]
        inside = column.depth(values[at - 1], values[at]) > column.depth(values[first], values[last])[of[at]]
        middle = np.abs(2 * left[at] - total[at]) + np.where(inside, 1 << 40, 0)      # a place between two branches before any inside one
        starts = np.flatnonzero(np.diff(of[at], prepend=-1))
        best = np.minimum.reduceat(middle, starts)
        nearest = at[middle == np.repeat(best, np.diff(np.append(starts, len(at))))]
        nearest = nearest[np.flatnonzero(np.diff(classes[nearest], prepend=-1))]
        found[classes[nearest]] = values[nearest]
        cut_at = np.full(len(asked), len(values), dtype=np.int64)
        cut_at[classes[nearest]] = nearest
        for held in self.held:
            if held.entropy:
                found[~_spread(held, self._pairs(held, members, at_value), classes, cut_at, found >= 0)] = -1
        return found

    def _histogram(self, n: int, asked: Flags) -> tuple[Places, Places, Places, Places, Places]:
        """The members of these classes and the entry of each (where anything is held); for each entry class, value and rows, in order."""
        members = np.flatnonzero(asked[self.klass]) if not asked.all() else np.arange(len(self.klass))
        klass, value = self.klass[members], self.places[n][members]
        width = np.where(asked, self.high[:, n] - self.low[:, n] + 1, 0)
        begin, whole = np.cumsum(width) - width - self.low[:, n], int(width.sum())
        if whole > 4 * len(members) + SPARE:         # bounds that are far apart, and few values between them
            keys, entry = np.unique(klass * len(self.columns[n].texts) + value, return_inverse=True)
            classes, values = np.divmod(keys, len(self.columns[n].texts))
            return members, entry, classes, values, np.bincount(entry, self.rows[members]).astype(np.int64)
        place = begin[klass] + value
        counts = np.bincount(place, self.rows[members], whole).astype(np.int64)
        filled = np.flatnonzero(counts)
        classes = np.repeat(np.arange(len(asked)), width)[filled]
        return members, np.searchsorted(filled, place) if self.held else place, classes, filled - begin[classes], counts[filled]

    def _pairs(self, held: Held, members: Places, at_value: Places) -> tuple[Places, Places, Places]:
        """The held values of these members: at which filled value of the histogram, which, how many rows."""
        where = np.full(self.combinations, -1, dtype=np.int64)
        where[self.number[members]] = at_value
        at = where[held.at]
        live = at >= 0
        return at[live], held.code[live], held.rows[live]


def _enough(held: Held, pairs: tuple[Places, Places, Places], classes: Places) -> Flags:
    """For a cut before each value whether both sides hold enough different ones."""
    at, code, _ = pairs
    sort = np.lexsort((at, code, classes[at]))
    at, code = at[sort], code[sort]
    first = np.ones(len(at), dtype=bool)
    first[1:] = (code[1:] != code[:-1]) | (classes[at[1:]] != classes[at[:-1]])
    last = np.append(first[1:], True)
    begun = np.cumsum(np.bincount(at[first], minlength=len(classes)))
    ended = np.cumsum(np.bincount(at[last], minlength=len(classes)))
    edges = np.flatnonzero(np.append(np.diff(classes), 1))
    number = np.cumsum(np.diff(classes, prepend=-1) != 0) - 1
    base, whole = np.concatenate([[0], begun[edges][:-1]])[number], begun[edges][number]
    before = np.maximum(np.arange(len(classes)) - 1, 0)
    return np.asarray((begun[before] - base >= held.least) & (whole - ended[before] >= held.least))


def _spread(held: Held, pairs: tuple[Places, Places, Places], classes: Places, cut_at: Places, cut: Flags) -> Flags:
    """For each class whether both sides of its cut hold values of enough entropy; True where it has no cut."""
    at, code, rows = pairs
    klass = classes[at]
    told = entropies(2 * klass + (at >= cut_at[klass]), code, rows, 2 * len(cut)).reshape(-1, 2)
    return np.asarray(~cut | (told.min(axis=1) >= np.log(held.least) - 1e-9))


def entropies(group: Places, code: Places, rows: Places, groups: int) -> Costs:
    """The entropy (in nats) of the values of each group; 0 for an empty one."""
    sort = np.lexsort((code, group))
    group, code, rows = group[sort], code[sort], rows[sort]
    if not len(group):
        return np.zeros(groups)
    first = np.flatnonzero(np.concatenate([[True], (group[1:] != group[:-1]) | (code[1:] != code[:-1])]))
    summed = np.add.reduceat(rows, first).astype(np.float64)
    whole = np.bincount(group[first], summed, groups)
    share = summed / whole[group[first]]
    return np.asarray(np.bincount(group[first], -share * np.log(share), groups), dtype=np.float64)


def classes_of(columns: Sequence[Ranges], places: Sequence[Places], rows: Places, least: int, held: Sequence[Held] = ()) -> Made:
    """Classes of at least `least` rows. `places`: for each column the place of each combination; `rows`: how many rows it has."""
    klass, number = np.zeros(len(rows), dtype=np.int64), 0
    enough = bool(rows.sum() >= least) and all(_whole(item) for item in held)
    if enough and len(rows):
        level = _Level(columns, places, rows, least, held)
        while len(level.low):
            done, classes = level.cut()
            klass[done] = number + classes
            number += int(classes.max()) + 1 if len(classes) else 0
    low, high = np.full((max(number, 1), len(columns)), np.iinfo(np.int64).max), np.full((max(number, 1), len(columns)), -1)
    for n, place in enumerate(places):
        np.minimum.at(low[:, n], klass, place)
        np.maximum.at(high[:, n], klass, place)
    return Made(klass, low, high, enough)


def _whole(held: Held) -> bool:
    """Whether all rows together hold enough."""
    alone = np.zeros(len(held.at), dtype=np.int64)
    return len(np.unique(held.code)) >= held.least and (
        not held.entropy or bool(entropies(alone, held.code, held.rows, 1)[0] >= np.log(held.least) - 1e-9))


@dataclass(frozen=True)
class Widened:
    """What came of it: the names that each class is published under (one array a column, one entry a class), and what that costs."""

    made: Made
    names: Sequence[Sequence[str | None]]
    losses: Sequence[float]


def widened(columns: Sequence[Ranges], places: Sequence[Places], rows: Places, least: int, held: Sequence[Held] = ()) -> Widened:
    """The classes of `classes_of` by name."""
    made = classes_of(columns, places, rows, least, held)
    if not len(rows):
        return Widened(made, [[] for _ in columns], [0.0] * len(columns))
    names = [_named(column, made.low[:, n], made.high[:, n]) for n, column in enumerate(columns)]
    return Widened(made, names, made.losses(columns, rows))


def _named(column: Ranges, low: Places, high: Places) -> list[str | None]:
    runs, at = np.unique(low * len(column.texts) + high, return_inverse=True)
    known = [column.name(*divmod(int(run), len(column.texts))) for run in runs]
    return [known[n] for n in at]
