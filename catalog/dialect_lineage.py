"""Which columns of the views each output column of a query is computed from: read off the very trees that the steps run."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlglot import exp
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope

Columns = dict[str, frozenset[tuple[str, str]]]     # output column → (view, column) pairs


def columns_behind(query: exp.Query, views: Mapping[str, Collection[str]]) -> Columns:
    """Value lineage of every output column; `count(*)` and constants come from nothing. Conditions are not followed."""
    schema: dict[str, object] = {view: {column: "text" for column in columns} for view, columns in views.items()}
    tree = qualify(query.copy(), dialect="duckdb", schema=schema, validate_qualify_columns=False, identify=False, quote_identifiers=False)
    nodes = lineage(None, tree, schema, scope=build_scope(tree), dialect="duckdb", trim_selects=False)
    found = {}
    for name, root in nodes.items():
        leaves = [(node.expression.name, exp.to_column(node.name).name) for node in root.walk() if isinstance(node.expression, exp.Table)]
        found[name] = frozenset((view, column) for view, column in leaves if column in views.get(view, ()))
    return found
