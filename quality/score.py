"""Quality score of a dataset: per dimension from real results, with the reasons beside the number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Score:
    """0 to 100 a dimension and over all; `reasons` are the rules that cost points."""

    overall: float
    dimensions: Mapping[str, float]
    reasons: tuple[str, ...]


def score(findings: Sequence[Mapping[str, Any]]) -> Score:
    """Mean share of good rows over the rules of a dimension; a failed set rule counts nothing. `findings` as recorded."""
    shares: dict[str, list[float]] = {}
    reasons = []
    for found in findings:
        if not found["dimension"]:
            continue
        observed = found["observed"]
        share = 1 - observed["percent"] / 100 if "percent" in observed else float(found["passed"])
        share = share if found["passed"] or "percent" in observed else 0.0
        shares.setdefault(found["dimension"], []).append(share)
        if share < 1:
            bad = observed.get("bad")
            reasons.append(f"{found['rule']}: {bad} rows" if bad is not None else found["rule"])
    dimensions = {name: _points(sum(values) / len(values)) for name, values in sorted(shares.items())}
    overall = _points(sum(dimensions.values()) / len(dimensions) / 100) if dimensions else 100.0
    return Score(overall, dimensions, tuple(reasons))


def _points(share: float) -> float:
    """Points with one digit, cut and not rounded: 100 means that nothing was wrong."""
    return math.floor(round(share * 1000, 6)) / 10
