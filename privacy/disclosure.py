"""Disclosure control of rows about persons: how small the classes of equal quasi-identifiers are (k), and what a class tells (l, t).

Builds the queries over gold and judges their counts; pipelines runs them. k-anonymity after Samarati and Sweeney (1998), distinct
l-diversity after Machanavajjhala et al. (2006), t-closeness with the equal distance after Li et al. (2007): for ordered values
that distance is never below the ordered one, so the figure errs towards too strict. A NULL is a value like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from catalog.contract import Column, Contract
from catalog.dialect import case, coalesce, col, lit
from catalog.evidence import Finding
from catalog.extension import Product, Tier
from privacy.negative_list import Thresholds
from privacy.recognisers import BY_KIND

DISCLOSURE_VERSION = "disclosure-1"
CLASS_ROWS = "_rows"
_DOUBLE = exp.DataType.build("DOUBLE")


@dataclass(frozen=True)
class Told:
    """What the classes tell of one sensitive column: the fewest distinct values in a class, and the largest distance t."""

    distinct: int
    t: float


@dataclass(frozen=True)
class Classes:
    """The classes of one product: how many, their rows, the smallest, and the rows in classes under k."""

    classes: int
    rows: int
    smallest: int
    small_rows: int
    small_classes: int
    told: Mapping[str, Told] = field(default_factory=dict)
    causes: Mapping[str, int] = field(default_factory=dict)     # quasi-identifier → rows still under k where it is left out


def about_persons(contract: Contract) -> bool:
    """Whether the dataset's rows say something of natural persons: a declared person or subject, or a personal identifier above L1."""
    return any(column.more.person or column.more.subject or _personal(column) for column in contract.columns)


def _personal(column: Column) -> bool:
    kind = column.more.identifies
    return kind is not None and column.level != "L1" and (kind not in BY_KIND or BY_KIND[kind].personal)


def quasi_columns(contract: Contract, product: Product) -> list[str]:
    """The quasi-identifiers that leave: those the contract marks; in a dataset with declared subjects also every other column about
    a person that is neither sensitive nor the subject's own name. A token tells nothing of the person by itself.
    """
    chosen = []
    for name, how in product.columns.items():
        more = contract.column(name).more
        implied = contract.fields.subjects is not None and more.person and not more.sensitive and not more.subject
        if how.do not in ("drop", "token") and (more.quasi or implied):
            chosen.append(name)
    return chosen


def sensitive_columns(contract: Contract, product: Product) -> list[str]:
    """What nobody may learn of a person from the class, as far as it leaves."""
    return [name for name, how in product.columns.items() if how.do not in ("drop", "token") and contract.column(name).more.sensitive]


def undeclared(contract: Contract) -> bool:
    """Whether the contract names its subjects but no quasi-identifier: then nobody can tell whether the rows tell them apart."""
    named = any(column.more.subject for column in contract.columns) or contract.fields.subjects is not None
    return named and about_persons(contract) and not any(column.more.quasi for column in contract.columns)


def k_of(tier: Tier, thresholds: Thresholds) -> int:
    """How many persons a row must be lost among."""
    return thresholds.k_unconditional if tier == "unconditional" else thresholds.k_restricted


def cell_of(tier: Tier, thresholds: Thresholds) -> int:
    """How many persons a published cell of a table must count."""
    return thresholds.cell_unconditional if tier == "unconditional" else thresholds.cell_restricted


def _count() -> exp.Expr:
    return exp.Count(this=exp.Star())


def _double(value: exp.Expr) -> exp.Expr:
    return exp.Cast(this=value, to=_DOUBLE.copy())


def _as(value: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(value, name, quoted=True)


def classes_query(quasi: Sequence[str], view: str, subject: str | None = None) -> exp.Select:
    """One row a class: its quasi-identifiers and `_rows`, or its distinct subjects where `subject` names them."""
    counted = exp.Count(this=exp.Distinct(expressions=[col(subject)])) if subject else _count()
    query = exp.select(*map(col, quasi), _as(counted, CLASS_ROWS)).from_(exp.to_identifier(view, quoted=True).sql())
    return query.group_by(*map(col, quasi)) if quasi else query


def k_query(quasi: Sequence[str], view: str, k: int, subject: str | None = None) -> exp.Query:
    """One row: classes, rows, smallest, small_rows, small_classes. All 0 where the view is empty."""
    rows, one = col(CLASS_ROWS), lit(1)
    small = exp.LT(this=rows.copy(), expression=lit(k))
    figures = {"classes": _count(), "rows": exp.Sum(this=rows.copy()), "smallest": exp.Min(this=rows.copy()),
               "small_rows": exp.Sum(this=case([(small, rows)])), "small_classes": exp.Sum(this=case([(small, one)]))}
    inner = classes_query(quasi, view, subject)
    return (exp.select(*[_as(coalesce(value, lit(0)), name) for name, value in figures.items()])
            .from_(inner.subquery("classes")).where(exp.GT(this=rows.copy(), expression=lit(0))))


def pairs_query(quasi: Sequence[str], sensitive: str, view: str) -> exp.Query:
    """One row a class and value: the quasi-identifiers, the value as `_value`, and `_rows`. To be staged: `told_query` reads it twice."""
    return (exp.select(*map(col, quasi), _as(col(sensitive), "_value"), _as(_count(), CLASS_ROWS))
            .from_(exp.to_identifier(view, quoted=True).sql()).group_by(*map(col, quasi), col(sensitive)))


def told_query(quasi: Sequence[str], pairs: str) -> exp.Query:
    """One row: k, l (fewest distinct values in a class) and t (largest distance of a class from the whole) of staged pairs."""
    source = exp.to_identifier(pairs, quoted=True).sql()
    whole = exp.select(_as(_double(exp.Sum(this=col(CLASS_ROWS))), "_all")).from_(source)
    shares = (exp.select(_as(col("_value"), "_value"), _as(exp.Div(this=_double(exp.Sum(this=col(CLASS_ROWS))), expression=col("_all")), "_share"))
              .from_(source).join(whole.subquery("whole"), on=exp.true()).group_by(col("_value"), col("_all")))
    sizes = exp.select(*map(col, quasi), _as(exp.Sum(this=col(CLASS_ROWS)), "_size")).from_(source)
    sizes = sizes.group_by(*map(col, quasi)) if quasi else sizes
    same = [exp.NullSafeEQ(this=col(name, "p"), expression=col(name, "z")) for name in quasi]
    share = exp.Div(this=_double(col(CLASS_ROWS, "p")), expression=_double(col("_size", "z")))
    apart = exp.Sub(this=exp.Paren(this=exp.Abs(this=exp.Sub(this=share, expression=col("_share", "w")))), expression=col("_share", "w"))
    # ½ Σ |p − q| over the values of the class, and q for each value that the class does not have: these sum to 1 − Σ q.
    distance = exp.Div(this=exp.Paren(this=exp.Add(this=exp.Sum(this=apart), expression=lit(1))), expression=lit(2))
    joined = (exp.select(_as(_count(), "_distinct"), _as(exp.Max(this=col("_size", "z")), "_size"), _as(_double(distance), "_t"))
              .from_(exp.to_table(source).as_("p"))
              .join(sizes.subquery("z"), on=exp.and_(*same) if same else exp.true())
              .join(shares.subquery("w"), on=exp.NullSafeEQ(this=col("_value", "p"), expression=col("_value", "w")))
              .group_by(*[col(name, "p") for name in quasi] or [col("_size", "z")]))
    return exp.select(_as(coalesce(exp.Min(this=col("_size")), lit(0)), "k"), _as(coalesce(exp.Min(this=col("_distinct")), lit(0)), "l"),
                      _as(coalesce(exp.Max(this=col("_t")), _double(lit(0))), "t")).from_(joined.subquery("classes"))


def judge_rows(found: Classes, tier: Tier, thresholds: Thresholds) -> list[Finding]:
    """What stands against rows about persons in this tier: k, and for a restricted product l and t of its sensitive columns."""
    k, findings = k_of(tier, thresholds), []
    if 0 < found.smallest < k:
        findings.append(_against("disclosure.k", "Some rows stand in classes of fewer persons than the policy asks for.",
                                 {"k": k, "smallest": found.smallest, "rows": found.small_rows, "of": found.rows,
                                  "without_column": dict(found.causes)}))
    if tier == "restricted":
        few = {name: told.distinct for name, told in found.told.items() if 0 < told.distinct < thresholds.l_restricted}
        if few:
            findings.append(_against("disclosure.l", "A class tells a sensitive value of everybody in it.",
                                     {"l": thresholds.l_restricted, "smallest": few}))
        limit = thresholds.t_restricted
        far = {name: round(told.t, 4) for name, told in found.told.items() if limit is not None and told.t > limit}
        if far:
            findings.append(_against("disclosure.t", "A class is too different from the whole in a sensitive value.", {"t": limit, "largest": far}))
    return findings


def _against(rule: str, note: str, observed: Mapping[str, Any]) -> Finding:
    return Finding(rule, False, "block", note, observed=observed)
