"""How long an exchange of a table keeps readers waiting, and what they see meanwhile: through the API and in the database."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from bench.site import ROWS, SWAPS, ZONE, Site, quantiles
from psycopg import sql

from catalog.ckan import table_id
from pipelines.portals.ckan.client import Client
from pipelines.portals.ckan.loading import CopyLoad
from pipelines.portals.ckan.tables import Tables

SIZES = (ROWS // 100, ROWS // 50)      # rows before and after, in turns


class Heard(Client):
    """A client that keeps what exchanges answered."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, token)
        self.locks: list[int] = []

    def call(self, action: str, *words: Any, **data: Any) -> Any:
        found = super().call(action, *words, **data)
        if action == "citylake_table_swap":
            self.locks.append(found["lock_ms"])
        return found


@dataclass
class Reader:
    """Polls until told to end; `saw` counts answers, failures by their kind."""

    ask: Callable[[], int]
    saw: Counter[int | str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)

    def run(self, end: threading.Event) -> None:
        while not end.is_set():
            at = time.perf_counter()
            try:
                self.saw[self.ask()] += 1
            except Exception as error:
                self.saw[type(error).__name__] += 1
            self.times.append((time.perf_counter() - at) * 1000)
            time.sleep(0.002)


def measure(site: Site) -> bool:
    """Prints the locks and what readers saw; whether that was the old or the new table every time."""
    token = site.portal._secret("token")
    assert token
    items = [site.item("swapped", rows, f"r{at}") for at, rows in enumerate(SIZES, 1)]
    site.portal.switch(site.portal.stage(items[0]), None)
    client, table = Heard(site.portal.url, token), table_id(items[0].id)
    tables = Tables(client, CopyLoad(site.stack.database), ZONE)
    with psycopg.connect(site.address("read"), autocommit=True) as connection:
        count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        readers = {"SQL": Reader(lambda: int(connection.execute(count).fetchall()[0][0])),
                   "API": Reader(lambda: int(client.everybody.call("datastore_search", resource_id=table, limit=0)["total"]))}
        with _polling(readers):
            for number in range(1, SWAPS + 1):
                item = items[number % 2]
                need = tables.stage(item)
                assert need == "swap", "the rows were there already"
                tables.place(item, need)
    print(f"lock {quantiles(client.locks)} ms in {len(client.locks)} swaps of {SIZES[0]:,} and {SIZES[1]:,} rows", flush=True)
    kept = True
    for name, reader in readers.items():
        wrong = {saw: times for saw, times in reader.saw.items() if saw not in SIZES}
        kept &= not wrong and len(reader.saw) == 2
        right = sum(reader.saw.values()) - sum(wrong.values())
        print(f"   {name} reader {len(reader.times):,} answers, {quantiles(reader.times)} ms: old or new {right:,}, anything else {wrong or 'never'}",
              flush=True)
    return kept


@contextmanager
def _polling(readers: dict[str, Reader]) -> Iterator[None]:
    end = threading.Event()
    threads = [threading.Thread(target=reader.run, args=(end,)) for reader in readers.values()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        end.set()
        for thread in threads:
            thread.join()
