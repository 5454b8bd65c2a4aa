"""What was found in texts seen before, by keyed hash: a repeated text costs nothing, in the next run neither, and no text is kept.

The caller supplies the store (its file is the caller's, readable to its owner alone) and the secret. What is kept is where the spans
stand and what they are, with a keyed hash of its own: an entry that nobody with the secret wrote is found anew. Rules and model are
part of the key: a change of either finds anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Protocol

from privacy.spans import Span

MOST = 1_000_000                # entries that one process keeps at hand
_SIZE, _SEAL = 16, 8            # bytes of a key, and of the hash before what is kept


class Store(Protocol):
    """Bytes by key. It is no truth: it may forget anything at any time."""

    def read(self, keys: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """Those of the keys that are known."""

    def write(self, entries: Mapping[bytes, bytes]) -> None:
        """Keeps the entries, if it can."""


@dataclass
class Memory:
    """Findings by keyed hash of the text, at hand and in the store."""

    secret: bytes
    store: Store | None = None
    _known: dict[bytes, bytes] = field(default_factory=dict)

    def recall(self, texts: Sequence[str], version: str, find_new: Callable[[Sequence[str]], Sequence[bytes]],
               sound: Callable[[bytes, str], bool]) -> list[bytes]:
        """For each text what is known of it; `find_new` is asked once for all that is not, or is not `sound`."""
        keys = {text: self._key(text, version) for text in dict.fromkeys(texts)}
        found = self._read(keys, sound)
        if new := [text for text in keys if text not in found]:
            made = dict(zip(new, find_new(new), strict=True))
            found |= made
            self._keep({keys[text]: value for text, value in made.items()})
        return [found[text] for text in texts]

    def hash_of(self, text: str) -> str:
        """A keyed hash that says of two values whether they are one, and nothing else."""
        return self._key(text, "evidence").hex()

    def _key(self, text: str, version: str) -> bytes:
        made = blake2b(version.encode() + b"\0", key=self.secret[:64], digest_size=_SIZE)
        made.update(text.encode("utf-8", "surrogatepass"))
        return made.digest()

    def _seal(self, key: bytes, value: bytes) -> bytes:
        return blake2b(key + value, key=self.secret[:64], digest_size=_SEAL).digest()

    def _read(self, keys: Mapping[str, bytes], sound: Callable[[bytes, str], bool]) -> dict[str, bytes]:
        found = {text: self._known[key] for text, key in keys.items() if key in self._known}
        if self.store is None or len(found) == len(keys):
            return found
        kept = self.store.read([key for text, key in keys.items() if text not in found])
        for text, key in keys.items():
            entry = kept.get(key)
            if entry is not None and entry[:_SEAL] == self._seal(key, entry[_SEAL:]) and sound(entry[_SEAL:], text):
                found[text] = self._known[key] = entry[_SEAL:]
        return found

    def _keep(self, made: Mapping[bytes, bytes]) -> None:
        if len(self._known) + len(made) > MOST:
            self._known.clear()
        self._known |= made
        if self.store is not None:
            self.store.write({key: self._seal(key, value) + value for key, value in made.items()})


def remembered(texts: Sequence[str], memory: Memory, version: str, reader: Callable[[Sequence[str]], Sequence[Sequence[Span]]]) -> list[list[Span]]:
    """What `reader` finds in each text, asking the memory first and telling it what was new. `version` is that of the reader's rules."""
    kept = memory.recall(texts, version, lambda new: [_written(spans) for spans in reader(new)],
                         lambda known, text: _read(known, text) is not None)
    return [_read(known, text) or [] for known, text in zip(kept, texts, strict=True)]


def _written(spans: Sequence[Span]) -> bytes:
    return json.dumps([[one.start, one.end, one.kind, one.score, one.level] for one in spans]).encode()


def _read(kept: bytes, text: str) -> list[Span] | None:
    """What was kept; None where it cannot be."""
    try:
        listed = json.loads(kept)
        if not isinstance(listed, list):
            return None
        spans = [Span(int(start), int(end), str(kind), float(score), str(level)) for start, end, kind, score, level in listed]
    except (ValueError, TypeError):
        return None
    return spans if all(0 <= one.start < one.end <= len(text) for one in spans) else None
