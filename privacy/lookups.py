"""Treatments that no engine can compute: a text redacted, an address cut off. Each distinct value is treated once, in Python, and the
gold query reads the result from a lookup: a table of (value, treated) that exists in the session alone.

Nothing here reads or writes. A value that cannot be treated has no entry, and a value without an entry becomes NULL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from types import ModuleType

from catalog.errors import CitylakeError
from catalog.extension import Generalise, Redact, Treatment

ROW_LABEL = "[略]"      # instead of what other columns of a redacted text's row say of persons: part of what a lookup rests on


def needs_lookup(how: Treatment) -> bool:
    """Whether a treatment is read from a lookup."""
    return isinstance(how, Redact) or (isinstance(how, Generalise) and how.address is not None)


def needs_model(how: Treatment) -> bool:
    """Whether a treatment asks the language model; without the model it is not made, and the product is held."""
    return isinstance(how, Redact)


def lookup_table(column: str) -> str:
    """Name of a column's lookup in the session; no contract's name begins with `_`."""
    return f"_lookup_{column}"


def value_column(column: str) -> str:
    """The lookup's column of silver values."""
    return f"_value_{column}"


def treated_column(column: str) -> str:
    """The lookup's column of treated values."""
    return f"_treated_{column}"


class Unready(CitylakeError):
    """A treatment cannot be made here: its rules or the language model are missing. Whoever asked HOLDS."""


def treated(column: str, how: Treatment, values: Sequence[str], near: str = "") -> list[str | None]:
    """The treated value of each value, in order; None where it cannot be told. Raises Unready, naming the column, never a value.

    `near` is the city's division code: of several places that bear a name, the one that lies there is meant.
    """
    if isinstance(how, Redact):
        text, model = _module("privacy.text", column), _module("privacy.model", column)
        return list(text.redact(values, _loaded(model, column)))
    if isinstance(how, Generalise) and how.address is not None:
        addresses = _module("privacy.addresses", column)
        return [addresses.text_at(value, how.address, near) for value in values]
    raise AssertionError("not a treatment by lookup")


def versions(hows: Iterable[tuple[str, Treatment]], near: str = "") -> list[str]:
    """What the lookups of these columns rest on, for the operation's id: `missing` and the column where it cannot be made."""
    found = []
    for column, how in hows:
        if not needs_lookup(how):
            continue
        try:
            treated(column, how, [])
            found.append(f"{_module('privacy.text', column).TEXT_VERSION} {ROW_LABEL}" if needs_model(how)
                         else f"{_module('privacy.addresses', column).address_version()} {near}")
        except Unready:
            found.append(f"missing {column}")
    return found


def missing(versions: Iterable[str]) -> list[str]:
    """The columns that `versions` says cannot be treated."""
    return [version.removeprefix("missing ") for version in versions if version.startswith("missing ")]


def _module(name: str, column: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError:
        raise _unready(column) from None


def _loaded(module: ModuleType, column: str) -> object:
    try:
        return module.load()
    except (CitylakeError, ImportError):
        raise _unready(column) from None


def _unready(column: str) -> Unready:
    return Unready(f"The column {column} cannot be treated without the language model.", remedy="Install the model, then run again.")
