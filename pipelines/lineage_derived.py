"""A derived dataset's query opened up again: its rows before grouping, with the rows of everything it reads beside them. Pure.

What stands in FROM is an input, or a subquery or WITH that is opened up in its turn. Inputs that stand only in conditions
decide about rows but bring none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlglot import exp

from catalog.dialect import col
from pipelines.refining import named

Q = TypeVar("Q", bound=exp.Query)


@dataclass(frozen=True)
class Read:
    """One thing in FROM: an input by its name, or a query. Its `columns` stand in the branch under `beside(at, column)`."""

    at: int
    columns: tuple[str, ...]
    input: str = ""
    query: exp.Query | None = None


@dataclass(frozen=True)
class Branch:
    """One SELECT of the query. `keys` are its outputs that are no aggregates, `unread` the inputs whose rows it cannot show."""

    query: exp.Select
    keys: tuple[str, ...]
    reads: tuple[Read, ...]
    unread: frozenset[str]


def beside(at: int, column: str) -> str:
    """Name of a read column in a branch."""
    return f"_{at}_{column}"


def branches(query: exp.Query, carry: Mapping[str, Sequence[str]], views: Mapping[str, str]) -> list[Branch]:
    """Every SELECT of a query over inputs. `carry`: columns to show of each input; `views`: the view that each is read from."""
    selects = list(_selects(query))
    names = [part.alias_or_name for part in selects[0].selects]
    return [_branch(select, names, carry, views) for select in selects]


def _selects(query: exp.Expr) -> Iterator[exp.Select]:
    """The SELECTs of set operations (of EXCEPT only the first: the second brings no row), each with the WITH of the whole."""
    if isinstance(query, exp.Subquery):
        yield from _selects(query.this)
    elif isinstance(query, exp.SetOperation):
        for part in [query.this] if isinstance(query, exp.Except) else [query.this, query.expression]:
            for select in _selects(part):
                yield _within(select, query)
    elif isinstance(query, exp.Select):
        yield query


def _within(query: Q, outer: exp.Query) -> Q:
    """A query that stood inside another, with the WITH that it may read."""
    if outer.args.get("with_") is None or query.args.get("with_") is not None:
        return query
    whole = query.copy()
    whole.set("with_", outer.args["with_"].copy())
    return whole


def _branch(select: exp.Select, names: Sequence[str], carry: Mapping[str, Sequence[str]], views: Mapping[str, str]) -> Branch:
    reads = tuple(_reads(select, carry))
    tree = select.copy()
    sources = _sources(tree)
    keys = [(name, part.unalias()) for name, part in zip(names, tree.selects, strict=True) if not _aggregate(part)]
    shown = [named(col(column, sources[read.at].alias_or_name), beside(read.at, column)) for read in reads for column in read.columns]
    tree.set("expressions", [*(named(part, name) for name, part in keys), *shown])
    for clause in ("group", "having", "distinct"):
        tree.set(clause, None)
    for table in list(tree.find_all(exp.Table)):
        if table.name in views:
            alias = exp.to_identifier(table.alias_or_name, quoted=True)
            table.set("this", exp.to_identifier(views[table.name], quoted=True))
            table.set("alias", exp.TableAlias(this=alias))
    return Branch(tree, tuple(name for name, _ in keys), reads, frozenset(_unread(select, reads, carry)))


def _sources(select: exp.Select) -> list[exp.Expr]:
    """Everything in FROM and JOIN."""
    return [part.this for part in (select.args.get("from_"), *(select.args.get("joins") or ())) if part is not None]


def _reads(select: exp.Select, carry: Mapping[str, Sequence[str]]) -> Iterator[Read]:
    shared = {cte.alias: cte.this for cte in select.ctes}
    recursive = select.args.get("with_") is not None and select.args["with_"].args.get("recursive")
    for at, source in enumerate(_sources(select)):
        inner = shared.get(source.name) if isinstance(source, exp.Table) else source.this if isinstance(source, exp.Subquery) else None
        if isinstance(inner, exp.Query) and not recursive:
            yield Read(at, tuple(inner.named_selects), query=_within(inner, select))
        elif isinstance(source, exp.Table) and source.name in carry:
            yield Read(at, tuple(carry[source.name]), input=source.name)


def _unread(select: exp.Select, reads: Sequence[Read], carry: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Inputs that nothing in `reads` leads to."""
    led = {read.input for read in reads}
    for read in reads:
        led |= {table.name for table in _reached(read.query, carry)} if read.query is not None else set()
    yield from {table.name for table in _reached(select, carry)} - led


def _reached(query: exp.Query, carry: Mapping[str, Sequence[str]]) -> Iterator[exp.Table]:
    """Inputs in a query, but for a WITH that it does not read; what stands in its conditions is told when it is opened up."""
    shared = {cte.alias: cte for cte in query.ctes}
    waiting: list[exp.Expr] = [node for node in query.find_all(exp.Table) if node.find_ancestor(exp.With) is None]
    seen: set[str] = set()
    while waiting:
        table = waiting.pop()
        if isinstance(table, exp.Table) and table.name in carry:
            yield table
        elif isinstance(table, exp.Table) and table.name in shared and table.name not in seen:
            seen.add(table.name)
            waiting += list(shared[table.name].find_all(exp.Table))


def _aggregate(part: exp.Expr) -> bool:
    return part.find(exp.AggFunc) is not None or any(str(node.this) == "CL_AVERAGE" for node in part.find_all(exp.Anonymous))
