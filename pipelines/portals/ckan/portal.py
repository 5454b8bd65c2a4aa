"""A CKAN as a portal of the city: observe, stage, switch. Every write can be done again after a kill anywhere.

Files and tables are brought first and cannot be seen; one call of package_revise then shows all of a product's changes. What
closes goes in the order table, package, bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from catalog.city import City
from catalog.ckan_names import slug
from catalog.errors import DefinitionError, Drifted, PortalError
from pipelines.boundary import boundary
from pipelines.portals import Item, Observed
from pipelines.portals.ckan.client import Client
from pipelines.portals.ckan.figures import figures
from pipelines.portals.ckan.files import bring
from pipelines.portals.ckan.loading import ApiLoad, CopyLoad, LoadStrategy
from pipelines.portals.ckan.packages import Package, Packages, stored, visible
from pipelines.portals.ckan.tables import Need, Tables
from pipelines.portals.ckan.verifying import verify
from pipelines.settings import Settings

Place = Callable[[str], str | None]
ROWS = 1_000      # of one search: CKAN gives no more


@dataclass(frozen=True)
class Staged:
    """An item whose bytes lie on the portal, the id of its package, what its table still needs, and what its page tells of its rows."""

    item: Item
    package: str | None = None
    table: Need = None
    figures: str = ""


class CkanPortal:
    """`options`: url (`local` means the stack below the state folder), site where the public address is another one.

    `place` gives the id or name under which a product was published, as far as the journal knows it.
    """

    def __init__(self, name: str, options: Mapping[str, Any], settings: Settings, city: City, place: Place, auto: bool = False) -> None:
        if not {"url"} <= set(options) <= {"url", "site"}:
            raise DefinitionError(f"The portal {name} takes the options url and site, and url is needed.", file="city.yaml",
                                  remedy="Write `url: local` or the portal's address.")
        self.name, self.auto, self.options, self.settings, self.city, self._place = name, auto, options, settings, city, place
        self._places: dict[str, str] = {}

    # -- what is there -----------------------------------------------------------------------------------------------

    def observe(self, ids: Collection[str]) -> Mapping[str, Observed]:
        found = ((identity, self._look(identity)) for identity in ids)
        return {identity: self.packages.observed(identity, package) for identity, package in found if package is not None}

    def place_of(self, identity: str) -> str | None:
        """The package id under which this process saw a product: what the journal should keep."""
        return self._places.get(identity)

    def ids(self) -> set[str]:
        found: set[str] = set()
        seen = 0
        while True:
            answer = self.client.call("package_search", fl=["extras_citylake_id", "name"], rows=ROWS, start=seen, sort="id asc")
            found |= {str(entry.get("citylake_id") or entry["name"]) for entry in answer["results"]}      # a name: nothing of ours
            seen += len(answer["results"])
            if not answer["results"] or seen >= answer["count"]:
                return found

    def stored(self, name: str) -> Item | None:
        package = self._look(name)
        return None if package is None else stored(name, package)

    def verify(self, item: Item, deep: bool = False) -> list[str]:
        return verify(self, item, deep)

    def look(self, identity: str) -> Package | None:
        """The product's package as the public may see it."""
        return self._look(identity)

    def _look(self, identity: str) -> Package | None:
        package = self._first(identity)
        if package is None or not visible(package):
            return None
        self._places[identity] = package["id"]
        return package

    def _first(self, identity: str) -> Package | None:
        """By the journal's place; only where that is gone (an emptied portal) by the slug too. One request as a rule."""
        return next((package for name in dict.fromkeys(self._names(identity)) if (package := self.packages.show(name))), None)

    def _names(self, identity: str, item: Item | None = None) -> list[str]:
        """Under what a product may be found, the surest first."""
        titled = slug(item.page["title"]["zh"], identity) if item and item.page else None
        known = (self._places.get(identity) or self._place(identity), self._slug(identity), titled)
        return [name for name in known if name]

    def _slug(self, identity: str) -> str | None:
        dataset, _, product = identity.rpartition(".")
        contract = self.city.contracts.get(dataset)
        if contract is None or product not in [known.name for known in contract.products]:
            return None
        return slug((contract.product(product).title or contract.fields.title).zh, identity)

    # -- what shall be there -----------------------------------------------------------------------------------------

    def stage(self, item: Item) -> Staged:
        if item.shown != "open":
            return Staged(item)
        package = self._begin(item)
        bring(self.client, item)
        boundary("publish/ckan/files")
        need = self.tables.stage(item)
        told = figures(item, self.city.zone, self.packages.show(package))
        boundary("publish/ckan/staged")
        return Staged(item, package, need, told)

    def _begin(self, item: Item) -> str:
        """The id of the product's package; where none is seen, of one that nobody sees yet."""
        package = self._find(item)
        if package is None:
            package = self.packages.create(item, private=True)
        elif visible(package):
            return str(package["id"])
        elif not self.packages.same(item, package, private=True) or package["state"] != "active":
            self.packages.revise(item, package, private=True)
        boundary("publish/ckan/begun")
        return str(package["id"])

    def _find(self, item: Item) -> Package | None:
        """The product's package wherever it is; one that `observe` does not find is taken over, not refused."""
        return self.packages.find(item.id, self._names(item.id, item))

    def switch(self, staged: object, expect: str | None) -> Observed:
        if not isinstance(staged, Staged):
            raise TypeError("switch takes what stage returned")
        item = staged.item
        package = self._expected(staged, expect)
        if item.shown == "open":
            changed = self._show(staged, package)
        else:
            changed = self._close(item, package)
        if changed:
            boundary("publish/ckan/shown")
            self.purge()
        return Observed(item.fingerprint, item.shown, item.page.get("release"), item.page)

    def _expected(self, staged: Staged, expect: str | None) -> Package | None:
        """The product's package; raises Drifted when it does not show what it should."""
        identity, package = staged.item.id, self._first(staged.item.id)
        shown = package if visible(package) else None
        if (self.packages.observed(identity, shown).fingerprint if shown else None) != expect:
            raise Drifted("The portal has changed since the plan was made.", dataset=identity, remedy="Run again.")
        if shown or (package and package["id"] == staged.package):
            return package
        return self.packages.show(staged.package) if staged.package else self._find(staged.item)

    def _show(self, staged: Staged, package: Package | None) -> bool:
        item, need = staged.item, staged.table
        if need:
            self.tables.place(item, need)
            boundary("publish/ckan/table")
        if package is None:
            raise PortalError("What was staged is not on the portal any more.", dataset=item.id, remedy="Run again.")
        if self.packages.same(item, package) and package["state"] == "active":
            return need is not None
        self.packages.revise(item, package, figures=staged.figures)
        return True

    def _close(self, item: Item, package: Package | None) -> bool:
        """Metadata only, a tombstone or nothing."""
        if package is not None and package.get("resources") and package["state"] == "active":
            self.tables.drop(item.id)
            boundary("publish/ckan/dropped")
            package = self._find(item)
        if item.shown == "absent":
            return self._remove(item, package)
        if package is None:
            self.packages.create(item, private=False)
            return True
        if self.packages.same(item, package) and package["state"] == "active":
            return False
        self.packages.revise(item, package)
        return True

    def _remove(self, item: Item, package: Package | None) -> bool:
        if package is None or package["state"] != "active":
            return False
        self.packages.delete(package)
        return True

    def purge(self) -> None:
        self.client.call("citylake_purge")
        boundary("publish/ckan/purged")

    # -- access ------------------------------------------------------------------------------------------------------

    @cached_property
    def url(self) -> str:
        """The portal's address, without a slash at its end."""
        return str(self.options["url"] if self.options["url"] != "local" else self._access()["url"]).rstrip("/")

    @cached_property
    def site(self) -> str:
        """The address that stands in links."""
        return str(self.options.get("site") or self.url).rstrip("/")

    @cached_property
    def client(self) -> Client:
        """The publisher's client; its token has been checked."""
        token = self._secret("token")
        if token is None:
            raise PortalError(f"There is no token for the portal {self.name}.", remedy="Run `citylake portal setup`.")
        client = Client(self.url, token)
        client.check()
        return client

    @cached_property
    def packages(self) -> Packages:
        return Packages(self.client, self.site)

    @cached_property
    def tables(self) -> Tables:
        return Tables(self.client, self._loader(), self.city.zone)

    def _loader(self) -> LoadStrategy:
        """COPY where the DataStore's database lets us in, else the API."""
        dsn = self._secret("database") or (self._access().get("database") if self.options["url"] == "local" else None)
        copy = CopyLoad(dsn) if dsn else None
        return copy if copy is not None and copy.answers() else ApiLoad(self.client)

    def _secret(self, what: str) -> str | None:
        path = self.settings.secrets / f"{self.name}.{what}"
        return path.read_text(encoding="utf-8").strip() or None if path.is_file() else None

    def _access(self) -> dict[str, Any]:
        path = self.settings.state / "portal" / "access.json"
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise PortalError("There is no local portal.", remedy="Build it with `citylake portal up`.") from None
        return found
