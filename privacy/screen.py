"""The screen: which columns could hold an identifier at all, one pass over every cell of those, then the full recognisers on
each suspicious distinct value.

The first steps may only be too suspicious, never too trusting: what they let by is not looked at again. Pure; pipelines runs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa
from sqlglot import exp

from catalog import dialect as d
from catalog.canonical import plain
from catalog.contract import Column, ColumnType
from catalog.evidence import Finding, Verdict
from catalog.extension import Keep, Treatment
from privacy.numbers import Hits as Hits
from privacy.recognisers import BY_KIND, SCREEN_VERSION
from privacy.suspicion import SMALLEST as SMALLEST
from privacy.suspicion import SUSPICIOUS as SUSPICIOUS
from privacy.suspicion import WHOLE as WHOLE
from privacy.suspicion import suspicious
from privacy.values import judge_values

SHORTEST = 6                       # characters of the shortest address in a network; a plate has seven


@dataclass(frozen=True)
class ColumnScreen:
    """What one column holds. No value is kept."""

    column: str
    kinds: Mapping[str, Hits] = field(default_factory=dict)


class Leaving(Protocol):
    """What the verdict must know of a product: its columns' treatments."""

    def treatments(self) -> dict[str, Treatment]: ...


def possible_query(columns: Mapping[str, ColumnType], view: str) -> exp.Query:
    """One row: for each column 1 if some cell is long enough to be suspicious, or has an @; else NULL. Cheap: no regex."""
    counts = [exp.alias_(exp.Max(this=exp.Case(ifs=[exp.If(this=_possible(name, kind), true=d.lit(1))])), name, quoted=True)
              for name, kind in columns.items()]
    return exp.select(*counts).from_(exp.to_identifier(view, quoted=True).sql())


def _possible(name: str, kind: ColumnType) -> exp.Expr:
    if kind.kind not in ("text", "double"):
        return suspicious(name, kind)
    text = d.col(name) if kind.kind == "text" else d.cast_to(d.col(name), ColumnType("text"))
    return exp.or_(exp.GTE(this=d.length(text), expression=d.lit(SHORTEST)),
                   *[exp.Like(this=text.copy(), expression=d.lit(f"%{mark}%")) for mark in ("@", "\uff20")])


def screen_query(columns: Mapping[str, ColumnType], view: str) -> exp.Query:
    """One row: for each column the number of suspicious cells."""
    counts = [exp.alias_(exp.Count(this=exp.Case(ifs=[exp.If(this=suspicious(name, kind), true=d.lit(1))])), name, quoted=True)
              for name, kind in columns.items()]
    return exp.select(*counts).from_(exp.to_identifier(view, quoted=True).sql())


def rows_query(view: str) -> exp.Query:
    """One row: `rows`."""
    return exp.select(exp.alias_(exp.Count(this=exp.Star()), "rows")).from_(exp.to_identifier(view, quoted=True).sql())


def suspects_query(name: str, kind: ColumnType, view: str, every: bool = False) -> exp.Query:
    """The distinct suspicious values of one column as `value`, with `cells`. With `every` all filled ones: where most are
    suspicious, it costs less to count the others too than to search each again.
    """
    text = d.cast_to(d.col(name), ColumnType("text"))
    wanted = exp.Not(this=exp.Is(this=d.col(name), expression=exp.Null())) if every else suspicious(name, kind)
    return (exp.select(exp.alias_(text, "value"), exp.alias_(exp.Count(this=exp.Star()), "cells"))
            .from_(exp.to_identifier(view, quoted=True).sql()).where(wanted).group_by(text.copy()))


def texts_query(name: str, view: str) -> exp.Query:
    """The distinct values of one text column that have a Chinese character, as `value`, with `cells`."""
    return (exp.select(exp.alias_(d.col(name), "value"), exp.alias_(exp.Count(this=exp.Star()), "cells"))
            .from_(exp.to_identifier(view, quoted=True).sql()).where(d.contains_pattern(d.col(name), r"\p{Han}")).group_by(d.col(name)))


def judge_column(batches: Iterable[pa.RecordBatch], column: str) -> ColumnScreen:
    """The kinds among distinct values (`value`, `cells`), once per distinct value."""
    kinds: dict[str, Hits] = {}
    for batch in batches:
        for kind, hits in judge_values(batch.column("value"), batch.column("cells"), weak=False).items():
            kinds[kind] = kinds.get(kind, Hits(0, 0, 0)) + hits
    return ColumnScreen(column, dict(sorted(kinds.items())))


def screen_verdict(
    columns: Mapping[str, Column], treatments: Mapping[str, Treatment], screens: Mapping[str, ColumnScreen], subject: str
) -> Verdict:
    """HOLD for each kind that is found, unless the contract names that kind, one that bodies have too, on an L1 column that is kept.

    An identifier of persons alone always holds; so does anything that a treatment has left readable.
    """
    findings = []
    for name, result in sorted(screens.items()):
        for kind, hits in result.kinds.items():
            allowed = _named(columns.get(name), treatments.get(name), kind)
            note = f"Column {name} holds {kind} values" + ("; the contract names them." if allowed else
                   ". Treat the column, drop it, or name the kind under identifies where it may leave.")
            findings.append(Finding(f"screen.{kind}.{name}", allowed, "info" if allowed else "block", note, "", name,
                                    plain(hits), "department"))
    return Verdict("screening", {"files": subject}, SCREEN_VERSION, tuple(findings))


def _named(column: Column | None, how: Treatment | None, kind: str) -> bool:
    return (column is not None and isinstance(how, Keep) and column.level == "L1"
            and column.more.identifies == kind and kind in BY_KIND and BY_KIND[kind].bodies)
