"""`citylake portal setup`: what a sysadmin does once. Organisations for departments, groups for fields, the publisher's account.

The account is an editor of every organisation and a plain member of every group: less would not let it publish. It is no
sysadmin, can make no organisation, and the token that runs use is its own. Doing it again mends what differs.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from catalog.city import City
from catalog.ckan import field_group
from catalog.entry import FIELDS
from catalog.errors import PortalError
from pipelines.portals.ckan.client import Client, Denied, NotThere

PUBLISHER = "citylake-publisher"
TOKEN = "citylake"       # the name of its token
EMAIL = "citylake-publisher@localhost.invalid"      # CKAN demands one; nothing is sent there


def set_up(city: City, url: str, sysadmin_token: str, known: str | None = None) -> str:
    """Makes or mends everything that publishing needs; returns the publisher's token: `known` while it works, else a new one.

    Raises Denied where the token is no sysadmin's.
    """
    admin = Client(url, sysadmin_token)
    if not admin.call("user_show").get("sysadmin"):
        raise Denied("The token is no sysadmin's.", remedy="Make one in CKAN: your account, API tokens.")
    _account(admin)
    for name, department in city.departments.items():
        _group(admin, "organization", name, department.name.zh, department.name.en, "editor")
    for name, label in FIELDS.items():
        _group(admin, "group", field_group(name), label["zh"], label["en"], "member")
    return known if known and _works(url, known) else _token(admin)


def _account(admin: Client) -> None:
    try:
        user = admin.call("user_show", id=PUBLISHER)
    except NotThere:
        admin.call("user_create", name=PUBLISHER, email=EMAIL, password=secrets.token_urlsafe(32), fullname="citylake")
        return
    if user.get("sysadmin"):
        raise PortalError(f"The account {PUBLISHER} is a sysadmin.", remedy=f"Run `ckan sysadmin remove {PUBLISHER}` on the portal's machine.")
    if user.get("state") != "active":
        admin.call("user_patch", id=PUBLISHER, state="active")


def _group(admin: Client, kind: str, name: str, title: str, title_en: str, role: str) -> None:
    """An organisation or a group, with its two names, and the account's right in it."""
    want: dict[str, Any] = {"title": title, "extras": [{"key": "title_en", "value": title_en}], "state": "active"}
    try:
        found = admin.call(f"{kind}_show", id=name, include_extras=True, include_users=True, include_datasets=False)
    except NotThere:
        found = admin.call(f"{kind}_create", name=name, **want)
    if any(_differs(found, key, value) for key, value in want.items()):
        admin.call(f"{kind}_patch", id=name, **want)
    roles = {user["name"]: user.get("capacity") for user in found.get("users", ())}
    if roles.get(PUBLISHER) != role:
        admin.call(f"{kind}_member_create", id=name, username=PUBLISHER, role=role)


def _differs(found: Mapping[str, Any], key: str, value: object) -> bool:
    there = found.get(key)
    if key == "extras":
        there = [{name: extra.get(name) for name in ("key", "value")} for extra in found.get("extras", ())]
    return bool(there != value)


def _works(url: str, token: str) -> bool:
    try:
        name = Client(url, token).check()
    except Denied:
        return False
    return name == PUBLISHER


def _token(admin: Client) -> str:
    """A new token. Whatever the account had before ends: other tokens, its password, an address that somebody gave it."""
    admin.call("user_patch", id=PUBLISHER, email=EMAIL, password=secrets.token_urlsafe(32))
    for old in admin.call("api_token_list", user_id=PUBLISHER):
        admin.call("api_token_revoke", jti=old["id"])
    return str(admin.call("api_token_create", user=PUBLISHER, name=TOKEN)["token"])
