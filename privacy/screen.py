"""The screen: which columns could hold an identifier at all, one pass over every cell of those, then the full recognisers on
each suspicious distinct value.

The first steps may only be too suspicious, never too trusting: what they let by is not looked at again. Pure; pipelines runs it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sqlglot import exp

from catalog import dialect as d
from catalog.canonical import plain
from catalog.contract import Column, ColumnType
from catalog.evidence import Finding, Verdict
from catalog.extension import Keep, Treatment
from privacy.column_counts import MASKED_NUMBER
from privacy.column_texts import WORDED
from privacy.column_verdicts import JUDGE_VERSION, ColumnVerdict, declares
from privacy.numbers import Hits as Hits
from privacy.recognisers import BY_KIND
from privacy.suspicion import SMALLEST as SMALLEST
from privacy.suspicion import SUSPICIOUS as SUSPICIOUS
from privacy.suspicion import WHOLE as WHOLE
from privacy.suspicion import suspicious

SHORTEST = 6                       # characters of the shortest address in a network; a plate has seven
# Whole cells that count by their rate or beside their header alone: permits and passports, and what is masked already.
FAINT = r"^\s*(?:[A-Za-z]{1,2}[0-9]{6,8}|[Cc][0-9A-Za-z][0-9]{7}|[HMhm][0-9]{10})\s*$|" + MASKED_NUMBER


@dataclass(frozen=True)
class ColumnScreen:
    """What one column holds. No value is kept."""

    column: str
    kinds: Mapping[str, Hits] = field(default_factory=dict)


class Leaving(Protocol):
    """What the verdict must know of a product: its columns' treatments."""

    def treatments(self) -> dict[str, Treatment]: ...


def possible_query(columns: Mapping[str, ColumnType], view: str) -> exp.Query:
    """One row: for each column its filled cells as `name filled`, and as `name possible` 1 if some cell is long enough to be suspicious or
    has an @. Cheap: no pattern.
    """
    counts = []
    for name, kind in columns.items():
        counts.append(exp.alias_(exp.Count(this=d.col(name)), f"{name} filled", quoted=True))
        counts.append(exp.alias_(exp.Max(this=_if(_possible(name, kind), d.lit(1))), f"{name} possible", quoted=True))
    return exp.select(*counts).from_(exp.to_identifier(view, quoted=True).sql())


def spread_query(names: Collection[str], view: str, rows: int) -> exp.Query:
    """One row, of some rows: filled cells and distinct values as `name filled` and `name spread`, and the suspicious cells as `name`. It tells
    which way costs less, and nothing else.
    """
    some, text = exp.select(*map(d.col, names)).from_(exp.to_identifier(view, quoted=True).sql()).limit(rows), ColumnType("text")
    counts: dict[str, exp.Expr] = {}
    for name in names:
        counts |= {f"{name} filled": d.col(name), f"{name} spread": exp.Distinct(expressions=[d.col(name)]),
                   name: _if(suspicious(name, text), d.lit(1))}
    return exp.select(*[exp.alias_(exp.Count(this=value), alias, quoted=True) for alias, value in counts.items()]).from_(some.subquery("some"))


def _possible(name: str, kind: ColumnType) -> exp.Expr:
    if kind.kind not in ("text", "double"):
        return suspicious(name, kind)
    text = d.col(name) if kind.kind == "text" else d.cast_to(d.col(name), ColumnType("text"))
    return exp.or_(exp.GTE(this=d.length(text), expression=d.lit(SHORTEST)),
                   *[exp.Like(this=text.copy(), expression=d.lit(f"%{mark}%")) for mark in ("@", "\uff20")])


def _if(condition: exp.Expr, value: exp.Expr) -> exp.Case:
    """Engines look at `value` only where the condition is true: large patterns stand behind cheap conditions."""
    return exp.Case(ifs=[exp.If(this=condition, true=value)])


def suspects(name: str, kind: ColumnType) -> exp.Expr:
    """A condition that is true for every cell that might hold an identifier, or the form of one that counts by its rate."""
    return exp.or_(suspicious(name, kind), d.contains_pattern(d.col(name), FAINT)) if kind.kind == "text" else suspicious(name, kind)


def _marked(name: str, kind: ColumnType, value: exp.Expr) -> dict[str, exp.Expr]:
    """`value` of the suspicious cells as `name`, and of those that words may stand in (WORDED, none of which is all ASCII) as `name han`."""
    found: dict[str, exp.Expr] = {name: _if(_possible(name, kind), _if(suspects(name, kind), value))}
    if kind.kind == "text":
        wide = exp.GT(this=d.octets(d.col(name)), expression=d.length(d.col(name)))
        found[f"{name} han"] = _if(wide, _if(d.contains_pattern(d.col(name), WORDED), value.copy()))
    return found


def screen_query(columns: Mapping[str, ColumnType], view: str, most: Collection[str] = ()) -> exp.Select:
    """One row: for each column its filled cells as `name filled`, its suspicious ones as `name` (not of columns in `most`), and those that
    words may stand in as `name han`.
    """
    counts = [exp.alias_(exp.Count(this=d.col(name)), f"{name} filled", quoted=True) for name in columns]
    for name, kind in columns.items():
        counts += [exp.alias_(exp.Count(this=value), alias, quoted=True) for alias, value in _marked(name, kind, d.lit(1)).items()
                   if alias != name or name not in most]
    return exp.select(*counts).from_(exp.to_identifier(view, quoted=True).sql())


def values_query(name: str, kind: ColumnType, view: str) -> exp.Query:
    """The same figures of one column, each distinct value looked at once: where values repeat, it costs less."""
    values = (exp.select(exp.alias_(d.col(name), name, quoted=True), exp.alias_(exp.Count(this=d.col(name)), "_cells", quoted=True))
              .from_(exp.to_identifier(view, quoted=True).sql()).group_by(d.col(name)))
    sums = {f"{name} filled": d.col("_cells"), **_marked(name, kind, d.col("_cells"))}
    return exp.select(*[exp.alias_(d.coalesce(exp.Sum(this=value), d.lit(0)), alias, quoted=True) for alias, value in sums.items()]).from_(
        values.subquery("v"))


def distinct_query(name: str, view: str) -> exp.Query:
    """One row: `distinct`, the number of different filled cells."""
    return (exp.select(exp.alias_(exp.Count(this=exp.Distinct(expressions=[d.col(name)])), "distinct"))
            .from_(exp.to_identifier(view, quoted=True).sql()))


def suspects_query(name: str, kind: ColumnType, view: str, every: bool = False) -> exp.Select:
    """The distinct suspicious values of one column as `value`, with `cells`. With `every` all filled ones: where most are
    suspicious, it costs less to count the others too than to search each again.
    """
    text = d.cast_to(d.col(name), ColumnType("text"))
    wanted = exp.Not(this=exp.Is(this=d.col(name), expression=exp.Null())) if every else exp.and_(_possible(name, kind), suspects(name, kind))
    return (exp.select(exp.alias_(text, "value"), exp.alias_(exp.Count(this=exp.Star()), "cells"))
            .from_(exp.to_identifier(view, quoted=True).sql()).where(wanted).group_by(text.copy()))


def texts_query(name: str, view: str) -> exp.Select:
    """The distinct values of one text column that words may stand in, as `value`, with `cells`."""
    return (exp.select(exp.alias_(d.col(name), "value"), exp.alias_(exp.Count(this=exp.Star()), "cells"))
            .from_(exp.to_identifier(view, quoted=True).sql()).where(d.contains_pattern(d.col(name), WORDED)).group_by(d.col(name)))


def screen_verdict(
    columns: Mapping[str, Column], treatments: Mapping[str, Treatment], screens: Mapping[str, ColumnVerdict], subject: str
) -> Verdict:
    """HOLD for each kind that is found or in doubt, unless the contract names that kind, one that bodies have too, on an L1 column that
    is kept; and for each column that could not be seen whole.

    An identifier of persons alone always holds; so does anything that a treatment has left readable. One that is certain, as at admission
    (docs/decisions/0014), and that the contract does not name for the column is `screen.certain.*`: nobody can approve it.
    """
    findings = []
    for name, result in sorted(screens.items()):
        if result.unseen:
            findings.append(Finding(f"screen.unseen.{name}", False, "block", f"Column {name} could not be looked at in full; nothing of it"
                                    " leaves until it is.", "", name, {"reasons": list(result.reasons)}, "platform"))
        for kind, hits in result.kinds.items():
            allowed = _named(columns.get(name), treatments.get(name), kind) and not hits.persons      # an individual business is a person
            note = f"Column {name} holds {kind} values" + ("; the contract names them." if allowed else
                   ". Treat the column, drop it, or name the kind under identifies where it may leave.")
            observed = {**plain(hits), "why": [why for why in result.reasons if why.startswith(f"{kind}.")],
                        **({"hashes": list(result.evidence[kind])} if result.evidence.get(kind) else {}),
                        **({"set": result.sets[kind]} if kind in result.sets else {})}
            about = f"certain.{kind}" if _certain(result, columns.get(name), kind) else kind
            findings.append(Finding(f"screen.{about}.{name}", allowed, "info" if allowed else "block", note, "", name, observed, "department"))
    return Verdict("screening", {"files": subject}, JUDGE_VERSION, tuple(findings))


def _named(column: Column | None, how: Treatment | None, kind: str) -> bool:
    return (column is not None and isinstance(how, Keep) and column.level == "L1"
            and column.more.identifies == kind and kind in BY_KIND and BY_KIND[kind].bodies)


def _certain(result: ColumnVerdict, column: Column | None, kind: str) -> bool:
    return result.judged.get(kind) == "DENY" and BY_KIND[kind].personal and not BY_KIND[kind].bodies and not declares(column, kind)
