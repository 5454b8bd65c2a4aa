"""What a measure of a table tells: of a group, or of one of its rows. Pure: judged from the expression and the contract alone.

Only counts, sums and averages speak of a group. Every other aggregate (`min`, `max`) shows one row's value, and so does a sum or a count
of some rows only: `sum(CASE WHEN age > 99 …)` is 1 for a single person however large the group is.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from catalog.contract import LEVELS, Column, Contract, Level

ENOUGH = 3      # rows: a sum of one or two tells one of them, or each of the two the other
_AVERAGE = "AVERAGE"


def of_persons(contract: Contract) -> bool:
    """Whether rows may speak of persons, by any mark of the contract: rather too often than once too seldom."""
    marked = (one.more.person or one.more.subject or one.more.sensitive or one.more.quasi or (one.more.identifies and one.level != "L1")
              for one in contract.columns)
    return contract.fields.subjects is not None or any(marked)


def reveals(measure: exp.Expr) -> bool:
    """Whether a measure shows a value of one row."""
    return any(not isinstance(node, exp.Count | exp.Sum) and not _averages(node) for node in measure.walk() if _aggregates(node))


def partial(measure: exp.Expr, whole: Collection[str]) -> bool:
    """Whether a measure may speak of some rows of a group only: it aggregates what is neither `*` nor a plain column of `whole`,
    the columns that have a value in every row or the same one in all rows of a group.
    """
    if measure.find(exp.Filter) is not None:
        return True
    return any(not _plain(part, whole) for node in measure.walk() if _aggregates(node) for part in _read(node))


def level_of(measure: exp.Expr, read: Collection[Column], least: int) -> Level:
    """The level of a measure over groups of at least `least` rows. A shown value keeps the level that it has in its row."""
    top = max([0, *[LEVELS.index(column.level) for column in read]])
    sums = any(not isinstance(node, exp.Count) for node in measure.walk() if _aggregates(node))
    return LEVELS[top if reveals(measure) or (sums and least < ENOUGH) else max(0, top - 2)]


def _averages(node: exp.Expr) -> bool:
    return isinstance(node, exp.Avg) or (isinstance(node, exp.Anonymous) and str(node.this).endswith(_AVERAGE))


def _aggregates(node: exp.Expr) -> bool:
    return isinstance(node, exp.AggFunc) or _averages(node)


def _read(node: exp.Expr) -> list[exp.Expr]:
    parts = node.expressions if isinstance(node, exp.Anonymous) else [node.this]
    return [inner for part in parts for inner in (part.expressions if isinstance(part, exp.Distinct) and isinstance(node, exp.Count) else [part])]


def _plain(part: exp.Expr, whole: Collection[str]) -> bool:
    return isinstance(part, exp.Star | exp.Literal) or (isinstance(part, exp.Column) and part.name in whole)
