"""Where what was found in texts is remembered between runs: one SQLite file in the state folder, for its owner alone.

It holds keyed hashes, places and kinds, sealed with a secret of CITYLAKE_SECRETS. It is no truth: whoever deletes it makes the next
run slower, and a file that cannot be read or written counts as an empty one.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from pipelines.way import Way
from privacy.remembered import Memory

FILE = "remembered.sqlite"
SOME = 500                      # keys a query
MOST = 1 << 30                  # bytes; beyond them the file begins anew


class Kept:
    """A store in a file."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        if not self._path.exists():
            self._path.touch(mode=0o600)
        with self._lock, contextlib.closing(sqlite3.connect(self._path, timeout=10)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE IF NOT EXISTS found (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")
            yield connection

    def read(self, keys: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """Those of the keys that are known; none where the file cannot be read."""
        found: dict[bytes, bytes] = {}
        with contextlib.suppress(sqlite3.Error, OSError), self._opened() as connection:
            for at in range(0, len(keys), SOME):
                some = keys[at:at + SOME]
                marks = ",".join("?" * len(some))
                found.update(connection.execute(f"SELECT key, value FROM found WHERE key IN ({marks})", some).fetchall())
        return found

    def write(self, entries: Mapping[bytes, bytes]) -> None:
        """Keeps them, if it can."""
        with contextlib.suppress(sqlite3.Error, OSError), self._opened() as connection, connection:
            if self._path.stat().st_size > MOST:
                connection.execute("DELETE FROM found")
            connection.executemany("INSERT OR REPLACE INTO found VALUES (?, ?)", entries.items())


def memory_of(way: Way) -> Memory:
    """The memory of this state folder; one a process."""
    return _memory(way.settings.state / FILE, way.secret("remembered"))


@lru_cache(maxsize=4)
def _memory(path: Path, secret: bytes) -> Memory:
    return Memory(secret, Kept(path))
