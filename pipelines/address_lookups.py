"""Lookups of addresses for refine: each distinct value is parsed once, in Python, and the query joins what came of it.

They exist in the session alone. What is parsed, and how, is privacy's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
from sqlglot import exp

from catalog.contract import Contract
from catalog.extension import AddressPart
from pipelines.engines import Session
from pipelines.gold import distinct_slices
from pipelines.refining import address_columns
from privacy.address_columns import address_table, part_column, parts_of, value_column
from privacy.addresses import address_version


def address_terms(contract: Contract, near: str) -> list[str]:
    """What the computed columns rest on, for the operation's id; nothing where there are none."""
    return [address_version(), near] if address_columns(contract) else []


def stage_addresses(session: Session, contract: Contract, values: Mapping[str, exp.Query], near: str) -> None:
    """Stages the lookup of every address column; `values` are the queries of their distinct values (called `v`)."""
    asked: dict[str, list[AddressPart]] = {}
    for column in contract.columns:
        if (from_ := column.more.from_address) is not None and from_.part not in asked.setdefault(from_.column, []):
            asked[from_.column].append(from_.part)
    for name, parts in asked.items():
        session.stage(values[name], "_distinct")
        columns = (value_column(name), *[part_column(name, part) for part in parts])
        session.load(address_table(name), _parsed(session, parts, near, columns), columns)


def _parsed(session: Session, parts: Sequence[AddressPart], near: str, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for values in distinct_slices(session):
        found = [parts_of(value, near) for value in values]
        arrays = [pa.array(values, pa.string()), *(pa.array([one.get(part) for one in found], pa.string()) for part in parts)]
        yield pa.RecordBatch.from_arrays(arrays, names=list(names))
