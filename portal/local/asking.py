"""One HTTP question to a part of the stack. Never through a proxy: everything is on loopback."""

from __future__ import annotations

import urllib.request

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(url: str, headers: dict[str, str] | None = None, seconds: float = 30) -> bytes:
    """The body of a good answer. Raises urllib.error.HTTPError for others, OSError when nobody answers."""
    with _OPENER.open(urllib.request.Request(url, headers=headers or {}), timeout=seconds) as answer:
        body: bytes = answer.read()
        return body
