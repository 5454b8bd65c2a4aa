"""The publisher's actions: files in pieces, tables exchanged whole, and what is left behind removed. All have side effects or are
for the publisher alone; none is for GET.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import search
from ckanext.citylake import auth, published, tables
from ckanext.citylake.files import Refused, store

Action = Callable[..., Any]
_TRIES = 3
_WRITES = ("datastore_create", "datastore_upsert", "datastore_delete", "datastore_records_delete")


def citylake_file_status(context: Any, data: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """{sha256: [..]} → {sha256: {"size": bytes here, "complete"}}."""
    tk.check_access("citylake_file_status", context, data)
    asked = data.get("sha256") or []
    with _told():
        return {str(sha): store().status(str(sha)).body() for sha in ([asked] if isinstance(asked, str) else asked)}


def citylake_file_append(context: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """{sha256, size, offset, upload} → {"size", "complete"}. `upload` is a file part of a multipart request."""
    tk.check_access("citylake_file_append", context, data)
    stream = getattr(data.get("upload"), "stream", None)
    if stream is None:
        raise tk.ValidationError({"upload": ["a file part is missing"]})
    with _told():
        return store().append(str(data.get("sha256")), _number(data, "size"), _number(data, "offset"), stream).body()


def citylake_table_show(context: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """{resource_id} → {"exists", "mark", "info_mark", "rows"}. A table may be there before its resource: then nobody reads it."""
    tk.check_access("citylake_table_show", context, data)
    return tables.show(_table(data, "resource_id")).body()


def citylake_table_mark(context: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """{resource_id, mark, info_mark}: writes the marks, after the labels alone were changed. → as citylake_table_show."""
    tk.check_access("citylake_table_mark", context, data)
    table = _resource(data, "resource_id").id
    with _told():
        tables.mark(table, _marks(data))
    return tables.show(table).body()


def citylake_table_swap(context: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """{resource_id, staged, mark, info_mark} → {"rows", "lock_ms"}: the staged resource's table takes the other's place.

    The other may be no resource yet: a product that opens gets its table first, and its resources with the package.
    """
    tk.check_access("citylake_table_swap", context, data)
    target, staged = _table(data, "resource_id"), _resource(data, "staged")
    if not model.Package.get(staged.package_id).name.startswith(published.STAGING):
        raise tk.ValidationError({"staged": ["not a resource of a staging package"]})
    with _told():
        rows, waited = tables.swap(target, staged.id, _marks(data))
    _flag({target: True, staged.id: False})
    return {"rows": rows, "lock_ms": waited}


def citylake_purge(context: Any, data: Mapping[str, Any]) -> dict[str, int]:
    """{} → {"files", "tables"}: removes the files and tables that no open package names, and everything half done."""
    tk.check_access("citylake_purge", context, data)
    return {"files": store().purge(published.named_blobs()), "tables": tables.purge(published.living_tables())}


@tk.chained_action
@tk.side_effect_free
def datastore_search(next_action: Action, context: Any, data: dict[str, Any]) -> Any:
    """CKAN reads rows and their total one after the other; where the table was exchanged in between, it reads again."""
    table = str(data.get("resource_id") or data.get("id") or "")
    for _ in range(_TRIES):
        before = tables.oid(table)
        found = next_action(dict(context), dict(data))
        if tables.oid(table) == before:
            break
    return found


def _noticed(name: str) -> Action:
    """A DataStore action that, done by hand on a table that is shown, is seen by the next plan: the marks end, and the resource says so."""

    @tk.chained_action
    def act(next_action: Action, context: Any, data: dict[str, Any]) -> Any:
        answer = next_action(context, data)
        resource = model.Resource.get(str(data.get("resource_id") or ""))
        if resource is not None and context.get("user") != auth.publisher():
            _by_hand(resource)
        return answer

    found: Action = act
    found.__name__ = name
    return found


def _by_hand(resource: Any) -> None:
    package = model.Package.get(resource.package_id)
    if package is None or not published.managed(package) or package.name.startswith(published.STAGING):
        return
    try:
        tables.mark(resource.id, tables.Marks("", ""))
    except tables.Missing:
        pass
    resource.extras = {**resource.extras, "release": "by hand"}
    model.Session.commit()
    search.rebuild(package.id)


def functions() -> dict[str, Action]:
    """For IActions."""
    own = (citylake_file_status, citylake_file_append, citylake_table_show, citylake_table_mark, citylake_table_swap, citylake_purge)
    assert tuple(one.__name__ for one in own) == auth.ACTIONS
    return {**{one.__name__: one for one in own}, "datastore_search": datastore_search, **{name: _noticed(name) for name in _WRITES}}


@contextmanager
def _told() -> Iterator[None]:
    """Refusals of files and tables as CKAN's errors."""
    try:
        yield
    except Refused as error:
        raise tk.ValidationError({error.field: [str(error)]}) from None
    except tables.Missing:
        raise tk.ObjectNotFound("There is no such table.") from None
    except tables.Busy:
        raise tk.ValidationError({"resource_id": ["readers keep the table; try again"]}) from None


def _number(data: Mapping[str, Any], key: str) -> int:
    text = str(data.get(key, ""))
    if not text.isdecimal():
        raise tk.ValidationError({key: ["not a whole number"]})
    return int(text)


def _marks(data: Mapping[str, Any]) -> tables.Marks:
    return tables.Marks(str(data.get("mark") or ""), str(data.get("info_mark") or ""))


def _resource(data: Mapping[str, Any], key: str) -> Any:
    found = model.Resource.get(str(data.get(key) or ""))
    if found is None or found.state != "active":
        raise tk.ObjectNotFound("There is no such resource.")
    return found


def _table(data: Mapping[str, Any], key: str) -> str:
    """The name of a resource's table, whether or not there is the resource."""
    name = str(data.get(key) or "")
    if not tables.is_name(name):
        raise tk.ObjectNotFound("There is no such table.")
    return name


def _flag(active: Mapping[str, bool]) -> None:
    """Says of each resource whether it has a table, without a new version of its package."""
    changed = set()
    for identity, yes in active.items():
        resource = model.Resource.get(identity)
        if resource is not None and bool(resource.extras.get("datastore_active")) != yes:
            resource.extras = {**resource.extras, "datastore_active": yes}
            changed.add(resource.package_id)
    model.Session.commit()
    for package in changed:
        search.rebuild(package)
