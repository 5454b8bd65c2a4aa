"""The docs cannot drift: what exists is documented, what is documented exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from catalog import extension
from pipelines.connectors import connectors
from pipelines.formats import formats

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
MODELS = (extension.DatasetFields, extension.Source, extension.ColumnFields, extension.Product)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), target


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_of_a_contract_is_documented(model: type) -> None:
    text = (ROOT / "docs/contracts.md").read_text(encoding="utf-8")
    assert [name for name in model.model_fields if f"`{name}`" not in text] == []      # type: ignore[attr-defined]


def test_every_option_of_a_source_is_documented() -> None:
    text = (ROOT / "docs/contracts.md").read_text(encoding="utf-8")
    options = {name for found in (*connectors().values(), *formats().values()) for name in found.Options.model_fields}
    assert {name for name in options if f"`{name}`" not in text} == set()
    assert {name for name in (*connectors(), *formats()) if f"`{name}`" not in text} == set()


def test_every_command_that_the_docs_name_exists() -> None:
    import typer
    from typer.main import get_command

    from console.main import build

    root = get_command(build())
    context = typer.Context(root)
    for page in PAGES:
        for line in re.findall(r"citylake ((?:--lang zh )?[a-z]+(?: [a-z]+)?)", page.read_text(encoding="utf-8")):
            words = line.replace("--lang zh ", "").split()
            command = root.get_command(context, words[0])       # type: ignore[attr-defined]
            if command is None:
                continue        # prose: «citylake reads», «citylake pulls»
            if hasattr(command, "list_commands") and len(words) > 1:
                assert words[1] in command.list_commands(context), line


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    code = (ROOT / "pipelines/settings.py").read_text(encoding="utf-8")
    assert [name for name in set(re.findall(r"CITYLAKE_[A-Z]+", code)) if name not in text] == []


def test_the_chinese_readme_says_as_much_as_the_english_one() -> None:
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))
    links = [set(re.findall(r"\]\(([^)#]+)", text)) - {"README.md", "README.zh-CN.md"} for text in (english, chinese)]
    assert links[0] == links[1]
    assert english.count("\n## ") == chinese.count("\n## ")


def test_the_way_is_short_enough_to_read() -> None:
    named = re.findall(r"^\| \[([a-z_/]+\.py)\]", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    steps = [f"pipelines/steps/{name}.py" for name in ("ingest", "refine", "serve", "publish")]
    lines = sum(len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in {*named, *steps})
    assert lines < 850, lines


def test_no_path_of_this_machine_and_no_registry_host_is_committed() -> None:
    import subprocess

    found = subprocess.run(["git", "grep", "-nE", r"(^|[^a-zA-Z0-9_.])/(work|root)/|pypi\.org|pythonhosted|repo1?\.maven|npmjs\.org", "--", ".",
                            ":!tests/test_docs.py"], cwd=ROOT, capture_output=True, text=True)
    assert found.stdout == ""
