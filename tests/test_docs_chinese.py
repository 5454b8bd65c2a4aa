"""Every page of the docs but the decisions stands beside its Chinese counterpart, which says as much and is Chinese."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sentences import ROOT, english_in

BOTH = ("glossary.md",)         # one page in both languages
DOCS = [path for path in sorted((ROOT / "docs").glob("*.md")) if not path.name.endswith(".zh-CN.md") and path.name not in BOTH]


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_page_of_the_docs_has_its_chinese(page: Path) -> None:
    other = page.with_name(page.name.replace(".md", ".zh-CN.md"))
    assert other.exists()
    english, chinese = page.read_text(encoding="utf-8"), other.read_text(encoding="utf-8")
    assert chinese.count("\n## ") == english.count("\n## ")
    assert len(re.findall("[\u4e00-\u9fff]", chinese)) > len(english) / 8
    text = re.sub(r"\]\([^)]*\)|<[^>]+>|https?://\S+", " ", chinese)
    assert english_in(re.sub(r"\*\*[^*]*\*\*", " ", text)) == []
