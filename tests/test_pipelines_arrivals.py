"""What arrives at a source goes on its own way: a broken archive, an unreadable file or a lost folder is held, the rest goes on."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny import DATASET, GOOD, Tiny, contract

from pipelines.conduct import Outcome
from pipelines.state import Hold, State

HEAD = "编号,类别,高度,种植日期,备注\n"


def city(tmp_path: Path, *sources: dict[str, Any]) -> Tiny:
    tiny = Tiny(tmp_path)
    declared = [{"id": f"s{number}", "system": "parks_files", "format": {"name": "csv"}, "options": options}
                for number, options in enumerate(sources)]
    tiny.declare(contract(sources=declared))
    return tiny


def ingest(tiny: Tiny) -> Outcome:
    return next(outcome for outcome in tiny.run() if outcome.step == "ingest")


def state(tiny: Tiny) -> State:
    return tiny.way().journal.state(DATASET)


def holds(tiny: Tiny) -> list[Hold]:
    return [hold for hold in state(tiny).holds.values() if hold.step == "ingest"]


def row(name: str) -> str:
    return f"{HEAD}{name},A,1.50,2026-03-12,\n"


def drop_zip(tiny: Tiny, name: str, files: dict[str, str]) -> Path:
    path = tiny.drop(name, "")
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in files.items():
            archive.writestr(inner, text)
    return path


def test_members_of_an_archive_are_batches_in_order_of_time(tmp_path: Path) -> None:
    tiny = city(tmp_path, {"path": "all.zip", "member": "{time}_*.csv", "time_format": "%Y-%m-%d"})
    drop_zip(tiny, "all.zip", {"2026-05-02_x.csv": row("T2"), "2026-05-01_y.csv": row("T1"), "other.txt": "x"})
    assert ingest(tiny).outcome == "done"
    assert [batch.body["time"] for batch in state(tiny).batches] == ["2026-04-30T16:00:00+00:00", "2026-05-01T16:00:00+00:00"]
    assert ingest(tiny).outcome == "unchanged"


def test_a_broken_archive_is_held_with_its_bytes_and_the_rest_goes_on(tmp_path: Path) -> None:
    tiny = city(tmp_path, {"path": "*.zip"}, {"path": "good.csv"})
    broken = drop_zip(tiny, "张三.zip", {"张三.csv": GOOD})
    broken.write_bytes(broken.read_bytes()[:-30])
    drop_zip(tiny, "well.zip", {"a.csv": row("T7")})
    tiny.drop("good.csv", GOOD)
    outcome = ingest(tiny)
    assert outcome.outcome == "held"
    assert sum(batch.rows for batch in state(tiny).batches) == 4
    (hold,) = holds(tiny)
    assert hold.findings[0]["rule"] == "format.unreadable"
    assert not hold.approvable
    assert "张三" not in str(outcome.body)
    held = tiny.settings.holding / DATASET / hold.target / "payload"
    assert held.read_bytes() == broken.read_bytes()
    assert ingest(tiny).outcome == "unchanged"


def test_a_held_archive_opens_when_the_contract_allows_it(tmp_path: Path) -> None:
    options = {"path": "all.zip", "max_members": 1}
    tiny = city(tmp_path, options)
    drop_zip(tiny, "all.zip", {"1.csv": row("T1"), "2.csv": row("T2")})
    assert ingest(tiny).outcome == "held"
    (hold,) = holds(tiny)
    tiny = city(tmp_path, {**options, "max_members": 2})
    assert ingest(tiny).outcome == "done"
    assert holds(tiny) == []
    assert sum(batch.rows for batch in state(tiny).batches) == 2
    assert not (tiny.settings.holding / DATASET / hold.target).exists()


def test_a_gz_of_a_csv_arrives(tmp_path: Path) -> None:
    tiny = city(tmp_path, {"path": "day.csv.gz"})
    (tiny.sources / "parks" / "day.csv.gz").write_bytes(gzip.compress(GOOD.encode()))
    assert ingest(tiny).outcome == "done"
    assert state(tiny).batches[0].rows == 3
    assert state(tiny).batches[0].body["file"] == "day.csv.gz"


def test_a_drop_without_its_time_is_held_until_the_contract_can_read_it(tmp_path: Path) -> None:
    options = {"path": "d*.csv", "time_format": "%Y-%m-%d"}
    tiny = city(tmp_path, options)
    tiny.drop("d2026-05-01.csv", row("T1"))
    tiny.drop("d20260502.csv", row("T2"))
    assert ingest(tiny).outcome == "held"
    assert len(state(tiny).batches) == 1
    tiny = city(tmp_path, {**options, "time_format": "%Y%m%d"})
    assert ingest(tiny).outcome == "done"
    assert [batch.body["time"] for batch in state(tiny).batches] == ["2026-04-30T16:00:00+00:00", "2026-05-01T16:00:00+00:00"]


def test_what_may_not_be_fetched_is_held_once_and_closes_by_itself(tmp_path: Path) -> None:
    tiny = city(tmp_path, {"path": "*.csv"})
    (tmp_path / "outside.csv").write_text(GOOD)
    link = tiny.sources / "parks" / "张三.csv"
    link.symlink_to(tmp_path / "outside.csv")
    tiny.drop("good.csv", row("T9"))
    outcome = ingest(tiny)
    assert outcome.outcome == "held"
    assert [batch.rows for batch in state(tiny).batches] == [1]
    assert "张三" not in str(outcome.body)
    (first,) = holds(tiny)
    assert ingest(tiny).outcome == "unchanged"
    assert [hold.id for hold in holds(tiny)] == [first.id]
    link.unlink()
    tiny.drop("张三.csv", GOOD)
    assert ingest(tiny).outcome == "done"
    assert holds(tiny) == []
    assert sum(batch.rows for batch in state(tiny).batches) == 4


def test_a_source_that_cannot_be_listed_does_not_stop_the_others(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    tiny.write("city.yaml", (tiny.city / "city.yaml").read_text().replace(
        "portals:", "  lost: {department: parks, title: {zh: 丢失, en: Lost}, root: lost}\nportals:"))
    sources = [{"id": name, "system": system, "format": {"name": "csv"}, "options": {"path": "*.csv"}}
               for name, system in (("a", "lost"), ("b", "parks_files"))]
    tiny.declare(contract(sources=sources))
    tiny.drop("good.csv", GOOD)
    assert ingest(tiny).outcome == "held"
    assert state(tiny).batches[0].rows == 3
    assert ingest(tiny).outcome == "unchanged"
    (tiny.sources / "lost").mkdir()
    assert ingest(tiny).outcome == "done"
    assert holds(tiny) == []


def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    tiny = city(tmp_path, {"path": "*.csv", "settle_seconds": 3600})
    path = tiny.drop("a.csv", GOOD)
    os.utime(path)
    assert ingest(tiny).outcome == "unchanged"


def test_a_removed_file_changes_nothing_and_a_changed_one_is_a_new_batch(tmp_path: Path) -> None:
    tiny = city(tmp_path, {"path": "*.csv"})
    path = tiny.drop("a.csv", row("T1"))
    assert ingest(tiny).outcome == "done"
    tiny.drop("a.csv", row("T2"))
    assert ingest(tiny).outcome == "done"
    assert len(state(tiny).batches) == 2
    path.unlink()
    assert ingest(tiny).outcome == "unchanged"


def test_the_spool_is_empty_after_every_outcome(tmp_path: Path) -> None:
    tiny = city(tmp_path, {"path": "*.zip"})
    drop_zip(tiny, "a.zip", {"1.csv": row("T1")})
    drop_zip(tiny, "b.zip", {})
    assert ingest(tiny).outcome == "held"
    assert not [path for path in tiny.settings.spool.rglob("*") if path.is_file()]


def persons(numbers: int = 6) -> str:
    """A file of made-up ID numbers in a column that should hold remarks: personal data without a rule."""
    found = []
    for at in range(numbers):
        head = f"33010219900307{100 + at}"
        total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(head))
        found.append(f"{head}{'10X98765432'[total % 11]}")
    return HEAD + "".join(f"T{at},A,1.50,2026-03-12,{number}\n" for at, number in enumerate(found))


def test_the_same_bytes_are_refused_once_whatever_they_are_called(tmp_path: Path) -> None:
    tiny = city(tmp_path, {"path": "*.csv"})
    tiny.drop("a.csv", persons())
    assert ingest(tiny).outcome == "refused"
    before = state(tiny)
    tiny.drop("a.csv", persons())                # delivered again: another date, the same bytes
    tiny.drop("b.csv", persons())
    outcome = ingest(tiny)
    assert (outcome.outcome, state(tiny).seq, state(tiny).offers) == ("unchanged", before.seq, before.offers)
    assert not [path for path in tiny.settings.spool.rglob("*") if path.is_file()]
    assert hashlib.sha256(persons().encode()).hexdigest() not in json.dumps(dict(before.offers))     # whoever has the file proves nothing
    tiny.drop("c.csv", row("T9"))               # what is sound beside it still comes in
    assert ingest(tiny).outcome == "done"
    assert [batch.rows for batch in state(tiny).batches] == [1]


def test_what_was_refused_is_tried_again_when_the_contract_or_the_rules_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = city(tmp_path, {"path": "*.csv"})
    tiny.drop("a.csv", persons())
    ingest(tiny)
    monkeypatch.setattr("pipelines.admission.JUDGE_VERSION", "another")
    assert (ingest(tiny).outcome, len(state(tiny).offers)) == ("refused", 1)
    assert ingest(tiny).outcome == "unchanged"
    document = contract(sources=[{"id": "s0", "system": "parks_files", "format": {"name": "csv"}, "options": {"path": "*.csv"},
                                  "leave_out": ["备注"]}])
    document["schema"][0]["properties"].pop()
    del document["customProperties"][0]["value"]["products"][0]["columns"]["note"]
    tiny.declare(document)
    assert ingest(tiny).outcome == "done"
    assert [batch.rows for batch in state(tiny).batches] == [6]


def test_what_time_may_let_in_is_judged_again_when_it_is_delivered_again(tmp_path: Path) -> None:
    tiny = city(tmp_path, {"path": "*.csv"})
    rule = {"id": "R1", "department": "parks", "datasets": [DATASET], "purposes": ["open_data"], "kinds": ["resident_id"],
            "quantity": {"rows_per_batch": 1000}, "frequency": {"min_interval_hours": 0}, "mode": ["files"], "scope": {"subjects": "test"},
            "retention_days": 365, "valid_from": "2026-12-01", "valid_to": "2030-12-31", "legal_basis": "for the test", "verified": True}
    tiny.write("negative_list.yaml", yaml.safe_dump({"version": 2, "collection_rules": [rule]}, allow_unicode=True))
    source = {"id": "s0", "system": "parks_files", "format": {"name": "csv"}, "options": {"path": "*.csv"}}
    document = contract(sources=[source], collection_rule="R1")
    tiny.declare(document)
    tiny.drop("a.csv", persons())
    assert ingest(tiny).outcome == "refused"
    tiny.now += timedelta(days=14)
    tiny.drop("a.csv", persons())
    assert ingest(tiny).outcome != "unchanged"
