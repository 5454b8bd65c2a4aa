"""What is new at a dataset's sources: offers fetched into the spool, unpacked, parsed and judged, ready for ingest.

Also what was held before and may be judged again, because its terms or a decision have changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from catalog.canonical import fingerprint, plain
from catalog.contract import Contract
from catalog.errors import BadInput
from catalog.extension import Source
from pipelines.admission import Admission, Arriving, admit, seen_again, terms, unreadable
from pipelines.arrivals import Arrival, arrivals, connector_of
from pipelines.boundary import boundary
from pipelines.connectors import Connector, Fetched, Offer, Unsettled
from pipelines.formats.every_text import every_text
from pipelines.parsing import CORRECTIONS, Parsed, parse
from pipelines.refusals import came_to, refused_before
from pipelines.spool import HOLDING_DAYS, copy_private, digest, held_around, held_bytes, overdue, spool_of
from pipelines.state import Hold, State
from pipelines.way import Way
from privacy.collection import Earlier
from privacy.secrecy import Watch


@dataclass(frozen=True)
class Item:
    """One batch on its way: its bytes, its candidate and its verdict."""

    id: str
    source: str
    offer: str
    payload: Path
    filename: str
    sha256: str
    fetched_sha256: str
    order: int
    time: str | None
    label: str | None
    admission: Admission
    parsed: Parsed | None
    subject: str
    resubmitted_by: str | None = None
    around: str = ""
    doubt: str = ""
    cleared: str = ""

    @property
    def candidate(self) -> Path:
        if self.parsed is None:
            raise AssertionError("an unreadable batch has no candidate")
        return self.parsed.candidate

    @property
    def declared_only(self) -> bool:
        """Whether the file holds more than the declared columns, so that raw may not keep it whole."""
        return self.parsed is not None and self.parsed.extra

    @property
    def raw(self) -> Path:
        return self.candidate if self.declared_only else self.payload

    @property
    def raw_sha256(self) -> str:
        return digest(self.candidate) if self.declared_only else self.sha256

    def entry(self) -> Mapping[str, Any]:
        """The journal's entry: no file name unless the contract spells it out, no header, no value."""
        parsed = self.parsed
        return {
            "id": self.id, "source": self.source, "offer": self.offer, "file": self.label, "sha256": self.sha256,
            "fetched_sha256": self.fetched_sha256, "time": self.time, "order": self.order,
            "rows": parsed.rows if parsed else 0, "bad_records": parsed.bad if parsed else 0,
            "raw": self.raw_sha256 if self.admission.outcome == "admitted" else None,
            "raw_form": "declared" if self.declared_only else "original",
            "options": plain(parsed.options) if parsed else {}, "resubmitted_by": self.resubmitted_by,
            **({"cleared": self.cleared} if self.cleared else {}),
            "findings": plain([found for found in self.admission.findings if not found.passed or found.severity != "block"]),
        }


@dataclass
class Intake:
    """Everything that one ingest will record."""

    seen: int
    items: list[Item] = field(default_factory=list)
    offers: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, Any]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    wiped: list[str] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.items or self.offers or self.skipped or self.closed)

    def of(self, outcome: str) -> list[Item]:
        return [item for item in self.items if item.admission.outcome == outcome]


def collect(way: Way, contract: Contract, state: State) -> Intake:
    """Looks at held batches first, then at every source; fetches and judges what is new."""
    intake = Intake(state.seen)
    _reconsider(way, contract, state, intake)
    for source in contract.sources:
        _source(way, contract, state, source, intake)
    return intake


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


def entry_of(way: Way, contract: Contract, source: Source, offer: Offer) -> dict[str, Any]:
    """An offer as the journal knows it: under its alias, with the terms it would be judged by."""
    name = way.alias(f"{contract.id}/{source.id}/{offer.key}")
    return {"source": source.id, "offer": name, "fingerprint": offer.fingerprint, "terms": terms(way, contract)}


def dealt_with(state: State, entry: Mapping[str, Any]) -> bool:
    """Whether exactly this offer has been taken, or refused under terms that still hold; it is not fetched again."""
    known = state.offers.get(f"{entry['source']}/{entry['offer']}")
    if known is None or known["fingerprint"] != entry["fingerprint"]:
        return False
    return known["outcome"] in ("taken", "skipped") or (known["outcome"] == "refused" and known["terms"] == entry["terms"])


def _take(
    way: Way, contract: Contract, state: State, source: Source, connector: Connector, offer: Offer, intake: Intake
) -> None:
    entry = entry_of(way, contract, source, offer)
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
    if refused_before(state, entry, bytes_):
        intake.offers += [{**entry, "outcome": "refused", "bytes": bytes_}] if reached else []
        return                          # known, and there is nothing new to tell
    repeated = _repeated(contract, state, source.id, fetched.sha256, intake)
    if repeated:
        intake.skipped.append({"source": source.id, "offer": name, "sha256": fetched.sha256, "reason": "same content", "batch": repeated})
        intake.offers.append({**entry, "outcome": "skipped"})
        return
    before = len(intake.items)
    for arrival in arrivals(connector, name, fetched, folder, offer.time, connector.label(offer)):
        _batch(way, contract, state, source, intake, arrival)
    intake.offers.append({**entry, **came_to([item.admission for item in intake.items[before:]], bytes_)})


def _missed(way: Way, contract: Contract, state: State, intake: Intake, entry: Mapping[str, Any], error: BadInput, name: str) -> None:
    """What cannot be listed or fetched waits as a hold without bytes, until a later run gets it."""
    known = state.offers.get(f"{entry['source']}/{entry['offer']}", {})
    admission = unreadable(error, way.policy, name)
    subject = fingerprint(entry["source"], entry["offer"], entry["fingerprint"], error.message)
    open_ = f"{contract.id}/ingest/{known.get('batch')}" in state.holds
    if known.get("subject") == subject and (open_ or state.rejected(subject)):
        return
    _reached(contract, state, intake, entry)
    folder = spool_of(way.settings, contract.id, f"missed-{entry['offer']}")
    intake.folders.append(folder)
    payload = folder / "payload"
    payload.touch(mode=0o600)
    intake.seen += 1
    intake.items.append(Item(f"b{intake.seen:06d}", entry["source"], entry["offer"], payload, "", digest(payload), "", intake.seen,
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


def _repeated(contract: Contract, state: State, source: str, sha256: str, intake: Intake) -> str | None:
    """The batch that already brought exactly these bytes, or waits with them. Of a snapshot's admitted batches only the newest
    counts: A, B, A is a return to A.
    """
    known = [(item.id, {item.sha256, item.fetched_sha256}) for item in intake.of("admitted") if item.source == source]
    known = [(batch.id, {batch.sha256, batch.body["fetched_sha256"]}) for batch in state.batches if batch.source == source] + known
    if contract.fields.merge == "snapshot":
        known = known[-1:]
    waiting = [(hold.target, hold.body["batch"]) for hold in state.holds.values() if hold.step == "ingest" and hold.body.get("batch")]
    known += [(target, {batch["sha256"], batch["fetched_sha256"]}) for target, batch in waiting if batch["source"] == source]
    known += [(batch, {body["sha256"], body["fetched_sha256"]}) for batch, body in state.forgotten.items()]     # erased: never again
    return next((batch for batch, hashes in known if sha256 in hashes), None)


def _batch(way: Way, contract: Contract, state: State, source: Source, intake: Intake, arrival: Arrival) -> None:
    sha256 = digest(arrival.payload)
    if arrival.fetched_sha256 != sha256:
        repeated = _repeated(contract, state, source.id, sha256, intake)
        if repeated:
            intake.skipped.append({"source": source.id, "offer": arrival.offer, "sha256": sha256, "reason": "same content", "batch": repeated})
            return
    intake.seen += 1
    item = _item(arrival, f"b{intake.seen:06d}", source.id, sha256, intake.seen)
    intake.items.append(_judged(way, contract, state, source, intake, item, arrival))


def _item(arrival: Arrival, name: str, source: str, sha256: str, order: int, resubmitted_by: str | None = None) -> Item:
    """An item before its judgement. `order` counts for what has no time."""
    time = arrival.time
    return Item(name, source, arrival.offer, arrival.payload, arrival.filename, sha256, arrival.fetched_sha256,
                int(time.timestamp() * 1000) if time else order, time.isoformat() if time else None, arrival.label,
                Admission("held", ()), None, "", resubmitted_by, arrival.around)


def _rows_before(state: State, intake: Intake, item: Item) -> int | None:
    """Rows of the admitted batch just before this one in the order of time."""
    known = [(batch.order, batch.rows) for batch in state.batches if batch.source == item.source]
    known += [(other.order, other.parsed.rows) for other in intake.of("admitted") if other.source == item.source and other.parsed]
    earlier = [pair for pair in known if pair[0] < item.order]
    return max(earlier)[1] if earlier else None


def _siblings(intake: Intake, item: Item, now: datetime) -> tuple[Earlier, ...]:
    """Batches that the same ingest has admitted: the next one's limits count them. Files without a time of one ingest are one collection."""
    return tuple(
        Earlier(other.parsed.rows, datetime.fromisoformat(other.time) if other.time else now, other.source,
                other.offer if other.time else item.offer)
        for other in intake.of("admitted") if other.parsed and other.id != item.id)


def _judged(way: Way, contract: Contract, state: State, source: Source, intake: Intake, item: Item, arrival: Arrival) -> Item:
    corrected = item.source == CORRECTIONS
    parsed: Parsed | None = None
    candidate = arrival.folder / f"candidate-{arrival.number}.parquet"
    try:
        if arrival.trouble is not None:
            raise arrival.trouble
        parsed = _parsed(way, contract, source, item, candidate)
        arriving = Arriving(source, item.offer, datetime.fromisoformat(item.time) if item.time else way.clock(), item.filename, item.around,
                            corrected, _siblings(intake, item, way.clock()))
        admission = admit(way, contract, state, parsed, way.today(), _rows_before(state, intake, item), arriving)
    except BadInput as error:
        admission = unreadable(error, way.policy, item.filename, item.around, payload=item.payload)
    rules = [(found.rule, found.observed) for found in admission.findings if not found.passed]
    subject = fingerprint(item.sha256, rules)
    doubt, cleared = _doubt(way, contract, admission), ""
    if admission.outcome == "held" and admission.approvable:
        cleared = state.cleared(doubt, way.today())
        if cleared or state.approval(subject, way.today()):
            admission = replace(admission, outcome="admitted")
    return replace(item, parsed=parsed, admission=admission, subject=subject, doubt=doubt, cleared=cleared)


def _doubt(way: Way, contract: Contract, admission: Admission) -> str:
    """What an officer's word on a batch is about where nothing but doubts about known sets of values holds it: it counts for a later
    batch with the very same doubts. Otherwise ``.
    """
    blocking = [found for found in admission.findings if not found.passed and found.severity == "block"]
    sets = [(found.column, found.observed.get("sets", {})) for found in blocking]
    known = [set(found.observed.get("kinds", {})) == set(known) for found, (_, known) in zip(blocking, sets, strict=True)]
    if not blocking or any(found.rule != "doubt.personal" for found in blocking) or not all(known):
        return ""
    return fingerprint("doubt.personal", terms(way, contract), sorted((column, sorted(known.items())) for column, known in sets))


def _parsed(way: Way, contract: Contract, source: Source, item: Item, candidate: Path) -> Parsed:
    """The parsed file, with the secrecy cues of all that its candidate does not hold."""
    watch = Watch(way.policy)
    parsed = parse(contract, source, item.payload, item.filename, candidate, item.source == CORRECTIONS, watch)
    for texts in every_text(item.payload, bool(parsed.bad)) if parsed.more else ():
        watch.see(texts)
    parsed.beside = watch.counts
    return parsed


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
            item = _item(arrival, hold.target, body["source"], body["sha256"], body["order"], body.get("resubmitted_by"))
            intake.items.append(_judged(way, contract, state, source, intake, item, arrival))
        else:                           # a held archive opens at last: its members are batches of their own
            _batch(way, contract, state, source, intake, arrival)
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
    intake = Intake(seen=state.seen)
    name = way.alias(f"{contract.id}/{CORRECTIONS}/{digest(path)}")
    folder = spool_of(way.settings, contract.id, name)
    intake.folders.append(folder)
    payload = folder / "payload"
    copy_private(path, payload)
    sha256 = digest(payload)
    repeated = _repeated(contract, state, CORRECTIONS, sha256, intake)
    if repeated:
        intake.skipped.append({"source": CORRECTIONS, "offer": name, "sha256": sha256, "reason": "same content", "batch": repeated})
        return intake
    intake.seen += 1
    order = max([batch.order for batch in state.batches], default=0) + 1
    arrival = Arrival(name, payload, "", sha256, None, None, folder)
    item = _item(arrival, f"b{intake.seen:06d}", CORRECTIONS, sha256, order, person)
    intake.items.append(_judged(way, contract, state, source_of(contract, CORRECTIONS), intake, item, arrival))
    return intake


def source_of(contract: Contract, source: str) -> Source:
    """The declared source, or the one through which corrected rows come back."""
    found = next((item for item in contract.sources if item.id == source), None)
    if found:
        return found
    return Source(id=CORRECTIONS, system=contract.department, format={"name": "csv", "encoding": "utf-8-sig"})
