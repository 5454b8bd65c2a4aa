"""The ODCS side of a contract: which keys the standard has, at every level, and finding our `citylake` property.

The standard's pydantic model forbids unknown keys only at its top; a misspelt `clasification` must not pass below it.
"""

from __future__ import annotations

import types
import typing
from difflib import get_close_matches
from functools import cache
from typing import Any

from open_data_contract_standard.model import CustomProperty, OpenDataContractStandard
from pydantic import BaseModel, ValidationError

from catalog.yamlread import Document, Path_

API_VERSIONS = ("v3.0.2", "v3.1.0")
OURS = "citylake"


def check_keys(document: Document) -> None:
    """Reports every key that the standard does not have."""
    _check(document, document.data, OpenDataContractStandard, ())


def _check(document: Document, value: Any, model: type[BaseModel], path: Path_) -> None:
    if not isinstance(value, dict):
        document.problem(path, "odcs.form", f"{_spell(path)} must be a mapping.", "Write it as `key: value` lines.")
        return
    fields = _fields(model)
    if model is CustomProperty and not value.get("property"):
        document.problem(path, "odcs.type", f"{_spell(path)} has no name.", "Write it under `property`.")
    for key, item in value.items():
        here = (*path, key)
        if key not in fields:
            document.problem(here, "odcs.unknown", f"{_spell(here)} is not a key of ODCS.",
                             "See the standard's reference, or put it under the citylake customProperty.")
            continue
        inner, many = fields[key]
        if inner is None or (model is CustomProperty and key == "value"):
            continue
        items = item if many and isinstance(item, list) else [item]
        for at, one in enumerate(items):
            if one is not None:
                _check(document, one, inner, (*here, at) if many and isinstance(item, list) else here)


@cache
def _fields(model: type[BaseModel]) -> dict[str, tuple[type[BaseModel] | None, bool]]:
    """Key → the model of its value, and whether it is a list of them."""
    return {info.alias or name: _model(info.annotation) for name, info in model.model_fields.items()}


def _model(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The pydantic model inside an annotation, and whether it is a list of them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is list:
        return _model(arguments[0])[0], True
    if origin in (typing.Union, types.UnionType):
        found = [_model(item) for item in arguments]
        return next((item for item in found if item[0] is not None), (None, False))
    return None, False


def check_types(document: Document) -> None:
    """Reports what the standard's own model refuses, without its leniency: `required: "no"` is no boolean."""
    try:
        OpenDataContractStandard.model_validate(document.data, strict=True)
    except ValidationError as error:
        for item in error.errors(include_input=False, include_url=False):
            where = tuple(part for part in item["loc"] if not (isinstance(part, str) and part[:1].isupper()))
            if item["type"] != "extra_forbidden":      # told by check_keys, below the top too
                document.problem(where, "odcs.type", f"{_spell(where)} has the wrong form ({item['type']}).", "See the standard's reference.")


def ours(document: Document, holder: dict[str, Any], path: Path_) -> tuple[dict[str, Any] | None, Path_]:
    """The value of the `citylake` custom property of an object, and where it stands."""
    found, at = None, (*path, "customProperties")
    for number, item in enumerate(listed(holder, "customProperties")):
        if isinstance(item, dict) and item.get("property") == OURS:
            here = (*path, "customProperties", number, "value")
            if found is not None:
                document.problem(here, "citylake.twice", "There are two citylake properties.", "Join them.")
            found, at = item.get("value"), here
            if not isinstance(found, dict):
                document.problem(here, "citylake.missing", "The citylake property has no fields.", "Write them under its value.")
        elif isinstance(item, dict) and get_close_matches(str(item.get("property")).lower(), [OURS], cutoff=0.75):
            document.problem((*path, "customProperties", number), "citylake.spelled", "A custom property is almost called citylake.",
                             "Write `property: citylake`, or its fields would count for nothing.")
    return found if isinstance(found, dict) else None, at


def listed(holder: Any, key: str) -> list[Any]:
    """The list under a key; empty for anything else, which `check_types` reports."""
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if isinstance(value, list) else []


def mapped(holder: Any, key: str) -> dict[str, Any]:
    """The mapping under a key; empty for anything else, which `check_types` reports."""
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if isinstance(value, dict) else {}


def _spell(path: Path_) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    return text or "the contract"
