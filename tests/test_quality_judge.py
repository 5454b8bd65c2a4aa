"""Rules of a contract, judged by Great Expectations on a database of ours: counts, bounds, doubt, and no value anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from tiny import CALENDAR, CITY, KINDS, PEOPLE, column, contract

from catalog.canonical import plain
from catalog.evidence import CheckSpec, Finding
from catalog.loader import load_city
from quality.judge import judge
from quality.score import score
from quality.specs import specs

SECRET = "秘密值13712345678"


def checks(tmp_path: Path, columns: list[dict[str, Any]], quality: list[dict[str, Any]]) -> tuple[CheckSpec, ...]:
    document = contract("parks.trees", columns, max_bad_percent=50.0)
    document["schema"][0]["quality"] = quality
    for name, text in (("city.yaml", CITY), ("people.yaml", PEOPLE), ("calendar.yaml", CALENDAR), ("codes/kinds.csv", KINDS),
                       ("datasets/parks/trees.odcs.yaml", yaml.safe_dump(document, allow_unicode=True, sort_keys=False))):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    city = load_city(tmp_path)
    return specs(city.contracts["parks.trees"], city.codes)


COLUMNS = [column("id", "text", "编号", key=1, required=True), column("size", "bigint", "数")]


def judged(tmp_path: Path, found: tuple[CheckSpec, ...], rows: str) -> dict[str, Finding]:
    """Views as refine hands them: `silver`, and `judged` with the failed rules of quarantined rows."""
    path = tmp_path / "lake.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(f"CREATE TABLE judged AS SELECT * FROM (VALUES {rows}) t(id, size, _rules)")
        con.execute("CREATE VIEW silver AS SELECT id, size FROM judged WHERE _rules = ''")
    return {item.rule: item for item in judge(path, found)}


def test_row_rules_are_judged_over_good_and_quarantined_rows(tmp_path: Path) -> None:
    found = judged(tmp_path, checks(tmp_path, COLUMNS, []), "('a', 1, ''), ('b', NULL, 'type.size'), ('c', 3, '')")
    assert found["type.size"].passed
    assert found["type.size"].observed == {"bad": 1, "rows": 3, "percent": 33.3333}


def test_a_threshold_that_is_broken_blocks(tmp_path: Path) -> None:
    found = judged(tmp_path, checks(tmp_path, COLUMNS, []), "('a', NULL, 'type.size'), ('b', NULL, 'type.size'), ('c', 3, '')")
    assert (found["type.size"].passed, found["type.size"].severity) == (False, "block")


def test_a_row_that_should_have_been_quarantined_is_seen(tmp_path: Path) -> None:
    found = judged(tmp_path, checks(tmp_path, COLUMNS, []), "('a', 1, ''), (NULL, 2, '')")
    assert found["required.id"].observed["bad"] == 1


def test_keys_are_unique_over_the_candidate_alone(tmp_path: Path) -> None:
    found = judged(tmp_path, checks(tmp_path, COLUMNS, []), "('a', 1, ''), ('a', 2, ''), ('b', 3, 'type.size'), ('b', 3, '')")
    assert not found["unique.key"].passed
    assert found["unique.key"].observed["bad"] == 2


QUALITY = [
    {"id": "rows", "metric": "rowCount", "dimension": "completeness", "mustBeGreaterThan": 5, "severity": "warning"},
    {"id": "high", "type": "sql", "query": "SELECT COUNT(*) FROM {table} WHERE size > 100", "dimension": "accuracy", "mustBe": 0},
    {"id": "spread", "type": "sql", "query": "SELECT max(size) - min(size) AS spread FROM {table}", "dimension": "accuracy", "mustBeLessThan": 50},
    {"id": "mean", "type": "custom", "engine": "greatExpectations", "dimension": "accuracy",
     "implementation": {"type": "ExpectColumnMeanToBeBetween", "column": "size", "min_value": 0, "max_value": 10}},
]


def test_declared_rules_of_every_kind(tmp_path: Path) -> None:
    found = judged(tmp_path, checks(tmp_path, COLUMNS, QUALITY), "('a', 1, ''), ('b', 200, ''), ('c', 3, '')")
    assert {name: found[name].passed for name in ("rows", "high", "spread", "mean")} == dict.fromkeys(("rows", "high", "spread", "mean"), False)
    assert (found["rows"].severity, found["high"].severity) == ("warn", "block")
    good = judged(tmp_path / "again", checks(tmp_path / "again", COLUMNS, QUALITY), ", ".join(f"('k{n}', {n}, '')" for n in range(8)))
    assert all(good[name].passed for name in ("rows", "high", "spread", "mean"))


def test_what_cannot_be_computed_blocks_and_quotes_nothing(tmp_path: Path) -> None:
    broken = [{**QUALITY[3], "implementation": {**QUALITY[3]["implementation"], "column": "id"}}]       # a mean of texts
    found = judged(tmp_path, checks(tmp_path, COLUMNS, broken), f"('{SECRET}', 1, ''), ('b', 2, '')")
    assert (found["mean"].passed, found["mean"].severity, found["mean"].observed) == (False, "block", {"computed": False})
    assert SECRET not in str(plain(list(found.values())))


def test_no_finding_holds_a_value_and_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = judged(tmp_path, checks(tmp_path, COLUMNS, QUALITY), f"('{SECRET}', 500, ''), ('{SECRET}', 1, ''), ('{SECRET}', NULL, 'type.size')")
    assert SECRET not in str(plain(list(found.values())))
    out, err = capfd.readouterr()
    assert SECRET not in out + err
    assert out == ""


def test_the_score_comes_from_results_and_says_what_cost_points() -> None:
    found = [{"rule": "type.size", "dimension": "conformity", "passed": True, "observed": {"bad": 1, "percent": 10.0}},
             {"rule": "unique.key", "dimension": "uniqueness", "passed": False, "observed": {"rows": 3}},
             {"rule": "merge.note", "dimension": "", "passed": True, "observed": {}}]
    result = score(found)
    assert (result.overall, dict(result.dimensions)) == (45.0, {"conformity": 90.0, "uniqueness": 0.0})
    assert result.reasons == ("type.size: 1 rows", "unique.key")


def test_a_hundred_points_mean_that_nothing_was_wrong() -> None:
    one_in_a_million = [{"rule": "type.size", "dimension": "conformity", "passed": True, "observed": {"bad": 1, "percent": 0.0001}}]
    assert score(one_in_a_million).overall == 99.9
    assert score([]).overall == 100.0
