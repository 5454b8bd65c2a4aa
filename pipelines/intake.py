"""What is new at a dataset's sources: offers fetched into the spool, unpacked, parsed and judged, ready for ingest.

Also what was held before and may be judged again, because its terms or a decision have changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from catalog.canonical import fingerprint
from catalog.contract import Contract
from catalog.errors import BadInput
from catalog.extension import Source
from pipelines.admission import seen_again, terms, unreadable
from pipelines.arrivals import Arrival, arrivals, connector_of
from pipelines.boundary import boundary
from pipelines.connectors import Connector, Fetched, Offer, Unsettled
from pipelines.items import Intake, Item, batch_id
from pipelines.judging import item_of, judge_waiting, judged, read_one, wait
from pipelines.known import Known
from pipelines.parsing import CORRECTIONS
from pipelines.refusals import refused_bytes
from pipelines.spool import HOLDING_DAYS, copy_private, digest, held_around, held_bytes, overdue, spool_of
from pipelines.state import Hold, State
from pipelines.way import Way


def collect(way: Way, contract: Contract, state: State) -> Intake:
    """Looks at held batches first, then at every source; fetches and judges what is new."""
    intake = _begun(way, contract, state)
    _reconsider(way, contract, state, intake)
    for source in contract.sources:
        _source(way, contract, state, source, intake)
    return intake


def _begun(way: Way, contract: Contract, state: State) -> Intake:
    judged_by = terms(way, contract)
    return Intake(state.seen, Known(contract, state), judged_by, refused=refused_bytes(state, judged_by))


def _source(way: Way, contract: Contract, state: State, source: Source, intake: Intake) -> None:
    """Everything new at one source. One that cannot be listed is held like an unreadable file; the others go on."""
    connector = connector_of(way, contract, source)
    listing = entry_of(way, contract, source, Offer("", "", None))
    try:
        offers = list(connector.offers())
    except BadInput as error:
        _missed(way, contract, state, intake, listing, error, "")
        return
    if _reached(contract, state, intake, listing):
        intake.offers.append({**listing, "outcome": "taken"})
    for offer in offers:
        _take(way, contract, state, source, connector, offer, intake)
    judge_waiting(way, contract, state, intake)


def entry_of(way: Way, contract: Contract, source: Source, offer: Offer, judged_by: str = "") -> dict[str, Any]:
    """An offer as the journal knows it: under its alias, with the terms it would be judged by (`judged_by`, if they are known)."""
    name = way.alias(f"{contract.id}/{source.id}/{offer.key}")
    return {"source": source.id, "offer": name, "fingerprint": offer.fingerprint, "terms": judged_by or terms(way, contract)}


def dealt_with(state: State, entry: Mapping[str, Any]) -> bool:
    """Whether exactly this offer has been taken, or refused under terms that still hold; it is not fetched again."""
    known = state.offers.get(f"{entry['source']}/{entry['offer']}")
    if known is None or known["fingerprint"] != entry["fingerprint"]:
        return False
    return known["outcome"] in ("taken", "skipped") or (known["outcome"] == "refused" and known["terms"] == entry["terms"])


def _take(
    way: Way, contract: Contract, state: State, source: Source, connector: Connector, offer: Offer, intake: Intake
) -> None:
    entry = entry_of(way, contract, source, offer, intake.terms)
    if dealt_with(state, entry):
        return
    name = entry["offer"]
    folder = spool_of(way.settings, contract.id, name)
    intake.folders.append(folder)
    try:
        fetched = connector.fetch(offer, folder)
    except Unsettled:
        return                          # the next run lists it again
    except BadInput as error:
        _missed(way, contract, state, intake, entry, error, offer.key)
        return
    boundary("ingest/fetched")
    reached, bytes_ = _reached(contract, state, intake, entry), way.alias(f"{contract.id}/{source.id}/{fetched.sha256}")
    if bytes_ in intake.refused:
        intake.offers += [{**entry, "outcome": "refused", "bytes": bytes_}] if reached else []
        return                          # known, and there is nothing new to tell
    repeated = _repeated(way, contract, state, source.id, fetched.sha256, intake)
    if repeated:
        intake.skipped.append({"source": source.id, "offer": name, "sha256": fetched.sha256, "reason": "same content", "batch": repeated})
        intake.offers.append({**entry, "outcome": "skipped"})
        return
    before = intake.seen
    for arrival in arrivals(connector, name, fetched, folder, offer.time, connector.label(offer)):
        _batch(way, contract, state, source, intake, arrival)
    intake.ask(entry, before, bytes_)


def _repeated(way: Way, contract: Contract, state: State, source: str, sha256: str, intake: Intake) -> str | None:
    """The batch that already brought exactly these bytes. What waits is judged first where it may be the one."""
    found = intake.known.repeated(source, sha256)
    if intake.waiting and (found or sha256 in intake.brought):
        judge_waiting(way, contract, state, intake)
        found = intake.known.repeated(source, sha256)
    return found


def _missed(way: Way, contract: Contract, state: State, intake: Intake, entry: Mapping[str, Any], error: BadInput, name: str) -> None:
    """What cannot be listed or fetched waits as a hold without bytes, until a later run gets it."""
    known = state.offers.get(f"{entry['source']}/{entry['offer']}", {})
    admission = unreadable(error, way.policy, name)
    subject = fingerprint(entry["source"], entry["offer"], entry["fingerprint"], error.message)
    open_ = f"{contract.id}/ingest/{known.get('batch')}" in state.holds
    if known.get("subject") == subject and (open_ or state.rejected(subject)):
        return
    _reached(contract, state, intake, entry)
    judge_waiting(way, contract, state, intake)
    folder = spool_of(way.settings, contract.id, f"missed-{entry['offer']}")
    intake.folders.append(folder)
    payload = folder / "payload"
    payload.touch(mode=0o600)
    intake.seen += 1
    intake.add(Item(batch_id(intake.seen), entry["source"], entry["offer"], payload, "", digest(payload), "", intake.seen,
                    None, None, admission, None, subject))
    intake.offers.append({**entry, "outcome": "missed", "batch": intake.items[-1].id, "subject": subject})


def _reached(contract: Contract, state: State, intake: Intake, entry: Mapping[str, Any]) -> bool:
    """Closes the hold of what could not be fetched before; False when there was none."""
    known = state.offers.get(f"{entry['source']}/{entry['offer']}", {})
    if known.get("outcome") != "missed":
        return False
    intake.closed.append(f"{contract.id}/ingest/{known['batch']}")
    intake.wiped.append(known["batch"])
    return True


def _batch(way: Way, contract: Contract, state: State, source: Source, intake: Intake, arrival: Arrival) -> None:
    sha256 = digest(arrival.payload)
    if arrival.fetched_sha256 != sha256:
        repeated = _repeated(way, contract, state, source.id, sha256, intake)
        if repeated:
            intake.skipped.append({"source": source.id, "offer": arrival.offer, "sha256": sha256, "reason": "same content", "batch": repeated})
            return
    intake.seen += 1
    item = item_of(arrival, batch_id(intake.seen), source.id, sha256, intake.seen)
    wait(way, contract, state, intake, read_one(way, contract, source, item, arrival))


def _reconsider(way: Way, contract: Contract, state: State, intake: Intake) -> None:
    late = {*overdue(way.settings, contract.id, way.clock()), *_late(way, state)}
    for hold in [hold for hold in state.holds.values() if hold.step == "ingest"]:
        if state.rejected(hold.subject) or hold.target in late:
            intake.closed.append(hold.id)
            intake.wiped.append(hold.target)
        elif state.approval(hold.subject, way.today()) or _terms_changed(way, contract, state, hold) or seen_again(hold.findings):
            _again(way, contract, state, hold, intake)


def _late(way: Way, state: State) -> list[str]:
    """Batches that wait for more than 30 days since they were first recorded, however often they were judged and copied again."""
    limit = way.clock() - timedelta(days=HOLDING_DAYS)
    return [hold.target for hold in state.holds.values() if hold.step == "ingest" and datetime.fromisoformat(hold.at) < limit]


def _terms_changed(way: Way, contract: Contract, state: State, hold: Hold) -> bool:
    return hold.body.get("terms") != terms(way, contract)


def _again(way: Way, contract: Contract, state: State, hold: Hold, intake: Intake) -> None:
    held = held_bytes(way.settings, contract.id, hold.target)
    if held is None:
        intake.closed.append(hold.id)
        return
    body = hold.body["batch"]
    if not body["fetched_sha256"]:
        return                          # nothing was fetched: only its source can bring it
    source, around = source_of(contract, body["source"]), held_around(way.settings, contract.id, hold.target)
    folder = spool_of(way.settings, contract.id, f"again-{hold.target}")
    intake.folders.append(folder)
    found = _reopened(way, contract, source, body, held, folder, around)
    for arrival in found:
        if arrival.payload == held[0]:
            item = item_of(arrival, hold.target, body["source"], body["sha256"], body["order"], body.get("resubmitted_by"))
            intake.add(judged(way, contract, state, intake, read_one(way, contract, source, item, arrival)))
        else:                           # a held archive opens at last: its members are batches of their own
            _batch(way, contract, state, source, intake, arrival)
    judge_waiting(way, contract, state, intake)
    if all(arrival.payload != held[0] for arrival in found):
        intake.wiped.append(hold.target)
    intake.closed.append(hold.id)


def _reopened(
    way: Way, contract: Contract, source: Source, body: Mapping[str, Any], held: tuple[Path, str], folder: Path, around: str
) -> list[Arrival]:
    """Held bytes as they would arrive today: under the contract's present options."""
    payload, filename = held
    time = datetime.fromisoformat(body["time"]) if body["time"] else None
    if source.id == CORRECTIONS:
        return [Arrival(body["offer"], payload, filename, body["fetched_sha256"], time, body["file"], folder, around=around)]
    connector = connector_of(way, contract, source)
    fetched = Fetched(payload, filename, body["fetched_sha256"], payload.stat().st_size)
    return arrivals(connector, body["offer"], fetched, folder, connector.time_of(filename) or time, body["file"], around)


def submitted(way: Way, contract: Contract, state: State, path: Path, person: str) -> Intake:
    """An intake of one file of corrected rows, handed in by a person. Its name is theirs and goes into no record."""
    intake = _begun(way, contract, state)
    name = way.alias(f"{contract.id}/{CORRECTIONS}/{digest(path)}")
    folder = spool_of(way.settings, contract.id, name)
    intake.folders.append(folder)
    payload = folder / "payload"
    copy_private(path, payload)
    sha256 = digest(payload)
    repeated = intake.known.repeated(CORRECTIONS, sha256)
    if repeated:
        intake.skipped.append({"source": CORRECTIONS, "offer": name, "sha256": sha256, "reason": "same content", "batch": repeated})
        return intake
    intake.seen += 1
    order = max([batch.order for batch in state.batches], default=0) + 1
    arrival = Arrival(name, payload, "", sha256, None, None, folder)
    item = item_of(arrival, batch_id(intake.seen), CORRECTIONS, sha256, order, person)
    intake.add(judged(way, contract, state, intake, read_one(way, contract, source_of(contract, CORRECTIONS), item, arrival)))
    return intake


def source_of(contract: Contract, source: str) -> Source:
    """The declared source, or the one through which corrected rows come back."""
    found = next((item for item in contract.sources if item.id == source), None)
    if found:
        return found
    return Source(id=CORRECTIONS, system=contract.department, format={"name": "csv", "encoding": "utf-8-sig"})
