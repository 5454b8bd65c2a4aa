"""`make bench-many`: what very many contracts and very many files cost, each beside the plainest way to do the same, in CPU seconds.

BENCH_CONTRACTS (1,000), BENCH_FILES (10,000) set other sizes. Run as `PYTHONPATH=tests python -m bench.many`.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.history import tell
from tiny import Tiny, contract

CONTRACTS, FILES = int(os.environ.get("BENCH_CONTRACTS", 1_000)), int(os.environ.get("BENCH_FILES", 10_000))
ROWS = 20            # of each small file
LOADED = "import sys, yaml, pathlib\nfor path in pathlib.Path(sys.argv[1]).rglob('*.yaml'): yaml.load(path.read_bytes(), yaml.CSafeLoader)"
DEFINED = "from assets.definitions import defs; print(len(list(defs().resolve_all_asset_specs())))"
RUN = "from tiny import Tiny\nfrom pathlib import Path\nimport sys\nfrom killing import attach\nfrom datetime import datetime\n" \
      "city = attach(Path(sys.argv[1]), Path(sys.argv[1]) / 'sources', '2026-11-24T04:00:00+00:00')\n" \
      "print([(item.step, item.outcome) for item in city.run()])"


def cpu(*words: str, least: int = 1, **variables: str) -> float:
    """CPU seconds of a Python process and its children, the least of so many runs."""
    found = []
    for _ in range(least):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ran = subprocess.run([sys.executable, *words], env={**os.environ, **variables}, check=False, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr[-2000:]
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(found)


def contracts(root: Path) -> list[bool]:
    """`citylake check` beside safe-loading the same files, and Dagster's definitions beside its import."""
    city = Tiny(root)
    for number in range(CONTRACTS):
        city.declare(contract(f"parks.trees{number:05}"))
    told = f"{CONTRACTS:,} contracts"
    read = cpu("-c", LOADED, str(city.city), least=2)
    checked = cpu("-c", "from console.main import main; main()", "check", "--city", str(city.city), least=2)
    imported = cpu("-c", "import dagster", least=2)
    defined = cpu("-c", DEFINED, least=2, **city.environment())
    small = CONTRACTS <= 1_000
    return [tell(f"citylake check, {told}, to safe-loading them", checked / read, 3 if small else None),
            tell(f"Dagster's definitions, {told}, to import dagster", defined / imported, 4 if small else None)]


def start() -> bool:
    """`citylake --help` beside an empty Python."""
    return tell("citylake --help to python -c pass", cpu("-c", "from console.main import main; main()", "--help", least=5)
                / cpu("-c", "pass", least=9), 40)


def files(root: Path) -> bool:
    """Very many small files of one source beside one file with all of their rows, the whole way."""
    header = "编号,类别,高度,种植日期,备注\n"
    spent = []
    for name, number in (("many", FILES), ("one", 1)):
        city = Tiny(root / name)
        rows = FILES * ROWS // number
        for at in range(number):
            lines = (f"T{at * rows + row},A,{row % 90}.5,2026-03-{1 + row % 28:02},\n" for row in range(rows))
            (city.sources / "parks" / f"trees{at:06}.csv").write_text(header + "".join(lines), encoding="utf-8")
        spent.append(cpu("-c", RUN, str(city.root), PYTHONPATH=os.pathsep.join(sys.path)))
    return tell(f"{FILES:,} files of {ROWS} rows to one file with their rows", spent[0] / spent[1], 3)


def main() -> int:
    chosen = set(sys.argv[1:]) or {"start", "contracts", "files"}
    with tempfile.TemporaryDirectory(prefix="citylake-bench-") as folder:
        kept = [start()] if "start" in chosen else []
        kept += contracts(Path(folder) / "contracts") if "contracts" in chosen else []
        kept += [files(Path(folder) / "files")] if "files" in chosen else []
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
