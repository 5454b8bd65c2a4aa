"""Atom feeds in the reader's language, whose entries lead to pages. CKAN's own are English, lead to JSON and have broken links."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ckan.lib.helpers import helper_functions as h
from ckan.plugins import toolkit
from ckan.views.feed import CKANFeed
from ckanext.citylake import helpers

_OF = re.compile(r' - (?:Group|Organization|Tag): "(.*)"$')
_PAGE = re.compile(r"/feeds/(group|organization)/([^./]+)[.]atom")


class Feed(CKANFeed):  # type: ignore[misc]
    """Called by CKAN with English texts, which are put in words here."""

    def __init__(self, feed_title: str, feed_link: str, feed_description: str, language: str | None, author_name: str | None,
                 feed_guid: str | None, feed_url: str | None, **navigation: str | None) -> None:
        of = _OF.search(feed_title)
        title = helpers.site() + (f" – {helpers.named(of[1])}" if of else "")
        about = _PAGE.search(feed_url or "")
        page = h.url_for(f"{about[1]}.read", id=about[2]) if about else feed_link
        guid = re.sub(r"(?<!/)feeds/", "/feeds/", feed_guid or "", count=1)
        super().__init__(title, page, toolkit._("New and changed data"), helpers.tag(), helpers.site(), guid, feed_url, None, None, None, None)

    def add_item(self, **entry: Any) -> None:
        """`said` are the fields that `entry_of` gives; without an author of its own an entry has the feed's."""
        kept = {key: value for key, value in entry.items() if key not in ("author_name", "author_email", "said") and value is not None}
        super().add_item(**{**kept, **entry.get("said", {})})


def entry_of(package: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry says of a package, for `get_item_additional_fields`."""
    return {"said": {"title": helpers.title(package), "description": helpers.summary(package),
                     "link": h.url_for("dataset.read", id=package["name"], _external=True)}}
