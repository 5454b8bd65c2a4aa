"""What recognisers find: places in a text and what they are. No value is kept beside the place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` (exclusive) of the original text. `score` 0 to 1; `level` is an address's finest level."""

    start: int
    end: int
    kind: str
    score: float
    level: str = ""
