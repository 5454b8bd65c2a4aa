"""One subsettable multi-asset per dataset. Its function takes the selected steps through the conductor and tells what came.

Lineage is not order: a derived dataset shows its inputs, but does not wait for their success, because Dagster would skip it
when an input is held, and one dataset's trouble must not stop another's. Priorities put inputs first; steps gate themselves.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg  # which reads annotations as written: no `from __future__ import annotations` here

from assets.checks import check_specs, refused, results
from assets.keys import Layer, layer_of, layers
from assets.specs import asset_spec
from assets.told import Told, told
from catalog.contract import Contract

if TYPE_CHECKING:
    from pipelines.conduct import Outcome
    from pipelines.way import Way

Event = dg.MaterializeResult[Any] | dg.AssetCheckResult
PRIORITY = "dagster/priority"


def dataset_assets(way: "Way", contract: Contract, portals: Sequence[str], priority: int) -> dg.AssetsDefinition:
    """The assets of one dataset. `portals` are those that a run publishes to by itself."""
    mine = layers(contract, bool(portals))
    deps = _lineage(contract, mine)
    within = {layer.key for layer in mine}
    specs = {layer: asset_spec(way.city, contract, layer, deps[layer]) for layer in mine}

    @dg.multi_asset(
        name=contract.id.replace(".", "__"), can_subset=True, required_resource_keys={"way"}, op_tags={PRIORITY: str(priority)},
        specs=[spec.replace_attributes(deps=[dep for dep in spec.deps if dep.asset_key in within]) for spec in specs.values()],
        check_specs=[spec for layer in mine for spec in check_specs(contract, way.city.codes, layer)],
        description=f"{contract.title.zh} · {contract.title.en}",
    )
    def steps(context: dg.AssetExecutionContext) -> Iterator[Event]:
        yield from _take(context, contract.id)

    return dg.AssetsDefinition(
        node_def=steps.node_def, can_subset=True, specs=list(specs.values()), keys_by_input_name=dict(steps.node_keys_by_input_name),
        keys_by_output_name=dict(steps.keys_by_output_name), check_specs_by_output_name=dict(steps.check_specs_by_output_name),
    )


def _lineage(contract: Contract, mine: Sequence[Layer]) -> dict[Layer, list[dg.AssetKey]]:
    """What each layer is made of: bronze → silver → gold → portal, and silver from the silver of its inputs."""
    silver = Layer(contract.id, "silver")
    above = {"silver": [Layer(contract.id, "bronze")], "gold": [silver]}
    found = {layer: [up.key for up in above.get(layer.layer, []) if up in mine] for layer in mine}
    for layer in mine:
        if layer.layer == "portal":
            found[layer] = [Layer(contract.id, "gold", layer.product).key]
    found[silver] += [Layer(item.dataset, "silver").key for item in contract.inputs]
    return found


def _take(context: dg.AssetExecutionContext, dataset: str) -> Iterator[Event]:
    """Takes the steps behind the selected assets; tells each asset and its checks from the journal; fails last."""
    from pipelines.conduct import steps_of, taken
    from pipelines.portals.listed import portals_of

    way: Way = context.resources.way
    contract, portals = way.contract(dataset), portals_of(way)
    assets, checks = context.op_execution_context.selected_asset_keys, context.op_execution_context.selected_asset_check_keys
    wanted = [planned for planned in steps_of(contract, portals) if layer_of(dataset, planned.name, planned.target).key in assets]
    outcomes, shown = list(_logged(context, taken(way, contract, wanted))), dict[dg.AssetCheckKey, dg.AssetCheckResult]()
    for outcome in outcomes:
        if outcome.outcome == "refused" and not outcome.body:       # nothing was fetched, so there is no record
            found = refused(layer_of(dataset, outcome.step, outcome.target), outcome.note)
            shown[_key(found)] = found
    for layer in layers(contract, bool(portals)):
        if layer.key in assets:
            yield from _tell(context, way, layer, [portal.name for portal in portals])
        for found in results(contract, way.city.codes, layer, way.journal.state(dataset)):
            shown.setdefault(_key(found), found)
    yield from (found for key, found in shown.items() if key in checks)     # in each run: Dagster forgets what a later one leaves out
    _fail(outcomes)


def _logged(context: dg.AssetExecutionContext, outcomes: Iterable["Outcome"]) -> Iterator["Outcome"]:
    for outcome in outcomes:
        context.log.info(f"{outcome.dataset}: {outcome.step} {outcome.target}: {outcome.outcome} {outcome.note}".strip())
        yield outcome


def _tell(context: dg.AssetExecutionContext, way: "Way", layer: Layer, portals: Sequence[str]) -> Iterator[Event]:
    """The layer's newest record, if Dagster has not been told of it."""
    found = told(way, layer, way.journal.state(layer.dataset), portals)
    if found is None or found.known(context.instance):
        return
    if found.fresh(context.instance):
        yield dg.MaterializeResult(asset_key=layer.key, metadata=metadata(found), data_version=dg.DataVersion(found.version))
    else:
        context.log_event(dg.AssetObservation(layer.key, metadata=metadata(found)))


def metadata(found: Told) -> dict[str, Any]:
    """The facts as metadata, with the name of the record."""
    return {**found.facts, "op": found.op}


def _key(result: dg.AssetCheckResult) -> dg.AssetCheckKey:
    return dg.AssetCheckKey(dg.AssetKey.from_coercible(result.asset_key or []), str(result.check_name))


def _fail(outcomes: Sequence["Outcome"]) -> None:
    failed = [f"{item.dataset}: {item.step} {item.target}".strip() + f": {item.note}" for item in outcomes if item.outcome == "failed"]
    if failed:
        raise dg.Failure("\n".join(failed), allow_retries=False) from None
