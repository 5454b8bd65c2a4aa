"""Erasure of what is over its time: the batches leave force, what they were in is made again, the rest is removed for good.

Three parts, each safe to be killed in and to be done again: `forget` writes bronze, silver and quarantine without the batches and
records «erasing»; the ordinary steps make silver, gold and releases anew, also of what is derived; `erase` empties what could not be
made anew, records exactly what may be absent from now on, and only then removes it. See docs/retention.md.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlglot import exp

from catalog.canonical import fingerprint
from catalog.contract import Contract
from catalog.dialect import col, lit
from catalog.evidence import TableAt
from pipelines.boundary import boundary
from pipelines.bronze import BATCH
from pipelines.choice import chosen
from pipelines.conduct import Outcome, Planned, conclude, steps_of, taken
from pipelines.erasure import LAYERS, Overdue, clean, marks, overdue, releases_over, retention_days, tables_on_disk
from pipelines.keys import forget_keys
from pipelines.lake import Op, Write
from pipelines.lease import lease
from pipelines.manifest import manifest_path, seal_kept
from pipelines.portals.listed import portals_of
from pipelines.protocol import Work
from pipelines.spool import raw_path, release_bytes, sweep_holding
from pipelines.state import State
from pipelines.way import Way, table


def retain(way: Way, datasets: Collection[str] = ()) -> list[Outcome]:
    """Erases what is over its time of the named datasets (all where nothing is named) and of all that is derived from them."""
    names = chosen(way, datasets)
    outcomes: list[Outcome] = []
    for name in names:
        outcomes += taken(way, way.contract(name), [Planned("retain", "", forget)])
    marked = [way.contract(name) for name in names if marks(way, way.contract(name))]
    portals = portals_of(way)
    for contract in marked:
        if way.journal.state(contract.id).last.get("erase/", {}).get("marks") != marks(way, contract):
            steps = steps_of(contract, portals)
            outcomes += taken(way, contract, [one for one in steps if one.name in ("refine", "serve")])
        outcomes += taken(way, contract, [Planned("erase", "", erase)])
    for contract in marked:
        outcomes += taken(way, contract, [one for one in steps_of(contract, portals) if one.name == "publish"])
    conclude(way)
    return outcomes


def planned(way: Way, datasets: Collection[str] = ()) -> dict[str, list[Overdue]]:
    """Dataset → batches that `retain` would erase now. Changes nothing."""
    found = {name: overdue(way, way.contract(name), way.journal.state(name)) for name in chosen(way, datasets)}
    return {name: items for name, items in found.items() if items}


# -- batches leave force --------------------------------------------------------------------------------------------------

def forget(way: Way, contract: Contract, state: State) -> Work | None:
    """The first part, for one dataset; None where nothing is over its time."""
    sweep_holding(way.settings, contract.id, {hold.target for hold in state.holds.values() if hold.step == "ingest"})
    over = overdue(way, contract, state)
    if not over:
        return None
    held = [item.batch for item in over if item.hold]
    gone = {item.batch for item in over} - set(held)
    op = Op(fingerprint("retain", contract.id, state.seq, sorted(gone), sorted(held)), "retain")
    known = {table(layer, contract.id) for layer in LAYERS} & set(state.tables)
    tables = {name: partial(_without, way, contract, name, gone, op) for name in sorted(known)} if gone else {}
    return Work(op, "", "erasing", partial(_forgotten, way, contract, state, over), tables, partial(_wipe_held, way, contract, held))


def _without(way: Way, contract: Contract, name: str, gone: Collection[str], op: Op, base: int | None) -> int:
    """The version in force without the rows of these batches."""
    if base is None:
        raise AssertionError("only tables in force are filtered")
    at = TableAt(name, base)
    names = way.lake.schema(at).names
    lost = exp.In(this=col(BATCH), expressions=[lit(batch) for batch in sorted(gone)])
    query = exp.select(*[col(column) for column in names]).from_("before").where(exp.Not(this=lost))
    levels = {column.name: column.level for column in contract.columns}
    plain = [column for column in names if levels.get(column) == "L1"] if name.startswith("silver/") else []
    with way.engine.open({"before": at}) as session:
        return session.write(query, name, Write("replace", plain), op, base)


def _forgotten(way: Way, contract: Contract, state: State, over: list[Overdue], written: Mapping[str, int]) -> Mapping[str, Any]:
    known = {batch.id: batch for batch in state.batches}
    erased = [{"id": item.batch, "source": known[item.batch].source, "sha256": known[item.batch].sha256, "rows": item.rows,
               "fetched_sha256": known[item.batch].body["fetched_sha256"], "raw": known[item.batch].body["raw"],
               "collected": item.collected, "due": item.due} for item in over if not item.hold]
    held = [{"id": item.batch, "collected": item.collected, "due": item.due} for item in over if item.hold]
    return {"outcome": "done", "tables": dict(written), "erased": erased, "held": held, "closed": [item.hold for item in over if item.hold],
            "rule": contract.fields.collection_rule, "retention_days": retention_days(way, contract)}


def _wipe_held(way: Way, contract: Contract, held: Collection[str]) -> None:
    for batch in held:
        release_bytes(way.settings, contract.id, batch)
    boundary("retain/released")


# -- everything else goes -------------------------------------------------------------------------------------------------

def erase(way: Way, contract: Contract, state: State) -> Work | None:
    """The last part; done again as often as it is asked for, since a kill may have come between record and removal."""
    found = marks(way, contract)
    if not found:
        return None
    op = Op(fingerprint("erase", contract.id, found), "erase")
    names = list(tables_on_disk(way, contract.id))
    kept = {name: state.tables[name] for name in names if clean(way, contract, state, name)}
    done = state.done("erase", "", op.id) is not None
    tables = {} if done else {name: partial(_emptied, way, name, op) for name in names if name not in kept}
    return Work(op, "", "erase", partial(_named, way, state, found, kept), tables, partial(_remove, way, contract))


def _emptied(way: Way, name: str, op: Op, base: int | None) -> int:
    newest = way.lake.newest(name)
    if newest is None:
        raise AssertionError("a table on disk has a version")
    schema = way.lake.schema(TableAt(name, newest))
    return way.lake.write(name, pa.RecordBatchReader.from_batches(schema, []), Write("replace"), op, base)


def _named(way: Way, state: State, found: list[str], kept: Mapping[str, int], written: Mapping[str, int]) -> Mapping[str, Any]:
    """Exactly what is left; whatever else a record ever named of these tables and releases may be absent."""
    left = {**kept, **written}
    for name, version in left.items():
        way.lake.condense(name, version)
    gone = [item for item in state.forgotten.values()]
    return {"outcome": "done", "marks": found, "kept": dict(kept), "emptied": dict(written), "releases": releases_over(state, kept),
            "gone": sorted(item["id"] for item in gone), "raw": sorted({item["raw"] for item in gone}),
            "sealed": {name: seal_kept(way.lake, name, version) for name, version in left.items()}}


def _remove(way: Way, contract: Contract) -> None:
    """Removes what the newest erasure's record does not keep."""
    state = way.journal.state(contract.id)
    body = state.last["erase/"]
    for name, entry in body["sealed"].items():
        way.lake.purge(name, entry["version"])
        _lists(way, name, entry["version"])
    for folder in _folders(way, contract, state):
        shutil.rmtree(folder, ignore_errors=True)
        boundary("erase/release")
    _raw(way, body["raw"])
    forget_keys(way, contract)
    boundary("erase/keys")


def _lists(way: Way, name: str, version: int) -> None:
    """Lists of files that are gone: their paths may name periods."""
    kept = manifest_path(way.lake, name, version, kept=True)
    for path in sorted(kept.parent.glob("*.json")):
        if path != kept and path.name[:20].isdigit() and int(path.name[:20]) <= version:
            path.unlink()


def _folders(way: Way, contract: Contract, state: State) -> Iterator[Path]:
    """Folders of erased releases, and of what no record names."""
    home = way.settings.lake / "releases" / contract.department / contract.name
    for product in sorted(home.iterdir()) if home.is_dir() else ():
        gone = state.erased.get(product.name, frozenset())
        known = {Path(one.body["release"]["folder"]).name for one in state.releases.get(product.name, ()) if one.number not in gone}
        yield from (path for path in sorted(product.iterdir()) if path.name not in known)


def _raw(way: Way, hashes: Collection[str]) -> None:
    """Raw bytes that no batch in force of any dataset names. Datasets share raw, so the lease is that of storing."""
    for sha in hashes:
        path = raw_path(way.settings, sha)
        with lease(way.settings.lake / "leases", f"raw-{sha[:2]}"):
            used = any(batch.body["raw"] == sha for name in way.journal.chains() for batch in way.journal.state(name).batches)
            if not used:
                path.unlink(missing_ok=True)
                path.with_name(f".{sha}").unlink(missing_ok=True)
        boundary("erase/raw")
