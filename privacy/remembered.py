"""Findings of texts seen before, by keyed hash: a repeated text costs nothing, in the next run neither, and no text is kept.

The caller supplies the store (any mapping of bytes to bytes; its file is the caller's, readable to its owner alone) and the secret.
What is kept is where the spans stand and what they are. Rules and model are part of the key: a change of either finds anew.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import MutableMapping, Sequence

from privacy.model import Model
from privacy.spans import Span
from privacy.text import TEXT_VERSION, find


def remembered(texts: Sequence[str], model: Model, secret: bytes, store: MutableMapping[bytes, bytes]) -> list[list[Span]]:
    """`find(texts, model)`, asking the store first and telling it what was new."""
    keys = {text: _key(text, secret) for text in dict.fromkeys(texts)}
    found = {text: spans for text, key in keys.items() if (spans := _read(store.get(key), text)) is not None}
    new = [text for text in keys if text not in found]
    for text, spans in zip(new, find(new, model), strict=True):
        found[text] = spans
        store[keys[text]] = json.dumps([[one.start, one.end, one.kind, one.score, one.level] for one in spans]).encode()
    return [found[text] for text in texts]


def _key(text: str, secret: bytes) -> bytes:
    return hmac.digest(secret, TEXT_VERSION.encode() + b"\0" + text.encode("utf-8", "surrogatepass"), "sha256")


def _read(kept: bytes | None, text: str) -> list[Span] | None:
    """What was kept; None where nothing was, or what is there cannot be (found anew then)."""
    if kept is None:
        return None
    try:
        listed = json.loads(kept)
        if not isinstance(listed, list):
            return None
        spans = [Span(int(start), int(end), str(kind), float(score), str(level)) for start, end, kind, score, level in listed]
    except (ValueError, TypeError):
        return None
    return spans if all(0 <= one.start < one.end <= len(text) for one in spans) else None
