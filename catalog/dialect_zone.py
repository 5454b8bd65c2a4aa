"""Instants and a city's local time. Sessions run in UTC on both engines (asserted when they open).

Where a zone's offset has not changed since some year and has no daylight saving (China: since 1992), local times after
it are plain arithmetic, which is several times faster than asking the engine's calendar library for every row.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from catalog.dialect_tree import ExpressionError, Renderer

_FIRST, _LAST = 1970, 2100


def checked_zone(zone: str) -> str:
    """The zone's IANA name, or ExpressionError when there is none."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ExpressionError("A time zone is not known.", remedy="Use an IANA name such as Asia/Shanghai.") from None
    return zone


@lru_cache
def fixed_since(zone: str) -> tuple[int, int] | None:
    """(year, offset in µs) from which on the zone keeps one offset until 2100, or None."""
    local = ZoneInfo(zone)
    newest = datetime(_LAST, 1, 1, tzinfo=local).utcoffset() or timedelta()
    for year in range(_LAST, _FIRST, -1):
        weeks = (datetime(year, 1, 1, tzinfo=local) + timedelta(days=7 * week) for week in range(53))
        if any(week.utcoffset() != newest for week in weeks):
            return (year + 1, newest // timedelta(microseconds=1)) if year < 2020 else None
    return _FIRST + 1, newest // timedelta(microseconds=1)


@lru_cache
def set_back(zone: str) -> tuple[int, ...]:
    """By how many seconds the zone's clocks have been set back at once since 1900: so long do local times come twice."""
    local, at = ZoneInfo(zone), datetime(1900, 1, 1, tzinfo=UTC)
    offsets = [(at + timedelta(days=7 * week)).astimezone(local).utcoffset() or timedelta() for week in range(52 * (_LAST - 1900))]
    return tuple(sorted({(before - after) // timedelta(seconds=1) for before, after in pairwise(offsets) if after < before}))


def to_utc(r: Renderer, sql: str, zone: str, quick: bool = True) -> str:
    """The instant of a local time without zone, of one that comes twice the first (PEP 495, java.time); `quick` adds the arithmetic path."""
    if not r.duck:
        return f"to_utc_timestamp({sql}, {r.text(zone)})"
    slow, fixed = _first(r, sql, zone), fixed_since(zone)
    if fixed is not None and not quick:
        slow = f"CASE WHEN {sql} >= TIMESTAMP '{fixed[0]}-01-01' THEN {sql} AT TIME ZONE {r.text(zone)} ELSE {slow} END"
    if not quick or fixed is None:
        return f"({slow})"
    return (f"(CASE WHEN {sql} >= TIMESTAMP '{fixed[0]}-01-01' AND {sql} < TIMESTAMP '{_LAST}-01-01' "
            f"THEN make_timestamptz(epoch_us({sql}) - {fixed[1]}) ELSE {slow} END)")


def _first(r: Renderer, sql: str, zone: str) -> str:
    """DuckDB takes the second of two instants."""
    second = f"({sql} AT TIME ZONE {r.text(zone)})"
    earlier = {back: f"({second} - INTERVAL {back} SECOND)" for back in set_back(zone)}
    cases = [f"WHEN ({first} AT TIME ZONE {r.text(zone)}) = {sql} THEN {first}" for first in earlier.values()]
    return f"(CASE {' '.join(cases)} ELSE {second} END)" if cases else second


def to_local(r: Renderer, sql: str, zone: str) -> str:
    """The local time, without zone, of an instant."""
    if not r.duck:
        return f"from_utc_timestamp({sql}, {r.text(zone)})"
    slow, fixed = f"{sql} AT TIME ZONE {r.text(zone)}", fixed_since(zone)
    if fixed is None:
        return f"({slow})"
    first, last = (f"TIMESTAMPTZ '{year}-01-02 00:00:00+00'" for year in (fixed[0], _LAST - 1))
    return (f"(CASE WHEN {sql} >= {first} AND {sql} < {last} "
            f"THEN make_timestamp(epoch_us({sql}) + {fixed[1]}) ELSE {slow} END)")
