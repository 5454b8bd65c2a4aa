"""Reading the journal as an auditor: nothing is trusted, nothing stops the reading, every contradiction is named.

Each record's hash is attested by the record after it and by every city seal that names it. The newest seal bounds what can
be proved: records after it that vanish, or change without leaving a trace, are not seen until they are sealed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.audit.finding import Mismatch, note
from pipelines.journal import CITY, ZERO, Journal, Record, encode
from pipelines.state import State, fold

NUMBERED = re.compile(r"(\d{10})\.json")
LEFT = re.compile(r"\d{10}\.json#\d+")         # what an interrupted put leaves
Heads = Mapping[str, Mapping[int, frozenset[str]]]      # chain → sequence number → hashes that seals name


@dataclass
class Chain:
    """A chain as far as it can be read. `hashes` has every record file's sha256, `records` those that can be parsed."""

    name: str
    folder: str
    hashes: dict[int, str] = field(default_factory=dict)
    records: dict[int, Record] = field(default_factory=dict)
    crooked: set[int] = field(default_factory=set)      # bytes that the journal would not have written so

    @property
    def dataset(self) -> str | None:
        return None if self.name == CITY else self.name

    def place(self, seq: int) -> str:
        return f"{self.folder}/{seq:010d}.json"

    def bodies(self, *kinds: str) -> Iterator[Mapping[str, Any]]:
        """Bodies of the records of these kinds (of all where none is named), in order."""
        return (record.body for _, record in sorted(self.records.items()) if not kinds or record.kind in kinds)

    def state(self) -> State | None:
        """What the readable records mean; None when they mean nothing."""
        state = State(self.name)
        try:
            for seq, record in sorted(self.records.items()):
                state = fold(state, record.kind, record.body, seq, record.at)
        except (KeyError, TypeError, AttributeError, ValueError):
            return None
        return state


def read_chain(journal: Journal, name: str) -> Chain:
    """Every record file of a chain, whatever it holds."""
    folder = journal.root / name.replace(".", "/")
    chain = Chain(name, folder.relative_to(journal.root.parent).as_posix())
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        if found := NUMBERED.fullmatch(path.name):
            _read(chain, int(found[1]), path)
    return chain


def _read(chain: Chain, seq: int, path: Path) -> None:
    try:
        data = path.read_bytes()
    except OSError:
        return
    sha = chain.hashes[seq] = hashlib.sha256(data).hexdigest()
    try:
        item = json.loads(data)
        record = Record(item["chain"], item["seq"], item["prev"], item["at"], item["kind"], item["body"], sha)
        same = encode(record.chain, record.seq, record.prev, record.at, record.kind, record.body) == data
    except (ValueError, KeyError, TypeError, RecursionError):
        chain.crooked.add(seq)
        return
    if not same or (record.chain, record.seq) != (chain.name, seq) or not isinstance(record.body, dict):
        chain.crooked.add(seq)
        return
    chain.records[seq] = record


def sealed(city: Chain) -> Heads:
    """What every seal says about the heads of the chains."""
    found: dict[str, dict[int, frozenset[str]]] = {}
    for body in city.bodies("seal"):
        for name, head in body.get("heads", {}).items():
            at = found.setdefault(name, {})
            at[head[0]] = at.get(head[0], frozenset()) | {head[1]}
    return found


def check_chain(chain: Chain, seals: Mapping[int, frozenset[str]]) -> Iterator[Mismatch]:
    """Every record of a chain that is missing, unreadable, or not the one that others attest."""
    last = max([0, *chain.hashes, *seals])
    for seq in range(1, last + 1):
        reason = _wrong(chain, seq, seals.get(seq, frozenset()))
        if reason:
            yield Mismatch(chain.place(seq), chain.dataset, reason)


def _wrong(chain: Chain, seq: int, attested: frozenset[str]) -> str | None:
    sha, record, after = chain.hashes.get(seq), chain.records.get(seq), chain.records.get(seq + 1)
    if sha is None:
        return "The record is missing."
    if seq in chain.crooked:
        return "The record is not what the journal writes: it has been changed."
    if attested - {sha}:
        return "The record is not the one that the city has sealed: it has been changed."
    if after is not None and after.prev != sha:
        return "The record is not the one that the record after it names: one of the two has been changed."
    if seq == 1 and record is not None and record.prev != ZERO:
        return "The first record names one before it."
    return None


def check_strays(journal: Journal, names: list[str]) -> Iterator[Mismatch]:
    """Files in the journal's folder that are no records; their names are not shown."""
    folders = {journal.root / name.replace(".", "/") for name in names}
    counts: dict[tuple[Path, bool], int] = {}
    for path in journal.root.rglob("*"):
        if path.is_file() and not (path.parent in folders and NUMBERED.fullmatch(path.name)):
            key = (path.parent if path.parent in folders else journal.root, bool(LEFT.fullmatch(path.name)))
            counts[key] = counts.get(key, 0) + 1
    for (folder, left), number in sorted(counts.items()):
        place = folder.relative_to(journal.root.parent).as_posix()
        if left:
            yield note(place, None, f"Interrupted writes left {number} files beside the records.", "They may be removed.")
        else:
            yield Mismatch(place, None, f"There are {number} files that are no records.", "Move them away: nobody but citylake writes here.")


