"""Fixtures: the folder portal of folder_site, its address on loopback, and a browser's tab that asks for nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from folder_site import items, portal, publish, served
from playwright.sync_api import Browser, Page, sync_playwright

from pipelines.portals import Item
from pipelines.portals.folder import FolderPortal


@dataclass
class Made:
    portal: FolderPortal
    items: dict[str, Item]
    pages: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        assert self.portal.current is not None
        return self.portal.current

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    home = tmp_path_factory.mktemp("site")
    found = Made(portal(home / "site"), items(home / "files"))
    for item in found.items.values():
        publish(found.portal, item)
    found.pages = sorted(path.relative_to(found.folder).as_posix() for path in found.folder.rglob("*.html"))
    return found


@pytest.fixture(scope="module")
def address(made: Made) -> Iterator[str]:
    with served(made.folder) as found:
        yield found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: trouble.append(request.url) if not request.url.startswith(("file:", "http://127.0.0.1:")) else None)
    yield page
    context.close()
    assert trouble == []
