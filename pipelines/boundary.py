"""Numbered boundaries between writes. In production they do nothing; a test watches them and kills the process there."""

from __future__ import annotations

from collections.abc import Callable

watchers: list[Callable[[str], None]] = []


def boundary(name: str) -> None:
    """A write has just ended, or is about to begin: `step/what`."""
    for watch in watchers:
        watch(name)
