"""Source → bronze: fetch into the spool, judge, then admit (raw and bronze), hold or refuse. Only ingest writes bronze."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from catalog.canonical import fingerprint, plain
from catalog.contract import Contract
from catalog.evidence import Finding
from pipelines.admission import terms
from pipelines.boundary import boundary
from pipelines.bronze import arrived, bronze_schema
from pipelines.intake import collect
from pipelines.items import Intake, Item
from pipelines.lake import Op, Write
from pipelines.protocol import Work
from pipelines.spool import hold_bytes, release_bytes, store_raw, sweep_holding, sweep_spool, wipe
from pipelines.state import State
from pipelines.unsettled import promise, settle
from pipelines.way import Way, table


def ingest(way: Way, contract: Contract, state: State) -> Work | None:
    """Work for everything new at the sources and everything held whose terms or decisions have changed."""
    if contract.derived:
        return None
    sweep_holding(way.settings, contract.id, {hold.target for hold in state.holds.values() if hold.step == "ingest"})
    if (entry := way.policy.excludes(contract)) is not None:
        return _barred(way, contract, state, entry)
    intake = collect(way, contract, state)
    sweep_spool(way.settings, contract.id, () if intake.empty else intake.folders)
    if intake.empty:
        settle(way, contract.id)        # a killed attempt's bytes that nobody offers any more
    return ingest_intake(way, contract, state, intake)


def _barred(way: Way, contract: Contract, state: State, entry: str) -> Work:
    """The record that a dataset is refused as a whole, once for each change of its terms. No source is asked, and nothing that a killed
    attempt has fetched or stored may stay.
    """
    sweep_spool(way.settings, contract.id, ())
    settle(way, contract.id)
    found = Finding("excluded", False, "block", "The negative list forbids to collect this dataset; its sources are not asked.",
                    observed={"entry": entry})
    op = Op(fingerprint("barred", contract.id, entry, terms(way, contract)), "ingest")
    body = {"outcome": "refused", "barred": entry, "tables": {}, "terms": terms(way, contract), "seen": state.seen, "batches": [],
            "refused": [{"batch": None, "source": None, "findings": [plain(found)]}], "skipped": [], "offers": [], "holds": [], "closed": []}
    return Work(op, "", "ingest", lambda _: body)


def ingest_intake(way: Way, contract: Contract, state: State, intake: Intake) -> Work | None:
    """The work for what an intake has found; None when there is nothing to record."""
    if intake.empty and "barred" not in state.last.get("ingest/", {}):
        return None
    name = table("bronze", contract.id)
    admitted = intake.of("admitted")
    judged = [(item.id, item.sha256, item.admission.outcome, [f.rule for f in item.admission.findings])
              for item in intake.items]
    op = Op(fingerprint("ingest", contract.id, state.tables.get(name), judged, intake.offers, intake.skipped,
                        intake.closed, terms(way, contract)), "ingest")
    tables = {name: partial(_write, way, contract, admitted, name, op)} if admitted else {}
    return Work(op, "", "ingest", partial(_judge, way, contract, state, intake), tables, partial(_settle, way, contract, intake))


def _write(way: Way, contract: Contract, items: Sequence[Item], name: str, op: Op, base: int | None) -> int:
    promise(way.settings, contract.id, [item.raw_sha256 for item in items])
    for item in items:
        store_raw(way.settings, item.raw, item.raw_sha256)
    way.lake.ensure(name, bronze_schema(contract), base)
    alone = [(item.candidate, item.id, item.source, item.sha256, item.order) for item in items if item.gathered is None]
    together: dict[Path, list[str]] = {}
    for item in items:
        if item.gathered is not None:
            together.setdefault(item.gathered, []).append(item.id)
    views, query = arrived(contract, alone, together)
    with way.engine.open(views) as session:
        return session.write(query, name, Write("append"), op, base)


def _judge(way: Way, contract: Contract, state: State, intake: Intake, written: Mapping[str, int]) -> Mapping[str, Any]:
    holds = []
    for item in intake.of("held"):
        hold_bytes(way.settings, contract.id, item.id, item.payload, item.filename, item.around)
        holds.append(_hold(way, contract, item))
    outcome = "held" if holds else "refused" if intake.of("refused") else "done"
    return {
        "outcome": outcome, "tables": dict(written), "terms": terms(way, contract), "seen": intake.seen,
        "batches": [item.entry() for item in intake.of("admitted")],
        "refused": [{"batch": item.id, "source": item.source, "findings": plain(item.admission.findings)}
                    for item in intake.of("refused")],
        "skipped": plain(intake.skipped), "offers": plain(intake.offers), "holds": holds, "closed": list(intake.closed),
    }


def _hold(way: Way, contract: Contract, item: Item) -> Mapping[str, Any]:
    admission = item.admission
    blocking = [found for found in admission.findings if not found.passed and found.severity == "block"]
    return {
        "id": f"{contract.id}/ingest/{item.id}", "step": "ingest", "target": item.id, "subject": item.subject,
        "role": admission.role, "approvable": admission.approvable, "findings": plain(blocking),
        "batch": item.entry(), "resubmitted_by": item.resubmitted_by, "terms": terms(way, contract),
        **({"doubt": item.doubt} if item.doubt else {}),
    }


def _settle(way: Way, contract: Contract, intake: Intake) -> None:
    held = {item.id for item in intake.of("held")}
    for item in intake.items:
        if item.id not in held:
            release_bytes(way.settings, contract.id, item.id)
    settle(way, contract.id)
    for batch in intake.wiped:
        release_bytes(way.settings, contract.id, batch)
    boundary("ingest/released")
    for folder in intake.folders:
        wipe(folder)
