"""The portals that city.yaml lists, as objects that can be written."""

from __future__ import annotations

from catalog.errors import DefinitionError
from pipelines.portals import Portal
from pipelines.portals.folder import FolderPortal
from pipelines.way import Way


def portals_of(way: Way, every: bool = False) -> list[Portal]:
    """The city's portals that a run publishes to by itself; `every` also those that wait for a person."""
    found: list[Portal] = []
    for name, portal in way.city.portals.items():
        if portal.kind != "folder":
            raise DefinitionError(f"The portal {name} is of a kind that this version cannot write.", file="city.yaml",
                                  remedy="Use kind folder.")
        if portal.auto or every:
            root = way.settings.site / portal.options["path"] if "path" in portal.options else way.settings.site
            found.append(FolderPortal(name, root, way.city))
    return found
