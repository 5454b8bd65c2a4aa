"""The folder portal: a static site in generations. A new one is built beside the old; the symlink `current` moves in one step.

Unchanged files are hard links, so a generation costs what has changed. Bytes that may no longer be shown are purged from
every generation.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from catalog.city import City
from catalog.errors import Drifted
from pipelines.boundary import boundary
from pipelines.portals import Item, Observed
from pipelines.portals.site import render_site, renderer
from pipelines.spool import digest

KEPT = 3
STAMP = "renderer.txt"        # which program and city names rendered the pages: only then can they be rendered again alike


class FolderPortal:
    """A site below `root`: `generations/<n>/` and `current`."""

    def __init__(self, name: str, root: Path, city: City) -> None:
        self.name, self.root, self.city = name, root, city

    @property
    def current(self) -> Path | None:
        """The generation that is served."""
        link = self.root / "current"
        return (self.root / os.readlink(link)) if link.is_symlink() else None

    def observe(self, ids: Collection[str]) -> Mapping[str, Observed]:
        pages = self._pages(self.current)
        return {name: Observed(pages[name]["fingerprint"], pages[name]["shown"], pages[name]["page"].get("release"))
                for name in ids if name in pages}

    def stage(self, item: Item) -> tuple[Item, Path]:
        """Builds the next generation with this item in it; an interrupted one is built anew."""
        old = self.current
        folder = self.root / "generations" / f"{self._number(old) + 1:08d}"
        shutil.rmtree(folder, ignore_errors=True)
        _public(folder)
        if old is not None:
            _link_tree(old / "data", folder / "data")
        pages = self._pages(old)
        data = folder / "data" / item.id
        if item.shown != "open":
            shutil.rmtree(data, ignore_errors=True)
        if item.shown == "absent":
            pages.pop(item.id, None)
        else:
            pages[item.id] = {"id": item.id, "shown": item.shown, "fingerprint": item.fingerprint, "page": dict(item.page)}
        if item.files:
            self._copy(item, data / str(item.page["release"]))
        boundary("publish/copied")
        _write(folder / "pages.json", json.dumps(pages, ensure_ascii=False, sort_keys=True, indent=1))
        render_site(folder, self.city, [pages[name] for name in sorted(pages)])
        _write(folder / STAMP, renderer(self.city) + "\n")
        boundary("publish/staged")
        return item, folder

    def switch(self, staged: object, expect: str | None) -> Observed:
        item, folder = staged if isinstance(staged, tuple) else (None, None)
        if item is None or folder is None:
            raise TypeError("switch takes what stage returned")
        seen = self.observe([item.id]).get(item.id)
        if (seen.fingerprint if seen else None) != expect:
            raise Drifted("The site has changed since the plan was made.", dataset=item.id, remedy="Run again.")
        link = self.root / f".current.{os.getpid()}"
        link.unlink(missing_ok=True)
        link.symlink_to(folder.relative_to(self.root))
        boundary("publish/linked")
        os.replace(link, self.root / "current")
        self._clean(item)
        return Observed(item.fingerprint, item.shown, item.page.get("release"))

    def ids(self) -> set[str]:
        """Every product that the site shows."""
        return set(self._pages(self.current))

    def stored(self, name: str) -> Item | None:
        """What the site shows of a product, as it is written there; its fingerprint is computed from that."""
        found = self._pages(self.current).get(name)
        return Item(found["id"], found["shown"], found["page"]) if found else None

    def verify(self, item: Item) -> list[str]:
        """Names each file of the item that is missing or differs, and counts those that should not be there."""
        folder = self.current
        if folder is None:
            return ["The site is missing"]
        data, page = folder / "data" / item.id, item.page
        newest = [(f"{page['release']}/{file['name']}", file["sha256"]) for file in page.get("files", ())]
        older = [(f"{past['release']}/{file['name']}", file["sha256"]) for past in page.get("releases", ())
                 if (data / past["release"]).is_dir() for file in past["files"]]
        want = {**dict(older), **dict(newest)} if item.shown == "open" else {}
        homes = [data] if item.shown == "open" else [old / "data" / item.id for old in (self.root / "generations").iterdir()]
        found = {path.relative_to(home).as_posix() for home in homes for path in home.rglob("*") if path.is_file()}
        wrong = [f"{name} is missing" for name in sorted(set(want) - found)]
        wrong += [f"{name} differs" for name in sorted(found & set(want)) if digest(data / name) != want[name]]
        return wrong + ([f"{len(found - set(want))} files should not be there"] if found - set(want) else [])

    def _copy(self, item: Item, folder: Path) -> None:
        if folder.exists():
            shutil.rmtree(folder)
        _public(folder)
        for name, source in item.files.items():
            shutil.copyfile(source, folder / name)
            (folder / name).chmod(0o644)

    def _clean(self, item: Item) -> None:
        """Keeps the newest generations; purges what may not be shown from all of them."""
        found = sorted((self.root / "generations").iterdir())
        for path in found[:-KEPT]:
            shutil.rmtree(path, ignore_errors=True)
        if item.shown != "open":
            for path in found[-KEPT:-1]:
                shutil.rmtree(path, ignore_errors=True)
        boundary("publish/cleaned")

    def _pages(self, folder: Path | None) -> dict[str, dict[str, Any]]:
        if folder is None or not (folder / "pages.json").exists():
            return {}
        found: dict[str, dict[str, Any]] = json.loads((folder / "pages.json").read_text(encoding="utf-8"))
        return found

    def _number(self, folder: Path | None) -> int:
        return int(folder.name) if folder is not None else 0


def _public(folder: Path) -> None:
    """Makes a folder, and those above it, readable by a web server whatever the umask."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    folder.parent.chmod(0o755)


def _write(path: Path, text: str) -> None:
    _public(path.parent)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)


def _link_tree(source: Path, target: Path) -> None:
    if source.exists():
        shutil.copytree(source, target, copy_function=os.link)
        for path in (target, *target.rglob("*")):
            if path.is_dir():
                path.chmod(0o755)
