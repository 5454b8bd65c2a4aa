"""τ-Argus (pytauargus, extra `sdc`) proposes which further cells of a table to leave out; privacy/cells.py audits and completes it.

It runs in a process of its own, for its solvers write cell values into the current directory: a private folder that the caller makes
(0700, outside the lake) and deletes. Codes are numbered there, so no value of the table but its counts is in any file. Nothing comes back
but the numbers of cells. Its published status `safe` is never taken for true: what may be shown is for the audit to say.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from privacy.cells import Key, Table

SECONDS, MINUTES = 100, 1
DIMENSIONS = 4          # what its optimal method takes
_IN, _OUT = "table.json", "proposed.json"


def installed() -> bool:
    """Whether the extra is there; without it nobody proposes, and the product is held."""
    return find_spec("pytauargus") is not None


def proposed(folder: Path, table: Table, keys: Sequence[Key]) -> list[int] | None:
    """The cells that τ-Argus would leave out beside the small ones; None where it has no answer. `folder` is private and empty."""
    dimensions = len(keys[0]) if keys else 0
    if not table.small or not 1 <= dimensions <= DIMENSIONS:
        return []
    numbers = [{value: f"c{at:06}" for at, value in enumerate(dict.fromkeys(key[n] for key in keys))} for n in range(dimensions)]
    cells = [[*(numbers[n][key[n]] for n in range(dimensions)), int(count)] for key, count in zip(keys, table.counts, strict=True)]
    (folder / _IN).write_text(json.dumps({"cells": cells, "least": table.least}), encoding="utf-8")
    environment = {"PATH": os.environ.get("PATH", ""), "TMPDIR": str(folder), "PYTHONPATH": str(Path(__file__).parents[1])}
    try:
        done = subprocess.run([sys.executable, "-c", "from privacy.argus import main; main()"], cwd=folder, env=environment, timeout=SECONDS,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode or not (folder / _OUT).exists():
        return None
    found = json.loads((folder / _OUT).read_text(encoding="utf-8"))
    return sorted({int(at) for at in found if 0 <= int(at) < len(keys)})


def main() -> None:
    """The other process: reads the table in the current directory and writes which cells to leave out."""
    given = json.loads(Path(_IN).read_text(encoding="utf-8"))
    cells, least = given["cells"], int(given["least"])
    names = [f"v{at}" for at in range(len(cells[0]) - 1)]
    lines = [";".join([*cell[:-1], str(cell[-1]), str(cell[-1]), *_protection(int(cell[-1]), least)]) for cell in cells]
    Path("table.tab").write_text("\n".join(lines) + "\n", encoding="utf-8")
    Path("table.rda").write_text(_description(names), encoding="utf-8")
    hidden = _suppressed(names)
    Path(_OUT).write_text(json.dumps([at for at, cell in enumerate(cells) if tuple(cell[:-1]) in hidden]), encoding="utf-8")


def _protection(count: int, least: int) -> list[str]:
    small = 0 < count < least
    return ["u" if small else "s", str(count - 1 if small else 0), str(least - count if small else 0)]


def _description(names: Sequence[str]) -> str:
    told = ['<SEPARATOR> ";"', '<SAFE> "S"', '<UNSAFE> "U"', '<PROTECT> "P"']
    told += [line for name in names for line in (name, "  <RECODEABLE>", '  <TOTCODE> "Total"')]
    told += ["n", "  <NUMERIC>", "  <DECIMALS> 0", "f", "  <FREQUENCY>", "st", "  <STATUS>"]
    told += ["lo", "  <NUMERIC> <LOWERPL>", "up", "  <NUMERIC> <UPPERPL>"]
    return "\n".join(told) + "\n"


def _suppressed(names: Sequence[str]) -> set[tuple[Any, ...]]:
    """The codes of the cells that its optimal method marks; totals are among them, which no product shows."""
    from pytauargus.engine import run_batch
    from pytauargus.result import TableResult

    here = Path.cwd()
    quoted = "".join(f'"{name}"' for name in names)
    Path("table.arb").write_text("\n".join([
        f'<OPENTABLEDATA> "{here / "table.tab"}"', f'<OPENMETADATA> "{here / "table.rda"}"', f'<SPECIFYTABLE> {quoted}|"n"|""|"n"',
        "<SAFETYRULE>", "<READTABLE> 1T", f"<SUPPRESS> OPT(1,{MINUTES})", f'<WRITETABLE> (1,5,"SO+","{here / "out.tab"}")']) + "\n", encoding="utf-8")
    run_batch(str(here / "table.arb"))
    found = TableResult(path=str(here / "out.tab"), exp_vars=list(names), response="n", is_freq=False)
    marked = zip(found.rows, found.status(), strict=True)
    return {tuple(str(row[name]).strip() for name in names) for row, status in marked if status in ("U", "M")}
