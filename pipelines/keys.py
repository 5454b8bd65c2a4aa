"""The keys of tokens and shifts. A token's key lives for one release: it is drawn anew when the rows or their treatments change, and kept
while they do not, so that unchanged input makes no new release. A shift's key is the product's own and stays: dates must not wander.

Order: the secret's file, then the journal's record of its id (kind `key`), then gold. A kill in between leaves a key that nobody used.
"""

from __future__ import annotations

import secrets as random
from collections.abc import Mapping
from hashlib import sha256
from hmac import new as hmac
from typing import Any

from sqlglot import exp

from catalog import dialect as d
from catalog.canonical import fingerprint, plain
from catalog.contract import Contract
from catalog.dialect import col
from catalog.errors import LakeError
from catalog.evidence import TableAt
from catalog.extension import Keep, Shift
from pipelines.boundary import boundary
from pipelines.engines import Session
from pipelines.products import Outward
from pipelines.refining import named
from pipelines.way import Way


def release_key(way: Way, contract: Contract, outward: Outward, silver: TableAt) -> str | None:
    """The id of the key under which tokens are made of this silver, on record before its first use; None where nothing is a token."""
    if not any(column.treatment == "token" for column in outward.columns):
        return None
    with way.engine.open({"silver": silver}) as session:
        digest = _digest(way, outward, session)
    known = key_of(way, contract, outward)
    if known is not None and _last(way, contract, outward)["digest"] == digest:
        return known
    made = random.token_hex(8)
    way.secret(_file(made))
    boundary("serve/key/file")
    way.journal.append(contract.id, "key", {"target": outward.product.name, "key": made, "digest": digest})
    return made


def key_of(way: Way, contract: Contract, outward: Outward) -> str | None:
    """The newest key of a product's tokens; None where it has none, or nothing is a token any more."""
    if not any(column.treatment == "token" for column in outward.columns):
        return None
    found: str | None = _last(way, contract, outward).get("key")
    return found


def forget_keys(way: Way, contract: Contract) -> None:
    """Removes the keys of erased releases: without them nobody can make their tokens again. The newest on record stays, for rows that
    come back unchanged keep their tokens.
    """
    state = way.journal.state(contract.id)
    for product, releases in state.releases.items():
        erased = state.erased.get(product, frozenset())
        kept = {one.body.get("key") for one in releases if one.number not in erased}
        kept.add(state.last.get(f"key/{product}", {}).get("key"))
        for key in {one.body.get("key") for one in releases if one.number in erased} - kept:
            if key is not None:
                (way.settings.secrets / _file(key)).unlink(missing_ok=True)


def treatment_params(way: Way, contract: Contract, outward: Outward, key: str | None) -> Mapping[str, Any] | None:
    """The pads of HMAC as parameters: they never stand in SQL text. Only those that the query asks for: the engine refuses others."""
    found: dict[str, Any] = {}
    treatments = {column.treatment for column in outward.columns}
    if "token" in treatments:
        if key is None:
            raise LakeError("The key of a release's tokens is not on record.", dataset=contract.id, remedy="Run again.")
        # Bound to the product: even one secret file under two names gives no equal tokens.
        found |= _pads(hmac(_kept(way, key), contract.product_id(outward.product.name).encode(), sha256).digest(), "")
    if "shift" in treatments:
        found |= _pads(way.secret(f"shift-{contract.product_id(outward.product.name)}"), "shift_")
    return found or None


def _kept(way: Way, key: str) -> bytes:
    if not (way.settings.secrets / _file(key)).exists():        # a new one would give other tokens under the same name
        raise LakeError("The key of a release's tokens is missing.", remedy="Restore the folder of secrets from a backup.")
    return way.secret(_file(key))


def _file(key: str) -> str:
    return f"release-{key}"


def _last(way: Way, contract: Contract, outward: Outward) -> Mapping[str, Any]:
    return way.journal.state(contract.id).last.get(f"key/{outward.product.name}", {})


def _pads(key: bytes, prefix: str) -> dict[str, bytes]:
    whole = key.ljust(64, b"\0")
    return {f"{prefix}ipad": bytes(byte ^ 0x36 for byte in whole), f"{prefix}opad": bytes(byte ^ 0x5C for byte in whole)}


def _digest(way: Way, outward: Outward, session: Session) -> str:
    """A keyed digest of the rows that the product reads, in no order, and of how it treats them."""
    raw = untreated(outward)
    texts = [d.as_text(col(column.name), column.type, outward.zone) for column in raw.columns]
    rows = exp.select(named(d.row_hash(texts), "h")).from_(raw.query().subquery("raw")).order_by(col("h"))
    product = outward.product
    least = plain(way.policy.thresholds) if product.aggregate or product.disclosure.rows == "suppress" else None
    terms = fingerprint(product.columns, product.filter, product.aggregate, product.disclosure, outward.tier, least)
    made = hmac(way.secret("release-digests"), terms.encode(), sha256)
    for batch in session.read(rows):
        made.update("\n".join(batch.column(0).to_pylist()).encode() + b"\n")
    return made.hexdigest()


def untreated(outward: Outward) -> Outward:
    """The same rows as they stand in silver, with the columns that shifts are drawn by; never written anywhere."""
    columns = {name: how for name, how in outward.product.columns.items() if how.do != "drop"}
    names = dict.fromkeys([*columns, *(how.by for how in columns.values() if isinstance(how, Shift))])
    product = outward.product.model_copy(update={"columns": {name: Keep(do="keep") for name in names}, "aggregate": None})
    return Outward(outward.contract, product, outward.codes, outward.zone)
