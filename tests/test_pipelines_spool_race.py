"""The end of one run beside another: what a dataset at work has fetched is not swept, and what is gone is said plainly."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tiny import Tiny

from catalog.errors import LakeError
from pipelines.lease import lease
from pipelines.spool import copy_private, overdue, spool_of, sweep_unnamed

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def test_a_dataset_that_another_run_works_on_keeps_its_fetches(tmp_path: Path) -> None:
    settings = Tiny(tmp_path).settings
    folder = spool_of(settings, "parks.new", "f1")
    (folder / "payload").write_bytes(b"x")
    if (child := os.fork()) == 0:                   # another process: threads of one share the lease's lock
        with lease(settings.lake / "leases", "parks.new"):
            (tmp_path / "held").touch()
            while not (tmp_path / "end").exists():
                pass
        os._exit(0)
    while not (tmp_path / "held").exists():
        pass
    sweep_unnamed(settings, (), NOW)
    kept = (folder / "payload").exists()
    (tmp_path / "end").touch()
    os.waitpid(child, 0)
    assert kept
    sweep_unnamed(settings, (), NOW)
    assert not (folder / "payload").exists()


def test_bytes_that_are_gone_are_an_error_of_the_lake(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="gone"):
        copy_private(tmp_path / "none", tmp_path / "target")


def test_a_held_batch_that_vanishes_is_not_overdue(tmp_path: Path) -> None:
    settings = Tiny(tmp_path).settings
    for name, age in (("b1", 40), ("b2", 10)):
        path = settings.holding / "parks.trees" / name / "payload"
        path.parent.mkdir(parents=True)
        path.touch()
        os.utime(path, (NOW.timestamp() - age * 86400,) * 2)
    (settings.holding / "parks.trees" / "b3").mkdir()
    (settings.holding / "parks.trees" / "b4").mkdir()
    (settings.holding / "parks.trees" / "b4" / "payload").symlink_to(tmp_path / "none")     # as one that was wiped after it was listed
    assert overdue(settings, "parks.trees", NOW) == ["b1"]
