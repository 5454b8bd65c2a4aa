"""Disclosure control of rows about persons: how small the classes of equal quasi-identifiers are (k), and what a class tells (l, t).

Builds the queries over gold and judges their counts; pipelines runs them. k-anonymity after Samarati and Sweeney (1998), distinct
l-diversity after Machanavajjhala et al. (2006), t-closeness with the equal distance after Li et al. (2007): for ordered values
that distance is never below the ordered one, so the figure errs towards too strict. A NULL is a value like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp as exp_
from typing import Any

from sqlglot import exp

from catalog.contract import Column, Contract
from catalog.dialect import case, coalesce, col, lit
from catalog.evidence import Finding
from catalog.extension import Product, Tier
from privacy.headers import attribute
from privacy.negative_list import Thresholds
from privacy.recognisers import BY_KIND
from privacy.tier import tier_of_classes

DISCLOSURE_VERSION = "disclosure-3"
CLASS_ROWS = "_rows"
_DOUBLE = exp.DataType.build("DOUBLE")


@dataclass(frozen=True)
class Told:
    """What the classes tell of one sensitive column: the fewest distinct values in a class, the largest distance t, the least entropy."""

    distinct: int
    t: float
    entropy: float = 0.0        # the least entropy of a class's values, in nats; measured where the policy asks for it


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
    """The quasi-identifiers that leave: those the contract marks; in rows about persons also every other column about a person that is
    neither sensitive nor the subject's own name (what is masked only where subjects are declared: of things, it is somebody's beside
    them), and what a header calls a personal attribute. A token tells nothing of the person by itself.
    """
    persons, subjects = about_persons(contract), contract.fields.subjects is not None
    chosen = []
    for name, how in product.columns.items():
        column = contract.column(name)
        more = column.more
        tells = (more.person and (subjects or how.do != "mask")) or (persons and attribute(*column.headers))
        if how.do not in ("drop", "token") and (more.quasi or (tells and not more.sensitive and not more.subject)):
            chosen.append(name)
    return chosen


def sensitive_columns(contract: Contract, product: Product) -> list[str]:
    """What nobody may learn of a person from the class, as far as it leaves."""
    return [name for name, how in product.columns.items() if how.do not in ("drop", "token") and contract.column(name).more.sensitive]


def subject_column(contract: Contract, product: Product) -> str | None:
    """The column that leaves and names whom a row is about, in any form: many rows of one person hide nobody."""
    return next((name for name, how in product.columns.items() if how.do != "drop" and contract.column(name).more.subject), None)


def person_column(contract: Contract) -> str | None:
    """The one column that names whom a row is about, whether or not it leaves: by it persons are counted inside the city."""
    names = [column.name for column in contract.columns if column.more.subject]
    return names[0] if len(names) == 1 else None


def widened_columns(contract: Contract, product: Product) -> list[str]:
    """The quasi-identifiers that Mondrian widens until every class holds k rows: they leave as text."""
    asked = product.aggregate is None and product.disclosure.rows == "mondrian" and about_persons(contract)
    return quasi_columns(contract, product) if asked else []


def undeclared(contract: Contract, product: Product) -> bool:
    """Whether the contract marks no quasi-identifier though it names its subjects, or facts about persons leave: then nobody can tell
    whether the rows tell them apart.
    """
    named = any(column.more.subject for column in contract.columns) or contract.fields.subjects is not None
    facts = any(contract.column(name).more.person for name, how in product.columns.items() if how.do not in ("drop", "token", "mask"))
    return (named or facts) and about_persons(contract) and not any(column.more.quasi for column in contract.columns)


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
    return _sizes(classes_query(quasi, view, subject), k)


def _sizes(classes: exp.Select, k: int) -> exp.Query:
    return (exp.select(*_figures(col(CLASS_ROWS), k)).from_(classes.subquery("classes"))
            .where(exp.GT(this=col(CLASS_ROWS), expression=lit(0))))


def _figures(rows: exp.Expr, k: int) -> list[exp.Expr]:
    """Of classes with so many rows each: how many, their rows, the smallest, and what is in those under k."""
    small = exp.LT(this=rows.copy(), expression=lit(k))
    figures = {"classes": _count(), "rows": exp.Sum(this=rows.copy()), "smallest": exp.Min(this=rows.copy()),
               "small_rows": exp.Sum(this=case([(small, rows)])), "small_classes": exp.Sum(this=case([(small, lit(1))]))}
    return [_as(coalesce(value, lit(0)), name) for name, value in figures.items()]


def pairs_query(quasi: Sequence[str], sensitive: str, view: str) -> exp.Select:
    """One row a class and value: the quasi-identifiers, the value as `_value`, and `_rows`."""
    return (exp.select(*map(col, quasi), _as(col(sensitive), "_value"), _as(_count(), CLASS_ROWS))
            .from_(exp.to_identifier(view, quoted=True).sql()).group_by(*map(col, quasi), col(sensitive)))


def told_query(quasi: Sequence[str], sensitive: str, view: str, k: int) -> exp.Query:
    """One row: the figures of `k_query`, l (fewest distinct values in a class) and t (largest distance of a class from the whole).

    One pass over the rows, to the pairs of class and value; the rest reads only those.
    """
    source, rows = "_pairs", col(CLASS_ROWS)
    whole = exp.select(_as(_double(exp.Sum(this=rows.copy())), "_all")).from_(source)
    shares = (exp.select(_as(col("_value"), "_value"), _as(exp.Div(this=_double(exp.Sum(this=rows.copy())), expression=col("_all")), "_share"))
              .from_(source).join(whole.subquery("whole"), on=exp.true()).group_by(col("_value"), col("_all")))
    sizes = exp.select(*map(col, quasi), _as(exp.Sum(this=rows.copy()), "_size")).from_(source)
    sizes = sizes.group_by(*map(col, quasi)) if quasi else sizes
    same = [exp.NullSafeEQ(this=col(name, "p"), expression=col(name, "z")) for name in quasi]
    share = exp.Div(this=_double(col(CLASS_ROWS, "p")), expression=_double(col("_size", "z")))
    # The shares of a class and those of the whole both sum to 1: half of all that they differ by is what some are greater by.
    more = exp.Sub(this=share, expression=col("_share", "w"))
    joined = (exp.select(_as(_count(), "_distinct"), _as(exp.Max(this=col("_size", "z")), "_size"),
                         _as(exp.Sum(this=case([(exp.GT(this=more, expression=lit(0)), more)], _double(lit(0)))), "_t"))
              .from_(exp.to_table(source).as_("p"))
              .join(sizes.subquery("z"), on=exp.and_(*same) if same else exp.true())
              .join(shares.subquery("w"), on=exp.NullSafeEQ(this=col("_value", "p"), expression=col("_value", "w")))
              .group_by(*[col(name, "p") for name in quasi] or [col("_size", "z")]))
    told = {"l": (exp.Min(this=col("_distinct")), lit(0)), "t": (exp.Max(this=col("_t")), _double(lit(0)))}
    return (exp.select(*_figures(col("_size"), k), *[_as(coalesce(value, zero), name) for name, (value, zero) in told.items()])
            .from_(joined.subquery("classes")).with_(source, as_=pairs_query(quasi, sensitive, view)))


def judge_rows(found: Classes, tier: Tier, thresholds: Thresholds) -> list[Finding]:
    """What stands against rows about persons in this tier: k, and for a restricted product l and t of its sensitive columns.

    `tier` in the figures of k: the loosest that these classes allow (privacy/tier.py); `without_column`: which columns cause it.
    """
    k, findings = k_of(tier, thresholds), []
    if 0 < found.smallest < k:
        findings.append(_against("disclosure.k", "Some rows stand in classes of fewer persons than the policy asks for.",
                                 {"k": k, "smallest": found.smallest, "rows": found.small_rows, "of": found.rows,
                                  "tier": tier_of_classes(found.smallest, found.told, thresholds), "without_column": dict(found.causes)}))
    if tier == "restricted":
        few = {name: told.distinct for name, told in found.told.items() if 0 < told.distinct < thresholds.l_restricted}
        if few:
            findings.append(_against("disclosure.l", "A class tells a sensitive value of everybody in it.",
                                     {"l": thresholds.l_restricted, "smallest": few}))
        least = thresholds.entropy_l_restricted
        flat = {name: round(exp_(told.entropy), 4) for name, told in found.told.items()
                if least is not None and told.distinct and exp_(told.entropy) < least - 1e-9}
        if flat:
            findings.append(_against("disclosure.entropy_l", "A class is nearly all of one sensitive value.", {"l": least, "smallest": flat}))
        limit = thresholds.t_restricted
        far = {name: round(told.t, 4) for name, told in found.told.items() if limit is not None and told.t > limit}
        if far:
            findings.append(_against("disclosure.t", "A class is too different from the whole in a sensitive value.", {"t": limit, "largest": far}))
    return findings


def _against(rule: str, note: str, observed: Mapping[str, Any]) -> Finding:
    return Finding(rule, False, "block", note, observed=observed)
