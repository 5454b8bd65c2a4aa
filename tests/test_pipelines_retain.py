"""Erasure of batches over their time: nothing of them is left in any file, the audit accepts exactly that, and a kill changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from killing import Came, Killer, attach, differences, picture
from tiny import DATASET, Tiny, column, contract

from pipelines import boundary
from pipelines.audit import audit, verify
from pipelines.conduct import Outcome
from pipelines.replay import replay
from pipelines.spool import raw_path
from pipelines.steps.retain import planned, retain

OLD, NEW = "canaryoldzebra", "canarynewzebra"
DERIVED = "parks.kinds"
HEADER = "编号,类别,高度,种植日期,备注\n"
FIRST = f"{HEADER}T1,A,3.5,2026-01-12,{OLD}1\nT2,X,2,2026-01-12,{OLD}2\nT3,B,1.25,2025-01-02,{OLD}3\n"
SECOND = f"{HEADER}T4,A,3.5,2026-03-12,{NEW}4\nT3,B,2.25,2025-01-02,{NEW}3\n"


RULE = """version: 1
collection_rules:
  - id: P1
    department: parks
    datasets: [parks.trees]
    purposes: [open_data]
    kinds: []
    quantity: {rows_per_batch: 1000, rows_per_window: 1000, window_days: 31}
    frequency: {min_interval_hours: 0}
    mode: [files]
    scope: {subjects: trees}
    retention_days: 30
    valid_from: "2025-01-01"
    valid_to: "2030-12-31"
    legal_basis: law
    verified: true
"""
EXCLUDED = "excluded:\n  - {id: T1, kind: dataset, name: parks.trees, legal_basis: law, verified: true}\n"


class Kept(Tiny):
    """A city whose trees may be kept for 30 days; notes leave, so that a release holds canaries too."""

    def __init__(self, root: Path) -> None:
        columns = [column("id", "text", "编号", key=1, required=True), column("kind", "text", "类别", codes="kinds"),
                   column("height", "decimal(6,2)", "高度"), column("planted", "date", "种植日期"), column("note", "text", "备注")]
        super().__init__(root, columns=columns, max_bad_percent=60.0, collection_rule="P1")
        self.write("negative_list.yaml", RULE)
        derived = [column("kind", "text", "类别"), column("note", "text", "备注"), column("trees", "bigint", "数量")]
        self.declare(contract(DERIVED, derived, sources=None, merge=None, inputs=[{"name": "trees", "dataset": DATASET}],
                              query="SELECT kind, max(note) AS note, count(*) AS trees FROM trees GROUP BY kind"))
        self.become("steward_p")

    def retain(self) -> list[Outcome]:
        found = retain(self.way())
        assert not [item for item in found if item.outcome == "failed"], found
        return found


@pytest.fixture
def city(tmp_path: Path) -> Kept:
    """One old batch and, 20 days later, a new one; then the old one is over its time."""
    found = Kept(tmp_path / "city")
    found.drop("trees1.csv", FIRST)
    assert {item.outcome for item in found.run()} == {"done"}
    found.now += timedelta(days=20)
    found.drop("trees2.csv", SECOND)
    assert {item.outcome for item in found.run()} <= {"done", "unchanged"}
    found.now += timedelta(days=11)
    return found


def traces(root: Path, word: str) -> list[str]:
    """Files below the city's lake, state and site that hold a word, Parquet decoded too."""
    found = []
    for path in sorted(path for home in ("lake", "state", "site") for path in (root / home).rglob("*") if path.is_file()):
        texts = [path.read_bytes()]
        if texts[0][:4] == b"PAR1":
            texts += [str(pq.read_table(path).to_pydict()).encode(), str(pq.read_metadata(path).to_dict()).encode()]
        if any(word.encode() in text for text in texts):
            found.append(path.relative_to(root).as_posix())
    return found


def test_nothing_of_an_old_batch_is_left_and_the_audit_accepts_it(city: Kept) -> None:
    assert {path.split("/")[1] for path in traces(city.root, OLD)} >= {"raw", "tables", "releases", "current"} - {"current"}
    assert any(path.startswith("site/") for path in traces(city.root, OLD))
    assert [item.batch for item in planned(city.way())[DATASET]] == ["b000001"]
    assert traces(city.root, OLD)       # planning changes nothing
    before = len(traces(city.root, NEW))
    city.retain()
    assert traces(city.root, OLD) == []
    assert 0 < len(traces(city.root, NEW)) <= before
    assert [item for item in audit(city.way())] == []
    state = city.way().journal.state(DATASET)
    assert [batch.id for batch in state.batches] == ["b000002"]
    assert state.release("main") is state.newest("main")
    assert planned(city.way()) == {}


def test_erased_again_is_nothing_new_and_later_batches_go_on(city: Kept) -> None:
    city.retain()
    before = picture(city.root, (DATASET, DERIVED))
    city.retain()
    assert differences(before, picture(city.root, (DATASET, DERIVED))) == []
    city.drop("trees3.csv", f"{HEADER}T9,A,9,2026-04-01,later\n")
    assert "failed" not in {item.outcome for item in city.run()}
    assert replay(city.way(), city.way().contract(DATASET))["outcome"] == "unchanged"
    assert verify(city.way()) == []
    city.now += timedelta(days=20)      # the second one too
    city.retain()
    assert traces(city.root, NEW) == []
    assert traces(city.root, "later")
    assert verify(city.way()) == []


def test_the_key_of_an_erased_release_goes_with_it(tmp_path: Path) -> None:
    city = Kept(tmp_path / "city")
    columns = [column("id", "text", "编号", key=1, required=True), column("note", "text", "备注")]
    token = {"name": "main", "tier": "restricted", "purpose": "open_data", "formats": ["csv"], "columns": {"id": {"do": "token"}}}
    city.declare(contract(DATASET, columns, collection_rule="P1", products=[token]))
    (city.city / "datasets/parks" / f"{DERIVED.split('.')[1]}.odcs.yaml").unlink()
    city.drop("trees1.csv", "编号,备注\nT1,a\n")
    city.run()
    city.now += timedelta(days=20)
    city.drop("trees2.csv", "编号,备注\nT2,b\n")
    city.run()
    keys = [release.body["key"] for release in city.way().journal.state(DATASET).releases["main"]]
    assert len(set(keys)) == 2
    city.now += timedelta(days=11)
    city.retain()
    left = {path.name for path in city.settings.secrets.glob("release-*")}
    assert f"release-{keys[0]}" not in left
    assert len(left) == 2       # that of the rows that are left, and the one that digests are keyed with


def test_the_same_bytes_never_come_back(city: Kept) -> None:
    city.retain()
    city.drop("trees1.csv", FIRST)      # touched: offered again
    city.run()
    assert traces(city.root, OLD) == []
    assert [batch.id for batch in city.way().journal.state(DATASET).batches] == ["b000002"]


def test_when_all_is_over_its_time_everything_goes(city: Kept) -> None:
    city.now += timedelta(days=60)
    city.retain()
    assert traces(city.root, OLD) == traces(city.root, NEW) == []
    assert verify(city.way()) == []
    assert replay(city.way(), city.way().contract(DATASET))["outcome"] == "unchanged"
    city.run()
    assert verify(city.way()) == []


def test_a_hold_stops_no_erasure(city: Kept) -> None:
    """Refine is held for bad rows and what is derived cannot be made anew: it is emptied, and its releases go."""
    path = city.city / "datasets/parks/kinds.odcs.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("count(*)", "count(*) + 1"), encoding="utf-8")
    text = path.read_text(encoding="utf-8").replace("physicalType: bigint", "physicalType: bigint\n    logicalTypeOptions: {maximum: 1}")
    path.write_text(text, encoding="utf-8")
    city.retain()
    state = city.way().journal.state(DERIVED)
    assert state.last["refine/"]["outcome"] == "held"
    assert "silver/parks/kinds" not in state.tables
    assert state.release("main") is None
    assert traces(city.root, OLD) == []
    assert verify(city.way()) == []
    city.run()
    assert city.way().journal.state(DERIVED).release("main") is None


def test_the_audit_names_what_came_back_and_any_other_absence(city: Kept) -> None:
    raw = raw_path(city.settings, city.way().journal.state(DATASET).batches[0].body["raw"])
    saved = raw.read_bytes()
    city.retain()
    assert not raw.exists()
    raw.write_bytes(saved)
    assert [item.place.split("/")[0] for item in verify(city.way())] == ["raw"]
    raw.unlink()
    other = raw_path(city.settings, city.way().journal.state(DATASET).batches[0].body["raw"])
    other.chmod(0o600)
    other.unlink()
    assert ["missing" in item.what for item in verify(city.way())] == [True]


def test_one_dataset_keeps_raw_bytes_that_another_still_needs(city: Kept) -> None:
    """A file with the same bytes in two datasets, of which only one has a rule."""
    columns = [column("id", "text", "编号", key=1, required=True), column("note", "text", "备注")]
    columns += [column("kind", "text", "类别"), column("height", "text", "高度"), column("planted", "text", "种植日期")]
    city.declare(contract("weather.twin", columns))
    city.drop("twin1.csv", FIRST, department="weather")
    city.run("weather.twin")
    sha = city.way().journal.state(DATASET).batches[0].body["raw"]
    assert city.way().journal.state("weather.twin").batches[0].body["raw"] == sha
    city.retain()
    assert raw_path(city.settings, sha).exists()
    assert verify(city.way()) == []


def test_held_bytes_over_their_time_leave_holding(tmp_path: Path) -> None:
    city = Kept(tmp_path)
    city.drop("trees1.csv", f"{HEADER.strip()},多余\nT1,A,3.5,2026-01-12,{OLD},x\n")
    city.run()
    assert any("holding" in path for path in traces(city.root, OLD))
    city.now += timedelta(days=31)
    city.retain()
    assert traces(city.root, OLD) == []
    assert city.way().journal.state(DATASET).holds == {}
    assert verify(city.way()) == []


class Killed(BaseException):
    """Raised at a boundary: nothing after it is done, like a kill; the kernel's part is tested in test_pipelines_kill."""


@pytest.fixture
def watched() -> Iterator[list[Any]]:
    before = list(boundary.watchers)
    yield boundary.watchers
    boundary.watchers[:] = before


@pytest.mark.slow
def test_killed_at_every_boundary_it_ends_the_same(city: Kept, watched: list[Any]) -> None:
    start, place = city.root, city.root.parent / "told"
    want, names = _told(start, place / "want", watched, None)
    assert {"erase/raw", "erase/release", "retain/released", "table/silver/condensed", "table/silver/purged", "journal/erasing/after",
            "journal/erase/after"} <= set(names)
    wrong, done = list[str](), set[str]()
    for at, name in enumerate(names):
        if name not in done and (name.startswith(("erase", "retain", "table", "journal/eras", "publish/switched"))):
            done.add(name)
            wrong += [f"{at} {name}: {text}" for text in differences(want, _told(start, place / f"killed{at}", watched, at)[0])]
    assert len(done) > 20
    assert not wrong, "\n".join(wrong[:20])


def _told(start: Path, root: Path, watchers: list[Any], at: int | None) -> tuple[dict[str, Any], list[str]]:
    """The picture after an erasure in a copy of the city, killed at a boundary and done again; and the boundaries' names."""
    shutil.copytree(start, root, symlinks=True)
    city = object.__new__(Kept)
    city.root, city.user, city.city, city.sources = root, "tester", root / "city", root / "sources"
    city.engine, city.spark = "duckdb", "local[2]"
    city.now = datetime(2026, 11, 24, 4, 0, tzinfo=UTC) + timedelta(days=31)
    names: list[str] = []

    def watch(name: str) -> None:
        names.append(name)
        if at is not None and len(names) == at + 1:
            raise Killed

    watchers.append(watch)
    try:
        retain(city.way())
    except Killed:
        assert at is not None
    watchers.remove(watch)
    if at is not None:
        city.retain()
    assert traces(root, OLD) == []
    assert verify(city.way()) == []
    shutil.rmtree(root / "state/scratch", ignore_errors=True)
    found = picture(root, (DATASET, DERIVED))
    for name in (DATASET, DERIVED):     # a repeated attempt may record its ordinary steps once more
        found[name].pop("records")
    shutil.rmtree(root)
    return found, names


MINE = ("erase", "retain", "table", "journal/eras", "publish/switched")


@pytest.mark.soak
def test_the_kernel_kills_it_at_every_boundary_and_twice_in_a_row(city: Kept, tmp_path: Path) -> None:
    """SIGKILL, another one at the next boundary of that name, then an unkilled run: the same tables, releases, portal and raw bytes as
    without, nothing of what was erased in any file, an audit without remarks.
    """
    killer = Killer(tmp_path / "killer", city.sources, city.now)
    try:
        want, came = _done(killer, city.root, tmp_path / "want")
        first = {name: came.seen.index(name) for name in dict.fromkeys(came.seen) if name.startswith(MINE)}
        assert {"erase/raw", "erase/release", "retain/released", "journal/erasing/after", "journal/erase/after"} <= set(first)
        wrong = [f"{name}: {text}" for name, at in first.items() for text in _again(killer, city, tmp_path / "killed", name, at, want)]
    finally:
        killer.close()
    assert not wrong, "\n".join(wrong[:20])


def _done(killer: Killer, start: Path, root: Path) -> tuple[dict[str, Any], Came]:
    shutil.copytree(start, root, symlinks=True)
    came = killer.act(root, "retain")
    assert (came.killed, came.code) == (False, 0), came.said
    return _settled(root), came


def _again(killer: Killer, city: Kept, root: Path, name: str, at: int, want: dict[str, Any]) -> list[str]:
    shutil.copytree(city.root, root, symlinks=True)
    wrong = [] if killer.act(root, "retain", kill_at=at).killed else ["was not killed"]
    killer.act(root, "retain", kill_name=name)
    last = killer.act(root, "retain")
    wrong += [] if last.code == 0 else [f"then failed: {last.said[-300:]}"]
    wrong += [f"still there: {path}" for path in traces(root, OLD)]
    wrong += [f"{item.place}: {item.what}" for item in verify(attach(root, city.sources, city.now.isoformat()).way())]
    wrong += differences(want, _settled(root))
    shutil.rmtree(root)
    return wrong


def _settled(root: Path) -> dict[str, Any]:
    """The picture without what a repeated attempt may record once more, and without scratch that a kill leaves to be swept."""
    shutil.rmtree(root / "state/scratch", ignore_errors=True)
    found = picture(root, (DATASET, DERIVED))
    for name in (DATASET, DERIVED):
        found[name].pop("records")
    return found


@pytest.mark.parametrize("name", ["ingest/raw", "table/bronze/after", "journal/ingest/before"])
@pytest.mark.parametrize("second", ["refused", "gone", "held"])
@pytest.mark.parametrize("before", [pytest.param(False, marks=pytest.mark.soak), True])
def test_a_killed_ingest_leaves_nothing_of_a_batch_that_is_then_not_admitted(
    tmp_path: Path, watched: list[Any], name: str, second: str, before: bool
) -> None:
    city = Kept(tmp_path)
    if before:
        city.drop("trees0.csv", SECOND)
        city.run(DATASET)
    path = city.drop("trees1.csv", FIRST)

    def watch(at: str) -> None:
        if at == name:
            raise Killed

    watched.append(watch)
    with pytest.raises(Killed):
        city.run(DATASET)
    watched.remove(watch)
    assert [one for one in traces(city.root, OLD) if one.startswith("lake/raw")]
    if second == "gone":
        path.unlink()
    elif second == "refused":
        city.write("negative_list.yaml", RULE + EXCLUDED)
    else:
        city.drop("trees1.csv", f"{HEADER.strip()},多余\nT1,A,3.5,2026-01-12,{NEW},x\n")
    city.run(DATASET)
    assert [one for one in traces(city.root, OLD) if not one.startswith("state/holding")] == []
    assert verify(city.way()) == []
