"""Codes of addresses: what records of one door, building or gate share, inside the city.

A code is the finest certain division (12 digits, filled with zeros), a dash, and a key of 16 hex digits. Records join by the key: it is
the same whether or not the street was named, and for every spelling of the number. Not for outside: whoever has a list of all
addresses can compute all keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from privacy.addresses import Address, division_code, parse, standard

_INSIDE = ("unit", "floor", "room")


@dataclass(frozen=True)
class Code:
    """Keys of an address; "" where it has none. `level`: gate, building or door, what `key` is the key of.

    `estate_key` is the key that the same door has where only its estate is named, not its road: set where the address names both.
    """

    division: str
    level: str
    key: str
    building_key: str
    gate_key: str
    estate_key: str = ""

    @property
    def code(self) -> str:
        return f"{self.division:0<12}-{self.key}"


def codes(address: Address, near: str = "") -> Code | None:
    """The codes; None where no district is certain, or nothing finer than a road is named."""
    return coded(division_code(address, near), standard(address, near))


def coded(division: str, made: Mapping[str, str]) -> Code | None:
    """The codes of an address whose finest certain division and standard levels are known."""
    place = _place(made)
    numbered = any(made.get(name) for name in ("roadno", "building", *_INSIDE))
    if len(division) < 6 or place is None or not numbered:
        return None
    building, inside = made.get("building", ""), [made.get(name, "") for name in _INSIDE]
    if inside[2]:
        inside[1] = ""                      # a room's number tells its floor
    level = "door" if any(inside) else "building" if building else "gate"
    alias = made.get("estate", "") if place[0] and place[1] and level != "gate" else ""
    return Code(
        division, level, _key(division, place, building, *inside), _key(division, place, building, "", "", "") if building else "",
        _key(division, place, "", "", "", ""), _key(division, ("", "", alias), building, *inside) if alias else "")


def _place(made: Mapping[str, str]) -> tuple[str, str, str] | None:
    """What tells the place of a gate: road and number; else the estate; else the village or community, with a house's number."""
    road, number, estate = (made.get(name, "") for name in ("road", "roadno", "estate"))
    if road and number:
        return road, number, ""             # the estate is often left out
    if estate:
        return "", number, estate           # the road, without a number, is too
    village = made.get("community", "")
    return (road, number, "") if road else ("", number, village) if village else None


def _key(division: str, place: tuple[str, str, str], *tail: str) -> str:
    text = "|".join([division[:6], *(_core(part) for part in (*place, *tail))])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _core(part: str) -> str:
    """A door's number without the word for what it numbers: 3幢, 3栋 and 3号楼 are the same building."""
    return "".join(mark for mark in part if mark not in "号幢栋座楼层F单元室房间#第 ") or part


def address_code(address: Address, near: str = "") -> str:
    """The code of an address; "" where it has none."""
    found = codes(address, near)
    return found.code if found else ""


def door_of(code: str) -> str:
    """What records of one door share: the part of an address code after the dash."""
    return code.partition("-")[2]


def linked(values: Iterable[str], near: str = "") -> dict[str, str]:
    """Value → address code, for those values that are one address with a certain district."""
    found = {value: parse(value) for value in values}
    made = {value: address_code(addresses[0], near) for value, addresses in found.items() if len(addresses) == 1}
    return {value: code for value, code in made.items() if code}
