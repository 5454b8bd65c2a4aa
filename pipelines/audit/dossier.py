"""The dossier of one release, from the journal and the contract: the way to it, what was checked, screened, decided and treated, what
happened since, and how to verify it. No row is read; names are those that the contract declares, findings are counts and keyed hashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from catalog.canonical import plain
from catalog.contract import Contract
from catalog.errors import DefinitionError, LakeError
from pipelines.audit.chains import Chain, check_chain, read_chain, sealed
from pipelines.audit.proofs import proofs
from pipelines.journal import CITY, Record
from pipelines.products import Outward
from pipelines.spool import raw_path
from pipelines.state import State
from pipelines.verdicts import leaving
from pipelines.way import Way, table
from quality.score import score

Part = dict[str, Any]
FORMAT = "citylake dossier 1"
_BATCH = ("id", "source", "file", "sha256", "fetched_sha256", "raw", "raw_form", "time", "rows", "bad_records", "options", "findings", "cleared")
_SINCE = {"publish": ("portal", "action", "shown", "published", "person"), "rollback": ("from", "to", "reason", "person"),
          "withdrawing": ("tombstone", "person"), "withdrawn": ("person",), "accepted": ("portal", "fields", "reason", "person")}


def dossier(way: Way, dataset: str, product: str, release: str | None = None) -> Part:
    """Everything about a release (`r2`; the one in force, else the newest, where none is named) in one JSON-able document.

    Raises DefinitionError for a release that there never was, LakeError for a journal that makes no sense or was changed: a dossier shows
    nothing that somebody put there.
    """
    contract = way.contract(dataset)
    chain = _trusted(way, dataset)
    try:
        state = chain.state()
        if state is None:
            raise KeyError
        return _dossier(way, contract, chain, state, _named(chain, state, product, release))
    except (KeyError, TypeError, AttributeError):
        raise LakeError("The journal cannot be understood.", dataset=dataset, remedy="Run `citylake audit verify`.") from None


def _trusted(way: Way, dataset: str) -> Chain:
    """The chain of a dataset; LakeError where one of its records, or of the city's seals, is not the one that others attest."""
    city, chain = read_chain(way.journal, CITY), read_chain(way.journal, dataset)
    seals = sealed(city)
    for one in (city, chain):
        if any(check_chain(one, seals.get(one.name, {}))):
            raise LakeError("The journal has been changed, and a dossier would show what somebody put there.", dataset=dataset,
                            remedy="Run `citylake audit verify`: it names the records.")
    return chain


def _named(chain: Chain, state: State, product: str, release: str | None) -> Record:
    """The record that made the release."""
    chosen = state.release(product) or state.newest(product)
    number = release.removeprefix("r") if release else str(chosen.number) if chosen else ""
    for _, record in sorted(chain.records.items()):
        made = record.body.get("release")
        if made and record.body["target"] == product and str(made["number"]) == number:
            return record
    raise DefinitionError("There is no such release.", dataset=state.dataset, remedy="See `citylake release list`.")


def _dossier(way: Way, contract: Contract, chain: Chain, state: State, record: Record) -> Part:
    body, made = record.body, record.body["release"]
    product, name = contract.product_id(body["target"]), body["target"]
    steps = list(_way_to(way, contract.id, body["silver"]["version"], record.seq))
    head = {
        "format": FORMAT, "product": product, "release": f"r{made['number']}", "hash": made["hash"], "rows": made["rows"], "at": record.at,
        "title": plain(contract.product(name).title or contract.fields.title), "city": plain(way.city.name), "zone": way.city.zone,
        "department": {"id": contract.department, **plain(way.city.departments[contract.department].name)},
        "tier": body["tier"], "standing": standing(state, name, made["number"]), "ruling": body.get("ruling", {}).get("ruling"),
        "policy": body.get("ruling", {}).get("policy"), "rules": body["rules"], "operation": body["op"],
        "contract": {"then": made["contract_version"], "today": contract.version},
        "tables": {body[layer]["name"]: body[layer]["version"] for layer in ("silver", "gold")},
    }
    journal = _journal(way, chain, record)
    raw = sorted({batch["raw"] for step in steps for batch in step["batches"] if batch["raw"]})
    places = [raw_path(way.settings, sha) for sha in raw]
    return {
        **head, "way": steps, "checks": _checks(steps[-1]),
        "screening": {part: plain(body.get(part)) for part in ("findings", "verdict", "disclosure", "exposure")},
        "protection": plain(body.get("protection") or {}), "treatments": treatments(way, contract, name, body), "stays": _stays(contract, made, body),
        "holds": list(_holds(way, steps, name, body, record)), "since": list(_since(chain, name, record)), "files": plain(made["files"]),
        "manifest": made["manifest"], "folder": made["folder"], "journal": journal,
        "verify": plain(proofs(product, head | {"files": made["files"]}, journal,
                               [path.relative_to(way.settings.lake).as_posix() for path in places if path.exists()])),
    }


def standing(state: State, product: str, number: int) -> str:
    """Whether a release is in force, older, taken back by a rollback, or withdrawn with its product."""
    if product in state.withdrawn:
        return "withdrawn"
    if number in state.revoked.get(product, {}):
        return "taken back"
    chosen = state.release(product)
    return "in force" if chosen is not None and chosen.number == number else "older"


def treatments(way: Way, contract: Contract, product: str, body: Mapping[str, Any]) -> list[Part]:
    """How each column left: level and treatment. Records have a treatment's fingerprint; `how` is None where the contract's is another now."""
    outward = Outward(contract, contract.product(product), way.city.codes, way.city.zone)
    today, hows = leaving(outward), outward.treatments()
    shown = {column.name: column for column in outward.columns}
    measures = {column.name for column in outward.measures}
    found = []
    for name, left in body.get("leaving", {}).items():
        how = {"do": "aggregate"} if name in measures else hows[name].model_dump(mode="json", exclude_none=True) if name in hows else None
        column = shown.get(name)
        if name:
            found.append({"column": name, "label": column.label if column else name, "label_en": column.label_en if column else name,
                          "level": left.split(" ")[0], "how": how if today.get(name) == left else None})
    return found


def _stays(contract: Contract, made: Mapping[str, Any], body: Mapping[str, Any]) -> list[Part] | None:
    """The columns that did not leave; None where the contract is another now, for the record does not name them."""
    if made["contract_version"] != contract.version:
        return None
    return [{"column": column.name, "label": column.label, "level": column.level} for column in contract.columns
            if column.name not in body.get("leaving", {})]


def _way_to(way: Way, dataset: str, version: int, before: int | None = None) -> Iterator[Part]:
    """The refinement behind a version of silver, after those behind its inputs: batches, versions, counts."""
    chain, silver = _trusted(way, dataset), table("silver", dataset)
    made = [record for record in _before(chain, before) if record.kind == "refine" and record.body.get("tables", {}).get(silver) == version]
    if not made:
        raise KeyError(silver)
    record, contract = made[-1], way.city.contracts.get(dataset)
    inputs = record.body["inputs"]
    for item in inputs.values():
        _layer, department, name = item["name"].split("/")[:3]
        if f"{department}.{name}" != dataset:
            yield from _way_to(way, f"{department}.{name}", item["version"])
    versions = {item["name"]: item["version"] for item in inputs.values()} | record.body["tables"]
    erased = {gone["id"] for one in _before(chain, record.seq) if one.kind == "erasing" for gone in one.body["erased"]}
    yield {
        "dataset": dataset, "title": plain(contract.fields.title) if contract else None, "record": record.seq, "at": record.at,
        "contract_version": record.body["contract_version"], "versions": versions, "counts": dict(record.body["counts"]),
        "sources": {source.id: source.system for source in contract.sources} if contract else {},
        "batches": [{"record": one.seq, "at": one.at, **{name: plain(batch.get(name)) for name in _BATCH}}
                    for one in _before(chain, record.seq) for batch in one.body.get("batches", ()) if batch["id"] not in erased],
        "kept_out": [{"record": one.seq, "at": one.at, "id": item["batch"], "source": item["source"], "findings": plain(item["findings"])}
                     for one in _before(chain, record.seq) for item in one.body.get("refused", ())],
        "findings": plain(record.body["verdict"]["findings"]), "approval": record.body.get("approval"),
    }


def _before(chain: Chain, seq: int | None) -> Iterator[Record]:
    return (record for number, record in sorted(chain.records.items()) if seq is None or number < seq)


def _checks(step: Mapping[str, Any]) -> Part:
    found = score(step["findings"])
    return {"overall": found.overall, "dimensions": dict(found.dimensions), "findings": step["findings"]}


def _holds(way: Way, steps: list[Part], product: str, body: Mapping[str, Any], made: Record) -> Iterator[Part]:
    """What waited for a person on the way to this release, what was decided about it, and whether the release rests on it."""
    rests = {*body.get("rests_on", ()), *(step["approval"] for step in steps)}
    for step in steps:
        chain = read_chain(way.journal, step["dataset"])
        last = step is steps[-1]
        records = list(_before(chain, made.seq if last else step["record"]))
        decisions = [record for record in records if record.kind == "decision"]
        holds = {hold["id"]: (record, hold) for record in reversed(records) for hold in record.body.get("holds", ())
                 if hold["step"] != "serve" or (last and hold.get("target") == product)}
        for name, (record, hold) in sorted(holds.items(), key=lambda item: item[1][0].seq):
            yield {"dataset": step["dataset"], "hold": name, "record": record.seq, "at": record.at, "step": hold["step"], "role": hold["role"],
                   "findings": plain(hold["findings"]),
                   "decisions": [_decision(way, one, rests) for one in decisions if one.body["hold"] == name]}


def _decision(way: Way, record: Record, rests: set[str | None]) -> Part:
    person = way.city.people.get(record.body["person"])
    return {"record": record.seq, "at": record.at, **{name: record.body.get(name) for name in ("id", "person", "verdict", "reason", "until")},
            "name": person.name if person else None, "roles": list(person.roles) if person else [], "rested_on": record.body["id"] in rests}


def _since(chain: Chain, product: str, made: Record) -> Iterator[Part]:
    """What happened to the product after the release: shown on portals, judged again, rolled back, withdrawn, erased."""
    for seq, record in sorted(chain.records.items()):
        body = record.body
        if seq <= made.seq:
            continue
        if record.kind in _SINCE and body.get("product") == product:
            yield {"record": seq, "at": record.at, "act": record.kind, **{name: plain(body.get(name)) for name in _SINCE[record.kind]}}
        elif record.kind == "serve" and body.get("target") == product and not body.get("release"):
            yield {"record": seq, "at": record.at, "act": "judged", "outcome": body["outcome"], "rules": body["rules"],
                   "ruling": body.get("ruling", {}).get("ruling")}
        elif record.kind == "erase" and made.body["release"]["number"] in body["releases"].get(product, ()):
            yield {"record": seq, "at": record.at, "act": "erase"}


def _journal(way: Way, chain: Chain, record: Record) -> Part:
    """The record of the release, and the first seal of the city that covers it."""
    city, found = read_chain(way.journal, CITY), None
    for seq, one in sorted(city.records.items()):
        head = one.body.get("heads", {}).get(chain.name) if one.kind == "seal" else None
        if head and head[0] >= record.seq:
            found = {"record": seq, "at": one.at, "head": head[0], "sha256": head[1], "file": city.place(seq)}
            break
    return {"record": record.seq, "at": record.at, "file": chain.place(record.seq), "sha256": record.sha, "before": record.prev, "sealed": found}
