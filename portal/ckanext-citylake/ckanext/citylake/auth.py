"""Who may do what: the publisher's actions, the fields that are only the publisher's, and who may read a table.

The publisher is a plain account named by `ckanext.citylake.publisher`: an editor in every organisation. Sysadmins may do all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model
from ckan.lib.plugins import DefaultPermissionLabels
from ckanext.citylake.published import STAGING, is_open, managed
from ckanext.datastore.backend import DatastoreBackend

ACTIONS = ("citylake_file_status", "citylake_file_append", "citylake_table_show", "citylake_table_mark", "citylake_table_swap",
           "citylake_purge")
PUBLISHER = "citylake-publisher"
_STAGING_LABEL = "citylake-staging"
Answer = dict[str, Any]
Auth = Callable[..., Answer]


def publisher() -> str:
    """The name of the account that publishes."""
    return str(tk.config.get("ckanext.citylake.publisher") or PUBLISHER)


def trusted(user: str | None) -> bool:
    """Whether this account is the publisher or a sysadmin."""
    return bool(user) and (user == publisher() or authz.is_sysadmin(user))


def _allowed(yes: bool) -> Answer:
    return {"success": True} if yes else {"success": False, "msg": tk._("Only the publisher may do this.")}


def only_publisher(context: Mapping[str, Any], data: Mapping[str, Any]) -> Answer:
    """For the actions of this extension. Sysadmins are never asked."""
    return _allowed(trusted(context.get("user")))


def table_readable(resource: str, user: str | None) -> bool:
    """Whether this account may read the rows behind a resource id or a table's alias."""
    found = model.Resource.get(resource)
    if found is None:
        real = DatastoreBackend.get_active_backend().resource_id_from_alias(resource)[1]
        found = model.Resource.get(real) if real else None
    if trusted(user):
        return True
    package = model.Package.get(found.package_id) if found is not None and found.state == "active" else None
    return package is not None and is_open(package)


def _reading(key: str) -> Auth:
    @tk.chained_auth_function
    @tk.auth_allow_anonymous_access
    def read(next_auth: Auth, context: Any, data: dict[str, Any]) -> Answer:
        first = next_auth(context, data)
        if not first["success"]:
            return first
        return _allowed(table_readable(str(data.get(key) or data.get("id") or ""), context.get("user")))

    found: Auth = read
    return found


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def datastore_search_sql(next_auth: Auth, context: Any, data: dict[str, Any]) -> Answer:
    """Every table of the query must be readable."""
    for name in context["table_names"]:
        if not table_readable(name, context.get("user")):
            return _allowed(False)
    return next_auth(context, data)


def _writing(rows: Callable[[Mapping[str, Any]], bool]) -> Auth:
    """Rows of the publisher's packages come from releases only, whoever edits the package: even the publisher writes them beside
    and has the tables exchanged. `rows` says whether a call would change rows in place.
    """

    @tk.chained_auth_function
    def write(next_auth: Auth, context: Any, data: dict[str, Any]) -> Answer:
        found = model.Resource.get(str(data.get("resource_id") or data.get("id") or ""))
        package = model.Package.get(found.package_id) if found is not None else None
        if package is None or not managed(package):
            return next_auth(context, data)
        in_place = rows(data) and not package.name.startswith(STAGING)
        return next_auth(context, data) if trusted(context.get("user")) and not in_place else _allowed(False)

    found: Auth = write
    return found


@tk.chained_auth_function
def package_create(next_auth: Auth, context: Any, data: dict[str, Any] | None = None) -> Answer:
    """What is in the catalog came through the city's gates: nobody but the publisher makes packages, and only its own kinds."""
    ours = not data or bool(data.get("citylake_id")) or str(data.get("name", "")).startswith(STAGING)
    return next_auth(context, data) if trusted(context.get("user")) and ours else _allowed(False)


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def _account(next_auth: Auth, context: Any, data: dict[str, Any]) -> Answer:
    """The publisher's account is a sysadmin's: who has its token makes no other, and sets no password or address."""
    data = data or {}
    target = model.User.get(str(data.get("id") or data.get("user") or ""))
    if context.get("user") == publisher() or (target is not None and target.name == publisher()):
        return _allowed(False)
    return next_auth(context, data)


@tk.chained_auth_function
def package_update(next_auth: Auth, context: Any, data: dict[str, Any]) -> Answer:
    """Only the publisher brings a deleted package of its own back, touches a staging package, or says what there is to download."""
    package = context.get("package") or model.Package.get(str(data.get("id") or data.get("name") or ""))
    if package is None or not managed(package) or trusted(context.get("user")):
        return next_auth(context, data)
    alive = package.state == "active" and not package.name.startswith(STAGING)
    return next_auth(context, data) if alive and _same_files(package, data.get("resources") or ()) else _allowed(False)


def _same_files(package: model.Package, given: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the resources are known ones and still lead to the same bytes. CKAN itself says where a table is dumped."""
    known = {one.id: one for one in package.resources}
    for resource in given:
        one = known.get(resource.get("id") or "")
        if one is None or resource.get("upload") or (resource.get("url_type") or None) != (one.url_type or None):
            return False
        if resource.get("url") != one.url and one.url_type != "datastore":
            return False
    return True


def functions() -> dict[str, Auth]:
    """For IAuthFunctions."""
    return {
        **dict.fromkeys(ACTIONS, only_publisher),
        "datastore_search": _reading("resource_id"), "datastore_info": _reading("id"), "datastore_search_sql": datastore_search_sql,
        "datastore_create": _writing(lambda data: bool(data.get("records"))), "datastore_upsert": _writing(lambda _: True),
        "datastore_delete": _writing(lambda data: bool(data.get("filters"))), "datastore_records_delete": _writing(lambda _: True),
        "package_create": package_create, "package_update": package_update,
        "user_update": _account, "user_patch": _account, "api_token_create": _account,
    }


def publishers_only(key: Any, data: Any, errors: Any, context: Any) -> None:
    """Validator of a field that the publisher writes: left out, it stays; another's value must be the one that is there."""
    package, value = context.get("package"), data.get(key)
    kept = package.extras.get(key[-1]) if package is not None else None
    if value is tk.missing or value is None:
        if kept is None:
            data.pop(key, None)
            raise tk.StopOnError
        data[key] = kept
    elif str(value) != (kept or "") and not (context.get("ignore_auth") or trusted(context.get("user"))):
        errors[key].append(tk._("Only the publisher may change this field."))
        raise tk.StopOnError
    else:
        data[key] = str(value)


class Labels(DefaultPermissionLabels):
    """Who may see which package: staging packages are for the publisher (and sysadmins), not for their departments."""

    def get_dataset_labels(self, dataset_obj: model.Package) -> list[str]:
        if dataset_obj.name.startswith(STAGING):
            return [_STAGING_LABEL]
        found: list[str] = super().get_dataset_labels(dataset_obj)
        return found

    def get_user_dataset_labels(self, user_obj: model.User) -> list[str]:
        found: list[str] = super().get_user_dataset_labels(user_obj)
        return [*found, _STAGING_LABEL] if getattr(user_obj, "name", None) == publisher() else found
