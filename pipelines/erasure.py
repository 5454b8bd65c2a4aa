"""What an erasure takes: batches that are over their time, and afterwards everything on disk that still holds their rows.

Lists only, and what is safe to keep; the step that writes and removes is pipelines/steps/retain.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlglot import exp

from catalog.canonical import plain
from catalog.contract import Contract
from catalog.dialect import col
from catalog.evidence import TableAt
from pipelines.bronze import BATCH
from pipelines.parsing import CORRECTIONS, REPLACES
from pipelines.state import Hold, State
from pipelines.steps.refine import inputs_of
from pipelines.way import Way, table

LAYERS = ("bronze", "quarantine", "silver")


@dataclass(frozen=True)
class Overdue:
    """An admitted or held batch past its day. `collected` is when its bytes were first recorded, `due` when they had to go."""

    batch: str
    collected: str
    due: str
    rows: int
    hold: str | None = None


def retention_days(way: Way, contract: Contract) -> int | None:
    """Days for which the collection rule lets data be kept; None where no rule limits it."""
    rule = way.policy.rules.get(contract.fields.collection_rule or "")
    return rule.retention_days if rule else None


def overdue(way: Way, contract: Contract, state: State) -> list[Overdue]:
    """Batches over the time of the dataset's rule, oldest first. Corrected rows are as old as the oldest row that they replace."""
    days = retention_days(way, contract)
    if days is None or contract.derived:
        return []
    replaced = _replaced(way, contract, state)
    found: list[Overdue] = []
    waiting = [(hold.target, int(_entry(hold).get("rows", 0)), hold.id) for hold in state.holds.values() if hold.step == "ingest"]
    for name, rows, hold in (*((batch.id, batch.rows, None) for batch in state.batches), *waiting):
        since = min(datetime.fromisoformat(state.collected[one]) for one in (name, *replaced.get(name, ())) if one in state.collected)
        due = since + timedelta(days=days)
        if due <= way.clock():
            found.append(Overdue(name, since.isoformat(timespec="seconds"), due.isoformat(timespec="seconds"), rows, hold))
    return sorted(found, key=lambda item: (item.due, item.batch))


def _entry(hold: Hold) -> Mapping[str, Any]:
    entry: Mapping[str, Any] = hold.body.get("batch", {})
    return entry


def _replaced(way: Way, contract: Contract, state: State) -> dict[str, set[str]]:
    """Batch of corrected rows → the batches of the rows that they replace, from bronze in force."""
    name = table("bronze", contract.id)
    if name not in state.tables or all(batch.source != CORRECTIONS for batch in state.batches):
        return {}
    query = exp.select(col(BATCH), col(REPLACES)).distinct().from_("bronze").where(
        exp.Not(this=exp.Is(this=col(REPLACES), expression=exp.Null())))
    found: dict[str, set[str]] = {}
    with way.engine.open({"bronze": TableAt(name, state.tables[name])}) as session:
        for row in session.rows(query):
            found.setdefault(row[BATCH], set()).add(row[REPLACES].split(":")[0])
    return found


def marks(way: Way, contract: Contract) -> list[str]:
    """Operations that took batches out of force of this dataset or of anything that it is derived from, however far back."""
    found = set(way.journal.state(contract.id).marks)
    for item in contract.inputs:
        if item.dataset in way.city.contracts:
            found |= set(marks(way, way.city.contracts[item.dataset]))
    return sorted(found)


def tables_on_disk(way: Way, dataset: str) -> Iterator[str]:
    """Every table of a dataset that lies in the lake, in force or not, of products that are no longer declared too."""
    for layer in LAYERS:
        if way.lake.newest(table(layer, dataset)) is not None:
            yield table(layer, dataset)
    home = way.lake.path(table("gold", dataset))
    for path in sorted(home.iterdir()) if home.is_dir() else ():
        if way.lake.newest(table("gold", dataset, path.name)) is not None:
            yield table("gold", dataset, path.name)


def clean(way: Way, contract: Contract, state: State, name: str) -> bool:
    """Whether the version in force of a table was computed without anything that was erased.

    Bronze, silver and quarantine were filtered when the batches left force; what is derived or served must have been made again
    since, from exactly what is in force now.
    """
    if name not in state.tables:
        return False
    layer, product = name.split("/")[0], name.split("/")[-1]
    if layer != "gold" and not contract.derived:
        return True
    refined = state.passed.get("refine/", {})
    if layer != "gold" or contract.derived:
        inputs = inputs_of(way, contract, state)
        if inputs is None or refined.get("inputs") != plain(inputs):
            return False
    if layer != "gold":
        return bool(refined["tables"].get(name) == state.tables[name])
    served, silver = state.passed.get(f"serve/{product}", {}), table("silver", contract.id)
    return (product not in state.withdrawn and silver in state.tables
            and served.get("silver") == plain(TableAt(silver, state.tables[silver]))
            and served.get("gold") == plain(TableAt(name, state.tables[name])))


def releases_over(state: State, kept: Mapping[str, int]) -> dict[str, list[int]]:
    """Product → numbers of the releases whose files go: all but those with the very bytes that clean gold gives today.

    `kept` are the clean tables. The newest release has the bytes of the newest serve record that passed.
    """
    found = {}
    for product, releases in sorted(state.releases.items()):
        name = table("gold", state.dataset, product)
        hashes = {releases[-1].hash} if name in kept else set()
        gone = [one.number for one in releases if one.hash not in hashes or one.number in state.erased.get(product, ())]
        found[product] = gone
    return found
