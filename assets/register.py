"""The end of every run as an asset: the unified catalog, made from all gold, and the seal over all journals."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg  # which reads annotations as written: no `from __future__ import annotations` here

from assets.checks import listed
from assets.keys import REGISTER
from assets.told import Told
from catalog.errors import CitylakeError, unexpected

if TYPE_CHECKING:
    from pipelines.way import Way

GROUP = "city"


def register_asset(way: "Way", gold: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """`register/city/catalog`, after everything else in a run: it has the lowest priority."""
    name = way.city.name
    spec = dg.AssetSpec(
        REGISTER, deps=list(gold), group_name=GROUP, skippable=True, kinds={"delta"}, tags={"layer": "register"},
        description=f"{name.zh}统一数据目录 · The unified catalog of {name.en}\n\nAll departments, all tiers, coverage by department and "
                    "field, and the journals as tables. Its step also seals the heads of all journals.",
        metadata={"dagster/table_name": "/".join(REGISTER.path), "datasets": len(way.city.contracts), "departments": len(way.city.departments)},
    )

    @dg.multi_asset(name="register", specs=[spec.replace_attributes(deps=[])], required_resource_keys={"way"}, can_subset=True)
    def conclude(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        yield from _conclude(context)

    return dg.AssetsDefinition(node_def=conclude.node_def, keys_by_output_name=dict(conclude.keys_by_output_name), specs=[spec],
                               can_subset=True)


def _conclude(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
    from pipelines.conduct import conclude

    way: Way = context.resources.way
    try:
        conclude(way)
    except CitylakeError as error:
        raise dg.Failure(f"register: {error}", allow_retries=False) from None
    except Exception as error:
        raise dg.Failure(f"register: {unexpected(error)}", allow_retries=False) from None
    found = register_told(way)
    if found is not None and found.fresh(context.instance):
        yield dg.MaterializeResult(asset_key=REGISTER, metadata={**found.facts, "op": found.op}, data_version=dg.DataVersion(found.version))


def register_told(way: "Way") -> Told | None:
    """The newest record of the register in the city's journal."""
    from pipelines.journal import CITY

    records = list(way.journal.records(CITY))
    made = [record for record in records if record.kind == "register"]
    if not made:
        return None
    body: Mapping[str, Any] = made[-1].body
    versions = listed(f"{name} v{version}" for name, version in body["tables"].items())
    facts = {"table_versions": versions, "sealed_journals": _sealed(records), "city_record": made[-1].seq}
    return Told(REGISTER, body["op"][:16], body["op"][:16], facts)


def _sealed(records: Sequence[Any]) -> int:
    seals = [record for record in records if record.kind == "seal"]
    return len(seals[-1].body["heads"]) if seals else 0
