"""Counts that are not published as they are: rounded so that their totals round too, or with noise.

Rounding is controlled (Cox, 1987): every count, and every total of the table, becomes one of its two neighbouring multiples of the base,
together as near as can be; where that cannot be done each count goes to its nearest. Noise is OpenDP's geometric mechanism (extra `dp`):
whole numbers, sensitivity 1, for one row changes one cell by one. Which groups are shown is not noisy: this is no proof of differential
privacy for the whole release.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np

NOISE_VERSION = "noise-1"
_SECONDS = 20


def installed() -> bool:
    """Whether the extra is there; without it no noise is drawn, and the product is held."""
    return find_spec("opendp") is not None


def drawn(number: int, epsilon: float) -> list[int]:
    """So many draws of geometric noise, from OpenDP's own source of randomness: never the same twice, never from a seed."""
    import opendp.prelude as dp

    dp.enable_features("contrib")
    made = dp.m.make_geometric(dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64"), scale=1 / epsilon)
    return [int(one) for one in made([0] * number)]


def rounded(counts: Sequence[int], sums: Sequence[Sequence[int]], base: int) -> tuple[list[int], bool]:
    """The counts in multiples of `base`, and whether every total in `sums` (the cells in it) is rounded to a neighbour as well."""
    from scipy.optimize import Bounds, LinearConstraint, milp  # type: ignore[import-untyped]
    from scipy.sparse import csr_array  # type: ignore[import-untyped]

    exact = np.array(counts, dtype=np.int64)
    low, rest = exact // base, exact % base
    if not len(exact) or not rest.any():
        return [int(count) for count in exact], True
    places = [(at, cell) for at, cells in enumerate(sums) for cell in cells]
    rows, columns = zip(*places, strict=True) if places else ((), ())
    matrix = csr_array((np.ones(len(places)), (rows, columns)), shape=(len(sums), len(exact)))
    totals, floors = matrix @ exact, matrix @ low
    limits = LinearConstraint(matrix, totals // base - floors, -(-totals // base) - floors)
    found = milp(base - 2.0 * rest, integrality=np.ones(len(exact)), bounds=Bounds(0, np.where(rest > 0, 1, 0)),
                 constraints=limits if len(sums) else (), options={"time_limit": _SECONDS})
    if found.status != 0:
        return [int(count) for count in (2 * exact + base) // (2 * base) * base], False
    return [int(count) for count in (low + np.rint(found.x).astype(np.int64)) * base], True
