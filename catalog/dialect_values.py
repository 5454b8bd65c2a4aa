"""Builders over typed values: published text, periods, bands, rounding, tokens, hashes, rule words."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlglot import exp

from catalog.contract import ColumnType
from catalog.dialect_tree import ExpressionError, Renderer, data_type, lit, mark, number, rendering, string
from catalog.dialect_zone import checked_zone, to_local

SHIFTED = ("1900-01-02", "2099-12-30")
_WIDTHS = {"year": 4, "month": 7, "day": 10}


def as_text(e: exp.Expr, kind: ColumnType, zone: str) -> exp.Expr:
    """Canonical text: dates `yyyy-MM-dd`, timestamps `yyyy-MM-dd HH:mm:ss` in `zone`, decimals with their scale.

    Doubles have no text that all engines agree on; theirs is that of the engine and must not be published.
    """
    if kind.kind == "timestamp":
        return mark("STAMP", e, checked_zone(zone))
    return e.copy() if kind.kind == "text" else exp.Cast(this=e.copy(), to=exp.DataType.build("TEXT"))


def period_of(e: exp.Expr, kind: ColumnType, grain: str, zone: str) -> exp.Expr:
    """The year (`2026`), month (`2026-05`) or day of a date or, in `zone`, of a timestamp, as text."""
    return mark("PERIOD", e, kind.kind, _grain(grain), checked_zone(zone))


def date_trunc_to(e: exp.Expr, kind: ColumnType, grain: str, zone: str) -> exp.Expr:
    """The first day of the period, as a date."""
    return mark("TRUNC", e, kind.kind, _grain(grain), checked_zone(zone))


def _grain(grain: str) -> str:
    if grain not in _WIDTHS:
        raise ExpressionError(f"There is no period {grain}.", remedy="Use year, month or day.")
    return grain


def band(e: exp.Expr, width: int, kind: ColumnType = ColumnType("bigint")) -> exp.Expr:
    """The band of `width` that holds a number: `20-24` for whole numbers, `20-<25` for others."""
    return mark("BAND", e, width, kind.kind)


def round_to(e: exp.Expr, step: Decimal | float, kind: ColumnType) -> exp.Expr:
    """The nearest multiple of `step`, half away from zero, exact in decimals; result of type `kind`.

    `e` must be a whole number or a decimal (a double is read with six decimals). NULL where 36 digits do not suffice.
    """
    exact = Decimal(str(step)).normalize()
    if exact <= 0 or kind.kind not in ("bigint", "decimal"):
        raise ExpressionError("Rounding needs a step above zero and a whole number or decimal.", remedy="Correct it.")
    return mark("ROUND", e, f"{exact:f}", str(data_type(kind)), max(kind.scale, 0))


def hmac_token(e: exp.Expr, ipad: str = "ipad", opad: str = "opad") -> exp.Expr:
    """`t_` and 32 letters: the hex digits of HMAC-SHA256 (RFC 2104), 0 to 9 written g to p. The 64-byte pads are BLOB parameters, never SQL text."""
    return mark("TOKEN", e, ipad, opad)


def cap(e: exp.Expr, bottom: exp.Expr | None, top: exp.Expr | None) -> exp.Expr:
    """Bottom and top coding: what lies outside becomes the bound (not LEAST and GREATEST, which would write the bound for NULL)."""
    whens: list[tuple[exp.Expr, exp.Expr]] = [(exp.LT(this=e.copy(), expression=bottom.copy()), bottom)] if bottom is not None else []
    whens += [(exp.GT(this=e.copy(), expression=top.copy()), top)] if top is not None else []
    return case(whens, e)


def shift_days(e: exp.Expr, subject: exp.Expr, days: int, ipad: str = "shift_ipad", opad: str = "shift_opad") -> exp.Expr:
    """A date moved by -days … days, never by 0, the same for equal `subject` texts: HMAC-SHA256 of the subject decides (pads as in
    `hmac_token`). NULL without a subject, and for dates outside SHIFTED: those stand for «unknown» or «for ever» and would tell the shift.
    """
    return mark("SHIFT", e, subject, days, ipad, opad)


def concat_words(conditions: Sequence[tuple[exp.Expr, str]]) -> exp.Expr:
    """The words of the true conditions joined by `;`, in order; empty text where none is true (NULL is not true)."""
    parts: list[exp.Expr | str] = []
    for condition, word in conditions:
        parts += [condition, word]
    return mark("WORDS", *parts)


def row_hash(values: Sequence[exp.Expr]) -> exp.Expr:
    """sha256 in hex over texts; lengths are written before the values, so that no two rows collide by their seams."""
    return mark("HASH", *values)


def coalesce(*values: exp.Expr) -> exp.Expr:
    """The first value that is not NULL."""
    return exp.Coalesce(this=values[0].copy(), expressions=[value.copy() for value in values[1:]])


def case(whens: Sequence[tuple[exp.Expr, exp.Expr]], default: exp.Expr | None = None) -> exp.Expr:
    """The value of the first true condition."""
    ifs = [exp.If(this=condition.copy(), true=value.copy()) for condition, value in whens]
    return exp.Case(ifs=ifs, default=default.copy() if default else None)


@rendering("STAMP")
def _stamp(r: Renderer, a: list[exp.Expr]) -> str:
    local = to_local(r, r.of(a[0]), string(a[1]))
    return f"strftime({local}, '%Y-%m-%d %H:%M:%S')" if r.duck else f"date_format({local}, 'yyyy-MM-dd HH:mm:ss')"


def _day(r: Renderer, e: exp.Expr, kind: str, zone: str) -> str:
    return f"CAST({to_local(r, r.of(e), zone)} AS DATE)" if kind == "timestamp" else r.of(e)


@rendering("PERIOD")
def _period(r: Renderer, a: list[exp.Expr]) -> str:
    day = _day(r, a[0], string(a[1]), string(a[3]))
    return f"left(CAST({day} AS {'VARCHAR' if r.duck else 'STRING'}), {_WIDTHS[string(a[2])]})"


@rendering("TRUNC")
def _trunc(r: Renderer, a: list[exp.Expr]) -> str:
    day, grain = _day(r, a[0], string(a[1]), string(a[3])), string(a[2])
    if grain == "day":
        return day
    if r.duck:
        return f"CAST(date_trunc('{grain}', {day}) AS DATE)"
    return f"trunc({day}, '{'YEAR' if grain == 'year' else 'MM'}')"


@rendering("BAND")
def _band(r: Renderer, a: list[exp.Expr]) -> str:
    e, width, whole = r.of(a[0]), number(a[1]), string(a[2]) == "bigint"
    text = "VARCHAR" if r.duck else "STRING"
    floored = e if whole else f"CAST(floor({e}) AS BIGINT)"
    # Far from the ends of 64 bits, so that no sum below can overflow.
    low = f"({floored} - (({floored} % {width}) + {width}) % {width})"
    high = f"concat(CAST({low} AS {text}), '-', CAST({low} + {width - 1} AS {text}))"
    if not whole:
        high = f"concat(CAST({low} AS {text}), '-<', CAST({low} + {width} AS {text}))"
    return f"CASE WHEN abs({e}) < 9000000000000000000 THEN {high} END" if not whole else (
        f"CASE WHEN {e} BETWEEN -9000000000000000000 AND 9000000000000000000 THEN {high} END")


@rendering("ROUND")
def _round(r: Renderer, a: list[exp.Expr]) -> str:
    step, target, scale = Decimal(string(a[1])), string(a[2]), number(a[3])
    s = max(scale, -int(step.as_tuple().exponent), 6)
    unit = int(step.scaleb(s))
    e = f"CAST({r.of(a[0])} AS DECIMAL({37 - s}, {s}))"
    most = f"1e{max(36 - 2 * s - 1, 1)}"
    fits = f"{r.of(a[0])} > -{most} AND {r.of(a[0])} < {most}"       # abs() of the smallest 64-bit number is an error
    whole = "HUGEINT" if r.duck else "DECIMAL(38, 0)"
    scaled = f"CAST({e} * CAST({10**s} AS DECIMAL({s + 1}, 0)) AS {whole})"
    double = f"(2 * abs({scaled}) + {unit})"
    steps = f"({double} - {double} % {2 * unit})"
    half = f"{steps} // 2" if r.duck else f"CAST({steps} * 0.5 AS DECIMAL(38, 0))"
    back = (f"CAST(({half}) * CASE WHEN {scaled} < 0 THEN -1 ELSE 1 END AS DECIMAL({37 - s}, 0))"
            f" * CAST({lit(Decimal(1).scaleb(-s)).this} AS DECIMAL({s + 1}, {s}))")
    return f"CASE WHEN {fits} THEN TRY_CAST({back} AS {target}) END"


def _hmac(r: Renderer, e: str, ipad: str, opad: str) -> str:
    """HMAC-SHA256 (RFC 2104) in hex. The pads are parameters; on Spark a function of the session holds them."""
    if not r.duck:
        return f"cl_hmac_{ipad}({e})"
    return f"sha256(CAST(${opad} AS BLOB) || unhex(sha256(CAST(${ipad} AS BLOB) || encode({e}))))"


@rendering("TOKEN")
def _token(r: Renderer, a: list[exp.Expr]) -> str:
    # Letters only: no token can look like a number of a person.
    return f"'t_' || translate(left({_hmac(r, r.of(a[0]), string(a[1]), string(a[2]))}, 32), '0123456789', 'ghijklmnop')"


@rendering("SHIFT")
def _shift(r: Renderer, a: list[exp.Expr]) -> str:
    e, days = r.of(a[0]), number(a[2])
    hexes = f"left({_hmac(r, r.of(a[1]), string(a[3]), string(a[4]))}, 12)"
    whole = f"('0x' || {hexes})" if r.duck else f"conv({hexes}, 16, 10)"
    drawn = f"CAST({whole} AS BIGINT) % {2 * days}"
    offset = f"CAST(({drawn}) - {days} + CASE WHEN ({drawn}) >= {days} THEN 1 ELSE 0 END AS INT)"
    moved = f"CAST({e} + {offset} AS DATE)" if r.duck else f"date_add({e}, {offset})"
    return f"CASE WHEN {e} BETWEEN DATE '{SHIFTED[0]}' AND DATE '{SHIFTED[1]}' THEN {moved} END"


@rendering("WORDS")
def _words(r: Renderer, a: list[exp.Expr]) -> str:
    pairs = [(r.of(condition), r.text(string(word))) for condition, word in zip(a[::2], a[1::2], strict=True)]
    if not pairs:
        return "''"
    joined = ", ".join(f"CASE WHEN {condition} THEN {word} END" for condition, word in pairs)
    # Most rows fail nothing: one short-circuiting OR decides, and only the others pay for building the text.
    return f"CASE WHEN {' OR '.join(condition for condition, _ in pairs)} THEN concat_ws(';', {joined}) ELSE '' END"


@rendering("HASH")
def _hash(r: Renderer, a: list[exp.Expr]) -> str:
    text, size = ("VARCHAR", "length") if r.duck else ("STRING", "char_length")
    parts = [f"CASE WHEN {e} IS NULL THEN '-' ELSE concat(CAST({size}({e}) AS {text}), ':', {e}) END" for e in map(r.of, a)]
    joined = f"concat({', '.join(parts)})"
    return f"sha256({joined})" if r.duck else f"sha2({joined}, 256)"
