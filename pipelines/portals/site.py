"""The static site's pages, from the portal's items: home, one page a dataset, the catalog as CSV, JSON-LD and JSON.

No JavaScript, no request to another address. Templates and style sheet lie beside this file.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from catalog.canonical import fingerprint
from catalog.city import City
from catalog.dcat import document
from catalog.entry import CYCLES, FIELDS, GUIDE, TIER_NAMES, TREATMENTS, TYPES, coverage
from catalog.wording import LANGUAGES, wording

Pages = Sequence[Mapping[str, Any]]


@cache
def environment() -> Environment:
    env = Environment(loader=PackageLoader("pipelines.portals", "templates"), autoescape=True, undefined=StrictUndefined,
                      trim_blocks=True, lstrip_blocks=True)
    env.filters["thousands"] = lambda number: f"{number:,}" if number is not None else "–"
    env.filters["size"] = size
    env.filters["day"] = lambda text: (text or "–")[:10]
    return env


def renderer(city: City) -> str:
    """Fingerprint of everything beside the portal's items that a page depends on: this program's text, the city's names."""
    ours = [path for path in sorted(files("pipelines.portals").joinpath("templates").iterdir(), key=lambda path: path.name) if path.is_file()]
    ours.append(files("pipelines.portals").joinpath("site.py"))
    ours += [files("catalog").joinpath(name) for name in ("dcat.py", "entry.py", "wording.py", "locale/zh_CN.po")]
    return fingerprint([path.read_text(encoding="utf-8") for path in ours], city.id, city.name, city.title, city.departments)


def size(number: int) -> str:
    """A file size for people."""
    value = float(number)
    for unit in ("B", "KB", "MB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GB"


def render_site(folder: Path, city: City, shown: Pages) -> None:
    """Writes every page of a generation."""
    pages = [{**item["page"], "shown": item["shown"], "preview": item.get("preview")} for item in shown]
    _put(folder / "style.css", files("pipelines.portals").joinpath("templates/style.css").read_text(encoding="utf-8"))
    live = [page for page in pages if page["shown"] != "tombstone"]
    title, name = city.title.model_dump(), city.name.model_dump()
    _put(folder / "catalog.jsonld", json.dumps(document(city.id, title, name, live), ensure_ascii=False, indent=1, sort_keys=True) + "\n")
    _put(folder / "catalog.csv", _catalog_csv(live))
    for language in LANGUAGES:
        base = folder if language == "zh" else folder / "en"
        up = "" if language == "zh" else "../"
        common = {"_": wording(language), "language": language, "city": city, "fields": FIELDS, "tiers": TIER_NAMES, "cycles": CYCLES,
                  "treatments": TREATMENTS, "types": TYPES}
        home = environment().get_template("home.html").render(
            **common, root=up, datasets=_grouped(pages), figures=_figures(live), cover=coverage(city, live),
            other="en/index.html" if language == "zh" else "../index.html")
        _put(base / "index.html", home)
        for dataset, members in _grouped(pages).items():
            text = environment().get_template("dataset.html").render(
                **common, root=f"{up}../", dataset=dataset, products=members, main=members[0],
                other=f"../en/datasets/{dataset}.html" if language == "zh" else f"../../datasets/{dataset}.html")
            _put(base / "datasets" / f"{dataset}.html", text)


def _grouped(pages: Pages) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for page in pages:
        found.setdefault(page["dataset"], []).append(page)
    return {name: sorted(members, key=lambda page: (page["product"] != "main", page["product"])) for name, members in found.items()}


def _figures(pages: Pages) -> dict[str, Any]:
    """Numbers of the home page, counted from what is shown."""
    released = [page["released"] for page in pages if page["released"]]
    return {
        "datasets": len({page["dataset"] for page in pages}), "open": sum(page["shown"] == "open" for page in pages),
        "rows": sum(page["rows"] or 0 for page in pages), "files": sum(len(page["files"]) for page in pages),
        "departments": len({page["department"] for page in pages}), "newest": max(released, default=None),
        "tiers": {tier: sum(page["tier"] == tier for page in pages) for tier in TIER_NAMES},
        "fields": {field: sum(page["field"] == field for page in pages) for field in FIELDS},
    }


def _catalog_csv(pages: Pages) -> str:
    """The catalog with the national guide's field names."""
    handle = io.StringIO()
    rows = [page["entry"]["national"] for page in pages]
    writer = csv.DictWriter(handle, fieldnames=GUIDE, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return "\ufeff" + handle.getvalue()


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o755)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)
