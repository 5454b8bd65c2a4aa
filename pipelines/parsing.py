"""Source bytes → the candidate: one Parquet file of the declared columns, all text, with the source line of every row.

Header names are matched against the contract here; nothing is judged (pipelines/admission.py does).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.contract import Contract
from catalog.extension import Source
from pipelines.formats import Table, open_table
from privacy.secrecy import Watch

LINE, BAD, REPLACES = "_source_line", "_bad", "_replaces"
CORRECTIONS = "corrections"     # the source id of resubmitted rows


@dataclass(frozen=True)
class Matched:
    """How the headers of one file meet the contract. Positions count from 1; unknown headers are never named."""

    positions: dict[str, int]                    # column → position in the file, from 0
    unknown: tuple[int, ...]
    repeated: tuple[str, ...]
    left_out: tuple[int, ...]
    missing: tuple[str, ...]


@dataclass
class Parsed:
    """A parsed file and where its candidate lies."""

    candidate: Path
    matched: Matched
    rows: int = 0
    bad: int = 0
    extra: bool = False                          # the file holds what is in no declared cell: raw may not keep it whole
    options: dict[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()                  # headers, sheets, tables as the file has them: for the secrecy cues, never for a record
    more: bool = False                           # the file holds texts that are no cell of the table
    beside: Mapping[str, int] = field(default_factory=dict)      # secrecy cues in these, and in cells that no column declares


def match_headers(contract: Contract, source: Source, headers: list[str], corrected: bool = False) -> Matched:
    """Column name for each header, by name, Chinese label or alias; what matches nothing is unknown.

    Only a file of `corrected` rows may say, in `_replaces`, which quarantined row each of its rows stands for.
    """
    names = {header: column.name for column in contract.columns for header in column.headers}
    names |= source.aliases
    names |= {REPLACES: REPLACES} if corrected else {}
    positions: dict[str, int] = {}
    unknown, left_out, repeated = [], [], []
    for at, header in enumerate(headers):
        column = names.get(header)
        if header in source.leave_out:
            left_out.append(at + 1)
        elif column is None:
            unknown.append(at + 1)
        elif column in positions:
            repeated.append(column)
        else:
            positions[column] = at
    missing = tuple(column.name for column in contract.given if column.name not in positions)
    return Matched(positions, tuple(unknown), tuple(repeated), tuple(left_out), missing)


def candidate_schema(contract: Contract) -> pa.Schema:
    """Declared columns as text, the line, the reason why a record is no row, and the row that this one replaces."""
    fields = [pa.field(column.name, pa.string()) for column in contract.given]
    return pa.schema([*fields, (LINE, pa.int64()), (BAD, pa.string()), (REPLACES, pa.string())])


def parse(
    contract: Contract, source: Source, payload: Path, filename: str, candidate: Path, corrected: bool = False, watch: Watch | None = None
) -> Parsed:
    """Streams a file into its candidate. Raises BadInput when it cannot be read as declared.

    When a header is unknown or repeated no candidate is written: nothing may be stored before someone classifies it. `watch` sees the
    cells that no candidate gets.
    """
    table = open_table(payload, source.format or None, filename)
    matched = match_headers(contract, source, table.columns, corrected)
    parsed = Parsed(candidate, matched, extra=table.extra or bool(matched.left_out), options=table.options,
                    names=(*table.columns, *table.names), more=table.extra)
    if matched.unknown or matched.repeated:
        for batch in table.batches() if watch else ():
            _seen(batch, range(len(table.columns)), watch)
        parsed.more |= bool(table.bad)
        return parsed
    schema = candidate_schema(contract)
    with pq.ParquetWriter(candidate, schema, compression="lz4", write_statistics=False) as writer:
        for batch in _declared(table, matched, schema, watch):
            writer.write_batch(batch)
            parsed.rows += batch.num_rows
        parsed.bad, parsed.more = len(table.bad), table.extra or bool(table.bad)
        parsed.extra |= bool(table.bad)     # what stands in a record that is no row nobody has judged
        if table.bad:
            writer.write_batch(_bad_rows(table, schema))
            parsed.rows += parsed.bad
    return parsed


def _seen(batch: pa.RecordBatch, places: Iterable[int], watch: Watch | None) -> None:
    if watch is not None:
        for at in places:
            watch.see(batch.column(str(at)))


def _declared(table: Table, matched: Matched, schema: pa.Schema, watch: Watch | None) -> Iterator[pa.RecordBatch]:
    for batch in table.batches():
        _seen(batch, [at - 1 for at in matched.left_out], watch)
        arrays = []
        for item in schema:
            if item.name == LINE:
                arrays.append(batch.column(LINE))
            elif item.name in matched.positions:
                arrays.append(batch.column(str(matched.positions[item.name])))
            else:
                arrays.append(pa.nulls(batch.num_rows, item.type))
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _bad_rows(table: Table, schema: pa.Schema) -> pa.RecordBatch:
    size = len(table.bad)
    values: dict[str, pa.Array] = {
        LINE: pa.array([bad.line for bad in table.bad], pa.int64()),
        BAD: pa.array([bad.reason for bad in table.bad], pa.string()),
    }
    arrays = [values.get(item.name, pa.nulls(size, item.type)) for item in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
