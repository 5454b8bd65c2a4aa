"""What a draft leaves to a person says DECIDE; the loader refuses a contract in which any of it is left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from catalog.yamlread import Document, Path_

DECIDE, CODE = "DECIDE", "contract.undecided"
LEFT = 12           # problems of one file that are told one by one


def undecided(document: Document) -> int:
    """Tells every value that still says DECIDE, as a problem of its line; how many there are."""
    left = list(_marked(document.data, ()))
    for path in left[:LEFT]:
        where = next((part for part in reversed(path) if isinstance(part, str)), "value")
        document.problem(path, "contract.undecided", f"{where} is not decided yet.", "Write what is true instead of DECIDE.")
    if len(left) > LEFT:
        document.problem(left[LEFT], "contract.undecided", f"{len(left) - LEFT} more are not decided yet.", "Look for DECIDE.")
    return len(left)


def _marked(value: Any, path: Path_) -> Iterator[Path_]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _marked(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _marked(inner, (*path, at))
    elif isinstance(value, str) and value.startswith(DECIDE) and re.match(rf"{DECIDE}\b", value):
        yield path
