"""Every column's verdict from every distinct value of it, cheap stages first; what stands in the way of a full look holds the column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from catalog import dialect as d
from catalog.contract import Column, ColumnType
from catalog.errors import DefinitionError
from catalog.evidence import TableAt
from pipelines.engines import Session
from pipelines.formats import open_table
from pipelines.way import Way, table
from privacy.column_counts import ColumnCounts
from privacy.column_verdicts import ColumnVerdict, held, judge_counts
from privacy.model import Model, ModelMissing, load
from privacy.screen import SMALLEST, WHOLE

SLICE = 500_000                 # distinct values at a time; bounds memory
NOTHING = ("date", "timestamp", "boolean")


def screen_columns(
    way: Way, session: Session, types: Mapping[str, ColumnType], headers: Mapping[str, Sequence[str]], view: str,
    declared: Mapping[str, Column],
) -> dict[str, ColumnVerdict]:
    """Column → verdict, for every column of `types` (as they are in this view). `headers` are all names that a column goes by.

    A value of a declared code list needs no language model. An error, a missing model or a scan that has not seen every filled
    cell holds the column. `way` is there for what later stages keep between runs.
    """
    del way
    verdicts = {}
    for name, kind in types.items():
        column = declared.get(name)
        try:
            verdicts[name] = _verdict(session, name, kind, tuple(headers.get(name, (name,))), view, column)
        except ModelMissing:
            verdicts[name] = held(name, "model", column)
        except Exception:       # any error whatever: what could not be looked at is held, and its text may hold values
            verdicts[name] = held(name, "error", column)
    return verdicts


def _verdict(session: Session, name: str, kind: ColumnType, headers: tuple[str, ...], view: str, declared: Column | None) -> ColumnVerdict:
    counts = ColumnCounts(number=kind.kind not in ("text", *NOTHING))
    if kind.kind in NOTHING:
        return judge_counts(name, counts, headers, declared)
    source, wanted = exp.to_identifier(view, quoted=True).sql(), _wanted(name, kind)
    filled = session.rows(exp.select(exp.alias_(exp.Count(this=exp.Star()), "filled")).from_(source).where(wanted))[0]["filled"]
    text = d.cast_to(d.col(name), ColumnType("text"))
    distinct = (exp.select(exp.alias_(text, "value"), exp.alias_(exp.Count(this=exp.Star()), "cells"))
                .from_(source).where(wanted.copy()).group_by(text.copy()))
    model: Model | None = None
    for values, cells in _slices(session.read(distinct), counts.number):
        if model is None and (declared is None or declared.more.codes is None) and pc.any(pc.match_substring_regex(values, r"\p{Han}")).as_py():
            model = load()
        counts.add(values, cells, model)
    return judge_counts(name, counts, headers, declared, int(filled))


def _wanted(name: str, kind: ColumnType) -> exp.Expr:
    """Filled cells; of whole numbers only those with eleven digits or more."""
    if kind.kind in WHOLE:
        return exp.GTE(this=exp.Abs(this=d.col(name)), expression=d.lit(SMALLEST))
    return exp.Not(this=exp.Is(this=d.col(name), expression=exp.Null()))


def _slices(batches: pa.RecordBatchReader, number: bool) -> Iterator[tuple[pa.Array, pa.Array]]:
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(len(one) for one in waiting) >= SLICE:
            yield _joined(waiting, number)
            waiting = []
    if waiting:
        yield _joined(waiting, number)


def _joined(batches: list[pa.RecordBatch], number: bool) -> tuple[pa.Array, pa.Array]:
    joined = pa.Table.from_batches(batches)
    values, cells = (joined.column(name).combine_chunks() for name in ("value", "cells"))
    return (pc.replace_substring_regex(values, r"^(-?\d+)\.0+$", r"\1") if number else values), cells


def screen_file(way: Way, path: Path) -> dict[str, ColumnVerdict]:
    """A file as it is, of any format; columns are numbered from 1, since nobody has declared their headers. Raises BadInput.

    Where a record is no row, nothing of the file passes: it was not seen whole.
    """
    opened = open_table(path, None, path.name)
    places = [str(at) for at in range(len(opened.columns))]
    with way.engine.open({}) as session:
        session.load("screened", opened.batches(), tuple(places))
        found = screen_columns(way, session, {place: ColumnType("text") for place in places},
                               {place: (header,) for place, header in zip(places, opened.columns, strict=True)}, "screened", {})
    if opened.bad:
        found = {name: held(name, "partial") if one.decision == "PASS" else one for name, one in found.items()}
    return {str(int(name) + 1): replace(one, column=str(int(name) + 1)) for name, one in found.items()}


def screen_table(way: Way, dataset: str) -> dict[str, ColumnVerdict]:
    """The columns of a dataset's silver table in force against its contract. Raises DefinitionError for an unknown dataset."""
    contract = way.contract(dataset)
    name = table("silver", dataset)
    version = way.journal.state(dataset).tables.get(name)
    if version is None:
        raise DefinitionError("The dataset has no table yet.", dataset=dataset, remedy="Run `citylake run` first.")
    declared = {column.name: column for column in contract.columns}
    with way.engine.open({"screened": TableAt(name, version)}) as session:
        return screen_columns(way, session, {name: column.type for name, column in declared.items()},
                              {name: column.headers for name, column in declared.items()}, "screened", declared)
