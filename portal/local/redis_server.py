"""Redis: sessions and the queue of CKAN's background jobs, on loopback and behind a password, kept in an append-only file."""

from __future__ import annotations

import hashlib
import socket

from layout import Layout
from processes import Command, Processes
from state import State, write_private


class Redis:
    """The queue part."""

    name = "redis"

    def __init__(self, layout: Layout, state: State, processes: Processes) -> None:
        self.layout, self.state, self.processes = layout, state, processes

    @property
    def address(self) -> str:
        return f"redis://:{self.state.password(self.name)}@127.0.0.1:{self.state.port(self.name)}/0"

    def start(self) -> bool:
        text = self._configuration()
        file = self.layout.root / "redis.conf"
        command = Command(["redis-server", str(file)], hashlib.sha256(text.encode()).hexdigest(), self.layout.root)
        if self.processes.runs(self.name, command):
            return False
        (self.layout.root / "redis").mkdir(exist_ok=True)
        write_private(file, text)       # a file, because a command line can be read by everybody
        self.processes.start(self.name, command)
        return True

    def ready(self) -> None:
        self.processes.wait(self.name, self._answers, 30)

    def _answers(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.state.port(self.name)), 1) as line:
            line.sendall(f"AUTH {self.state.password(self.name)}\r\nPING\r\n".encode())
            answer = b""
            while b"PONG" not in answer and (more := line.recv(64)):
                answer += more
            return b"+PONG" in answer

    def _configuration(self) -> str:
        return "\n".join((
            "bind 127.0.0.1", f"port {self.state.port(self.name)}", f"requirepass {self.state.password(self.name)}",
            f'dir "{self.layout.root / "redis"}"', 'save ""', "appendonly yes", "daemonize no", ""))
