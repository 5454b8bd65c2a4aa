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
from catalog.errors import Drifted, PortalError
from pipelines.boundary import boundary
from pipelines.portals import Item, Observed
from pipelines.portals.measuring import measured, preview
from pipelines.portals.site import render_site, renderer
from pipelines.spool import digest

KEPT = 3
SHOWN = ("absent", "tombstone", "metadata", "open")      # from least to most
STAMP = "renderer.txt"        # which program and city names rendered the pages: only then can they be rendered again alike


class FolderPortal:
    """A site below `root`: `generations/<n>/` and `current`."""

    def __init__(self, name: str, root: Path, city: City, auto: bool = True) -> None:
        self.name, self.root, self.city, self.auto = name, root, city, auto

    @property
    def current(self) -> Path | None:
        """The generation that is served."""
        link = self.root / "current"
        return (self.root / os.readlink(link)) if link.is_symlink() else None

    def observe(self, ids: Collection[str]) -> Mapping[str, Observed]:
        pages = self._pages(self.current)
        return {name: Observed(pages[name]["fingerprint"], pages[name]["shown"], pages[name]["page"].get("release"), pages[name]["page"])
                for name in ids if name in pages}

    def stage(self, item: Item) -> tuple[Item, Path]:
        """Builds the next generation with this item in it; an interrupted one is built anew."""
        old = self.current
        folder = self.root / "generations" / f"{self._number(old) + 1:08d}"
        _public(self.root / "generations")
        shutil.rmtree(folder, ignore_errors=True)
        _public(folder)
        if old is not None:
            _link_tree(old / "data", folder / "data")
        boundary("publish/data")
        pages = self._pages(old)
        before = [pages[name] for name in sorted(pages)]
        last = pages.get(item.id, {}).get("measured")
        if item.shown == "absent":
            pages.pop(item.id, None)
        else:
            pages[item.id] = {"id": item.id, "shown": item.shown, "fingerprint": item.fingerprint, "page": dict(item.page)}
        self._fill(item, folder / "data" / item.id)
        if item.id in pages:
            pages[item.id] |= self._read(item, folder / "data" / item.id, last)
        boundary("publish/copied")
        text = json.dumps(pages, ensure_ascii=False, sort_keys=True, indent=1)
        _write(folder / "pages.json", text)
        pages = json.loads(text)        # what is rendered is what can be read again: the same order of everything
        boundary("publish/pages")
        mark = renderer(self.city) + "\n"
        same = old is not None and (old / STAMP).exists() and (old / STAMP).read_bytes() == mark.encode()
        render_site(folder, self.city, [pages[name] for name in sorted(pages)], (old, before) if old is not None and same else None)
        _write(folder / STAMP, mark)
        boundary("publish/staged")
        return item, folder

    def switch(self, staged: object, expect: str | None) -> Observed:
        item, folder = staged if isinstance(staged, tuple) else (None, None)
        if item is None or folder is None:
            raise TypeError("switch takes what stage returned")
        seen = self.observe([item.id]).get(item.id)
        if (seen.fingerprint if seen else None) != expect:
            raise Drifted("The site has changed since the plan was made.", dataset=item.id, remedy="Run again.")
        link = self.root / ".current"
        link.unlink(missing_ok=True)
        link.symlink_to(folder.relative_to(self.root))
        boundary("publish/linked")
        os.replace(link, self.root / "current")
        boundary("publish/replaced")
        self.purge()
        return Observed(item.fingerprint, item.shown, item.page.get("release"), item.page)

    def place_of(self, name: str) -> str | None:
        return None      # a product's id is its place

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
        data = folder / "data" / item.id
        want = {name: sha for name, (_, sha) in _wanted(item).items()}
        homes = [data] if item.shown == "open" else [old / "data" / item.id for old in (self.root / "generations").iterdir()]
        found = {path.relative_to(home).as_posix() for home in homes for path in home.rglob("*") if path.is_file()}
        wrong = [f"{name} is missing" for name in sorted(set(want) - found)]
        wrong += [f"{name} differs" for name in sorted(found & set(want)) if digest(data / name) != want[name]]
        if not wrong and (shown := self._pages(folder).get(item.id)):
            read = self._read(item, data, shown.get("measured"))
            wrong += ["The preview differs"] if shown.get("preview") != read["preview"] else []
            wrong += ["The figures differ"] if "measured" in shown and shown["measured"] != read["measured"] else []
        return wrong + ([f"{len(found - set(want))} files should not be there"] if found - set(want) else [])

    def purge(self) -> None:
        """Keeps the newest generations, but none that shows more than the current one, and none that was never shown."""
        current, home = self.current, self.root / "generations"
        found = sorted(home.iterdir()) if home.exists() else []
        kept = [path for path in found if current is not None and path.name.isdigit() and path.name <= current.name][-KEPT:]
        for path in found:
            if path not in kept or (current is not None and path.name != current.name and self._shows_more(path, current)):
                gone = path if path.name.startswith(".") else path.rename(home / f".{path.name}")
                boundary("publish/purging")
                shutil.rmtree(gone)
        boundary("publish/cleaned")

    def _shows_more(self, folder: Path, current: Path) -> bool:
        pages, now = self._pages(folder), self._pages(current)
        shown = {name: now[name]["shown"] if name in now else "absent" for name in pages}
        opener = any(SHOWN.index(page["shown"]) > SHOWN.index(shown[name]) for name, page in pages.items())
        return not pages or opener or not _files(folder / "data") <= _files(current / "data")

    def _fill(self, item: Item, data: Path) -> None:
        """Makes the product's folder hold exactly the item's files; what an older generation brought is not copied again."""
        wanted = _wanted(item)
        for path in data.iterdir() if data.exists() else ():
            if path.name not in {name.split("/")[0] for name in wanted}:
                shutil.rmtree(path)
        if not wanted and data.exists():
            data.rmdir()
        for name, (size, sha256) in wanted.items():
            target, newest = data / name, name.startswith(f"{item.page['release']}/")
            if target.exists() and (digest(target) == sha256 if newest else target.stat().st_size == size):
                continue
            _public(target.parent)
            target.unlink(missing_ok=True)      # never through a hard link into an older generation
            if newest and _linked(target, wanted, data):
                continue
            shutil.copyfile(item.files[name], target)
            target.chmod(0o644)
            if digest(target) != sha256:
                raise PortalError("A file of the release is not what its record says.", dataset=item.id, remedy="Run `citylake audit verify`.")

    def _read(self, item: Item, data: Path, last: Mapping[str, Any] | None) -> dict[str, Any]:
        """What the page tells of the product's rows, of JSON's types."""
        return {"preview": preview(item, data), "measured": measured(item, data, self.city.zone, last)}

    def _pages(self, folder: Path | None) -> dict[str, dict[str, Any]]:
        if folder is None or not (folder / "pages.json").exists():
            return {}
        found: dict[str, dict[str, Any]] = json.loads((folder / "pages.json").read_text(encoding="utf-8"))
        return found

    def _number(self, folder: Path | None) -> int:
        return int(folder.name) if folder is not None else 0


def _linked(target: Path, wanted: Mapping[str, tuple[int, str]], data: Path) -> bool:
    """Whether a file of an older release here has these bytes, and is linked."""
    sha256 = wanted[target.relative_to(data).as_posix()][1]
    for other in (data / name for name, (_, known) in wanted.items() if known == sha256 and data / name != target):
        if other.exists() and digest(other) == sha256:
            os.link(other, target)
            return True
    return False


def _wanted(item: Item) -> dict[str, tuple[int, str]]:
    """Every file that shall be shown of a product: `release/name` → size in bytes, sha256."""
    if item.shown != "open":
        return {}
    listed = [(past["release"], file) for past in item.page["releases"] for file in past["files"]]
    listed += [(item.page["release"], file) for file in item.page["files"]]
    return {f"{release}/{file['name']}": (file["size"], file["sha256"]) for release, file in listed}


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _public(folder: Path) -> None:
    """Makes a folder, and those above it up to the site's root, readable by a web server whatever the umask."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder, *folder.parents):
        path.chmod(0o755)
        if (path / "generations").is_dir():
            break


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
