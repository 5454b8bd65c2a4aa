"""Jobs: the city, each department, each refresh class. What belongs to a job is what the conductor would run for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import dagster as dg

from assets.keys import REGISTER, layers
from catalog.entry import CYCLES

if TYPE_CHECKING:
    from pipelines.way import Way

CITY = "city"
Job: TypeAlias = Any           # Dagster does not export the class of an asset job


def keys_of(way: Way, datasets: Collection[str], publishing: bool) -> list[dg.AssetKey]:
    """All assets of these datasets, and the register, which ends every run."""
    return [layer.key for name in datasets for layer in layers(way.contract(name), publishing)] + [REGISTER]


def city_job(way: Way, publishing: bool) -> Job:
    """Everything."""
    return _job(CITY, f"{way.city.name.zh} · {way.city.name.en}: every dataset.", keys_of(way, way.city.order(), publishing))


def department_jobs(way: Way, publishing: bool) -> list[Job]:
    """One for each department that has datasets; what is derived from them follows."""
    from pipelines.choice import chosen

    found = []
    for name in sorted({contract.department for contract in way.city.contracts.values()}):
        label = way.city.departments[name].name
        found.append(_job(f"department_{name}", f"{label.zh} · {label.en}", keys_of(way, chosen(way, department=name), publishing)))
    return found


def refresh_jobs(way: Way, publishing: bool) -> Mapping[str, Job]:
    """One for each refresh class that some contract has, by the name of the class; what is derived from them follows."""
    from pipelines.choice import chosen

    found = {}
    for refresh, label in CYCLES.items():
        names = [name for name, contract in way.city.contracts.items() if contract.fields.refresh == refresh]
        if names:
            found[refresh] = _job(f"refresh_{refresh}", f"{label['zh']} · Datasets that are refreshed {label['en']}.",
                                  keys_of(way, chosen(way, names), publishing))
    return found


def _job(name: str, text: str, keys: list[dg.AssetKey]) -> Job:
    return dg.define_asset_job(name, selection=dg.AssetSelection.assets(*keys), description=text)
