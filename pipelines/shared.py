"""Runs clause c: sketches of silver's element columns, kept as keyed hashes in the state folder, against a candidate's columns."""

from __future__ import annotations

import json

from catalog import dialect as d
from catalog.canonical import fingerprint
from catalog.contract import ColumnType, Contract
from catalog.evidence import Finding, TableAt
from pipelines.engines import Session
from pipelines.way import Way, private, table
from privacy.policy_file import SharedElement
from privacy.sketches import FEW, LEAST, SPELLING, Sketch, asked_query, enough, judge_values, made, shared_with, sketch_query


def shared_values(way: Way, contract: Contract, session: Session, view: str) -> list[Finding]:
    """Columns of the candidate that hold what an authoritative dataset shares already, whatever they are called.

    Where the estimate would rest on too few hashes, the authority is asked which of the candidate's hashes it has.
    """
    known = {one.id: (one, sketch) for one in shared_with(way.policy, contract) if (sketch := known_sketch(way, one)) is not None}
    found: list[Finding] = []
    for column in contract.given if known else ():
        candidate = _sketch(way, session, column.name, view, None)
        for shared, sketch in known.values():
            exact = sketch if len(candidate.hashes) < FEW or enough(candidate, sketch) else _asked(way, shared, candidate)
            found += [one for one in [judge_values(shared, column.name, candidate, exact, len(sketch.hashes))] if one is not None]
    return found


def known_sketch(way: Way, shared: SharedElement) -> Sketch | None:
    """The sketch of the authoritative column as it is in force; None while there is none, or too little to tell."""
    contract = way.city.contracts.get(shared.authoritative)
    name = table("silver", shared.authoritative)
    version = way.journal.state(shared.authoritative).tables.get(name)
    if contract is None or version is None or shared.column not in {column.name for column in contract.columns}:
        return None
    path = private(way.settings.state / "sketches") / f"{fingerprint(name, version, shared.column, SPELLING)[:32]}.json"
    if path.exists():
        sketch = made(json.loads(path.read_text(encoding="ascii")))
    else:
        with way.engine.open({"known": TableAt(name, version)}) as session:
            sketch = _sketch(way, session, shared.column, "known", ColumnType("text"))
        path.write_text(json.dumps(sketch.hashes), encoding="ascii")
        path.chmod(0o600)
    return sketch if len(sketch.hashes) >= LEAST else None


def _asked(way: Way, shared: SharedElement, candidate: Sketch) -> Sketch:
    """Those of the candidate's hashes that the authoritative column in force has; all of them are known then."""
    name = table("silver", shared.authoritative)
    with way.engine.open({"known": TableAt(name, way.journal.state(shared.authoritative).tables[name])}) as session:
        query = asked_query(shared.column, "known", candidate.hashes, d.cast_to(d.col(shared.column), ColumnType("text")))
        return Sketch(tuple(sorted(str(row["hash"]) for row in session.rows(query, _pads(way)))), True)


def _pads(way: Way) -> dict[str, bytes]:
    key = way.secret("sketches").ljust(64, b"\0")
    return {"ipad": bytes(byte ^ 0x36 for byte in key), "opad": bytes(byte ^ 0x5C for byte in key)}


def _sketch(way: Way, session: Session, column: str, view: str, cast: ColumnType | None) -> Sketch:
    text = d.cast_to(d.col(column), cast) if cast else None
    return made([str(row["hash"]) for row in session.rows(sketch_query(column, view, text), _pads(way))])
