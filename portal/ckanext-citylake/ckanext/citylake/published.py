"""What of a package everybody may have: its page, and the files and the table that it names. One rule for every route.

A package serves data only while it is active, public, `shown` as open, and only what its page lists. These fields belong to the
publisher (auth.py); nobody else can set them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from ckan import model

STAGING = "citylake-staging-"        # names of the private packages beside which tables are filled
LATEST = "latest"
MEDIA = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet", "jsonl": "application/jsonl",
         "json": "application/json", "geojson": "application/geo+json",
         "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


@dataclass(frozen=True)
class File:
    """One file of a release, as the page names it."""

    release: str
    name: str
    format: str
    period: str
    sha256: str

    @property
    def media(self) -> str:
        return MEDIA.get(self.format, "application/octet-stream")


def page_of(extras: Mapping[str, Any]) -> dict[str, Any]:
    """The page that a package carries; empty where there is none."""
    try:
        page = json.loads(extras.get("page") or "{}")
    except ValueError:
        return {}
    return page if isinstance(page, dict) else {}


def files_of(page: Mapping[str, Any]) -> Iterator[File]:
    """Every file that a page names, those of the newest release first."""
    newest = page.get("release")
    listed = {one.get("release"): one.get("files") for one in page.get("releases") or ()}
    for release, files in ({newest: page.get("files")} | {key: value for key, value in listed.items() if key != newest}).items():
        for file in files or ():
            yield File(str(release), str(file["name"]), str(file["format"]), str(file.get("period") or ""), str(file["sha256"]))


def is_open(package: model.Package) -> bool:
    """Whether the package may serve data to everybody."""
    return bool(package.state == "active" and not package.private and package.extras.get("shown") == "open")


def managed(package: model.Package) -> bool:
    """Whether the publisher keeps this package."""
    return bool(package.extras.get("citylake_id")) or package.name.startswith(STAGING)


def find_file(name: str, release: str, file: str) -> File | None:
    """The file at an address, while its package's page names it. `latest` takes a format or a file name."""
    package = model.Session.query(model.Package).filter_by(name=name, state="active", private=False).first()
    if package is None or not is_open(package):
        return None
    page = page_of(package.extras)
    newest = str(page.get("release"))
    if release != LATEST:
        return next((one for one in files_of(page) if (one.release, one.name) == (release, file)), None)
    found = [one for one in files_of(page) if one.release == newest and file in (one.name, one.format)]
    return max(found, key=lambda one: one.period, default=None)


def named_blobs() -> set[str]:
    """Hashes of the files that active packages name. One that is still private counts: it is about to open."""
    rows = model.Session.execute(
        sa.select(model.Package.extras).where(model.Package.state == "active", model.Package.extras["shown"].astext == "open")
        .execution_options(yield_per=50))
    return {file.sha256 for (extras,) in rows for file in files_of(page_of(extras))}


def living_tables() -> set[str]:
    """Ids of the resources whose tables stay: active ones of active packages, of the publisher's own only while these are open."""
    extras = model.Package.extras
    closed = sa.and_(extras.has_key("citylake_id"), sa.func.coalesce(extras["shown"].astext, "") != "open")
    rows = model.Session.execute(
        sa.select(model.Resource.id).join(model.Package, model.Resource.package_id == model.Package.id)
        .where(model.Resource.state == "active", model.Package.state == "active", ~model.Package.name.startswith(STAGING), ~closed))
    return {row[0] for row in rows}
