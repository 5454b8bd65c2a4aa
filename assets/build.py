"""Puts the definitions together. Whoever wants something else passes it in; nobody patches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.datasets import dataset_assets
from assets.jobs import city_job, department_jobs, refresh_jobs
from assets.keys import Layer
from assets.register import register_asset
from assets.resources import resources
from assets.retention import retain_job, retain_schedule
from assets.schedules import schedules
from assets.sensors import sensors

if TYPE_CHECKING:
    from pipelines.way import Way


def definitions(way: Way | None = None, **overrides: Any) -> dg.Definitions:
    """The definitions of a city (the one that the settings name). `overrides` replace arguments of `dg.Definitions`.

    Raises DefinitionErrors with every problem of the city folder.
    """
    way = way or _way()
    portals = _portals(way)
    publishing, order = bool(portals), way.city.order()
    gold = [Layer(name, "gold", product.name).key for name in order for product in way.contract(name).products]
    retain = retain_job()
    city, refresh = city_job(way, publishing), refresh_jobs(way, publishing)
    parts: dict[str, Any] = {
        "assets": [*[dataset_assets(way, way.contract(name), portals, len(order) - at) for at, name in enumerate(order)],
                   register_asset(way, gold)],
        "jobs": [city, *department_jobs(way, publishing), *refresh.values(), retain],
        "schedules": [*schedules(refresh, way.city.zone), retain_schedule(retain, way.city.zone)],
        "sensors": sensors(city, portals),
        "resources": resources(way),
        "executor": dg.in_process_executor,      # a fresh process a step pays seconds of imports
    }
    return dg.Definitions(**{**parts, **overrides})


def _way() -> Way:
    from pipelines.settings import settings
    from pipelines.way import open_way

    return open_way(settings())


def _portals(way: Way) -> list[str]:
    from pipelines.portals.listed import portals_of

    return [portal.name for portal in portals_of(way)]
