"""One dataset's way in one readable structure, from its journal alone: no value, no name that the contract does not declare."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import groupby
from typing import Any

from catalog.canonical import plain
from catalog.errors import LakeError
from pipelines.audit.chains import Chain, read_chain
from pipelines.journal import Record
from pipelines.way import Way

Part = dict[str, Any]


def show(way: Way, dataset: str) -> Part:
    """Batches, refinements, releases, holds, decisions and publications in their order; JSON-able.

    Raises DefinitionError for a dataset that neither the city nor the journal knows, LakeError for a journal that makes no sense.
    """
    try:
        return _shown(way, dataset)
    except (KeyError, TypeError, AttributeError):
        raise LakeError("The journal cannot be understood.", dataset=dataset, remedy="Run `citylake audit verify`.") from None


def _shown(way: Way, dataset: str) -> Part:
    chain = read_chain(way.journal, dataset)
    contract = way.city.contracts.get(dataset) if chain.hashes else way.contract(dataset)
    state, last = chain.state(), max(chain.records, default=0)
    parts = {name: [part for record in _records(chain) for part in build(record)] for name, build in _PARTS.items()}
    return {
        "dataset": dataset, "title": plain(contract.title) if contract else None,
        "contract_version": contract.version if contract else None,
        "records": len(chain.hashes), "head": chain.hashes.get(last), "tables": dict(state.tables) if state else {},
        "open_holds": sorted(state.holds) if state else [], "withdrawn": sorted(state.withdrawn) if state else [],
        **parts, "elsewhere": list(_elsewhere(chain, {part["record"] for found in parts.values() for part in found})),
    }


def _elsewhere(chain: Chain, shown: Collection[int]) -> Iterator[Part]:
    """Runs of records that are no act of their own: from which to which number, when the first was made (``: not known), of what kinds."""
    last = max([*chain.records, *chain.hashes], default=0)
    for seen, numbers in groupby(range(1, last + 1), key=lambda number: number in shown):
        run = list(numbers)
        if not seen:
            records = [chain.records.get(number) for number in run]
            kinds = dict.fromkeys(record.kind if record is not None else "unreadable" for record in records)
            yield {"from": run[0], "to": run[-1], "at": next((record.at for record in records if record is not None), ""), "kinds": list(kinds)}


def _records(chain: Chain) -> Iterator[Record]:
    return (record for _, record in sorted(chain.records.items()))


def _of(record: Record, body: Mapping[str, Any], *names: str) -> Part:
    return {"record": record.seq, "at": record.at, **{name: plain(body.get(name)) for name in names}}


def _batches(record: Record) -> Iterator[Part]:
    names = ("id", "source", "file", "sha256", "fetched_sha256", "raw", "raw_form", "time", "rows", "bad_records", "resubmitted_by", "findings")
    for batch in record.body.get("batches", ()):
        yield {**_of(record, batch, *names), "outcome": "admitted"}
    for hold in record.body.get("holds", ()):
        if "batch" in hold:
            yield {**_of(record, hold["batch"], *names), "outcome": "held", "findings": plain(hold["findings"])}
    for item in record.body.get("refused", ()):
        yield {**_of(record, {**item, "id": item["batch"]}, "id", "source", "findings"), "outcome": "refused"}
    for item in record.body.get("skipped", ()):
        yield {**_of(record, item, "source", "sha256", "reason", "batch"), "outcome": "skipped"}


def _refinements(record: Record) -> Iterator[Part]:
    if record.kind == "refine":
        body = record.body
        findings, versions = body["verdict"]["findings"], body["verdict"]["subject"]
        failed = [found for found in findings if not found["passed"]]
        yield {**_of(record, body, "outcome", "inputs", "counts", "contract_version", "approval"),
               "versions": plain(versions), "checks": len(findings), "findings": plain(failed)}


def _releases(record: Record) -> Iterator[Part]:
    body, release = record.body, record.body.get("release")
    if release:
        yield {**_of(record, body, "tier", "approval", "silver", "gold"), "product": body["target"], "release": f"r{release['number']}",
               **{name: plain(release[name]) for name in ("hash", "rows", "folder", "files", "contract_version")}}


def _holds(record: Record) -> Iterator[Part]:
    for hold in record.body.get("holds", ()):
        yield _of(record, hold, "id", "step", "target", "role", "approvable", "findings")


def _decisions(record: Record) -> Iterator[Part]:
    if record.kind == "decision":
        yield _of(record, record.body, "id", "hold", "person", "verdict", "reason", "until")


def _publications(record: Record) -> Iterator[Part]:
    if record.kind == "publish":
        yield {**_of(record, record.body, "portal", "product", "action", "shown", "fingerprint", "person"), "release": record.body["published"]}


def _withdrawals(record: Record) -> Iterator[Part]:
    if record.kind in ("withdrawing", "withdrawn"):
        yield {**_of(record, record.body, "product", "tombstone", "person"), "act": record.kind}


def _rollbacks(record: Record) -> Iterator[Part]:
    if record.kind == "rollback":
        yield _of(record, record.body, "product", "from", "to", "reason", "person")


def _erasures(record: Record) -> Iterator[Part]:
    if record.kind == "erasing":
        yield {**_of(record, record.body, "rule", "retention_days"), "act": record.kind, "batches": [item["id"] for item in record.body["erased"]],
               "held": [item["id"] for item in record.body["held"]]}
    elif record.kind == "erase":
        yield {**_of(record, record.body, "releases"), "act": record.kind, "batches": plain(record.body["gone"])}


def _accepted(record: Record) -> Iterator[Part]:
    if record.kind == "accepted":
        yield _of(record, record.body, "portal", "product", "fields", "reason", "person")


_PARTS: Mapping[str, Callable[[Record], Iterator[Part]]] = {
    "batches": _batches, "refinements": _refinements, "releases": _releases, "holds": _holds, "decisions": _decisions,
    "publications": _publications, "withdrawals": _withdrawals, "rollbacks": _rollbacks, "accepted": _accepted,
    "erasures": _erasures,
}
