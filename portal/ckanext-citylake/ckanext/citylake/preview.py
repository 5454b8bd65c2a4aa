"""Rows of a product's table for its page: a slice, read on the server, with a search that finds any piece of text.

It goes through the DataStore's read engine under the same gate as datastore_search and a time limit of its own; it never
writes, and what is not open it never reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from ckan.common import request
from ckan.plugins import toolkit
from ckanext.citylake import helpers
from ckanext.datastore.backend.postgres import get_read_engine
from sqlalchemy.exc import SQLAlchemyError

ROWS = 20
DEEPEST = 500        # pages; beyond that the API or the file is the way
_OF_POSTGRES = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}
_TIMEOUT = 3000      # milliseconds a statement


@dataclass(frozen=True)
class Preview:
    """One page of rows as text. `total` is None where counting took too long; `failed` says that nothing could be read."""

    columns: Sequence[Mapping[str, Any]]
    rows: Sequence[Sequence[str]] = ()
    total: int | None = None
    page: int = 1
    more: bool = False
    query: str = ""
    column: str = ""
    failed: bool = field(default=False)

    @property
    def first(self) -> int:
        """Number of the first row shown, from 1."""
        return (self.page - 1) * ROWS + 1


def preview(package: Mapping[str, Any]) -> Preview | None:
    """What the request asks for (`rows_q`, `rows_in`, `rows_page`); None where the reader may not see rows."""
    resource = helpers.table(package)
    if resource is None or not may_read(package):
        return None
    found = helpers.page(package)
    names = {column["name"] for column in found["columns"]}
    column = request.args.get("rows_in", "")
    return read(str(resource["id"]), found, request.args.get("rows_q", "").strip()[:200], column if column in names else "", _page())


def _page() -> int:
    text = request.args.get("rows_page", "1")
    return min(max(int(text), 1), DEEPEST) if text.isdecimal() and len(text) < 7 else 1


def may_read(package: Mapping[str, Any]) -> bool:
    """Whether the package is shown as open, to everybody, and this reader passes the DataStore's own gate."""
    resource = helpers.table(package)
    if resource is None or package.get("private") or package.get("state") != "active":
        return False
    try:
        toolkit.check_access("datastore_search", {"user": toolkit.current_user.name}, {"resource_id": str(resource["id"])})
    except (toolkit.NotAuthorized, toolkit.ObjectNotFound):
        return False
    return True


def read(resource: str, found: helpers.Page, query: str, column: str, number: int) -> Preview:
    """The page of rows in which the query stands as a piece of text, or as a piece of a code's meaning."""
    columns = found["columns"]
    source = sa.table(resource, sa.column("_id"), *(sa.column(_stored(one)) for one in columns))
    where = _where(source, [one for one in columns if column in ("", one["name"])], found["codes"], query)
    shown = sa.select(*(source.c[_stored(one)] for one in columns)).where(where).order_by(source.c["_id"])
    try:
        rows = run(shown.limit(ROWS + 1).offset((number - 1) * ROWS))
    except SQLAlchemyError:
        return Preview(columns, query=query, column=column, failed=True)
    total = found["rows"] if not query else _count(sa.select(sa.func.count()).select_from(source).where(where))
    text = [[_text(value, one, found["codes"]) for value, one in zip(row, columns, strict=True)] for row in rows[:ROWS]]
    return Preview(columns, text, total, number, len(rows) > ROWS and number < DEEPEST, query, column)


def _stored(column: Mapping[str, Any]) -> str:
    """A column's name in the table: one that every PostgreSQL table has already got a `_` from the publisher (catalog/ckan.py)."""
    return f"{column['name']}_" if column["name"] in _OF_POSTGRES else str(column["name"])


def run(statement: sa.Select[Any]) -> Sequence[Any]:
    """Rows of a statement, read only, within the time limit."""
    with get_read_engine().connect() as connection, connection.begin():
        connection.execute(sa.text(f"SET LOCAL statement_timeout TO {_TIMEOUT}"))
        rows: Sequence[Any] = connection.execute(statement).fetchall()
        return rows


def _count(statement: sa.Select[Any]) -> int | None:
    try:
        return int(run(statement)[0][0])
    except SQLAlchemyError:
        return None


def _where(source: sa.TableClause, columns: Sequence[Mapping[str, Any]], codes: Mapping[str, Any], query: str) -> sa.ColumnElement[bool]:
    if not query:
        return sa.true()
    pattern = "%" + query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    found: list[sa.ColumnElement[bool]] = []
    for one in columns:
        text = sa.cast(source.c[_stored(one)], sa.Text)
        found.append(text.ilike(pattern, escape="\\"))
        meant = [row["code"] for row in codes.get(one["codes"] or "", ()) if query in row["zh"] or query.lower() in row["en"].lower()]
        if meant:
            found.append(text.in_(meant))
    return sa.or_(sa.false(), *found)


def _text(value: object, column: Mapping[str, Any], codes: Mapping[str, Any]) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(toolkit._("yes") if value else toolkit._("no"))
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes" if not value.second else "seconds")
    text = value.isoformat() if isinstance(value, date) else str(value)
    return text + _meaning(text, codes.get(column["codes"] or "", ()))


def _meaning(code: str, rows: Sequence[Mapping[str, str]]) -> str:
    found = next((row for row in rows if row["code"] == code), None)
    return f" {found[helpers.lang()]}" if found else ""


def helpers_of() -> dict[str, Any]:
    """For the templates."""
    return {"citylake_preview": preview}
