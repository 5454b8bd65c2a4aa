"""The portals that city.yaml lists, as objects that can be written."""

from __future__ import annotations

from functools import partial

from pipelines.portals import Portal
from pipelines.portals.folder import FolderPortal
from pipelines.way import Way


def portals_of(way: Way) -> list[Portal]:
    """The city's portals in the order of city.yaml. A run publishes to those that are `auto`; the others wait for a person."""
    return [_folder(way, name) if portal.kind == "folder" else _ckan(way, name) for name, portal in way.city.portals.items()]


def _folder(way: Way, name: str) -> Portal:
    portal = way.city.portals[name]
    root = way.settings.site / portal.options["path"] if "path" in portal.options else way.settings.site
    return FolderPortal(name, root, way.city, portal.auto)


def _ckan(way: Way, name: str) -> Portal:
    from pipelines.portals.ckan.portal import CkanPortal  # its libraries cost a second that a folder need not pay

    portal = way.city.portals[name]
    return CkanPortal(name, portal.options, way.settings, way.city, partial(_place, way, name), portal.auto)


def _place(way: Way, portal: str, identity: str) -> str | None:
    """The portal's own name for a product, as the journal knows it."""
    dataset, _, product = identity.rpartition(".")
    place = way.journal.state(dataset).published.get(f"{portal}/{product}", {}).get("place")
    return str(place) if place else None
