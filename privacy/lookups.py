"""Treatments that no engine can compute: a text redacted, an address cut off. Each distinct value is treated once, in Python, and the
gold query reads the result from a lookup: a table of (value, treated) that exists in the session alone.

Nothing here reads or writes. A value that cannot be treated has no entry, and a value without an entry becomes NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from catalog.extension import Generalise, Redact, Treatment

Treated = Callable[[Sequence[str]], list[str | None]]


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
