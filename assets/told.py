"""What the journal says of one asset, as a Dagster event: a materialization for a version in force, else an observation.

The event log mirrors the journal: each record is told once, whether Dagster or the console ran the step. Counts, versions,
hashes and links only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.checks import listed
from assets.keys import Layer, targets
from catalog.canonical import fingerprint

if TYPE_CHECKING:
    from pipelines.state import State
    from pipelines.way import Way

VERSION = "dagster/data_version"
SHOWN = 10                       # newest batches that are listed
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """One asset's newest record. `op` names it; `version` identifies what is in force, "" when nothing is."""

    key: dg.AssetKey
    op: str
    version: str
    facts: Facts = field(default_factory=dict)

    def known(self, instance: dg.DagsterInstance) -> bool:
        """Whether Dagster has been told this record already."""
        return self.op in _told_ops(instance, self.key)

    def fresh(self, instance: dg.DagsterInstance) -> bool:
        """Whether there is a version in force that Dagster has not been told of."""
        return bool(self.version) and self.version != _version(instance, self.key)


def told(way: Way, layer: Layer, state: State, portals: Sequence[str]) -> Told | None:
    """The newest record of a layer; None when there is none."""
    bodies = [state.last[name] for name in targets(layer, portals) if name in state.last]
    if not bodies:
        return None
    body = bodies[-1]
    facts = {"outcome": body["outcome"], "journal_record": state.seq, **_holds(state, layer)}
    version, more = _MAKERS[layer.layer](way, layer, state, body)
    return Told(layer.key, "+".join(item["op"][:16] for item in bodies), version, {**facts, **more})


def _bronze(way: Way, layer: Layer, state: State, body: Facts) -> tuple[str, Facts]:
    if layer.table not in state.tables:
        return "", {}
    newest = state.batches[-SHOWN:]
    facts = {
        "table_version": state.tables[layer.table], "dagster/row_count": sum(batch.rows for batch in state.batches),
        "batches": len(state.batches), "newest_batches": listed(batch.id for batch in newest),
        "source_sha256": {batch.id: batch.sha256 for batch in newest},
        "rows_added": sum(item["rows"] for item in body.get("batches", ())),
    }
    return fingerprint([(batch.id, batch.sha256) for batch in state.batches])[:16], facts


def _silver(way: Way, layer: Layer, state: State, body: Facts) -> tuple[str, Facts]:
    from quality.score import score

    record = state.passed.get("refine/")
    if record is None or layer.table not in state.tables:
        return "", {}
    found = score(record["verdict"]["findings"])
    facts = {
        "table_version": state.tables[layer.table], "dagster/row_count": record["counts"]["rows"],
        "quarantined": record["counts"]["quarantined"], "inputs": listed(f"{at['name']} v{at['version']}" for at in record["inputs"].values()),
        "contract_version": record["contract_version"], "quality_score": found.overall,
        **{f"quality_{name}": value for name, value in found.dimensions.items()},
    }
    return record["op"][:16], facts


def _gold(way: Way, layer: Layer, state: State, body: Facts) -> tuple[str, Facts]:
    release, facts = state.release(layer.product), {"tier": body.get("tier", "")}
    if layer.table not in state.tables or release is None:
        return "", facts
    files = release.body["release"]["files"]
    facts |= {
        "table_version": state.tables[layer.table], "dagster/row_count": release.body["release"]["rows"], "release": release.id,
        "release_hash": release.hash, "files": len(files), "bytes": sum(item["size"] for item in files), "rules": release.body["rules"],
    }
    return state.passed[f"serve/{layer.product}"]["op"][:16], facts


def _portal(way: Way, layer: Layer, state: State, body: Facts) -> tuple[str, Facts]:
    shown = {name.split("/")[0]: item for name, item in state.published.items() if name.split("/")[1] == layer.product}
    facts: dict[str, Any] = {"shown": listed(f"{name}: {item['shown']}" for name, item in shown.items()), "action": body.get("action", ""),
                             "published_release": body.get("published") or "none", **_pages(way, layer, list(shown))}
    return fingerprint({name: item["fingerprint"] for name, item in shown.items()})[:16], facts


_MAKERS = {"bronze": _bronze, "silver": _silver, "gold": _gold, "portal": _portal}


def _pages(way: Way, layer: Layer, portals: Sequence[str]) -> Facts:
    """Where each portal shows the dataset: an address where city.yaml gives one, else the page's file."""
    found: dict[str, Any] = {}
    for name in portals:
        options = way.city.portals[name].options if name in way.city.portals else {}
        page = f"datasets/{layer.dataset}.html"
        root = way.settings.site / options.get("path", "") / "current"
        found[f"page_{name}"] = dg.MetadataValue.url(f"{options['url'].rstrip('/')}/{page}") if "url" in options \
            else dg.MetadataValue.path(str(root / page))
    return found


def _holds(state: State, layer: Layer) -> Facts:
    """Open holds of the layer's step, for `citylake hold show`."""
    steps = {"bronze": "ingest", "silver": "refine", "gold": "serve"}
    mine = [hold for hold in state.holds.values() if hold.step == steps.get(layer.layer) and (not layer.product or hold.target == layer.product)]
    return {"holds": listed(hold.id for hold in mine), "may_decide": listed(sorted({hold.role for hold in mine}))} if mine else {}


def _version(instance: dg.DagsterInstance, key: dg.AssetKey) -> str:
    event = instance.get_latest_materialization_event(key)
    made = event.asset_materialization if event else None
    return (made.tags or {}).get(VERSION, "") if made else ""


def _told_ops(instance: dg.DagsterInstance, key: dg.AssetKey) -> set[str]:
    event = instance.get_latest_materialization_event(key)
    seen: list[dg.AssetMaterialization | dg.AssetObservation | None] = [event.asset_materialization if event else None]
    seen += [record.asset_observation for record in instance.fetch_observations(key, limit=1).records]
    return {str(item.metadata["op"].value) for item in seen if item is not None and "op" in item.metadata}
