"""The noise that a product's cells have got, kept so that a cell whose count is unchanged never gets other noise: from the mean of many
draws the count could be told. One file beside the secrets, outside the lake: keyed hashes of cell and count, and a number. Written before gold.
"""

from __future__ import annotations

import json
import os
import secrets as random
from collections.abc import Sequence
from hashlib import sha256
from hmac import new as hmac
from pathlib import Path

from catalog.errors import LakeError
from pipelines.boundary import boundary
from pipelines.products import Outward
from pipelines.way import Way
from privacy.noise import drawn


def noisy(way: Way, outward: Outward, measure: str, epsilon: float, keys: Sequence[Sequence[str | None]], counts: Sequence[int]) -> list[int]:
    """The counts with geometric noise of this epsilon, never below 0."""
    product = outward.contract.product_id(outward.product.name)
    path, key = way.settings.secrets / f"noise-{product}.json", way.secret(f"noise-{product}")
    known = _known(path)
    asked = [_named(key, [measure, epsilon, list(outward.product.columns), *cell, count]) for cell, count in zip(keys, counts, strict=True)]
    fresh = [name for name in dict.fromkeys(asked) if name not in known]
    if fresh:
        known |= dict(zip(fresh, drawn(len(fresh), epsilon), strict=True))
        _keep(path, known)
        boundary("serve/noise")
    return [max(0, count + known[name]) for name, count in zip(asked, counts, strict=True)]


def _named(key: bytes, what: Sequence[object]) -> str:
    return hmac(key, json.dumps(what, ensure_ascii=False).encode(), sha256).hexdigest()[:32]


def _known(path: Path) -> dict[str, int]:
    if not path.exists():
        return {}
    try:
        return {str(name): int(noise) for name, noise in json.loads(path.read_text(encoding="utf-8")).items()}
    except ValueError:
        raise LakeError("The record of a product's noise is damaged.", remedy="Restore the folder of secrets from a backup.") from None


def _keep(path: Path, known: dict[str, int]) -> None:
    temporary = path.with_name(f".{path.name}.{random.token_hex(4)}")
    handle = os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(known, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
