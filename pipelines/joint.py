"""Lays releases of the same subjects side by side and counts who is left alone: each product's quasi-identifiers as it published them.

What Mondrian widened is widened again from the very silver of that release, and only believed where it gives the classes that stand in
gold; else the columns count as if they had left as they were, which errs towards holding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from catalog.dialect import col
from catalog.errors import CitylakeError
from catalog.evidence import TableAt
from pipelines.engines import Session
from pipelines.products import Outward, carried, over
from pipelines.refining import named
from pipelines.way import Way
from pipelines.widening import stage_names, widened_rows
from privacy.disclosure import person_column
from privacy.exposure import joint_query


@dataclass(frozen=True)
class Pinned:
    """The versions of a release: the silver that it was made of, and its gold."""

    silver: TableAt
    gold: TableAt


@dataclass(frozen=True)
class Side:
    """One product among those laid side by side. `links` are the silver columns by which rows of one subject meet; `pinned` only where its
    rows can be widened again.
    """

    outward: Outward
    quasi: Sequence[str]
    links: Sequence[str]
    silver: TableAt
    pinned: Pinned | None = None

    @property
    def widens(self) -> bool:
        return bool(self.outward.widened) and self.pinned is not None


class _Otherwise(Exception):
    """The rows widened again are not those that were published."""


def joint_figures(way: Way, sides: Sequence[Side], k: int) -> Mapping[str, Any]:
    """`smallest` and `persons` (in classes under `k`) over all sides at once."""
    if any(side.widens for side in sides):
        try:
            return _figures(way, sides, k, widen=True)
        except (CitylakeError, _Otherwise):
            pass
    return _figures(way, sides, k, widen=False)


def _figures(way: Way, sides: Sequence[Side], k: int, widen: bool) -> Mapping[str, Any]:
    views: dict[str, TableAt] = {}
    for at, side in enumerate(sides):
        views[f"silver{at}"] = side.pinned.silver if widen and side.widens and side.pinned else side.silver
        if widen and side.widens and side.pinned:
            views[f"gold{at}"] = side.pinned.gold
    with way.engine.open(views) as session:
        queries = [_again(way, session, side, at) if widen and side.widens else _plain(side, at) for at, side in enumerate(sides)]
        links = [_link(n) for n in range(len(sides[0].links))]
        return session.rows(joint_query(queries, [side.quasi for side in sides], links, k))[0]


def _link(number: int) -> str:
    return f"_link{number}"


def _plain(side: Side, at: int) -> exp.Query:
    """The quasi-identifiers as the treatments leave them, with the link columns beside them."""
    query = over(side.outward.query(carry=side.links), f"silver{at}")
    return exp.select(*map(col, side.quasi), *_keys(side)).from_(query.subquery("side"))


def _keys(side: Side) -> list[exp.Expr]:
    return [exp.alias_(col(carried(name)), _link(n), quoted=True) for n, name in enumerate(side.links)]


def _again(way: Way, session: Session, side: Side, at: int) -> exp.Query:
    """The quasi-identifiers as they were published, widened again. Raises where gold says otherwise."""
    outward, person = side.outward, person_column(side.outward.contract)
    carry = list(dict.fromkeys([*side.links, *([person] if person else [])]))
    session.stage(over(outward.query(carry=carry), f"silver{at}"), "served")
    stage_names(session, outward, way.policy.thresholds, carried(person) if person else None)
    session.stage(widened_rows(outward, "served", [carried(name) for name in carry]), f"made{at}")
    for one, other in ((f"made{at}", f"gold{at}"), (f"gold{at}", f"made{at}")):
        rest = exp.Except(this=_classes(one, side.quasi), expression=_classes(other, side.quasi), distinct=True)
        if session.rows(exp.select(named(exp.Count(this=exp.Star()), "n")).from_(rest.subquery("rest")))[0]["n"]:
            raise _Otherwise
    return exp.select(*map(col, side.quasi), *_keys(side)).from_(exp.to_table(f"made{at}", quoted=True))


def _classes(view: str, quasi: Sequence[str]) -> exp.Select:
    columns = list(map(col, quasi))
    return exp.select(*columns, named(exp.Count(this=exp.Star()), "n")).from_(exp.to_table(view, quoted=True)).group_by(*map(col, quasi))
