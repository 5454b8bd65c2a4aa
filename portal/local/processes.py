"""Starting, finding, stopping plain processes. A pid is believed only together with its start time; a zombie is dead."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layout import Layout
from state import StackError, State

LAST_LINES = 12
LARGEST_LOG = 20 * 2**20      # bytes; looked at when a part starts


@dataclass(frozen=True)
class Command:
    """How a part is started. `config` is a fingerprint: another one means that a running part must start anew."""

    argv: Sequence[str]
    config: str
    cwd: Path
    env: Mapping[str, str] | None = None
    user: str | None = None


class Processes:
    """The running parts of one stack, remembered in its state."""

    def __init__(self, layout: Layout, state: State) -> None:
        self.layout, self.state = layout, state
        self._children: list[subprocess.Popen[bytes]] = []

    def alive(self, part: str) -> bool:
        known = self._known().get(part)
        if not known:
            return False
        self._reap()
        return bool(started_at(int(known["pid"])) == known["start"])

    def pid(self, part: str) -> int | None:
        return int(self._known()[part]["pid"]) if self.alive(part) else None

    def runs(self, part: str, command: Command) -> bool:
        """Alive, and started as `command` says."""
        return self.alive(part) and self._known()[part].get("config") == command.config

    def start(self, part: str, command: Command) -> None:
        self.stop(part)
        path = self.layout.log(part)
        if path.exists() and path.stat().st_size > LARGEST_LOG:
            path.rename(path.with_suffix(".log.1"))
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            child = subprocess.Popen(
                list(command.argv), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=command.cwd, start_new_session=True,
                env=dict(command.env) if command.env is not None else None,
                user=command.user, group=command.user, extra_groups=[] if command.user else None)
        finally:
            os.close(log)
        self._children.append(child)
        self._known()[part] = {"pid": child.pid, "start": started_at(child.pid), "config": command.config}
        self.state.save()

    def stop(self, part: str, how: signal.Signals = signal.SIGTERM, again: bool = False, seconds: float = 20) -> bool:
        """Ends a part and whatever it left behind. `again` asks twice: rq takes the first signal as "after this job"."""
        was = self.alive(part)
        if was:
            self._ask(part, int(self._known()[part]["pid"]), how, again, seconds)
        end = time.monotonic() + 10
        while (left := writing_to(self.layout.log(part))) and time.monotonic() < end:       # they may still hold the port
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        if self._known().pop(part, None):
            self.state.save()
        return was

    def wait(self, part: str, ready: Callable[[], bool], seconds: float = 120) -> None:
        """Until `ready`; fails at once when the process ends, with the last lines of its log."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.alive(part):
                raise StackError(f"{part} ended while starting.", self._log_tail(part))
            with contextlib.suppress(OSError):
                if ready():
                    return
            time.sleep(0.1)
        raise StackError(f"{part} was not ready after {seconds:.0f} s.", self._log_tail(part))

    def _ask(self, part: str, pid: int, how: signal.Signals, again: bool, seconds: float) -> None:
        end = time.monotonic() + seconds
        os.kill(pid, how)
        while self.alive(part) and time.monotonic() < end:
            time.sleep(0.05)
            if again and time.monotonic() > end - seconds + 0.3:
                os.kill(pid, how)
                again = False
        if self.alive(part):
            os.kill(pid, signal.SIGKILL)

    def _known(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.state.facts.setdefault("processes", {})
        return found

    def _reap(self) -> None:
        for child in self._children:
            child.poll()

    def _log_tail(self, part: str) -> str:
        return "\n".join([f"Its log is {self.layout.log(part)}; it ends so:", *self.layout.log_end(part, LAST_LINES)])


def started_at(pid: int) -> str | None:
    """Start time of a living process in clock ticks since boot; None for none and for zombies."""
    fields = _stat(pid)
    return fields[19] if fields and fields[0] not in "ZX" else None


def writing_to(log: Path) -> list[int]:
    """Living processes whose standard error is this log: a part, what it started, and what a kill left unrecorded."""
    return _linked("fd/2", log)


def working_in(folder: Path) -> list[int]:
    """Living processes whose current folder this is."""
    return _linked("cwd", folder)


def _linked(name: str, target: Path) -> list[int]:
    found = []
    for pid in _pids():
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/{name}") == str(target):
                found.append(pid)
    return found


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    parents = {each: int(fields[1]) for each in _pids() if (fields := _stat(each)) and fields[0] not in "ZX"}
    found = [pid]
    for parent in found:
        found += [child for child, of in parents.items() if of == parent]
    return found


def memory(pid: int) -> int:
    """Bytes that a process and its descendants hold, shared pages shared out (PSS) where the system lets us read that."""
    return sum(_held(each) for each in family(pid))


def _held(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat after the name: 0 state, 1 parent, 19 start time."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
