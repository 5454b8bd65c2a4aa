"""`citylake check --effect`: both sides are what the real steps give, and nothing is changed by looking."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from killing import attach
from tiny import DATASET, Tiny, column, contract
from typer.testing import CliRunner

from console.effects import show_effect
from console.main import build
from console.tables import width
from console.words import speak
from pipelines.effect import effect
from pipelines.lease import lease

ROWS = "编号,类别,高度,种植日期,备注\n" + "".join(f"T{at},{'AB'[at % 2]},{at}.50,2026-03-{1 + at % 28:02},\n" for at in range(20))
COLUMNS = contract()["schema"][0]["properties"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    tiny = Tiny(tmp_path_factory.mktemp("made"), max_bad_percent=20.0)
    tiny.declare(contract("parks.kinds", [column("kind", "text", "类别"), column("trees", "bigint", "数量")], sources=None, merge=None,
                          inputs=[{"name": "trees", "dataset": DATASET}], query="SELECT kind, count(*) AS trees FROM trees GROUP BY kind"))
    tiny.declare(contract("parks.ponds"))
    tiny.drop("trees1.csv", ROWS + "T90,X,1.00,2026-03-01,\n")
    tiny.run()
    return tiny


@pytest.fixture
def tiny(made: Tiny, tmp_path: Path) -> Tiny:
    shutil.copytree(made.root, tmp_path / "city", symlinks=True)
    return attach(tmp_path / "city", made.sources, made.now.isoformat())


def everything(tiny: Tiny) -> dict[str, tuple[bytes, int, int]]:
    """Every file but the locks, with its bytes, mode and time; and every folder."""
    return {str(path): (path.read_bytes() if path.is_file() else b"", path.stat().st_mode, path.stat().st_mtime_ns if path.is_file() else 0)
            for place in (tiny.settings.lake, tiny.settings.state, tiny.settings.secrets, tiny.settings.site) for path in place.rglob("*")
            if path.suffix != ".lock"}


def looked(tiny: Tiny, document: dict[str, Any], dataset: str = DATASET) -> Any:
    """The effect of a changed contract; nothing may have changed by looking."""
    tiny.declare(document)
    before = everything(tiny)
    found = effect(tiny.way(), tiny.way().contract(dataset))
    assert everything(tiny) == before
    return found


def test_nothing_would_change_where_nothing_was_changed(tiny: Tiny) -> None:
    found = looked(tiny, contract(max_bad_percent=20.0))
    assert found.now.bad == found.then.bad == {"code.kind": 1}
    assert (found.now.rows, found.then.rows, found.then.outcome) == (20, 20, "done")
    ((now, then),) = found.products.values()
    assert (now.tier, now.rows, now.leaves) == (then.tier, then.rows, then.leaves) == ("unconditional", 20, dict.fromkeys(
        ("id", "kind", "height", "planted"), "L1"))
    assert found.derived == ("parks.kinds",)


def test_a_stricter_check_tells_which_rows_would_fail_and_the_next_run_agrees(tiny: Tiny) -> None:
    columns = [{**one, "logicalTypeOptions": {"maximum": 17}} if one["name"] == "height" else one for one in COLUMNS]
    found = looked(tiny, contract(columns=columns, max_bad_percent=20.0))
    assert found.then.bad == {"code.kind": 1, "maximum.height": 3}
    assert (found.then.rows, found.then.quarantined, found.products["main"][1].rows) == (17, 4, 17)
    tiny.run()
    again = effect(tiny.way(), tiny.way().contract(DATASET))
    assert again is not None
    assert (again.now.bad, again.now.rows) == (found.then.bad, found.then.rows)
    assert again.products["main"][0].rows == 17


def test_what_would_be_held_is_told_and_why(tiny: Tiny) -> None:
    columns = [{**one, "logicalTypeOptions": {"maximum": 5}} if one["name"] == "height" else one for one in COLUMNS]
    found = looked(tiny, contract(columns=columns, max_bad_percent=20.0))
    assert found.then.outcome == "held"
    assert {one["rule"] for one in found.then.failing} == {"maximum.height"}
    assert found.products["main"][1].outcome == "held"


def test_columns_and_tiers(tiny: Tiny) -> None:
    columns = [{**one, "classification": "L2"} if one["name"] == "height" else one for one in COLUMNS if one["name"] != "planted"]
    document = contract(columns=columns, max_bad_percent=20.0)
    fields = document["customProperties"][0]["value"]
    fields["sources"][0]["leave_out"] = ["种植日期"]
    fields["products"] = [{**fields["products"][0], "columns": {name: {"do": "keep"} for name in ("id", "height", "note")}},
                          {**fields["products"][0], "name": "more", "columns": {"id": {"do": "keep"}}, "formats": ["csv"]}]
    found = looked(tiny, json.loads(json.dumps(document)))
    assert set(found.now.columns) - set(found.then.columns) == {"planted"}
    now, then = found.products["main"]
    assert (now.tier, then.tier) == ("unconditional", "restricted")
    assert (set(now.leaves) - set(then.leaves), set(then.leaves) - set(now.leaves), then.leaves["height"]) == ({"kind", "planted"}, {"note"}, "L2")
    assert (found.products["more"][0].tier, found.products["more"][1].rows) == (None, 20)


def test_a_column_that_was_not_read_yet_is_told(tiny: Tiny) -> None:
    found = looked(tiny, contract(columns=[*COLUMNS, column("keeper", "text", "养护人员")], max_bad_percent=20.0))
    assert (found.unread, set(found.then.columns) - set(found.now.columns)) == (("keeper",), {"keeper"})


def test_it_reads_well_in_both_languages_and_for_machines(tiny: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    columns = [{**one, "logicalTypeOptions": {"maximum": 17}} if one["name"] == "height" else one for one in COLUMNS]
    document = contract(columns=columns, max_bad_percent=20.0)
    tiny.declare(document)
    before = everything(tiny)
    assert show_effect(tiny.settings, DATASET, False) == 0
    assert re.search(r"maximum\.height +0 +3 +\+3\n", capsys.readouterr().out)
    assert show_effect(tiny.settings, DATASET, True) == 0
    machine = json.loads(capsys.readouterr().out)
    assert (machine["then"]["bad"]["maximum.height"], machine["would_be_held"], machine["products"]["main"]["goes"]) == (3, False, [])
    speak("zh")
    try:
        assert show_effect(tiny.settings, DATASET, False) == 0
        assert show_effect(tiny.settings, "parks.ponds", False) == 0
    finally:
        speak("en")
    chinese = capsys.readouterr().out
    assert "隔离" in chinese
    assert not re.search(r"\b(would|rows|tier|now|then|nothing|made)\b", chinese, re.IGNORECASE), chinese
    assert everything(tiny) == before
    runner = CliRunner().invoke(build(), ["check", "--effect", "parks.none"], env=tiny.environment())
    assert runner.exit_code == 1


def test_a_derived_dataset_and_a_lake_in_which_somebody_writes(tiny: Tiny) -> None:
    columns = [column("kind", "text", "类别"), column("trees", "bigint", "数量")]
    document = contract("parks.kinds", columns, sources=None, merge=None, inputs=[{"name": "trees", "dataset": DATASET}],
                        query="SELECT kind, count(*) AS trees FROM trees WHERE kind = 'A' GROUP BY kind")
    with lease(tiny.settings.lake / "leases", "parks.kinds"):
        found = looked(tiny, document, "parks.kinds")
    assert (found.now.rows, found.then.rows, found.products["main"][1].rows) == (2, 1, 1)


def shown(tiny: Tiny, document: dict[str, Any], capsys: pytest.CaptureFixture[str], code: int, language: str = "en") -> str:
    """What `check --effect` says of a changed contract, on one line."""
    tiny.declare(document)
    before = everything(tiny)
    speak(language)
    try:
        assert show_effect(tiny.settings, document["id"], False) == code
    finally:
        speak("en")
    assert everything(tiny) == before
    text = capsys.readouterr().out
    assert [line for line in text.splitlines() if width(line) > 80] == []
    return " ".join(text.split())


def fields_of(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["customProperties"][0]["value"]
    return found


def test_a_check_is_told_in_words_with_its_bound_and_its_rows(tiny: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    quality = [{"type": "custom", "engine": "greatExpectations", "dimension": "accuracy", "id": "mean_height",
                "implementation": {"type": "ExpectColumnMeanToBeBetween", "column": "height", "max_value": 2}},
               {"metric": "rowCount", "id": "enough", "dimension": "completeness", "mustBeGreaterOrEqualTo": 50}]
    document = contract(columns=[{**one, "logicalTypeOptions": {"maximum": 5}} if one["name"] == "height" else one for one in COLUMNS],
                        max_bad_percent=20.0)
    document["schema"][0]["quality"] = quality
    text = shown(tiny, document, capsys, 3)
    assert "Would fail - maximum.height: height (高度) is at most 5. The share of rows that fail it must be ≤ 20 %. 15 rows fail, of 21." in text
    assert "mean_height: height (高度): Expected: mean ≤ 2. It does not hold." in text
    assert "enough: The table: The number of rows must be ≥ 50. There are 5." in text
    assert "Would pass, with rows that fail - code.kind: kind (类别) is in the code list kinds." in text
    chinese = shown(tiny, document, capsys, 3, "zh").replace(" ", "")
    assert "maximum.height:height（高度）不大于5。不合格行的占比须≤20%。15行不合格，共21行。" in chinese
    assert "height（高度）：预期：均值≤2。不成立。" in chinese


def test_why_a_looser_tier_is_not_taken(tiny: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    document = contract(max_bad_percent=20.0)
    fields_of(document)["products"][0]["columns"]["note"] = {"do": "keep"}
    text = shown(tiny, document, capsys, 0)
    assert "tier: unconditional → restricted" in text
    assert "not unconditional, as the contract asks: Declared unconditional, but the levels left after treatment allow only restricted." in text
    assert "(columns note)" in text
    tiny.run()                      # restricted now; without the note it could open again, which two people must approve
    again = shown(tiny, contract(max_bad_percent=20.0), capsys, 3)
    assert "tier: restricted → unconditional" in again
    assert "would be held: " in again
    assert "two people each run `citylake hold approve`" in again
    assert "未按契约采用“无条件开放”" in shown(tiny, document, capsys, 0, "zh").replace(" ", "")


def test_a_dropped_column_holds_the_next_delivery_unless_it_is_left_out(tiny: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    document = contract(columns=[one for one in COLUMNS if one["name"] != "planted"], max_bad_percent=20.0)
    text = shown(tiny, document, capsys, 3)
    assert "The next delivery of main would be held: nothing declares the columns 4 of a file like the newest." in text
    assert "No longer in the contract: planted." in text
    left = json.loads(json.dumps(document))
    fields_of(left)["sources"][0]["leave_out"] = ["种植日期"]
    assert "next delivery" not in shown(tiny, left, capsys, 0)
    needs = contract(columns=[*COLUMNS, column("keeper", "text", "养护人员", required=True)], max_bad_percent=20.0)
    assert "a file like the newest lacks required columns: keeper." in shown(tiny, needs, capsys, 3)
    tiny.declare(document)          # and so it is
    tiny.drop("trees2.csv", ROWS.replace("T1,", "T50,"))
    assert {item.outcome for item in tiny.run(DATASET) if item.step == "ingest"} == {"held"}


def test_a_forbidden_dataset_stays_barred_whatever_its_contract_says(tiny: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    entries = "".join(f"  - {{id: T{at}, kind: dataset, name: {name}, legal_basis: law, verified: true}}\n"
                      for at, name in enumerate((DATASET, "parks.ponds")))
    tiny.write("negative_list.yaml", f"version: 2\nexcluded:\n{entries}")
    assert "forbids to collect this dataset (entry T0): whatever the contract says" in shown(tiny, contract(max_bad_percent=20.0), capsys, 4)
    nothing = shown(tiny, contract("parks.ponds"), capsys, 4)
    assert "(entry T1)" in nothing
    assert "citylake run" not in nothing
