"""Random batches against a plain model: what silver and quarantine hold after any order of arrival, repetition and lateness."""

from __future__ import annotations

import csv
import io
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tiny import DATASET, Tiny, column, contract

from pipelines.protocol import perform
from pipelines.steps.ingest import ingest
from pipelines.steps.refine import refine

BAD = object()
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)       # shrinking would take minutes: each example is a city
HEADER = ["编号", "人数", "金额", "日期", "备注"]
COLUMNS = [column("id", "text", "编号", key=1, required=True), column("people", "bigint", "人数", strip_unit=["人"]),
           column("amount", "decimal(10,2)", "金额", standardise=["strip_thousands"]), column("day", "date", "日期"),
           column("note", "text", "备注", nulls=["不详"])]
FULL = str.maketrans("0123456789-.,", "０１２３４５６７８９－．，")
EDGES = st.sampled_from(["", " ", "　", "\t", " \u00a0", "\u200b"])
NOTHING = st.sampled_from(["", "-", "—", "NaN", "null", "无"])


@dataclass(frozen=True)
class Cell:
    """As a source writes it, and what it means: a value, None, or BAD."""

    text: str
    value: Any


def padded(cells: st.SearchStrategy[Cell]) -> st.SearchStrategy[Cell]:
    return st.builds(lambda left, cell, right: Cell(left + cell.text + right, cell.value), EDGES, cells, EDGES)


def number(value: int, full: bool, unit: str) -> Cell:
    return Cell((str(value).translate(FULL) if full else str(value)) + unit, value)


def money(cents: int, thousands: bool, full: bool) -> Cell:
    value = Decimal(cents) / 100
    text = f"{value:,.2f}" if thousands else f"{value:.2f}"
    return Cell(text.translate(FULL) if full else text, value)


def day(value: date, style: int) -> Cell:
    return Cell((value.isoformat(), f"{value.year}/{value.month}/{value.day}", f"{value:%Y%m%d}")[style], value)


nothing = st.builds(lambda text: Cell(text, None), NOTHING)
broken = st.sampled_from(["12x", "一二", "1-2-3", "??"]).map(lambda text: Cell(text, BAD))
ids = padded(st.sampled_from([Cell(f"k{at}", f"k{at}") for at in range(3)]))
lost = st.just(Cell("", BAD))                       # a key that is missing
numbers = padded(st.builds(number, st.integers(-10**9, 10**9), st.booleans(), st.sampled_from(["", "人", " 人"])))
amounts = padded(st.builds(money, st.integers(-10**9, 10**9), st.booleans(), st.booleans()))
days = padded(st.builds(day, st.dates(date(1950, 1, 1), date(2050, 1, 1)), st.integers(0, 2)))
words = padded(st.sampled_from([Cell("", None), Cell("不详", None), *[Cell(text, text) for text in ("NaN", "-", "已 修剪", "１２", 'a"b,c')]]))


def mostly(good: st.SearchStrategy[Cell], *others: st.SearchStrategy[Cell]) -> st.SearchStrategy[Cell]:
    return st.one_of(*[good] * 8, *others)


rows = st.tuples(mostly(ids, lost), mostly(numbers, nothing, broken), mostly(amounts, nothing, broken), mostly(days, nothing, broken), words)
files = st.lists(rows, min_size=2, max_size=8)


@dataclass(frozen=True)
class Drop:
    """A file arrives, with the bytes of an earlier one where `of` says so, `at` days after the first; `run`: a run follows at once."""

    rows: list[tuple[Cell, ...]]
    of: int | None
    at: int
    run: bool


repeats = st.one_of(st.none(), st.none(), st.integers(0, 3))
drops = st.lists(st.builds(Drop, files, repeats, st.integers(0, 6), st.sampled_from([True, True, False])), min_size=2, max_size=4)


# -- the model ----------------------------------------------------------------------------------------------------------

@dataclass
class Model:
    """Admission and refinement in plain words."""

    merge: str
    newest_by: int | None = None
    timed: bool = False
    keyed: bool = True
    batches: list[tuple[int, str, list[tuple[Cell, ...]]]] = field(default_factory=list)      # order, id, rows
    seen: int = 0
    pending: dict[str, tuple[int, list[tuple[Cell, ...]]]] = field(default_factory=dict)

    def take(self) -> None:
        """One run: files in the order of their time, then of their names."""
        fresh: list[list[tuple[Cell, ...]]] = []
        for _, (at, content) in sorted(self.pending.items(), key=lambda item: (item[1][0] if self.timed else 0, item[0])):
            known = [*[batch[2] for batch in sorted(self.batches, key=lambda batch: batch[0])], *fresh]
            if texts(content) in [texts(rows) for rows in (known[-1:] if self.merge == "snapshot" else known)]:
                continue
            self.seen += 1
            fresh.append(content)
            self.batches.append((at if self.timed else self.seen, f"b{self.seen:06d}", content))
        self.pending = {}

    def found(self) -> tuple[Counter[tuple[Any, ...]], Counter[tuple[Any, ...]]]:
        """(silver, quarantine): values, batch, line and the batch it vanished in; batch and line."""
        good, bad = [], Counter[tuple[Any, ...]]()
        for order, batch, content in self.batches:
            for at, row in enumerate(content):
                values = tuple(cell.value for cell in row)
                if BAD in values:
                    bad[batch, at + 2] += 1
                else:
                    good.append((order, batch, at + 2, values))
        if not self.keyed:
            return Counter((*values, batch, line, None) for _, batch, line, values in good), bad
        newest: dict[Any, tuple[int, str, int, tuple[Any, ...]]] = {}
        for row in sorted(good, key=self._rank):
            newest[row[3][0]] = row
        return Counter((*values, batch, line, self._vanished(order)) for order, batch, line, values in newest.values()), bad

    def _rank(self, row: tuple[int, str, int, tuple[Any, ...]]) -> tuple[Any, ...]:
        order, batch, line, values = row
        value = values[self.newest_by] if self.newest_by is not None else None
        return (value is not None, value or date.min, order, batch, line)

    def _vanished(self, order: int) -> str | None:
        later = [(other, batch) for other, batch, _ in self.batches if other > order]
        return min(later)[1] if later and self.merge == "snapshot" else None


def texts(content: list[tuple[Cell, ...]]) -> list[tuple[str, ...]]:
    return [tuple(cell.text for cell in row) for row in content]


# -- the real thing -----------------------------------------------------------------------------------------------------

def written(content: list[tuple[Cell, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEADER, *texts(content)])
    return text.getvalue()


def stored(city: Tiny, layer: str, names: list[str]) -> Counter[tuple[Any, ...]]:
    name = f"{layer}/parks/trees"
    version = city.way().journal.state(DATASET).tables.get(name)
    if version is None:
        return Counter()
    table = DeltaTable(str(city.settings.lake / "tables" / name), version=version).to_pyarrow_table()
    return Counter(tuple(row.get(name) for name in names) for row in table.to_pylist())


def run(city: Tiny) -> None:
    way = city.way()
    for step in (ingest, refine):
        assert perform(way, way.contract(DATASET), step)["outcome"] in ("done", "unchanged")


def city_of(root: Path, merge: str, timed: bool, keyed: bool, newest_by: int | None) -> Tiny:
    columns = COLUMNS if keyed else [{key: value for key, value in COLUMNS[0].items() if "primary" not in key}, *COLUMNS[1:]]
    options = {"path": "trees{time}.csv", "time_format": "%Y%m%d"} if timed else {"path": "trees*.csv"}
    city = Tiny(root)
    city.declare(contract(columns=columns, merge=merge, newest_by=columns[newest_by]["name"] if newest_by is not None else None,
                          max_bad_percent=100.0, volume={"max_shrink": 1.0},
                          sources=[{"system": "parks_files", "options": options, "format": {"name": "csv"}}]))
    return city


MODES = {"append": {"merge": "append", "keyed": False}, "upsert": {"merge": "upsert"}, "late": {"merge": "upsert", "timed": True},
         "newest_by": {"merge": "upsert", "newest_by": 3}, "snapshot": {"merge": "snapshot"}, "late snapshot": {"merge": "snapshot", "timed": True}}


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(MODES))
@settings(max_examples=10, deadline=None, phases=QUICK, suppress_health_check=list(HealthCheck))
@given(arrivals=drops)
def test_silver_is_what_the_model_says(mode: str, arrivals: list[Drop]) -> None:
    model = Model(**MODES[mode])
    with tempfile.TemporaryDirectory() as root:
        city = city_of(Path(root), model.merge, model.timed, model.keyed, model.newest_by)
        taken: list[list[tuple[Cell, ...]]] = []
        times: set[int] = set()
        for position, arrival in enumerate(arrivals):
            content = taken[arrival.of] if arrival.of is not None and arrival.of < len(taken) else arrival.rows
            at = arrival.at if model.timed else position
            if model.timed and at in times:
                continue                    # two batches of one time: which of them counts is not promised
            times.add(at)
            name = f"trees{date(2026, 1, 1) + timedelta(days=at):%Y%m%d}.csv" if model.timed else f"trees{at:03d}.csv"
            taken.append(content)
            city.drop(name, written(content))
            model.pending[name] = (at, content)
            if arrival.run or position == len(arrivals) - 1:
                run(city)
                model.take()
        run(city)
        model.take()
        silver, quarantine = model.found()
        names = [item["name"] for item in COLUMNS]
        assert stored(city, "silver", [*names, "_batch_id", "_source_line", "_vanished_in"]) == silver
        assert stored(city, "quarantine", ["_batch_id", "_source_line"]) == quarantine
        assert [batch.id for batch in sorted(city.way().journal.state(DATASET).batches, key=lambda b: b.id)] == [b for _, b, _ in model.batches]
