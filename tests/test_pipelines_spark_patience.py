"""A Connect server that does not answer: our error within the time that is set, whether it never did or fell silent; and it is found again."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cluster import HOST, connect_server, free_port
from killing import ROOT

pytestmark = [pytest.mark.spark, pytest.mark.timeout(600)]
WAIT = 3
SPARE = 5.0           # what a call may cost beside the waiting: names, first tries, a process that others slow down
# Orders come as lines: each opens a session with two views and asks; how it ended and after how many seconds is the answer.
ASKING = """
import json, sys, time
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as pq
from sqlglot import exp
from catalog.dialect import col
from pipelines.engines.spark.engine import SparkEngine
from pipelines.lake import Lake
from pipelines.settings import settings

chosen = settings({"CITYLAKE_SPARK": sys.argv[1], "CITYLAKE_STATE": sys.argv[2], "CITYLAKE_SPARK_WAIT": sys.argv[3]})
path = Path(sys.argv[2]) / "numbers.parquet"
pq.write_table(pa.table({"n": [1, 2]}), path)
for line in sys.stdin:
    started = time.monotonic()
    try:
        with SparkEngine(Lake(chosen.lake), chosen).open({"a": path, "b": path}) as opened:
            if line.strip() == "hold":
                print(json.dumps(["held", 0]), flush=True)
                sys.stdin.readline()
                started = time.monotonic()
            told = str(opened.rows(exp.select(col("n")).from_("a")))
    except Exception as error:
        told = f"{type(error).__name__} {error} {error.__cause__}"
    print(json.dumps([told, time.monotonic() - started]), flush=True)
"""


class Asking:
    """A process with a Spark session of its own, as a steward's is."""

    def __init__(self, root: Path, url: str) -> None:
        root.mkdir()
        self.process = subprocess.Popen([sys.executable, "-c", ASKING, url, str(root), str(WAIT)], cwd=ROOT, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def asks(self, line: str = "") -> tuple[str, float]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        told, seconds = json.loads(self.process.stdout.readline())
        return told, seconds

    def end(self) -> None:
        self.process.communicate(timeout=60)


class Wire:
    """A port that leads to another one, as long as it is not cut."""

    def __init__(self, to: int) -> None:
        self.port, self.to = free_port(), to
        self.open()

    def open(self) -> None:
        self.ends: list[socket.socket] = [socket.create_server((HOST, self.port))]
        threading.Thread(target=self._accepting, args=(self.ends[0], self.ends), daemon=True).start()

    def _accepting(self, listening: socket.socket, ends: list[Any]) -> None:
        with suppress(OSError):
            while True:
                pair = listening.accept()[0], socket.create_connection((HOST, self.to))
                ends += pair
                for one, other in (pair, pair[::-1]):
                    threading.Thread(target=self._carrying, args=(one, other), daemon=True).start()

    def _carrying(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)

    def cut(self) -> None:
        for end in self.ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def refused(told: str) -> bool:
    return told.startswith("EngineFailure The Spark server does not answer. ") and "CITYLAKE_SPARK_WAIT" in told and told.endswith(" None")


def found(asking: Asking) -> int:
    """How many other errors came before the rows did; the network's own client tries a lost server at growing intervals."""
    others, end = 0, time.monotonic() + 60
    while (told := asking.asks()[0]) != "[{'n': 1}, {'n': 2}]":
        assert refused(told) or told.startswith("EngineFailure The engine failed ("), told
        assert time.monotonic() < end, told
        others += not refused(told)
    return others


def test_a_server_that_is_not_there_is_told_in_time(tmp_path: Path) -> None:
    asking = Asking(tmp_path / "nobody", f"sc://{HOST}:{free_port()}")
    first, again = asking.asks(), asking.asks()
    asking.end()
    assert refused(first[0]), first
    assert WAIT <= first[1] < WAIT + SPARE + 20         # it imports pyspark
    assert refused(again[0]), again
    assert again[1] < WAIT + SPARE


@pytest.mark.soak
def test_a_server_that_falls_silent_is_told_in_time_and_found_again_even_when_it_was_started_anew(tmp_path: Path) -> None:
    with connect_server(tmp_path / "spark") as server:
        wire = Wire(int(server.url.rpartition(":")[2]))
        asking = Asking(tmp_path / "steward", f"sc://{HOST}:{wire.port}")
        assert asking.asks()[0] == "[{'n': 1}, {'n': 2}]"
        assert asking.asks("hold")[0] == "held"
        wire.cut()
        told, seconds = asking.asks()
        assert refused(told), told
        assert WAIT <= seconds < WAIT + SPARE, "its views were closed too, without waiting anew for each"
        wire.open()
        assert found(asking) == 0, "nothing else was told"
        wire.cut()
        with connect_server(tmp_path / "anew") as other:
            wire.to = int(other.url.rpartition(":")[2])
            wire.open()
            assert found(asking) == 1, "its session was gone, and the next run started one"
            wire.cut()
            asking.end()
