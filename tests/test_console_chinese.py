"""Chinese complete: console, errors, findings, dossier and site leave no English sentence where a Chinese reader looks."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from sentences import ROOT, asked, english_in, said
from tiny import DATASET, GOOD, Tiny

from catalog.city import Role
from catalog.entry import TREATMENTS
from catalog.evidence import Ruling
from catalog.rule_reader import DIMENSIONS
from catalog.wording import translations
from console.words import speak, translated

FOLDERS = ("catalog", "quality", "privacy", "pipelines")
# What no person reads: raised inside the engine of the recognisers and caught there; SQL.
INSIDE = ("privacy/presidio_engine.py", "privacy/presidio_specs.py", "pipelines/portals/measuring.py")
WORDS = [*get_args(Role), *(ruling.value for ruling in Ruling), *TREATMENTS, *DIMENSIONS,
         "done", "held", "refused", "failed", "unchanged",
         "admitted", "skipped", "approve", "reject", "revoke", "in force", "older", "taken back", "withdrawn", "unconditional", "restricted",
         "prohibited",
         "open", "metadata", "tombstone", "absent", "ingest", "refine", "serve", "passed", "warning", "source", "bronze", "silver", "published",
         "derive", "count", "rows", "quarantined"]


@pytest.fixture(autouse=True)
def chinese() -> Iterator[None]:
    speak("zh")
    yield
    speak("en")


def modules(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def test_every_text_that_is_looked_up_has_its_chinese() -> None:
    catalog = translations("zh")
    missing = {text for path in modules("console", "pipelines") for text in asked(path) if catalog.gettext(text) == text}
    assert sorted(text for text in missing if not re.search(r"\bx\d", text)) == []


def test_every_word_that_is_looked_up_by_its_name_has_its_chinese() -> None:
    assert [word for word in WORDS if translations("zh").gettext(word) == word] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_sentence_that_a_person_may_see_has_its_chinese(folder: str) -> None:
    left = {}
    for path in modules(folder):
        name = path.relative_to(ROOT).as_posix()
        for text in said(path) if name not in INSIDE else ():
            chinese = translated(text)
            if not re.search("[\u4e00-\u9fff]", chinese) or english_in(chinese):
                left[text] = name
    assert left == {}


def test_the_finder_finds() -> None:
    assert english_in("文件 is not valid here 不行") == ["is not valid here"]
    assert english_in("请运行 `citylake audit verify and more` 后再看 docs/operating.md") == []
    assert translated("Nobody has translated this sentence.") == "Nobody has translated this sentence."


def test_every_command_and_option_explains_itself_in_chinese() -> None:
    import typer
    from typer.main import get_command

    from console.main import build

    left: list[str] = []

    def look(command: Any, name: str) -> None:
        texts = {name: command.help or command.short_help or ""} | {
            f"{name} {one.name}": getattr(one, "help", None) or "" for one in command.params if one.name not in ("help", "version")}
        left.extend(where for where, text in texts.items() if text and (not re.search("[\u4e00-\u9fff]", text) or english_in(text)))
        if hasattr(command, "list_commands"):
            for child in command.list_commands(typer.Context(command)):
                look(command.get_command(typer.Context(command), child), f"{name} {child}")

    look(get_command(build()), "citylake")
    assert [one for one in left if "completion" not in one] == []


@pytest.mark.parametrize("line", ["nothing", "audti verify", "run --nothing", "--nothing", "release show", "lineage a.b --row 0", "lineage a b"])
def test_errors_of_usage_are_told_in_chinese(line: str) -> None:
    from typer.testing import CliRunner

    from console.main import build

    done = CliRunner().invoke(build(), line.split(), prog_name="citylake")
    assert done.exit_code == 2
    assert "用法：citylake" in done.output
    assert [text for text in done.output.splitlines()[2:] if english_in(text)] == []


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A city with a release and with a batch that is held."""
    city = Tiny(tmp_path_factory.mktemp("chinese"))
    city.drop("trees1.csv", GOOD)
    city.run()
    city.drop("trees2.csv", GOOD.replace("备注", "备注二"))
    city.run()
    return city


def shown(page: str) -> str:
    """What a page shows, its code and what it marks as another language left out."""
    page = re.sub(r"<(style|script|code|pre|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    page = re.sub(r"<(\w+)[^>]*\blang=\"en\"[^>]*>.*?</\1>", " ", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ¦ ", page))


def test_the_dossier_and_the_history(made: Tiny) -> None:
    from console import audits, dossiers
    from pipelines.audit import show
    from pipelines.audit.dossier import dossier

    found = dossier(made.way(), DATASET, "main")
    page = dossiers.page(found).replace(found["title"]["en"], "")
    assert english_in(shown(page)) == []
    assert english_in("\n".join(dossiers.lines(found))) == []
    history = show(made.way(), DATASET)
    assert [text for kind in audits.PARTS for part in history[kind] if english_in(text := audits._event(kind, part))] == []


def test_the_site(made: Tiny) -> None:
    site = (made.settings.site / "current").resolve()
    pages = [path for path in site.rglob("*.html") if "en" not in path.relative_to(site).parts]
    assert len(pages) >= 2
    assert {path.name: left for path in pages if (left := english_in(shown(path.read_text(encoding="utf-8"))))} == {}


def test_problems_of_a_contract_are_told_in_chinese(made: Tiny, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from console.main import build

    city = Tiny(tmp_path)
    for name, value in city.environment().items():
        monkeypatch.setenv(name, value)
    path = city.city / "datasets/parks/trees.odcs.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("classification: L2", "classification: L9").replace("domain: urban", "domain: x"),
                    encoding="utf-8")
    for arguments in (["check"], ["run"]):
        done = CliRunner().invoke(build(), arguments)
        assert done.exit_code == 1
        assert "级别缺失或未知" in done.output
        assert english_in(done.output) == []
