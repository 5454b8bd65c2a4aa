"""What a dataset's sources have brought before, by their bytes and by their time, and what this ingest adds to it.

Asked once a file, so that ten thousand files cost ten thousand looks and no more.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.contract import Contract
from pipelines.state import State

Hashes = Mapping[str, Any]


@dataclass
class _Source:
    """Of one source: sha256 → the first batch that brought it, the hashes of the newest batch, and (order, rows) of every batch."""

    first: dict[str, str] = field(default_factory=dict)
    newest: dict[str, str] = field(default_factory=dict)
    sizes: list[tuple[int, int]] = field(default_factory=list)

    def add(self, batch: str, hashes: tuple[str, str], size: tuple[int, int]) -> None:
        self.newest = dict.fromkeys(hashes, batch)
        for sha256 in hashes:
            self.first.setdefault(sha256, batch)
        insort(self.sizes, size)


class Known:
    """Built for one ingest of one dataset; `add` tells it what is admitted meanwhile."""

    def __init__(self, contract: Contract, state: State) -> None:
        self._snapshot, self._state = contract.fields.merge == "snapshot", state
        self._sources: dict[str, _Source] = {}
        self._waiting: dict[str, dict[str, str]] = {}
        for source, batch, hashes in _held(state):
            for sha256 in hashes:
                self._waiting.setdefault(source, {}).setdefault(sha256, batch)
        self._erased: dict[str, str] = {}
        for batch, body in state.forgotten.items():        # never again
            for sha256 in (body["sha256"], body["fetched_sha256"]):
                self._erased.setdefault(sha256, batch)

    def add(self, source: str, batch: str, hashes: tuple[str, str], order: int, rows: int) -> None:
        """One more admitted batch."""
        self._of(source).add(batch, hashes, (order, rows))

    def repeated(self, source: str, sha256: str) -> str | None:
        """The batch that already brought exactly these bytes, or waits with them. Of a snapshot's admitted batches only the newest
        counts: A, B, A is a return to A.
        """
        here = self._of(source)
        admitted = (here.newest if self._snapshot else here.first).get(sha256)
        return admitted or self._waiting.get(source, {}).get(sha256) or self._erased.get(sha256)

    def rows_before(self, source: str, order: int) -> int | None:
        """Rows of the admitted batch just before this order."""
        sizes = self._of(source).sizes
        at = bisect_left(sizes, (order,))
        return sizes[at - 1][1] if at else None

    def _of(self, source: str) -> _Source:
        if source not in self._sources:
            self._sources[source] = made = _Source()
            for batch in self._state.batches:
                if batch.source == source:
                    made.add(batch.id, (batch.sha256, batch.body["fetched_sha256"]), (batch.order, batch.rows))
        return self._sources[source]


def _held(state: State) -> Iterator[tuple[str, str, tuple[str, str]]]:
    for hold in state.holds.values():
        if hold.step == "ingest" and (body := hold.body.get("batch")):
            yield body["source"], hold.target, (body["sha256"], body["fetched_sha256"])
