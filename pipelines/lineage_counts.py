"""What `count(*)` counts, for column lineage: a copy of the query in which it counts the columns that tell rows apart. Never run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlglot import exp

from catalog.contract import Contract


def telling(contract: Contract) -> list[str]:
    """The columns that tell the rows of a dataset apart: its key, or all where it has none."""
    keys = [column.name for column in contract.columns if column.key is not None]
    return keys or [column.name for column in contract.columns]


def counts_rows(expression: exp.Expr) -> bool:
    """Whether there is a count of rows in it, which reads no column."""
    return any(isinstance(found.this, exp.Star) for found in expression.find_all(exp.Count))


def counting(query: exp.Query, keys: Mapping[str, Sequence[str]]) -> exp.Query:
    """The query with every `count(*)` over the columns of what stands in its FROM: of an input its `keys`, of a query its outputs."""
    tree = query.copy()
    for found in list(tree.find_all(exp.Count)):
        select = found.find_ancestor(exp.Select)
        if isinstance(found.this, exp.Star) and select is not None and (columns := list(_beside(select, keys))):
            found.set("this", exp.Tuple(expressions=columns))
    return tree


def _beside(select: exp.Select, keys: Mapping[str, Sequence[str]]) -> Iterator[exp.Column]:
    for part in (select.args.get("from_"), *(select.args.get("joins") or ())):
        if part is None:
            continue
        source = part.this
        names: Sequence[str] = ()
        if isinstance(source, exp.Subquery):
            names = source.this.named_selects
        elif isinstance(source, exp.Table):
            shared = _shared(select, source.name)
            names = shared.this.named_selects if shared is not None else keys.get(source.name, ())
        for name in names:
            if name != "*":
                yield exp.column(name, table=source.alias_or_name, quoted=True)


def _shared(select: exp.Expr, name: str) -> exp.CTE | None:
    """The WITH of that name that the select may read."""
    node: exp.Expr | None = select
    while node is not None:
        found = next((cte for cte in node.ctes if cte.alias == name), None) if isinstance(node, exp.Query) else None
        if found is not None:
            return found
        node = node.parent
    return None
