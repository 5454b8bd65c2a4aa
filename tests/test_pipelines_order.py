"""The order and the number of a release's rows tell nothing about a column that did not leave: same bytes however it was shuffled."""

from __future__ import annotations

import csv
import io
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from tiny import DATASET, Tiny, column, contract

from pipelines.protocol import perform
from pipelines.steps.ingest import ingest
from pipelines.steps.refine import refine
from pipelines.steps.serve import serve

COLUMNS = [column("id", "text", "编号", "L2", key=1, required=True), column("kind", "text", "类别"), column("size", "double", "大小"),
           column("money", "decimal(8,2)", "金额"), column("day", "date", "日期"), column("seen", "timestamp", "时间"),
           column("secret", "text", "秘密", "L2"), column("rank", "bigint", "名次", "L2")]
LEAVING = {name: {"do": "keep"} for name in ("kind", "size", "money", "day", "seen")}
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)       # shrinking would take minutes: each example is two cities
FORMATS = ["csv", "parquet", "jsonl", "json", "xlsx"]

Row = tuple[str, str, str, str, str]
published = st.tuples(
    st.sampled_from(["", "甲", "乙", "a", "A", "é", "z z", "中,文"]), st.sampled_from(["", "0", "-0", "0.0", "-0.0", "1e3", "1000", "0.1", "-7.5"]),
    st.sampled_from(["", "1", "1.00", "-3.2"]), st.sampled_from(["", "2026-01-02", "2026/1/2", "1999-12-31"]),
    st.sampled_from(["", "2026-01-02 03:04:05", "2026-01-02T03:04:05+08:00", "2026-01-01T19:04:05Z"]))


def released(root: Path, rows: list[Row], hidden: list[tuple[str, str]], merge: str, groups: bool, fields: dict[str, Any]) -> dict[str, bytes]:
    """The files of the release of these rows; `hidden` are the values of the columns that do not leave."""
    text = io.StringIO()
    lines = [(f"k{at}", *row, *secret) for at, (row, secret) in enumerate(zip(rows, hidden, strict=True))]
    csv.writer(text, lineterminator="\n").writerows([[item["businessName"] for item in COLUMNS], *lines])
    product: dict[str, Any] = {"name": "main", "tier": "unconditional", "purpose": "open_data", "columns": LEAVING, "formats": FORMATS}
    if groups:
        product |= {"aggregate": {"by": ["kind", "day"], "measures": {"number": "count(*)", "total": "sum(money)"}}}
    city = Tiny(root)
    city.declare(contract(columns=COLUMNS, merge=merge, products=[product], **fields))
    city.drop("trees1.csv", text.getvalue())
    way = city.way()
    assert [perform(way, way.contract(DATASET), step)["outcome"] for step in (ingest, refine, serve("main"))] == ["done"] * 3
    release = way.journal.state(DATASET).release("main")
    assert release is not None
    folder = city.settings.lake / release.body["release"]["folder"]
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Backwards(random.Random):
    """Shuffles by turning around."""

    def shuffle(self, x: Any) -> None:
        x.reverse()


@pytest.mark.slow
@pytest.mark.parametrize(("merge", "groups", "fields"), [("upsert", False, {}), ("snapshot", False, {}), ("upsert", True, {}),
                                                          ("upsert", False, {"period": {"column": "day", "grain": "year"}})])
@settings(max_examples=6, deadline=None, phases=QUICK, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(published, min_size=2, max_size=12), chance=st.randoms(use_true_random=False))
@example(rows=[("甲", "0", "", "", ""), ("甲", "-0", "", "", ""), ("甲", "0.0", "", "", "")], chance=Backwards())
def test_shuffled_sources_and_hidden_values_give_the_same_bytes(
    merge: str, groups: bool, fields: dict[str, Any], rows: list[Row], chance: random.Random
) -> None:
    hidden = [(f"秘{at}", str(at)) for at in range(len(rows))]
    other, others = list(rows), list(hidden)
    chance.shuffle(other)
    chance.shuffle(others)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        first = released(Path(one), rows, hidden, merge, groups, fields)
        second = released(Path(two), other, others, merge, groups, fields)
    assert set(first) == set(second)
    assert [name for name in first if first[name] != second[name]] == []
