"""What a contract that is not merged yet would do to the data in force: the real steps, on a copy of the lake that is thrown away.

The copy is of hard links in a private folder, with journal and secrets of its own; the lake, its journal and the state are not written.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from catalog.canonical import plain
from catalog.contract import Contract
from catalog.evidence import TableAt
from pipelines.corrections import counts
from pipelines.doubts import ceiling
from pipelines.foreseen import Foreseen, foreseen
from pipelines.journal import Journal
from pipelines.lake import Lake
from pipelines.products import Outward
from pipelines.protocol import perform
from pipelines.scratch import scratch
from pipelines.state import State
from pipelines.steps.refine import inputs_of, refine
from pipelines.steps.serve import serve
from pipelines.verdicts import leaving
from pipelines.way import Way, engine_of, table

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Side:
    """A dataset as it is, or as it would be. `failing`: findings of checks that do not pass; `told`: of those that pass as well although
    rows fail; `bad`: quarantined rows by check.
    """

    outcome: str = "unchanged"
    rows: int | None = None
    quarantined: int = 0
    bad: Mapping[str, int] = field(default_factory=dict)
    failing: tuple[Body, ...] = ()
    told: tuple[Body, ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outlet:
    """A product as it is, or as it would be. `leaves`: column → its level; None: there is no such product, or no release. `declared`: the
    tier that the contract asks for, where the levels do not allow it, and `ceiling`, the findings that say why.
    """

    tier: str | None = None
    rows: int | None = None
    leaves: Mapping[str, str] = field(default_factory=dict)
    outcome: str = "unchanged"
    findings: tuple[Body, ...] = ()
    declared: str | None = None
    ceiling: tuple[Body, ...] = ()


@dataclass(frozen=True)
class Effect:
    """Both sides. `unread`: declared columns that bronze does not have yet; `derived`: datasets that are computed from this one; `next`: why
    the next delivery would be held; `barred`: the entry of the negative list that forbids to collect the dataset, or ``.
    """

    dataset: str
    now: Side
    then: Side
    products: Mapping[str, tuple[Outlet, Outlet]]
    unread: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()
    next: tuple[Foreseen, ...] = ()
    barred: str = ""


def effect(way: Way, contract: Contract) -> Effect | None:
    """What the contract as it stands in the city folder would do; None where no data of the dataset are in force yet.

    Raises what the steps raise.
    """
    state = way.journal.state(contract.id)
    inputs = inputs_of(way, contract, state)
    if inputs is None:
        return None
    known = set() if contract.derived else set(way.lake.schema(inputs["bronze"]).names)
    with _shadow(way) as other:
        refined = perform(other, contract, refine)
        after = other.journal.state(contract.id)
        then = _side(other, contract, after, str(refined["outcome"]))
        stopped = then.outcome == "held"
        products = {name: (_outlet_now(state, name), _outlet_then(other, contract, name, stopped)) for name in _products(contract, state)}
    return Effect(contract.id, _side(way, contract, state, _standing(state)), then, products,
                  tuple(column.name for column in contract.given if known and column.name not in known),
                  tuple(name for name, one in sorted(way.city.contracts.items()) if contract.id in {item.dataset for item in one.inputs}),
                  foreseen(way, contract, state), way.policy.excludes(contract) or "")


@contextmanager
def _shadow(way: Way) -> Iterator[Way]:
    """The same city over a copy of its lake, with a state and secrets of its own; gone at the end."""
    with scratch(way.settings) as folder:
        settings = way.settings.at(lake=folder / "lake", state=folder / "state", secrets=folder / "secrets", site=folder / "site")
        for name in ("journal", "hashes", "tables", "releases"):    # the journal first: a run may go on, and it names only what is there
            _linked(way.settings.lake / name, settings.lake / name)
        if way.settings.secrets.exists():
            shutil.copytree(way.settings.secrets, settings.secrets)
        journal = Journal(settings.lake / "journal", way.clock, way.journal.roles)
        lake = Lake(settings.lake)
        yield replace(way, settings=settings, lake=lake, journal=journal, engine=engine_of(lake, settings))


def _linked(source: Path, target: Path) -> None:
    if source.exists():
        shutil.copytree(source, target, copy_function=_link)


def _link(source: str, target: str) -> None:
    """Data files and records are never written again, so a link is as good as a copy; a hint beside the log is."""
    try:
        if not source.endswith("_last_checkpoint"):
            return os.link(source, target)
    except OSError:         # another file system, or an attempt's file that a run has swept
        pass
    with suppress(FileNotFoundError):
        shutil.copy2(source, target)


def _products(contract: Contract, state: State) -> list[str]:
    declared = [product.name for product in contract.products]
    return [*declared, *(name for name in sorted(state.releases) if name not in declared and state.release(name))]


def _standing(state: State) -> str:
    return str(state.last.get("refine/", {}).get("outcome", "unchanged"))


def _side(way: Way, contract: Contract, state: State, outcome: str) -> Side:
    body, name = state.last.get("refine/", {}), table("silver", contract.id)
    if not body:
        return Side()
    version = body.get("candidate", {}).get(name) or state.tables.get(name)
    columns = way.lake.schema(TableAt(name, version)).names if version is not None else []
    findings = body["verdict"]["findings"]
    failing = tuple(one for one in findings if not one["passed"])
    told = tuple(one for one in findings if one["passed"] and one["observed"].get("bad"))
    number = int(body["counts"].get("quarantined", 0))
    return Side("held" if body["outcome"] == "held" else outcome, body["counts"].get("rows"), number, counts(way, contract) if number else {},
                failing, told, tuple(column for column in columns if not column.startswith("_")))


def _outlet_now(state: State, product: str) -> Outlet:
    release = state.release(product)
    if release is None or product in state.withdrawn:
        return Outlet()
    return Outlet(release.body["tier"], release.body["release"]["rows"], _levels(release.body.get("leaving", {})))


def _outlet_then(other: Way, contract: Contract, product: str, stopped: bool) -> Outlet:
    if product not in {one.name for one in contract.products}:
        return Outlet(outcome="removed")
    outward = Outward(contract, contract.product(product), other.city.codes, other.city.zone)
    leaves = {} if outward.tier == "prohibited" else _levels(leaving(outward))
    why = tuple(plain(one) for one in ceiling(outward))
    declared = outward.product.tier if why else None
    if stopped:
        return Outlet(outward.tier, None, leaves, "held", (), declared, why)
    body = perform(other, contract, serve(product))
    state = other.journal.state(contract.id)
    last = state.last.get(f"serve/{product}", {})
    findings = tuple(one for hold in last.get("holds", ()) for one in hold["findings"])
    gold = last.get("gold")
    rows = other.lake.rows(TableAt(gold["name"], gold["version"])) if gold and outward.tier != "prohibited" else None
    outcome = "withdrawn" if product in state.withdrawn else str(body["outcome"])
    return Outlet(outward.tier, rows, leaves, outcome, findings, declared, why)


def _levels(leaves: Mapping[str, str]) -> dict[str, str]:
    return {name: how.split()[0] for name, how in leaves.items() if name}
