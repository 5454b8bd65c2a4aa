"""DataStore tables: what one holds, the exchange of a whole table in one short transaction, and the end of those left behind.

Marks are JSON in the table's comment: `mark` says what the rows were made of, `info_mark` the same of the labels.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from ckanext.citylake import indexes
from ckanext.datastore.backend.postgres import get_read_engine, get_write_engine
from ckanext.datastore.backend.postgres import identifier as quoted
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

LOCK = "5s"          # to wait for readers; new ones queue behind us for that long at most
TRIES = 12
PAUSE = 0.5          # seconds between tries
_LOCKED = "55P03"    # PostgreSQL's lock_not_available
_UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


class Missing(Exception):
    """There is no such table."""


class Busy(Exception):
    """Readers kept the table for longer than we wait."""


@dataclass(frozen=True)
class Marks:
    """What a table was made of."""

    mark: str = ""
    info_mark: str = ""


@dataclass(frozen=True)
class Shown:
    """A table as the publisher sees it; `rows` is counted, not estimated."""

    exists: bool
    mark: str = ""
    info_mark: str = ""
    rows: int = 0

    def body(self) -> dict[str, Any]:
        return asdict(self)


def is_name(text: str) -> bool:
    """Whether a resource's table could have this name."""
    return re.fullmatch(_UUID.strip("^$"), text) is not None


def oid(table: str) -> int | None:
    """PostgreSQL's number of the table or alias that has this name now; an exchange changes it."""
    if not table or "\0" in table:
        return None
    with get_read_engine().connect() as connection:
        return _oid(connection, table)


def show(table: str) -> Shown:
    """Its marks and its rows."""
    with get_write_engine().connect() as connection:
        if _oid(connection, table) is None:
            return Shown(False)
        return Shown(True, **asdict(_marks(connection, table)), rows=_count(connection, table))


def mark(table: str, marks: Marks) -> None:
    """Writes the marks. Raises Missing."""
    with get_write_engine().begin() as connection:
        if _oid(connection, table) is None:
            raise Missing(table)
        _comment(connection, table, marks)


def swap(target: str, staged: str, marks: Marks) -> tuple[int, int]:
    """Puts the staged table in the target's place; returns its rows and for how many milliseconds readers had to wait.

    Done again after it was done, it changes nothing. Raises Missing, Busy.
    """
    with get_write_engine().begin() as connection:
        if _oid(connection, staged) is None:
            if _oid(connection, target) is None or _marks(connection, target) != marks:
                raise Missing(staged)
            return _count(connection, target), 0
        connection.execute(sa.text(f"ANALYZE {quoted(staged)}"))
        rows = _count(connection, staged)
        _comment(connection, staged, marks)
    return rows, _patiently(target, staged)


def _patiently(target: str, staged: str) -> int:
    for attempt in range(TRIES):
        try:
            with get_write_engine().begin() as connection:
                return _exchange(connection, target, staged)
        except OperationalError as error:
            if getattr(error.orig, "pgcode", None) != _LOCKED:
                raise
            time.sleep(PAUSE * (attempt + 1))
    raise Busy(target)


def _exchange(connection: Connection, target: str, staged: str) -> int:
    """The short transaction. Returns milliseconds from the lock on."""
    connection.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK}'"))
    aliases: list[str] = []
    if _oid(connection, target) is not None:
        connection.execute(sa.text(f"LOCK TABLE {quoted(target)} IN ACCESS EXCLUSIVE MODE"))
        start = time.perf_counter()
        aliases = _aliases(connection, target)
        _drop(connection, target, aliases)
    else:
        start = time.perf_counter()
    connection.execute(sa.text(f"ALTER TABLE {quoted(staged)} RENAME TO {quoted(target)}"))
    indexes.rename(connection, staged, target)
    for alias in aliases:
        connection.execute(sa.text(f"CREATE VIEW {quoted(alias)} AS SELECT * FROM {quoted(target)}"))
    _rights(connection, [target, *aliases])
    _forget(connection, [target, staged])
    connection.commit()
    return round((time.perf_counter() - start) * 1000)


def _rights(connection: Connection, relations: list[str]) -> None:
    """Readers read, and nobody but the owner writes: the account that filled the staged table may not touch this one."""
    reader = quoted(str(get_read_engine().url.username))
    for name in relations:
        connection.execute(sa.text(f"GRANT SELECT ON {quoted(name)} TO {reader}"))
    found = connection.execute(sa.text(
        "SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl) WHERE oid = to_regclass(:name) "
        "AND privilege_type <> 'SELECT' AND grantee <> 0 AND grantee <> relowner"), {"name": quoted(relations[0])})
    for (role,) in found.fetchall():
        connection.execute(sa.text(f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {quoted(relations[0])} FROM {role}"))


def purge(living: Set[str]) -> int:
    """Drops, with its aliases, each table that is a resource's and not one of these. Returns how many."""
    gone = 0
    with get_write_engine().connect() as connection:
        found = connection.execute(sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ :uuid"), {"uuid": _UUID})
        names = [name for (name,) in found.fetchall() if name not in living]
    for name in names:
        with get_write_engine().begin() as connection:
            connection.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK}'"))
            _drop(connection, name, _aliases(connection, name))
            _forget(connection, [name])
            gone += 1
    return gone


@contextmanager
def snapshot(seconds: float) -> Iterator[Connection]:
    """A connection for reading on which every query sees one state of the tables."""
    with get_read_engine().connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connection.execute(sa.text(f"SET LOCAL statement_timeout = {round(seconds * 1000)}"))
        yield connection


def _oid(connection: Connection, table: str) -> int | None:
    found: int | None = connection.execute(sa.text("SELECT to_regclass(:name)::oid"), {"name": quoted(table)}).scalar()
    return found


def _count(connection: Connection, table: str) -> int:
    return int(connection.execute(sa.text(f"SELECT count(*) FROM {quoted(table)}")).scalar_one())


def _marks(connection: Connection, table: str) -> Marks:
    text = connection.execute(sa.text("SELECT obj_description(to_regclass(:name), 'pg_class')"), {"name": quoted(table)}).scalar()
    try:
        found: Mapping[str, Any] = json.loads(text or "{}")
        return Marks(str(found["mark"]), str(found["info_mark"]))
    except (ValueError, KeyError, TypeError):
        return Marks()


def _comment(connection: Connection, table: str, marks: Marks) -> None:
    text = json.dumps(asdict(marks)).replace("'", "''").replace(":", r"\:")
    connection.execute(sa.text(f"COMMENT ON TABLE {quoted(table)} IS '{text}'"))


def _aliases(connection: Connection, table: str) -> list[str]:
    found = connection.execute(sa.text('SELECT name FROM "_table_metadata" WHERE alias_of = :name'), {"name": table})
    return [name for (name,) in found.fetchall()]


def _drop(connection: Connection, table: str, aliases: list[str]) -> None:
    for alias in aliases:
        connection.execute(sa.text(f"DROP VIEW {quoted(alias)}"))
    connection.execute(sa.text(f"DROP TABLE IF EXISTS {quoted(table)}"))


def _forget(connection: Connection, names: list[str]) -> None:
    """CKAN keeps counts of rows; those of a table that changed must go with it."""
    connection.execute(sa.text('DELETE FROM "_table_stats" WHERE resource_id = ANY(:names)'), {"names": names})
