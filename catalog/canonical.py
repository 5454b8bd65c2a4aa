"""Canonical data and its fingerprint: what operation ids, records and policy versions are made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

_LEAVES = frozenset({str, int, float, bool})


def plain(value: Any) -> Any:
    """`value` as JSON-able data, for fingerprints and records."""
    if value is None or type(value) in _LEAVES:         # nearly all: every record and every state is made of them
        return value
    if isinstance(value, BaseModel):
        return plain(value.model_dump(mode="json"))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(plain(item) for item in value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value if isinstance(value, str | int | float | bool) else str(value)


def fingerprint(*parts: Any) -> str:
    """sha256 over the canonical JSON of `parts`; what an operation's id is made of."""
    text = json.dumps([plain(part) for part in parts], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
