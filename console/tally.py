"""What a run came to, dataset by dataset: what came in, what was refused, held or quarantined and why, what was published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from console.frame import DONE, ERROR, HELD, REFUSED
from console.tables import Column, listed, outcome_style, padded, style, table
from console.words import _, counted, noted, translated

if TYPE_CHECKING:
    from pipelines.conduct import Outcome
    from pipelines.state import State
    from pipelines.way import Way

RANK = ("unchanged", "done", "held", "refused", "failed")


@dataclass
class Tally:
    """One dataset after a run. `batches`, `rows`, `skipped`, `refused` and `published` are of this run; the rest is what stands.

    `barred`: findings of an earlier run that refused the dataset as a whole, or what came last, and nothing has changed since.
    """

    dataset: str
    outcome: str = "unchanged"
    derived: bool = False
    batches: int = 0
    rows: int = 0
    skipped: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    barred: list[dict[str, Any]] = field(default_factory=list)
    held: list[dict[str, Any]] = field(default_factory=list)
    quarantined: int = 0
    rules: dict[str, int] = field(default_factory=dict)
    published: list[dict[str, Any]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def key_of(hold: str) -> str:
    """A short key that stands for a hold's id as long as the id lives."""
    return sha256(hold.encode()).hexdigest()[:6]


def tally(way: Way, dataset: str, outcomes: Sequence[Outcome]) -> Tally:
    """The tally of one dataset from the outcomes of its steps and its journal."""
    contract, state = way.contract(dataset), way.journal.state(dataset)
    found = Tally(dataset, derived=contract.derived)
    for outcome in outcomes:
        fresh: Mapping[str, Any] = {} if outcome.body.get("repeated") else outcome.body
        _count(found, outcome, fresh)
    found.held = [{"hold": hold.id, "key": key_of(hold.id), "step": hold.step, "rejected": state.rejected(hold.subject),
                   "findings": list(hold.findings)} for hold in state.holds.values()]
    last = state.last.get("ingest/", {})
    if any(item.step == "ingest" and item.outcome == "unchanged" for item in outcomes) and last.get("outcome") == "refused":
        found.barred = [finding for item in last["refused"] for finding in item["findings"]]
    found.quarantined = quarantined(state)
    if found.quarantined:
        from pipelines.corrections import counts

        found.rules = counts(way, contract)
    found.outcome = max([*(item.outcome for item in outcomes), *(["held"] if found.held else []), *(["refused"] if found.refused else []),
                         "unchanged"], key=RANK.index)
    return found


def _count(found: Tally, outcome: Outcome, fresh: Mapping[str, Any]) -> None:
    """Adds what one step did; `fresh` is its record if this run made it."""
    if outcome.note and outcome.outcome == "failed":
        found.failed.append(outcome.note)
    elif outcome.note:
        found.refused.append({"batch": None, "findings": [{"note": outcome.note}]})
    if outcome.step == "ingest":
        found.batches += len(fresh.get("batches", ()))
        found.rows += sum(batch["rows"] for batch in fresh.get("batches", ()))
        found.skipped += len(fresh.get("skipped", ()))
        found.refused += [{"batch": item["batch"], "findings": item["findings"]} for item in fresh.get("refused", ())]
    if outcome.step == "serve" and (release := fresh.get("release")):
        found.published.append({"product": outcome.target, "release": f"r{release['number']}", "rows": release["rows"], "tier": fresh["tier"]})


def quarantined(state: State) -> int:
    """Rows that stand in quarantine."""
    return int(state.last.get("refine/", {}).get("counts", {}).get("quarantined", 0))


def exit_code(tallies: Sequence[Tally]) -> int:
    """1 if anything failed, else 4 if anything was refused in this run, else 3 if anything is held, else 0.

    What an earlier run refused is told again but is no news. What is held waits for a person, so it counts until somebody decides.
    """
    if any(item.failed for item in tallies):
        return ERROR
    if any(item.refused for item in tallies):
        return REFUSED
    return HELD if any(item.held for item in tallies) else DONE


def line(item: Tally) -> str:
    """A dataset in one line, as it goes."""
    parts = [counted(item.batches, "{n} batch", "{n} batches"), counted(item.rows, "{n} row", "{n} rows")] if item.batches else []
    parts += [counted(item.skipped, "{n} repeated", "{n} repeated")] if item.skipped else []
    parts += [counted(len(item.refused), "{n} refused", "{n} refused")] if item.refused else []
    parts += [_("refused before")] if item.barred else []
    parts += [counted(len(item.held), "{n} held", "{n} held")] if item.held else []
    parts += [counted(item.quarantined, "{n} row in quarantine", "{n} rows in quarantine")] if item.quarantined else []
    parts += [f"{published['product']} {published['release']}" for published in item.published]
    parts += [_("failed")] if item.failed else []
    return f"{outcome_style(padded(_(item.outcome), 10))}{item.dataset}: {', '.join(parts) or _('nothing new')}"


def closing(tallies: Sequence[Tally]) -> list[str]:
    """What a run came to: numbers of every dataset, then what was stopped and why, then what was published."""
    columns = [Column(_("Dataset")), Column(_("Batches"), right=True), Column(_("Rows"), right=True), Column(_("Refused"), right=True),
               Column(_("Held"), right=True), Column(_("Bad"), right=True), Column(_("Released"), right=True)]
    lines = table(columns, [[item.dataset, "–" if item.derived else item.batches, "–" if item.derived else item.rows, len(item.refused),
                             len(item.held), item.quarantined, len(item.published)] for item in tallies])
    stopped = [text for item in tallies for text in _stopped(item)]
    published = [[f"{item.dataset}.{found['product']}", found["release"], found["rows"], _(found["tier"])]
                 for item in tallies for found in item.published]
    if stopped:
        lines += ["", style(_("Stopped, and why"), "bold"), *stopped]
    if published:
        lines += ["", *table([Column(_("Published")), Column(_("Release")), Column(_("Rows"), right=True), Column(_("Tier"))], published)]
    return lines


def _stopped(item: Tally) -> list[str]:
    """Why something of a dataset did not go through; equal reasons are told once."""
    told: dict[tuple[str, str], list[str]] = {}
    for note in item.failed:
        told.setdefault((_("failed"), translated(note)), [])
    for refused in item.refused:
        told.setdefault((_("refused"), _why(refused["findings"])), [])
    if item.barred:
        told[(_("refused before"), _why(item.barred))] = []
    for held in item.held:
        told.setdefault((_("rejected") if held["rejected"] else _("held"), _why(held["findings"])), []).append(held["key"])
    if item.quarantined:
        rules = ", ".join(f"{rule} {number:,}" for rule, number in item.rules.items())
        told[(_("quarantined"), counted(item.quarantined, "{n} row: ", "{n} rows: ") + rules)] = []
    texts = [f"{word}{''.join(f' {key}' for key in keys)}: {why}" for (word, why), keys in told.items()]
    return [item.dataset, *listed(texts)] if texts else []


def _why(findings: Sequence[Mapping[str, Any]]) -> str:
    return " ".join(noted(finding) for finding in findings)
