"""A CKAN against an item: what everybody gets at its addresses, its table's rows, its metadata; and that nothing else answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from catalog.ckan import FORMATS, drift, fields, file_path, info_mark, table_id, table_mark
from pipelines.portals import Item
from pipelines.portals.ckan.client import Client, Denied, NotThere
from pipelines.portals.ckan.files import wanted
from pipelines.portals.ckan.packages import Package

if TYPE_CHECKING:
    from pipelines.portals.ckan.portal import CkanPortal

SMALL = 2**20       # bytes of the largest file that is read whole without being asked for
PROBED = 9          # releases of a closed product whose addresses are tried


def verify(portal: CkanPortal, item: Item, deep: bool) -> list[str]:
    """What differs, one sentence each. `deep` reads every file whole."""
    package = portal.look(item.id)
    if item.shown == "absent" or package is None:
        return ["The product is still shown" if package else "The product is not shown"] if (package is None) != (item.shown == "absent") else []
    wrong = [f"{name} differs" for name in drift(item, package, portal.site)]
    if item.shown == "open":
        wrong += [*_files(portal.client, item, package, deep), *_table(portal, item)]
    return wrong + list(_closed(portal.client, item, package))


def _files(client: Client, item: Item, package: Package, deep: bool) -> Iterator[str]:
    read = False
    for release, file in wanted(item.page):
        path = file_path(package["name"], release, file["name"])
        found = client.look(path)
        if (found.status, found.size, found.etag) != (200, file["size"], file["sha256"]):
            yield f"{release}/{file['name']} {'is missing' if found.status != 200 else 'differs'}"
        elif deep or (not read and file["size"] <= SMALL):
            read = True
            if client.sha256(path) != file["sha256"]:
                yield f"{release}/{file['name']} differs"


def _table(portal: CkanPortal, item: Item) -> Iterator[str]:
    there = portal.tables.shown(table_id(item.id))
    if not there["exists"]:
        yield "The table is missing"
    elif (there["mark"], there["info_mark"], there["rows"]) != (table_mark(item.page), info_mark(item.page), item.page["rows"]):
        yield "The table differs"
    elif (found := _answer(portal.client, item.id)) is None:
        yield "The table does not answer"
    elif [{key: field.get(key) for key in ("id", "type", "info")} for field in found["fields"][1:]] != fields(item.page["columns"]):
        yield "The table's dictionary differs"


def _closed(client: Client, item: Item, package: Package) -> Iterator[str]:
    """Addresses that must not answer: all of a closed product, of an open one those of releases that were taken back."""
    offered = {(release, file["name"]) for release, file in wanted(item.page)} if item.shown == "open" else set()
    releases = {str(past["release"]) for past in item.page["releases"]} or {f"r{number}" for number in range(1, PROBED + 1)}
    names = {file["name"] for _, file in wanted(item.page)} or {f"{item.id}.{kind}" for kind in FORMATS}
    tried = sorted({(release, name) for release in releases for name in names} - offered)
    answering = sum(client.look(file_path(package["name"], release, name)).status != 404 for release, name in tried)
    if answering:
        yield f"{answering} files should not be there"
    if item.shown != "open" and (_answer(client, item.id) is not None or client.look(f"/datastore/dump/{table_id(item.id)}").status == 200):
        yield "The table should not be there"


def _answer(client: Client, identity: str) -> Mapping[str, Any] | None:
    """What everybody learns of the product's table; None where nobody may read it."""
    try:
        found: Mapping[str, Any] = client.everybody.call("datastore_search", resource_id=table_id(identity), limit=0)
    except (NotThere, Denied):
        return None
    return found
