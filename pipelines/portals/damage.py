"""Whether a folder site is still what was written: its data file, and every page, rendered again from that."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipelines.portals.folder import STAMP, FolderPortal
from pipelines.portals.site import render_site, renderer

DATA = "pages.json"


def damage(portal: FolderPortal, scratch: Path) -> Iterator[tuple[str, str]]:
    """(place, what is wrong) of everything in the current generation but the products' own files."""
    folder = portal.current
    if folder is None:
        return
    try:
        text = (folder / DATA).read_text(encoding="utf-8")
        pages = json.loads(text)
        sound = json.dumps(pages, ensure_ascii=False, sort_keys=True, indent=1) == text
    except (OSError, ValueError):
        yield DATA, "The file cannot be read."
        return
    if not sound or any(name != page.get("id") for name, page in pages.items()):
        yield DATA, "The file has been changed."
        return
    strange = sorted({path.name for path in (folder / "data").glob("*")} - set(pages))
    if strange:
        yield "data", f"There are files of {len(strange)} products that the site does not show."
    if comparable(portal):
        yield from _pages(portal, folder, [pages[name] for name in sorted(pages)], scratch)


def comparable(portal: FolderPortal) -> bool:
    """Whether this very program rendered the site; after an upgrade pages are compared from the next publication on."""
    folder = portal.current
    stamp = folder / STAMP if folder is not None else None
    return stamp is not None and stamp.exists() and stamp.read_bytes().decode(errors="replace").strip() == renderer(portal.city)


def _pages(portal: FolderPortal, folder: Path, pages: list[dict[str, object]], scratch: Path) -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory(dir=scratch) as fresh:
        render_site(Path(fresh), portal.city, pages)
        want = {path.relative_to(fresh).as_posix(): path.read_bytes() for path in Path(fresh).rglob("*") if path.is_file()}
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    found = {name for name in found if not name.startswith("data/")} - {DATA, STAMP}
    for name in sorted(set(want) - found):
        yield name, "The page is missing."
    for name in sorted(set(want) & found):
        if (folder / name).read_bytes() != want[name]:
            yield name, "The page has been changed."
    if found - set(want):
        yield ".", f"There are {len(found - set(want))} files that citylake did not write."
