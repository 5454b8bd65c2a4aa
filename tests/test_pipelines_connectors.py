"""The files connector: what it offers and in which order, times in names, fetching again, and what may not leave its root."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from catalog.errors import BadInput
from pipelines.connectors import Offer, Unsettled, connectors
from pipelines.connectors.files import FileOptions, Files
from pipelines.connectors.times import glob_regex, reader, time_regex


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def put(root: Path, key: str, text: str = "a\n1\n") -> Path:
    path = root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def files(root: Path, zone: str = "Asia/Shanghai", **options: Any) -> Files:
    return Files(FileOptions.model_validate(options), root, zone)


def keys(connector: Files) -> list[str]:
    return [offer.key for offer in connector.offers()]


def only(connector: Files) -> Offer:
    (offer,) = connector.offers()
    return offer


def test_connectors_are_found_by_folder_scan() -> None:
    assert connectors()["files"] is Files
    assert issubclass(Files.Options, FileOptions)


def test_a_folder_of_dated_drops_comes_in_order_of_time(root: Path) -> None:
    for key in ("drops/2026-05-10/a.csv", "drops/2026-05-02/b.csv", "drops/2026-05-02/a.csv", "drops/2025-12-31/z.csv"):
        put(root, key)
    connector = files(root, path="drops", time_format="%Y-%m-%d")
    assert keys(connector) == ["drops/2025-12-31/z.csv", "drops/2026-05-02/a.csv", "drops/2026-05-02/b.csv", "drops/2026-05-10/a.csv"]
    assert next(connector.offers()).time == datetime(2025, 12, 30, 16, tzinfo=UTC)


def test_globs_folders_and_single_files(root: Path) -> None:
    for key in ("a.csv", "b.csv", "c.txt", "deep/d.csv", "deep/er/e.csv", "we[ir]d.csv"):
        put(root, key)
    assert keys(files(root, path="a.csv")) == ["a.csv"]
    assert keys(files(root, path="?.csv")) == ["a.csv", "b.csv"]
    assert keys(files(root, path="**/*.csv")) == ["a.csv", "b.csv", "deep/d.csv", "deep/er/e.csv", "we[ir]d.csv"]
    assert keys(files(root, path="deep")) == keys(files(root, path="deep/**")) == ["deep/d.csv", "deep/er/e.csv"]
    assert keys(files(root, path="we[ir]*")) == ["we[ir]d.csv"]
    assert keys(files(root, path="none.csv")) == keys(files(root, path="none/*")) == []


def test_hidden_and_temporary_names_are_no_drops(root: Path) -> None:
    for key in ("a.csv", ".b.csv", "c.csv.part", "d.tmp", "e.csv~", "~$f.xlsx", ".g/h.csv", "i.filepart", "Thumbs.db"):
        put(root, key)
    assert keys(files(root, path=".")) == keys(files(root, path="*")) == ["a.csv"]
    assert keys(files(root, path=".g/h.csv")) == [".g/h.csv"], "what the contract names is meant"


def test_a_young_file_is_left_for_the_next_run(root: Path) -> None:
    path = put(root, "a.csv")
    assert keys(files(root, path="*", settle_seconds=60)) == []
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 120))
    assert keys(files(root, path="*", settle_seconds=60)) == ["a.csv"]
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime + 86400))
    assert keys(files(root, path="*", settle_seconds=60)) == ["a.csv"], "a clock that goes wrong loses nothing"


TIMES = [
    ("%Y%m%dT%H%M%SZ", "area_csv/20200216T091347Z_445c23d2.csv", "2020-02-16T09:13:47+00:00"),
    ("%Y-%m-%d", "2026-05-01.csv", "2026-04-30T16:00:00+00:00"),
    ("%Y-%m-%d", "2026-5-1.csv", "2026-04-30T16:00:00+00:00"),
    ("%Y%m%d", "x_20260501_y.csv", "2026-04-30T16:00:00+00:00"),
    ("%Y%m%d", "x_202605011.csv", None),
    ("%Y%m", "report202605.csv", "2026-04-30T16:00:00+00:00"),
    ("%Y年%m月%d日", "街道2026年5月1日.xlsx", "2026-04-30T16:00:00+00:00"),
    ("%Y/%m/%d", "drops/2026/05/01/a.csv", "2026-04-30T16:00:00+00:00"),
    ("%Y-%m-%d", "2026-05-01/2026-05-03.csv", "2026-05-02T16:00:00+00:00"),
    ("%Y-%m-%d", "2026-13-01.csv", None),
    ("%Y-%m-%d", "a.csv", None),
    ("%Y-%m-%dT%H%M%S%z", "2026-05-01T000000+0900.csv", "2026-04-30T15:00:00+00:00"),
]


@pytest.mark.parametrize(("form", "name", "time"), TIMES)
def test_times_in_names(form: str, name: str, time: str | None, root: Path) -> None:
    found = files(root, path="*", time_format=form).time_of(name)
    assert (found.isoformat() if found else None) == time


def test_zone_pattern_and_place_of_the_time(root: Path) -> None:
    assert files(root, path="*", time_format="%Y-%m-%d", zone="UTC").time_of("2026-05-01") == datetime(2026, 5, 1, tzinfo=UTC)
    patterned = files(root, path="*", time_format="%Y%m%d", time_pattern=r"_(\d{8})_")
    assert patterned.time_of("20200101_20260501_20300101") == datetime(2026, 4, 30, 16, tzinfo=UTC)
    placed = files(root, path="a_{time}.csv", member="m/{time}/*.csv", time_format="%Y%m%d")
    assert placed.time_of("a_20260501.csv") == placed.time_of("m/20260501/x1.csv") == datetime(2026, 4, 30, 16, tzinfo=UTC)
    assert placed.time_of("b_20260501.csv") is None


@given(st.datetimes(min_value=datetime(1000, 1, 2), max_value=datetime(9998, 1, 1)).map(lambda time: time.replace(microsecond=0)),
       st.sampled_from(["%Y%m%dT%H%M%SZ", "%Y-%m-%d_%H-%M-%SZ", "%d.%m.%Y %H:%M:%SZ"]), st.text("ab_-/", max_size=8))
def test_any_time_that_is_written_is_read(time: datetime, form: str, around: str) -> None:
    assert reader(form, None, "Asia/Shanghai")(f"{around}{time.strftime(form)}{around}") == time.replace(tzinfo=UTC)


def test_a_name_without_its_time_is_offered_and_not_skipped(root: Path) -> None:
    put(root, "drops/20260502.csv")
    put(root, "drops/2026-05-01.csv")
    for path in ("drops", "drops/{time}.csv", "drops/*.csv"):
        connector = files(root, path=path, time_format="%Y-%m-%d")
        assert [(offer.key, offer.time is None) for offer in connector.offers()] == [("drops/20260502.csv", True), ("drops/2026-05-01.csv", False)]
        assert connector.timed


def test_a_name_without_digits_at_the_place_of_the_time_is_of_another_dataset(root: Path) -> None:
    for key in ("drops/杭州.csv", "drops/all.csv", "drops/2026-05-01.csv"):
        put(root, key)
    assert keys(files(root, path="drops/{time}.csv", time_format="%Y-%m-%d")) == ["drops/2026-05-01.csv"]
    assert len(keys(files(root, path="drops/*.csv", time_format="%Y-%m-%d"))) == 3


def test_fetch_copies_privately_and_once(root: Path, tmp_path: Path) -> None:
    put(root, "a.csv", "one")
    connector, spool = files(root, path="a.csv"), tmp_path / "spool"
    offer = only(connector)
    fetched = connector.fetch(offer, spool)
    assert fetched.path.read_text() == "one"
    assert (fetched.size, fetched.filename) == (3, "a.csv")
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in spool.iterdir())
    assert not list(spool.glob("*.part"))
    before = fetched.path.stat().st_mtime_ns
    assert connector.fetch(offer, spool) == fetched
    assert fetched.path.stat().st_mtime_ns == before, "a finished fetch is not repeated"
    fetched.path.write_text("cu")
    assert connector.fetch(offer, spool).path.read_text() == "one", "a damaged copy is fetched again"


def test_an_interrupted_fetch_starts_again(root: Path, tmp_path: Path) -> None:
    put(root, "a.csv", "whole")
    connector = files(root, path="a.csv")
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "payload.part").write_text("wh")
    (tmp_path / "spool" / "payload").write_text("other")
    assert connector.fetch(only(connector), tmp_path / "spool").path.read_text() == "whole"


def test_a_changed_file_of_the_same_name_is_another_offer(root: Path, tmp_path: Path) -> None:
    path = put(root, "a.csv", "one")
    connector, spool = files(root, path="a.csv"), tmp_path / "spool"
    first = only(connector)
    connector.fetch(first, spool)
    put(root, "new.csv", "two").replace(path)
    second = only(connector)
    assert second.key == first.key
    assert second.fingerprint != first.fingerprint
    assert connector.fetch(second, spool).path.read_text() == "two"
    with pytest.raises(Unsettled):
        connector.fetch(first, tmp_path / "other")


def test_a_file_that_has_gone_is_left_for_the_next_run(root: Path, tmp_path: Path) -> None:
    path = put(root, "a.csv")
    connector = files(root, path="a.csv")
    offer = only(connector)
    path.unlink()
    with pytest.raises(Unsettled):
        connector.fetch(offer, tmp_path / "spool")
    assert keys(connector) == []


def test_links_may_not_leave_the_root(root: Path, tmp_path: Path) -> None:
    put(tmp_path, "secret.csv", "secret")
    put(root, "real.csv", "real")
    (root / "out.csv").symlink_to(tmp_path / "secret.csv")
    (root / "in.csv").symlink_to(root / "real.csv")
    (root / "nowhere.csv").symlink_to(root / "missing")
    (root / "loop.csv").symlink_to(root / "loop.csv")
    (root / "folder").symlink_to(tmp_path)
    connector = files(root, path="**/*.csv")
    offers = {offer.key: offer for offer in connector.offers()}
    assert connector.fetch(offers["in.csv"], tmp_path / "1").path.read_text() == "real"
    for name, offer in offers.items():
        if name not in ("in.csv", "real.csv"):
            with pytest.raises(BadInput):
                connector.fetch(offer, tmp_path / "2")
    linked = files(root, path="folder/*.csv")
    for offer in linked.offers():
        with pytest.raises(BadInput, match="leaves"):
            linked.fetch(offer, tmp_path / "3")
    with pytest.raises(BadInput, match="leaves"):
        connector.fetch(Offer("../secret.csv", "", None), tmp_path / "4")
    assert not list(tmp_path.glob("[234]/payload"))


def test_a_pipe_is_not_waited_for(root: Path, tmp_path: Path) -> None:
    os.mkfifo(root / "pipe.csv")
    connector = files(root, path="*")
    with pytest.raises(BadInput, match="plain file"):
        connector.fetch(only(connector), tmp_path / "spool")


def test_a_missing_root_is_loud_and_names_nothing(root: Path) -> None:
    with pytest.raises(BadInput) as found:
        keys(files(root / "张三", path="*"))
    assert "张三" not in str(found.value)
    assert found.value.remedy


def test_labels_never_show_a_free_part(root: Path) -> None:
    put(root, "drops/2026-05-01.csv")
    offer = Offer("drops/2026-05-01.csv", "", None)
    timed = {"time_format": "%Y-%m-%d"}
    assert files(root, path="drops/2026-05-01.csv").label(offer) == offer.key
    assert files(root, path="drops/{time}.csv", **timed).label(offer) == offer.key
    assert files(root, path="drops/{time}.csv", **timed).label(Offer("drops/张三.csv", "", None)) is None
    for path in ("drops", "drops/*.csv", "*/{time}.csv", "**/*"):
        assert files(root, path=path, **timed).label(offer) is None


WRONG: list[dict[str, Any]] = [
    {}, {"path": ""}, {"path": "/etc/passwd"}, {"path": "a/../../b"}, {"path": "a\\b"}, {"path": "a", "member": "../x"},
    {"path": "a", "time_format": "%d"}, {"path": "a", "time_format": "%Y-%b"}, {"path": "a", "time_pattern": "x"},
    {"path": "{time}.csv"}, {"path": "{time}{time}", "time_format": "%Y"}, {"path": "a", "time_format": "%Y", "time_pattern": "("},
    {"path": "a", "time_format": "%Y", "time_pattern": "(a)(b)"}, {"path": "a", "zone": "Mars/Olympus"}, {"path": "a", "settle_seconds": -1},
    {"path": "a", "colour": "red"}, {"path": 1}, {"path": "a", "max_ratio": 0}, {"path": "a", "window_log": 60},
]


@pytest.mark.parametrize("options", WRONG, ids=str)
def test_options_are_strict(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FileOptions.model_validate(options)


def test_member_patterns() -> None:
    import re

    assert re.fullmatch(glob_regex("**/*.csv"), "a/b/c.csv")
    assert re.fullmatch(glob_regex("**/*.csv"), "c.csv")
    assert not re.fullmatch(glob_regex("*.csv"), "a/c.csv")
    assert re.fullmatch(glob_regex("[x]+.csv"), "[x]+.csv")
    assert time_regex("%Y-%m") == r"\d{4}\-\d{1,2}"


def test_times_are_utc_and_ordered_across_zones(root: Path) -> None:
    early = files(root, path="*", time_format="%Y-%m-%d", zone="Asia/Tokyo").time_of("2026-05-01")
    late = files(root, path="*", time_format="%Y-%m-%d", zone="Asia/Shanghai").time_of("2026-05-01")
    assert early is not None
    assert late is not None
    assert late - early == timedelta(hours=1)
