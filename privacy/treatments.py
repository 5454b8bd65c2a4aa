"""Treatments: how a column's values are changed before they leave, and which level is left afterwards.

De-identification is not anonymisation (PIPL Art. 73): a mask or a token never makes a value unconditional.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from sqlglot import exp

from catalog import dialect as d
from catalog.contract import LEVELS, Column, ColumnType, Level
from catalog.extension import Band, Generalise, Keep, Mask, Round, Token, Treatment

TEXT = ColumnType("text")


def treat(
    column: Column, how: Treatment, zone: str, parents: Mapping[str, str] | None = None
) -> tuple[exp.Expr, ColumnType]:
    """The treated value of a silver column and its type; NULL stays NULL. `drop` has no value to build."""
    this = d.col(column.name)
    match how:
        case Keep():
            return this, column.type
        case Mask(left=left, right=right):
            return d.mask(this, left, right), TEXT
        case Token():
            return d.hmac_token(this), TEXT
        case Round(step=step):
            return d.round_to(this, Decimal(str(step)), column.type), column.type
        case Band(width=width):
            return d.band(this, width), TEXT
        case Generalise():
            return _generalised(column, how, zone, parents), TEXT
    raise AssertionError("drop is not published")


def _generalised(column: Column, how: Generalise, zone: str, parents: Mapping[str, str] | None) -> exp.Expr:
    this = d.col(column.name)
    if how.prefix is not None and column.more.codes is None:
        longer = exp.GT(this=d.length(this), expression=d.lit(how.prefix))      # a value that it would not shorten does not leave
        return d.case([(longer, d.prefix(this, how.prefix))])
    if how.prefix is not None:
        return d.prefix(this, how.prefix)
    if how.to is not None:
        return d.period_of(this, column.type, how.to, zone)
    ups = sorted((parents or {}).items())
    cases = [exp.If(this=exp.EQ(this=this.copy(), expression=d.lit(code)), true=d.lit(parent or None)) for code, parent in ups]
    return exp.Case(ifs=cases) if cases else exp.Null()


def level_after(column: Column, how: Treatment) -> Level:
    """Level of what is left. `keep` lowers nothing, `mask` and `token` one step but never below L2, `round` and `band`
    one step, `generalise` two (after the province's guide to grading public data). The beginning of a free text is a mask:
    only where values are codes of a list is it known to be a coarser class.
    """
    at = LEVELS.index(column.level)
    match how:
        case Mask() | Token():
            return LEVELS[at] if at == 0 else LEVELS[max(1, at - 1)]
        case Generalise(prefix=prefix) if prefix is not None and column.more.codes is None:
            return LEVELS[at] if at == 0 else LEVELS[max(1, at - 1)]
        case Round() | Band():
            return LEVELS[max(0, at - 1)]
        case Generalise():
            return LEVELS[max(0, at - 2)]
    return column.level
