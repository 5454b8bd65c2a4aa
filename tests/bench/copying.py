"""CPU of a table loaded beside and exchanged, against a plain COPY of the same rows into a table of the same make, ANALYZE included.

Counted are the loading process and PostgreSQL with all its backends; CKAN's own share is told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb
import psycopg
import pyarrow as pa
from bench import processes
from bench.site import ROUNDS, ROWS, TYPES, ZONE, Site, parquet_of
from psycopg import sql

from catalog.ckan import staged_id, table_id
from pipelines.portals import Item
from pipelines.portals.ckan.loading import CopyLoad
from pipelines.portals.ckan.tables import Tables

LIMIT = 1.6
BLOCK = 2**20


class Prepared(CopyLoad):
    """COPY as the publisher does it, into a table that is first made like the plain one's."""

    def __init__(self, site: Site, trigger: bool) -> None:
        super().__init__(site.stack.database)
        self._site, self._trigger = site, trigger

    def fill(self, resource: str, rows: Iterable[pa.RecordBatch]) -> int:
        prepare(self._site, resource, self._trigger)
        return super().fill(resource, rows)


def prepare(site: Site, resource: str, trigger: bool) -> None:
    """No vacuum of PostgreSQL's own accord falls into the figures; where asked, no full text is made."""
    _own(site, "ALTER TABLE {} SET (autovacuum_enabled = off)", resource)
    if not trigger:
        _own(site, "ALTER TABLE {} DISABLE TRIGGER zfulltext", resource)


def measure(site: Site) -> bool:
    """Prints both ratios; whether the one that has a limit keeps it."""
    item, plain = site.item("copied", ROWS), site.item("plain", 1)
    csv = site.city.root / "bench" / "plain.csv"
    duckdb.sql(f"COPY (FROM '{parquet_of(item)}') TO '{csv}' (HEADER false)")
    print(f"   {csv.stat().st_size / 1e6:.0f} MB of CSV")
    _exchanged(site, site.item("copied", 1, "r0"), True)      # from here on there is a table to replace
    with_text = _ratio(site, item, plain, csv, True)
    print(f"ratio {with_text:.2f} (at most {LIMIT})   CPU of copy and swap to plain COPY, with full text", flush=True)
    print(f"ratio {_ratio(site, item, plain, csv, False):.2f} (no limit)   the same without the full-text trigger", flush=True)
    return with_text <= LIMIT


def _ratio(site: Site, item: Item, plain: Item, csv: Path, trigger: bool) -> float:
    ours = bare = 0.0
    for number in range(ROUNDS):
        pair = [lambda: _ours(site, item, trigger), lambda: _bare(site, plain, csv, trigger)]
        found = [pair[at]() for at in ((0, 1) if number % 2 == 0 else (1, 0))]
        mine, raw = found if number % 2 == 0 else reversed(found)
        ours, bare = ours + mine, bare + raw
    return ours / bare if bare else float("inf")      # at tiny sizes the clock of CPU seconds may not have ticked


def _ours(site: Site, item: Item, trigger: bool) -> float:
    spent = _spent(site, "ours", lambda: _exchanged(site, item, trigger))
    _own(site, "COMMENT ON TABLE {} IS NULL", table_id(item.id))      # or the next time nothing would be due
    return spent


def _exchanged(site: Site, item: Item, trigger: bool) -> None:
    tables = Tables(site.portal.client, Prepared(site, trigger), ZONE)
    need = tables.stage(item)
    assert need == "swap", "the rows were there already"
    tables.place(item, need)


def _bare(site: Site, plain: Item, csv: Path, trigger: bool) -> float:
    tables = Tables(site.portal.client, site.portal._loader(), ZONE)
    resource = tables._room(plain)
    assert resource == staged_id(plain.id)
    prepare(site, resource, trigger)
    spent = _spent(site, "bare", lambda: _plain(site, resource, csv))
    site.portal.client.call("datastore_delete", resource_id=resource, force=True)
    return spent


def _plain(site: Site, resource: str, csv: Path) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, TYPES))
    with psycopg.connect(site.address("write")) as connection, connection.cursor() as cursor, csv.open("rb") as source:
        with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(sql.Identifier(resource), columns)) as copy:
            while block := source.read(BLOCK):
                copy.write(block)
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(resource)))


def _spent(site: Site, name: str, work: Callable[[], None]) -> float:
    """CPU seconds of this process and PostgreSQL; CKAN's are only told."""
    def now() -> tuple[float, float, float]:
        return processes.own(), processes.cpu(site.pids["postgres"]), processes.cpu(site.pids["ckan"])

    before = now()
    work()
    mine, database, web = (after - was for after, was in zip(now(), before, strict=True))
    print(f"   {name} {mine + database:.2f} s of CPU: loader {mine:.2f}, PostgreSQL {database:.2f}; beside it CKAN {web:.2f}", flush=True)
    return mine + database


def _own(site: Site, statement: str, table: str) -> None:
    with psycopg.connect(site.address("write")) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(table)))
