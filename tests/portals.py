"""A tiny city whose portal is a real CKAN, for tests: set up as a sysadmin does it once, and looked at as anybody does."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from stacking import DIRECT, PortalStack
from tiny import CITY, Tiny

from pipelines.portals.ckan.portal import CkanPortal
from pipelines.portals.ckan.setup import set_up
from pipelines.portals.listed import portals_of

NAME = "platform"


def with_ckan(city: Tiny, stack: PortalStack, auto: bool = False, url: str | None = None, copy: bool = True) -> Tiny:
    """Gives a tiny city this CKAN as a second portal. `url` puts something between, `copy=False` leaves only the API."""
    options = f"{{url: '{url or stack.url}', site: '{stack.url}'}}"
    city.write("city.yaml", f"{CITY}  {NAME}: {{kind: ckan, auto: {str(auto).lower()}, options: {options}}}\n")
    folder = city.settings.secrets
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = stack.root / "publisher.token"          # one account for all tests of a stack
    token = set_up(city.way().city, stack.url, stack.token, known.read_text() if known.exists() else None)
    for path in (known, folder / f"{NAME}.token"):
        path.write_text(token)
        path.chmod(0o600)
    if copy:
        (folder / f"{NAME}.database").write_text(stack.database)
        (folder / f"{NAME}.database").chmod(0o600)
    return city


def ckan_of(city: Tiny) -> CkanPortal:
    """The CKAN portal of a city, opened anew."""
    found = next(portal for portal in portals_of(city.way()) if portal.name == NAME)
    assert isinstance(found, CkanPortal)
    return found


def get(url: str, path: str) -> tuple[int, bytes]:
    """What anybody gets at a path: status and body."""
    try:
        with DIRECT.open(url + path, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def act(stack: PortalStack, action: str, **data: Any) -> Any:
    """An action as anybody; None where it is refused or not there."""
    asked = urllib.request.Request(f"{stack.url}/api/3/action/{action}", data=json.dumps(data).encode(), headers={"Content-Type": "application/json"})
    try:
        with DIRECT.open(asked, timeout=60) as answer:
            return json.loads(answer.read())["result"]
    except urllib.error.HTTPError as error:
        if error.code not in (403, 404, 409):
            raise
        return None


def everywhere(root: Path, *words: str) -> list[str]:
    """Files below a stack's root that hold one of these words, as UTF-8 bytes."""
    marks = [word.encode() for word in words]
    return [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and any(mark in path.read_bytes() for mark in marks)]
