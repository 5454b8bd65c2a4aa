"""How a CKAN portal is reached: its address, the publisher's token and the loader's database, each secret in a file of its own."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from catalog.errors import PortalError
from pipelines.portals.ckan.setup import set_up
from pipelines.settings import Settings
from pipelines.way import Way, private

LOCAL = "local"      # the url of the stack that `citylake portal up` keeps below the state folder


def local_access(settings: Settings) -> dict[str, Any]:
    """What the local stack says of itself: url, sysadmin_token, database. Raises PortalError when there is none."""
    try:
        found: dict[str, Any] = json.loads((settings.state / "portal" / "access.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise PortalError("There is no local portal.", remedy="Build it with `citylake portal up`.") from None
    return found


def install(way: Way, portal: str, sysadmin_token: str) -> Path:
    """Sets a portal up (setup.py) and keeps the publisher's token; the sysadmin's is used once and kept nowhere."""
    url = str(way.city.portals[portal].options["url"])
    path = private(way.settings.secrets) / f"{portal}.token"
    known = path.read_text(encoding="utf-8").strip() if path.is_file() else None
    token = set_up(way.city, str(local_access(way.settings)["url"]) if url == LOCAL else url, sysadmin_token, known)
    if token != known:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        temporary.write_text(token, encoding="utf-8")
        temporary.chmod(0o600)
        os.replace(temporary, path)
    return path
