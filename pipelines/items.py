"""What one ingest brings: batches on their way with their verdicts, and everything that its record will say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog.canonical import plain
from catalog.errors import BadInput
from catalog.extension import Source
from pipelines.admission import Admission
from pipelines.known import Known
from pipelines.parsing import Parsed
from pipelines.refusals import came_to
from pipelines.spool import digest


def batch_id(number: int) -> str:
    """Batches are numbered as they are seen."""
    return f"b{number:06d}"


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
    gathered: Path | None = None        # the file in which its rows stand among those of others

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


@dataclass(frozen=True)
class Read:
    """A batch that is read and waits to be judged: `parsed`, or why it could not be."""

    item: Item
    source: Source
    parsed: Parsed | None
    error: BadInput | None


@dataclass
class Intake:
    """Everything that one ingest will record."""

    seen: int
    known: Known
    terms: str
    items: list[Item] = field(default_factory=list)
    offers: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, Any]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    wiped: list[str] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    waiting: list[Read] = field(default_factory=list)
    brought: set[str] = field(default_factory=set)                  # hashes of what waits
    rows: int = 0                                                   # ... and its rows
    refused: frozenset[str] = frozenset()                           # bytes that were refused before under the same terms
    asked: list[tuple[dict[str, Any], list[str], str]] = field(default_factory=list)    # offers without an outcome: their batches and bytes
    admissions: dict[str, Admission] = field(default_factory=dict)

    def add(self, item: Item) -> None:
        """One judged batch."""
        self.items.append(item)
        self.admissions[item.id] = item.admission
        if item.admission.outcome == "admitted" and item.parsed is not None:
            self.known.add(item.source, item.id, (item.sha256, item.fetched_sha256), item.order, item.parsed.rows)

    def wait(self, read: Read) -> None:
        """One more batch that waits to be judged."""
        self.waiting.append(read)
        self.brought |= {read.item.sha256, read.item.fetched_sha256}
        self.rows += read.parsed.rows if read.parsed is not None else 0

    def taken(self) -> list[Read]:
        """What waits; nothing does afterwards."""
        waiting, self.waiting, self.brought, self.rows = self.waiting, [], set(), 0
        return waiting

    def ask(self, offer: Mapping[str, Any], since: int, bytes_: str) -> None:
        """An offer of these bytes (a keyed hash), whose batches are those that were seen `since`; some of them may still wait."""
        entry = dict(offer)
        self.offers.append(entry)
        self.asked.append((entry, [batch_id(number) for number in range(since + 1, self.seen + 1)], bytes_))

    def answer(self) -> None:
        """The outcome of every offer; none of their batches waits any more."""
        for entry, batches, bytes_ in self.asked:
            entry.update(came_to([self.admissions[one] for one in batches], bytes_))
        self.asked = []

    @property
    def empty(self) -> bool:
        return not (self.items or self.offers or self.skipped or self.closed)

    def of(self, outcome: str) -> list[Item]:
        return [item for item in self.items if item.admission.outcome == outcome]
