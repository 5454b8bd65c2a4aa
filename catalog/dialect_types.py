"""Text → typed values, NULL where the text is not exactly such a value; never an error, never a guess.

Engines' own casts accept far more ('1E3', '0x1F', '1_000', '１２', 'infinity', '24:00:00'; notes/spark-lab §7), so each
cast is guarded by a full-match regex. A value that casts back to the same text is known to be canonical (on Spark dates and
times only: its decimals may come back with an exponent), which is cheaper than the regex; only the others are matched.
"""

from __future__ import annotations

from sqlglot import exp

from catalog.dialect_tree import Renderer, mark, number, rendering, string
from catalog.dialect_zone import checked_zone, to_utc

_TRUE, _FALSE = ("true", "1", "是", "t", "y"), ("false", "0", "否", "f", "n")
_YEAR, _MONTH, _DAY = "[1-9][0-9]{3}", "(?:0?[1-9]|1[0-2])", "(?:0?[1-9]|[12][0-9]|3[01])"
_DATE = "(?:" + "|".join(
    f"{_YEAR}{a}{_MONTH}{b}{_DAY}{c}" for a, b, c in (("-", "-", ""), ("/", "/", ""), (r"\.", r"\.", ""), ("年", "月", "日"))
) + ")"
_COMPACT = f"{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_MIDNIGHT = r"(?:[ T]0?0:00(?::00(?:\.0+)?)?)?"
_HOUR = "(?:[01]?[0-9]|2[0-3])"
_TIME = rf"[ T]{_HOUR}:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{{1,9}})?)?"
_COMPACT_TIME = "[ T]?(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]"
_OFFSET = " ?(?:Z|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)"
_PARTS = r"\A([0-9]{4})[^0-9]([0-9]{1,2})[^0-9]([0-9]{1,2})"
_TIME_PARTS = r"[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]{1,6})?)?"


def to_bigint(e: exp.Expr) -> exp.Expr:
    """Text of digits with an optional sign, within 64 bits."""
    return mark("BIGINT", e)


def to_decimal(e: exp.Expr, p: int, s: int) -> exp.Expr:
    """Exactly a decimal(p,s): NULL when it would overflow or lose a digit (`1.50` fits a scale of 1, `1.55` does not)."""
    return mark("DECIMAL", e, p, s)


def to_double(e: exp.Expr) -> exp.Expr:
    """A finite number, with or without exponent. There is one zero: of 0.0 and -0.0, which are equal, each engine keeps another one."""
    return mark("DOUBLE", e)


def to_boolean(e: exp.Expr) -> exp.Expr:
    """true/1/t/y/是 and false/0/f/n/否, in any case."""
    return mark("BOOLEAN", e)


def to_date(e: exp.Expr) -> exp.Expr:
    """yyyy-M-d, yyyy/M/d, yyyy.M.d, yyyyMMdd, yyyy年M月d日 of the years 1000–9999, also with a time part of midnight."""
    return mark("DATE", e)


def to_timestamp(e: exp.Expr, zone: str) -> exp.Expr:
    """The forms of `to_date`, then `H:mm[:ss[.f]]` after a space or T, then Z or ±hh[:mm]; yyyyMMddHHmmss; epoch times of
    10 (seconds) or 13 (milliseconds) digits. Without an offset the text is read in `zone`. Digits beyond µs are cut.
    """
    return mark("TIMESTAMP", e, checked_zone(zone))


@rendering("BIGINT")
def _bigint(r: Renderer, a: list[exp.Expr]) -> str:
    e = r.of(a[0])
    value = f"TRY_CAST({e} AS BIGINT)"
    same = f"WHEN CAST({value} AS VARCHAR) = {e} THEN {value} " if r.duck else ""
    return f"CASE {same}WHEN {r.full(e, '[+-]?0*[0-9]{1,19}')} THEN {value} END"


@rendering("DECIMAL")
def _decimal(r: Renderer, a: list[exp.Expr]) -> str:
    e, p, s = r.of(a[0]), number(a[1]), number(a[2])
    value = f"TRY_CAST({e} AS DECIMAL({p}, {s}))"
    whole = rf"0*[0-9]{{1,{p - s}}}" if p > s else "0+"
    fraction = rf"\.[0-9]{{1,{s}}}0*" if s else r"\.0+"
    pattern = rf"[+-]?(?:{whole}(?:{fraction})?|{fraction})"
    same = f"WHEN CAST({value} AS VARCHAR) = {e} THEN {value} " if r.duck else ""
    return f"CASE {same}WHEN {r.full(e, pattern)} THEN {value} END"


@rendering("DOUBLE")
def _double(r: Renderer, a: list[exp.Expr]) -> str:
    e = r.of(a[0])
    value = f"TRY_CAST({e} AS DOUBLE)"
    finite = f"abs({value}) < CAST('Infinity' AS DOUBLE)"
    guard = r.full(e, r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
    return f"CASE WHEN {guard} AND {finite} THEN {value} + CAST(0 AS DOUBLE) END"


@rendering("BOOLEAN")
def _boolean(r: Renderer, a: list[exp.Expr]) -> str:
    e = f"lower({r.sql(a[0])})"
    return f"CASE WHEN {e} IN ({r.words(_TRUE)}) THEN TRUE WHEN {e} IN ({r.words(_FALSE)}) THEN FALSE END"


def _iso_date(r: Renderer, e: str) -> str:
    """`2026-01-05` from a text whose form is known to be one of `_DATE`."""
    year, month, day = (r.group(e, _PARTS, number) for number in (1, 2, 3))
    return f"concat({year}, '-', lpad({month}, 2, '0'), '-', lpad({day}, 2, '0'))"


def _compact_date(e: str) -> str:
    return f"concat(substr({e}, 1, 4), '-', substr({e}, 5, 2), '-', substr({e}, 7, 2))"


def _comes_back(r: Renderer, e: str, value: str, size: int) -> str:
    """True for a text of that length which the value's own text is: it costs a tenth of the regular expressions."""
    return f"length({e}) = {size} AND {e} >= '1000' AND CAST({value} AS {'VARCHAR' if r.duck else 'STRING'}) = {e}"


@rendering("DATE")
def _date(r: Renderer, a: list[exp.Expr]) -> str:
    e = r.of(a[0])
    value = f"TRY_CAST({e} AS DATE)"
    # Ten characters that come back the same are yyyy-MM-dd; 'infinity' and BC years have other lengths.
    same = f"WHEN {_comes_back(r, e, value, 10)} THEN {value} "
    return (f"CASE {same}WHEN {r.full(e, _DATE + _MIDNIGHT)} THEN TRY_CAST({_iso_date(r, e)} AS DATE) "
            f"WHEN {r.full(e, _COMPACT)} THEN TRY_CAST({_compact_date(e)} AS DATE) END")


def _iso_time(r: Renderer, e: str) -> str:
    """`10:07:00.5` from a text of a known form; midnight where there is no time."""
    hour, minute, second, fraction = (r.group(e, _TIME_PARTS, number) for number in (1, 2, 3, 4))
    return f"concat(lpad({hour}, 2, '0'), ':', lpad({minute}, 2, '0'), ':', lpad({second}, 2, '0'), {fraction})"


def _iso_offset(r: Renderer, e: str) -> str:
    pattern = r"([+-][0-9]{2}):?([0-9]{2})?\z"
    return (f"CASE WHEN right({e}, 1) = 'Z' THEN '+00:00' ELSE "
            f"concat({r.group(e, pattern, 1)}, ':', lpad({r.group(e, pattern, 2)}, 2, '0')) END")


@rendering("TIMESTAMP")
def _timestamp(r: Renderer, a: list[exp.Expr]) -> str:
    e, zone = r.of(a[0]), string(a[1])
    naive, instant = ("TIMESTAMP", "TIMESTAMPTZ") if r.duck else ("TIMESTAMP", "TIMESTAMP")
    quick = f"TRY_CAST({e} AS TIMESTAMP)"
    same = f"WHEN {_comes_back(r, e, quick, 19)} THEN {to_utc(r, quick, zone)} "
    iso = f"concat({_iso_date(r, e)}, ' ', {_iso_time(r, e)})"
    digits = f"concat({_compact_date(e)}, ' ', {_compact_clock(e)})"
    return (f"CASE {same}"
            f"WHEN {r.full(e, f'{_DATE}(?:{_TIME})?')} THEN {to_utc(r, f'TRY_CAST({iso} AS {naive})', zone, quick=False)} "
            f"WHEN {r.full(e, _DATE + _TIME + _OFFSET)} THEN TRY_CAST(concat({iso}, {_iso_offset(r, e)}) AS {instant}) "
            f"WHEN {r.full(e, f'{_COMPACT}(?:{_COMPACT_TIME})?')} "
            f"THEN {to_utc(r, f'TRY_CAST({digits} AS {naive})', zone, quick=False)} "
            f"WHEN {r.full(e, '[0-9]{13}')} THEN {_epoch(r, e, 1000)} "
            f"WHEN {r.full(e, '[0-9]{10}')} THEN {_epoch(r, e, 1_000_000)} END")


def _compact_clock(e: str) -> str:
    """The last six digits as a time; midnight when there are only the eight of the date."""
    six = f"right({e}, 6)"
    clock = f"concat(substr({six}, 1, 2), ':', substr({six}, 3, 2), ':', substr({six}, 5, 2))"
    return f"CASE WHEN length({e}) = 8 THEN '00:00:00' ELSE {clock} END"


def _epoch(r: Renderer, e: str, micros: int) -> str:
    value = f"TRY_CAST({e} AS BIGINT) * {micros}"
    return f"make_timestamptz({value})" if r.duck else f"timestamp_micros({value})"
