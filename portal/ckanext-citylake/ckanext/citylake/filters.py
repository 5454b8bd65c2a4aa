"""The filters of a result list, and addresses that change one part of a query. Without scripts, so every choice is a link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ckan.common import request
from ckan.plugins import toolkit
from ckanext.citylake import helpers, wording


def with_params(**changes: str | None) -> str:
    """The query of this page with some parameters set or (None) taken away; paging starts again. A relative address keeps the language."""
    kept = [(key, value) for key, value in request.args.items(multi=True) if key not in changes and key != "page"]
    kept += [(key, value) for key, value in changes.items() if value]
    return "?" + urlencode(kept)


def facets(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The filters of a result list: [{key, title, options: [{label, count, active, href}]}], departments by count."""
    return [{"key": key, "title": toolkit._(name), "options": _options(key, found[key])}
            for key, name in wording.FACETS.items() if found.get(key) and found[key]["items"]]


def _options(key: str, facet: Mapping[str, Any]) -> list[dict[str, Any]]:
    active = request.args.getlist(key)
    order = list(wording.WORDS.get(key, {})) or sorted((item["name"] for item in facet["items"] if item["name"].isdecimal()), key=int, reverse=True)
    items = sorted(facet["items"], key=lambda item: (order.index(item["name"]), 0) if item["name"] in order else (len(order), -item["count"]))
    return [{"label": helpers.label(key, item["name"]), "count": item["count"], "active": item["name"] in active,
             "href": with_params(**{key: None if item["name"] in active else item["name"]})} for item in items if item["name"]]


def chosen() -> list[dict[str, str]]:
    """The filters in force, each with the address without it."""
    found = [(key, value) for key, value in request.args.items(multi=True) if value and key in (*wording.FACETS, "tags", "shown")]
    return [{"title": toolkit._(wording.FACETS.get(key, "Tag" if key == "tags" else "Tier")),
             "label": value if key == "tags" else helpers.label(key, value), "href": with_params(**{key: None})} for key, value in found]


def helpers_of() -> dict[str, Any]:
    """For the templates."""
    return {"citylake_with_params": with_params, "citylake_facets": facets, "citylake_chosen": chosen}
