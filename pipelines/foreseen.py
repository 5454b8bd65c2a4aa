"""What a contract would do to the next delivery, judged on the headers of the newest one that was admitted. Reads raw's first lines only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow.parquet as pq

from catalog.contract import Contract
from catalog.errors import CitylakeError
from catalog.evidence import TableAt
from catalog.extension import Source
from pipelines.bronze import bronze_schema
from pipelines.formats import formats, open_table
from pipelines.parsing import match_headers
from pipelines.spool import raw_path
from pipelines.state import Batch, State
from pipelines.way import Way, table


@dataclass(frozen=True)
class Foreseen:
    """Why a source's next delivery would be held: `positions` of headers that nothing declares, `dropped` columns of bronze that the contract
    no longer has, `lost` columns that it requires and that did not come. `sure`: whether the file's own headers could be looked at.
    """

    source: str
    positions: tuple[int, ...]
    dropped: tuple[str, ...]
    lost: tuple[str, ...]
    sure: bool


def foreseen(way: Way, contract: Contract, state: State) -> tuple[Foreseen, ...]:
    """One entry for each source whose next delivery would be held for its columns, if it is like the newest."""
    return tuple(_foreseen(way, contract, state))


def _foreseen(way: Way, contract: Contract, state: State) -> Iterator[Foreseen]:
    bronze = table("bronze", contract.id)
    if contract.derived or bronze not in state.tables:
        return
    stored = way.lake.schema(TableAt(bronze, state.tables[bronze])).names
    declared = {*bronze_schema(contract).names, *(column.name for column in contract.columns)}
    dropped = tuple(name for name in stored if name not in declared)
    for source in contract.sources:
        mine = [batch for batch in state.batches if batch.source == source.id]
        if not mine:
            continue
        headers, sure = _headers(way, source, max(mine, key=lambda batch: batch.order))
        if not headers:         # it cannot be opened so any more: nothing is foreseen
            continue
        matched = match_headers(contract, source, headers)
        needed = {column.name for column in contract.given if column.required or column.key is not None}
        lost = tuple(name for name in matched.missing if name in needed)
        if matched.unknown or lost:
            yield Foreseen(source.id, matched.unknown if sure else (), dropped, lost, sure)


def _headers(way: Way, source: Source, batch: Batch) -> tuple[list[str], bool]:
    """The headers that a batch came with; of one of which only the declared columns were kept, the names of these."""
    raw = raw_path(way.settings, batch.body["raw"])
    try:
        if batch.body["raw_form"] == "declared":
            return [name for name in pq.read_schema(raw).names if not name.startswith("_")], False
        recorded = batch.body["options"]
        known = formats()[recorded["name"]].Options.model_fields
        options = {"name": recorded["name"], **{key: value for key, value in recorded.items() if key in known}}
        same = source.format.get("name") in (None, options["name"])
        return list(open_table(raw, {**options, **source.format} if same else source.format, "").columns), True
    except (CitylakeError, OSError):
        return [], False
