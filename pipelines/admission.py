"""Whether a batch may be stored: columns, volume, secrecy cues and collection rules, judged on the candidate.

Storing is already collecting, so all of this comes before raw and bronze. Findings hold counts and declared names only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from catalog.canonical import fingerprint
from catalog.contract import Contract
from catalog.errors import BadInput
from catalog.evidence import Finding
from catalog.extension import Source
from pipelines.content import Content, content_of
from pipelines.formats.every_text import every_text
from pipelines.parsing import Parsed
from pipelines.state import State
from pipelines.uses import joined_in
from pipelines.way import Way
from privacy.collection import Collected, Earlier, certain_kinds, judge_collection, judge_doubts, rule_of
from privacy.column_verdicts import JUDGE_VERSION
from privacy.model import ModelMissing, load
from privacy.negative_list import Policy
from privacy.secrecy import Watch, count_cues, judge_secrecy
from privacy.sketches import judge_named

APPROVABLE = ("volume", "secrecy", "joins", "doubt")
SNAPSHOT_SHRINK = 0.5


@dataclass(frozen=True)
class Admission:
    """The verdict on one batch. `outcome` is admitted, held or refused; `role` may decide what is held."""

    outcome: str
    findings: tuple[Finding, ...]
    role: str = "steward"
    approvable: bool = False


@dataclass(frozen=True)
class Arriving:
    """How a batch comes: its source and offer, the time it stands for, its name, what its archive is called and says of itself, and what
    the same ingest has admitted before it.
    """

    source: Source
    offer: str
    at: datetime
    filename: str
    around: str = ""
    corrected: bool = False
    siblings: tuple[Earlier, ...] = ()


def terms(way: Way, contract: Contract) -> str:
    """Fingerprint of everything that admission reads; when it changes, held and refused offers are judged again."""
    columns = [(column.name, column.headers, column.required, column.level, column.more.identifies, column.more.person,
                column.more.element)
               for column in contract.columns]
    fields = contract.fields
    return fingerprint(columns, fields.sources, fields.volume, fields.collection_rule, fields.merge,
                       fields.purposes, way.policy.version, JUDGE_VERSION)


def seen_again(findings: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a batch was held because it could not be looked at, and may be now: the language model is there, or an error may have passed."""
    rules = {found["rule"] for found in findings if found["rule"].startswith("unseen.")}
    if "unseen.model" not in rules:
        return bool(rules)
    try:
        load()
    except ModelMissing:
        return False
    return True


def _named(policy: Policy, *names: str) -> Mapping[str, int]:
    """How many names hold a cue."""
    return count_cues(policy, [(name, 1) for name in names])


def unreadable(error: BadInput, policy: Policy, *names: str, payload: Path | None = None) -> Admission:
    """A file that cannot be read as declared is held; the error's own text names no value. Its bytes are looked through as far as they go."""
    watch = Watch(policy)
    with suppress(BadInput):
        for texts in every_text(payload) if payload is not None else ():
            watch.see(texts)
    secret = judge_secrecy(policy, {}, _named(policy, *names), watch.counts, read=False)
    where = f" (line {error.line})" if error.line else ""
    note = f"The file cannot be read as declared{where}: {error.message} {error.remedy or ''}".strip()
    finding = Finding("format.unreadable", False, "block", note)
    return Admission("held", (finding, *secret), "secrecy_officer" if secret else "steward")


def admit(
    way: Way, contract: Contract, state: State, parsed: Parsed, today: date, rows_before: int | None, arriving: Arriving,
    content: Content | None = None
) -> Admission:
    """Judges one parsed batch; `rows_before` is the size of the batch before it from the same source, `content` what is known of its cells.

    The volume guard is about sources: `corrected` rows are as few as they are.
    """
    findings = [*_columns(contract, parsed)]
    whole = not any(not found.passed and found.severity == "block" for found in findings)
    names = _named(way.policy, arriving.filename, arriving.around, *parsed.names)
    findings += judge_named(way.policy, contract)
    if whole:
        findings += [] if arriving.corrected else _volume(contract, rows_before, parsed.rows)
        findings += _content(way, contract, state, parsed, today, arriving, names, content)
    else:
        findings += judge_secrecy(way.policy, {}, names, parsed.beside)
    return _outcome((*findings, *joined_in(way, contract)))


def _outcome(findings: tuple[Finding, ...]) -> Admission:
    blocking = [found for found in findings if not found.passed and found.severity == "block"]
    if not blocking:
        return Admission("admitted", findings)
    if any(found.rule.split(".")[0] in ("collection", "shared") for found in blocking):
        return Admission("refused", findings)
    kinds = {found.rule.split(".")[0] for found in blocking}
    role = "secrecy_officer" if kinds & {"secrecy", "joins"} else "privacy_officer" if kinds & {"doubt", "unseen"} else "steward"
    return Admission("held", findings, role, kinds <= set(APPROVABLE))


def _columns(contract: Contract, parsed: Parsed) -> list[Finding]:
    matched, found = parsed.matched, []
    if matched.unknown:
        found.append(Finding(
            "columns.unknown", False, "block",
            "The file has columns that the contract does not name. Declare them, or list their headers under leave_out.",
            observed={"positions": list(matched.unknown)},
        ))
    if matched.repeated:
        found.append(Finding("columns.repeated", False, "block", "Two columns of the file mean the same declared column.",
                             observed={"columns": list(matched.repeated)}))
    needed = {column.name for column in contract.given if column.required or column.key is not None}
    lost = [name for name in matched.missing if name in needed]
    optional = [name for name in matched.missing if name not in needed]
    if lost:
        found.append(Finding("columns.missing", False, "block", "Required columns are missing from the file.",
                             dimension="completeness", observed={"columns": lost}))
    if optional:
        found.append(Finding("columns.absent", True, "info", "Optional columns are missing from the file; they are empty.",
                             observed={"columns": optional}))
    return found


def _volume(contract: Contract, rows_before: int | None, rows: int) -> list[Finding]:
    guard, found = contract.volume, []
    if rows < guard.min_rows:
        found.append(Finding("volume.min_rows", False, "block", "The batch has fewer rows than the contract accepts.",
                             observed={"rows": rows, "min_rows": guard.min_rows}))
    if guard.max_rows is not None and rows > guard.max_rows:
        found.append(Finding("volume.max_rows", False, "block", "The batch has more rows than the contract accepts.",
                             observed={"rows": rows, "max_rows": guard.max_rows}))
    shrink = guard.max_shrink if guard.max_shrink is not None else (
        SNAPSHOT_SHRINK if contract.fields.merge == "snapshot" else None)
    if shrink is not None and rows_before is not None and rows < rows_before * (1 - shrink):
        found.append(Finding("volume.shrunken", False, "block", "The source has lost more rows than the contract accepts.",
                             observed={"rows": rows, "rows_before": rows_before, "max_shrink": shrink}))
    return found


def _content(
    way: Way, contract: Contract, state: State, parsed: Parsed, today: date, arriving: Arriving, names: Mapping[str, int], content: Content | None
) -> Sequence[Finding]:
    columns = {column.name: column for column in contract.columns}
    content = content or content_of(way, contract, parsed.candidate)
    verdicts = content.verdicts.values()
    batch = Collected(parsed.rows, certain_kinds(verdicts, columns), arriving.at, today, arriving.source.connector, arriving.source.id,
                      arriving.offer, content.outside, arriving.corrected)
    history = [*_history(way, contract, state, arriving), *arriving.siblings]
    return [*judge_secrecy(way.policy, content.cues, names, parsed.beside), *judge_collection(way.policy, contract, batch, history),
            *judge_doubts(verdicts), *content.shared]


def _history(way: Way, contract: Contract, state: State, arriving: Arriving) -> list[Earlier]:
    """The admitted batches of every dataset of the rule: a window is the rule's, not a dataset's. Erased ones were collected too."""
    rule, found = rule_of(way.policy, contract), []
    for name in rule.datasets if rule is not None else ():
        of = state if name == contract.id else way.journal.state(name)
        for batch in of.batches:
            time = batch.body.get("time") or of.collected[batch.id]
            source = batch.source if name == contract.id else f"{name}/{batch.source}"
            found.append(Earlier(batch.rows, datetime.fromisoformat(time), source, batch.body["offer"]))
    return found
