"""Blocks of plainly well-formed CSV, parsed by whole columns: every quote is checked where it stands, none is guessed.

What is accepted here reads exactly as pipelines/formats/csv_records.py reads it; everything else is left to that.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from pipelines.formats.csv_records import Dialect
from pipelines.formats.table import BadRecord, schema

Positions = npt.NDArray[np.intp]
FEED, RETURN = 10, 13


@dataclass(frozen=True)
class Block:
    """Whole records of a stream, as far as the parity of quotes tells, and the number of their first line."""

    data: bytes
    line: int
    ends: Positions           # of every line
    quotes: Positions


def take(pending: bytes, line: int, dialect: Dialect, final: bool) -> Block | None:
    """As many whole records as the bytes hold; None when there is none."""
    view = np.frombuffer(pending, np.uint8)
    ends = np.flatnonzero(view == dialect.eol[0])
    if final and len(pending) and (not len(ends) or ends[-1] != len(pending) - 1):
        ends = np.append(ends, len(pending))
    quotes = _quotes(pending, view, dialect)
    outside = ends[_outside(quotes, ends)]
    if not len(outside):
        return None
    cut = int(outside[-1]) + 1
    return Block(pending[:cut], line, ends[: np.searchsorted(ends, cut)], quotes[: np.searchsorted(quotes, cut)])


def _quotes(data: bytes, view: npt.NDArray[np.uint8], dialect: Dialect) -> Positions:
    quote = dialect.quote.encode()
    return np.flatnonzero(view == quote[0]) if quote and quote in data else np.empty(0, np.intp)


def _outside(quotes: Positions, at: Positions) -> npt.NDArray[np.bool_]:
    """Which of these places lie outside quotes."""
    return np.searchsorted(quotes, at) % 2 == 0 if len(quotes) else np.ones(len(at), np.bool_)


def parse(block: Block, dialect: Dialect, width: int) -> tuple[pa.RecordBatch, list[BadRecord]] | None:
    """The block's rows and its records of another width; None when it must be read with care."""
    view = np.frombuffer(block.data, np.uint8)
    if block.data.startswith(codecs.BOM_UTF8) or not (_well_quoted(view, block, dialect) and _well_ended(view, block, dialect)):
        return None
    numbers = _line_numbers(view, block, dialect)
    ragged: list[int] = []
    found = _columns(block.data, dialect, width, None)
    if found is None and _decodes(block.data):
        found = _columns(block.data, dialect, width, ragged)
    if found is None or found.num_rows + len(ragged) != len(numbers):
        return None
    wrong = np.array(ragged, np.intp) - 1
    bad = [BadRecord(int(number), "fields") for number in numbers[wrong]]
    lines = pa.array(np.delete(numbers, wrong) if ragged else numbers, pa.int64())
    return pa.RecordBatch.from_arrays([*map(_one, found.columns), lines], schema=schema(width)), bad


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.string())


def _well_quoted(view: npt.NDArray[np.uint8], block: Block, dialect: Dialect) -> bool:
    """Every opening quote stands at the start of a field, every closing one at its end; doubled ones open again."""
    quotes = block.quotes
    if not len(quotes):
        return True
    if len(quotes) % 2:
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    delimiter, eol = dialect.delimiter.encode()[0], dialect.eol[0]
    before = view[np.maximum(opening - 1, 0)]
    starts = (opening == 0) | (before == delimiter) | (before == eol)
    again = np.zeros(len(opening), np.bool_)
    again[1:] = closing[:-1] + 1 == opening[1:]
    after = view[np.minimum(closing + 1, len(view) - 1)]
    stops = (closing == len(view) - 1) | (after == delimiter) | (after == eol) | (after == RETURN)
    stops[:-1] |= again[1:]
    return bool((starts | again).all() and stops.all())


def _well_ended(view: npt.NDArray[np.uint8], block: Block, dialect: Dialect) -> bool:
    """Outside quotes, carriage returns stand only before line ends (or are the line ends, and feeds are none)."""
    if dialect.eol[0] == RETURN:
        return b"\n" not in block.data
    if b"\r" not in block.data:
        return True
    returns = np.flatnonzero(view == RETURN)
    returns = returns[_outside(block.quotes, returns)]
    after = view[np.minimum(returns + 1, len(view) - 1)]
    return bool(((after == FEED) | (after == RETURN)).all())


def _line_numbers(view: npt.NDArray[np.uint8], block: Block, dialect: Dialect) -> npt.NDArray[np.int64]:
    """The line at which each record begins; empty lines are none."""
    last = np.flatnonzero(_outside(block.quotes, block.ends))
    ends = block.ends[last]
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    first = np.concatenate(([0], last[:-1] + 1)) if len(last) else last
    length, top = ends - starts, len(view) - 1
    empty = length == 0
    if dialect.eol[0] == FEED:
        one = (length > 0) & (view[np.minimum(starts, top)] == RETURN)
        empty |= one & ((length == 1) | ((length == 2) & (view[np.minimum(starts + 1, top)] == RETURN)))
    numbers: npt.NDArray[np.int64] = (first[~empty] + block.line).astype(np.int64)
    return numbers


def _decodes(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _columns(data: bytes, dialect: Dialect, width: int, ragged: list[int] | None) -> pa.Table | None:
    """pyarrow's reader over one block; with `ragged` it notes the number of each record of another width and goes on."""
    def note(row: pacsv.InvalidRow) -> str:
        ragged.append(row.number)      # type: ignore[union-attr]  # given when the handler is
        return "skip"

    names = [str(at) for at in range(width)]
    try:
        return pacsv.read_csv(
            pa.BufferReader(data),
            pacsv.ReadOptions(use_threads=False, column_names=names, block_size=max(len(data) + 1, 64)),
            pacsv.ParseOptions(delimiter=dialect.delimiter, quote_char=dialect.quote or False, newlines_in_values=True,
                               invalid_row_handler=None if ragged is None else note),
            pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False,
                                 quoted_strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None
