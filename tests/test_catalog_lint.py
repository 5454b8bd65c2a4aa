"""Every contract that we ship passes `datacontract lint`, so that other tools can read it. The tool lives apart, in .tools."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOL = ROOT / ".tools" / "datacontract" / "bin" / "datacontract"
CONTRACTS = sorted([*(ROOT / "catalog" / "cities").glob("*/datasets/*/*.odcs.yaml"), *(ROOT / "tests" / "cities").glob("*/datasets/*/*.odcs.yaml")])
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not TOOL.exists(), reason="datacontract: run `make lint-contracts`")]

BROKEN = [("classification: L1", "clasification: L1"), ("status: active\n", ""), ("logicalType: string", "logicalType: 5")]


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    """Runs the tool without a network: what it judges by must come with it."""
    nowhere = "http://127.0.0.1:9"
    environment = {**os.environ, "COLUMNS": "200", "http_proxy": nowhere, "https_proxy": nowhere, "all_proxy": nowhere}
    return subprocess.run([str(TOOL), "lint", str(path)], capture_output=True, text=True, env=environment, timeout=120, check=False)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: "/".join(contract.parts[-2:]))
def test_the_tool_accepts_every_contract(contract: Path) -> None:
    done = lint(contract)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ignored" not in done.stdout, "the tool warns of a field that it does not know"


@pytest.mark.parametrize(("old", "new"), BROKEN)
def test_the_tool_refuses_what_is_no_contract(old: str, new: str, tmp_path: Path) -> None:
    text = CONTRACTS[0].read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "broken.odcs.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    done = lint(path)
    assert done.returncode != 0 or "ignored" in done.stdout
