"""On a cluster with every page, event log and log turned on, nothing tells a protected value or a key; and what would tell one is found.

Searched: the application's pages and REST API, those of master and workers, the event log, the executors' logs, what driver and servers print.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cluster import Spark, free_port, page, standalone
from killing import ROOT
from sparking import key_marks, told
from test_pipelines_spark_secrets import CANARIES, COLUMNS, DATASET, PRODUCT, ROWS
from tiny import Tiny

from pipelines.engines.spark.session import FIXED

pytestmark = [pytest.mark.spark, pytest.mark.soak, pytest.mark.timeout(1800)]
PRODUCT_ID = f"{DATASET}.main"
SEEN = {text.encode() for text in CANARIES}
# A driver that obeys: a line "run", "key in SQL" or "fail LEVEL VALUE" does it and prints how it ended.
DRIVER = r"""
import json, sys
from pathlib import Path
sys.path.insert(0, "tests")
order = json.loads(sys.argv[1])
from pipelines.engines.spark import session
from pipelines.engines.spark.engine import translated
session.FIXED.update(order["settings"])
from test_pipelines_spark_secrets import COLUMNS, PRODUCT
from tiny import Tiny, by_step
tiny = Tiny(Path(order["root"]), columns=COLUMNS, products=[PRODUCT], max_bad_percent=50.0)
tiny.engine, tiny.spark = "spark", order["url"]

def failing(value):
    def fails(batches):
        for batch in batches:
            raise ValueError(value[::-1])
    return fails

spark = session.session(tiny.settings)
for level in ("WARN", "INFO"):          # a driver of Python's shows INFO only after a change
    spark.sparkContext.setLogLevel(level)
for line in sys.stdin:
    what, *words = line.split()
    if what == "run":
        print("\nANSWER", by_step(tiny.run()), flush=True)
    elif what == "key":
        for path in tiny.settings.secrets.iterdir():
            spark.sql(f"SELECT sha2(concat('{path.read_bytes().hex()}', id), 256) AS token FROM range(3)").collect()
        print("\nANSWER done", flush=True)
    else:
        spark.sparkContext.setLogLevel(words[0])
        try:
            with translated():
                spark.range(3).mapInArrow(failing(words[1][::-1]), "id long").collect()
        except Exception as error:
            print("\nANSWER", type(error).__name__, error, error.__cause__, flush=True)
"""


class Driven:
    """A driver process on the cluster, its pages, and all that it and the cluster have told."""

    def __init__(self, cluster: Spark, root: Path, **settings: str) -> None:
        self.cluster, self.port, self.events = cluster, free_port(), root / "events"
        self.events.mkdir(parents=True)
        self.tiny = Tiny(root / "city", columns=COLUMNS, products=[PRODUCT], max_bad_percent=50.0)
        self.tiny.drop("trees1.csv", ROWS)
        chosen = {"spark.ui.enabled": "true", "spark.ui.port": str(self.port), "spark.eventLog.enabled": "true", "spark.log.level": "INFO",
                  "spark.executor.extraJavaOptions": "-Dlog4j2.level=INFO",
                  "spark.eventLog.dir": self.events.as_uri(), "spark.eventLog.compress": "false", "spark.eventLog.rolling.enabled": "false",
                  **settings}
        order = {"settings": chosen, "url": cluster.url, "root": str(self.tiny.root)}
        self.output, self.answers = root / "driver.out", 0
        with self.output.open("wb") as output:
            self.process = subprocess.Popen([sys.executable, "-c", DRIVER, json.dumps(order)], cwd=ROOT, stdin=subprocess.PIPE,
                                            stdout=output, stderr=output, text=True)

    def does(self, line: str) -> str:
        """Orders it and waits for the answer, however long it takes."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        while len(found := re.findall(r"^ANSWER (.*)\n", self.output.read_text(errors="replace"), re.MULTILINE)) == self.answers:
            assert self.process.poll() is None, self.output.read_text(errors="replace")[-2000:]
            time.sleep(0.2)
        self.answers += 1
        return str(found[-1])

    def written(self) -> dict[str, bytes]:
        """Everything, by a name that begins with the kind of place."""
        found = {f"page {name}": data for name, data in crawled(self.port)}
        found |= {f"rest {name}": data for name, data in rest(self.port)}
        for name in ("master", "worker0", "worker1"):
            found |= {f"{name} {path}": data for path, data in crawled(self.cluster.pages[name])}
        found |= {f"events {path.name}": path.read_bytes() for path in self.events.rglob("*") if path.is_file()}
        found |= {f"log {name}": data for name, data in self.cluster.written()}
        return found | {"driver": self.output.read_bytes()}

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=120)


@contextmanager
def driven(cluster: Spark, root: Path, **settings: str) -> Iterator[Driven]:
    found = Driven(cluster, root, **settings)
    try:
        yield found
    finally:
        found.end()


def crawled(port: int) -> Iterator[tuple[str, bytes]]:
    """Every page of a server of Spark's that its pages lead to, but for what ends things."""
    known, waiting = set[str](), ["/"]
    while waiting:
        path = waiting.pop()
        if path in known or len(known) > 1500:
            continue
        known.add(path)
        try:
            data = page(port, path)
        except (urllib.error.URLError, ConnectionError):
            continue
        yield path, data
        links = re.findall(rb"""href=["']?([^"' >]+)""", data)
        own = (link.decode().replace("&amp;", "&").removeprefix(f"http://127.0.0.1:{port}").split("#")[0] for link in links)
        waiting += [link for link in own if link.startswith("/") and not link.startswith("/static") and "kill" not in link]


def rest(port: int) -> Iterator[tuple[str, bytes]]:
    """The REST API's answers with all details."""
    home = "/api/v1/applications"
    first = page(port, home)
    yield home, first
    base = f"{home}/{json.loads(first)[0]['id']}"
    for path in ("jobs", "stages?details=true&withSummaries=true", "allexecutors", "environment", "storage/rdd", "version",
                 "sql?details=true&planDescription=true&length=5000"):
        try:
            yield path, page(port, f"{base}/{path}")
        except urllib.error.HTTPError:
            assert path == "version"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    with standalone(tmp_path_factory.mktemp("cluster")) as found:
        yield found


def kinds(places: list[str]) -> set[str]:
    return {place.split()[0] for place in places}


def keys_of(driver: Driven) -> set[bytes]:
    return key_marks(driver.tiny.settings.secrets, PRODUCT_ID)


def test_a_run_tells_no_value_and_no_key_anywhere_and_a_failure_tells_neither_in_logs(cluster: Spark, tmp_path: Path) -> None:
    with driven(cluster, tmp_path) as driver:
        assert f"'{DATASET} serve main': 'done'" in driver.does("run")
        written = driver.written()
        assert told(written.items(), SEEN | keys_of(driver)) == []
        text = {kind: b"".join(data for name, data in written.items() if name.startswith(kind)) for kind in ("page", "rest", "events", "driver")}
        assert b"planDescription" in text["rest"]
        assert b"/SQL/execution" in text["page"]
        assert b"SparkListenerSQLExecutionStart" in text["events"]
        assert b" INFO " in text["driver"], "logs are on"
        assert sum(name.endswith(("stdout", "stderr")) and b" INFO " in data for name, data in written.items()) >= 2
        answer = driver.does("fail OFF CANARYQUIET")
        assert answer.startswith("EngineFailure The engine failed (")
        assert answer.endswith(" None")
        quiet = told(driver.written().items(), [b"CANARYQUIET"])
        assert kinds(quiet) <= {"page", "rest", "events"}, "where a failed stage's reason stands; as shipped there is neither"
        assert (FIXED["spark.ui.enabled"], FIXED["spark.eventLog.enabled"], FIXED["spark.log.level"]) == ("false", "false", "OFF")
        driver.does("fail INFO CANARYLOUD")
        loud = told(driver.written().items(), [b"CANARYLOUD"])
        assert {"log", "driver", "page", "rest", "events"} <= kinds(loud), "the search sees every kind of place"


def test_functions_hold_the_keys_though_nothing_is_redacted_and_a_key_in_sql_is_found(cluster: Spark, tmp_path: Path) -> None:
    bare = {"spark.redaction.string.regex": "nothing that occurs", "spark.sql.debug.maxToStringFields": "1000"}
    with driven(cluster, tmp_path, **bare) as driver:
        assert f"'{DATASET} serve main': 'done'" in driver.does("run")
        assert told(driver.written().items(), keys_of(driver)) == []
        driver.does("key in SQL")
        assert {"rest", "events"} <= kinds(told(driver.written().items(), keys_of(driver)))       # pages list a hundred queries, not all
