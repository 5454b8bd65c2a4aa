"""The exposure register's judgement: whether what is to be published, together with what was, tells persons apart.

Builds queries over views that pipelines opens and judges their counts. An attacker who knows somebody's quasi-identifiers uses all
releases about the same subjects at once (composition: Ganta, Kasiviswanathan and Smith, 2008), so their union must reach k too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlglot import exp

from catalog.dialect import case, coalesce, col, lit
from catalog.evidence import Finding

LINK = "_link"
CLOSE = 2           # a count that moved by so few between two releases tells of these few


def joint_query(sides: Sequence[exp.Query], quasi: Sequence[Sequence[str]], links: Sequence[str], k: int) -> exp.Query:
    """One row: `smallest` and `persons` (in classes under k) over the union of the sides' quasi-identifiers.

    Each side gives its quasi-identifiers and its link columns; rows of one subject meet by the links, and persons are counted once.
    """
    names = [[f"q{at}_{n}" for n in range(len(columns))] for at, columns in enumerate(quasi)]
    values = [exp.alias_(col(column, f"s{at}"), name, quoted=True)
              for at, columns in enumerate(quasi) for column, name in zip(columns, names[at], strict=True)]
    keys = [exp.alias_(col(link, "s0"), f"{LINK}{n}", quoted=True) for n, link in enumerate(links)]
    joined = exp.select(*values, *keys).distinct().from_(sides[0].subquery("s0"))
    for at, side in enumerate(sides[1:], start=1):
        same = [exp.EQ(this=col(link, "s0"), expression=col(link, f"s{at}")) for link in links]
        joined = joined.join(side.subquery(f"s{at}"), on=exp.and_(*same))
    flat = [name for group in names for name in group]
    classes = (exp.select(*map(col, flat), exp.alias_(exp.Count(this=exp.Star()), "n", quoted=True))
               .from_(joined.subquery("joined")).group_by(*map(col, flat)))
    small = exp.LT(this=col("n"), expression=lit(k))
    return (exp.select(exp.alias_(coalesce(exp.Min(this=col("n")), lit(0)), "smallest", quoted=True),
                       exp.alias_(coalesce(exp.Sum(this=case([(small, col("n"))])), lit(0)), "persons", quoted=True))
            .from_(classes.subquery("classes")))


def moved_query(by: Sequence[str], counts: Sequence[str], before: str, now: str) -> exp.Query:
    """One row: `cells` whose count in view `now` differs from that in `before` by one or two."""
    same = [exp.NullSafeEQ(this=col(name, "a"), expression=col(name, "b")) for name in by]
    few = [exp.Between(this=exp.Abs(this=exp.Sub(this=col(name, "a"), expression=col(name, "b"))), low=lit(1), high=lit(CLOSE)) for name in counts]
    cells = case([(exp.or_(*few), lit(1))])
    return (exp.select(exp.alias_(coalesce(exp.Sum(this=cells), lit(0)), "cells", quoted=True))
            .from_(exp.to_table(now).as_("a")).join(exp.to_table(before).as_("b"), on=exp.and_(*same) if same else exp.true()))


def differencing_query(by: Sequence[tuple[str, str]], counts: Sequence[tuple[str, str]], low: int, high: int) -> exp.Query:
    """One row: `cells` of the groups that the tables `mine` and `other` both show, a count of which differs by `low` to `high`.

    `by` and `counts` name a column of each. Groups finer than `by` are added up: so would an attacker do.
    """
    sides = []
    for at, view in enumerate(("mine", "other")):
        keys = [exp.alias_(col(pair[at]), f"g{n}", quoted=True) for n, pair in enumerate(by)]
        sums = [exp.alias_(exp.Sum(this=col(pair[at])), f"n{n}", quoted=True) for n, pair in enumerate(counts)]
        side = exp.select(*keys, *sums).from_(exp.to_table(view, quoted=True))
        sides.append(side.group_by(*[col(pair[at]) for pair in by]) if by else side)
    same = [exp.NullSafeEQ(this=col(f"g{n}", "a"), expression=col(f"g{n}", "b")) for n in range(len(by))]
    few = [exp.Between(this=exp.Abs(this=exp.Sub(this=col(f"n{n}", "a"), expression=col(f"n{n}", "b"))), low=lit(low), high=lit(high))
           for n in range(len(counts))]
    cells = case([(exp.or_(*few), lit(1))])
    return (exp.select(exp.alias_(coalesce(exp.Sum(this=cells), lit(0)), "cells", quoted=True)).from_(sides[0].subquery("a"))
            .join(sides[1].subquery("b"), on=exp.and_(*same) if same else exp.true()))


def differencing(release: str, cells: int, least: int) -> list[Finding]:
    """Held where subtracting another table from this one tells of fewer persons than a cell may hold."""
    note = "Subtracting another table of the same subjects from this one tells of fewer persons than a published cell must hold."
    observed = {"releases": [release], "cells": cells, "least": least}
    return [Finding("exposure.differencing", False, "block", note, observed=observed)] if cells else []


def joint(figures: Mapping[str, Any], k: int, releases: Sequence[str], columns: Sequence[str]) -> list[Finding]:
    """Held where persons stand in classes under k once the releases are laid side by side."""
    if not 0 < int(figures["smallest"]) < k:
        return []
    note = "Each release may be harmless alone; laid side by side with what was published of the same subjects, they tell persons apart."
    observed = {"releases": list(releases), "columns": list(columns), "k": k, "smallest": int(figures["smallest"]),
                "persons": int(figures["persons"])}
    return [Finding("exposure.joint", False, "block", note, observed=observed)]


def shared_key(release: str, columns: Sequence[str]) -> list[Finding]:
    """Held where rows of two releases can be laid together by a key or an exact time that both show."""
    note = "Rows can be joined to an earlier release of the same subjects by a key or an exact time that both show."
    return [Finding("exposure.shared_key", False, "block", note, observed={"releases": [release], "columns": list(columns)})] if columns else []


def moved(release: str, cells: int) -> list[Finding]:
    """Held where subtracting the version before tells of one or two persons."""
    note = "Subtracting the release before from this one tells of single persons. Round the counts, or publish less often."
    return [Finding("exposure.difference", False, "block", note, observed={"releases": [release], "cells": cells})] if cells else []


def unmeasured(release: str) -> Finding:
    """Held where it cannot be told: no common subject column, or the earlier columns or rows are no more."""
    note = "It cannot be measured what this tells together with an earlier release of the same subjects."
    return Finding("exposure.unmeasured", False, "block", note, observed={"releases": [release]})
