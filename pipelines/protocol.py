"""The commit protocol (DESIGN §7): one loop through which every step goes, so that a kill anywhere loses nothing.

Align each table with the version in force, reuse what an interrupted attempt left, judge what is written, and append
one record: the only commit point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.contract import Contract
from pipelines.boundary import boundary
from pipelines.lake import Op
from pipelines.manifest import seal_version
from pipelines.state import State
from pipelines.waiting import Waiting
from pipelines.way import Way

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Work:
    """What a step wants to do now. `tables` are written in order, each from its base version in force.

    `judge` turns the versions into the record's body, with `outcome` done, held or refused; `settle` cleans up after the
    record. `done` is true when this very operation is already on record.
    """

    op: Op
    target: str
    kind: str
    judge: Callable[[Mapping[str, int]], Body]
    tables: Mapping[str, Callable[[int | None], int]] = field(default_factory=dict)
    settle: Callable[[], None] = lambda: None


Step = Callable[[Way, Contract, State], Work | None]


def perform(way: Way, contract: Contract, step: Step) -> Body:
    """Does one step of one dataset under its lease; returns the record's body, or outcome `unchanged`."""
    with way.lease(contract.id):
        state = way.journal.state(contract.id)
        work = step(way, contract, state)
        if work is None:
            return {"outcome": "unchanged"}
        if done := state.done(work.op.step, work.target, work.op.id):
            work.settle()
            return {**done, "repeated": True}
        written: dict[str, int] = {}
        try:
            for name, write in work.tables.items():
                base = state.base(name)
                reusable = way.lake.align(name, base, work.op)
                written[name] = reusable if reusable is not None else write(base)
                boundary(f"{work.op.step}/{name.split('/')[0]}/written")
            judged = work.judge(written)
        except Waiting as waiting:
            judged, written = waiting.body, {}
        body = {"step": work.op.step, "target": work.target, "op": work.op.id, **judged}
        if written:         # what `audit verify` compares the disk with
            body["files"] = {name: seal_version(way.lake, name, version, state.base(name)) for name, version in written.items()
                             if version != state.base(name)}
        boundary(f"{work.op.step}/judged")
        way.journal.append(contract.id, work.kind, body)
        work.settle()
        boundary(f"{work.op.step}/settled")
        return body
