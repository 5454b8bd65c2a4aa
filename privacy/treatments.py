"""Treatments: how a column's values are changed before they leave, and which level is left afterwards.

De-identification is not anonymisation (PIPL Art. 73): a mask or a token never makes a value unconditional.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from sqlglot import exp

from catalog import dialect as d
from catalog.addressing import cut_level
from catalog.contract import LEVELS, Column, ColumnType, Level
from catalog.extension import Band, Cap, Generalise, Keep, Mask, Redact, Round, Shift, Token, Treatment
from catalog.masking import cut
from privacy.lookups import needs_lookup, treated_column

TEXT = ColumnType("text")


def treat(
    column: Column, how: Treatment, zone: str, parents: Mapping[str, str] | None = None, subject: Column | None = None
) -> tuple[exp.Expr, ColumnType]:
    """The treated value of a silver column and its type; NULL stays NULL. `drop` has no value to build.

    `subject`: the column that a shift is drawn by. What an engine cannot compute (privacy/lookups.py) is read from its lookup.
    """
    this = d.col(column.name)
    if needs_lookup(how):
        return d.col(treated_column(column.name)), TEXT
    match how:
        case Keep():
            return this, column.type
        case Mask(left=left, right=right):
            return d.mask(this, left, right, column.more.identifies), TEXT
        case Token():
            return d.hmac_token(this), TEXT
        case Round(step=step):
            return d.round_to(this, Decimal(str(step)), column.type), column.type
        case Band():
            return _banded(column, how, zone), TEXT
        case Cap(bottom=bottom, top=top):
            return d.cap(this, *[None if bound is None else d.lit(bound) for bound in (bottom, top)]), column.type
        case Shift():
            return _shifted(column, how, subject, zone), column.type
        case Generalise():
            return _generalised(column, how, zone, parents), TEXT
    raise AssertionError("drop is not published")


def _banded(column: Column, how: Band, zone: str) -> exp.Expr:
    this: exp.Expr = d.col(column.name)
    if column.type.kind in ("date", "timestamp"):
        this = exp.TryCast(this=d.period_of(this, column.type, "year", zone), to=exp.DataType.build("BIGINT"))
    return d.band(this, how.width)


def _shifted(column: Column, how: Shift, subject: Column | None, zone: str) -> exp.Expr:
    if subject is None:
        raise AssertionError("a shift names its subject")
    return d.shift_days(d.col(column.name), d.as_text(d.col(subject.name), subject.type, zone), how.days)


def _generalised(column: Column, how: Generalise, zone: str, parents: Mapping[str, str] | None) -> exp.Expr:
    this = d.col(column.name)
    if how.prefix is not None and column.more.codes is None:
        shortest = cut(how.prefix, column.more.identifies)      # a value of which it would hide too little does not leave
        return exp.Null() if shortest is None else d.case([(exp.GTE(this=d.length(this), expression=d.lit(shortest)), d.prefix(this, how.prefix))])
    if how.prefix is not None:
        return d.prefix(this, how.prefix)
    if how.to is not None:
        return d.period_of(this, column.type, how.to, zone)
    ups = sorted((parents or {}).items())
    cases = [exp.If(this=exp.EQ(this=this.copy(), expression=d.lit(code)), true=d.lit(parent or None)) for code, parent in ups]
    return exp.Case(ifs=cases) if cases else exp.Null()


def level_after(column: Column, how: Treatment) -> Level:
    """Level of what is left (after the province's guide to grading public data; where it is silent, the stricter).

    `keep` and `cap` lower nothing: most values leave as they are. `mask`, `token`, `shift` and `redact` lower one step but never
    below L2: who holds more, or the key, finds the person again. So does the beginning of a free text: only where values are codes
    of a list is it known to be a coarser class. `round` and `band` lower one step, `generalise` two; an address that keeps its
    community or road one, never below L2.
    """
    at = LEVELS.index(column.level)
    match how:
        case Mask() | Token() | Shift() | Redact():
            return _pseudonym(at)
        case Generalise(address=str(level)):
            return cut_level(column.level, level)
        case Generalise(prefix=prefix) if prefix is not None and column.more.codes is None:
            return _pseudonym(at)
        case Round() | Band():
            return LEVELS[max(0, at - 1)]
        case Generalise():
            return LEVELS[max(0, at - 2)]
    return column.level


def _pseudonym(at: int) -> Level:
    return LEVELS[at] if at == 0 else LEVELS[max(1, at - 1)]
