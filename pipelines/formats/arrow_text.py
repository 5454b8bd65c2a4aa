"""Arrow columns of any type as text, exactly: decimals with all their digits, times in ISO form, nested values as JSON."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def as_text(column: pa.Array) -> tuple[pa.Array, list[int]]:
    """The column as text, and the places of values that are no text (bytes that are not UTF-8)."""
    kind = column.type
    if isinstance(column, pa.ExtensionArray):
        return as_text(column.storage)
    if pa.types.is_dictionary(kind):
        return as_text(column.cast(kind.value_type))
    if pa.types.is_timestamp(kind):
        return _timestamps(column), []
    if pa.types.is_time(kind):
        return _without_zeros(pc.cast(column, pa.string())), []
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind) or pa.types.is_binary_view(kind):
        return _bytes(column)
    if pa.types.is_nested(kind):
        return pa.array([_nested(value) for value in column.to_pylist(maps_as_pydicts="lossy")], pa.string()), []
    return pc.cast(column, pa.string()), []


def _timestamps(column: pa.Array) -> pa.Array:
    if column.type.tz is None:
        return _without_zeros(pc.cast(column, pa.string()))
    utc = pc.cast(column.cast(pa.timestamp(column.type.unit, "UTC")).cast(pa.timestamp(column.type.unit)), pa.string())
    return pc.binary_join_element_wise(_without_zeros(utc), "Z", "")


def _without_zeros(texts: pa.Array) -> pa.Array:
    """Fractions of seconds without the zeros at their end."""
    return pc.replace_substring_regex(pc.replace_substring_regex(texts, r"(\.\d*?)0+$", r"\1"), r"\.$", "")


def _bytes(column: pa.Array) -> tuple[pa.Array, list[int]]:
    try:
        return pc.cast(column, pa.string()), []
    except pa.ArrowInvalid:
        pass
    texts: list[str | None] = []
    wrong: list[int] = []
    for at, value in enumerate(column.to_pylist()):
        try:
            texts.append(None if value is None else value.decode())
        except UnicodeDecodeError:
            texts.append(None)
            wrong.append(at)
    return pa.array(texts, pa.string()), wrong


def _nested(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
