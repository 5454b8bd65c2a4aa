"""`citylake status` and `citylake inbox` as a person reads them: newest trouble first, what to do, words where nothing is, 80 columns."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tiny import GOOD, PEOPLE, Tiny, contract
from typer.testing import CliRunner

from console.main import build
from console.tables import width
from console.tally import key_of
from console.words import speak
from pipelines.way import os_user


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Trees are well; ponds were held first, gardens a day later, at which a batch of benches came."""
    tiny = Tiny(tmp_path_factory.mktemp("city"), max_bad_percent=60.0)
    for name in ("ponds", "gardens", "benches"):
        tiny.declare(contract(f"parks.{name}", volume={"min_rows": 10} if name != "benches" else None))
    return tiny


def said(tiny: Tiny, *words: str, language: str = "en", code: int = 0) -> str:
    speak(language)
    try:
        result = CliRunner().invoke(build(), list(words), env=tiny.environment())
    finally:
        speak("en")
    assert result.exit_code == code, (result.output, result.exception)
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
    assert json.loads(said(tiny, "inbox", "--json")) == {"broken": [], "holds": []}
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


def test_a_broken_journal_hides_nothing_of_the_others(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path, volume={"min_rows": 10})
    for name in ("ponds", "gardens"):
        tiny.declare(contract(f"parks.{name}"))
    for name in ("trees", "ponds", "gardens"):
        tiny.drop(f"{name}1.csv", GOOD)
    tiny.run()
    record = tiny.settings.lake / "journal/parks/ponds/0000000002.json"
    record.write_bytes(record.read_bytes().replace(b"refine", b"refined", 1))
    (tiny.settings.lake / "journal/parks/gardens/0000000002.json").unlink()
    status = said(tiny, "status", code=1)
    for name, what in (("ponds", "Journal record 3 does not follow record 2."), ("gardens", "Journal record 2 does not follow record 1.")):
        at = status.index(f"broken  parks.{name}")
        told = " ".join(status[at:].split())
        assert what in told[:200]
        assert f"→ citylake audit verify parks.{name}" in told[:300]
        assert re.search(rf"^  {name} .*broken$", status, re.MULTILINE)
    assert "restore the journal from a backup" in " ".join(status.split())
    assert "held  parks.trees" in status
    assert "3 datasets, " in status
    assert "2 broken journals." in " ".join(status.split())
    for command in ("status", "inbox"):
        text = said(tiny, command, language="zh", code=1)
        assert "已损坏  parks.ponds" in text
        assert [line for line in text.splitlines() if width(line) > 80] == []
        found = json.loads(said(tiny, command, "--json", code=1))
        assert [(one["dataset"], one["command"]) for one in found["broken"]] == [
            (f"parks.{name}", f"citylake audit verify parks.{name}") for name in ("gardens", "ponds")]
    inbox = said(tiny, "inbox", code=1)
    assert "parks.trees/ingest/b000001" in inbox
    assert "1 waits for a person." in inbox
    key = re.findall(r"citylake hold approve (\w{6})", inbox)[0]
    assert "Findings" in said(tiny, "hold", "show", key)        # and it can be decided by its key
    assert said(tiny, "status", "parks.trees").count("broken") == 0
    assert re.search(r"^ +2  –  +this record belongs to: what is missing", said(tiny, "audit", "show", "parks.gardens"), re.MULTILINE)


def test_a_record_that_holds_nonsense_is_a_broken_journal(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    tiny.drop("trees1.csv", GOOD)
    tiny.run()
    folder = tiny.settings.lake / "journal/parks/trees"
    last = max(folder.glob("*.json"))
    last.write_text(json.dumps(json.loads(last.read_text(encoding="utf-8")) | {"body": {}, "kind": "publish"}), encoding="utf-8")
    assert "broken  parks.trees" in said(tiny, "status", code=1)
    last.write_text("{", encoding="utf-8")
    assert "cannot be read" in said(tiny, "status", code=1)


def test_what_more_is_wrong_is_counted_and_listed(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    names = [f"plot{at}" for at in range(10)]
    barred = "".join(f"  - {{id: T{at}, kind: dataset, name: parks.plot{at}, legal_basis: law, verified: true}}\n" for at in range(3))
    tiny.write("negative_list.yaml", f"version: 2\nexcluded:\n{barred}")
    for at, name in enumerate(names):
        tiny.declare(contract(f"parks.{name}", volume={"min_rows": 10}))
        tiny.drop(f"{name}a.csv", GOOD)
        tiny.now += timedelta(minutes=at)
        tiny.run(f"parks.{name}")
    text = said(tiny, "status")
    assert len(re.findall(r"^    → citylake", text, re.MULTILINE)) == 8
    assert "and 2 more: `citylake status --all`." in text
    assert "7 wait for a person: `citylake inbox`." in text         # the three that were refused wait for nobody
    assert "7 wait for a person." in said(tiny, "inbox")
    whole = said(tiny, "status", "--all")
    assert len(re.findall(r"^    → citylake", whole, re.MULTILINE)) == 10
    assert "more: `" not in whole


def test_times_are_the_citys_in_one_form(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path, volume={"min_rows": 10})
    tiny.declare(contract("parks.ponds"))
    tiny.user = os_user()
    tiny.now = tiny.now.replace(hour=20)         # 04:00 of the next day in the city
    for name in ("trees1.csv", "ponds1.csv"):
        tiny.drop(name, GOOD)
    tiny.run()
    status, inbox = said(tiny, "status"), said(tiny, "inbox")
    assert re.search(r"^  ponds +3  2026-11-25 ", status, re.MULTILINE)
    assert "(2026-11-25, " in status
    assert "2026-11-25, " in inbox
    assert "2026-11-24" not in status + inbox
    key = re.findall(r"citylake hold approve (\w{6})", inbox)[0]
    tiny.become("bureau")
    tiny.settings.state.joinpath("people.local.yaml").chmod(0o600)
    shown = said(tiny, "hold", "show", key)
    assert re.search(r"Since +2026-11-25 04:00$", shown, re.MULTILINE)
    audit = said(tiny, "audit", "show", "parks.ponds")
    assert re.search(r"^ +1  2026-11-25 04:00  batch ", audit, re.MULTILINE)
    assert re.search(r"Time zone +Asia/Shanghai$", audit, re.MULTILINE)
    dossier = said(tiny, "audit", "show", "parks.ponds.main")
    assert re.search(r"Date +2026-11-25 04:00$", dossier, re.MULTILINE)
    assert re.search(r"Date +2026-11-25 04:00$", said(tiny, "release", "show", "parks.ponds.main"), re.MULTILINE)
    assert "2026-11-24" not in audit + dossier + said(tiny, "release", "list")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_hold_that_nobody_can_approve_is_told_alike_everywhere(tmp_path: Path, language: str) -> None:
    tiny = Tiny(tmp_path)
    tiny.user = os_user()
    tiny.drop("trees1.csv", GOOD.replace("编号,", "编号,新列,").replace("T1,", "T1,1,").replace("T2,", "T2,2,").replace("T3,", "T3,3,"))
    tiny.run()
    why = {"en": "Nobody can approve this hold.", "zh": "任何人都不能批准这项暂扣。"}[language]
    remedy = {"en": "declare the column, add an alias, or list it under `leave_out:`", "zh": "`leave_out:`"}[language]
    inbox = said(tiny, "inbox", language=language)
    key = key_of("parks.trees/ingest/b000001")
    show = said(tiny, "hold", "show", key, language=language)
    for person in ("steward_p", "officer"):
        tiny.become(person)
        speak(language)
        refused = CliRunner().invoke(build(), ["hold", "approve", key, "--reason", "It is right so"], env=tiny.environment())
        speak("en")
        assert refused.exit_code == 4
        for text in (inbox, show, refused.stderr):
            joined = "".join(text.split()) if language == "zh" else " ".join(text.split())
            assert why in joined
            assert remedy in joined
            assert "citylake run parks.trees".replace(" ", "" if language == "zh" else " ") in joined
    assert "hold approve" not in inbox + show


def test_a_hold_of_a_role_that_nobody_has_says_whom_it_takes(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path, volume={"min_rows": 10}, author="steward_p")
    tiny.user = os_user()
    people = [line for line in PEOPLE.splitlines() if "bureau" not in line or "id: bureau" in line]
    tiny.write("people.yaml", "\n".join(line for line in people if "id: bureau" not in line) + "\n")
    tiny.drop("trees1.csv", GOOD)
    tiny.run()
    key, why = key_of("parks.trees/ingest/b000001"), "it takes a person of role steward who is not the author of the contract."
    tiny.become("officer")
    refused = CliRunner().invoke(build(), ["hold", "approve", key, "--reason", "It is right so"], env=tiny.environment())
    for text in (said(tiny, "inbox"), said(tiny, "hold", "show", key), refused.stderr):
        assert why in " ".join(text.split())
        assert "Enter another person of that role in people.yaml." in " ".join(text.split())


def test_no_record_number_is_missing_without_a_word(troubled: Tiny) -> None:
    for language, word in (("en", r"this record belongs to|records (\d+)–(\d+) belong to"), ("zh", r"本条记录属于|第 (\d+)–(\d+) 条记录属于")):
        text = said(troubled, "audit", "show", "parks.trees", language=language)
        numbers = {int(found) for found in re.findall(r"^ *(\d+)  20", text, re.MULTILINE)}
        assert re.search(word, text)
        for found in re.finditer(word, text):
            if found[1]:
                numbers |= set(range(int(found[1]), int(found[2]) + 1))
        records = json.loads(said(troubled, "audit", "show", "parks.trees", "--json"))["records"]
        assert sorted(numbers) == list(range(1, records + 1))
