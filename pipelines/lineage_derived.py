"""A derived dataset's query opened up again: the same rows before grouping, with columns of every input row beside them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from catalog.dialect import col
from pipelines.refining import named


@dataclass(frozen=True)
class Branch:
    """One SELECT of the query. `keys` are its outputs that are no aggregates; `read` the inputs whose rows it can show, by
    position; `unread` those that stand inside subqueries or WITH, whose rows cannot be told apart any more.
    """

    query: exp.Select
    keys: tuple[str, ...]
    read: tuple[tuple[int, str], ...]
    unread: frozenset[str]


def beside(position: int, column: str) -> str:
    """Name of an input's column in a branch."""
    return f"_{position}_{column}"


def branches(query: exp.Query, carry: Mapping[str, Sequence[str]], views: Mapping[str, str]) -> list[Branch]:
    """Every SELECT of a query over inputs. `carry`: columns to show of each input; `views`: the view that each is read from."""
    selects = list(_selects(query))
    names = [part.alias_or_name for part in selects[0].selects]
    found = [_branch(select, names, carry, views) for select in selects]
    lost = {table.name for table in query.find_all(exp.Table) if table.name in carry}
    lost -= {name for branch in found for _, name in branch.read} | {name for branch in found for name in branch.unread}
    return [Branch(branch.query, branch.keys, branch.read, branch.unread | lost) for branch in found]


def _selects(query: exp.Expr) -> Iterator[exp.Select]:
    """The SELECTs of UNION and INTERSECT, and the first of EXCEPT, each with the WITH of the whole."""
    if isinstance(query, exp.Subquery):
        yield from _selects(query.this)
    elif isinstance(query, exp.SetOperation):
        for part in [query.this] if isinstance(query, exp.Except) else [query.this, query.expression]:
            for select in _selects(part):
                if query.args.get("with_") is not None and select.args.get("with_") is None:
                    select = select.copy()
                    select.set("with_", query.args["with_"].copy())
                yield select
    elif isinstance(query, exp.Select):
        yield query


def _branch(select: exp.Select, names: Sequence[str], carry: Mapping[str, Sequence[str]], views: Mapping[str, str]) -> Branch:
    tree = select.copy()
    outputs = [(name, part.unalias()) for name, part in zip(names, tree.selects, strict=True)]
    keys = [(name, part) for name, part in outputs if not _aggregate(part)]
    sources = [tree.args["from_"].this, *(join.this for join in tree.args.get("joins") or ())] if tree.args.get("from_") else []
    direct = [source for source in sources if isinstance(source, exp.Table) and source.name in carry]
    read = tuple((at, table.name) for at, table in enumerate(direct))
    unread = frozenset(table.name for table in tree.find_all(exp.Table) if table.name in carry and not any(table is one for one in direct))
    shown = [named(col(column, table.alias_or_name), beside(at, column)) for at, table in enumerate(direct) for column in carry[table.name]]
    tree.set("expressions", [*(named(part, name) for name, part in keys), *shown])
    for clause in ("group", "having", "distinct"):
        tree.set(clause, None)
    for table in list(tree.find_all(exp.Table)):
        if table.name in views:
            alias = table.alias_or_name
            table.set("this", exp.to_identifier(views[table.name], quoted=True))
            table.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
    return Branch(tree, tuple(name for name, _ in keys), read, unread)


def _aggregate(part: exp.Expr) -> bool:
    return part.find(exp.AggFunc) is not None or any(str(node.this) == "CL_AVERAGE" for node in part.find_all(exp.Anonymous))
