"""The portals that city.yaml lists, as objects that can be written."""

from __future__ import annotations

from catalog.errors import DefinitionError
from pipelines.portals import Portal
from pipelines.portals.folder import FolderPortal
from pipelines.way import Way


def portals_of(way: Way) -> list[Portal]:
    """The city's portals in the order of city.yaml. A run publishes to those that are `auto`; the others wait for a person."""
    found: list[Portal] = []
    for name, portal in way.city.portals.items():
        if portal.kind == "ckan":
            raise DefinitionError(f"The portal {name} is of a kind that this version cannot write.", file="city.yaml", remedy="Use kind folder.")
        root = way.settings.site / portal.options["path"] if "path" in portal.options else way.settings.site
        found.append(FolderPortal(name, root, way.city, portal.auto))
    return found
