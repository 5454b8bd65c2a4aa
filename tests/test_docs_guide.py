"""The ten-minute guide, followed word by word: its shell blocks, in order, in one shell, end with a published dataset."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GUIDES = [ROOT / "docs" / name for name in ("adding-a-dataset.md", "adding-a-dataset.zh-CN.md")]


def blocks(guide: Path) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)


def test_both_languages_give_the_same_commands() -> None:
    english, chinese = map(blocks, GUIDES)
    assert len(english) == 6
    assert english == chinese


def test_the_guide_leads_from_an_unknown_file_to_a_published_dataset(tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CITYLAKE_")}
    script = "set -eu\n" + "\n".join(f"echo '--- {at}'\n{block}" for at, block in enumerate(blocks(GUIDES[0]), 1)) + '\necho "TRY $TRY"\n'
    found = subprocess.run(["bash", "-c", script], cwd=ROOT, env={**clean, "TMPDIR": str(tmp_path), "LC_ALL": "C.UTF-8"},
                           capture_output=True, text=True, timeout=900)
    assert found.returncode == 0, found.stdout + found.stderr
    said = re.split(r"--- \d\n", found.stdout)[1:]
    assert "17 decisions" in said[2]
    assert "as it should be" in said[2]
    assert "0 problems" in said[3]
    assert "main  r1" in re.sub(r" +", "  ", said[4])
    assert {"csv", "parquet"} <= {name.rsplit(".", 1)[-1] for name in said[4].split()}
    assert re.search(r"minimum\.xiong_jing +0 +1 +\+1\n", said[5])
    assert said[5].splitlines()[-2:] == ["it would be held", f"TRY {re.findall(r'TRY (.+)', found.stdout)[0]}"]
    site = Path(re.findall(r"TRY (.+)\n", found.stdout)[0]) / "state/site/current"
    rows = next((site / "data/urban_management.street_trees.main/r1").glob("*.csv")).read_text(encoding="utf-8-sig").splitlines()
    assert rows[0] == "编号,所在区,树种,胸径（厘米）,种植日期,古树名木,养护单位"
    assert len(rows) == 13
    assert "杭州市行道树" in (site / "datasets/urban_management.street_trees.html").read_text(encoding="utf-8")


PAIRS = ("adding-a-dataset", "backup", "held", "operating")


@pytest.mark.parametrize("name", PAIRS)
def test_the_chinese_page_has_the_same_parts_tables_and_commands(name: str) -> None:
    english, chinese = ((ROOT / "docs" / f"{name}{ending}").read_text(encoding="utf-8") for ending in (".md", ".zh-CN.md"))

    def shape(text: str) -> list[object]:
        fenced = re.findall(r"```(?:sh|console|yaml)\n(.*?)```", text, re.DOTALL)
        commands = [re.sub(r'"[^"]*"|  #.*', "", line).strip() for block in fenced for line in block.splitlines()]
        rows = sum(line.startswith("|") for line in text.splitlines())
        return [text.count("\n## "), rows, commands, sorted(set(re.findall(r"CITYLAKE_\w+", text)))]
    assert shape(chinese) == shape(english)


def test_the_glossary_has_every_word_of_the_contract_in_both_languages() -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in (ROOT / "docs/glossary.md").read_text(encoding="utf-8").splitlines()
            if line.startswith("|") and "---" not in line]
    assert all(len(row) == 4 and all(row) for row in rows)
    words = {row[0] for row in rows}
    assert {"contract", "batch", "spool", "holding", "raw", "bronze", "silver", "product", "gold", "quarantine", "verdict", "decision", "ruling",
            "level", "tier", "release", "negative list", "journal"} <= words
    assert all(re.search("[一-鿿]", row[1]) and re.search("[一-鿿]", row[3]) and not re.search("[一-鿿]", row[0] + row[2]) for row in rows)
