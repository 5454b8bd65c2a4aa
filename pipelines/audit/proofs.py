"""How anybody checks a release again: commands with what they must print, for the released bytes, the lake and the program.

The first ones need nothing of ours, only `sha256sum` and a Python; a test runs them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Place = Literal["files", "lake", "program"]

_RELEASE = """\
python3 - <<'END'
import hashlib, json, os
names = {names}
files = sorted((name, os.path.getsize(name), hashlib.sha256(open(name, "rb").read()).hexdigest()) for name in names)
print(hashlib.sha256(json.dumps(files, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest())
END"""
_CHAIN = """\
python3 - <<'END'
import hashlib, json
before = "0" * 64
for number in range(1, {last} + 1):
    record = open(f"{folder}/{{number:010d}}.json", "rb").read()
    assert json.loads(record)["prev"] == before, number
    before = hashlib.sha256(record).hexdigest()
print(before)
END"""


@dataclass(frozen=True)
class Proof:
    """One command: what it proves, in which folder it is run (the release's files, the lake, or anywhere), what it must print ("": that
    it ends without an error).
    """

    what: str
    where: Place
    command: str
    prints: str = ""


def _sums(pairs: Sequence[tuple[str, str]]) -> str:
    lines = "\n".join(f"{sha}  {name}" for sha, name in pairs)
    return f"sha256sum -c <<'END'\n{lines}\nEND"


def proofs(product: str, release: Mapping[str, Any], journal: Mapping[str, Any], raw: Sequence[str]) -> list[Proof]:
    """The commands for one release. `journal` names its record and the seal that covers it; `raw`: the places of
    the admitted bytes behind it, each named by its hash.
    """
    dataset, files = product.rpartition(".")[0], release["files"]
    found = [
        Proof("Every file is the one that was released.", "files", _sums([(item["sha256"], item["name"]) for item in files])),
        Proof("The release's hash follows from its files.", "files",
              _RELEASE.format(names=[item["name"] for item in files]), str(release["hash"])),
        Proof("The record of the release is the one that this dossier was made from.", "lake",
              f"sha256sum {journal['file']} | cut -c 1-64", str(journal["sha256"])),
    ]
    if journal["sealed"]:
        folder = str(journal["file"]).rpartition("/")[0]
        found.append(Proof("No record up to the seal was changed or taken out: each names the one before it, and the city's seal names the last.",
                           "lake", _CHAIN.format(last=journal["sealed"]["head"], folder=folder), journal["sealed"]["sha256"]))
    if raw:
        found.append(Proof("The admitted bytes behind the release are still those that came.", "lake",
                           _sums([(name.rpartition("/")[2], name) for name in raw])))
    found.append(Proof("The same by the program, with tables, journal and portals.", "program", f"citylake audit verify {dataset}"))
    if release["rows"]:
        found.append(Proof("Where the first published row came from: file, sha256 and line.", "program",
                           f"citylake lineage {product} --release {release['release']} --row 1"))
    return found
