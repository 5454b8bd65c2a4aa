"""What waits to be done, found without moving a byte: new drops at the sources, and decisions that ask for a step.

For whoever starts runs (Dagster's sensors). Names of drops stay here: what goes out are keyed hashes and fingerprints.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from catalog.contract import Contract
from catalog.errors import CitylakeError, unexpected
from pipelines.arrivals import connector_of
from pipelines.intake import dealt_with, entry_of
from pipelines.state import Hold, State
from pipelines.way import Way


@dataclass(frozen=True)
class News:
    """New drops of one dataset as (source, alias, fingerprint), or a note on why its sources could not be looked at."""

    dataset: str
    drops: tuple[tuple[str, str, str], ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Decided:
    """A decision and the hold that it is about; `order` counts the dataset's decisions from 1."""

    dataset: str
    decision: str
    hold: Hold
    order: int


def new_drops(way: Way, contract: Contract) -> News:
    """What ingest would fetch now. Never raises: one dataset's trouble is a note."""
    try:
        state = way.journal.state(contract.id)
        return News(contract.id, tuple(sorted(_drops(way, contract, state))))
    except CitylakeError as error:
        return News(contract.id, note=str(error))
    except Exception as error:      # a foreign error may quote a file name
        return News(contract.id, note=unexpected(error))


def _drops(way: Way, contract: Contract, state: State) -> Iterator[tuple[str, str, str]]:
    for source in contract.sources:
        for offer in connector_of(way, contract, source).offers():
            entry = entry_of(way, contract, source, offer)
            if not dealt_with(state, entry):
                yield entry["source"], entry["offer"], entry["fingerprint"]


def new_decisions(way: Way, contract: Contract, after: int | None) -> list[Decided]:
    """Decisions after the `after`-th, in order. Without a mark (None): those whose hold is still open, and revocations."""
    state = way.journal.state(contract.id)
    known = {**state.past_holds, **state.holds}
    found = [(order, decision) for order, decision in enumerate(state.decisions, start=1) if decision.hold in known]
    if after is None:
        newest = {decision.hold: (order, decision) for order, decision in found}
        found = [(order, decision) for order, decision in newest.values() if decision.hold in state.holds or decision.verdict == "revoke"]
    return [Decided(contract.id, decision.id, known[decision.hold], order) for order, decision in found if order > (after or 0)]
