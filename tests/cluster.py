"""A Spark of several processes on this machine, from .venv's pyspark and the jars of .tools/spark: a standalone cluster of a master and two
workers, or a Connect server. Everything on loopback and free ports, private folders, ended by process id. Not a test: tests use it.

`python tests/cluster.py` starts a cluster, `python tests/cluster.py connect` a server; either prints what CITYLAKE_SPARK must be and
ends when its standard input does.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from sparking import JARS

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
HOST = "127.0.0.1"
PATIENCE = 120          # seconds until a server must be there; a bound on a test that hangs, not a measure


def free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


def page(port: int, path: str) -> bytes:
    """A page of one of Spark's own servers."""
    with DIRECT.open(f"http://{HOST}:{port}{path}", timeout=30) as answer:
        return bytes(answer.read())


@dataclass
class Spark:
    """Processes of Spark's that were started here. `url` is what CITYLAKE_SPARK must be; `pages` are the ports of their web pages by name."""

    folder: Path
    url: str = ""
    pages: dict[str, int] = field(default_factory=dict)
    started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: str, *words: str, **environment: str) -> None:
        """One of pyspark's programs; what it says goes to `name`.log in the folder."""
        import pyspark

        home = Path(pyspark.__file__).parent
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "SPARK_HOME": str(home), "SPARK_CONF_DIR": str(self.folder / "conf"),
               "SPARK_LOCAL_IP": HOST, "SPARK_LOCAL_DIRS": str(self.folder / "spill"), "SPARK_DAEMON_MEMORY": "256m",
               "PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable, **environment}
        env |= {kept: os.environ[kept] for kept in ("JAVA_HOME", "JDK_JAVA_OPTIONS") if kept in os.environ}
        for folder in ("conf", "spill"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{name}.log").open("wb") as log:
            self.started[name] = subprocess.Popen([str(home / "bin" / command), *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                  env=env, cwd=self.folder, umask=0o077)

    def until(self, ready: Callable[[], bool]) -> None:
        """Waits for it, as long as everything that was started lives."""
        end = time.monotonic() + PATIENCE
        while not ready():
            dead = [name for name, process in self.started.items() if process.poll() is not None]
            assert not dead, f"{dead} ended: {(self.folder / f'{dead[0]}.log').read_text(errors='replace')[-2000:]}"
            assert time.monotonic() < end, "Spark's servers did not come up"
            time.sleep(0.1)

    def executors(self) -> list[psutil.Process]:
        """The executors that run now, which workers have started."""
        found = []
        for name, process in self.started.items():
            if name.startswith("worker"):
                with suppress(psutil.NoSuchProcess):
                    found += [child for child in psutil.Process(process.pid).children() if child.is_running()]
        return found

    def written(self) -> Iterator[tuple[str, bytes]]:
        """(name, bytes) of what the servers and their executors have said."""
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and (path.suffix == ".log" or path.name in ("stdout", "stderr")):
                yield path.relative_to(self.folder).as_posix(), path.read_bytes()

    def end(self) -> None:
        """Ends what was started, and what that has started; nothing else."""
        mine = []
        for process in self.started.values():
            with suppress(psutil.NoSuchProcess):
                one = psutil.Process(process.pid)
                mine += [one, *one.children(recursive=True)]
        for act in ("terminate", "kill"):
            for one in mine:
                with suppress(psutil.NoSuchProcess):
                    getattr(one, act)()
            _, mine = psutil.wait_procs(mine, timeout=10)
        for process in self.started.values():
            process.wait(timeout=10)


@contextmanager
def standalone(folder: Path, workers: int = 2) -> Iterator[Spark]:
    """A master and workers of one core and 1 GB each; its logs and the executors' are below `folder`."""
    cluster, port = Spark(folder), free_port()
    cluster.url, cluster.pages["master"] = f"spark://{HOST}:{port}", free_port()
    try:
        cluster.start("master", "spark-class", "org.apache.spark.deploy.master.Master", "--host", HOST, "--port", str(port),
                      "--webui-port", str(cluster.pages["master"]))
        for number in range(workers):
            add_worker(cluster, f"worker{number}")
        cluster.until(lambda: alive(cluster) == workers)
        yield cluster
    finally:
        cluster.end()


def add_worker(cluster: Spark, name: str) -> None:
    """One more worker; it tries until the master is there."""
    cluster.pages[name] = free_port()
    cluster.start(name, "spark-class", "org.apache.spark.deploy.worker.Worker", "--host", HOST, "--cores", "1", "--memory", "1g",
                  "--webui-port", str(cluster.pages[name]), "--work-dir", str(cluster.folder / name), cluster.url)


def alive(cluster: Spark) -> int:
    """How many workers the master counts."""
    with suppress(urllib.error.URLError, ConnectionError):
        return int(json.loads(page(cluster.pages["master"], "/json/"))["aliveworkers"])
    return 0


@contextmanager
def connect_server(folder: Path, master: str = "local[2]", settings: Mapping[str, str] | None = None) -> Iterator[Spark]:
    """A Connect server with the settings that citylake asks of one; `settings` replace and add."""
    from pipelines.engines.spark.session import FIXED

    server, port = Spark(folder), free_port()
    server.url, server.pages["ui"] = f"sc://{HOST}:{port}", free_port()
    chosen = {**FIXED, "spark.connect.grpc.binding.address": HOST, "spark.connect.grpc.binding.port": str(port), "spark.driver.host": HOST,
              "spark.driver.bindAddress": HOST, "spark.ui.port": str(server.pages["ui"]), "spark.sql.shuffle.partitions": "2",
              "spark.sql.warehouse.dir": str(folder / "warehouse"),
              "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder} -XX:+UseSerialGC", **(settings or {})}
    words = [word for name, value in chosen.items() for word in ("--conf", f"{name}={value}")]
    try:
        server.start("connect", "spark-submit", "--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--master", master,
                     "--jars", ",".join(map(str, sorted(JARS.glob("*.jar")))), *words, "spark-internal",
                     SPARK_DAEMON_MEMORY="1200m")       # which a Connect server takes instead of the driver's
        server.until(lambda: _listens(port))
        yield server
    finally:
        server.end()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def main(words: list[str]) -> None:
    make: Any = connect_server if words == ["connect"] else standalone
    with tempfile.TemporaryDirectory(prefix="citylake-spark-") as folder, make(Path(folder)) as spark:
        print(f"export CITYLAKE_ENGINE=spark CITYLAKE_SPARK={spark.url}", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
    main(sys.argv[1:])
