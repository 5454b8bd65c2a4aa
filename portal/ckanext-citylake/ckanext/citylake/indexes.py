"""Names of what belongs to a DataStore table: after an exchange they must be those that CKAN gives, or it makes them again."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from ckanext.datastore.backend.postgres import _build_fts_indexes, _get_fields
from ckanext.datastore.backend.postgres import identifier as quoted
from sqlalchemy.engine import Connection

_INDEXES = "SELECT i.relname, x.indisprimary FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = to_regclass(:name)"


def rename(connection: Connection, old: str, new: str) -> None:
    """Gives the indexes and the sequence of table `new`, which was called `old`, the names they have in a table of that name."""
    known = dict(zip(_fulltext(connection, old, new), _fulltext(connection, new, new), strict=True))
    for name, primary in connection.execute(sa.text(_INDEXES), {"name": quoted(new)}).fetchall():
        wanted = f"{new}_pkey" if primary else known.get(name) or _hashed(new, name)
        if wanted != name:
            connection.execute(sa.text(f"ALTER INDEX {quoted(name)} RENAME TO {quoted(wanted)}"))
    sequence = connection.execute(sa.text("SELECT pg_get_serial_sequence(:name, '_id')"), {"name": quoted(new)}).scalar()
    if sequence and sequence != f'public."{new}__id_seq"':
        connection.execute(sa.text(f"ALTER SEQUENCE {sequence} RENAME TO {quoted(f'{new}__id_seq')}"))


def _fulltext(connection: Connection, named: str, table: str) -> list[str]:
    """CKAN's names for the full-text indexes that a table called `named` with this table's columns would have."""
    fields = _get_fields(connection, table)
    made, unmade = _build_fts_indexes({"resource_id": named}, "{name}", fields)
    return [*made, *unmade]


def _hashed(table: str, name: str) -> str:
    return hashlib.sha1(f"{table}{name}".encode(), usedforsecurity=False).hexdigest()
