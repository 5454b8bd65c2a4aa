"""Packages of products on a CKAN: found by what the journal knows of them, written whole in one call that a change refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

from catalog.ckan import compose, drift, name_of, picture
from catalog.errors import Drifted
from pipelines.portals import Item, Observed, Shown
from pipelines.portals.ckan.client import Client, Denied, Invalid, NotThere
from pipelines.portals.ckan.figures import FIELD

Package = Mapping[str, Any]
_TRIES = 4        # CKAN's own background jobs touch a package; that is no change of anybody


class Packages:
    """`site` is the portal's public address, which stands in every link."""

    def __init__(self, client: Client, site: str) -> None:
        self._client, self._site = client, site

    def show(self, name: str) -> Package | None:
        """A package by name or id, private and deleted ones too; None when there is none. One request."""
        try:
            found: Package = self._client.call("package_show", id=name)
        except (NotThere, Denied):
            return None
        return found

    def find(self, identity: str, names: list[str]) -> Package | None:
        """The product's package, in whatever state and under whatever name; a visible one goes first."""
        found: list[Package] = []
        for name in dict.fromkeys(names):
            package = self.show(name)
            if package is not None and visible(package):
                return package
            found += [package] if package is not None else []
        found += self._search(identity)
        return next((package for package in found if visible(package)), found[0] if found else None)

    def _search(self, identity: str) -> list[Package]:
        """Packages that say they are this product's, wherever somebody moved them. The index may know what a killed CKAN never kept."""
        query: dict[str, Any] = {"fq": f'citylake_id:"{identity}"', "include_private": True, "rows": 10}
        hits = self._client.call("package_search", **query)["results"]
        return [package for hit in hits if (package := self.show(hit["id"]))]

    def create(self, item: Item, private: bool) -> Package:
        found: Package = self._client.call("package_create", **{**compose(item, self._site), "private": private})
        return found

    def revise(self, item: Item, package: Package, private: bool = False, figures: str = "") -> None:
        """Replaces everything of a package at once; raises Drifted when somebody changed it since it was read. `figures`: see figures.py."""
        want = {**compose(item, self._site, name_of(item.id, package)), "private": private, "state": "active", FIELD: figures}
        before = picture(item.id, package)
        for _ in range(_TRIES):
            match = {"id": package["id"], "metadata_modified": package["metadata_modified"]}
            try:
                self._client.call("package_revise", match=match, filter=["-*"], update=want, include=["-*"])
                return
            except Invalid as error:
                if "match" not in error.fields:
                    raise
            now = self.show(package["id"])
            if now is None or picture(item.id, now) != before:
                break
            package = now
        raise Drifted("The portal was changed while it was written.", dataset=item.id, remedy="Run again.")

    def delete(self, package: Package) -> None:
        self._client.call("package_delete", id=package["id"])

    def same(self, item: Item, package: Package, private: bool = False) -> bool:
        """Whether the package is exactly what the item demands."""
        return set(drift(item, package, self._site)) == ({"private"} if private else set()) and bool(package["private"]) == private

    def observed(self, identity: str, package: Package) -> Observed:
        """What a package shows: the published item, or what hand edits made of it."""
        item = stored(identity, package)
        try:
            changed = drift(item, package, self._site) if item else ("page",)
        except (KeyError, TypeError, ValueError, AttributeError):      # a page that nothing of ours wrote
            item, changed = None, ("page",)
        if item is None:
            shown: Shown = "open" if package.get("resources") else "metadata"
            return Observed(picture(identity, package), shown, None, {"files": [], "releases": []}, changed)
        mark = picture(identity, package) if changed else item.fingerprint
        return Observed(mark, item.shown, item.page.get("release"), item.page, changed)


def visible(package: Package | None) -> bool:
    """Whether the public sees it: what is private or deleted counts as not there."""
    return package is not None and package.get("state") == "active" and not package.get("private")


def stored(identity: str, package: Package) -> Item | None:
    """The item as its package holds it; None where that is no page of ours."""
    try:
        page = json.loads(package["page"])
    except (KeyError, TypeError, ValueError):
        return None
    shown: Shown = package["shown"] if package.get("shown") in get_args(Shown) else "metadata"
    return Item(identity, shown, page) if isinstance(page, dict) else None
