"""Whether an address stands in the city's address library: the derived dataset whose key is `door_key`. Reads silver in force, inside the city."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from catalog.contract import Contract
from catalog.dialect import col
from catalog.evidence import TableAt
from pipelines.way import Way, table
from privacy.address_codes import Code

KEY, COARSER = "door_key", ("estate_key", "building_key", "gate_key")
_FINER = {"building_key": "building", "gate_key": "gate", "estate_key": "estate"}


def library_of(way: Way) -> Contract | None:
    """The city's address library, once it has rows."""
    found = (one for one in way.city.contracts.values() if one.derived and tuple(one.keys) == (KEY,))
    return next((one for one in found if table("silver", one.id) in way.journal.state(one.id).tables), None)


def matches(way: Way, codes: Sequence[Code | None]) -> list[str]:
    """How well the library knows each address: `door` (itself), `estate` (the same door by its estate's name), `building`, `gate`; ""
    where it does not. The keys stay out of every query: the library's are read and compared here.
    """
    library = library_of(way)
    if library is None or not any(codes):
        return [""] * len(codes)
    known = _known(way, library)
    return [_match(code, known) if code is not None else "" for code in codes]


def _match(code: Code, known: Mapping[str, frozenset[str]]) -> str:
    if code.key in known[KEY]:
        return "door"
    if code.key in known["estate_key"] or (code.estate_key and code.estate_key in known[KEY]):
        return "estate"
    for name, key in (("building_key", code.building_key), ("gate_key", code.gate_key)):
        if key and (key in known[name] or key in known[KEY]):
            return _FINER[name]
    return ""


def _known(way: Way, library: Contract) -> dict[str, frozenset[str]]:
    names = [name for name in (KEY, *COARSER) if name in {column.name for column in library.columns}]
    silver = TableAt(table("silver", library.id), way.journal.state(library.id).tables[table("silver", library.id)])
    with way.engine.open({"library": silver}) as session:
        rows = session.read(exp.select(*map(col, names)).from_("library")).read_all()
    found = {name: frozenset(value for value in rows.column(name).to_pylist() if value) for name in names}
    return {name: found.get(name, frozenset()) for name in (KEY, *COARSER)}
