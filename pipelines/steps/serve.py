"""Silver → gold → files: treat, write, screen the exact bytes, and number the release. Only serve writes gold.

A restricted product's release is built in the lake; a prohibited one is never built.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from catalog.canonical import fingerprint, plain
from catalog.contract import Contract
from catalog.evidence import Ruling, TableAt
from pipelines.boundary import boundary
from pipelines.disclosure import disclosure
from pipelines.doubts import ceiling, doubts_of, looser, unscreened
from pipelines.exposure import exposed, exposure
from pipelines.gate import ruling, treated
from pipelines.gold import write_gold
from pipelines.keys import key_of
from pipelines.lake import Op
from pipelines.products import Outward
from pipelines.protocol import Work
from pipelines.releases import MANIFEST, build_files, release_hash, written_files
from pipelines.screening import screen_files
from pipelines.spool import digest as sha256_of
from pipelines.state import State
from pipelines.uses import use_holds
from pipelines.verdicts import leaving, newest_stands, rules_version, withdrawn_inputs
from pipelines.way import Way, table
from privacy.lookups import missing, versions
from privacy.screen import screen_verdict

Serve = Callable[[Way, Contract, State], Work | None]


def serve(product: str) -> Serve:
    """The step for one product."""
    return partial(_serve, product)


def terms(way: Way, contract: Contract, product: str) -> str:
    """Fingerprint of the contract fields that gold and its files depend on."""
    columns = [(c.name, str(c.type), c.level, c.label, c.more.codes, c.more.identifies) for c in contract.columns]
    persons = contract.fields.subjects, [(c.name, c.more.person, c.more.quasi, c.more.sensitive, c.more.subject) for c in contract.columns]
    lists = {c.more.codes: way.city.codes[c.more.codes].rows for c in contract.columns if c.more.codes}
    chosen = contract.product(product).model_dump(exclude={"title", "conditions", "catalog_entry"})
    return fingerprint(columns, persons, lists, chosen, contract.period, contract.fields.merge, way.city.zone)


def _serve(product: str, way: Way, contract: Contract, state: State) -> Work | None:
    silver = table("silver", contract.id)
    if silver not in state.tables or product in state.withdrawn:
        return None
    outward = Outward(contract, contract.product(product), way.city.codes, way.city.zone)
    if refine_held(state) and (state.release(product) is None or newest_stands(way, state, outward)):
        return None     # while refine is held nothing new is made, but what is published is still judged when rules change
    made_by = versions(outward.lookups().items())
    op = Op(fingerprint("serve", contract.id, product, state.tables[silver], terms(way, contract, product), rules_version(way),
                        state.applicable(way.today(), "serve", product), withdrawn_inputs(way, contract),
                        *[hold["subject"] for hold in use_holds(way, contract, product)], *made_by), "serve")
    job = _Job(way, contract, state, outward, TableAt(silver, state.tables[silver]), op)
    if outward.tier == "prohibited":
        return Work(op, product, "serve", job.closed)
    if columns := missing(made_by):
        return Work(op, product, "serve", partial(job.untreated, columns))
    return Work(op, product, "serve", job.judge, {table("gold", contract.id, product): job.gold}, job.settle)


def refine_held(state: State) -> bool:
    """Whether the newest refinement waits for a person: nothing may go past it."""
    return state.last.get("refine/", {}).get("outcome") == "held"


class _Job:
    """One making of a product."""

    def __init__(self, way: Way, contract: Contract, state: State, outward: Outward, silver: TableAt, op: Op) -> None:
        self.way, self.contract, self.state, self.outward, self.silver, self.op = way, contract, state, outward, silver, op
        self.product = outward.product.name
        self.folder = way.settings.lake / "releases" / contract.department / contract.name / self.product
        self.temporary, self.final = self.folder / f"{op.id[:16]}.tmp", self.folder / op.id[:16]

    def gold(self, base: int | None) -> int:
        return write_gold(self.way, self.contract, self.outward, self.silver, self.op, base)

    def closed(self, written: Mapping[str, int]) -> Mapping[str, Any]:
        return {"outcome": "done", "tier": "prohibited", "findings": plain(ceiling(self.outward)), "release": None,
                "rules": rules_version(self.way), "ruling": ruling(self.way, self.outward, Ruling.DENY, "")}

    def untreated(self, columns: list[str], written: Mapping[str, int]) -> Mapping[str, Any]:
        """Held before gold is written: a treatment cannot be made without the model. It ends by itself when the model is back."""
        return {"outcome": "held", "tier": self.outward.tier, "findings": [], "release": None, "rules": rules_version(self.way),
                "holds": [unscreened(self.outward, columns)], "ruling": ruling(self.way, self.outward, Ruling.HOLD, "")}

    def judge(self, written: Mapping[str, int]) -> Mapping[str, Any]:
        gold = TableAt(table("gold", self.contract.id, self.product), next(iter(written.values())))
        if not self.final.exists():
            shutil.rmtree(self.temporary, ignore_errors=True)
            build_files(self.way, self.contract, self.outward, gold, self.temporary)
            boundary("serve/files")
        folder = self.final if self.final.exists() else self.temporary
        files = written_files(folder)
        digest = release_hash(files)
        columns = {column.name: column for column in self.contract.columns}
        screens = screen_files(self.way, self.outward, folder, files)
        verdict = screen_verdict(columns, self.outward.treatments(), screens, digest)
        boundary("serve/screened")
        classes = disclosure(self.way, self.contract, self.outward, gold)
        register = exposure(self.way, self.contract, self.outward, self.silver, gold)
        loosened = looser(self.outward, self.state)
        body = {"tier": self.outward.tier, "rules": rules_version(self.way), "findings": plain(ceiling(self.outward)), "loosened": loosened,
                "verdict": plain(verdict), "disclosure": plain(classes), "exposure": plain(register), "exposed": exposed(self.contract, self.outward),
                "silver": plain(self.silver), "gold": plain(gold), "leaving": leaving(self.outward),
                "key": key_of(self.way, self.contract, self.outward),
                "withdrawn_inputs": withdrawn_inputs(self.way, self.contract)}
        doubts = doubts_of(self.outward, rules_version(self.way), digest, (verdict, classes, register), loosened, body["withdrawn_inputs"])
        doubts += use_holds(self.way, self.contract, self.product)
        approvals = [self.state.approval(doubt["subject"], self.way.today()) for doubt in doubts]
        if not all(approvals):
            holds = [doubt for doubt, approval in zip(doubts, approvals, strict=True) if approval is None]
            return {**body, "outcome": "held", "hash": digest, "holds": holds,
                    "ruling": ruling(self.way, self.outward, Ruling.HOLD, digest)}
        if folder == self.temporary:
            folder.rename(self.final)
            boundary("serve/renamed")
        ids = [approval.id for approval in approvals if approval]
        body |= {"outcome": "done", "tables": dict(written), "approval": ids[0] if ids else None, "rests_on": [*ids, *self._quality()],
                 "ruling": ruling(self.way, self.outward, treated(self.outward), digest)}
        return {**body, "release": self._release(digest, files)}

    def _release(self, digest: str, files: list[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """The release entry; None when the newest release has exactly these bytes and this tier already."""
        before = self.state.newest(self.product)
        gone = before is not None and before.number in self.state.erased.get(self.product, ())
        if before is not None and not gone and before.hash == digest and before.body["tier"] == self.outward.tier:
            return None
        return {
            "number": before.number + 1 if before else 1, "hash": digest, "files": files,
            "folder": self.final.relative_to(self.way.settings.lake).as_posix(), "rows": sum(item["rows"] for item in files if item["first"]),
            "contract_version": self.contract.version, "manifest": sha256_of(self.final / MANIFEST),
        }

    def _quality(self) -> list[str]:
        """The decision that let this silver pass, if it took one."""
        approval = self.state.passed.get("refine/", {}).get("approval")
        return [approval] if approval else []

    def settle(self) -> None:
        """Sweeps folders that no record names: what a kill, a hold or an older attempt left."""
        if not self.folder.exists():
            return
        state = self.way.journal.state(self.contract.id)
        known = {Path(release.body["release"]["folder"]).name for release in state.releases.get(self.product, ())}
        for path in self.folder.iterdir():
            if path.name not in known:
                shutil.rmtree(path, ignore_errors=True)
