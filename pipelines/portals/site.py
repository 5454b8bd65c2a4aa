"""The static site's pages, from the portal's items: home, catalog, departments, one page a dataset, statistics, status, feed.

Every page can be read without JavaScript, which only searches, filters and fills in addresses; no page asks another address. What is
shown of a product stands in pipelines/pages.py, words in telling.py, templates and style sheet in templates/.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from catalog.canonical import fingerprint
from catalog.city import City
from catalog.dcat import document
from catalog.entry import CYCLES, FIELDS, FORMATS, NATIONAL, TIER_NAMES, TREATMENTS, type_name
from catalog.wording import LANGUAGES, wording
from pipelines.moments import day
from pipelines.portals import changes, examples, listing, telling
from pipelines.portals.pictures import pictures

Item = Mapping[str, Any]       # id, shown, page, preview, measured: one entry of pages.json
Page = Mapping[str, Any]
OURS = ("site.py", "listing.py", "changes.py", "telling.py", "pictures.py", "drawing.py", "examples.py")
PLAIN = ("style.css", "site.js", "mark.svg")
VIEWS = ("index", "catalog", "departments", "developers", "statistics", "status")


@cache
def environment() -> Environment:
    env = Environment(loader=PackageLoader("pipelines.portals", "templates"), autoescape=True, undefined=StrictUndefined,
                      trim_blocks=True, lstrip_blocks=True)
    env.filters["thousands"] = telling.thousands
    env.filters["size"] = telling.size
    return env


@cache
def _program() -> str:
    """Fingerprint of this program's own text, as far as pages depend on it."""
    portals = files("pipelines.portals")
    ours = sorted((path for path in portals.joinpath("templates").iterdir() if path.is_file()), key=lambda path: path.name)
    ours += [portals.joinpath(name) for name in OURS]
    ours += [files("catalog").joinpath(name) for name in ("dcat.py", "entry.py", "spelling.py", "wording.py", "locale/zh_CN.po")]
    ours.append(files("pipelines").joinpath("moments.py"))
    return fingerprint([path.read_text(encoding="utf-8") for path in ours])


def renderer(city: City) -> str:
    """Fingerprint of everything beside the portal's items that a page depends on: this program's text, the city's names and calendar."""
    calendar = [sorted(map(str, days)) for days in (city.calendar.holidays, city.calendar.workdays)]
    return fingerprint(_program(), city.id, city.name, city.title, city.zone, city.departments, calendar)


def render_site(folder: Path, city: City, shown: Sequence[Item], before: tuple[Path, Sequence[Item]] | None = None) -> None:
    """Writes every page of a generation. `before`: an older generation that this very program rendered, and its items; the pages of
    datasets of which nothing has changed since are linked from there.
    """
    pages = [_page(item) for item in shown]
    datasets, related = listing.grouped(pages), listing.related(listing.grouped(pages))
    live = [page for page in pages if page["shown"] != "tombstone"]
    for name in PLAIN:
        _put(folder / name, _text(name))
    title, name_of = city.title.model_dump(), city.name.model_dump()
    _put(folder / "catalog.jsonld", json.dumps(document(city.id, title, name_of, live), ensure_ascii=False, sort_keys=True) + "\n")
    _put(folder / "catalog.csv", _catalog_csv(live, "national", NATIONAL))
    _put(folder / "en/catalog.csv", _catalog_csv(live, "english", NATIONAL.values()))
    same = _unchanged(datasets, related, before)
    for language in LANGUAGES:
        _views(folder, city, pages, language)
    for name, members in datasets.items():
        for path, make in _files_of(city, name, members, related[name]):
            if before is not None and name in same and (before[0] / path).exists():
                _link(before[0] / path, folder / path)
            else:
                _put(folder / path, make())


def _page(item: Item) -> dict[str, Any]:
    return {**item["page"], "shown": item["shown"], "preview": item.get("preview"), "measured": item.get("measured") or {}}


def _unchanged(datasets: Mapping[str, list[Page]], related: Mapping[str, Any], before: tuple[Path, Sequence[Item]] | None) -> set[str]:
    """Datasets whose pages would come out as they did before."""
    if before is None:
        return set()
    old = listing.grouped([_page(item) for item in before[1]])
    beside = listing.related(old)
    return {name for name, members in datasets.items() if old.get(name) == members and beside.get(name) == related[name]}


def _common(city: City, language: str, root: str) -> dict[str, Any]:
    """What every template is given; `root` leads from the page to the site's root, with a slash at its end or nothing."""
    return {"_": wording(language), "language": language, "city": city, "fields": FIELDS, "tiers": TIER_NAMES, "cycles": CYCLES, "root": root,
            "treatments": TREATMENTS, "type_name": partial(type_name, language=language), "formats": FORMATS,
            "colon": "：" if language == "zh" else ": ", "rows_of": partial(telling.rows, _=wording(language)),
            "home": root if language == "zh" else f"{root}en/", "day": partial(day, zone=city.zone),
            "marked": partial(telling.marked, language=language), "said": partial(telling.spoken, language=language), "telling": telling,
            "due": partial(telling.due, calendar=city.calendar, zone=city.zone),
            "kept": partial(telling.kept, calendar=city.calendar, zone=city.zone), "base": examples.BASE}


def _views(folder: Path, city: City, pages: list[dict[str, Any]], language: str) -> None:
    """The pages about all products, and the feed."""
    _ = wording(language)
    ordered, place = listing.by_name(pages, language), folder if language == "zh" else folder / "en"
    given = {**_common(city, language, "" if language == "zh" else "../"), "pages": ordered, "figures": listing.figures(city, pages),
             "departments": listing.departments(city, ordered), "newest": listing.newest(pages), "news": listing.news(pages),
             "facets": listing.facets(city, pages, language, _), "listed": listing.listed(ordered), "facts": listing.facts,
             "words": listing.words, "typed": listing.typed, "named": partial(changes.named, language=language),
             "example": next((page for page in ordered if page["shown"] == "open" and examples.examples(page)), None)}
    for view in VIEWS:
        other = f"en/{view}.html" if language == "zh" else f"../{view}.html"
        _put(place / f"{view}.html", environment().get_template(f"{view}.html").render(**given, view=view, other=other))
    _put(place / "feed.xml", changes.feed(city, pages, language, _))


def _files_of(city: City, name: str, members: list[Page], related: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """(path, what makes its text) of a dataset's page in each language and of its metadata."""
    for language in LANGUAGES:
        yield f"{'' if language == 'zh' else 'en/'}datasets/{name}.html", partial(_dataset, city, name, members, related, language)
    yield f"datasets/{name}.json", partial(_metadata, name, members)


def _dataset(city: City, name: str, members: list[Page], related: list[dict[str, Any]], language: str) -> str:
    _ = wording(language)
    return environment().get_template("dataset.html").render(
        **_common(city, language, "../" if language == "zh" else "../../"), dataset=name, products=members, main=members[0], related=related,
        view="dataset", other=f"../en/datasets/{name}.html" if language == "zh" else f"../../datasets/{name}.html",
        pictures=partial(pictures, language=language, _=_), examples=examples.examples,
        changed=partial(changes.changed, language=language, _=_), heads=partial(telling.heads, language=language),
        reason=partial(telling.reason, language=language, _=_))


def _metadata(name: str, members: list[Page]) -> str:
    """A dataset for programs: all its page says, but the preview."""
    products = [{key: value for key, value in page.items() if key not in ("preview", "entry")} for page in members]
    return json.dumps({"dataset": name, "products": products}, ensure_ascii=False, sort_keys=True) + "\n"


def _catalog_csv(pages: Sequence[Page], words: str, names: Iterable[str]) -> str:
    """The catalog with the national guide's fields: `national` by their names and in Chinese, `english` in English."""
    handle = io.StringIO()
    writer = csv.DictWriter(handle, fieldnames=list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(page["entry"].get(words, {}) for page in pages)      # a site of an earlier day has none in English, until all is published again
    return "\ufeff" + handle.getvalue()


@cache
def _text(name: str) -> str:
    return files("pipelines.portals").joinpath(f"templates/{name}").read_text(encoding="utf-8")


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o755)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.parent.chmod(0o755)
    os.link(source, target)
