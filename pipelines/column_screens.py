"""Every column's verdict from every distinct value of it, cheap stages first; what stands in the way of a full look holds the column.

One pass finds the columns that could hold anything and those whose values repeat; then suspicious cells are counted, by distinct value
where that costs less; only then are distinct values read. Where each query costs much whatever its size, one pass counts them all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from catalog.contract import Column, ColumnType
from catalog.dialect import col
from catalog.errors import DefinitionError
from catalog.evidence import TableAt
from pipelines.asking import looks_by
from pipelines.engines import Session
from pipelines.formats import open_table
from pipelines.memory import memory_of
from pipelines.way import Way, table
from privacy.column_counts import ColumnCounts
from privacy.column_doubts import FEW, looked_for, second
from privacy.column_verdicts import LANGUAGE, ColumnVerdict, decided, held, judge_counts, undeclared
from privacy.headers import header_kinds
from privacy.model import ModelMissing, load
from privacy.remembered import Memory
from privacy.screen import distinct_query, possible_query, screen_query, spread_query, suspects_query, texts_query, values_query

SLICE = 500_000                 # distinct values at a time; bounds memory
TRIED, REPEATED = 20_000, 4     # rows that tell how values repeat; cells a value from which grouping them first costs less
SMALL = 20_000                  # filled cells up to which every cell is looked at: making the patterns ready costs more
NUMBERS = ("bigint", "decimal", "double")


@dataclass(frozen=True)
class Look:
    """How columns are looked at: by which names they go, against which contract, and how strictly. `wordless` columns hold no free text
    (a code list's words, tokens, bands), `excused` kinds may stand anywhere. `parsed`: every query parses the view anew (a CSV file).
    """

    headers: Mapping[str, Sequence[str]]
    declared: Mapping[str, Column]
    strict: bool = False
    wordless: Collection[str] = ()
    excused: Collection[str] = ()
    parsed: bool = False


@dataclass(frozen=True)
class _Cells:
    """Of one column: filled cells, those that could hold an identifier, and those with a Chinese character. `most`: so many of some rows
    are suspicious that every value is read, and the suspicious ones were not counted.
    """

    filled: int
    suspicious: int
    han: int
    most: bool = False


def worded(look: Look, name: str) -> bool:
    """Whether the language model reads this column: a code list's words are known."""
    declared = look.declared.get(name)
    return name not in look.wordless and (declared is None or declared.more.codes is None)


def screen_columns(way: Way, session: Session, types: Mapping[str, ColumnType], view: str, look: Look) -> dict[str, ColumnVerdict]:
    """Column → verdict, for every column of `types` (as they are in this view).

    An error, a missing model or a scan that has not seen every filled cell holds the column.
    """
    memory = memory_of(way)
    try:
        cells = _counted(session, types, view, look.parsed or session.one_pass)
    except Exception:           # any error whatever: what could not be looked at is held, and its text may hold values
        return {name: held(name, "error", look.declared.get(name)) for name in types}
    verdicts = {}
    for name, kind in types.items():
        column = look.declared.get(name)
        try:
            one, lowest = _verdict(session, name, kind, view, look, cells[name], memory)
            verdicts[name] = _explained(session, one, kind, view, look, memory, lowest)
        except ModelMissing:
            verdicts[name] = held(name, "model", column)
        except Exception:       # as above
            verdicts[name] = held(name, "error", column)
    return verdicts


def _counted(session: Session, types: Mapping[str, ColumnType], view: str, parsed: bool) -> dict[str, _Cells]:
    if not types:
        return {}
    row = {} if parsed else session.rows(possible_query(types, view))[0]
    texts = [] if parsed else [name for name, kind in types.items() if kind.kind == "text" and row[f"{name} filled"] > SMALL]
    tried = session.rows(spread_query(texts, view, TRIED))[0] if texts else {}
    repeats = [name for name in texts if tried[f"{name} spread"] * REPEATED <= tried[f"{name} filled"]]
    for name in repeats:
        row |= session.rows(values_query(name, types[name], view))[0]
    most = [name for name in texts if name not in repeats and 2 * tried[name] > tried[f"{name} filled"]]
    rest = {name: kind for name, kind in types.items() if name not in repeats and (parsed or kind.kind == "text" or row[f"{name} possible"])}
    row |= session.rows(screen_query(rest, view, most))[0] if rest else {}
    return {name: _Cells(int(row[f"{name} filled"]), int(row.get(name) or 0), int(row.get(f"{name} han") or 0), name in most) for name in types}


def _verdict(session: Session, name: str, kind: ColumnType, view: str, look: Look, cells: _Cells,
             memory: Memory) -> tuple[ColumnVerdict, list[str]]:
    """Also the lowest values, where every one was read."""
    declared, headers = look.declared.get(name), tuple(look.headers.get(name, (name,)))
    counts = ColumnCounts(number=kind.kind in NUMBERS or (declared is not None and declared.type.kind in NUMBERS), cells=cells.filled)
    asked = kind.kind == "text" and cells.filled and header_kinds(*headers)
    lowest: list[str] = []
    if cells.suspicious or cells.most or asked:
        every = bool(asked) or cells.most or cells.suspicious * 2 > cells.filled
        seen = 0
        for values, weights in _slices(session.read(suspects_query(name, kind, view, every))):
            counts.add_numbers(values, weights)
            counts.distinct, seen = counts.distinct + len(values), seen + (pc.sum(weights).as_py() or 0)
            lowest = sorted([*lowest, *values.take(pc.bottom_k_unstable(values, min(FEW, len(values)))).to_pylist()])[:FEW] if every else []
        if not every:
            counts.distinct = session.rows(distinct_query(name, view))[0]["distinct"]
        if seen != (cells.filled if every else cells.suspicious):
            return held(name, "partial", declared), []
    if cells.han and worded(look, name):
        load()          # what may not be read here may not be read by workers either
        looks, read = looks_by(session), 0
        for values, weights in _slices(session.read(texts_query(name, view))):
            counts.add_texts(values, weights, looks, memory)
            read += pc.sum(weights).as_py() or 0
        if read != cells.han:
            return held(name, "partial", declared), []
    counts.distinct = max(counts.distinct, counts.texts.han)
    return judge_counts(name, counts, headers, declared, None, look.strict, look.excused), lowest


def _explained(session: Session, verdict: ColumnVerdict, kind: ColumnType, view: str, look: Look, memory: Memory,
               lowest: Sequence[str]) -> ColumnVerdict:
    """With the second stage's word on the lowest values that its doubt hangs on; nothing is read where there is no doubt."""
    name, declared = verdict.column, look.declared.get(verdict.column)
    open_kinds = undeclared(verdict.judged, declared, look.excused)
    if not open_kinds:
        return verdict
    numbered = declared is not None and declared.type.kind in NUMBERS
    headers, asked = look.headers.get(name, (name,)), [] if look.strict or numbered else open_kinds
    if lowest and looked_for(verdict, verdict.judged) == FEW and not set(verdict.judged) & {*LANGUAGE, "masked"}:
        one = second(verdict, lowest, headers, asked, memory)
        if one.evidence.keys() == verdict.judged.keys():        # every kind is among them
            return replace(one, decision=decided(one.judged, declared, look.excused))
    queries = [(suspects_query(name, kind, view), set(verdict.judged) - set(LANGUAGE))] if set(open_kinds) - set(LANGUAGE) else []
    queries += [(texts_query(name, view), {*LANGUAGE})] if kind.kind == "text" and set(open_kinds) & {*LANGUAGE, "masked"} else []
    values = [value for query, kinds in queries for batch in session.read(query.order_by(col("value")).limit(looked_for(verdict, kinds)))
              for value in batch.column("value").to_pylist()]
    one = second(verdict, values, headers, asked, memory)
    return replace(one, decision=decided(one.judged, declared, look.excused))


def _slices(batches: pa.RecordBatchReader) -> Iterator[tuple[pa.Array, pa.Array]]:
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(len(one) for one in waiting) >= SLICE:
            yield _joined(waiting)
            waiting = []
    if waiting:
        yield _joined(waiting)


def _joined(batches: list[pa.RecordBatch]) -> tuple[pa.Array, pa.Array]:
    joined = pa.Table.from_batches(batches)
    values, cells = (joined.column(name).combine_chunks() for name in ("value", "cells"))
    return values, cells


def screen_file(way: Way, path: Path) -> dict[str, ColumnVerdict]:
    """A file as it is, of any format; columns are numbered from 1, since nobody has declared their headers. Raises BadInput.

    Where a record is no row, nothing of the file passes: it was not seen whole.
    """
    opened = open_table(path, None, path.name)
    places = [str(at) for at in range(len(opened.columns))]
    look = Look({place: (header,) for place, header in zip(places, opened.columns, strict=True)}, {})
    with way.engine.open({}) as session:
        session.load("screened", opened.batches(), tuple(places))
        found = screen_columns(way, session, {place: ColumnType("text") for place in places}, "screened", look)
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
        return screen_columns(way, session, {name: column.type for name, column in declared.items()}, "screened",
                              Look({name: column.headers for name, column in declared.items()}, declared))
