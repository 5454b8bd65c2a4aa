"""Which input columns each output of a derived dataset's query is computed from: for levels that must be inherited.

Only what a value is computed from counts; columns of conditions, joins and groupings do not. Where the tree cannot be
followed with certainty (a subquery inside an expression, a name that does not resolve), every column of every input counts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

Reads = frozenset[tuple[str, str]]      # (input, column)


class _Unsure(Exception):
    """The tree says less than is needed."""


def reads(query: str, views: Mapping[str, Collection[str]]) -> dict[str, Reads]:
    """Output column → the (view, column) pairs that it is computed from; none of a text that is no query, which the loader refuses."""
    everything: Reads = frozenset((view, column) for view, columns in views.items() for column in columns)
    try:
        tree = sqlglot.parse_one(query, read="duckdb")
    except (SqlglotError, RecursionError):
        return {}
    names = [name.lower() for name in tree.named_selects] if isinstance(tree, exp.Query) else []
    try:
        schema: dict[str, object] = {view: dict.fromkeys(columns, "text") for view, columns in views.items()}
        scope = build_scope(qualify(tree.copy(), schema=schema, dialect="duckdb"))
    except (SqlglotError, RecursionError):
        return dict.fromkeys(names, everything)
    found = {}
    for at, name in enumerate(names):
        try:
            found[name] = _output(scope, at, views)
        except (_Unsure, RecursionError):
            found[name] = everything
    return found


def _output(scope: Scope | None, at: int, views: Mapping[str, Collection[str]]) -> Reads:
    """What the output at a position of a SELECT or a UNION reads."""
    if scope is None or scope.expression.args.get("by_name"):
        raise _Unsure
    if scope.set_operation_scopes:
        return frozenset().union(*(_output(inner, at, views) for inner in scope.set_operation_scopes))
    selects = scope.expression.selects if isinstance(scope.expression, exp.Select) else []
    if at >= len(selects) or selects[at].find(exp.Query) is not None:
        raise _Unsure
    if any(not isinstance(star.parent, exp.Count) for star in selects[at].find_all(exp.Star)):
        raise _Unsure                   # count(*) reads no column
    return frozenset().union(*(_column(scope, column, views) for column in selects[at].find_all(exp.Column)))


def _column(scope: Scope, column: exp.Column, views: Mapping[str, Collection[str]]) -> Reads:
    source = scope.sources.get(column.table)
    if isinstance(source, exp.Table) and source.name in views and column.name in views[source.name]:
        return frozenset({(source.name, column.name)})
    if isinstance(source, Scope) and isinstance(source.expression, exp.Query):
        names = [name.lower() for name in source.expression.named_selects]
        if names.count(column.name.lower()) == 1:
            return _output(source, names.index(column.name.lower()), views)
    raise _Unsure
