"""Of a dataset with a period only what can have changed is made anew, and everything is as if all had been."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import DATASET, Tiny, by_step, column
from twins import hashes, rows_at, site_files, told, unlike

from pipelines import increments, refinement
from pipelines.audit import verify
from pipelines.way import Way, table

HEADER = "编号,类别,高度,种植日期,备注\n"
COLUMNS = [column("id", "text", "编号", key=1, required=True), column("kind", "text", "类别", codes="kinds"),
           column("height", "decimal(6,2)", "高度"), column("planted", "date", "种植日期"), column("note", "text", "备注")]


def city(root: Path, **fields: Any) -> Tiny:
    return Tiny(root, columns=COLUMNS, period={"column": "planted", "grain": "month"}, **fields)


def rows(*lines: str) -> str:
    return HEADER + "".join(f"{line}\n" for line in lines)


def first(made: Tiny) -> None:
    """Forty rows in four months, and one without a date."""
    made.drop("trees1.csv", rows(*[f"T{at},A,{at}.5,2026-0{1 + at % 4}-1{at % 9},旧" for at in range(40)], "T99,B,1,,旧"))
    assert set(by_step(made.run()).values()) == {"done"}


def refined(made: Tiny) -> dict[str, Any]:
    return dict(made.way().journal.state(DATASET).last["refine/"])


def silver(way: Way) -> Any:
    name = table("silver", DATASET)
    return rows_at(way, name, way.journal.state(DATASET).tables[name])


def inodes(made: Tiny, release: int) -> dict[str, int]:
    found = made.way().journal.state(DATASET).releases["main"][release - 1].body["release"]
    return {path.name: path.stat().st_ino for path in sorted((made.settings.lake / found["folder"]).glob("*-*.csv"))}


def test_a_changed_period_alone_is_written_and_screened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = city(tmp_path)
    first(made)
    files = dict.fromkeys(made.way().lake.files(_at(made.way(), "silver")))
    made.drop("trees2.csv", rows("T1,A,77,2026-02-11,新", "T200,B,3,2026-02-20,新"))
    assert set(by_step(made.run()).values()) == {"done"}
    assert refined(made)["increment"]["periods"] == ["2026-02"]
    way = made.way()
    assert len(set(way.lake.files(_at(way, "silver"))) & set(files)) == len(files) - 1
    before, after = inodes(made, 1), inodes(made, 2)
    assert [name for name in after if before[name] != after[name]] == [f"{DATASET}.main-2026-02.csv"]
    assert len(after) == 5
    assert verify(way) == []


def _at(way: Way, layer: str) -> Any:
    from catalog.evidence import TableAt

    name = table(layer, DATASET, *(["main"] if layer == "gold" else []))
    return TableAt(name, way.journal.state(DATASET).tables[name])


@pytest.mark.parametrize(("what", "lines", "periods"), [
    ("a row that moves to another month touches both", ["T1,A,1,2026-04-02,新"], ["2026-02", "2026-04"]),
    ("a new month", ["T300,A,1,2027-01-02,新"], ["2027-01"]),
    ("bad rows alone", ["T1,A,x,2026-02-02,新", ",A,1,2026-02-02,新"], []),
    ("an older word on a key", ["T1,A,1,2026-02-11,旧"], ["2026-02"]),
])
def test_what_is_touched(tmp_path: Path, what: str, lines: list[str], periods: list[str]) -> None:
    made = city(tmp_path)
    first(made)
    made.drop("trees2.csv", rows(*lines))
    made.run()
    assert refined(made)["increment"]["periods"] == periods, what
    assert verify(made.way()) == []


@pytest.mark.parametrize("what", ["undated", "many", "terms", "program"])
def test_what_does_not_fit_is_made_anew_as_a_whole(tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = city(tmp_path)
    first(made)
    lines = ["T1,A,1,,新"] if what == "undated" else [f"M{at},A,1,2026-01-01,新" for at in range(30 if what == "many" else 1)]
    if what == "terms":
        made.write("codes/kinds.csv", "code,zh,en,valid_from,valid_to\nA,公园,park,,\nB,湿地,wetland,,\nC,林地,wood,,\n")
    if what == "program":
        monkeypatch.setattr(increments, "program", lambda: "another")
    made.drop("trees2.csv", rows(*lines))
    assert set(by_step(made.run()).values()) == {"done"}
    assert refined(made)["increment"] is None


def test_a_linked_file_that_is_not_what_its_record_says_ends_the_release(tmp_path: Path) -> None:
    made = city(tmp_path)
    first(made)
    folder = made.settings.lake / made.way().journal.state(DATASET).releases["main"][0].body["release"]["folder"]
    path = next(folder.glob("*-2026-01.csv"))
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"x")
    made.drop("trees2.csv", rows("T1,A,77,2026-02-11,新"))
    assert by_step(made.run())[f"{DATASET} serve main"] == "failed"
    assert len(made.way().journal.state(DATASET).releases["main"]) == 1


line = st.builds(lambda key, month, height, kind: f"K{key},{kind},{height},{month},注", st.integers(0, 12),
                 st.sampled_from(["2026-01-05", "2026-02-05", "2026-03-05", "坏", "2026-01-28"]), st.sampled_from(["1", "2.5", "x", ""]),
                 st.sampled_from("AABZ"))


@settings(max_examples=int(os.environ.get("CITYLAKE_DAYS", 2)), deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(days=st.lists(st.lists(line, min_size=1, max_size=4), min_size=3, max_size=3))
def test_any_days_end_as_if_all_had_been_made_anew(tmp_path_factory: pytest.TempPathFactory, days: list[list[str]]) -> None:
    found = []
    for whole in (False, True):
        made = city(tmp_path_factory.mktemp("days"), max_bad_percent=100)
        with pytest.MonkeyPatch.context() as patch:
            if whole:
                patch.setattr(refinement, "before", lambda *_: {})
            first(made)
            outcomes = []
            for number, day in enumerate(days):
                made.drop(f"trees{number + 2}.csv", rows(*dict.fromkeys(day)))
                outcomes += told(made.run())
        found.append((made, outcomes))
    (one, said), (other, said_too) = found
    assert said == said_too
    assert silver(one.way()) == silver(other.way())
    assert unlike(site_files(one.way()), site_files(other.way())) == []
    assert hashes(one.way()) == hashes(other.way())
    assert verify(one.way()) == []


@pytest.mark.spark
@pytest.mark.soak
def test_spark_adds_to_what_duckdb_wrote_and_the_other_way(tmp_path: Path) -> None:
    found = []
    for engines in (("duckdb", "duckdb"), ("spark", "duckdb"), ("duckdb", "spark")):
        made = city(tmp_path / "-".join(engines))
        first(made)
        for day, engine in enumerate(engines):
            made.engine = engine
            made.drop(f"trees{day + 2}.csv", rows(f"T1,A,{day + 7},2026-02-11,新", f"N{day},B,3,2026-03-2{day},新", ",A,1,2026-01-01,坏"))
            assert set(by_step(made.run()).values()) == {"done"}
            assert refined(made)["increment"]["periods"] == ["2026-02", "2026-03"]
        found.append((silver(made.way()), hashes(made.way()), site_files(made.way())))
        assert verify(made.way()) == []
    assert found[0] == found[1] == found[2]
