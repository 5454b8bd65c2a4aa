"""`citylake status` and `citylake inbox` as a person reads them: newest trouble first, what to do, words where nothing is, 80 columns."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tiny import GOOD, Tiny, contract
from typer.testing import CliRunner

from console.main import build
from console.tables import width
from console.words import speak
from pipelines.way import os_user


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Trees are well; ponds were held first, gardens a day later, at which a batch of benches came."""
    tiny = Tiny(tmp_path_factory.mktemp("city"), max_bad_percent=60.0)
    for name in ("ponds", "gardens", "benches"):
        tiny.declare(contract(f"parks.{name}", volume={"min_rows": 10} if name != "benches" else None))
    return tiny


def said(tiny: Tiny, *words: str, language: str = "en") -> str:
    speak(language)
    try:
        result = CliRunner().invoke(build(), list(words), env=tiny.environment())
    finally:
        speak("en")
    assert result.exit_code == 0, (result.output, result.exception)
    return str(result.stdout)


@pytest.fixture(scope="module")
def troubled(city: Tiny) -> Tiny:
    city.drop("trees1.csv", GOOD + "T4,X,1.0,2026-01-01,\n")
    city.drop("ponds1.csv", GOOD)
    city.run()
    city.now += timedelta(days=1)
    city.drop("gardens1.csv", GOOD)
    city.run()
    return city


def test_nothing_is_said_in_words(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    tiny.declare(contract("parks.ponds"))
    tiny.write("negative_list.yaml", "version: 2\nexcluded:\n  - {id: T1, kind: dataset, name: parks.ponds, legal_basis: law, verified: true}\n")
    for language, words in (("en", "Nothing has come in yet."), ("zh", "还没有接入任何数据。")):
        assert words in said(tiny, "status", language=language)
    for language, words in (("en", "Nothing waits for a person."), ("zh", "没有等待决定的事项。")):
        assert said(tiny, "inbox", language=language) == f"{words}\n"
    tiny.user = os_user()
    tiny.become("steward_p")
    assert said(tiny, "inbox", "--mine") == "Nothing waits for you.\n"
    assert json.loads(said(tiny, "inbox", "--json")) == {"holds": []}
    assert json.loads(said(tiny, "status", "--json"))["troubles"] == []
    (tiny.city / "negative_list.yaml").unlink()
    tiny.drop("trees1.csv", GOOD)
    tiny.run()
    assert said(tiny, "status").endswith("Nothing waits for a person, and nothing was refused.\n")


def test_the_newest_trouble_stands_first_with_what_to_do(troubled: Tiny) -> None:
    text = said(troubled, "status")
    first, second = text.index("held  parks.gardens"), text.index("held  parks.ponds")
    assert text.startswith("Look at these first\n")
    assert first < second < text.index("Dataset")
    commands = re.findall(r"→ (citylake hold show \w{6})", text)
    assert len(commands) == 2
    assert "citylake quarantine show parks.trees" in text
    assert [one["dataset"] for one in json.loads(said(troubled, "status", "--json"))["troubles"]] == ["parks.gardens", "parks.ponds"]
    inbox = said(troubled, "inbox")
    assert inbox.index("parks.gardens") < inbox.index("parks.ponds")
    key = commands[0].split()[-1]
    assert f"→ citylake hold approve {key} --reason …\n" in inbox
    assert f"→ citylake hold reject {key} --reason …\n" in inbox
    assert "nothing yet" in next(line for line in text.splitlines() if "benches" in line)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("command", ["status", "inbox"])
def test_every_line_fits_and_columns_stand_below_each_other(troubled: Tiny, command: str, language: str) -> None:
    lines = said(troubled, command, language=language).splitlines()
    assert [line for line in lines if width(line) > 80] == []
    assert [line for line in lines if line.strip()[:1] and line.strip()[0] in "，。、；：？！）"] == []
    if command == "status":
        head = next(line for line in lines if line.startswith(("Dataset", "数据集")))
        title = "Stands" if language == "en" else "现状"
        at = width(head[: head.index(title)])
        rows = [line for line in lines if line.startswith("  ") and "→" not in line and re.search(r" \d+ +\d+ ", line)]
        assert rows
        assert {_from(row, at - 1)[0] for row in rows} == {" "}
        assert all(_from(row, at)[:1].strip() for row in rows)


def _from(line: str, columns: int) -> str:
    """What stands in a line from this column of the terminal on."""
    at = 0
    for index, char in enumerate(line):
        if at >= columns:
            return line[index:]
        at += width(char)
    return ""


def test_a_refusal_is_trouble_as_long_as_nothing_came_after_it(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    tiny.write("negative_list.yaml", "version: 2\nexcluded:\n  - {id: T1, kind: dataset, name: parks.trees, legal_basis: law, verified: true}\n")
    tiny.drop("trees1.csv", GOOD)
    tiny.run()
    text: Any = said(tiny, "status")
    assert "refused  parks.trees" in text
    assert "→ citylake audit show parks.trees" in text
    (tiny.city / "negative_list.yaml").unlink()
    tiny.now += timedelta(days=1)
    tiny.run()
    assert "refused" not in said(tiny, "status").replace("nothing was refused", "")
