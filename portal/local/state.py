"""state.json: what a stack must remember between two commands (ports, passwords, processes), readable by its owner only."""

from __future__ import annotations

import json
import os
import random
import secrets
import socket
from pathlib import Path
from typing import Any

PARTS = ("postgres", "redis", "solr", "worker", "ckan")
LISTENING = ("postgres", "redis", "solr", "ckan")
PASSWORDS = ("postgres", "ckan", "reader", "loader", "redis", "solr", "secret")
# Below the range from which the system takes ports for outgoing connections: a remembered port stays free.
FIRST_PORT, LAST_PORT = 20000, 32000


class StackError(Exception):
    """Something a person can mend: one sentence, and what to do."""

    def __init__(self, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.remedy = sentence, remedy


class State:
    """The remembered facts of one stack. Every change is written at once, by a rename."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts: dict[str, Any] = {}
        if path.exists():
            try:
                self.facts = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise StackError(f"{path} is damaged.", f"End the portal's programs, remove {path.parent} and build it again.") from error

    @property
    def new(self) -> bool:
        return not self.facts

    def begin(self) -> None:
        """Picks what is picked once."""
        self.facts = {"instance": secrets.token_hex(6), "ports": {}, "passwords": {}, "processes": {}}
        for part in LISTENING:
            self.facts["ports"][part] = self._free_port()
        for name in PASSWORDS:
            self.facts["passwords"][name] = secrets.token_hex(24)
        self.save()

    def port(self, part: str) -> int:
        return int(self.facts["ports"][part])

    def password(self, name: str) -> str:
        return str(self.facts["passwords"][name])

    def get(self, name: str) -> Any:
        return self.facts.get(name)

    def put(self, name: str, value: Any) -> None:
        self.facts[name] = value
        self.save()

    def move(self, part: str) -> None:
        """Another port, because somebody took the remembered one."""
        self.facts["ports"][part] = self._free_port()
        self.save()

    def save(self) -> None:
        write_private(self.path, json.dumps(self.facts, indent=1, ensure_ascii=False, sort_keys=True))

    def _free_port(self) -> int:
        taken = set(self.facts.get("ports", {}).values())
        for _ in range(200):
            port = random.randint(FIRST_PORT, LAST_PORT)
            if port not in taken and free(port):
                return port
        raise StackError("No free port was found on loopback.", f"Free some between {FIRST_PORT} and {LAST_PORT}.")


def free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def write_private(path: Path, text: str) -> None:
    """Writes a file that is 0600 from its first byte and never half there."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
