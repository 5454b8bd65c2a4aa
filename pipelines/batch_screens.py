"""The screen of many small batches in one pass: `screen_columns` makes the patterns ready for each table, which costs more than a small one.

Every batch is judged by its own cells, by the same counts and the same rules; of a batch with a doubt nothing is said here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from catalog.contract import ColumnType
from catalog.dialect import col
from pipelines.asking import looks_by
from pipelines.bronze import BATCH
from pipelines.column_screens import NUMBERS, Look, worded
from pipelines.engines import Session
from privacy.column_counts import ColumnCounts
from privacy.column_texts import looked_at
from privacy.column_verdicts import ColumnVerdict, judge_counts, undeclared
from privacy.headers import header_kinds
from privacy.model import load
from privacy.remembered import Memory
from privacy.screen import screen_query, suspects_query, texts_query

TEXT = ColumnType("text")
Values = Mapping[str, tuple[pa.Array, pa.Array]]        # batch → distinct values, and cells that hold each
Figures = Mapping[str, int]


@dataclass
class _Column:
    """One text column of the view: what of it is read, by batch. `every`: all filled cells, not the suspicious ones alone."""

    name: str
    headers: tuple[str, ...]
    every: bool
    words: bool
    numbers: Values = field(default_factory=dict)
    texts: Values = field(default_factory=dict)
    bare: dict[bool, ColumnVerdict] = field(default_factory=dict)       # where no value is to be read: of a filled column, and of an empty one

    def asked(self, row: Figures) -> int:
        """Cells whose values are read."""
        return int(row[f"{self.name} filled"] if self.every else row[self.name])

    def worded(self, row: Figures) -> int:
        """Cells in which words may stand."""
        return int(row[f"{self.name} han"]) if self.words else 0


def screen_batches(session: Session, names: Iterable[str], view: str, look: Look, memory: Memory) -> dict[str, dict[str, ColumnVerdict]]:
    """Batch → column → verdict, for those batches in the view (rows of bronze) of which every column is without a doubt.

    Raises what the engine or the model raises.
    """
    columns = [_Column(name, headers := tuple(look.headers.get(name, (name,))), bool(header_kinds(*headers)), worded(look, name)) for name in names]
    figures = _figures(session, columns, view)
    for column in columns:
        if any(map(column.asked, figures.values())):
            column.numbers = _by_batch(session, suspects_query(column.name, TEXT, view, column.every))
        if any(map(column.worded, figures.values())):
            load()              # what may not be read here may not be read by workers either
            column.texts = _by_batch(session, texts_query(column.name, view))
            looked_at(_distinct(column.texts), looks_by(session), memory)       # all at once; then each batch remembers
    found = {}
    for batch, row in figures.items():
        verdicts = {column.name: _verdict(session, column, batch, row, look, memory) for column in columns}
        if all(one is not None and not undeclared(one.judged, look.declared.get(name), look.excused) for name, one in verdicts.items()):
            found[batch] = {name: one for name, one in verdicts.items() if one is not None}
    return found


def _figures(session: Session, columns: list[_Column], view: str) -> dict[str, dict[str, int]]:
    """Batch → what `screen_query` counts of it, and the distinct values of each column as `name distinct`."""
    distinct = [exp.alias_(exp.Count(this=exp.Distinct(expressions=[col(one.name)])), f"{one.name} distinct", quoted=True) for one in columns]
    query = screen_query({one.name: TEXT for one in columns}, view).select(col(BATCH), *distinct).group_by(col(BATCH))
    return {row.pop(BATCH): row for batch in session.read(query) for row in batch.to_pylist()}


def _by_batch(session: Session, query: exp.Select) -> Values:
    rows = session.read(query.select(col(BATCH)).group_by(col(BATCH))).read_all().sort_by(BATCH).combine_chunks()
    names = np.array(rows.column(BATCH).to_pylist(), dtype=object)
    starts = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist(), len(names)] if len(names) else []
    values, cells = (rows.column(part).combine_chunks() for part in ("value", "cells"))
    return {names[at]: (values[at:end], cells[at:end]) for at, end in pairwise(starts)}


def _distinct(texts: Values) -> list[str]:
    found: list[str] = pc.unique(pa.chunked_array([values for values, _ in texts.values()])).to_pylist()
    return found


def _verdict(session: Session, column: _Column, batch: str, row: Figures, look: Look, memory: Memory) -> ColumnVerdict | None:
    """None where not every cell was seen."""
    declared, filled = look.declared.get(column.name), int(row[f"{column.name} filled"])
    asked, worded_ = column.asked(row), column.worded(row)
    if not asked and not worded_ and bool(filled) in column.bare:
        return column.bare[bool(filled)]
    counts = ColumnCounts(number=declared is not None and declared.type.kind in NUMBERS, cells=filled, distinct=int(row[f"{column.name} distinct"]))
    for wanted, of in ((asked, column.numbers), (worded_, column.texts)):
        if wanted != (pc.sum(of[batch][1]).as_py() if batch in of else 0):
            return None
    if asked:
        counts.add_numbers(*column.numbers[batch])
    if worded_:
        counts.add_texts(*column.texts[batch], looks_by(session), memory)
    counts.distinct = max(counts.distinct, counts.texts.han)
    one = judge_counts(column.name, counts, column.headers, declared, None, look.strict, look.excused)
    if not asked and not worded_:
        column.bare[bool(filled)] = one
    return one
