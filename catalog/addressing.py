"""Columns that refine computes from an address column (`from_address`): which parts there are, and the level that each one needs.

Rule of levels: an address cut off at a street (街道) is an area of thousands of people, two steps below the address; a community or a
road one step, never below L2; what names or stands for a building or a door is as sensitive as the address. Parsing is privacy's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from catalog.contract import LEVELS, Column, Contract, Level
from catalog.extension import AddressPart, Drop, Generalise, Token, Treatment

FINE: tuple[AddressPart, ...] = ("standard", "code", "key", "building_key", "gate_key", "estate_key")
AREAS = ("province", "city", "district", "street", "district_code", "street_code", "level")
NEAR = ("community", "road", "community_code")
DIVISION = 12           # characters of an address code before its dash: the community
Say = Callable[[str, str, str, str], None]      # column, code, what is wrong, remedy

assert {*FINE, *AREAS, *NEAR} == set(get_args(AddressPart)), "every part has a level"


def cut_level(level: Level, part: str) -> Level:
    """The level of a part of an address whose own level is `level`."""
    at = LEVELS.index(level)
    if part in AREAS:
        return LEVELS[max(0, at - 2)]
    if part in NEAR:
        return LEVELS[at] if at == 0 else LEVELS[max(1, at - 1)]
    return level


def check_parts(contract: Contract, say: Say) -> None:
    """What is wrong with the computed columns of a contract."""
    for column in contract.columns:
        if column.more.from_address is not None:
            _part(contract, column, say)


def _part(contract: Contract, column: Column, say: Say) -> None:
    asked = column.more.from_address
    if asked is None:
        return
    source = next((one for one in contract.given if one.name == asked.column), None)
    if source is None or source.type.kind != "text" or source.more.codes or column.type.kind != "text":
        say(column.name, "address.column", "an address is computed from a text column of the source, and is text.", "Mend from_address or the type.")
        return
    if column.more.aliases or column.more.standardise or column.key is not None:
        say(column.name, "address.given", "the column is computed: no header fills it, nothing is standardised, it is no key.", "Take that out.")
    needed = cut_level(source.level, asked.part)
    if LEVELS.index(column.level) < LEVELS.index(needed):
        say(column.name, "address.level", f"the level is below {needed}, which {asked.part} of a {source.level} address has.",
            f"Write `classification: {needed}`.")
    if asked.part in FINE and column.level != "L1" and column.more.identifies != "address":
        say(column.name, "address.identifies", "it stands for a door, as the address does.", "Write `identifies: address`.")
    if (source.more.person and asked.part in FINE and not column.more.person) or (source.more.quasi and not column.more.quasi):
        say(column.name, "address.person", "it says less than its address about whom it is about.", "Write person and quasi as on the address.")


def stands_for_a_door(column: Column) -> bool:
    """Whether the values lead to a door that is not public: addresses, and what is computed from them."""
    asked = column.more.from_address
    return column.level != "L1" and (column.more.identifies == "address" or (asked is not None and asked.part in FINE))


def loose(column: Column, how: Treatment, derived: bool) -> bool:
    """Whether a treatment would leave the door readable: a code is one value, and whoever holds all addresses can compute all codes.

    In a derived dataset a column that stands for a door may be a code as well as a text.
    """
    if not stands_for_a_door(column) or isinstance(how, Drop | Token) or not (derived or column.more.from_address):
        return False
    part = column.more.from_address.part if column.more.from_address else "standard"
    if isinstance(how, Generalise):
        return not (part == "code" and how.prefix is not None and how.prefix <= DIVISION) and not (part == "standard" and how.address is not None)
    return True
