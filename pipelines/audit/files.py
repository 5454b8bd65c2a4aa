"""Raw and releases against the journal: every file by size and sha256, and that nothing else lies beside them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.audit.chains import Chain
from pipelines.audit.finding import AGAIN, Mismatch, note
from pipelines.audit.tables import changed
from pipelines.releases import MANIFEST, release_hash
from pipelines.settings import Settings
from pipelines.spool import digest, raw_path

ENTRY = ("name", "format", "period", "rows", "first", "size", "sha256")


def raw_of(chain: Chain) -> Iterator[tuple[str, str]]:
    """(batch id, sha256 of its bytes in raw) of every admitted batch."""
    for body in chain.bodies():
        for batch in body.get("batches", ()):
            if batch.get("raw"):
                yield batch["id"], batch["raw"]


def live_raw(chains: Collection[Chain]) -> set[str]:
    """Hashes of raw bytes that some batch needs that is not erased."""
    found: set[str] = set()
    for chain in chains:
        erased = {batch for body in chain.bodies("erase") for batch in body["gone"]}
        found |= {sha for batch, sha in raw_of(chain) if batch not in erased}
    return found


def check_raw(settings: Settings, chain: Chain, live: Collection[str] | None) -> Iterator[Mismatch]:
    """Admitted bytes that are missing without an erasure record, lie there in spite of one, or differ from their name.

    `live` are the hashes that some batch in force needs, of any dataset; None where not all journals were read.
    """
    erased = {batch for body in chain.bodies("erase") for batch in body["gone"]}
    for batch, sha in raw_of(chain):
        path = raw_path(settings, sha)
        place = path.relative_to(settings.lake).as_posix()
        if not path.exists():
            if batch not in erased:
                yield Mismatch(place, chain.dataset, f"The bytes of batch {batch} are missing, and no erasure names them.")
        elif batch in erased and live is not None and sha not in live:
            yield Mismatch(place, chain.dataset, f"The bytes of batch {batch} were erased, and lie there still.", AGAIN)
        elif not _is(path, sha):
            yield Mismatch(place, chain.dataset, f"The bytes of batch {batch} have been changed.")


def _is(path: Path, sha: str) -> bool:
    try:
        return digest(path) == sha
    except OSError:
        return False


def check_orphans(settings: Settings, known: Collection[str]) -> Iterator[Mismatch]:
    """Raw files that no record names: what a kill between raw and record leaves."""
    found = [path for path in (settings.lake / "raw").rglob("*") if path.is_file()]
    strange = sum(path != raw_path(settings, path.name) or path.name not in known for path in found)
    if strange:
        yield note("raw", None, f"{strange} files are named by no record: an interrupted ingest left them, or its record is missing.",
                   "The next ingest of the same bytes takes them up.")


def check_releases(settings: Settings, chain: Chain) -> Iterator[Mismatch]:
    """Every release in the journal, file by file; a withdrawn product's may be gone."""
    withdrawn = {body["product"] for body in chain.bodies("withdrawing")}
    erased = {(name, number) for body in chain.bodies("erase") for name, numbers in body["releases"].items() for number in numbers}
    homes: dict[Path, set[str]] = {}
    for body in chain.bodies():
        if release := body.get("release"):
            folder = settings.lake / release["folder"]
            homes.setdefault(folder.parent, set()).add(folder.name)
            if (body["target"], release["number"]) in erased:
                if folder.exists():
                    yield Mismatch(release["folder"], chain.dataset, f"The files of release r{release['number']} of {body['target']} were erased, "
                                   "and lie there still.", AGAIN)
            elif folder.exists() or body["target"] not in withdrawn:
                yield from _release(settings, chain, body["target"], release)
    for home, known in sorted(homes.items()):
        left = sum(path.name not in known for path in home.iterdir()) if home.exists() else 0
        if left:
            yield note(home.relative_to(settings.lake).as_posix(), chain.dataset, f"Interrupted or held runs left {left} folders.",
                       "The next run sweeps them.")


def _release(settings: Settings, chain: Chain, product: str, release: Mapping[str, Any]) -> Iterator[Mismatch]:
    folder, name = settings.lake / release["folder"], f"release r{release['number']} of {product}"
    if not folder.is_dir():
        yield Mismatch(release["folder"], chain.dataset, f"The files of {name} are missing.")
        return
    for item in release["files"]:
        if wrong := changed(folder / item["name"], item["size"], item["sha256"]):
            yield Mismatch(f"{release['folder']}/{item['name']}", chain.dataset, wrong)
    if release_hash(release["files"]) != release["hash"]:
        yield Mismatch(release["folder"], chain.dataset, f"The hash of {name} does not follow from its files.")
    if not _manifest(folder, release):
        yield Mismatch(f"{release['folder']}/{MANIFEST}", chain.dataset, "The manifest is missing or has been changed.")
    extra = {path.name for path in folder.iterdir()} - {item["name"] for item in release["files"]} - {MANIFEST}
    if extra:
        yield Mismatch(release["folder"], chain.dataset, f"Beside the files of {name} lie {len(extra)} that no record names.",
                       "Move them away, then verify again.")


def _manifest(folder: Path, release: Mapping[str, Any]) -> bool:
    try:
        listed = json.loads((folder / MANIFEST).read_bytes())["files"]
        same = [{key: item[key] for key in ENTRY} for item in listed] == [{key: item[key] for key in ENTRY} for item in release["files"]]
        return same and digest(folder / MANIFEST) == release["manifest"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
