"""Sensors: new drops at the sources, decisions of people, and what was recorded without Dagster.

Each only looks. New drops are off until an operator switches them on: opening the UI must not begin to collect data. A
decision was made by a person who expects it to go on, and the journal's mirror starts nothing: these two are on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from assets.jobs import Job, keys_of
from assets.keys import Layer, layer_of, layers
from assets.mirror import mirrored
from catalog.canonical import fingerprint

if TYPE_CHECKING:
    from pipelines.news import Decided
    from pipelines.way import Way

ON, OFF = dg.DefaultSensorStatus.RUNNING, dg.DefaultSensorStatus.STOPPED
ASKED = {"citylake/sensor": "new_drops"}
_RUN = dg.DagsterRunStatus
UNFINISHED = [_RUN.QUEUED, _RUN.NOT_STARTED, _RUN.STARTING, _RUN.STARTED, _RUN.CANCELING]
Ticked = dg.SensorResult | dg.SkipReason


def sensors(job: Job, portals: Sequence[str]) -> list[dg.SensorDefinition]:
    """The three sensors; runs are of the city's job, narrowed to what is asked for."""

    @dg.sensor(name="new_drops", job=job, minimum_interval_seconds=60, default_status=OFF, required_resource_keys={"way"},
               description="Looks at the sources for drops that the journal does not know, and runs their datasets. Moves no byte by "
                           "itself. Off until an operator switches it on.")
    def drops(context: dg.SensorEvaluationContext) -> Ticked:
        if context.instance.get_runs_count(dg.RunsFilter(tags=ASKED, statuses=UNFINISHED)):
            return dg.SkipReason("The run for the drops seen before has not ended.")
        return new_drops(context.resources.way, bool(portals))

    @dg.sensor(name="decisions", job=job, minimum_interval_seconds=30, default_status=ON, required_resource_keys={"way"},
               description="Goes on from a held step as soon as somebody has decided about it.")
    def decisions(context: dg.SensorEvaluationContext) -> Ticked:
        return new_decisions(context.resources.way, context.cursor, bool(portals))

    @dg.sensor(name="journal", minimum_interval_seconds=30, default_status=ON, required_resource_keys={"way"},
               description="Shows here what `citylake run` and others have recorded in the journal. Starts nothing.")
    def journal(context: dg.SensorEvaluationContext) -> Ticked:
        return mirrored(context.resources.way, context.instance, context.cursor, portals)

    return [drops, decisions, journal]


def new_drops(way: Way, publishing: bool) -> Ticked:
    """One run for all that is new. Its key is made of keyed hashes and fingerprints: the same drops are asked for once."""
    from pipelines.choice import chosen
    from pipelines.news import new_drops as look

    news = [look(way, contract) for contract in way.city.contracts.values()]
    found = [item for item in news if item.drops]
    silent = [item for item in news if item.note]
    if not found:
        return dg.SkipReason("Nothing is new at the sources." + "".join(f" {item.dataset}: {item.note}" for item in silent))
    keys = keys_of(way, chosen(way, [item.dataset for item in found]), publishing)
    run_key = fingerprint([(item.dataset, item.drops) for item in found])
    tags = {**ASKED, "citylake/drops": str(sum(len(item.drops) for item in found))}
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=f"drops-{run_key[:32]}", asset_selection=keys, tags=tags)])


def new_decisions(way: Way, cursor: str | None, publishing: bool) -> Ticked:
    """One run a decision, from the held step on. The cursor counts the decisions seen of each dataset."""
    from pipelines.news import new_decisions as look

    seen = json.loads(cursor) if cursor else None
    requests = []
    for contract in way.city.contracts.values():
        for decided in look(way, contract, None if seen is None else seen.get(contract.id, 0)):
            tags = {"citylake/decision": decided.decision}
            requests.append(dg.RunRequest(run_key=decided.decision, asset_selection=_from(way, decided, publishing), tags=tags))
    counts = {name: len(way.journal.state(name).decisions) for name in way.city.contracts}
    reason = None if requests else "Nobody has decided anything since the last look."
    return dg.SensorResult(run_requests=requests, cursor=json.dumps(counts), skip_reason=reason)


def _from(way: Way, decided: Decided, publishing: bool) -> list[dg.AssetKey]:
    """The assets from the held step on, and those of derived datasets."""
    from pipelines.choice import chosen

    contract, hold = way.contract(decided.dataset), decided.hold
    first = layer_of(contract.id, hold.step, hold.target)
    mine = _onward(layers(contract, publishing), first)
    others = [name for name in chosen(way, [contract.id]) if name != contract.id] if first.layer != "gold" else []
    return [layer.key for layer in mine] + keys_of(way, others, publishing)


def _onward(mine: Sequence[Layer], first: Layer) -> list[Layer]:
    after = list(mine[mine.index(first):])
    return [layer for layer in after if not first.product or layer.product == first.product]
