"""Where only some periods of a table can have changed, only those are made anew: silver's partitions, gold's, and the files of a release.

The result is that of making everything anew: of a key the newest row stands, and the newest of old and new rows is the newest of the newest
old and the new ones. Whatever does not fit this (corrections, erasures, snapshots, rows without a period, other terms, another program,
persons, tables) is made anew as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlglot import exp

from catalog.canonical import fingerprint
from catalog.contract import Contract
from catalog.dialect import col
from catalog.evidence import TableAt
from pipelines.address_lookups import stage_addresses
from pipelines.bronze import BATCH
from pipelines.engines import Session
from pipelines.lake import PERIOD
from pipelines.products import Outward
from pipelines.refining import AT, ORDERS, Plan
from pipelines.state import State
from pipelines.way import Way, table
from privacy.disclosure import about_persons

FEW = 4             # so many times the new rows must fit into all of them
_AS_THEY_ARE = ("keep", "drop", "generalise")       # treatments that give a value what they gave it before


@dataclass(frozen=True)
class Increment:
    """The new batches, the periods that they touch, and the version of silver that it starts from."""

    base: int
    batches: tuple[str, ...]
    periods: tuple[str, ...]

    def record(self) -> Mapping[str, Any]:
        """For the journal: a period's name stands in paths as well."""
        return {"base": self.base, "batches": list(self.batches), "periods": list(self.periods)}


@lru_cache(maxsize=1)
def program() -> str:
    """Of the code that makes silver's values: rows made by another are made anew."""
    modules = [one for one in files("catalog").iterdir() if one.name.startswith("dialect") and one.name.endswith(".py")]
    dialect = sorted(modules, key=lambda one: one.name)
    code = [*dialect, files("pipelines") / "refining.py", files("pipelines") / "address_lookups.py"]
    return fingerprint([sha256(one.read_bytes()).hexdigest() for one in code])[:16]


def before(way: Way, contract: Contract, state: State, plan: Plan, terms: str, again: Any) -> dict[str, TableAt]:
    """The views `silver_before` and `quarantine_before` where silver in force can be added to; else none."""
    last, names = state.passed.get("refine/", {}), {layer: table(layer, contract.id) for layer in ("silver", "quarantine")}
    at = {f"{layer}_before": TableAt(name, state.tables[name]) for layer, name in names.items() if name in state.tables}
    fits = (plan.partitioned and contract.fields.merge == "upsert" and contract.keys and len(at) == 2 and last.get("terms") == terms
            and last.get("program") == program() and last.get("again") == again and not plan.corrected
            and all(last["tables"].get(names[layer]) == state.tables[names[layer]] for layer in names))
    return at if fits and way.lake.schema(at["silver_before"]).equals(plan.silver_schema()) else {}


def increment(way: Way, contract: Contract, session: Session, state: State, plan: Plan, at: Mapping[str, TableAt]) -> Increment | None:
    """Stages what the new batches bring as `checked`, and the orders of all batches; None where the whole is made anew."""
    known = {row[BATCH] for view in at for row in session.rows(exp.select(col(BATCH)).distinct().from_(view))}
    new = tuple(batch for batch in state.batches if batch.id not in known)
    if not new or FEW * sum(batch.rows for batch in new) > sum(batch.rows for batch in state.batches):
        return None
    orders = [pa.array([value(batch) for batch in state.batches], pa.string()) for value in (lambda one: one.id, lambda one: str(one.order))]
    session.load(ORDERS, [pa.RecordBatch.from_arrays(orders, [BATCH, AT])], (BATCH, AT))
    plan.only = [batch.id for batch in new]
    stage_addresses(session, contract, plan.addresses(), way.city.division)
    session.stage(plan.checked(), "checked")
    periods = [row[PERIOD] for row in session.rows(plan.touched())]
    if None in periods:
        plan.only = ()
        return None
    return Increment(at["silver_before"].version, tuple(batch.id for batch in new), tuple(sorted(periods)))


@dataclass(frozen=True)
class Kept:
    """Of the release before: its folder, and the files and their verdicts (by sha256) of periods that are as they were. `periods` are not."""

    folder: Path
    periods: tuple[str, ...]
    files: tuple[Mapping[str, Any], ...] = ()
    screens: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def kept(way: Way, contract: Contract, state: State, outward: Outward, made: str) -> Kept | None:
    """What of the release before stands in the next one; None where everything is made anew. `made`: all it is made of, but for silver."""
    refined, last, newest = state.passed.get("refine/", {}), state.passed.get(f"serve/{outward.product.name}", {}), state.newest(outward.product.name)
    step, silver, gold = refined.get("increment"), table("silver", contract.id), table("gold", contract.id, outward.product.name)
    plain = (outward.by_period and outward.product.aggregate is None and not about_persons(contract) and not outward.lookups()
             and {how.do for how in outward.product.columns.values()} <= set(_AS_THEY_ARE))
    if not plain or step is None or newest is None or newest.number in state.erased.get(outward.product.name, ()):
        return None
    same = (last.get("made") == made and last["silver"]["version"] == step["base"] and refined["tables"].get(silver) == state.tables.get(silver)
            and last["gold"]["version"] == state.tables.get(gold))
    folder = way.settings.lake / newest.body["release"]["folder"]
    if not same or not folder.is_dir():
        return None
    unchanged = tuple(entry for entry in newest.body["release"]["files"] if entry["period"] not in step["periods"])
    return Kept(folder, tuple(step["periods"]), unchanged, last.get("screens", {}))
