"""What is done to a product's rows or table before it becomes gold, so that nobody can be told apart: rows left out or widened, small cells
and those that would tell them left out, counts rounded or made noisy. Decided in privacy/; here it is run, in one session over silver.

The same silver gives the same result: noise is remembered (pipelines/noises.py), and so unchanged cells cannot be averaged over releases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
from sqlglot import exp

from catalog import dialect as d
from catalog.dialect import col
from catalog.errors import CitylakeError
from pipelines.disclosure import causes_of, kept_rows, least_cell, suppresses
from pipelines.engines import Params, Session
from pipelines.lake import PERIOD
from pipelines.noises import noisy
from pipelines.products import CELL, Outward, carried
from pipelines.refining import named
from pipelines.scratch import scratch
from pipelines.way import Way
from pipelines.widening import stage_names, widened_rows
from privacy import argus
from privacy.cells import Key, Table, Unprotected, complete, table
from privacy.disclosure import about_persons, k_of, k_query, person_column, quasi_columns
from privacy.noise import rounded

_BIGINT = exp.DataType.build("BIGINT")


@dataclass(frozen=True)
class Protected:
    """The query that gives gold (its parameters), and the record of what was done: counts only."""

    query: exp.Query
    record: Mapping[str, Any]
    params: Params | None = None


def protected(way: Way, session: Session, outward: Outward, params: Params | None) -> Protected:
    """The product as it may become gold, from the session's view `silver`."""
    if outward.product.aggregate is not None:
        return _table(way, session, outward, params)
    if not about_persons(outward.contract):
        return Protected(outward.query(), {"rows": "hold", "left_out": 0}, params)
    return _rows(way, session, outward, params)


def _rows(way: Way, session: Session, outward: Outward, params: Params | None) -> Protected:
    """Rows about persons. Persons are counted by the silver column that names them, which is carried along and does not leave."""
    contract, quasi = outward.contract, quasi_columns(outward.contract, outward.product)
    named_by = person_column(contract)
    carry = [named_by] if named_by else []
    person = carried(named_by) if named_by else None
    session.stage(outward.query(carry=carry), "served", params)
    record: dict[str, Any] = {"rows": outward.product.disclosure.rows}
    if outward.widened:
        record |= asdict(stage_names(session, outward, way.policy.thresholds, person))
        session.stage(widened_rows(outward, "served", [person] if person else []), "made")
    elif suppresses(contract, outward):
        session.stage(kept_rows(way, session, outward, person), "made")
    else:
        session.stage(exp.select("*").from_("served"), "made")
    whole, left = _count(session, "served"), _count(session, "made")
    record |= {"of": whole, "left_out": whole - left, "persons": _persons(way, session, outward, quasi, person)}
    names = [*(column.name for column in outward.columns), *([PERIOD] if outward.by_period else [])]
    return Protected(exp.select(*map(col, names)).from_("made"), record)


def _persons(way: Way, session: Session, outward: Outward, quasi: Sequence[str], person: str | None) -> dict[str, Any] | None:
    """How small the classes are in persons: what gold alone cannot tell. None where no column names them."""
    if person is None or not quasi:
        return None
    k = k_of(outward.tier, way.policy.thresholds)
    figures = session.rows(k_query(quasi, "made", k, person))[0]
    small = 0 < int(figures["smallest"]) < k
    return {"smallest": int(figures["smallest"]), "small_rows": int(figures["small_rows"]),
            "without_column": causes_of(session, quasi, "made", k, person) if small else {}}


def _count(session: Session, view: str) -> int:
    return int(session.rows(exp.select(named(exp.Count(this=exp.Star()), "n")).from_(exp.to_table(view)))[0]["n"])


@dataclass
class _Cells:
    """The groups of a table in order, with their sizes; what is shown, and its counts as they are shown."""

    keys: list[Key]
    sizes: list[int]
    counts: dict[str, list[int]]
    parents: list[Mapping[str, str] | None]
    shown: list[int] = field(default_factory=list)


def _table(way: Way, session: Session, outward: Outward, params: Params | None) -> Protected:
    session.stage(outward.query(counted=True), "_groups", params)
    by = list(outward.product.aggregate.by) if outward.product.aggregate else []
    number = exp.Window(this=exp.RowNumber(), order=exp.Order(expressions=[exp.Ordered(this=col(name), nulls_first=False) for name in by]))
    session.stage(exp.select(exp.Star(), named(number, "_at")).from_("_groups"), "_cells")
    least, counts = least_cell(way, outward), outward.counts
    cells = _read(session, outward, by, counts)
    record: dict[str, Any] = {"cells": outward.product.disclosure.cells, "of": len(cells.keys), "least": least}
    small = [at for at, size in enumerate(cells.sizes) if size < least]
    hidden, more = _hidden(way, outward, cells, least)
    cells.shown = [at for at in range(len(cells.keys)) if at not in hidden]
    record |= {"left_out": len(hidden), "small": len(small), **more, **_altered(way, outward, cells)}
    listed = [[str(at + 1) for at in cells.shown], *[[str(cells.counts[name][at]) for at in cells.shown] for name in counts]]
    loaded = [pa.array(one, pa.string()) for one in listed]
    names = ("_shown", *(f"_count_{name}" for name in counts))
    session.load("_as_shown", [pa.RecordBatch.from_arrays(loaded, names=list(names))], names)
    values = [named(d.cast_to(col(f"_count_{column.name}", "a"), column.type) if column.name in counts else col(column.name, "c"), column.name)
              for column in outward.columns]
    same = exp.EQ(this=col("_at", "c"), expression=exp.Cast(this=col("_shown", "a"), to=_BIGINT.copy()))
    return Protected(exp.select(*values).from_(exp.to_table("_cells").as_("c")).join(exp.to_table("_as_shown").as_("a"), on=same), record)


def _read(session: Session, outward: Outward, by: Sequence[str], counts: Sequence[str]) -> _Cells:
    types = {column.name: column for column in outward.served}
    texts = [named(d.as_text(col(name), types[name].type, outward.zone), name) for name in by]
    query = exp.select(*texts, *map(col, counts), col(CELL)).from_("_cells").order_by(col("_at"))
    found = session.read(query).read_all()
    columns = {name: found.column(at).to_pylist() for at, name in enumerate([*by, *counts, CELL])}
    lists = [types[name].codes for name in by]
    parents = [{row["code"]: row.get("parent") or "" for row in outward.codes[name].rows} if name else None for name in lists]
    return _Cells(list(zip(*[columns[name] for name in by], strict=True)), columns[CELL], {name: columns[name] for name in counts}, list(parents))


def _hidden(way: Way, outward: Outward, cells: _Cells, least: int) -> tuple[set[int], dict[str, Any]]:
    """The groups that are not shown. Where no choice protects the small ones nothing is shown at all, and the release is held."""
    small = {at for at, size in enumerate(cells.sizes) if size < least}
    if outward.product.disclosure.cells == "primary":
        return small, {}
    whole = table(cells.keys, cells.sizes, least, cells.parents)
    try:
        proposal = _proposed(way, whole, cells.keys)
        return set(complete(whole, proposal or ())) | small, {"proposed_by": "none" if proposal is None else "tau-argus", "audited": True}
    except (Unprotected, ImportError):
        return set(range(len(cells.keys))), {"audited": False}


def _proposed(way: Way, whole: Table, keys: Sequence[Key]) -> list[int] | None:
    with scratch(way.settings) as folder:
        home = folder / "argus"
        home.mkdir(mode=0o700)
        return argus.proposed(home, whole, keys)


def _altered(way: Way, outward: Outward, cells: _Cells) -> dict[str, Any]:
    """Rounds the counts or makes them noisy, noise first, where the contract says so."""
    wanted, record = outward.product.disclosure, {}
    if wanted.noise_epsilon is not None and cells.counts:
        share = wanted.noise_epsilon / len(cells.counts)
        for name, counts in cells.counts.items():
            shown = noisy(way, outward, name, share, [cells.keys[at] for at in cells.shown], [counts[at] for at in cells.shown])
            for at, count in zip(cells.shown, shown, strict=True):
                counts[at] = count
        record["noise"] = {"epsilon": wanted.noise_epsilon, "mechanism": "geometric", "scale": round(1 / share, 4)}
    if wanted.round_counts is not None and cells.counts:
        exact = [_rounded(cells, counts, wanted.round_counts) for counts in cells.counts.values()]
        record["rounded"] = {"base": wanted.round_counts, "totals": all(exact)}
    return record


def _rounded(cells: _Cells, counts: list[int], base: int) -> bool:
    keys, shown = [cells.keys[at] for at in cells.shown], [counts[at] for at in cells.shown]
    try:
        found, exact = rounded(shown, table(keys, shown, 0, cells.parents).sums, base)
    except ImportError as error:
        raise CitylakeError("Counts cannot be rounded without SciPy.", remedy="Install it, then run again.") from error
    for at, count in zip(cells.shown, found, strict=True):
        counts[at] = count
    return exact
