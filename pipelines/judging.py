"""Batches of one source, read one by one and judged in their order; small ones are looked at together (pipelines/content.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from catalog.canonical import fingerprint
from catalog.contract import Contract
from catalog.errors import BadInput
from catalog.extension import Source
from pipelines.admission import Admission, Arriving, admit, terms, unreadable
from pipelines.arrivals import Arrival
from pipelines.bronze import gather
from pipelines.content import Content, contents_of
from pipelines.formats.every_text import every_text
from pipelines.items import Intake, Item, Read
from pipelines.parsing import CORRECTIONS, Parsed, parse
from pipelines.state import State
from pipelines.way import Way
from privacy.collection import Earlier, rule_of
from privacy.secrecy import Watch

SMALL, MANY = 20_000, 200_000       # rows of a batch that is looked at together with others, and of all that wait for it
FEWEST, MOST = 3, 2_000             # batches that are looked at together


def item_of(arrival: Arrival, name: str, source: str, sha256: str, order: int, resubmitted_by: str | None = None) -> Item:
    """An item before its judgement. `order` counts for what has no time."""
    time = arrival.time
    return Item(name, source, arrival.offer, arrival.payload, arrival.filename, sha256, arrival.fetched_sha256,
                int(time.timestamp() * 1000) if time else order, time.isoformat() if time else None, arrival.label,
                Admission("held", ()), None, "", resubmitted_by, arrival.around)


def _siblings(way: Way, contract: Contract, intake: Intake, item: Item) -> tuple[Earlier, ...]:
    """Batches that the same ingest has admitted: a collection rule's limits count them. Files without a time of one ingest are one collection."""
    now = way.clock()
    return () if rule_of(way.policy, contract) is None else tuple(
        Earlier(other.parsed.rows, datetime.fromisoformat(other.time) if other.time else now, other.source,
                other.offer if other.time else item.offer)
        for other in intake.of("admitted") if other.parsed and other.id != item.id)


def read_one(way: Way, contract: Contract, source: Source, item: Item, arrival: Arrival) -> Read:
    """The batch with its candidate, or with the error that says why it has none."""
    try:
        if arrival.trouble is not None:
            raise arrival.trouble
        return Read(item, source, _parsed(way, contract, source, item, arrival.folder / f"candidate-{arrival.number}.parquet"), None)
    except BadInput as error:
        return Read(item, source, None, error)


def wait(way: Way, contract: Contract, state: State, intake: Intake, read: Read) -> None:
    """Lets a batch wait for others that come after it, as long as they are small and few."""
    intake.wait(read)
    if not _small(read) or len(intake.waiting) >= MOST or intake.rows >= MANY:
        judge_waiting(way, contract, state, intake)


def judge_waiting(way: Way, contract: Contract, state: State, intake: Intake) -> None:
    """Judges what waits, in its order."""
    waiting = intake.taken()
    path, contents = _looked(way, contract, waiting)
    for read in waiting:
        content = contents.get(read.item.id)
        intake.add(replace(judged(way, contract, state, intake, read, content), gathered=path if content is not None else None))
    intake.answer()


def _looked(way: Way, contract: Contract, waiting: Sequence[Read]) -> tuple[Path | None, dict[str, Content]]:
    """The small ones among those that wait in one file, and the content of each of them that nothing is in doubt of."""
    small = [(read.item, read.parsed.candidate) for read in waiting if _small(read) and read.parsed is not None]
    if len(small) < FEWEST:
        return None, {}
    path = small[0][1].with_name("gathered.parquet")
    gather(contract, [(candidate, item.id, item.source, item.sha256, item.order) for item, candidate in small], path)
    return path, contents_of(way, contract, path)


def _small(read: Read) -> bool:
    parsed = read.parsed
    return parsed is not None and parsed.rows <= SMALL and not (parsed.matched.unknown or parsed.matched.repeated)


def judged(way: Way, contract: Contract, state: State, intake: Intake, read: Read, content: Content | None = None) -> Item:
    """The batch with its verdict."""
    item = read.item
    try:
        if read.parsed is None:
            raise read.error or BadInput("The file was not read.")
        arriving = Arriving(read.source, item.offer, datetime.fromisoformat(item.time) if item.time else way.clock(), item.filename, item.around,
                            item.source == CORRECTIONS, _siblings(way, contract, intake, item))
        admission = admit(way, contract, state, read.parsed, way.today(), intake.known.rows_before(item.source, item.order), arriving, content)
    except BadInput as error:
        admission = unreadable(error, way.policy, item.filename, item.around, payload=item.payload)
    rules = [(found.rule, found.observed) for found in admission.findings if not found.passed]
    subject = fingerprint(item.sha256, rules)
    doubt, cleared = _doubt(way, contract, admission), ""
    if admission.outcome == "held" and admission.approvable:
        cleared = state.cleared(doubt, way.today())
        if cleared or state.approval(subject, way.today()):
            admission = replace(admission, outcome="admitted")
    return replace(item, parsed=read.parsed, admission=admission, subject=subject, doubt=doubt, cleared=cleared)


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
