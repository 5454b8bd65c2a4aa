"""The dialect's parity table: a row a builder, with hostile values; both engines must give the same Arrow. Run by test_pipelines_parity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from sqlglot import exp

from catalog import dialect as d
from catalog.contract import ColumnType
from privacy.column_texts import WORDED
from privacy.suspicion import SUSPICIOUS

ZONE = "Asia/Shanghai"
T = d.col("t")
TEXTS: tuple[str | None, ...] = (
    None, "", " ", "0", "-0", "+7", "007", "12", "1E3", "0x1F", "1_000", "１２", "٣", "1.0", "1.", ".5", "-1.5", "00012.30", "1.550", "1.555", "nan",
    "NaN", "infinity", "-Infinity", "1d", "1f", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1e309", "5e-324",
    "2026-03-05", "2026/3/5", "2026.03.05", "20260305", "2026年3月5日", "2026-02-30", "2026-13-01", "0026-03-05", "9999-12-31", "1000-01-01",
    "2026-03-05 00:00:00", "2026-03-05 08:00", "2026-03-05 08:00:59.123456789", "2026-03-05T08:00:00+08:00", "2026-03-05 08:00:00Z",
    "2026-03-05 24:00:00", "1990-07-01 08:00:00", "1900-01-01 00:00:00", "1583366400", "1583366400000", "20260305080000", "epoch", "2026",
    "2026-03-05\n", "5\n", " 5", "5 ", "\u30005\u00a0", "\ufeff5", "a \u3000\n b", "aß码", "İI", "ΑΣ", "ＡＢ１２　（甲）", "1,234,567.8", "1,23",
    "330300.0", "330300.5", "12.5 ℃", "12.5米", "是", "否", "TRUE", "t", "张三丰", "😀乙丙", "a%b_c\\d", "'quoted'", "tab\there", "\u200b零宽\u200d",
    "13800001111", "13800001111\n", "330106199001011234", "é", "e\u0301", "\U0001f468\u200d\U0001f469", "a\u2028b", "NULL", "-", "—", "$1", "\\1",
    "〇", "々", "\U00031350", "\U0002a6df", "ㄅ", "かな", "13800001111号", "１３８ ００００ １１１１", "138-0000-1111", "a@b.cn",
    "ａ＠ｂ．ｃｎ", "浙A12345",
    "62220212345678", "10.0.0.1", "00:1A:2b:3c:4d:5e", "0571-87654321", "E12345678", "wx_abc123", "1.3800001111E10", "13,800,001,111", "a at b.com",
    "1582-10-10", "1582-10-10 08:00:00", "1000-01-01 00:00:00", "9999-12-31 23:59:59", "2026-02-30 10:00:00", "2026-03-05 08:00:60", "0999-12-31",
    "1986-05-04 02:30:00", "1990-09-16 01:30:00", "1991/9/15 1:59:59", "张\u0007三", "张三\u3000", "李四\n", "李 四", "\u9ffe", "\u4e00\u2028\u4e01",
    "http://x.cn/?token=abcdef0123456789", "91330106MA2AX1234X", "330106 1990 0101 1234", "330106\u200b199001011234", "Ⅻ", "①③⑧",
)
NUMBERS = (None, 0, 1, -1, 4, 5, -5, 20, 24, 99, -101, 10**10, 2**53 + 1, 2**63 - 1, -(2**63), 9 * 10**18, -9 * 10**18)
DECIMALS = tuple(Decimal(text) if text else None for text in ("", "0.00", "1.25", "-1.25", "1.24", "0.01", "-0.01", "99999999.99", "-99999999.99",
                                                                  "2.50"))
DOUBLES = (None, 0.0, -0.0, 1.005, 2.5, -2.5, 1e15, 123456.789, -7.25, 1e19, -1e19, float("inf"), float("-inf"))
DATES = (None, date(2026, 2, 28), date(2024, 2, 29), date(1900, 1, 1), date(1582, 10, 15), date(9999, 12, 31), date(2026, 12, 31), date(1969, 12, 31))
TIMES = tuple(datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None for text in (
    "", "2026-02-28T17:00:00", "1990-06-30T23:00:00.000001", "1927-12-31T16:00:00", "2100-01-01T00:00:00", "1969-12-31T23:59:59.999999",
    "2026-01-01T15:59:59.999999", "2026-01-01T16:00:00"))
AT = d.col("i")
SIGN = d.case([(exp.LT(this=T, expression=d.lit(0)), d.lit("below"))], d.lit("other"))
FIRST = d.prefix(T, 1)
KEY = b"k" * 32
PADS = {f"{name}{pad}": bytes(byte ^ mask for byte in KEY.ljust(64, b"\0"))
        for name in ("", "shift_") for pad, mask in (("ipad", 0x36), ("opad", 0x5C))}
DECIMAL = ColumnType("decimal", 10, 2)
KINDS: dict[str, tuple[pa.DataType, tuple[Any, ...]]] = {
    "text": (pa.string(), TEXTS), "bigint": (pa.int64(), NUMBERS), "decimal": (pa.decimal128(10, 2), DECIMALS), "double": (pa.float64(), DOUBLES),
    "date": (pa.date32(), DATES), "timestamp": (pa.timestamp("us", "UTC"), TIMES),
}


@dataclass(frozen=True)
class Row:
    """One builder over one kind of values in column `t`, whose numbers are in `i`."""

    name: str
    tree: exp.Expr
    kind: str = "text"
    by: exp.Expr | None = None      # of an aggregate: what it groups by


def values(kind: str) -> pa.Table:
    """The hostile values of a kind in column `t`, numbered in `i`."""
    type_, found = KINDS[kind]
    return pa.table({"i": pa.array(range(len(found)), pa.int64()), "t": pa.array(found, type_)})


def _over(function: exp.Expr, by: exp.Expr | None = None) -> exp.Expr:
    order = exp.Order(expressions=[exp.Ordered(this=T, nulls_first=False), exp.Ordered(this=AT, desc=True, nulls_first=False)])
    return exp.Window(this=function, partition_by=[by] if by else [], order=order)


def _measure(sql: str, kind: str = "bigint", by: exp.Expr = SIGN) -> Row:
    return Row(f"{sql} of {kind}", d.parse_measure(sql, ["t", "i"]), kind, by)


def _condition(sql: str) -> exp.Expr:
    return d.parse_condition(sql, ["t"])


ROWS: tuple[Row, ...] = (
    Row("to_bigint", d.to_bigint(T)), Row("to_decimal", d.to_decimal(T, 6, 2)), Row("to_decimal whole", d.to_decimal(T, 18, 0)),
    Row("to_decimal fraction", d.to_decimal(T, 2, 2)), Row("to_double", d.to_double(T)),
    Row("to_boolean", d.to_boolean(T)), Row("to_date", d.to_date(T)), Row("to_timestamp", d.to_timestamp(T, ZONE)),
    Row("to_timestamp daylight", d.to_timestamp(T, "Europe/Berlin")),
    Row("trim_text", d.trim_text(T)), Row("bare_text", d.bare_text(T, {"國": "国"})),
    Row("fold_width", d.fold_width(T)), Row("collapse_space", d.collapse_space(T)),
    Row("upper_ascii", d.upper_ascii(T)), Row("lower_ascii", d.lower_ascii(T)), Row("strip_thousands", d.strip_thousands(T)),
    Row("strip_zero_fraction", d.strip_zero_fraction(T)), Row("strip_suffixes", d.strip_suffixes(T, ["℃", "米"])),
    Row("null_words", d.null_words(T, ["-", "—", "NaN", "NULL", "'quoted'"])),
    Row("a chain", d.null_words(d.upper_ascii(d.collapse_space(d.fold_width(d.trim_text(T)))), ["5", "NULL"])),
    Row("length", d.length(T)), Row("octets", d.octets(T)),
    Row("without_text", d.without_text(d.joined_text([T, d.lit("米"), T], ""), T, "[略]")),
    Row("without a fixed text", d.without_text(T, d.lit("ab"), "'[\\d]'")),
    Row("prefix", d.prefix(T, 2)), Row("mask", d.mask(T, 1, 1)), Row("mask all", d.mask(T, 3, 4)),
    Row("joined_text", d.joined_text([T, d.lit("x"), T], "\x1f")), Row("in_list", d.in_list(T, ["12", "是", "a%b_c\\d", "'quoted'"])),
    Row("in nothing", d.in_list(T, [])), Row("contains_any", d.contains_any(T, ["%b", "(", "三", "'", "\\d", "+7"])),
    Row("contains_pattern", d.contains_pattern(T, r"[0-9]{4}-[0-9]{2}")), Row("matches", d.matches(T, r"1[3-9]\d{9}|[\x{4e00}-\x{9fff}]+")),
    Row("Chinese characters", d.contains_pattern(T, r"\p{Han}")), Row("what the screen looks at", d.contains_pattern(T, SUSPICIOUS)),
    Row("matches any", d.matches(T, ".*")), Row("matches space", d.matches(T, r"\s*\d+\s*")), Row("coalesce", d.coalesce(T, d.lit("none"))),
    Row("case", d.case([(d.matches(T, r"\d+"), d.lit("digits"))], d.lit("other"))),
    Row("concat_words", d.concat_words([(d.matches(T, r"\d+"), "digits"), (d.in_list(T, ["12"]), "twelve")])),
    Row("row_hash", d.row_hash([T, T])), Row("as_text", d.as_text(T, ColumnType("bigint"), ZONE), "bigint"),
    Row("as_text decimal", d.as_text(T, DECIMAL, ZONE), "decimal"), Row("as_text date", d.as_text(T, ColumnType("date"), ZONE), "date"),
    Row("as_text timestamp", d.as_text(T, ColumnType("timestamp"), ZONE), "timestamp"),
    Row("as_text boolean", d.as_text(d.to_boolean(T), ColumnType("boolean"), ZONE)),
    *(Row(f"period_of {grain} {kind}", d.period_of(T, ColumnType(kind), grain, ZONE), kind)
      for grain in ("year", "month", "day") for kind in ("date", "timestamp")),
    *(Row(f"date_trunc_to {grain} {kind}", d.date_trunc_to(T, ColumnType(kind), grain, ZONE), kind)
      for grain in ("year", "month", "day") for kind in ("date", "timestamp")),
    Row("band", d.band(T, 5), "bigint"), Row("band decimal", d.band(T, 10, DECIMAL), "decimal"),
    Row("band double", d.band(T, 10, ColumnType("double")), "double"),
    Row("round_to", d.round_to(T, Decimal("0.5"), DECIMAL), "decimal"), Row("round_to 25", d.round_to(T, 25, ColumnType("bigint")), "bigint"),
    Row("round_to 0.001", d.round_to(T, Decimal("0.001"), DECIMAL), "decimal"),
    Row("cap", d.cap(T, d.lit(-5), d.lit(24)), "bigint"), Row("cap top", d.cap(T, None, d.lit(date(2026, 1, 1))), "date"),
    Row("cast_to", d.cast_to(T, ColumnType("text")), "bigint"), Row("cast_to decimal", d.cast_to(T, ColumnType("decimal", 30, 4)), "decimal"),
    *(Row(sql, _condition(sql)) for sql in (
        "length(t) > 3", "upper(t) = 'TRUE'", "substring(t, 2, 3) = '026'", "left(t, 4) = '2026'", "right(t, 1) = '5'", "contains(t, '%b')",
        "starts_with(t, '1')", "ends_with(t, '0')", "t LIKE '1%'", "t LIKE 'a\\%b%' ESCAPE '\\'", "t || 'x' = '12x'", "CAST(t AS BIGINT) > 5",
        "CAST(t AS DECIMAL(9,3)) > 1.5", "CAST(t AS DATE) >= DATE '2026-03-05'", "year(CAST(t AS DATE)) = 2026", "t IS NULL OR t = ''",
        "regexp_matches(t, '\\d+')", "CAST(t AS BIGINT) / 0 IS NULL", "CAST(t AS BIGINT) % 7 = 5", "t BETWEEN '1' AND '3'", "t > 'a'",
        "coalesce(t, 'x') = 'x'", "nullif(t, '12') IS NULL", "greatest(t, 'b') = 'b'", "t IS DISTINCT FROM '12'",
        "abs(CAST(t AS BIGINT) - 10) < 5", "least(t, 'b') = 'b'", "CAST(t AS BIGINT) + 9223372036854775807 > 0", "CAST(t AS BIGINT) * 3 > 100",
        "CAST(t AS DECIMAL(38,10)) * CAST(t AS DECIMAL(38,10)) > 1", "month(CAST(t AS DATE)) = 3 OR day(CAST(t AS DATE)) = 5",
        "CASE WHEN t = '12' THEN 1 ELSE 0 END = 1", "NOT (t = '12' OR t LIKE '2%')", "t <= '3' AND t <> '12'", "t IS NOT DISTINCT FROM '12'")),
    Row("cells with words", d.contains_pattern(T, WORDED)), Row("cells with words folded", d.contains_pattern(d.fold_width(T), WORDED)),
    Row("hmac_token", d.hmac_token(T)), Row("shift_days", d.shift_days(T, d.as_text(AT, ColumnType("bigint"), ZONE), 90), "date"),
    Row("shift_days of nobody", d.shift_days(T, exp.cast(exp.Null(), "TEXT"), 90), "date"),
    _measure("count(*)"), _measure("count(t)"), _measure("count(distinct t)", "text", FIRST), _measure("sum(i) * 2 - count(t)"),
    _measure("min(t)"), _measure("max(t)", "text", FIRST), _measure("avg(i)"), _measure("sum(t)", "decimal"), _measure("avg(i)", "double"),
    _measure("min(t)", "date", d.period_of(T, ColumnType("date"), "year", ZONE)),
    _measure("min(t + 0)", "double"), _measure("max(t)", "timestamp", d.lit("all")),
    Row("arg_min", exp.ArgMin(this=T, expression=AT), "text", FIRST), Row("arg_max", exp.ArgMax(this=T, expression=AT), "text", FIRST),
    *(Row(f"{type(one).__name__} {kind}", _over(one), kind) for kind in KINDS for one in (exp.RowNumber(), exp.DenseRank(), exp.Rank())),
    Row("lag", _over(exp.Lag(this=T)), "text"), Row("lead", _over(exp.Lead(this=T), FIRST), "text"),
    Row("abs", exp.Abs(this=T), "decimal"), _measure("sum(t)"), _measure("sum(length(t))", "text", FIRST), Row("octets", d.octets(T)),
    _measure("sum(t)", "double", AT), _measure("sum(distinct i)"), _measure("sum(i) + count(t)"),
    Row("filter", d.parse_query("SELECT count(*) FILTER (WHERE t <> '12') AS v FROM x", {"x": ["t"]}).selects[0].unalias(), "text", FIRST),
    Row("exists", exp.Exists(this=exp.select(d.lit(1)).from_("values_text AS o").where(
        exp.EQ(this=d.col("i", "o"), expression=d.col("i", "v"))))),
)
