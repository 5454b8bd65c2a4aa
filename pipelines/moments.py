"""Moments of the journal (ISO 8601, UTC) as people read them: in the city's zone, always in the same form. Nothing but text."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def local(at: str, zone: str) -> datetime:
    """The moment in the city's zone; a time without a zone is taken as UTC. Raises ValueError for what is no time."""
    found = datetime.fromisoformat(at)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(ZoneInfo(zone))


def day(at: str | None, zone: str) -> str:
    """The day, 2026-11-22; a date, which has no zone, stays what it is; `–` where there is none."""
    if not at:
        return "–"
    return at if len(at) <= 10 else local(at, zone).date().isoformat()


def minute(at: str | None, zone: str) -> str:
    """The day and the minute, 2026-11-22 08:05; `–` where there is none."""
    return f"{local(at, zone):%Y-%m-%d %H:%M}" if at else "–"


def days_since(at: str, today: date, zone: str) -> int:
    """Whole days of the city's calendar between the moment and `today`."""
    return (today - local(at, zone).date()).days
