"""Made tables through both engines: what silver's own queries make of any text, and that each reads what the other has written, to the bit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from parity import TEXTS
from sparking import local
from sqlglot import exp
from tiny import Tiny, column, contract
from twins import canonical

from catalog.contract import Contract
from catalog.dialect import col
from catalog.evidence import TableAt
from catalog.loader import load_city
from pipelines.engines import Engine
from pipelines.engines.duck import DuckEngine
from pipelines.engines.spark import SparkEngine
from pipelines.lake import PERIOD, Lake, Op, Write
from pipelines.parsing import BAD, LINE
from pipelines.refining import BATCH, ORDER, SHA, SOURCE, Plan
from quality.specs import specs

pytestmark = pytest.mark.spark
# Each example is some jobs of Spark's; shrinking would take minutes.
QUICK: dict[str, Any] = {"deadline": None, "phases": (Phase.explicit, Phase.generate), "suppress_health_check": list(HealthCheck)}
FEW, MANY = settings(max_examples=1, **QUICK), settings(max_examples=60, **QUICK)
ZONE = "Asia/Shanghai"
FULL = str.maketrans("0123456789-+.,:/", "０１２３４５６７８９－＋．，：／")

# -- what sources write ------------------------------------------------------------------------------------------

numbers = st.one_of(
    st.integers(-(2**63) - 1, 2**63).map(str), st.integers(-9999, 9999).map(lambda one: f"{one:+,}"), st.floats().map(repr),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str), st.sampled_from(["-0", "-0.0", "+0", "0e0", "1e308", "1e-400", "9" * 40]))
days = st.one_of(st.dates(), st.sampled_from([date(1, 1, 1), date(1582, 10, 10), date(9999, 12, 31), date(2024, 2, 29)])).flatmap(
    lambda one: st.sampled_from([one.isoformat(), f"{one.year}/{one.month}/{one.day}", f"{one.year}年{one.month}月{one.day}日",
                                 f"{one.year:04d}{one.month:02d}{one.day:02d}", f"{one.year}.{one.month:02d}.{one.day}", f"{one}T00:00:00"]))
times = st.datetimes().flatmap(lambda one: st.sampled_from([
    one.isoformat(" "), one.isoformat() + "Z", one.isoformat(" ", "minutes"), f"{one:%Y%m%d%H%M%S}", f"{one.isoformat('T', 'seconds')}+08:00",
    str(int(one.replace(tzinfo=UTC).timestamp()))]))
words = st.one_of(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
                  st.text("😀👨‍👩‍👧é한ＡＢ１２　 \t\u00a0\u200b\ufeff，,.％米㎡-—", max_size=8), st.sampled_from([text for text in TEXTS if text]))
padded = st.builds(lambda left, text, unit, right, full: left + (text.translate(FULL) if full else text) + unit + right,
                   st.sampled_from(["", " ", "\u3000", "\ufeff"]), st.one_of(numbers, days, times, words),
                   st.sampled_from(["", "", "米", " m", "%"]), st.sampled_from(["", " ", "\n"]), st.booleans())
cells = st.lists(st.one_of(padded, padded, words, st.none()), min_size=40, max_size=80)
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("bigint", {}), ("bigint", {"factor": 10000}), ("decimal(12,3)", {"standardise": ["strip_thousands"]}), ("decimal(38,10)", {"factor": 0.001}),
    ("decimal(2,2)", {}), ("double", {"strip_unit": ["米", "m"]}), ("double", {"factor": 0.1}), ("boolean", {}), ("date", {}), ("timestamp", {}),
    ("text", {}), ("text", {"nulls": ["-", "—", "NULL"], "required": True}), ("text", {"codes": "kinds"}),
    ("text", {"standardise": ["fold_width", "collapse_space", "upper", "strip_zero_fraction", "strip_thousands"]}),
    ("text", {"standardise": ["lower", "collapse_space"], "strip_unit": ["米", "㎡", "%"]}),
]


def declared(root: Path, merge: str) -> tuple[Contract, Any]:
    """A contract with a column of every kind and every way of standardising, read from its file as always; and its checks."""
    odd = "SELECT COUNT(*) FROM ${table} WHERE length(c10) > 3 AND c0 < 100"
    rule = {"id": "odd", "type": "sql", "query": odd, "mustBe": 0, "dimension": "accuracy"}
    columns = [column("id", "text", "号", key=1, required=True),
               *(column(f"c{at}", kind, f"列{at}", **{**more, **({"quality": [rule]} if at == 0 else {})}) for at, (kind, more) in enumerate(KINDS))]
    tiny = Tiny(root / merge)
    tiny.declare(contract(columns=columns, merge=merge, period={"column": "c8", "grain": "month"}))
    city = load_city(tiny.city)
    found = city.contracts["parks.trees"]
    return found, specs(found, city.codes)


def bronze(texts: list[str | None]) -> pa.Table:
    """Every text in every column; three keys, four batches of two sources."""
    size = range(len(texts))
    columns = {"id": pa.array([f"k{at % 3}" if at % 7 else None for at in size], pa.string()),
               **{f"c{at}": pa.array(texts, pa.string()) for at in range(len(KINDS))},
               BATCH: pa.array([f"b{1 + at % 4:06d}" for at in size], pa.string()), SOURCE: pa.array(["ab"[at % 2] for at in size], pa.string()),
               SHA: pa.array(["0" * 64 for _ in size], pa.string()), LINE: pa.array([at + 2 for at in size], pa.int64()),
               ORDER: pa.array([1 + at % 4 for at in size], pa.int64()),
               BAD: pa.array(["quotes" if at % 11 == 10 else None for at in size], pa.string())}
    return pa.table(columns)


# -- what tables hold ----------------------------------------------------------------------------------------------

rows = st.lists(st.tuples(
    st.one_of(st.none(), words), st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
    st.one_of(st.none(), st.decimals(-10**27, 10**27, places=10), st.sampled_from([Decimal(9) * 10**27, Decimal("-0.0000000001")])),
    st.one_of(st.none(), st.decimals(-9_999_999, 9_999_999, places=2)), st.one_of(st.none(), st.floats(), st.sampled_from([-0.0, 0.0, 5e-324])),
    st.one_of(st.none(), st.booleans()), st.one_of(st.none(), st.dates(), st.sampled_from([date(1, 1, 1), date(1582, 10, 10), date(9999, 12, 31)])),
    st.one_of(st.none(), st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda one: one.replace(tzinfo=UTC)),
              st.just(datetime(1900, 1, 1, tzinfo=UTC) - timedelta(microseconds=1))),
    st.sampled_from([None, "2026-03", "0001", "9999-12-31"])), min_size=20, max_size=60)
SCHEMA = pa.schema([("t", pa.string()), ("i", pa.int64()), ("wide", pa.decimal128(38, 10)), ("d", pa.decimal128(9, 2)), ("f", pa.float64()),
                    ("b", pa.bool_()), ("day", pa.date32()), ("at", pa.timestamp("us", "UTC")), (PERIOD, pa.string())])


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Engine]:
    root = tmp_path_factory.mktemp("made")
    lake, places = Lake(root / "lake"), local(root / "state")
    return {"duckdb": DuckEngine(lake, places), "spark": SparkEngine(lake, places)}


def both(engines: dict[str, Engine], ask: Callable[[Engine], Any]) -> None:
    one, other = (ask(engine) for engine in engines.values())
    assert [pair for pair in zip(one, other, strict=True) if pair[0] != pair[1]] == []


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> list[Plan]:
    found = [declared(tmp_path_factory.mktemp("contracts"), merge) for merge in ("append", "upsert", "snapshot")]
    return [Plan(one, checks, ZONE, False) for one, checks in found]


def refined(engines: dict[str, Engine], plans: list[Plan], root: Path, texts: list[str | None]) -> None:
    """What refine asks for, in its order: the checked rows, once, then what silver of each merge mode and quarantine would hold."""
    pq.write_table(bronze(texts), root / "bronze.parquet")

    def ask(engine: Engine) -> list[Any]:
        with engine.open({"bronze": root / "bronze.parquet"}) as session:
            session.stage(plans[0].checked(), "checked")
            queries = [exp.select("*").from_("checked"), plans[0].quarantined(), *[plan.merged() for plan in plans]]
            return [line for query in queries for part in canonical(session.read(query).read_all()) for line in part]
    both(engines, ask)


def exchanged(engines: dict[str, Engine], root: Path, made: list[tuple[Any, ...]], numbered: Any) -> None:
    """Each engine writes, both read: every value is what it was."""
    arrays = [pa.array(values, kind) for values, kind in zip(zip(*made, strict=True) if made else [[]] * len(SCHEMA), SCHEMA.types, strict=True)]
    table = pa.Table.from_arrays(arrays, schema=SCHEMA)
    pq.write_table(table, root / "made.parquet")
    query = exp.select(*map(col, SCHEMA.names))
    for writer in engines.values():
        name = f"silver/made/t{next(numbered)}"
        writer.lake.ensure(name, SCHEMA, None)       # type: ignore[attr-defined]  # both have one
        with writer.open({"made": root / "made.parquet"}) as session:
            at = TableAt(name, session.write(query.copy().from_("made"), name, Write("replace", ("i",)), Op("made", "refine"), None))
        for reader in engines.values():
            with reader.open({"there": at}) as session:
                assert canonical(session.read(query.copy().from_("there")).read_all()) == canonical(table), (writer.name, reader.name)


@FEW
@given(texts=cells)
@example(texts=list(TEXTS))
@example(texts=[])
def test_silver_is_the_same_of_any_texts(engines: dict[str, Engine], plans: list[Plan], tmp_path_factory: Any, texts: list[str | None]) -> None:
    refined(engines, plans, tmp_path_factory.mktemp("texts"), texts)


@FEW
@given(made=rows)
@example(made=[])
def test_each_engine_reads_what_the_other_wrote(engines: dict[str, Engine], tmp_path_factory: Any, made: list[tuple[Any, ...]]) -> None:
    exchanged(engines, tmp_path_factory.mktemp("rows"), made, NUMBERED)


@pytest.mark.soak
@MANY
@given(texts=cells, made=rows)
def test_both_hold_for_many(engines: dict[str, Engine], plans: list[Plan], tmp_path_factory: Any, texts: Any, made: Any) -> None:
    root = tmp_path_factory.mktemp("many")
    refined(engines, plans, root, texts)
    exchanged(engines, root, made, NUMBERED)


NUMBERED = count(1)
