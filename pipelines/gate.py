"""The gate: what a ruling is bound to, and its recomputation before a portal is touched. There is no way around it and no flag.

A ruling names the bytes and the rules that it was made for. The publisher measures the bytes again; what is missing, changed or
ruled otherwise does not leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from catalog.contract import Contract
from catalog.errors import Refused
from catalog.evidence import Ruling
from catalog.extension import Disclosure
from pipelines.portals import Item
from pipelines.products import Outward
from pipelines.releases import release_hash
from pipelines.spool import digest
from pipelines.state import Release, State
from pipelines.verdicts import LET_THROUGH, leaving, rules_version
from pipelines.way import Way

_REMEDY = "Look at `citylake audit verify`; restore the release's files from a backup, or make it again."


def ruling(way: Way, outward: Outward, what: Ruling, content: str) -> dict[str, Any]:
    """A ruling and all that it is bound to: content, policy, rules (specifications and models are in them), contract."""
    return {"ruling": what.value, "content": content, "policy": way.policy.version, "rules": rules_version(way),
            "contract": outward.contract.version, "leaving": leaving(outward)}


def treated(outward: Outward) -> Ruling:
    """PASS where every column leaves as it is, PASS_TREATED where something was done to one."""
    as_is = all(how.do in ("keep", "drop") for how in outward.product.columns.values()) and outward.product.aggregate is None
    plain = as_is and outward.product.disclosure == Disclosure()
    return Ruling.PASS if plain else Ruling.PASS_TREATED


def recompute(way: Way, contract: Contract, product: str, state: State, want: Item, shown: Iterable[str] = ()) -> None:
    """Measures again what is about to be shown: every file of the newest release, and of older ones those not in `shown`.

    Raises Refused when a byte, a file, the rules or the ruling are not those of the record.
    """
    if want.shown != "open":
        return
    release = state.release(product)
    if release is None:
        raise Refused("There is no release to show.", dataset=want.id, remedy="Run again.")
    body = release.body if release is not state.newest(product) else state.passed[f"serve/{product}"]
    rule = body.get("ruling", {})
    good = rule.get("ruling") in LET_THROUGH and rule.get("content") == release.hash
    if not good or rule.get("rules") != rules_version(way) or rule.get("policy") != way.policy.version:
        raise Refused("No ruling lets this release leave under today's rules.", dataset=want.id, remedy="Run again.")
    names = {name.split("/")[0] for name in want.files} - {release.id}
    older = [one for one in state.releases[product] if one.id in names]
    for one in (release, *older):
        files = {f"{one.id}/{item['name']}" for item in one.body["release"]["files"]}
        if one is release or not files <= set(shown):
            _measured(way, want, one)


def _measured(way: Way, want: Item, release: Release) -> None:
    folder = way.settings.lake / release.body["release"]["folder"]
    files = [_file(folder / item["name"], item, want) for item in release.body["release"]["files"]]
    if release_hash(files) != release.hash:
        raise Refused(f"The files of {release.id} are not those that were judged.", dataset=want.id, remedy=_REMEDY)


def _file(path: Path, item: Mapping[str, Any], want: Item) -> Mapping[str, Any]:
    try:
        return {**item, "size": path.stat().st_size, "sha256": digest(path)}
    except OSError:
        raise Refused("A file that was judged is missing.", dataset=want.id, remedy=_REMEDY) from None
