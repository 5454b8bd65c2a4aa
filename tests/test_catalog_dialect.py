"""The closed vocabulary on DuckDB: what each builder makes of ordinary and of hostile values, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from catalog import dialect as d
from catalog.contract import ColumnType

ZONE = "Asia/Shanghai"
T = d.col("t")


def values(tree: exp.Expr, texts: Sequence[Any], kind: str = "VARCHAR", params: dict[str, bytes] | None = None) -> list[Any]:
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.execute(f"CREATE TABLE r (t {kind})")
    con.executemany("INSERT INTO r VALUES (?)", [[text] for text in texts])
    return [row[0] for row in con.sql(d.render(exp.select(exp.alias_(tree, "v")).from_("r"), "duckdb"), params=params).fetchall()]


def value(tree: exp.Expr, text: Any, kind: str = "VARCHAR", params: dict[str, bytes] | None = None) -> Any:
    return values(tree, [text], kind, params)[0]


@pytest.mark.parametrize(("text", "expected"), [
    ("12", 12), ("+7", 7), ("-0", 0), ("007", 7), ("9223372036854775807", 2**63 - 1), ("9223372036854775808", None), ("1E3", None),
    ("0x1F", None), ("1_000", None), ("１２", None), ("1.0", None), ("", None), ("nan", None), (" 5", None), ("5\n", None), (None, None),
])
def test_whole_numbers(text: str | None, expected: int | None) -> None:
    assert value(d.to_bigint(T), text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("1.50", "1.50"), ("-1.5", "-1.50"), (".5", "0.50"), ("00012.3", "12.30"), ("1.555", None), ("1.550", "1.55"), ("12345.67", None),
    ("1e2", None), ("infinity", None), ("1,000", None), ("1.", None), ("--1", None), ("", None),
])
def test_decimals_are_exact_or_nothing(text: str, expected: str | None) -> None:
    assert value(d.to_decimal(T, 6, 2), text) == (Decimal(expected) if expected else None)


@pytest.mark.parametrize(("text", "expected"), [
    ("2026-03-05", date(2026, 3, 5)), ("2026/3/5", date(2026, 3, 5)), ("2026.03.05", date(2026, 3, 5)), ("20260305", date(2026, 3, 5)),
    ("2026年3月5日", date(2026, 3, 5)), ("2026-03-05 00:00:00", date(2026, 3, 5)), ("2026-02-30", None), ("2026-13-01", None),
    ("2026-03-05 08:00", None), ("0026-03-05", None), ("infinity", None), ("epoch", None), ("2026-3/5", None), ("5/3/2026", None),
    ("2026-03-05\n", None), ("44990", None),
])
def test_dates(text: str, expected: date | None) -> None:
    assert value(d.to_date(T), text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("2026-03-05 08:00:00", datetime(2026, 3, 5, 0, 0, tzinfo=UTC)), ("2026-03-05T08:00:00+08:00", datetime(2026, 3, 5, 0, 0, tzinfo=UTC)),
    ("2026-03-05 08:00:00Z", datetime(2026, 3, 5, 8, 0, tzinfo=UTC)), ("2026/3/5 8:00", datetime(2026, 3, 5, 0, 0, tzinfo=UTC)),
    ("20260305080000", datetime(2026, 3, 5, 0, 0, tzinfo=UTC)), ("1583366400", datetime(2020, 3, 5, 0, 0, tzinfo=UTC)),
    ("1583366400000", datetime(2020, 3, 5, 0, 0, tzinfo=UTC)), ("1990-07-01 08:00:00", datetime(1990, 6, 30, 23, 0, tzinfo=UTC)),
    ("2026-03-05 24:00:00", None), ("2026-03-05 08:61", None), ("tomorrow", None), ("2026-02-29 01:00", None),
])
def test_times_are_read_in_the_citys_zone(text: str, expected: datetime | None) -> None:
    assert value(d.to_timestamp(T, ZONE), text) == expected


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
def test_a_time_that_comes_twice_or_never_is_what_python_says(zone: str) -> None:
    """PEP 495, the first of two; java.time does the same, so both engines do."""
    days = ("1986-05-04", "1986-09-14", "1990-09-16", "1991-09-15", "2024-03-31", "2024-10-27", "2024-11-03", "2024-04-07", "2030-01-01")
    texts = [f"{day}{mark}{hour:02}:{minute:02}:59" for day in days for mark in " T" for hour in range(4) for minute in (0, 29, 30, 59)]
    assert values(d.to_timestamp(T, zone), texts) == [datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for text in texts]


@pytest.mark.parametrize(("text", "expected"), [("是", True), ("否", False), ("TRUE", True), ("0", False), ("maybe", None), ("", None)])
def test_truth_values(text: str, expected: bool | None) -> None:
    assert value(d.to_boolean(T), text) is expected


@pytest.mark.parametrize(("build", "text", "expected"), [
    (lambda e: d.bare_text(e, {"國": "国"}), " 中\u3164 國。(A\u0301-1) ", "中国A1"),
    (d.trim_text, "\u3000\u00a0 杭州\ufeff\t", "杭州"), (d.fold_width, "ＡＢ１２　（甲）", "AB12 (甲)"), (d.collapse_space, "a \u3000\n b", "a b"),
    (d.upper_ascii, "aß码", "Aß码"), (d.strip_thousands, "1,234,567.8", "1234567.8"), (d.strip_thousands, "1,23", "1,23"),
    (d.strip_zero_fraction, "330300.0", "330300"), (d.strip_zero_fraction, "330300.5", "330300.5"),
    (lambda e: d.strip_suffixes(e, ["℃", "米"]), "12.5 ℃", "12.5"), (lambda e: d.null_words(e, ["-", "NaN"]), "NaN", None),
    (lambda e: d.mask(e, 1, 0), "张三丰", "张**"), (lambda e: d.mask(e, 3, 4), "1234567", "*******"), (lambda e: d.prefix(e, 2), "😀乙丙", "😀乙"),
])
def test_texts(build: Any, text: str, expected: str | None) -> None:
    assert value(build(T), text) == expected


def test_periods_and_bands_and_rounding() -> None:
    assert value(d.period_of(T, ColumnType("timestamp"), "month", ZONE), datetime(2026, 2, 28, 17, tzinfo=UTC), "TIMESTAMPTZ") == "2026-03"
    assert value(d.period_of(T, ColumnType("date"), "year", ZONE), date(2026, 2, 28), "DATE") == "2026"
    assert [value(d.band(T, 5), number, "BIGINT") for number in (20, 24, -1)] == ["20-24", "20-24", "-5--1"]
    kind = ColumnType("decimal", 10, 2)
    assert [value(d.round_to(T, Decimal("0.5"), kind), Decimal(text), "DECIMAL(10,2)") for text in ("1.25", "-1.25", "1.24")] == [
        Decimal("1.50"), Decimal("-1.50"), Decimal("1.00")]


def test_tokens_are_hmac_and_the_key_is_a_parameter() -> None:
    import hashlib
    import hmac

    key = b"k" * 32
    padded = key.ljust(64, b"\0")
    pads = {"ipad": bytes(b ^ 0x36 for b in padded), "opad": bytes(b ^ 0x5C for b in padded)}
    expected = "t_" + hmac.new(key, "张三".encode(), hashlib.sha256).hexdigest()[:32].translate(str.maketrans("0123456789", "ghijklmnop"))
    assert value(d.hmac_token(T), "张三", params=pads) == expected
    assert key.hex() not in d.render(d.hmac_token(T), "duckdb")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=20))
def test_no_text_raises_in_any_cast(text: str) -> None:
    if "\x00" in text:
        return
    for tree in (d.to_bigint(T), d.to_decimal(T, 18, 2), d.to_double(T), d.to_boolean(T), d.to_date(T), d.to_timestamp(T, ZONE)):
        value(tree, text)


@settings(max_examples=150, deadline=None)
@given(st.integers(-(2**63), 2**63 - 1))
def test_every_whole_number_survives_its_text(number: int) -> None:
    assert value(d.to_bigint(T), str(number)) == number


REFUSED = ["SELECT 1", "a; DROP TABLE x", "read_csv('x')", "a IN (SELECT 1)", "now() > d", "random() > 0.5", "count(*) > 1", "CL_TRIM(a) = 'x'",
           "getenv('HOME') = 'x'",
           "a::JSON = 1", "regexp_matches(a, '(?=x)')", "unknown_column = 1", "a = $1", "row_number() OVER () = 1",
           "a ->> 'x' = 'y'"]


@pytest.mark.parametrize("sql", REFUSED)
def test_conditions_outside_the_vocabulary_are_refused_without_quoting_them(sql: str) -> None:
    with pytest.raises(d.ExpressionError) as error:
        d.parse_condition(sql, ["a", "d"])
    assert sql not in str(error.value)


@pytest.mark.parametrize("sql", [
    "SELECT * FROM a", "SELECT x FROM 'file.csv'", "SELECT x FROM read_csv('x')", "SELECT x FROM b", "SELECT x FROM main.a",
    "INSERT INTO a VALUES (1)",
    "WITH a AS (SELECT 1 AS x) SELECT x FROM a", "SELECT x FROM a ORDER BY x", "COPY a TO 'x'", "SELECT x FROM a LIMIT 3",
])
def test_queries_outside_the_vocabulary_are_refused(sql: str) -> None:
    with pytest.raises(d.ExpressionError):
        d.parse_query(sql, {"a": ["x"]})


@pytest.mark.parametrize("pattern", ["(?=a)", r"\bx", r"\p{Han}", "^a", "a$", "(?i)x", r"(a)\1", "a++", "[[:alpha:]]", "(?P<n>x)", "a{2000}", "["])
def test_patterns_that_engines_read_differently_are_refused(pattern: str) -> None:
    with pytest.raises(d.ExpressionError):
        d.check_pattern(pattern)
