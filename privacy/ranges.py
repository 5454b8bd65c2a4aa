"""What a run of a quasi-identifier's values is called when they are published as one, and what that costs.

A column's distinct values stand in one order: numbers and dates by size, codes along their list's tree, other values by name, NULL last.
A run is two places in that order. Its name covers every value in between: a range, the nearest common ancestor, a short set, or `*`.
The cost is the normalised certainty penalty (Xu et al., 2006): 0 for one value, 1 for all of them. NULL with anything else is `*`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Places = NDArray[np.int64]
Costs = NDArray[np.float64]
ALL = "*"
SET_SIZE = 4        # so many values are listed; more are `*`


class Ranges:
    """Values that have no order of their own, by name: short sets, else `*`. `texts` by place; NULL is None and stands last."""

    def __init__(self, texts: Sequence[str | None]) -> None:
        self.texts = tuple(texts)
        self.last = len(self.texts) - 1 - int(bool(self.texts) and self.texts[-1] is None)      # place of the last value that is not NULL

    def depth(self, low: Places, high: Places) -> Places:
        """How much the ends of each run have in common: where it grows, the name grows finer. 0 is nothing."""
        return np.zeros(len(low), dtype=np.int64)

    def cost(self, low: Places, high: Places) -> Costs:
        """The penalty of each run."""
        count = high - low + 1
        shares = np.where((count > SET_SIZE) | (high > self.last), 1.0, (count - 1) / max(len(self.texts) - 1, 1))
        return np.where(low == high, 0.0, shares)

    def name(self, low: int, high: int) -> str | None:
        """What the run is called; None for NULL alone."""
        if low == high:
            return self.texts[low]
        return ALL if high > self.last else self._covering(low, high)

    def _covering(self, low: int, high: int) -> str:
        return "|".join(str(text) for text in self.texts[low:high + 1]) if high - low < SET_SIZE else ALL


class Numbers(Ranges):
    """Numbers and days: a run is `first–last`."""

    def __init__(self, texts: Sequence[str | None], sizes: NDArray[np.float64]) -> None:
        super().__init__(texts)
        self.sizes = sizes

    def depth(self, low: Places, high: Places) -> Places:
        return np.where(high > self.last, 0, 1).astype(np.int64)

    def cost(self, low: Places, high: Places) -> Costs:
        if self.last < 1:
            return np.where(low == high, 0.0, 1.0)
        wide = self.sizes[np.minimum(high, self.last)] - self.sizes[np.minimum(low, self.last)]
        shares = np.where(high > self.last, 1.0, wide / (self.sizes[self.last] - self.sizes[0]))
        return np.where(low == high, 0.0, shares)

    def _covering(self, low: int, high: int) -> str:
        return f"{self.texts[low]}–{self.texts[high]}"


_BAND = re.compile(r"(-?[0-9.]+)-(<?-?[0-9.]+)")


class Bands(Numbers):
    """Bands such as `20-24`: a run goes from the start of the first to the end of the last."""

    def _covering(self, low: int, high: int) -> str:
        first, last = _BAND.fullmatch(str(self.texts[low])), _BAND.fullmatch(str(self.texts[high]))
        return f"{first[1]}-{last[2]}" if first and last else ALL


class Codes(Ranges):
    """Codes of a list whose codes have parents: a run is the nearest ancestor of all of it. `paths`: from the top down to the code itself."""

    def __init__(self, texts: Sequence[str | None], paths: Sequence[Sequence[str]], leaves: Mapping[str, int], whole: int) -> None:
        super().__init__(texts)
        self.paths = paths
        deepest = max([len(path) for path in paths], default=0)
        under = [[whole, *[leaves[code] for code in path], *[1] * (deepest - len(path))] for path in paths]
        self.under = (np.array(under, dtype=np.float64).reshape(len(paths), deepest + 1) - 1) / max(whole - 1, 1)
        self.edges = _least([_shared(paths[at - 1], paths[at]) for at in range(1, len(paths))])

    def depth(self, low: Places, high: Places) -> Places:
        found = np.full(len(low), self.under.shape[1] - 1, dtype=np.int64)
        wide = high > low
        if wide.any():
            step = np.floor(np.log2(high[wide] - low[wide])).astype(np.int64)
            found[wide] = np.minimum(self.edges[step, low[wide]], self.edges[step, high[wide] - np.left_shift(1, step)])
        return found

    def cost(self, low: Places, high: Places) -> Costs:
        return np.where(low == high, 0.0, self.under[low, self.depth(low, high)])

    def _covering(self, low: int, high: int) -> str:
        depth = int(self.depth(np.array([low]), np.array([high]))[0])
        return self.paths[low][depth - 1] if depth else ALL


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _least(edges: Sequence[int]) -> Places:
    """Row n: the least of the 2^n edges from each place on, so that any run's least is that of two of them."""
    rows = [np.array(edges, dtype=np.int64)]
    while 2 ** len(rows) <= len(edges):
        half, row = 2 ** (len(rows) - 1), rows[-1].copy()
        row[:len(edges) - half] = np.minimum(row[:len(edges) - half], row[half:])
        rows.append(row)
    return np.stack(rows)


def sizes_of(values: pa.Array) -> pa.Array | None:
    """Numbers, days and times as numbers, for their order and distances; None for values that have no size."""
    kind = values.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return values.cast(pa.int32() if pa.types.is_date32(kind) else pa.int64()).cast(pa.float64())
    sized = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return values.cast(pa.float64(), safe=False) if sized else None


def ranges(
    texts: pa.Array, sizes: pa.Array | None = None, parents: Mapping[str, str] | None = None, bands: bool = False
) -> tuple[Ranges, Places]:
    """The ranges of a column, and the place of each of its values. `sizes`: the same values as numbers, where they have a size;
    `parents`: code → parent (an empty text at the top), where they are codes of a list; `bands`: they are names of bands.
    """
    encoded = texts.dictionary_encode(null_encoding="encode")
    at = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    known: list[str | None] = encoded.dictionary.to_pylist()
    first = np.zeros(len(known), dtype=np.int64)
    first[at[::-1]] = np.arange(len(at))[::-1]
    numbers = _starts(known) if bands else [None] * len(known) if sizes is None else sizes.take(pa.array(first)).to_pylist()
    paths = {text: _path(text, parents or {}) for text in known if text is not None}
    order = sorted(range(len(known)), key=lambda n: (known[n] is None, numbers[n] or 0.0, paths.get(known[n] or "", ())))
    rank = np.empty(len(known), dtype=np.int64)
    rank[order] = np.arange(len(known))
    listed = [known[n] for n in order]
    if sizes is not None or bands:
        return (Bands if bands else Numbers)(listed, np.array([float(numbers[n] or 0) for n in order])), rank[at]
    if parents and any(parents.values()):
        leaves, whole = _leaves(parents, paths)
        return Codes(listed, [paths[text] if text is not None else () for text in listed], leaves, whole), rank[at]
    return Ranges(listed), rank[at]


def _starts(names: Sequence[str | None]) -> list[float | None]:
    found = [_BAND.fullmatch(name or "") for name in names]
    return [float(one[1]) if one else None for one in found]


def _leaves(parents: Mapping[str, str], paths: Mapping[str, Sequence[str]]) -> tuple[dict[str, int], int]:
    """How many codes without children lie under each code (itself where it has none), and how many there are."""
    ends, found = {*parents, *paths} - set(parents.values()), dict.fromkeys(paths, 1)
    counted: dict[str, int] = {}
    for code in ends:
        for above in _path(code, parents):
            counted[above] = counted.get(above, 0) + 1
    return found | counted, len(ends)


def _path(code: str, parents: Mapping[str, str]) -> tuple[str, ...]:
    path = [code]
    while (above := parents.get(path[0], "")) and above not in path:
        path.insert(0, above)
    return tuple(path)
