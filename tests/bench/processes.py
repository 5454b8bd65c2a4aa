"""CPU seconds and memory of a process with everything it started, as Linux counts them."""

from __future__ import annotations

import os
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def cpu(pid: int) -> float:
    """User and system seconds of the process and all below it; children that ended count once their parent has taken note."""
    while True:
        before = _below(pid)
        found = sum(_seconds(one) for one in before)
        if before == _below(pid):      # else one ended meanwhile, and was counted twice or not at all
            return found


def memory(pid: int) -> int:
    """Resident bytes of the process and all below it that live; what several share counts once."""
    return sum(_resident(one) for one in _below(pid))


def own() -> float:
    """The same of this process, all threads of it."""
    spent = os.times()
    return spent.user + spent.system


def _below(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        try:
            tasks = list(Path(f"/proc/{one}/task").iterdir())
        except (FileNotFoundError, ProcessLookupError):
            continue
        for task in tasks:
            try:
                found += [int(child) for child in (task / "children").read_text().split()]
            except (FileNotFoundError, ProcessLookupError):      # this thread has ended; the others have children too
                continue
    return found


def _seconds(pid: int) -> float:
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, words[11:15])) / _TICK      # utime, stime, cutime, cstime


def _resident(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
