"""What the journal that is there learned after a backup, and which of it a restore carries over: acts that close something.

A withdrawal, a rollback, a revoked approval or a rejection must not be undone by putting back an older lake. Everything else is counted.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.backup import Backup
from pipelines.journal import CITY, Journal
from pipelines.settings import Settings
from pipelines.state import State
from pipelines.switching import STAGING

Acts = Mapping[str, Mapping[str, int]]          # dataset → kind of record → number


@dataclass(frozen=True)
class Act:
    """One record of the journal that is there and not in the backup."""

    chain: str
    kind: str           # of a decision: its verdict
    body: Mapping[str, Any]


def since(settings: Settings, backup: Backup) -> list[Act]:
    """The records that the backup does not have, in the order of each chain; one that cannot be read is of kind `unreadable`."""
    known = {entry.path: entry.sha256 for entry in backup.parts["lake"]}
    return [_act(data) for path in sorted((settings.lake / "journal").rglob("*.json"))
            if known.get(path.relative_to(settings.lake).as_posix()) != hashlib.sha256(data := path.read_bytes()).hexdigest()]


def _act(data: bytes) -> Act:
    try:
        record = json.loads(data)
        kind = record["body"]["verdict"] if record["kind"] == "decision" else record["kind"]
        return Act(str(record["chain"]), str(kind), record["body"])
    except (ValueError, KeyError, TypeError):
        return Act("", "unreadable", {})


def counted(acts: list[Act]) -> Acts:
    """How many of each kind, by dataset."""
    found: dict[str, Counter[str]] = {}
    for act in acts:
        found.setdefault(act.chain, Counter())[act.kind] += 1
    return {chain: dict(kinds) for chain, kinds in found.items()}


def carry(settings: Settings, acts: list[Act], journal: Journal) -> list[Act]:
    """Records the closing acts anew in a journal that is being put back; returns those that it took up."""
    taken = []
    for act in acts:
        if act.chain in ("", CITY) or act.chain not in journal.chains():
            continue
        state = journal.state(act.chain)
        for kind, body in _closing(act, state):
            journal.append(act.chain, kind, {**body, "carried": True})
            taken.append(act)
            if act.kind == "reject":        # a rejection wipes what was held
                shutil.rmtree(settings.state / STAGING / "new" / "holding" / act.chain / _target(state, body["hold"]), ignore_errors=True)
    return taken


def _closing(act: Act, state: State) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if act.kind == "withdrawing" and act.body["product"] not in state.withdrawn:
        yield act.kind, act.body
    if act.kind == "rollback" and any(one.number > act.body["to"] for one in state.releases.get(act.body["product"], ())):
        yield act.kind, act.body
    if act.kind in ("revoke", "reject") and act.body["hold"] in {**state.holds, **state.past_holds}:
        yield "decision", {**act.body, "id": f"{act.chain}/d{state.seq + 1}"}       # numbered as a decision of this journal


def _target(state: State, hold: str) -> Path:
    found = {**state.past_holds, **state.holds}[hold]
    return Path(found.target) if found.step == "ingest" else Path("-")
