"""Solr's jars: fetched by Maven as pom.xml says, and each held against jars.sha256. One that is missing, changed or extra is refused.

`python jars.py fetch DIR` fills DIR, `python jars.py check DIR` looks only, `python jars.py lock` writes the list anew.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from layout import PORTAL
from state import StackError

SOLR = PORTAL / "solr"
LOCK = SOLR / "jars.sha256"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def locked() -> dict[str, str]:
    """File name → sha256."""
    lines = (line.split() for line in LOCK.read_text(encoding="utf-8").splitlines() if line.strip())
    return {name: digest for digest, name in lines}


def check(folder: Path) -> None:
    """Raises StackError naming every jar that is not as locked."""
    want, have = locked(), found(folder)
    wrong = [f"missing {name}" for name in sorted(want.keys() - have.keys())]
    wrong += [f"extra {name}" for name in sorted(have.keys() - want.keys())]
    wrong += [f"changed {name}" for name in sorted(want.keys() & have.keys()) if want[name] != have[name]]
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise StackError(f"Solr's jars in {folder} are not those of jars.sha256: {', '.join(wrong[:5])}{more}.",
                         f"Remove {folder} and run `make portal-parts`.")


def found(folder: Path) -> dict[str, str]:
    """File name → sha256 of everything in a folder, jar or not: whatever lies there is on Java's class path."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*")
            if path.is_file() and not path.name.startswith(".")}


def fetch(folder: Path, check_them: bool = True) -> None:
    """Fills a folder, through one beside it that takes its place only when every jar is right."""
    folder = folder.resolve()       # Maven takes a relative one from beside pom.xml
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix="solr-", dir=folder.parent))
    try:
        _maven(beside)
        if check_them:
            check(beside)
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def lock() -> None:
    """Writes jars.sha256 from what pom.xml names now."""
    with tempfile.TemporaryDirectory() as scratch:
        fetch(Path(scratch) / "jars", check_them=False)
        lines = [f"{digest}  {name}\n" for name, digest in sorted(found(Path(scratch) / "jars").items())]
    LOCK.write_text("".join(lines), encoding="utf-8")


def _maven(into: Path) -> None:
    if shutil.which("mvn") is None:
        raise StackError("Maven is not installed.", "Install what is missing: apt-get install -y --no-install-recommends maven")
    # -C fails where the registry's own checksum differs; -U forgets that something was not found the last time.
    ran = subprocess.run(["mvn", "-B", "-q", "-C", "-U", "-f", str(SOLR / "pom.xml"), PLUGIN, "-DincludeScope=runtime",
                          f"-DoutputDirectory={into}"], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise StackError("Maven could not fetch Solr's jars.", (ran.stdout + ran.stderr).strip()[-800:])


def main(arguments: list[str]) -> int:
    try:
        match arguments:
            case ["fetch", folder]:
                fetch(Path(folder))
            case ["check", folder]:
                check(Path(folder))
            case ["lock"]:
                lock()
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except StackError as error:
        print(f"{error.sentence} {error.remedy}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
