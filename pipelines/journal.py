"""The hash-chained journal: one chain a dataset, one for the city that seals the heads of all.

A record is one small JSON file, created with put-if-absent; it holds the sha256 of the record before it. What the
records mean is folded in pipelines/state.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore

from catalog.canonical import plain
from catalog.errors import LakeError
from pipelines.boundary import boundary
from pipelines.lease import lease
from pipelines.state import State, fold

CITY = "_city"
ZERO = "0" * 64
Clock = Callable[[], datetime]


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Record:
    """One act. `sha` is the sha256 of the stored bytes, which the next record names as `prev`."""

    chain: str
    seq: int
    prev: str
    at: str
    kind: str
    body: Mapping[str, Any]
    sha: str


def encode(chain: str, seq: int, prev: str, at: str, kind: str, body: Mapping[str, Any]) -> bytes:
    """Canonical bytes of a record."""
    document = {"chain": chain, "seq": seq, "prev": prev, "at": at, "kind": kind, "body": plain(body)}
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


class Journal:
    """Reads and appends chains below `root`; folds a dataset's chain into its State, incrementally. `roles`: what each person may decide
    today; without it nobody is taken to have lost a role.
    """

    def __init__(self, root: Path, clock: Clock = now, roles: Mapping[str, frozenset[str]] | None = None) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root, self.clock, self.roles = root, clock, roles
        self._store = LocalStore(str(root))
        self._states: dict[str, tuple[str, State]] = {}

    def chains(self) -> list[str]:
        """Every dataset that has a journal."""
        return sorted(f"{path.parent.name}.{path.name}" for path in self.root.glob("*/*") if path.is_dir())

    def state(self, dataset: str) -> State:
        """What the dataset's chain says now."""
        sha, state = self._states.get(dataset, (ZERO, State(dataset, roles=self.roles)))
        for record in self.records(dataset, after=state.seq, prev=sha):
            state = fold(state, record.kind, record.body, record.seq, record.at)
            sha = record.sha
        self._states[dataset] = (sha, state)
        return state

    def head(self, chain: str) -> tuple[int, str]:
        """Sequence number and hash of the newest record; (0, zeros) when there is none."""
        if chain != CITY:
            state = self.state(chain)
            return state.seq, self._states[chain][0]
        last = (0, ZERO)
        for record in self.records(chain):
            last = (record.seq, record.sha)
        return last

    def records(self, chain: str, after: int = 0, prev: str = ZERO) -> Iterator[Record]:
        """Records in order; raises LakeError at the first that is missing or does not follow the one before."""
        for seq, path in enumerate(self._tail(chain, after), start=after + 1):
            record = self._read(chain, path)
            if record.seq != seq or record.prev != prev or record.chain != chain:
                raise LakeError(
                    f"Journal record {seq} does not follow record {seq - 1}.",
                    dataset=chain,
                    remedy="Run `citylake audit verify` and restore the journal from a backup.",
                )
            prev = record.sha
            yield record

    def append(self, chain: str, kind: str, body: Mapping[str, Any]) -> Record:
        """Adds a record; the only commit point. Raises LakeError when another writer was first."""
        seq, prev = self.head(chain)
        data = encode(chain, seq + 1, prev, self.clock().isoformat(timespec="milliseconds"), kind, body)
        boundary(f"journal/{kind}/before")
        try:
            obstore.put(self._store, self._name(chain, seq + 1), data, mode="create")
        except AlreadyExistsError:
            raise LakeError("Another process wrote the journal at the same time.", dataset=chain, remedy="Run again.") from None
        boundary(f"journal/{kind}/after")
        return self._parse(chain, data)

    def seal(self) -> None:
        """Writes the heads of all chains into the city's journal, if any has moved since the last seal."""
        with lease(self.root.parent / "leases", CITY):
            heads = {chain: list(self.head(chain)) for chain in self.chains()}
            last: Mapping[str, Any] = {}
            for record in self.records(CITY):
                last = record.body["heads"] if record.kind == "seal" else last
            if heads and heads != last:
                self.append(CITY, "seal", {"heads": heads})

    def _folder(self, chain: str) -> str:
        return chain.replace(".", "/")

    def _name(self, chain: str, seq: int) -> str:
        return f"{self._folder(chain)}/{seq:010d}.json"

    def _tail(self, chain: str, after: int) -> list[Path]:
        folder = self.root / self._folder(chain)
        if after and not (folder / f"{after + 1:010d}.json").exists():
            return []
        found = sorted(path for path in folder.glob("*.json")) if folder.exists() else []
        return [path for path in found if int(path.stem) > after]

    def _read(self, chain: str, path: Path) -> Record:
        try:
            return self._parse(chain, path.read_bytes())
        except (ValueError, KeyError, TypeError):
            raise LakeError(
                f"Journal record {path.stem} cannot be read.",
                dataset=chain,
                remedy="Restore it from a backup, then run `citylake audit verify`.",
            ) from None

    def _parse(self, chain: str, data: bytes) -> Record:
        item = json.loads(data)
        sha = hashlib.sha256(data).hexdigest()
        return Record(item["chain"], item["seq"], item["prev"], item["at"], item["kind"], item["body"], sha)
