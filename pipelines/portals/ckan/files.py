"""Bytes of files onto a CKAN: in chunks, going on where an earlier attempt ended, known by their hash and seen by nobody yet."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from catalog.errors import PortalError
from pipelines.portals import Item
from pipelines.portals.ckan.client import Client, Invalid

CHUNK = 32 * 2**20      # ckanapi builds the body in memory
_TRIES = 3
_DAMAGED, _VERIFY = "A file of the release is not what its record says.", "Run `citylake audit verify`."


def wanted(page: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(release, file) of everything that a page offers, the newest release first."""
    yield from ((str(page["release"]), file) for file in page["files"])
    yield from ((str(past["release"]), file) for past in page["releases"] for file in past["files"])


def bring(client: Client, item: Item) -> None:
    """Sends every file of the item that the portal does not have whole."""
    files = {file["sha256"]: (file["size"], item.files[f"{release}/{file['name']}"]) for release, file in wanted(item.page)}
    there = client.call("citylake_file_status", sha256=sorted(files))
    for sha256, (size, path) in files.items():
        if not there[sha256]["complete"]:
            _send(client, item.id, path, sha256, size, there[sha256]["size"])


def _send(client: Client, identity: str, path: Path, sha256: str, size: int, offset: int) -> None:
    tries = _TRIES
    with path.open("rb") as handle:
        while True:
            handle.seek(offset)
            part = handle.read(CHUNK)
            try:
                done = client.call("citylake_file_append", files={"upload": ("part", io.BytesIO(part))}, sha256=sha256, size=size, offset=offset)
            except Invalid as error:
                tries -= 1
                if not tries or "offset" not in error.fields:
                    raise not_recorded(identity) from None
                done = client.call("citylake_file_status", sha256=[sha256])[sha256]
            if done["complete"]:
                return
            if not part:
                raise not_recorded(identity)
            offset = done["size"]


def not_recorded(identity: str) -> PortalError:
    """The error for bytes that are not the release's."""
    return PortalError("A file of the release is not what its record says.", dataset=identity, remedy="Run `citylake audit verify`.")
