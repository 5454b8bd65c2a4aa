"""Through Spark Connect, and on a cluster of a master and two workers: what DuckDB gives, killed or not; the cluster's pages and logs are
searched in test_pipelines_spark_leak.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from cluster import Spark, connect_server, standalone
from killing import ROOT, Came, Killer, Reader, differences, picture
from sparking import key_marks, told
from test_pipelines_kill import FIRST, MUST, Story, Teller, settled, stories
from tiny import DATASET, Tiny, column, contract

from pipelines import keys
from pipelines.audit import verify

pytestmark = [pytest.mark.spark, pytest.mark.timeout(1800)]
MORE = "编号,类别,高度,种植日期,备注\nT1,B,9.75,2026/3/5,\nT7,A,４.5,2024年1月5日,迟\nT8,X,1,2024-01-05,\n"
KEYED = [column("id", "text", "编号", "L2", key=1, required=True), column("kind", "text", "类别", codes="kinds"),
         column("height", "decimal(6,2)", "高度"), column("planted", "date", "种植日期", "L2"), column("note", "text", "备注", "L2")]
PRODUCT = {"name": "main", "tier": "restricted", "purpose": "open_data", "formats": ["csv"], "columns": {
    "id": {"do": "token"}, "kind": {"do": "keep"}, "height": {"do": "keep"}, "planted": {"do": "shift", "days": 30, "by": "id"}}}


KEY = "feedbeef"


@contextmanager
def same_key() -> Iterator[None]:
    """A release's key is drawn at random: here by the id whose secret is there already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "random", SimpleNamespace(token_hex=lambda _: KEY))
        yield


@dataclass
class Twins:
    """A city that a first run (DuckDB, so that keys are drawn) has made, what DuckDB makes of its next batch, and the same told on Spark."""

    teller: Teller
    wanted: dict[str, Any]
    story: Story


def twins(root: Path, url: str) -> Twins:
    teller = Teller(root, engine="spark", spark=url, key=KEY)
    teller.base.declare(settled(contract(columns=KEYED, products=[PRODUCT])))
    teller.base.run()
    teller.base.way().secret(f"release-{KEY}")
    teller.base.drop("trees5.csv", MORE)
    duck = teller.city(teller.copied(teller.base.root, "duck"))
    with same_key():
        duck.run()
    return Twins(teller, picture(duck.root), teller.story("run", teller.base.root, 0))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    with connect_server(tmp_path_factory.mktemp("connect")) as found:
        yield found


@pytest.fixture(scope="module")
def connected(server: Spark, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    found = twins(tmp_path_factory.mktemp("twins"), server.url)
    yield found
    found.teller.killer.close()


def test_through_connect_come_the_rows_and_bytes_of_duckdb(server: Spark, connected: Twins) -> None:
    rows = connected.story.after[DATASET]["tables"]["gold/parks/trees/main"]
    assert sum('"id": "t_' in row for row in rows) == len(rows) > 2
    assert differences(connected.wanted, connected.story.after) == []
    assert [str(item) for item in verify(connected.teller.city(connected.teller.end(0)).way())] == []
    assert told(server.written(), key_marks(connected.teller.base.settings.secrets, f"{DATASET}.main")) == []


@pytest.mark.parametrize("name", ["table/silver/after", pytest.param("table/gold/before", marks=pytest.mark.soak)])
def test_killed_around_a_write_of_spark_twice_in_a_row(connected: Twins, name: str) -> None:
    with Reader()() as reader:
        assert connected.teller.killed(connected.story, connected.story.seen.index(name), reader) == []
    assert reader.faults == []


TRIED = """
import os, sys
from pipelines.engines.spark import session
from pipelines.engines.spark.engine import translated
from pipelines.settings import settings

def raises(batches):
    for batch in batches:
        raise ValueError(str(batch.to_pylist()))

def dies(batches):
    for batch in batches:
        os._exit(11)

chosen = settings({"CITYLAKE_SPARK": sys.argv[1], "CITYLAKE_STATE": sys.argv[2], "CITYLAKE_SPARK_JARS": "/nowhere"})
known, session.FIXED["spark.redaction.string.regex"] = session.FIXED["spark.redaction.string.regex"], "secret"
for ask in (lambda: session.session(chosen), lambda: frame().mapInArrow(raises, "id string").collect(),
            lambda: frame().mapInArrow(dies, "id string").collect(), lambda: frame().selectExpr("CAST(id AS INT)").collect()):
    try:
        with translated():
            ask()
    except Exception as error:
        print(type(error).__name__, error, error.__cause__)
    session.FIXED["spark.redaction.string.regex"] = known
    frame = lambda: session.session(chosen).sql("SELECT concat('CANARY', 'ID-7731') AS id")
"""


def test_a_server_with_other_settings_is_refused_and_what_fails_there_is_told_without_values(server: Spark, tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", TRIED, server.url, str(tmp_path)], capture_output=True, text=True, check=True, cwd=ROOT,
                         timeout=120)
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("EngineFailure The Spark server has another spark.redaction.string.regex."), ran.stdout + ran.stderr
    assert [line.split(" (")[0] for line in lines[1:]] == ["EngineFailure The engine failed"] * 3, ran.stdout + ran.stderr
    assert all(line.endswith(" None") for line in lines)
    assert told([*server.written(), ("client", (ran.stdout + ran.stderr).encode())], [b"CANARYID"]) == []


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
def test_killed_at_every_boundary_on_spark(server: Spark, tmp_path: Path) -> None:
    teller, done, wrong = Teller(tmp_path, engine="spark", spark=server.url), set[str](), list[str]()
    with Reader()() as reader:
        for story in stories(teller):
            for at, name in enumerate(story.seen):
                if name not in done:
                    wrong += teller.killed(story, at, reader)
                    done.add(name)
            reader.site = None
    teller.killer.close()
    assert not wrong, "\n".join(wrong)
    assert reader.faults == []
    assert done >= MUST


# -- a cluster ------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    with standalone(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.mark.soak
def test_on_a_cluster_come_the_rows_and_bytes_of_duckdb(cluster: Spark, tmp_path: Path) -> None:
    found = twins(tmp_path, cluster.url)
    found.teller.killer.close()
    assert unlike(found.wanted, found.story.after) == []
    assert len([name for name, _ in cluster.written() if name.endswith("stderr")]) >= 2, "both workers had an executor"
    assert not [name for name, data in cluster.written() if name.endswith(("stdout", "stderr")) and b" INFO " in data], "executors are quiet"
    assert told(cluster.written(), key_marks(found.teller.base.settings.secrets, f"{DATASET}.main")) == []


def unlike(want: dict[str, Any], have: dict[str, Any]) -> list[str]:
    """What differs, but for the folder that a driver's own spill had: these drivers end without their exit handlers; the next one sweeps."""
    return differences({**want, "scratch": []}, {**have, "scratch": []})


MANY = FIRST + "".join(f"S{n},{'AB'[n % 2]},{n % 999}.5,2024-0{1 + n % 9}-05,注{n}\n" for n in range(30_000))


class Struck:
    """A city with a first batch in force and a second, large one offered; `during` acts on it while something strikes at a write."""

    def __init__(self, root: Path, url: str) -> None:
        self.tiny = Tiny(root / "city", columns=KEYED, products=[PRODUCT], max_bad_percent=60.0)
        self.tiny.drop("trees1.csv", FIRST)
        self.tiny.run()
        self.tiny.way().secret(f"release-{KEY}")
        self.tiny.drop("trees2.csv", MANY)
        self.killer = Killer(root / "killer", self.tiny.sources, self.tiny.now, engine="spark", spark=url, key=KEY)
        self.table = self.tiny.settings.lake / "tables" / "silver/parks/trees"
        self.in_force = self.tiny.way().journal.state(DATASET).tables["silver/parks/trees"]
        self.struck_at: list[int | None] = []       # the newest version of the table before each blow

    def during(self, blow: Callable[[], None]) -> Came:
        """A run; whenever a data file of silver's next version appears, which is when a task begins to write, `blow` is called."""
        known, over = set(self.table.rglob("*.parquet")), threading.Event()

        def watch() -> None:
            while not over.wait(0.005):
                if fresh := set(self.table.rglob("*.parquet")) - known:
                    known.update(fresh)
                    self.struck_at.append(self.tiny.way().lake.newest("silver/parks/trees"))
                    blow()
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            return self.killer.act(self.tiny.root, "run")
        finally:
            over.set()
            watcher.join()

    def faults(self) -> list[str]:
        return [f"{item.place}: {item.what}" for item in verify(self.tiny.way())]


def unstruck(struck: Struck, root: Path) -> dict[str, Any]:
    """What DuckDB makes of the same without any blow."""
    shutil.copytree(struck.tiny.root, root, symlinks=True)
    killer = Killer(root.parent / "unstruck", struck.tiny.sources, struck.tiny.now, key=KEY)
    assert killer.act(root, "run").code == 0
    killer.close()
    return picture(root)


@pytest.mark.soak
def test_a_worker_that_is_killed_in_the_middle_of_a_write_changes_nothing(tmp_path: Path) -> None:
    with standalone(tmp_path / "cluster") as cluster:
        struck = Struck(tmp_path, cluster.url)
        wanted = unstruck(struck, tmp_path / "duck")

        came = struck.during(cluster.started["worker0"].kill)
    assert struck.struck_at[0] == struck.in_force, "the write was under way, and no version of it there"
    assert came.code == 0, came.said
    assert unlike(wanted, picture(struck.tiny.root)) == []
    assert struck.faults() == []
    struck.killer.close()


@pytest.mark.soak
def test_a_write_whose_executors_die_again_and_again_is_told_and_leaves_nothing_half_visible(tmp_path: Path) -> None:
    with standalone(tmp_path / "cluster") as cluster:
        struck = Struck(tmp_path, cluster.url)
        before, wanted = picture(struck.tiny.root), unstruck(struck, tmp_path / "duck")

        def blow() -> None:
            for executor in cluster.executors():
                with suppress(psutil.NoSuchProcess):
                    executor.kill()
        came = struck.during(blow)
        assert len(struck.struck_at) >= 4
        assert set(struck.struck_at) == {struck.in_force}
        assert came.code != 0
        assert f"{DATASET} refine  failed The engine failed (" in came.said, came.said
        assert not [word for word in ("注", "S1", "parquet", "Traceback") if word in came.said], came.said
        after = picture(struck.tiny.root)
        for part in ("site", "catalog", "releases", "beside"):
            assert before[part] == after[part]
        for layer in ("silver/parks/trees", "gold/parks/trees/main"):
            assert before[DATASET]["tables"][layer] == after[DATASET]["tables"][layer]
        assert struck.faults() == []
        assert struck.killer.act(struck.tiny.root, "run").code == 0
    assert unlike(wanted, picture(struck.tiny.root)) == []
    assert struck.faults() == []
    struck.killer.close()


@pytest.mark.soak
def test_what_is_started_ends(server: Spark, tmp_path: Path) -> None:
    """By process id, and nothing else: another server goes on."""
    with connect_server(tmp_path / "other") as other:
        pids = [process.pid for process in other.started.values()]
        assert all(map(psutil.pid_exists, pids))
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert all(process.poll() is None for process in server.started.values())
