"""What refine computes from an address column: the parts of catalog/addressing.py, for one value at a time, and the names of the
lookups that hold them while a session is open (no contract's names begin with `_`).

Nothing here reads or writes. A value that is not exactly one address has no part; neither has a part that is not certain.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from catalog.extension import AddressPart
from privacy.address_codes import Code, coded
from privacy.address_parts import DIVISIONS
from privacy.address_places import LEVEL_OF
from privacy.addresses import division_code, parse, standard

REMEMBERED = 200_000        # distinct addresses whose parts one process keeps: the next dataset and the next run meet them again
_TOLD = (*DIVISIONS, "road", "roadno", "estate", "building", "unit", "floor", "room")
_CODED = {length: f"{level}_code" for length, level in LEVEL_OF.items()}


def address_table(column: str) -> str:
    """Name of an address column's lookup in the session."""
    return f"_address_{column}"


def value_column(column: str) -> str:
    """The lookup's column of addresses."""
    return f"_address_of_{column}"


def part_column(column: str, part: AddressPart) -> str:
    """The lookup's column of one part."""
    return f"_address_{part}_of_{column}"


@lru_cache(maxsize=REMEMBERED)
def parts_of(value: str, near: str = "") -> Mapping[str, str]:
    """Part → its text. Empty where the value is not one address whose district is certain."""
    found = parse(value)
    if len(found) != 1:
        return {}
    division = division_code(found[0], near)
    if len(division) < 6:
        return {}
    made = standard(found[0], near)
    code = coded(division, made)
    parts = {name: made[name] for name in (*DIVISIONS, "road") if made.get(name)}
    parts |= {_CODED[length]: division[:length] for length in (6, 9, 12) if len(division) >= length}
    parts |= {"standard": "".join(made.get(name, "") for name in _TOLD), "level": _level(made, code)}
    return parts if code is None else parts | _keys(code)


def _keys(code: Code) -> dict[str, str]:
    found = {"code": code.code, "key": code.key, "building_key": code.building_key, "gate_key": code.gate_key, "estate_key": code.estate_key}
    return {name: value for name, value in found.items() if value}


def _level(made: Mapping[str, str], code: Code | None) -> str:
    """The finest level that is told: a division, the road, or what the code is of."""
    if code is not None:
        return code.level
    return next(name for name in reversed((*DIVISIONS, "road")) if made.get(name))
