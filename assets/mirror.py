"""The journal shown in Dagster's event log: what was run without Dagster, told as if it had been run here.

So `citylake run`, a cron job or another machine and this UI never disagree. It reads the journal and writes only events.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import dagster as dg

from assets.checks import results
from assets.datasets import metadata
from assets.keys import layers
from assets.register import register_told
from assets.told import VERSION, Told, told
from catalog.contract import Contract

if TYPE_CHECKING:
    from pipelines.way import Way

AT_ONCE = 40            # datasets a tick: one tick may take a minute
Event = dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation


def mirrored(way: Way, instance: dg.DagsterInstance, cursor: str | None, portals: Sequence[str]) -> dg.SensorResult | dg.SkipReason:
    """One look: events for every dataset whose journal has grown. The cursor is the newest record seen of each."""
    seen = json.loads(cursor) if cursor else {}
    states = {name: way.journal.state(name).seq for name in way.city.order()}
    grown = [name for name, seq in states.items() if seq > seen.get(name, 0)][:AT_ONCE]
    events = [event for name in grown for event in events_of(way, instance, way.contract(name), portals)]
    found = register_told(way) if grown else None
    if found is not None and found.fresh(instance):
        events.append(_materialization(found))
    reason = f"Showed {len(events)} events of {len(grown)} datasets." if events else "The journal says nothing that is not shown yet."
    return dg.SensorResult(asset_events=events, cursor=json.dumps({**seen, **{name: states[name] for name in grown}}), skip_reason=reason)


def events_of(way: Way, instance: dg.DagsterInstance, contract: Contract, portals: Sequence[str]) -> Iterator[Event]:
    """What Dagster has not been told of one dataset."""
    state = way.journal.state(contract.id)
    for layer in layers(contract, bool(portals)):
        found = told(way, layer, state, portals)
        if found is None or found.known(instance):
            continue
        yield _materialization(found) if found.fresh(instance) else dg.AssetObservation(layer.key, metadata=metadata(found))
        for result in results(contract, way.city.codes, layer, state):
            yield dg.AssetCheckEvaluation(layer.key, str(result.check_name), result.passed, result.metadata, None, result.severity,
                                          result.description)


def _materialization(found: Told) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(found.key, metadata=metadata(found), tags={VERSION: found.version})
