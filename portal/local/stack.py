"""The parts in their order: what `up`, `down`, `status`, `restart` and `reset` do. Telling people about it is main.py's work."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import debian
from ckan_site import Ckan
from layout import Layout
from postgres import Postgres
from processes import Processes, memory
from redis_server import Redis
from solr import Solr
from state import LISTENING, PARTS, StackError, State, free

Tell = Callable[..., None]


class Stack:
    """One portal below one root."""

    def __init__(self, layout: Layout, tell: Tell) -> None:
        self.layout, self.tell = layout, tell
        self.state = State(layout.root / "state.json")
        self.processes = Processes(layout, self.state)
        parts = (layout, self.state, self.processes)
        self.postgres, self.redis, self.solr, self.ckan = Postgres(*parts), Redis(*parts), Solr(*parts), Ckan(*parts)

    def up(self, wishes: Mapping[str, object] | None = None, port: int | None = None) -> str:
        """Makes every part run as its files say, starting only what is not there or was started otherwise. Returns the portal's address.

        `wishes` (workers, title, title_en) are remembered; None leaves what was.
        """
        debian.require()
        self.layout.logs.mkdir(parents=True, exist_ok=True)
        if self.state.new:
            self.state.begin()
        for name, value in (wishes or {}).items():
            if value is not None:
                self.state.put(name, value)
        if port is not None:
            self.state.put("ports", {**self.state.get("ports"), "ckan": port})
        self._inner_ports()
        started = self.solr.start()         # Java takes some seconds, which pass beside PostgreSQL's
        self._step("postgres", self.postgres.start, self.postgres.ready)
        self._step("redis", self.redis.start, self.redis.ready)
        self._step("solr", lambda: started, self.solr.ready)
        self.ckan.configure(self.postgres, self.redis, self.solr)
        self._step("tables", lambda: self.ckan.prepare(self.postgres))
        self._step("ckan", self.ckan.start, self.ckan.ready)
        self._step("search", self.ckan.reindex)
        return self.ckan.address

    def down(self) -> list[str]:
        """Ends every part, the web first and the database last. Returns the names of those that ran."""
        return [part for part in reversed(PARTS) if self.stop(part)]

    def stop(self, part: str) -> bool:
        """Ends one part, as it likes to be ended. Whether it ran."""
        if part == "postgres":
            return self.postgres.stop()
        return self.processes.stop(part, again=part == "worker")

    def status(self) -> list[dict[str, Any]]:
        """One row for each part: part, running, pid, port, bytes of memory."""
        rows = []
        for part in PARTS:
            pid = self.processes.pid(part)
            port = self.state.port(part) if part in LISTENING and not self.state.new else None
            rows.append({"part": part, "running": pid is not None, "pid": pid, "port": port, "memory": memory(pid) if pid else 0})
        return rows

    def kill(self, part: str) -> None:
        """kill -9, for tests."""
        if pid := self.processes.pid(part):
            os.kill(pid, signal.SIGKILL)

    def reset(self) -> None:
        """Ends everything and removes the root with all data."""
        self.down()
        self.postgres.wipe()
        shutil.rmtree(self.layout.root)

    def _inner_ports(self) -> None:
        """Nobody outside knows these ports: when another program took one, another will do."""
        for part in ("postgres", "redis", "solr"):
            if not self.processes.alive(part):
                self.stop(part)         # what a kill left of it
                if not free(self.state.port(part)):
                    self.state.move(part)

    def _step(self, name: str, act: Callable[[], object], ready: Callable[[], object] = lambda: None) -> None:
        began = time.monotonic()
        did = act()
        ready()
        if did:
            self.tell(done=name, seconds=round(time.monotonic() - began, 1))


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """One command at a time on a root."""
    root.mkdir(parents=True, exist_ok=True)
    with open(root / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StackError("Another command is working on this portal.", "Wait until it is done.") from error
        yield
