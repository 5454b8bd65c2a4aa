"""Records that are no rows: nobody judges what stands in them, so nothing of it stays, not even in raw."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_pipelines_clauses import found_in, resident
from tiny import DATASET, Tiny, by_step

from pipelines.audit import verify
from pipelines.replay import replay

HEADER = "编号,类别,高度,种植日期,备注\n"


@pytest.mark.parametrize("record", ["T2,A,1,2026-01-01,,{},13912345678\n", "T2,{}\n"])
def test_nothing_of_a_record_that_is_no_row_stays(tmp_path: Path, record: str) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", HEADER + "T1,A,1,2026-01-01,\n" + "".join(f"T9{n},A,1,2026-01-01,\n" for n in range(40)) + record.format(resident()))
    outcomes = by_step(city.run())
    assert outcomes[f"{DATASET} ingest"] == "done"
    assert [path for path in found_in(city, resident()) if not path.startswith("sources")] == []
    assert [path for path in found_in(city, "13912345678") if not path.startswith("sources")] == []
    (batch,) = city.way().journal.state(DATASET).batches
    assert (batch.body["raw_form"], batch.body["bad_records"]) == ("declared", 1)
    assert verify(city.way()) == []
    assert replay(city.way(), city.way().contract(DATASET))["outcome"] == "unchanged"


def test_a_file_whose_records_all_are_rows_is_kept_as_it_came(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", HEADER + "T1,A,1,2026-01-01,\n")
    city.run()
    assert city.way().journal.state(DATASET).batches[0].body["raw_form"] == "original"
