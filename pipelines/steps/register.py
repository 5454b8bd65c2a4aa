"""The unified catalog: every product of every department and tier, and the journals, as Delta tables for queries.

Derived and rebuildable: computed from the contracts and the journals, written only when they have changed. The versions in
force stand in the city's journal.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from catalog.canonical import fingerprint, plain
from catalog.entry import FIELDS, NATIONAL, TIER_NAMES, coverage, entry
from pipelines.journal import CITY
from pipelines.lake import Op, Write
from pipelines.manifest import seal_version
from pipelines.moments import day
from pipelines.products import Outward
from pipelines.releases import dictionary
from pipelines.way import Way

CATALOG, COVERAGE, JOURNAL = "register/city/catalog", "register/city/coverage", "register/city/journal"
_TEXT, _NUMBER = pa.string(), pa.int64()
_OWN = ("id", "dataset", "department", "field", "tier", "status", "release")


def entries(way: Way) -> list[dict[str, Any]]:
    """The catalog's rows, one a product, in order of their ids."""
    found = []
    for contract in way.city.contracts.values():
        if way.policy.excludes(contract):
            continue
        state = way.journal.state(contract.id)
        for product in contract.products:
            outward = Outward(contract, product, way.city.codes, way.city.zone)
            release = state.release(product.name)
            shown = None if product.name in state.withdrawn else release
            row = entry(way.city, contract, product, outward.tier, dictionary(outward), day(shown.at, way.city.zone) if shown else None)
            row |= {"release": shown.id if shown else None, "withdrawn": product.name in state.withdrawn}
            found.append(row)
    return sorted(found, key=lambda row: str(row["id"]))


def register(way: Way) -> Mapping[str, Any] | None:
    """Brings the three tables up to date; returns the record, or None when nothing has changed."""
    with way.lease(CITY):
        rows = entries(way)
        heads = {chain: list(way.journal.head(chain)) for chain in way.journal.chains()}
        op = Op(fingerprint("register", rows, heads, plain(way.city.departments)), "register")
        last: Mapping[str, Any] = {}
        for record in way.journal.records(CITY):
            last = record.body if record.kind == "register" else last
        if last.get("op") == op.id or not heads:
            return None
        bases = last.get("tables", {})
        written = {name: _write(way, name, make(way, rows), op, bases.get(name)) for name, make in _TABLES.items()}
        files = {name: seal_version(way.lake, name, version, bases.get(name)) for name, version in written.items()}
        body = {"op": op.id, "tables": written, "files": files}
        with way.lease("city"):
            way.journal.append(CITY, "register", body)
        return body


def _write(way: Way, name: str, table: pa.Table, op: Op, base: int | None) -> int:
    reusable = way.lake.align(name, base, op)
    if reusable is not None:
        return reusable
    way.lake.ensure(name, table.schema, base)
    return way.lake.write(name, table.to_reader(), Write("replace"), op, base)


def _catalog(way: Way, rows: list[dict[str, Any]]) -> pa.Table:
    schema = pa.schema([*((name, _TEXT) for name in (*_OWN, *NATIONAL.values())), ("withdrawn", pa.bool_())])      # Delta's columns are ASCII
    return pa.Table.from_pylist([
        {**{key: row[key] for key in (*_OWN, "withdrawn")}, **{column: row["national"][name] for name, column in NATIONAL.items()}}
        for row in rows
    ], schema)


def _coverage(way: Way, rows: list[dict[str, Any]]) -> pa.Table:
    schema = pa.schema([("department", _TEXT), ("name_zh", _TEXT), ("name_en", _TEXT), ("vertical", pa.bool_()), ("products", _NUMBER)]
                       + [(name, _NUMBER) for name in (*FIELDS, *TIER_NAMES)])
    return pa.Table.from_pylist(coverage(way.city, rows), schema)


def _journal(way: Way, _: list[dict[str, Any]]) -> pa.Table:
    found = [
        {"chain": chain, "seq": record.seq, "at": record.at, "kind": record.kind, "step": record.body.get("step"),
         "target": record.body.get("target"), "outcome": record.body.get("outcome"), "prev": record.prev, "sha": record.sha,
         "body": json.dumps(plain(record.body), ensure_ascii=False, sort_keys=True)}
        for chain in way.journal.chains() for record in way.journal.records(chain)
    ]
    schema = pa.schema([("chain", _TEXT), ("seq", _NUMBER)]
                       + [(name, _TEXT) for name in ("at", "kind", "step", "target", "outcome", "prev", "sha", "body")])
    return pa.Table.from_pylist(found, schema)


_TABLES: Mapping[str, Callable[[Way, list[dict[str, Any]]], pa.Table]] = {CATALOG: _catalog, COVERAGE: _coverage, JOURNAL: _journal}
