"""Whether a batch may be stored: columns, volume, secrecy cues and collection rules, judged on the candidate.

Storing is already collecting, so all of this comes before raw and bronze. Findings hold counts and declared names only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlglot import exp

from catalog.canonical import fingerprint
from catalog.contract import ColumnType, Contract
from catalog.dialect import col, contains_pattern, joined_text
from catalog.errors import BadInput
from catalog.evidence import Finding
from pipelines.engines import Session
from pipelines.parsing import Parsed
from pipelines.screening import kinds_found
from pipelines.state import State
from pipelines.way import Way
from privacy.negative_list import cue_pattern, judge_collection, judge_secrecy

APPROVABLE = ("volume", "secrecy")
SNAPSHOT_SHRINK = 0.5


@dataclass(frozen=True)
class Admission:
    """The verdict on one batch. `outcome` is admitted, held or refused; `role` may decide what is held."""

    outcome: str
    findings: tuple[Finding, ...]
    role: str = "steward"
    approvable: bool = False


def terms(way: Way, contract: Contract) -> str:
    """Fingerprint of everything that admission reads; when it changes, held and refused offers are judged again."""
    columns = [(column.name, column.headers, column.required, column.level, column.more.identifies, column.more.person)
               for column in contract.columns]
    fields = contract.fields
    return fingerprint(columns, fields.sources, fields.volume, fields.collection_rule, fields.merge,
                       fields.purposes, way.policy.version)


def unreadable(error: BadInput) -> Admission:
    """A file that cannot be read as declared is held; the error's own text names no value."""
    where = f" (line {error.line})" if error.line else ""
    note = f"The file cannot be read as declared{where}: {error.message} {error.remedy or ''}".strip()
    return Admission("held", (Finding("format.unreadable", False, "block", note),))


def admit(
    way: Way, contract: Contract, state: State, parsed: Parsed, today: date, rows_before: int | None = None, corrected: bool = False
) -> Admission:
    """Judges one parsed batch; `rows_before` is the size of the batch before it from the same source.

    The volume guard is about sources: `corrected` rows are as few as they are.
    """
    findings = [*_columns(contract, parsed)]
    if not any(not found.passed and found.severity == "block" for found in findings):
        findings += [] if corrected else _volume(contract, rows_before, parsed.rows)
        findings += _content(way, contract, state, parsed.candidate, parsed.rows, today)
    return _outcome(tuple(findings))


def _outcome(findings: tuple[Finding, ...]) -> Admission:
    blocking = [found for found in findings if not found.passed and found.severity == "block"]
    if not blocking:
        return Admission("admitted", findings)
    if any(found.rule.startswith("collection") for found in blocking):
        return Admission("refused", findings)
    secret = any(found.rule.startswith("secrecy") for found in blocking)
    approvable = all(found.rule.split(".")[0] in APPROVABLE for found in blocking)
    return Admission("held", findings, "secrecy_officer" if secret else "steward", approvable)


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
    needed = {column.name for column in contract.columns if column.required or column.key is not None}
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
    way: Way, contract: Contract, state: State, candidate: Path, rows: int, today: date
) -> Sequence[Finding]:
    types = {column.name: ColumnType("text") for column in contract.columns}
    with way.engine.open({"candidate": candidate}) as session:
        cues = _cues(session, way, list(types))
        kinds = kinds_found(session, types, "candidate")
    history = [batch.body for batch in state.batches]
    return [*judge_secrecy(way.policy, cues), *judge_collection(way.policy, contract, today, rows, kinds, history)]


def _cues(session: Session, way: Way, columns: list[str]) -> Mapping[str, int]:
    """Rows with a strong or weak secrecy cue in any column. Almost always there is none, which one pass tells."""
    patterns = dict(zip(("strong", "weak"), cue_pattern(way.policy), strict=True))
    either = "|".join(pattern for pattern in patterns.values() if pattern)
    if not either or not _hits(session, columns, {"either": either})["either"]:
        return {}
    return _hits(session, columns, {name: pattern for name, pattern in patterns.items() if pattern})


def _hits(session: Session, columns: list[str], patterns: Mapping[str, str]) -> dict[str, int]:
    """Rows in which a pattern matches in some column, by the pattern's name. One search a row: cues are words within a line."""
    row_text = joined_text([col(column) for column in columns], "\n")
    counts: list[exp.Expr] = []
    for name, pattern in patterns.items():
        hit = contains_pattern(row_text.copy(), pattern)
        counts.append(exp.alias_(exp.Count(this=exp.Case(ifs=[exp.If(this=hit, true=exp.Literal.number(1))])), name))
    row: dict[str, Any] = session.rows(exp.select(*counts).from_("candidate"))[0]
    return {name: int(row[name]) for name in patterns}
