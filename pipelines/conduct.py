"""One run: every step of every chosen dataset, in order, each through the commit protocol. The only conductor: the console
and Dagster both call it, so no step can be reached around its gate.

One dataset's trouble never stops another's; foreign errors quote values, so they are mapped here to their class and place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.contract import Contract
from catalog.errors import CitylakeError, unexpected
from pipelines.choice import again, chosen
from pipelines.portals import Portal
from pipelines.portals.listed import portals_of
from pipelines.protocol import Step, perform
from pipelines.spool import sweep_unnamed
from pipelines.steps.ingest import ingest
from pipelines.steps.publish import publish
from pipelines.steps.refine import refine
from pipelines.steps.register import register
from pipelines.steps.retire import lapse, retire
from pipelines.steps.serve import serve
from pipelines.way import Way

Told = Callable[["Outcome"], None]


@dataclass(frozen=True)
class Outcome:
    """What one step of one dataset came to: done, unchanged, held, refused or failed. `body` is the journal's record."""

    dataset: str
    step: str
    target: str
    outcome: str
    body: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Planned:
    """A step that a run will take: ingest, refine, then serve a product, then publish it on a portal."""

    name: str
    target: str
    step: Step


def steps_of(contract: Contract, portals: Sequence[Portal]) -> Iterator[Planned]:
    """All steps of a dataset in the order of the way."""
    if not contract.derived:
        yield Planned("ingest", "", ingest)
    yield Planned("refine", "", refine)
    for product in contract.products:
        yield Planned("serve", product.name, serve(product.name))
    for portal in portals:
        for product in contract.products:
            yield Planned("publish", f"{portal.name}/{product.name}", publish(portal, product.name))


def take(way: Way, contract: Contract, planned: Planned) -> Outcome:
    """Takes one step; an error becomes the outcome `failed`, with a note that quotes nothing."""
    try:
        body = perform(way, contract, planned.step)
    except CitylakeError as error:
        kind = "refused" if error.exit_code == 4 else "failed"
        return Outcome(contract.id, planned.name, planned.target, kind, note=str(error))
    except Exception as error:      # anything may quote a value: only its class and our own line are kept
        return Outcome(contract.id, planned.name, planned.target, "failed", note=unexpected(error))
    repeated = bool(body.get("repeated"))
    outcome = "unchanged" if repeated and body["outcome"] in ("done", "refused") else str(body["outcome"])
    return Outcome(contract.id, planned.name, planned.target, outcome, body)


def taken(way: Way, contract: Contract, steps: Iterable[Planned]) -> Iterator[Outcome]:
    """Takes some steps of one dataset, in order. After a failure the later ones are left to the next run, but for publishing:
    a portal shows what the journal lets through, and what has lapsed leaves it whatever else fails.
    """
    failed = False
    for planned in steps:
        if failed and planned.name != "publish":
            continue
        outcome = take(way, contract, planned)
        failed |= outcome.outcome == "failed"
        yield outcome


def advance(way: Way, contract: Contract, portals: Sequence[Portal], told: Told | None = None) -> list[Outcome]:
    """Takes every step of one dataset."""
    outcomes: list[Outcome] = []
    for outcome in taken(way, contract, steps_of(contract, portals)):
        outcomes.append(outcome)
        if told:
            told(outcome)
    return outcomes


def run(
    way: Way, datasets: Collection[str] = (), department: str | None = None, from_batch: str | None = None, told: Told | None = None
) -> list[Outcome]:
    """Runs the chosen datasets, then registers the catalog and seals the journals.

    `from_batch` (DATASET/BATCH) takes the dataset through refine and everything after it again, whether or not anything changed.
    """
    if from_batch is not None:
        way, datasets = again(way, from_batch)
    portals = portals_of(way)
    lapse(way)
    outcomes: list[Outcome] = []
    for name in chosen(way, datasets, department):
        outcomes += advance(way, way.contract(name), portals, told)
    conclude(way)
    return outcomes


def conclude(way: Way) -> Mapping[str, Any] | None:
    """The end of every run: closes holds and takes off the portals what no contract names any more, registers the catalog (None
    when nothing has changed) and seals the journals.
    """
    lapse(way)
    for portal in portals_of(way):
        retire(way, portal)
    sweep_unnamed(way.settings, way.city.contracts, way.clock())
    registered = register(way)
    way.seal()
    return registered
