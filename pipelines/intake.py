"""What is new at a dataset's sources: offers fetched into the spool, unpacked, parsed and judged, ready for ingest.

Also what was held before and may be judged again, because its terms or a decision have changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from catalog.contract import Contract, fingerprint, plain
from catalog.errors import BadInput, Refused
from catalog.extension import Source
from pipelines.admission import Admission, admit, terms, unreadable
from pipelines.boundary import boundary
from pipelines.connectors import Connector, Offer, connectors
from pipelines.connectors.archives import is_archive, unpack
from pipelines.parsing import Parsed, parse
from pipelines.spool import copy_private, digest, held_bytes, overdue, spool_of
from pipelines.state import Hold, State
from pipelines.way import Way

CORRECTIONS = "corrections"     # the source id of resubmitted rows


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
        for offer in _offers(way, contract, source):
            _take(way, contract, state, source, offer, intake)
    return intake


def connector_of(way: Way, contract: Contract, source: Source) -> Connector:
    """The connector of a source, rooted at its system's folder. Refuses excluded departments before any fetch."""
    excluded = way.policy.excludes(contract)
    if excluded:
        raise Refused("The negative list forbids to collect this dataset.", dataset=contract.id,
                      remedy=f"See entry {excluded} of the negative list.")
    system = way.city.systems[source.system]
    kind = connectors()[source.connector]
    return kind(kind.Options.model_validate(source.options), way.settings.sources / system.root)


def _offers(way: Way, contract: Contract, source: Source) -> Iterator[tuple[Connector, Offer]]:
    connector = connector_of(way, contract, source)
    for offer in connector.offers():
        yield connector, offer


def _take(way: Way, contract: Contract, state: State, source: Source, found: tuple[Connector, Offer], intake: Intake) -> None:
    connector, offer = found
    name = way.alias(f"{contract.id}/{source.id}/{offer.key}")
    known = state.offers.get(f"{source.id}/{name}")
    judged = terms(way, contract)
    if known and known["fingerprint"] == offer.fingerprint and (known["outcome"] != "refused" or known["terms"] == judged):
        return
    folder = spool_of(way.settings, contract.id, name)
    intake.folders.append(folder)
    fetched = connector.fetch(offer, folder)
    boundary("ingest/fetched")
    entry = {"source": source.id, "offer": name, "fingerprint": offer.fingerprint, "terms": judged}
    repeated = _repeated(contract, state, source.id, fetched.sha256, intake)
    if repeated:
        intake.skipped.append({"source": source.id, "offer": name, "sha256": fetched.sha256, "reason": "same content", "batch": repeated})
        intake.offers.append({**entry, "outcome": "skipped"})
        return
    before = len(intake.items)
    for number, (payload, filename, time, label) in enumerate(_members(connector, offer, fetched, folder)):
        _batch(way, contract, state, source, intake, _Arrival(name, payload, filename, fetched.sha256, time, label, folder, number))
    outcomes = {item.admission.outcome for item in intake.items[before:]}
    intake.offers.append({**entry, "outcome": "refused" if outcomes == {"refused"} else "taken"})


def _repeated(contract: Contract, state: State, source: str, sha256: str, intake: Intake) -> str | None:
    """The batch that already brought exactly these bytes. For snapshots only the newest counts: A, B, A is a return to A."""
    known = [(item.id, {item.sha256, item.fetched_sha256}) for item in intake.of("admitted") if item.source == source]
    known = [(batch.id, {batch.sha256, batch.body["fetched_sha256"]}) for batch in state.batches if batch.source == source] + known
    if contract.fields.merge == "snapshot":
        known = known[-1:]
    return next((batch for batch, hashes in known if sha256 in hashes), None)


@dataclass(frozen=True)
class _Arrival:
    offer: str
    payload: Path
    filename: str
    fetched_sha256: str
    time: Any
    label: str | None
    folder: Path
    number: int


def _members(connector: Connector, offer: Offer, fetched: Any, folder: Path) -> Iterator[tuple[Path, str, Any, str | None]]:
    """The files inside an archive, in their order, or the fetched file itself."""
    label = connector.label(offer)
    if not is_archive(fetched.path):
        yield fetched.path, fetched.filename, offer.time, label
        return
    for member in unpack(fetched.path, folder / "members", **connector.unpacking()):
        yield member.path, member.name, member.time or offer.time, label


def _batch(way: Way, contract: Contract, state: State, source: Source, intake: Intake, arrival: _Arrival) -> None:
    sha256 = digest(arrival.payload)
    if arrival.fetched_sha256 != sha256:
        repeated = _repeated(contract, state, source.id, sha256, intake)
        if repeated:
            intake.skipped.append({"source": source.id, "offer": arrival.offer, "sha256": sha256, "reason": "same content", "batch": repeated})
            return
    intake.seen += 1
    order = int(arrival.time.timestamp() * 1000) if arrival.time else intake.seen
    time = arrival.time.isoformat() if arrival.time else None
    item = Item(f"b{intake.seen:06d}", source.id, arrival.offer, arrival.payload, arrival.filename, sha256,
                arrival.fetched_sha256, order, time, arrival.label, Admission("held", ()), None, "")
    intake.items.append(_judged(way, contract, state, source, intake, item, arrival.folder / f"candidate-{arrival.number}.parquet"))


def _rows_before(state: State, intake: Intake, item: Item) -> int | None:
    """Rows of the admitted batch just before this one in the order of time."""
    known = [(batch.order, batch.rows) for batch in state.batches if batch.source == item.source]
    known += [(other.order, other.parsed.rows) for other in intake.of("admitted") if other.source == item.source and other.parsed]
    earlier = [pair for pair in known if pair[0] < item.order]
    return max(earlier)[1] if earlier else None


def _judged(way: Way, contract: Contract, state: State, source: Source, intake: Intake, item: Item, candidate: Path) -> Item:
    corrected = item.source == CORRECTIONS
    parsed: Parsed | None = None
    try:
        parsed = parse(contract, source, item.payload, item.filename, candidate, corrected)
        admission = admit(way, contract, state, parsed, way.today(), _rows_before(state, intake, item))
    except BadInput as error:
        admission = unreadable(error)
    rules = [(found.rule, found.observed) for found in admission.findings if not found.passed]
    subject = fingerprint(item.sha256, rules)
    if admission.outcome == "held" and admission.approvable and state.approval(subject, way.today()):
        admission = replace(admission, outcome="admitted")
    return replace(item, parsed=parsed, admission=admission, subject=subject)


def _reconsider(way: Way, contract: Contract, state: State, intake: Intake) -> None:
    late = set(overdue(way.settings, contract.id, way.clock()))
    for hold in [hold for hold in state.holds.values() if hold.step == "ingest"]:
        if state.rejected(hold.subject) or hold.target in late:
            intake.closed.append(hold.id)
            intake.wiped.append(hold.target)
        elif state.approval(hold.subject, way.today()) or _terms_changed(way, contract, state, hold):
            _again(way, contract, state, hold, intake)


def _terms_changed(way: Way, contract: Contract, state: State, hold: Hold) -> bool:
    return hold.body.get("terms") != terms(way, contract)


def _again(way: Way, contract: Contract, state: State, hold: Hold, intake: Intake) -> None:
    held = held_bytes(way.settings, contract.id, hold.target)
    if held is None:
        intake.closed.append(hold.id)
        return
    body = hold.body["batch"]
    source = source_of(contract, body["source"])
    folder = spool_of(way.settings, contract.id, f"again-{hold.target}")
    intake.folders.append(folder)
    item = Item(hold.target, body["source"], body["offer"], held[0], held[1], body["sha256"], body["fetched_sha256"],
                body["order"], body["time"], body["file"], Admission("held", ()), None, "", body.get("resubmitted_by"))
    intake.items.append(_judged(way, contract, state, source, intake, item, folder / "candidate-0.parquet"))
    intake.closed.append(hold.id)


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
    item = Item(f"b{intake.seen:06d}", CORRECTIONS, name, payload, "", sha256, sha256, order, None, None, Admission("held", ()), None, "", person)
    source = source_of(contract, CORRECTIONS)
    intake.items.append(_judged(way, contract, state, source, intake, item, folder / "candidate-0.parquet"))
    return intake


def source_of(contract: Contract, source: str) -> Source:
    """The declared source, or the one through which corrected rows come back."""
    found = next((item for item in contract.sources if item.id == source), None)
    if found:
        return found
    return Source(id=CORRECTIONS, system=contract.department, format={"name": "csv", "encoding": "utf-8-sig"})
