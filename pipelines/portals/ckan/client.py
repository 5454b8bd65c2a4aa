"""Calls of a CKAN's actions: time-outs, retries, and every failure as a PortalError that quotes no body.

Writes are repeated only where the server did not take them, or where doing them twice is the same as once.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import ckanapi
import requests
from ckanapi.errors import CKANAPIError, ServerIncompatibleError
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from catalog.errors import PortalError

CONNECT, READ, LONG = 10, 120, 900      # seconds
READS = {"package_show", "package_search", "user_show", "organization_show", "group_show", "api_token_list", "datastore_search",
         "datastore_info", "citylake_file_status", "citylake_table_show"}
_LONG = {"datastore_upsert", "datastore_create", "citylake_table_swap", "citylake_purge", "citylake_file_append"}
_BUSY = (429, 502, 503, 504)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_WAIT = 30                              # seconds at most before a repetition, whatever the server asks for
_LATER = "Try again later; see `citylake portal status` for a local one."


class NotThere(PortalError):
    """What was named does not exist on the portal, or is not shown to this account."""


class Denied(PortalError):
    """The account may not do this."""


class Invalid(PortalError):
    """The portal refuses the values; `fields` are the names of what it refuses."""

    def __init__(self, fields: frozenset[str]) -> None:
        self.fields = fields
        setup = "Run `citylake portal setup`: the portal lacks a department or a field."
        super().__init__(f"The portal refuses these fields: {', '.join(sorted(fields)) or 'unnamed'}.",
                         remedy=setup if fields & {"owner_org", "groups"} else "See whether its extension is of the same version as this program.")


class _Patient(Retry):
    """Waits between tries, but never as long as a server may ask."""

    def get_retry_after(self, response: Any) -> float | None:
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, _WAIT)


def _retry(statuses: tuple[int, ...]) -> Retry:
    return _Patient(total=4, connect=3, read=0, redirect=0, other=0, status=3, status_forcelist=statuses, allowed_methods=None,
                    backoff_factor=0.4, raise_on_status=False)


def session(url: str) -> requests.Session:
    """A session with connections kept and tries repeated; never with a password from a .netrc file."""
    found = requests.Session()
    found.auth = lambda request: request
    found.trust_env = urlsplit(url).hostname not in LOOPBACK      # no proxy reaches this machine's own addresses
    found.mount(url, HTTPAdapter(max_retries=_retry(_BUSY)))
    found.mount(f"{url}/api/action/datastore_upsert", HTTPAdapter(max_retries=_retry((429,))))     # twice would be two rows
    return found


@dataclass(frozen=True)
class Answer:
    """What the public gets at an address: status, size in bytes and ETag."""

    status: int
    size: int | None
    etag: str


class Client:
    """A CKAN as one account sees it, or everybody when there is no token. `calls` counts the requests by action."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url, self.calls = url.rstrip("/"), Counter[str]()
        self._session = session(self.url)
        self._public = session(self.url)
        self._ckan = ckanapi.RemoteCKAN(self.url, apikey=token, session=self._session, user_agent="citylake")

    @cached_property
    def everybody(self) -> Client:
        """The same site without an account."""
        return Client(self.url)

    def call(self, action: str, files: Mapping[str, Any] | None = None, **data: Any) -> Any:
        """The result of an action. Reads that fail on the portal's side are tried once more.

        Raises NotThere, Denied, Invalid, or another PortalError.
        """
        try:
            return self._call(action, data, files)
        except _Failed:
            if action not in READS:
                raise
        return self._call(action, data, files)

    def _call(self, action: str, data: Mapping[str, Any], files: Mapping[str, Any] | None) -> Any:
        self.calls[action] += 1
        with _told():
            return self._ckan.call_action(action, dict(data), files=files, requests_kwargs={"timeout": (CONNECT, LONG if action in _LONG else READ)})

    def check(self) -> str:
        """The name of the account behind the token; raises Denied where the portal does not know the token."""
        try:
            return str(self.call("user_show")["name"])
        except (NotThere, Denied):
            raise Denied("The portal does not know the publisher's token.", remedy="Run `citylake portal setup`.") from None

    def look(self, path: str) -> Answer:
        """What everybody gets at an address of the portal, without the body."""
        with _told():
            found = self._public.head(self.url + path, timeout=(CONNECT, READ), allow_redirects=False)
        size = found.headers.get("Content-Length")
        return Answer(found.status_code, int(size) if size else None, found.headers.get("ETag", "").removeprefix("W/").strip('"'))

    def sha256(self, path: str) -> str:
        """The hash of the bytes that everybody gets at an address."""
        found = hashlib.sha256()
        with _told(), self._public.get(self.url + path, timeout=(CONNECT, READ), stream=True, allow_redirects=False) as answer:
            for block in answer.iter_content(2**20):
                found.update(block)
        return found.hexdigest()


class _Failed(PortalError):
    """The portal could not be reached, or failed: another try may succeed."""


@contextmanager
def _told() -> Iterator[None]:
    """Foreign errors as ours, without their texts: these hold addresses and bodies."""
    try:
        yield
    except ckanapi.NotFound:
        raise NotThere("The portal does not have what was asked for.", remedy="Run `citylake portal setup`, then again.") from None
    except ckanapi.NotAuthorized:
        raise Denied("The portal does not let the publisher's account do this.", remedy="Run `citylake portal setup`.") from None
    except ckanapi.ValidationError as error:
        raise Invalid(_refused(error.error_dict)) from None
    except (ckanapi.SearchError, ckanapi.SearchQueryError, ckanapi.SearchIndexError):
        raise _Failed("The portal's search index does not answer.", remedy=_LATER) from None
    except ServerIncompatibleError:
        raise PortalError("At the portal's address answers something that is no CKAN.", remedy="See options.url in city.yaml.") from None
    except CKANAPIError as error:
        raise _of_status(_status(error)) from None
    except requests.Timeout:
        raise _Failed("The portal did not answer in time.", remedy=_LATER) from None
    except requests.RequestException:
        raise _Failed("The portal cannot be reached.", remedy=_LATER) from None


def _refused(errors: Any) -> frozenset[str]:
    """Names of the refused fields: those that are plain identifiers, since others could be values."""
    names = errors if isinstance(errors, Mapping) else {}
    return frozenset(name for name in names if isinstance(name, str) and name.isidentifier() and not name.startswith("__"))


def _status(error: CKANAPIError) -> int | None:
    try:
        return int(ast.literal_eval(str(error))[1])
    except (ValueError, SyntaxError, TypeError, IndexError, MemoryError, RecursionError):
        return None


def _of_status(status: int | None) -> PortalError:
    if status in (401, 403):
        return Denied("The portal does not let the publisher in.", remedy="Run `citylake portal setup`; see the web server before it.")
    if status == 400:
        return PortalError("The portal does not know what was asked of it.", remedy="See whether its citylake extension is installed and current.")
    if status == 413:
        return PortalError("The web server before the portal refuses requests of this size.", remedy="See docs/deploy.md.")
    if status is not None and status >= 429:
        return _Failed(f"The portal failed with status {status}.", remedy=_LATER)
    return PortalError("At the portal's address answers something that is no CKAN.", remedy="See options.url in city.yaml.")
