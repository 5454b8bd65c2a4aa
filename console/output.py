"""What goes to standard output: lines for people, or one JSON document for machines; and progress, on a terminal's error side."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from console.tables import ROOM, clean, terminal_room, width, wrap


def say(*lines: str) -> None:
    """Prints lines."""
    for line in lines:
        print(line)


def tell(text: str) -> None:
    """Prints a text, wrapped at 80 columns; paths stay whole."""
    say(*wrap(text, ROOM, whole=True))


def tell_all(lines: Iterable[str]) -> None:
    say(*lines)


def show_json(document: Any) -> None:
    """Prints one JSON document: UTF-8, keys sorted."""
    from catalog.canonical import plain

    print(json.dumps(plain(document), ensure_ascii=False, sort_keys=True, indent=2))


class Progress:
    """A bar on standard error for long work; nothing where that is no terminal. `say` prints a line without breaking it."""

    def __init__(self, total: int, silent: bool = False) -> None:
        self.total, self.done, self.label = total, 0, ""
        self._live = sys.stderr.isatty() and not silent

    def __enter__(self) -> Progress:
        self._draw()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._wipe()

    def say(self, *lines: str) -> None:
        """Prints lines to standard output, with the bar out of the way."""
        self._wipe()
        say(*lines)
        sys.stdout.flush()
        self._draw()

    def step(self, label: str = "", by: int = 1) -> None:
        """Moves on; `label` says what was done."""
        self.done, self.label = min(self.done + by, self.total), label
        self._draw()

    def _draw(self) -> None:
        if not self._live:
            return
        filled = 20 * self.done // max(self.total, 1)
        text = f"[{'=' * filled}{' ' * (20 - filled)}] {self.done}/{self.total} {clean(self.label)}"
        while width(text) >= terminal_room():
            text = text[:-1]
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()

    def _wipe(self) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
