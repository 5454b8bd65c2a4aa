"""Small cells of a published table, and the further ones that must go with them so that nobody finds them by subtraction.

An attacker is assumed to know every total of the table that is itself no small cell, over every dimension and every parent in its code
list, and that groups which are not there are empty. From the cells that are left and these totals a linear program tells between which
bounds each small cell must lie (Fischetti and Salazar, 2000). It is protected where 1 and `least` lie within: nobody can tell it from a
cell that would have been published. Groups are added where that is not so, at the least cost in persons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.errors import CitylakeError

CELLS_VERSION = "cells-1"
Key = tuple[str | None, ...]
_WHOLE, _SLACK = ("",), 1e-6


class Unprotected(CitylakeError):
    """No choice of cells protects the small ones. Whoever asked HOLDS."""


@dataclass(frozen=True)
class Table:
    """The cells of a table and the totals over them. `sums`: for each total that is known, the cells in it."""

    counts: NDArray[np.int64]
    sums: tuple[tuple[int, ...], ...]
    least: int

    @property
    def small(self) -> list[int]:
        """The cells that may not be shown, smallest first."""
        return [int(at) for at in np.argsort(self.counts, kind="stable") if 0 < self.counts[at] < self.least]


def table(keys: Sequence[Key], counts: Sequence[int], least: int, parents: Sequence[Mapping[str, str] | None]) -> Table:
    """A table of these cells. `parents`: for each dimension its codes' parents, where it has any."""
    wider = [_above([key[at] for key in keys], tree or {}) for at, tree in enumerate(parents)]
    totals: dict[tuple[Any, ...], list[int]] = {}
    for number, key in enumerate(keys):
        for place in product(*[above[value] for above, value in zip(wider, key, strict=True)]):
            totals.setdefault(place, []).append(number)
    found = np.array(counts, dtype=np.int64)
    known = {tuple(cells) for cells in totals.values() if len(cells) > 1 and found[cells].sum() >= least}
    return Table(found, tuple(sorted(known)), least)


def _above(values: Sequence[str | None], parents: Mapping[str, str]) -> dict[str | None, list[tuple[Any, ...]]]:
    """Each value with all that it is counted in: itself, its ancestors, and the whole."""
    found: dict[str | None, list[tuple[Any, ...]]] = {}
    for value in values:
        path: list[tuple[Any, ...]] = [("value", value)]
        above = parents.get(value or "", "")
        while above and ("under", above) not in path:
            path.append(("under", above))
            above = parents.get(above, "")
        found[value] = [*path, _WHOLE]
    return found


def bounds(table_: Table, hidden: Sequence[int], of: Sequence[int]) -> dict[int, tuple[float, float]]:
    """Between which counts an attacker can place each cell of `of`, when exactly `hidden` are not shown."""
    equal, right = _equations(table_, hidden)
    at = {cell: n for n, cell in enumerate(hidden)}
    return {cell: (_extreme(at[cell], equal, right, 1), _extreme(at[cell], equal, right, -1)) for cell in of}


def _equations(table_: Table, hidden: Sequence[int]) -> tuple[Any, NDArray[np.float64]]:
    from scipy.sparse import csr_array  # type: ignore[import-untyped]

    at = {cell: n for n, cell in enumerate(hidden)}
    places: list[tuple[int, int]] = []
    right: list[float] = []
    for cells in dict.fromkeys(tuple(at[cell] for cell in cells if cell in at) for cells in table_.sums):
        if cells:
            places += [(len(right), cell) for cell in cells]
            right.append(float(table_.counts[[hidden[cell] for cell in cells]].sum()))
    rows, columns = zip(*places, strict=True) if places else ((), ())
    return csr_array((np.ones(len(places)), (rows, columns)), shape=(len(right), len(hidden))), np.array(right)


def _solved(cost: NDArray[np.float64], equal: Any, right: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The table of least cost that an attacker must reckon with; None where there is no bound."""
    from scipy.optimize import linprog  # type: ignore[import-untyped]

    found = linprog(cost, A_eq=equal, b_eq=right, bounds=(0, None), method="highs") if len(right) else None
    if found is None or found.status == 3:
        return None
    if found.status != 0:
        raise Unprotected("The protection of a table's small cells cannot be measured.", remedy="Publish fewer groups.")
    return np.asarray(found.x, dtype=np.float64)


def _extreme(cell: int, equal: Any, right: NDArray[np.float64], sign: int) -> float:
    cost = np.zeros(equal.shape[1])
    cost[cell] = sign
    found = _solved(cost, equal, right)
    return float(found[cell]) if found is not None else 0.0 if sign > 0 else float("inf")


def narrow(table_: Table, hidden: Sequence[int]) -> list[int]:
    """The small cells that an attacker can place too well when exactly `hidden` are not shown: the audit."""
    at = {cell: n for n, cell in enumerate(hidden)}
    asked = [at[cell] for cell in table_.small if cell in at]
    equal, right = _equations(table_, hidden)
    found = {cell for cell in table_.small if cell not in at}
    for sign, limit in ((1, 1 + _SLACK), (-1, -(table_.least - _SLACK))):
        found |= {hidden[cell] for cell in _unreached(asked, equal, right, sign, limit)}
    return [cell for cell in table_.small if cell in found]


def _unreached(asked: Sequence[int], equal: Any, right: NDArray[np.float64], sign: int, limit: float) -> list[int]:
    """The cells whose least (sign 1) or greatest (-1) value does not reach the limit. A table that shows it of some need not be found again."""
    left, missed, together = list(asked), [], True
    while left:
        cost = np.zeros(equal.shape[1])
        cost[left if together else left[0]] = sign
        found = _solved(cost, equal, right)
        if found is None and not together:
            left = left[1:]
            continue
        reached = {cell for cell in left if found is not None and sign * found[cell] <= limit}
        if not together and left[0] not in reached:
            missed.append(left[0])
            left = left[1:]
        left, together = [cell for cell in left if cell not in reached], together and bool(reached)
    return missed


def complete(table_: Table, proposed: Sequence[int] = ()) -> list[int]:
    """The cells that are not shown: the small ones, those proposed, and what else it takes. Deterministic. Raises Unprotected."""
    hidden = sorted({*table_.small, *proposed})
    for cell in narrow(table_, hidden):
        for move in (table_.least - int(table_.counts[cell]), 1 - int(table_.counts[cell])):
            hidden = sorted({*hidden, *_moved(table_, cell, move, set(hidden))})
    hidden = _without_idle(table_, hidden)
    if narrow(table_, hidden):
        raise Unprotected("No choice of cells protects a table's small ones.", remedy="Publish coarser groups, or fewer columns.")
    return hidden


def _moved(table_: Table, cell: int, move: int, hidden: set[int]) -> list[int]:
    """The cells that change in the cheapest table with the same totals in which this cell is greater by `move`; hidden ones are free."""
    from scipy.optimize import linprog
    from scipy.sparse import hstack

    if move == 0:
        return []
    number = len(table_.counts)
    equal, _ = _equations(table_, range(number))
    cost = np.array([1e-6 if at in hidden else 1.0 + float(count) for at, count in enumerate(table_.counts)])
    up: list[tuple[float, float | None]] = [(0.0, None)] * number
    down: list[tuple[float, float | None]] = [(0.0, float(count)) for count in table_.counts]
    up[cell], down[cell] = ((move, move), (0.0, 0.0)) if move > 0 else ((0.0, 0.0), (-move, -move))
    if not equal.shape[0]:
        return [cell]
    found = linprog(np.concatenate([cost, cost]), A_eq=hstack([equal, -equal]), b_eq=np.zeros(equal.shape[0]), bounds=[*up, *down], method="highs")
    if found.status != 0:
        raise Unprotected("No choice of cells protects a table's small ones.", remedy="Publish coarser groups, or fewer columns.")
    return [at for at in range(number) if found.x[at] + found.x[number + at] > _SLACK]


def _without_idle(table_: Table, hidden: list[int]) -> list[int]:
    """Shows again what the protection does not need, largest first; only in tables that are small enough for trying."""
    small = set(table_.small)
    idle = sorted((cell for cell in hidden if cell not in small), key=lambda cell: (-table_.counts[cell], cell))
    for cell in idle if len(idle) * len(small) <= 200 else ():
        fewer = [other for other in hidden if other != cell]
        if not narrow(table_, fewer):
            hidden = fewer
    return hidden
