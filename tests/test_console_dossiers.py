"""The dossier of a release: complete, true, readable; its commands run on the released bytes and notice what was changed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny import DATASET, Tiny, column, contract

from catalog.errors import DefinitionError, LakeError
from console import dossiers
from console.words import speak
from pipelines.audit.dossier import dossier
from pipelines.decisions import decide
from pipelines.way import open_way

GOOD = "编号,类别,高度,种植日期,备注\nT1,A,3.50 米,2026-03-12,树皮开裂\nT2,B,2.25,2025-11-30,枝条过密\nT3,A,-,2024/1/5,支架松动\n"
BAD = "编号,类别,高度,种植日期,备注\nT4,X,4.00,2026-04-01,需要浇水\nT5,B,4.50,2026-04-02,叶片发黄\nT6,X,4.75,2026-04-03,\n"
PRODUCT, REASON = "parks.trees.main", "The kind is new and right"
HIDDEN = ("树皮开裂", "枝条过密", "需要浇水", "叶片发黄", "支架松动", "2026-03-12", "trees1.csv")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A release of good rows, then one that a steward let through, and a dataset that is derived from it."""
    city = Tiny(tmp_path_factory.mktemp("dossiers"))
    kinds = [column("kind", "text", "类别", codes="kinds", key=1, required=True), column("trees", "bigint", "棵数")]
    city.declare(contract("parks.kinds", kinds, sources=None, inputs=[{"dataset": DATASET, "name": "t"}],
                          query="SELECT kind, COUNT(*) AS trees FROM t GROUP BY kind"))
    city.drop("trees1.csv", GOOD)
    city.run()
    city.drop("trees2.csv", BAD)
    city.run()
    (hold,) = city.way().journal.state(DATASET).holds.values()
    city.become("steward_p")
    decide(city.way(), hold.id, "approve", REASON)
    city.run()
    return city


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    speak(request.param)
    yield request.param
    speak("en")


def run(proof: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(["bash", "-euo", "pipefail", "-c", proof["command"]], cwd=folder, env=env, capture_output=True, text=True)


def test_the_way_of_a_release_is_told(made: Tiny) -> None:
    first, second = (dossier(made.way(), DATASET, "main", name) for name in ("r1", "r2"))
    assert [batch["id"] for step in first["way"] for batch in step["batches"]] == ["b000001"]
    assert [(batch["id"], batch["rows"]) for step in second["way"] for batch in step["batches"]] == [("b000001", 3), ("b000002", 3)]
    assert (first["standing"], second["standing"], second["ruling"]) == ("older", "in force", "PASS")
    assert {one["column"]: one["how"]["do"] for one in second["treatments"]} == dict.fromkeys(("id", "kind", "height", "planted"), "keep")
    assert [one["column"] for one in second["stays"]] == ["note"]
    assert [one["act"] for one in second["since"]] == ["publish"]
    assert dossier(made.way(), DATASET, "main") == second
    with pytest.raises(DefinitionError, match="no such release"):
        dossier(made.way(), DATASET, "main", "r9")


def test_who_decided_what_and_why(made: Tiny) -> None:
    assert dossier(made.way(), DATASET, "main", "r1")["holds"] == []
    (hold,) = dossier(made.way(), DATASET, "main", "r2")["holds"]
    assert [found["rule"] for found in hold["findings"]] == ["code.kind"]
    (decision,) = hold["decisions"]
    assert {name: decision[name] for name in ("person", "name", "verdict", "reason", "rested_on")} == {
        "person": "steward_p", "name": "Steward P", "verdict": "approve", "reason": REASON, "rested_on": True}


def test_a_derived_release_shows_the_way_of_what_it_is_derived_from(made: Tiny) -> None:
    found = dossier(made.way(), "parks.kinds", "main")
    assert [step["dataset"] for step in found["way"]] == [DATASET, "parks.kinds"]
    assert found["way"][1]["versions"][f"silver/{DATASET.replace('.', '/')}"] == found["way"][0]["versions"]["silver/parks/trees"]
    assert [len(step["batches"]) for step in found["way"]] == [2, 0]
    assert [hold["decisions"][0]["reason"] for hold in found["holds"]] == [REASON]


@pytest.mark.parametrize("release", ["r1", "r2"])
def test_its_commands_verify_the_released_bytes(made: Tiny, release: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = dossier(made.way(), DATASET, "main", release)
    for name, value in made.environment().items():
        monkeypatch.setenv(name, value)
    shutil.copytree(made.settings.lake / found["folder"], tmp_path / "files")
    folders = {"files": tmp_path / "files", "lake": made.settings.lake, "program": tmp_path}
    assert [proof["where"] for proof in found["verify"]] == ["files", "files", "lake", "lake", "lake", "program", "program"]
    for proof in found["verify"] if release == "r2" else found["verify"][:5]:       # the program takes seconds to start
        done = run(proof, folders[proof["where"]])
        assert done.returncode == 0, (proof["what"], done.stderr)
        assert not proof["prints"] or done.stdout.strip() == proof["prints"], proof["what"]
    changed = tmp_path / "files" / found["files"][0]["name"]
    changed.chmod(0o600)
    changed.write_bytes(changed.read_bytes().replace(b"T1", b"T9"))
    first, second = (run(proof, tmp_path / "files") for proof in found["verify"][:2])
    assert first.returncode != 0
    assert second.stdout.strip() != found["hash"]


def test_its_commands_notice_a_changed_record(made: Tiny, tmp_path: Path) -> None:
    found = dossier(made.way(), DATASET, "main", "r2")
    shutil.copytree(made.settings.lake, tmp_path / "lake", symlinks=True)
    record = tmp_path / "lake" / found["journal"]["file"]
    record.chmod(0o600)
    record.write_bytes(record.read_bytes().replace(b'"rows":4', b'"rows":5'))
    single, chain = (run(proof, tmp_path / "lake") for proof in found["verify"][2:4])
    assert single.stdout.strip() != found["verify"][2]["prints"]
    assert chain.returncode != 0 or chain.stdout.strip() != found["verify"][3]["prints"]


@pytest.mark.parametrize("dataset", [DATASET, "parks.kinds"])
@pytest.mark.parametrize("place", ["parks/trees/0000000002.json", "city/0000000001.json"])
def test_of_a_journal_that_was_changed_there_is_no_dossier(made: Tiny, tmp_path: Path, dataset: str, place: str) -> None:
    """Also where the record is one of a dataset that this one is derived from."""
    shutil.copytree(made.settings.lake, tmp_path / "lake", symlinks=True)
    record = next(path for path in (tmp_path / "lake/journal").rglob("*.json") if path.as_posix().endswith(place))
    record.chmod(0o600)
    text = record.read_bytes()
    record.write_bytes(text.replace(b"2026-11-24", b"2026-11-23", 1))
    assert record.read_bytes() != text
    way = open_way(replace(made.settings, lake=tmp_path / "lake"), lambda: made.now, made.user)
    with pytest.raises(LakeError, match="has been changed"):
        dossier(way, dataset, "main")


def test_what_keeps_persons_among_others_is_said(language: str) -> None:
    kept = {"rows": "mondrian", "k": 5, "gcp": 0.021, "ncp": {"age": 0.1, "sex": 0.0}, "left_out": 3}
    said = dossiers.protection(kept, {"age": "年龄" if language == "zh" else "Age"})
    assert said == {
        "zh": ["取值逐步放宽，直到相同情况的至少有 5 人。", "放宽损失的细节：2 %（年龄 10 %，sex 0 %）。", "为使每类足够大，省去了 3 行。"],
        "en": ["Values are widened until at least 5 persons have them in common.", "What widening has cost: 2 % of the detail (Age 10 %, sex 0 %).",
               "3 rows were left out so that classes are large enough."]}[language]
    assert dossiers.protection({}, {}) == []


def test_the_page_stands_alone_and_holds_no_value(made: Tiny, language: str) -> None:
    for dataset in (DATASET, "parks.kinds"):
        found = dossier(made.way(), dataset, "main")
        text = dossiers.page(found)
        assert re.findall(r"(?:https?:)?//|<script|<img|<link|@import|url\(|\son\w+=", text) == []
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in text
        assert [word for word in HIDDEN if word in text + json.dumps(found, ensure_ascii=False)] == []
        assert all(word in text for word in (found["hash"], found["journal"]["sha256"], "Steward P", REASON))
        assert {f'id="{name}"' in text for name in ("way", "checks", "screening", "treatments", "decisions", "since", "files", "verify")} == {True}


def test_the_terminal_tells_it_short(made: Tiny, language: str) -> None:
    from console.tables import width

    lines = list(dossiers.lines(dossier(made.way(), DATASET, "main")))
    assert [line for line in lines if width(line) > 80 and "/" not in line] == []
    assert ("The way" if language == "en" else "来路") in "\n".join(lines)


@pytest.mark.browser
def test_the_page_in_a_browser(made: Tiny, chromium: str, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    dossiers.write(dossier(made.way(), DATASET, "main"), tmp_path / "dossier.html")
    assert (tmp_path / "dossier.html").stat().st_mode & 0o077 == 0
    asked: list[str] = []
    said: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width in (390, 1280):
            page = browser.new_page(viewport={"width": width, "height": 900})
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: said.append(message.text))
            page.goto((tmp_path / "dossier.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        printed = page.pdf(format="A4")
        browser.close()
    assert len(set(asked)) == 1
    assert said == []
    assert printed.startswith(b"%PDF")
