"""Tables of the same subjects, subtracted from each other: two filters, or two groupings, may tell of the few that lie between them.

The published counts are compared, as an attacker sees them, over the group columns that both tables show in the same way. Whose tables
those are, the register says (pipelines/exposure.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from catalog.contract import Contract
from catalog.dialect import parse_measure
from catalog.errors import CitylakeError
from catalog.evidence import Finding, TableAt
from pipelines.way import Way
from privacy.exposure import CLOSE, differencing, differencing_query, unmeasured

ROWS = "rows"       # whatever a measure is called that counts the rows of a group, it counts the same


@dataclass(frozen=True)
class Shown:
    """One table: the contract that it is of, what the register keeps of it, and its gold."""

    contract: Contract
    exposed: Mapping[str, Any]
    gold: TableAt

    @property
    def groups(self) -> dict[str, str]:
        """What a group column is and how it is treated → the column."""
        shown = {name: self.exposed["columns"].get(name) for name in self.exposed["aggregate"]["by"]}
        return {f"{self._called(name)} {_plain(how['how'])}": name for name, how in shown.items() if how is not None}

    def _called(self, name: str) -> str:
        return next((one.more.element or one.name for one in self.contract.columns if one.name == name), name)

    def measures(self, counting: bool) -> dict[str, str]:
        """What a measure computes → its column; of counts, or of everything else."""
        every = [one.name for one in self.contract.columns]
        found = {}
        for name, sql in self.exposed["aggregate"]["measures"].items():
            try:
                tree = parse_measure(sql, every)
            except CitylakeError:       # a column of that time is no more
                tree = exp.null()
            if isinstance(tree, exp.Count) is counting:
                found[ROWS if counting and self._of_rows(tree) else tree.sql(normalize=True)] = name
        return found

    def _of_rows(self, count: exp.Expr) -> bool:
        """Whether a count is that of the rows, or of the persons that they are about."""
        whole = {one.name for one in self.contract.columns if one.required or one.more.subject or one.key is not None}
        of = count.this.expressions[0] if isinstance(count.this, exp.Distinct) and len(count.this.expressions) == 1 else count.this
        return isinstance(of, exp.Star | exp.Literal) or (isinstance(of, exp.Column) and of.name in whole)

    @property
    def rounding(self) -> int:
        """How far a count may lie from the true one."""
        base = (self.exposed.get("disclosure") or {}).get("round_counts")
        return int(base) - 1 if base else 0

    @property
    def noisy(self) -> bool:
        return (self.exposed.get("disclosure") or {}).get("noise_epsilon") is not None


def _plain(how: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in sorted(how.items()) if value not in (None, False))


def subtracted(way: Way, mine: Shown, other: Shown, release: str, least: int, same_rows: bool) -> list[Finding]:
    """What subtracting `other` (published as `release`) from `mine` tells: a difference from 1 to below `least` where both are of the
    same rows; else of one or two, for a few rows more are then the rows of the days between. Noise hides by how much counts differ.
    """
    same = {what: (name, other.groups[what]) for what, name in mine.groups.items() if what in other.groups}
    near = mine.contract.id == other.contract.id or len(same) in (len(mine.groups), len(other.groups))
    if mine.noisy or other.noisy or not near or (not same and mine.contract.id != other.contract.id):
        return []
    ours, theirs = mine.measures(True), other.measures(True)
    counts = [(name, theirs[what]) for what, name in ours.items() if what in theirs]
    if not counts:
        sums = mine.measures(False).keys() & other.measures(False).keys()
        return [unmeasured(release)] if sums else []
    slack, highest = mine.rounding + other.rounding, (least - 1 if same_rows else CLOSE)
    query = differencing_query(list(same.values()), counts, 1 + slack, highest - slack)
    try:
        with way.engine.open({"mine": mine.gold, "other": other.gold}) as session:
            cells = int(session.rows(query)[0]["cells"])
    except CitylakeError:
        return [unmeasured(release)]
    return differencing(release, cells, least)
