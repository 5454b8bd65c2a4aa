"""DataStore tables of products: filled beside, then put in place in one short transaction; marks tell whether that is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from catalog.ckan import fields, info_mark, row_files, staged_id, table_id, table_mark
from catalog.errors import PortalError
from pipelines.boundary import boundary
from pipelines.portals import Item
from pipelines.portals.ckan.client import Client, Denied, NotThere
from pipelines.portals.ckan.files import not_recorded
from pipelines.portals.ckan.loading import LoadStrategy, rows_of
from pipelines.spool import digest

Need = Literal["swap", "label"] | None      # another table, other labels, or nothing


class Tables:
    """`zone` is the city's: times are shown in it."""

    def __init__(self, client: Client, load: LoadStrategy, zone: str) -> None:
        self._client, self._load, self._zone = client, load, zone

    def shown(self, resource: str) -> Mapping[str, Any]:
        """{"exists", "mark", "info_mark", "rows"} of a resource's table."""
        found: Mapping[str, Any] = self._client.call("citylake_table_show", resource_id=resource)
        return found

    def stage(self, item: Item) -> Need:
        """Fills the table beside when the one in place has other rows; returns what is left to do in `place`."""
        there = self.shown(table_id(item.id))
        if there["exists"] and there["mark"] == table_mark(item.page):
            return None if there["info_mark"] == info_mark(item.page) else "label"
        _sound(item)
        staged = self._room(item)
        boundary("publish/ckan/room")
        count = self._load.fill(staged, rows_of(item.page, item.files, self._zone))
        boundary("publish/ckan/filled")
        rows = self.shown(staged)["rows"]
        if not count == rows == item.page["rows"]:
            raise PortalError("The portal's table has another number of rows than the release.", dataset=item.id, remedy="Run again.")
        return "swap"

    def place(self, item: Item, need: Need) -> None:
        """Makes the new rows or labels the visible ones."""
        if need == "swap":
            self._client.call("citylake_table_swap", resource_id=table_id(item.id), staged=staged_id(item.id), mark=table_mark(item.page),
                              info_mark=info_mark(item.page))
        elif need == "label":
            self._client.call("datastore_create", resource_id=table_id(item.id), force=True, fields=fields(item.page["columns"]))
            self._client.call("citylake_table_mark", resource_id=table_id(item.id), mark=table_mark(item.page), info_mark=info_mark(item.page))

    def drop(self, identity: str) -> None:
        """Ends a product's table; nothing happens when there is none."""
        try:
            self._client.call("datastore_delete", resource_id=table_id(identity), force=True)
        except NotThere:
            pass

    def _room(self, item: Item) -> str:
        """An empty staged table, typed and labelled, in the department's private package."""
        package, resource = f"citylake-staging-{item.page['department']}", staged_id(item.id)
        try:
            found = self._client.call("package_show", id=package)
        except (NotThere, Denied):
            found = self._client.call("package_create", name=package, title=package, owner_org=item.page["department"], private=True)
        if resource not in {entry["id"] for entry in found["resources"]}:
            self._client.call("resource_create", package_id=found["id"], id=resource, name=item.id, url="", url_type="citylake-staged", format="API")
        if self.shown(resource)["exists"]:      # left by an attempt that was killed
            self._client.call("datastore_delete", resource_id=resource, force=True)
        self._client.call("datastore_create", resource_id=resource, force=True, fields=fields(item.page["columns"]))
        return resource


def _sound(item: Item) -> None:
    """Rows come from the recorded bytes and no others: the portal may hold the right file while the lake's was changed."""
    for file in row_files(item.page):
        if digest(item.files[f"{item.page['release']}/{file['name']}"]) != file["sha256"]:
            raise not_recorded(item.id)
