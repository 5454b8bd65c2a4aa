"""The one resource: it hands out the plain Way, so that nothing below ever meets Dagster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from pipelines.way import Way


def resources(way: Way) -> dict[str, dg.ResourceDefinition]:
    """The resources of these definitions: the same view of the city that they were made from."""
    return {"way": dg.ResourceDefinition.hardcoded_resource(way, "The city: its contracts, lake, journal and settings.")}
