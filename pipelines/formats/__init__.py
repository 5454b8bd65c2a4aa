"""How bytes become rows: the format seam, and the formats found by a scan of this folder.

A new kind of file is one module here with one small `Format` class. No message or option of a format
names a value, sheet or header that nobody declared.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from catalog.errors import BadInput
from pipelines.formats.table import HEAD, BadRecord, Format, Table

__all__ = ["BadRecord", "Format", "Table", "check_options", "formats", "open_table"]


@cache
def formats() -> Mapping[str, type[Format]]:
    """Every format by name and by alias (`xlsx` is `excel`)."""
    found: dict[str, type[Format]] = {}
    for module in pkgutil.iter_modules(__path__):
        for kind in vars(importlib.import_module(f"{__name__}.{module.name}")).values():
            if isinstance(kind, type) and issubclass(kind, Format) and kind is not Format:
                found |= dict.fromkeys((kind.name, *kind.aliases), kind)
    return dict(sorted(found.items()))


def open_table(payload: Path, declared: Mapping[str, Any] | None, filename: str) -> Table:
    """Opens a file as declared (`name` and options); what is not declared is detected and shown in `options`.

    Raises BadInput when no format fits, several fit equally, or the bytes cannot be read as declared.
    """
    with payload.open("rb") as handle:
        head = handle.read(HEAD)
    if not head:
        raise BadInput("The file is empty.", remedy="Ask the source for a complete file.")
    options = dict(declared or {})
    name = options.pop("name", None)
    kind = _detected(head, filename) if name is None else _named(name)
    table = kind().open(payload, _validated(kind, options), filename)
    if name is None:
        table.options["detected"] = sorted([*table.options["detected"], "name"])
    return table


def check_options(declared: Mapping[str, Any]) -> list[str]:
    """What is wrong with a contract's `format`, for its checker: one sentence each."""
    options = dict(declared)
    name = options.pop("name", None)
    try:
        if name is not None:
            _validated(_named(name), options)
        elif options:
            return ["The format has options but no name."]
    except BadInput as error:
        return [str(error)]
    return []


def _named(name: object) -> type[Format]:
    if name not in formats():
        raise BadInput("The declared format does not exist.", remedy=f"Use one of: {', '.join(formats())}.")
    return formats()[str(name)]


def _detected(head: bytes, filename: str) -> type[Format]:
    sure = {kind: score for kind in set(formats().values()) if (score := kind.detect(head, filename)) is not None}
    best = [kind for kind, score in sure.items() if score == max(sure.values())]
    if not best:
        raise BadInput("No format fits the file.", remedy="Declare format.name in the contract, or ask for another form of file.")
    if len(best) > 1:
        names = " and ".join(sorted(kind.name for kind in best))
        raise BadInput(f"The file could be {names}.", remedy="Declare format.name in the contract.")
    return best[0]


def _validated(kind: type[Format], options: Mapping[str, Any]) -> Any:
    try:
        return kind.Options.model_validate(options)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'options'}: {item['type']}" for item in error.errors(include_input=False))
        known = ", ".join(kind.Options.model_fields)
        raise BadInput(f"The declared options of format {kind.name} are wrong ({wrong}).", remedy=f"It knows: {known}.") from None
