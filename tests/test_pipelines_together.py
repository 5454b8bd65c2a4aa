"""Several processes at the same city at once: one waits, nothing is doubled, the chains stay whole."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from killing import Came, Killer, attach, differences, picture, torn
from tiny import DATASET, GOOD, Tiny, column, contract

from catalog.errors import LakeError
from pipelines.audit import verify
from pipelines.decisions import inbox
from pipelines.journal import CITY, Journal
from pipelines.lease import lease

ALL = (DATASET, "weather.rain", "weather.shade")


def shade() -> dict[str, Any]:
    return contract(
        "weather.shade", [column("id", "text", "编号", key=1, required=True), column("rain", "bigint", "雨量")], sources=None, merge="append",
        inputs=[{"dataset": DATASET, "name": "trees"}, {"dataset": "weather.rain", "name": "rain"}],
        query="SELECT t.id AS id, r.amount AS rain FROM trees AS t JOIN rain AS r ON t.id = r.id")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Three datasets, one derived from the others; one batch that the volume guard will hold."""
    city = Tiny(tmp_path_factory.mktemp("together") / "base", volume={"max_rows": 4})
    city.declare(contract("weather.rain", [column("id", "text", "编号", key=1, required=True), column("amount", "bigint", "雨量")]))
    city.declare(shade())
    city.drop("trees1.csv", GOOD)
    city.drop("trees2.csv", "编号,类别,高度,种植日期,备注\n" + "".join(f"U{number},A,1,2026-01-01,\n" for number in range(6)))
    city.drop("rain1.csv", "编号,雨量\nT1,10\nT2,20\n", department="weather")
    city.become("steward_p")
    city.way().alias("")
    return city


@pytest.fixture(scope="module")
def pair(base: Tiny) -> Iterator[tuple[Killer, Killer]]:
    killers = tuple(Killer(base.root.parent / f"killer{number}", base.sources, base.now) for number in range(2))
    yield killers[0], killers[1]
    for killer in killers:
        killer.close()


def copied(base: Tiny, name: str) -> Path:
    return Path(shutil.copytree(base.root, base.root.parent / name, symlinks=True))


def both(pair: tuple[Killer, Killer], root: Path, *acts: str, slow: float = 0.0) -> list[Came]:
    """The acts at the same time, each in a process of its own."""
    with ThreadPoolExecutor(len(acts)) as pool:
        return [done.result() for done in [pool.submit(killer.act, root, act, slow=slow) for killer, act in zip(pair, acts, strict=True)]]


def sound(base: Tiny, root: Path) -> None:
    way = attach(root, base.sources, base.now.isoformat()).way()
    assert verify(way) == []
    assert torn(root / "site") == []
    journal = Journal(root / "lake/journal")
    for name in (*ALL, CITY):
        assert [record.seq for record in journal.records(name)] == list(range(1, len(list(journal.records(name))) + 1))


@pytest.mark.parametrize("slow", [0.0, 0.01])
def test_two_runs_at_once_come_to_what_one_does(base: Tiny, pair: tuple[Killer, Killer], slow: float) -> None:
    alone, together = copied(base, f"alone{slow}"), copied(base, f"together{slow}")
    assert pair[0].act(alone, "run").code == 0
    came = both(pair, together, "run", "run", slow=slow)
    assert [item.code for item in came] == [0, 0], [item.said for item in came]
    assert differences(picture(alone, ALL), picture(together, ALL)) == []
    records = [record for name in ALL for record in Journal(together / "lake/journal").records(name) if record.kind == "prepared"]
    assert len(records) == 3                # nobody prepared twice
    sound(base, together)


def test_a_decision_beside_a_run_is_kept_and_followed(base: Tiny, pair: tuple[Killer, Killer]) -> None:
    root = copied(base, "decided")
    assert pair[0].act(root, "run").code == 0
    came = both(pair, root, "run", "approve", slow=0.01)
    assert [item.code for item in came] == [0, 0], [item.said for item in came]
    assert pair[0].act(root, "run").code == 0
    state = Journal(root / "lake/journal").state(DATASET)
    assert [batch.id for batch in state.batches] == ["b000001", "b000002"]
    assert len(state.decisions) == 1
    assert inbox(attach(root, base.sources, base.now.isoformat()).way()) == []
    sound(base, root)


@pytest.mark.parametrize("other", ["withdraw", "replay", "resubmit"])
def test_other_acts_beside_a_run(base: Tiny, pair: tuple[Killer, Killer], other: str) -> None:
    root = copied(base, f"beside-{other}")
    assert pair[0].act(root, "run").code == 0
    came = both(pair, root, "run", other, slow=0.01)
    assert came[0].code == 0, came[0].said
    assert came[1].code == 0 or other == "resubmit", came[1].said        # nothing is in quarantine: refused in a sentence
    assert pair[0].act(root, "run").code == 0
    sound(base, root)


def test_the_lease_of_a_killed_process_is_free(base: Tiny, pair: tuple[Killer, Killer]) -> None:
    root = copied(base, "leased")
    assert pair[0].act(root, "run", kill_name="table/bronze/after").killed
    began = time.monotonic()
    with lease(root / "lake/leases", DATASET, wait=1.0):
        assert time.monotonic() - began < 1.0


def test_a_held_lease_is_waited_for_and_named(tmp_path: Path, base: Tiny, pair: tuple[Killer, Killer]) -> None:
    root = copied(base, "waiting")
    with ThreadPoolExecutor(1) as pool:
        with lease(root / "lake/leases", DATASET):
            waiting = pool.submit(pair[0].act, root, "run")
            time.sleep(1.0)
            assert not waiting.done()
            assert Journal(root / "lake/journal").state(DATASET).seq == 0
            with pytest.raises(LakeError, match=DATASET), ThreadPoolExecutor(1) as other:
                other.submit(_taken, root).result()
        assert waiting.result().code == 0
    assert Journal(root / "lake/journal").state(DATASET).seq > 0


def _taken(root: Path) -> None:
    """A lock by another open file, as another process has it."""
    import fcntl
    import os

    from pipelines.lease import _take

    handle = os.open(root / "lake/leases" / f"{DATASET}.lock", os.O_RDWR)
    try:
        _take(handle, DATASET, 0.2)
        fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        os.close(handle)


def test_threads_of_one_process_wait_for_each_other(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        with lease(tmp_path, "one"):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.01)
            inside.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(12)))
    assert max(most) == 1
    assert len(most) == 12
