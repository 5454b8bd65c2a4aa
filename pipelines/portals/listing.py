"""What the site says of all its products together: lists, counts, news, which datasets belong together. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from catalog.city import City
from catalog.entry import CYCLES, FIELDS, FORMATS, TIER_NAMES
from catalog.spelling import spelled
from pipelines.moments import day
from pipelines.portals import telling
from pipelines.portals.telling import Gettext

Page = Mapping[str, Any]
Pages = Sequence[Page]
NEWEST, NEWS, RELATED, COMMON = 6, 8, 6, 40
BRIEF = ("title", "tier", "shown", "department_name")
QUALITIES = (99, 95, 90)


def grouped(pages: Pages) -> dict[str, list[Page]]:
    """Dataset → its products, the main one first."""
    found: dict[str, list[Page]] = {}
    for page in pages:
        found.setdefault(page["dataset"], []).append(page)
    return {name: sorted(members, key=lambda page: (page["product"] != "main", page["product"])) for name, members in found.items()}


def by_name(pages: Pages, language: str) -> list[Page]:
    """In the order of titles: in Chinese by GB 18030, whose everyday characters stand in the order of pinyin."""
    if language == "zh":
        return sorted(pages, key=lambda page: (page["title"]["zh"].encode("gb18030"), page["id"]))
    return sorted(pages, key=lambda page: (page["title"]["en"].casefold(), page["id"]))


def figures(city: City, pages: Pages) -> dict[str, Any]:
    """Numbers of the home page and the statistics, counted from what is shown."""
    live = [page for page in pages if page["shown"] != "tombstone"]
    kept = [telling.kept(page, city.calendar, city.zone) for page in live]
    files = [file for page in live for file in page["files"]]
    return {
        "datasets": len({page["dataset"] for page in live}), "products": len(live), "open": sum(page["shown"] == "open" for page in live),
        "rows": sum(page["rows"] or 0 for page in live), "files": len(files), "bytes": sum(file["size"] for file in files),
        "departments": len({page["department"] for page in live}),
        "newest": max((page["released"] for page in live if page["released"]), default=None),
        "releases": sum(len(page["releases"]) for page in live), "in_time": sum(one for one, _ in kept), "promised": sum(all_ for _, all_ in kept),
        "tiers": {tier: sum(page["tier"] == tier for page in live) for tier in TIER_NAMES},
        "fields": {field: sum(page["field"] == field for page in live) for field in FIELDS},
        "cycles": {cycle: sum(page["update"]["every"] == cycle for page in live) for cycle in CYCLES},
        "formats": {kind: sum(any(file["format"] == kind for file in page["files"]) for page in live) for kind in FORMATS},
        "waiting": sum(page["shown"] == "metadata" and page["tier"] == "unconditional" for page in live),
        "withdrawn": len(pages) - len(live), "taken_back": sum(bool(past["taken_back"]) for page in live for past in page["releases"]),
        "months": sorted(Counter(day(past["at"], city.zone)[:7] for page in live for past in page["releases"]).items())[-24:],
    }


def departments(city: City, pages: Pages) -> list[dict[str, Any]]:
    """Departments that show something, in the order of city.yaml: name, products, counts."""
    live = [page for page in pages if page["shown"] != "tombstone"]
    found = []
    for name, department in city.departments.items():
        mine = [page for page in live if page["department"] == name]
        if mine:
            kept = [telling.kept(page, city.calendar, city.zone) for page in mine]
            scores = [page["quality"]["overall"] for page in mine if page["quality"]]
            found.append({"id": name, "name": department.name.model_dump(), "vertical": department.vertical, "products": mine,
                          "open": sum(page["shown"] == "open" for page in mine), "rows": sum(page["rows"] or 0 for page in mine),
                          "quality": round(sum(scores) / len(scores), 1) if scores else None,
                          "newest": max((page["released"] for page in mine if page["released"]), default=None),
                          "in_time": sum(one for one, _ in kept), "promised": sum(all_ for _, all_ in kept)})
    return found


def newest(pages: Pages) -> list[Page]:
    """The products released last."""
    found = sorted((page for page in pages if page["released"]), key=lambda page: (page["released"], page["id"]), reverse=True)
    return found[:NEWEST]


def news(pages: Pages) -> list[dict[str, Any]]:
    """What readers must know, newest first: withdrawn, taken back, columns that came or went; then what is to come, undated."""
    found: list[dict[str, Any]] = []
    for page in pages:
        if page["shown"] == "tombstone":
            found.append({"at": page["tombstone"]["date"], "kind": "withdrawn", "page": page})
            continue
        for past in page["releases"]:
            change = page["measured"].get("changes", {}).get(past["release"], {})
            told = {"at": past["at"], "page": page, "release": past["release"]}
            found += [{**told, "kind": "taken_back"}] if past["taken_back"] else []
            found += [{**told, "kind": "went", "columns": change["went"]}] if change.get("went") else []
            found += [{**told, "kind": "came", "columns": change["came"]}] if change.get("came") else []
        found += [{"at": one["at"], "kind": "opened" if one["is"] == "unconditional" else "closed", "page": page, **one}
                  for one in page.get("tier_changes", ())]
    found.sort(key=lambda one: (one["at"], one["page"]["id"]), reverse=True)
    live = [page for page in pages if page["shown"] != "tombstone"]
    coming = [{"at": None, "kind": "ending", "page": page} for page in live if page["status"] in ("deprecated", "retired")]
    coming += [{"at": None, "kind": "coming", "page": page} for page in live if page["shown"] == "metadata" and page["tier"] == "unconditional"]
    return found[:NEWS] + coming[:NEWS]


def facets(city: City, pages: Pages, language: str, _: Gettext) -> list[dict[str, Any]]:
    """The catalog's filters with the number of products of each value; values that none has are left out."""
    live = [page for page in pages if page["shown"] != "tombstone"]
    values = [facts(page) for page in live]

    def facet(name: str, title: str, options: Mapping[str, str]) -> dict[str, Any]:
        counts = Counter(value for one in values for value in one[name])
        return {"name": name, "title": title, "options": [(key, label, counts[key]) for key, label in options.items() if counts[key]]}

    return [
        facet("field", _("Field"), {key: names[language] for key, names in FIELDS.items()}),
        facet("department", _("Department"), {key: getattr(one.name, language) for key, one in city.departments.items()}),
        facet("tier", _("Tier"), {key: names[language] for key, names in TIER_NAMES.items()}),
        facet("format", _("Format"), FORMATS),
        facet("every", _("Updates"), {key: names[language] for key, names in CYCLES.items()}),
        facet("quality", _("Quality"), {str(one): _("{n} points or more").format(n=one) for one in QUALITIES}),
        facet("has", _("With"), {"preview": _("preview"), "chart": _("chart"), "map": _("map")}),
    ]


def facts(page: Page) -> dict[str, list[str]]:
    """What a product is filtered by."""
    score = page["quality"]["overall"] if page["quality"] else 0
    return {"field": [page["field"]], "department": [page["department"]], "tier": [page["tier"]],
            "format": sorted({file["format"] for file in page["files"]}), "every": [page["update"]["every"]],
            "quality": [str(least) for least in QUALITIES if score >= least],
            "has": [kind for kind in ("preview", "chart", "map") if (page["preview"] if kind == "preview" else page["measured"].get(kind))]}


def words(page: Page) -> str:
    """What is searched, in small letters: summary, publisher, tags, names and labels of columns, in both languages."""
    names = [text for column in page["columns"] for text in (column["name"], column["label"], column["label_en"])]
    parts = [*page["summary"].values(), *page["department_name"].values(), *page["tags"], page["id"], *names]
    return " ".join(dict.fromkeys(part for part in parts if part)).casefold()


def typed(page: Page) -> dict[str, str]:
    """What is searched in pinyin: the title's syllables; those of publisher and tags, each apart by a semicolon."""
    rest = (spelled(text) for text in (page["department_name"]["zh"], *page["tags"]))
    return {"title": spelled(page["title"]["zh"]), "rest": ";".join(dict.fromkeys(one for one in rest if one))}


def related(datasets: Mapping[str, Sequence[Page]]) -> dict[str, list[dict[str, Any]]]:
    """Dataset → those that share code lists, tags or columns of one name and label with it, the most alike first.

    What more than `COMMON` datasets have tells nothing and counts nothing, so this stays cheap.
    """
    marks = {name: _marks(members) for name, members in datasets.items()}
    having: dict[str, list[str]] = {}
    for name in sorted(marks):
        for mark in marks[name]:
            having.setdefault(mark, []).append(name)
    found = {}
    for name, own in marks.items():
        scores: dict[str, float] = defaultdict(float)
        for mark in own:
            if len(having[mark]) <= COMMON:
                for other in having[mark]:
                    scores[other] += 1 / len(having[mark])
        scores.pop(name, None)
        best = sorted(scores, key=lambda other: (-round(scores[other], 6), other))[:RELATED]
        found[name] = [{"dataset": other, **{key: datasets[other][0][key] for key in BRIEF}} for other in best]
    return found


def _marks(members: Sequence[Page]) -> set[str]:
    if members[0]["shown"] == "tombstone":
        return set()
    columns = [column for page in members for column in page["columns"]]
    return {f"codes {column['codes']}" for column in columns if column["codes"]} | {f"tag {tag}" for page in members for tag in page["tags"]} | {
        f"column {column['name']} {column['label']}" for column in columns}


def listed(pages: Pages) -> list[tuple[str, list[Page]]]:
    """Live products by field, in the order of the fields; each list keeps its order."""
    live = sorted((page for page in pages if page["shown"] != "tombstone"), key=lambda page: list(FIELDS).index(page["field"]))
    return [(field, list(members)) for field, members in groupby(live, key=lambda page: str(page["field"]))]
