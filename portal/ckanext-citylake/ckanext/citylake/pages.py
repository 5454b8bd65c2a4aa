"""Pages of our own (for developers, statistics), and what CKAN shows visitors that this portal does not have."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit
from ckan.views.api import i18n_js_translations
from flask import Blueprint, request

pages = Blueprint("citylake_pages", __name__)
# Followers, members and the like: pages of a site where people talk, which this one is not.
_ABSENT = ("followers", "groups", "members", "about")
_TYPES = ("dataset", "organization", "group")


@pages.route("/developers")
def developers() -> str:
    """Interfaces, limits, error codes, stable addresses, feeds."""
    return str(toolkit.render("developers.html"))


@pages.route("/statistics")
def statistics() -> str:
    """Figures of the portal."""
    return str(toolkit.render("statistics.html"))


@pages.route("/api/i18n/zh-CN")
@pages.route("/api/i18n/zh_Hans-CN")
@pages.route("/api/i18n/zh_CN")
def translations() -> Any:
    """CKAN's scripts ask by the page's language; its files go by the locale's name."""
    return i18n_js_translations("zh_Hans_CN")


@pages.before_app_request
def not_here() -> Any:
    """Sends a visitor from a page that this portal does not have to the one it belongs to; who is logged in may see most of them."""
    kind, _, view = (request.endpoint or "").partition(".")
    hidden = view == "about" or (view in _ABSENT and toolkit.current_user.is_anonymous)
    if kind in _TYPES and hidden and request.method == "GET":
        return toolkit.redirect_to(f"{kind}.read", id=(request.view_args or {}).get("id"))
    return None
