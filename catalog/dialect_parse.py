"""A steward's own SQL, through an allow-list: conditions, measures and queries over named views.

The text is parsed as DuckDB's SQL; functions that engines compute differently become markers of the vocabulary, all
other nodes must be on a list. Casts go through the guarded casts, so that no value can raise an error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import sqlglot
from sqlglot import exp

from catalog.dialect_literals import check_literals
from catalog.dialect_pattern import matches
from catalog.dialect_text import length, lower_ascii, trim_text, upper_ascii
from catalog.dialect_tree import MARK, ExpressionError, Renderer, col, mark, rendering, string
from catalog.dialect_types import to_bigint, to_date, to_decimal

_SCALAR: tuple[type[exp.Expr], ...] = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ,
    exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is, exp.In, exp.Between, exp.Like, exp.Escape, exp.NullSafeEQ, exp.NullSafeNEQ,
    exp.Add, exp.Sub, exp.Mul, exp.Neg, exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Abs, exp.Greatest, exp.Least,
)
_MEASURE: tuple[type[exp.Expr], ...] = (
    *_SCALAR, exp.Count, exp.Sum, exp.Min, exp.Max, exp.Star, exp.Distinct, exp.Filter, exp.Where,
)
_QUERY: tuple[type[exp.Expr], ...] = (
    *_MEASURE, exp.Select, exp.From, exp.Join, exp.Table, exp.TableAlias, exp.Alias, exp.Group, exp.Having, exp.With,
    exp.CTE, exp.Union, exp.Except, exp.Intersect, exp.Subquery,
)
_WORDS = "SQL with columns, comparisons, CASE, and the functions of docs/expressions.md"


def parse_condition(sql: str, columns: Collection[str]) -> exp.Expr:
    """A condition over one row of `columns`. No subqueries, aggregates, windows, or functions that depend on when it runs.

    Raises ExpressionError naming what is not allowed (never the SQL itself, which may quote values).
    """
    return _checked(_parsed(sql, "condition"), _SCALAR, columns, "condition")


def parse_measure(sql: str, columns: Collection[str]) -> exp.Expr:
    """A measure over a group: `count(*)`, `count(distinct x)`, `sum(x)`, `min`, `max`, `avg` and arithmetic of them."""
    tree = _checked(_parsed(sql, "measure"), _MEASURE, columns, "measure")
    free = [node for node in tree.find_all(exp.Column) if node.find_ancestor(exp.AggFunc) is None and not _averaged(node)]
    if free or not (tree.find(exp.AggFunc) or _averages(tree)):
        raise ExpressionError("A measure must aggregate every column that it reads.", remedy="Use count, sum, min, max or avg.")
    return tree


def parse_query(sql: str, views: Mapping[str, Collection[str] | None]) -> exp.Query:
    """SELECT with explicit columns, joins, GROUP BY, CTEs and UNION over the named views (None: columns not known yet).

    No files, table functions, settings, `*`, windows or ordering: the result is a set of rows.
    """
    tree = _parsed(sql, "query")
    if not isinstance(tree, exp.Query):
        raise ExpressionError("A query is not a SELECT.", remedy="Write one SELECT over the named inputs.")
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    if ctes & set(views):
        raise ExpressionError("A query names a WITH like one of its inputs.", remedy="Rename it.")
    aliases = {alias.alias for alias in tree.find_all(exp.Alias)}
    known = None if any(columns is None for columns in views.values()) else {
        *(column for columns in views.values() for column in columns or ()), *aliases}
    checked = _checked(tree, _QUERY, known, "query")
    for table in checked.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier) or table.args.get("db") or table.name not in {*views, *ctes}:
            raise ExpressionError("A query reads something that is not one of its inputs.",
                                  remedy=f"Read only: {', '.join(sorted(views))}.")
    if any(not isinstance(star.parent, exp.Count) for star in checked.find_all(exp.Star)):
        raise ExpressionError("A query selects *.", remedy="Name the columns.")
    assert isinstance(checked, exp.Query)
    return checked


def _parsed(sql: str, what: str) -> exp.Expr:
    try:
        trees = sqlglot.parse(sql, read="duckdb")
    except Exception:       # the parser's own errors, and IndexError and the like for a function that lacks arguments
        raise ExpressionError(f"A {what} is not valid SQL.", remedy=f"Write {_WORDS}.") from None
    if len(trees) != 1 or trees[0] is None:
        raise ExpressionError(f"A {what} is not one expression.", remedy=f"Write {_WORDS}.")
    tree: exp.Expr = trees[0]
    for node in tree.walk():
        node.comments = None
    return tree


def _checked(
    tree: exp.Expr, allowed: tuple[type[exp.Expr], ...], columns: Collection[str] | None, what: str
) -> exp.Expr:
    if any(isinstance(node, exp.Anonymous) and str(node.this).upper().startswith(MARK) for node in tree.walk()):
        raise ExpressionError(f"A {what} calls an inner function.", remedy=f"Write {_WORDS}.")
    if isinstance(tree, exp.Alias | exp.Column) and what == "measure":
        raise ExpressionError("A measure must aggregate.", remedy="Use count, sum, min, max or avg.")
    check_literals(tree)
    translated = tree.transform(_translate)
    for node in translated.walk():
        if isinstance(node, exp.Anonymous) and str(node.this).startswith(MARK):
            continue
        if type(node) not in allowed and not _typed_date(node):
            raise ExpressionError(f"A {what} uses {type(node).__name__}, which is not allowed.", remedy=f"Write {_WORDS}.")
    for column in translated.find_all(exp.Column):
        if columns is not None and column.name not in columns:
            raise ExpressionError(f"A {what} reads the column {column.name}, which is not there.",
                                  remedy="Use the names of the contract's columns.")
        column.this.set("quoted", True)
    return translated


def _typed_date(node: exp.Expr) -> bool:
    """A date literal: DATE '2026-01-05', checked by the translation."""
    inside = node.parent if isinstance(node, exp.DataType) else node
    return isinstance(inside, exp.Cast) and type(inside) is exp.Cast and isinstance(inside.this, exp.Literal)


def _translate(node: exp.Expr) -> exp.Expr:
    """The vocabulary's own function for what engines compute differently."""
    for kind, build in _TRANSLATIONS.items():
        if type(node) is kind:
            _present(node, "this")
            return build(node)
    return node


def _present(node: exp.Expr, *names: str) -> None:
    """Raises ExpressionError where an argument is not there: sqlglot reads `substring(a)` too. The length of a substring need not be."""
    if any(not isinstance(node.args.get(name), exp.Expr) for name in names if name != "length"):
        raise ExpressionError(f"{type(node).__name__} lacks an argument.", remedy=f"Write {_WORDS}.")


def _arguments(node: exp.Expr, *names: str) -> list[exp.Expr]:
    """The named arguments, translated; any other argument is refused."""
    _present(node, *names)
    extra = {name for name, value in node.args.items() if value not in (None, False, []) and name not in names}
    if extra - {"binary", "typed", "safe", "null_if_pos_overflow"}:
        raise ExpressionError(f"{type(node).__name__} has options that are not allowed.", remedy=f"Write {_WORDS}.")
    return [node.args[name].transform(_translate) for name in names if node.args.get(name) is not None]


def _literal_of(tree: exp.Expr) -> str:
    if not isinstance(tree, exp.Literal):
        raise ExpressionError("A pattern or number must be written out.", remedy="Use a literal.")
    return string(tree)


def _cast(node: exp.Expr) -> exp.Expr:
    (value,) = _arguments_cast(node)
    kind = node.args["to"]
    name = str(kind.this.value) if hasattr(kind.this, "value") else str(kind.this)
    if isinstance(value, exp.Literal) and name == "DATE":
        from datetime import date

        try:
            day = date.fromisoformat(string(value))
        except ValueError:
            raise ExpressionError("A date literal is not yyyy-MM-dd.", remedy="Write DATE '2026-01-05'.") from None
        return exp.Cast(this=exp.Literal.string(day.isoformat()), to=exp.DataType.build("DATE"))
    text = mark("TEXT", value)
    if name in ("INT", "BIGINT", "SMALLINT"):
        return to_bigint(text)
    if name == "DATE":
        return to_date(text)
    if name == "DECIMAL" and len(kind.expressions) == 2:
        precision, scale = (int(part.this.sql()) for part in kind.expressions)
        if not 0 <= scale <= precision <= 38 or precision == 0:
            raise ExpressionError("A decimal type is out of range.", remedy="Write DECIMAL(18,2), for example.")
        return to_decimal(text, precision, scale)
    if name in ("TEXT", "VARCHAR"):
        return text
    raise ExpressionError("A cast is not to bigint, decimal(p,s), date or text.", remedy="Declare the type in the contract.")


def _arguments_cast(node: exp.Expr) -> list[exp.Expr]:
    return [node.this.transform(_translate)]


def _pattern(node: exp.Expr) -> exp.Expr:
    this, pattern = _arguments(node, "this", "expression")
    return matches(this, _literal_of(pattern))


def _part(name: str) -> Callable[[exp.Expr], exp.Expr]:
    return lambda node: mark("PART", node.this.transform(_translate), name)


def _same(name: str, *arguments: str) -> Callable[[exp.Expr], exp.Expr]:
    return lambda node: mark(name, *_arguments(node, *arguments))


def _sum(name: str, *arguments: str) -> Callable[[exp.Expr], exp.Expr]:
    """Arithmetic whose overflow is no value. Of aggregates it stays as it is: DuckDB has no TRY over them, and sums are wide."""
    return lambda node: node if node.find(exp.AggFunc) else mark(name, *_arguments(node, *arguments))


def _call(builder: Callable[[exp.Expr], exp.Expr]) -> Callable[[exp.Expr], exp.Expr]:
    return lambda node: builder(*_arguments(node, "this"))


def _substring(node: exp.Expr) -> exp.Expr:
    arguments = _arguments(node, "this", "start", "length")
    start = _literal_of(arguments[1])
    if not start.isascii() or not start.isdigit() or int(start) < 1:
        raise ExpressionError("A substring starts before 1.", remedy="Positions count from 1.")
    return mark("SUBSTR", *arguments)


_TRANSLATIONS: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Cast: _cast, exp.TryCast: _cast, exp.RegexpLike: _pattern, exp.RegexpFullMatch: _pattern,
    exp.Length: _call(length), exp.Lower: _call(lower_ascii), exp.Upper: _call(upper_ascii), exp.Trim: _call(trim_text),
    exp.Substring: _substring, exp.Left: _same("LEFT", "this", "expression"), exp.Right: _same("RIGHT", "this", "expression"),
    exp.Contains: _same("CONTAINS", "this", "expression"), exp.StartsWith: _same("STARTS", "this", "expression"),
    exp.EndsWith: _same("ENDS", "this", "expression"), exp.Div: _same("DIVIDE", "this", "expression"),
    exp.Mod: _same("MODULO", "this", "expression"), exp.Avg: _same("AVERAGE", "this"),
    exp.DPipe: _same("APPEND", "this", "expression"), exp.Add: _sum("ADD", "this", "expression"),
    exp.Sub: _sum("SUBTRACT", "this", "expression"), exp.Mul: _sum("MULTIPLY", "this", "expression"), exp.Abs: _sum("ABS", "this"),
    exp.Year: _part("year"), exp.Month: _part("month"), exp.Day: _part("day"),
}


def _averages(tree: exp.Expr) -> bool:
    return any(node.this == MARK + "AVERAGE" for node in tree.find_all(exp.Anonymous))


def _averaged(node: exp.Expr) -> bool:
    parent = node.parent
    while parent is not None:
        if isinstance(parent, exp.Anonymous) and parent.this == MARK + "AVERAGE":
            return True
        parent = parent.parent
    return False


def _native(name: str, template: str, spark: str | None = None) -> None:
    def write(r: Renderer, a: list[exp.Expr]) -> str:
        chosen = template if r.duck or spark is None else spark
        return chosen.format(*(r.of(part) for part in a))
    rendering(name)(write)


_native("TEXT", "CAST({0} AS VARCHAR)", "CAST({0} AS STRING)")
_native("LEFT", "left({0}, {1})")
_native("RIGHT", "right({0}, {1})")
_native("CONTAINS", "contains({0}, {1})")
_native("STARTS", "starts_with({0}, {1})", "startswith({0}, {1})")
_native("ENDS", "ends_with({0}, {1})", "endswith({0}, {1})")
_native("APPEND", "{0} || {1}", "concat({0}, {1})")
_native("ADD", "TRY({0} + {1})", "try_add({0}, {1})")
_native("SUBTRACT", "TRY({0} - {1})", "try_subtract({0}, {1})")
_native("MULTIPLY", "TRY({0} * {1})", "try_multiply({0}, {1})")
_native("ABS", "TRY(abs({0}))", "CASE WHEN {0} < 0 THEN try_subtract(0, {0}) ELSE {0} END")
_native("DIVIDE", "CAST({0} AS DOUBLE) / NULLIF(CAST({1} AS DOUBLE), 0)")
_native("MODULO", "CASE WHEN {1} IN (1, -1) THEN 0 ELSE {0} % NULLIF({1}, 0) END")
_native("AVERAGE", "CAST(sum({0}) AS DOUBLE) / NULLIF(CAST(count({0}) AS DOUBLE), 0)")


@rendering("SUBSTR")
def _substr(r: Renderer, a: list[exp.Expr]) -> str:
    return f"substr({', '.join(r.of(part) for part in a)})"


@rendering("PART")
def _date_part(r: Renderer, a: list[exp.Expr]) -> str:
    return f"{string(a[1])}({r.of(a[0])})"


__all__ = ["col", "parse_condition", "parse_measure", "parse_query"]
