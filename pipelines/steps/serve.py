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
from pipelines.disclosure import disclosure, lacking
from pipelines.doubts import ceiling, doubts_of, looser, unequipped, unjudged, unscreened
from pipelines.exposure import exposed, exposure
from pipelines.gate import ruling, treated
from pipelines.gold import protection, write_gold
from pipelines.increments import kept
from pipelines.keys import key_of
from pipelines.lake import Op
from pipelines.products import Outward
from pipelines.protocol import Work
from pipelines.releases import MANIFEST, build_files, release_hash, sweep, written_files
from pipelines.screening import screen_files
from pipelines.serving import made_of, refine_held
from pipelines.spool import digest as sha256_of
from pipelines.state import State
from pipelines.uses import use_holds
from pipelines.verdicts import leaving, lists_of, newest_stands, rules_version, withdrawn_inputs
from pipelines.waiting import equipped
from pipelines.way import Way, table
from privacy.lookups import missing, versions
from privacy.screen import screen_verdict

Serve = Callable[[Way, Contract, State], Work | None]


def serve(product: str) -> Serve:
    """The step for one product."""
    return partial(_serve, product)


def _serve(product: str, way: Way, contract: Contract, state: State) -> Work | None:
    silver = table("silver", contract.id)
    if silver not in state.tables or product in state.withdrawn:
        return None
    outward = Outward(contract, contract.product(product), way.city.codes, way.city.zone)
    if refine_held(state) and (state.release(product) is None or newest_stands(way, state, outward)):
        return None     # while refine is held nothing new is made, but what is published is still judged when rules change
    made_by, extras = versions(outward.lookups().items(), way.city.division), lacking(outward)
    made = made_of(way, contract, state, outward, [*made_by, *extras])
    job = _Job(way, contract, state, outward, TableAt(silver, state.tables[silver]), made)
    op = job.op
    if outward.tier == "prohibited":
        return Work(op, product, "serve", job.closed)
    if columns := missing(made_by):
        return Work(op, product, "serve", partial(job.waiting, unscreened(outward, columns)))
    if extras:
        return Work(op, product, "serve", partial(job.waiting, unequipped(outward, extras)))
    return Work(op, product, "serve", job.judge, {table("gold", contract.id, product): job.gold}, job.settle)


class _Job:
    """One making of a product."""

    def __init__(self, way: Way, contract: Contract, state: State, outward: Outward, silver: TableAt, made: str) -> None:
        self.way, self.contract, self.state, self.outward, self.silver, self.made = way, contract, state, outward, silver, made
        self.product, self.op = outward.product.name, (op := Op(fingerprint(made, silver.version), "serve"))
        self.kept = kept(way, contract, state, outward, made)
        self.folder = way.settings.lake / "releases" / contract.department / contract.name / self.product
        self.protection: Mapping[str, Any] | None = None
        self.temporary, self.final = self.folder / f"{op.id[:16]}.tmp", self.folder / op.id[:16]

    @equipped
    def gold(self, base: int | None) -> int:
        periods = self.kept.periods if self.kept else ()
        written, self.protection = write_gold(self.way, self.contract, self.outward, self.silver, self.op, base, periods)
        return written

    def closed(self, written: Mapping[str, int]) -> Mapping[str, Any]:
        return {"outcome": "done", "tier": "prohibited", "findings": plain(ceiling(self.outward)), "release": None,
                "rules": rules_version(self.way), "ruling": ruling(self.way, self.outward, Ruling.DENY, "")}

    def waiting(self, hold: Mapping[str, Any], written: Mapping[str, int]) -> Mapping[str, Any]:
        """Held before gold is written: what a treatment or a protection needs is not there. It ends by itself when it is."""
        return {"outcome": "held", "tier": self.outward.tier, "findings": [], "release": None, "rules": rules_version(self.way),
                "holds": [hold], "ruling": ruling(self.way, self.outward, Ruling.HOLD, "")}

    @equipped
    def judge(self, written: Mapping[str, int]) -> Mapping[str, Any]:
        gold = TableAt(table("gold", self.contract.id, self.product), next(iter(written.values())))
        made = self.protection or protection(self.way, self.contract, self.outward, self.silver)
        if not self.final.exists():
            shutil.rmtree(self.temporary, ignore_errors=True)
            build_files(self.way, self.contract, self.outward, gold, self.temporary, made, self.kept)
            boundary("serve/files")
        folder = self.final if self.final.exists() else self.temporary
        digest = release_hash(files := written_files(folder))
        columns = {column.name: column for column in self.contract.columns}
        try:
            screens = screen_files(self.way, self.outward, folder, files, self.kept.screens if self.kept else {})
            verdict = screen_verdict(columns, self.outward.treatments(), screens.all, digest)
            boundary("serve/screened")
            classes = disclosure(self.way, self.contract, self.outward, gold, made)
            register = exposure(self.way, self.contract, self.outward, self.silver, gold)
        except Exception as error:      # whatever it is: what could not be judged is held; its text may quote a value
            return self.waiting(unjudged(self.outward, type(error).__name__), written)
        loosened = looser(self.outward, self.state)
        body = {"tier": self.outward.tier, "rules": rules_version(self.way), "findings": plain(ceiling(self.outward)), "loosened": loosened,
                "verdict": plain(verdict), "disclosure": plain(classes), "protection": plain(made),
                "exposure": plain(register), "exposed": exposed(self.contract, self.outward),
                "silver": plain(self.silver), "gold": plain(gold), "leaving": leaving(self.outward), "lists": lists_of(self.way, self.outward),
                "key": key_of(self.way, self.contract, self.outward),
                "withdrawn_inputs": withdrawn_inputs(self.way, self.contract),
                **({"made": self.made, "screens": plain(screens.files)} if self.outward.by_period else {})}
        doubts = doubts_of(self.outward, rules_version(self.way), digest, (verdict, classes, register), loosened, body["leaving"],
                           body["withdrawn_inputs"])
        doubts += use_holds(self.way, self.contract, self.product)
        approvals = [self.state.approval(doubt["subject"], self.way.today()) if doubt["approvable"] else None for doubt in doubts]
        if not all(approvals):
            holds = [doubt for doubt, approval in zip(doubts, approvals, strict=True) if approval is None]
            return {**body, "outcome": "held", "hash": digest, "holds": holds, "ruling": ruling(self.way, self.outward, Ruling.HOLD, digest)}
        if folder == self.temporary:
            folder.rename(self.final)
            boundary("serve/renamed")
        ids, quality = [approval.id for approval in approvals if approval], self.state.passed.get("refine/", {}).get("approval")
        body |= {"outcome": "done", "tables": dict(written), "approval": ids[0] if ids else None, "rests_on": [*ids, *([quality] if quality else [])],
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

    def settle(self) -> None:
        """Sweeps folders that no record names: what a kill, a hold or an older attempt left."""
        releases = self.way.journal.state(self.contract.id).releases.get(self.product, ())
        sweep(self.folder, {Path(release.body["release"]["folder"]).name for release in releases})
