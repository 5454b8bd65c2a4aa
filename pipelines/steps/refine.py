"""Bronze → silver: types, code lists, keys, dedup and merge in one pass, quality judged on exactly the written version.

Only refine writes silver and quarantine. The queries are built in pipelines/refining.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from catalog.canonical import fingerprint, plain
from catalog.contract import Contract
from catalog.evidence import CheckSpec, Finding, TableAt
from pipelines.address_lookups import address_terms
from pipelines.engines import Source
from pipelines.increments import program
from pipelines.lake import Op
from pipelines.protocol import Work
from pipelines.refinement import Inputs, Refinement
from pipelines.state import State
from pipelines.uses import refine_holds
from pipelines.way import Way, table
from quality.specs import specs


def refine(way: Way, contract: Contract, state: State) -> Work | None:
    """Work when the inputs in force, the contract's rules or the decisions differ from the newest refinement."""
    inputs = inputs_of(way, contract, state)
    if inputs is None:
        return None
    checks = specs(contract, way.city.codes)
    again = way.again.get(contract.id) or state.last.get("refine/", {}).get("again")
    parts = ["refine", contract.id, plain(inputs), terms(way, contract), state.applicable(way.today(), "refine"), again]
    stopping = [hold for hold in refine_holds(way, contract) if state.approval(hold["subject"], way.today()) is None]
    op = Op(fingerprint(*parts, *([hold["subject"] for hold in stopping])), "refine")
    job = _Job(way, contract, state, inputs, checks, op, again)
    if stopping:        # not a row of it is computed
        return Work(op, "", "refine", partial(job.stopped, stopping))
    tables = {table("quarantine", contract.id): job.made.quarantine, table("silver", contract.id): job.made.silver}
    return Work(op, "", "refine", job.judge, tables)


def inputs_of(way: Way, contract: Contract, state: State) -> Inputs | None:
    """The exact versions that refine reads: bronze, or the silver in force of every input; None until all are there."""
    if not contract.derived:
        name = table("bronze", contract.id)
        return {"bronze": TableAt(name, state.tables[name])} if name in state.tables else None
    found = {}
    for item in contract.inputs:
        name = table("silver", item.dataset)
        version = way.journal.state(item.dataset).tables.get(name)
        if version is None:
            return None
        found[item.name] = TableAt(name, version)
    return found


def terms(way: Way, contract: Contract) -> str:
    """Fingerprint of the contract fields and code lists that refine reads; a corrected title is not among them."""
    columns = [(c.name, str(c.type), c.level, c.required, c.key, c.unique, c.options,
                c.more.model_dump(exclude={"aliases", "label_en", "identifies", "person"})) for c in contract.columns]
    lists = {c.more.codes: way.city.codes[c.more.codes].rows for c in contract.columns if c.more.codes}
    fields = contract.fields
    return fingerprint(columns, lists, contract.rules, fields.merge, fields.newest_by, fields.period, fields.query,
                       fields.max_bad_percent, way.city.zone, *address_terms(contract, way.city.division))


class _Job:
    """One refinement and its verdict."""

    def __init__(
        self, way: Way, contract: Contract, state: State, inputs: Inputs, checks: tuple[CheckSpec, ...], op: Op, again: str | None
    ) -> None:
        self.way, self.contract, self.state, self.inputs, self.checks, self.again = way, contract, state, inputs, checks, again
        self.made = Refinement(way, contract, state, inputs, checks, op, terms(way, contract), again)

    def stopped(self, holds: list[Mapping[str, Any]], written: Mapping[str, int]) -> Mapping[str, Any]:
        """The record of what the negative list does not let be made."""
        findings = [finding for hold in holds for finding in hold["findings"]]
        return {"terms": terms(self.way, self.contract), "inputs": plain(self.inputs), "counts": {}, "outcome": "held", "candidate": {},
                "verdict": {"kind": "quality", "subject": {}, "findings": findings}, "contract_version": self.contract.version,
                "approval": None, "again": self.again, "holds": holds}

    def judge(self, written: Mapping[str, int]) -> Mapping[str, Any]:
        from quality.judge import judge

        try:
            if self.made.plan.partitioned:
                self.made.opened()      # what a killed attempt wrote has its increment too
            conflicts = self._conflicts()
        finally:
            self.made.close()

        at = {name.split("/")[0]: TableAt(name, version) for name, version in written.items()}
        views: dict[str, Source] = {"silver": at["silver"], "known": at["silver"], "quarantine": at["quarantine"]}
        with self.way.engine.open(views) as session:
            counts = session.rows(self.made.plan.counts())[0]
            findings = judge(session.judged({"silver": self.made.plan.current(), "judged": self.made.plan.judged()}), self.checks)
        return self._body(written, counts, findings + conflicts)

    def _conflicts(self) -> tuple[Finding, ...]:
        number = self.made.conflicts()
        return () if number is None else (Finding("merge.conflicts", number == 0, "warn", "A key came with different values.", "consistency", None,
                        {"keys": number}),)

    def _body(self, written: Mapping[str, int], counts: Mapping[str, Any], findings: tuple[Finding, ...]) -> Mapping[str, Any]:
        blocking = [found for found in findings if not found.passed and found.severity == "block"]
        subject = fingerprint(plain(self.inputs), terms(self.way, self.contract), plain(blocking))
        approval = self.state.approval(subject, self.way.today()) if blocking else None
        body = {
            "terms": terms(self.way, self.contract), "inputs": plain(self.inputs), "counts": dict(counts),
            "verdict": {"kind": "quality", "subject": dict(written), "findings": plain(findings)},
            "contract_version": self.contract.version, "approval": approval.id if approval else None, "again": self.again,
            "program": program(), "increment": plain(self.made.increment.record()) if self.made.increment else None,
        }
        if blocking and approval is None:
            hold = {"id": f"{self.contract.id}/refine/{subject[:12]}", "step": "refine", "subject": subject, "role": "steward",
                    "approvable": all(found.observed.get("computed", True) for found in blocking), "findings": plain(blocking)}
            return {**body, "outcome": "held", "candidate": dict(written), "holds": [hold]}
        return {**body, "outcome": "done", "tables": dict(written)}
