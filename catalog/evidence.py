"""Evidence types: what steps, checks, screenings and people leave behind. Data only, no behaviour beyond reading them.

Nothing here may hold a protected value: counts, names of declared columns, rule ids and hashes only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal


class Ruling(StrEnum):
    """What follows from need, verdicts and decisions."""

    PASS = "PASS"
    PASS_TREATED = "PASS_TREATED"
    HOLD = "HOLD"
    DENY = "DENY"


@dataclass(frozen=True)
class TableAt:
    """A table at one exact version. `name` is `layer/department/dataset[/product]`."""

    name: str
    version: int


@dataclass(frozen=True)
class Finding:
    """One result of a check, an admission rule or a screening. `observed` holds counts and names, never values."""

    rule: str
    passed: bool
    severity: Literal["block", "warn", "info"]
    note: str
    dimension: str = ""
    column: str | None = None
    observed: Mapping[str, Any] = field(default_factory=dict)
    party: Literal["department", "platform"] = "department"


@dataclass(frozen=True)
class Verdict:
    """The findings on exact bytes or versions, under exact rules. `subject` names them, `rules` is their version."""

    kind: Literal["admission", "quality", "screening", "tier", "disclosure"]
    subject: Mapping[str, Any]
    rules: str
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> tuple[Finding, ...]:
        return tuple(found for found in self.findings if not found.passed)

    @property
    def blocking(self) -> tuple[Finding, ...]:
        return tuple(found for found in self.failed if found.severity == "block")


@dataclass(frozen=True)
class Decision:
    """What a named person decided about a hold. `until` is an ISO date; after it the decision counts no more."""

    id: str
    hold: str
    person: str
    verdict: Literal["approve", "reject", "revoke"]
    reason: str
    at: str
    until: str | None


Role = Literal["steward", "bureau", "privacy_officer", "secrecy_officer", "auditor"]


@dataclass(frozen=True)
class CheckSpec:
    """One contract rule, free of any engine. `bad` is a row condition in the contract dialect (true = bad row).

    `kind`: row rules split rows and are judged with `bounds`; set rules are judged over the candidate alone.
    """

    id: str
    kind: Literal["row", "set", "expectation"]
    dimension: str
    blocking: bool
    bounds: tuple[tuple[str, float], ...]
    unit: Literal["rows", "percent"]
    column: str | None = None
    metric: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    bad: Any = None             # sqlglot expression over typed silver columns
    bad_text: Any = None        # sqlglot expression over the normalised text, for rules about types
    description: str = ""
