"""Figures of the portal, asked of the search index as the reader may see it: the home page's, the statistics', related products."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ckan.plugins import toolkit
from ckanext.citylake import helpers
from markupsafe import Markup

_FACETS = ["groups", "organization", "tier", "shown", "rows", "release"]


def _search(**wanted: Any) -> dict[str, Any]:
    context = {"user": toolkit.current_user.name, "auth_user_obj": toolkit.current_user}
    found: dict[str, Any] = toolkit.get_action("package_search")(context, {"fq": "+dataset_type:dataset +capacity:public", **wanted})
    return found


def home() -> dict[str, Any]:
    """What the home page shows, in one search: counts by field, department and tier; rows; the newest products."""
    found = _search(rows=6, sort="released desc", **{"facet.field": _FACETS, "facet.limit": -1})
    counts = {key: {item["name"]: item["count"] for item in facet["items"]} for key, facet in found["search_facets"].items()}
    rows = sum(int(value) * count for value, count in counts["rows"].items() if value.isdigit())
    newest = [one for one in found["results"] if one.get("released")]
    return {"datasets": found["count"] - counts["shown"].get("tombstone", 0), "open": counts["shown"].get("open", 0), "rows": rows, "departments": len(counts["organization"]),
            "released": newest[0]["released"] if newest else None, "newest": newest, "tiers": counts["tier"],
            "fields": _counted("group", counts["groups"]),
            "by_department": sorted(counts["organization"].items(), key=lambda item: -item[1])}


def groups(kind: str) -> list[tuple[str, int]]:
    """All departments (`organization`) or fields (`group`) with their number of products, most first."""
    facet = "organization" if kind == "organization" else "groups"
    found = _search(rows=0, **{"facet.field": [facet], "facet.limit": -1})["search_facets"][facet]["items"]
    return _counted(kind, {item["name"]: item["count"] for item in found})


def _counted(kind: str, counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(((name, counts.get(name, 0)) for name, one in helpers.names().items() if one["kind"] == kind),
                  key=lambda item: (-item[1], item[0]))


def example() -> dict[str, str] | None:
    """The newest open product, for examples that run: table, file, columns."""
    for package in _search(fq="+dataset_type:dataset +capacity:public +shown:open", rows=1, sort="released desc")["results"]:
        page, table = helpers.page(package), helpers.table(package)
        if table and page["files"] and page["columns"]:
            names = [column["name"] for column in page["columns"]]
            return {"table": str(table["id"]), "file": helpers.file_url(package, "latest", page["files"][0]["name"]),
                    "columns": ",".join(names[:2]), "column": names[0]}
    return None


def replacement(text: str) -> str:
    """What a tombstone names as replacement: a link where it is a product of this portal, else its words."""
    for package in _search(fq=f'+dataset_type:dataset +capacity:public +citylake_id:"{text}"', rows=1)["results"] if text.isascii() else ():
        return Markup('<a href="{}">{}</a>').format(helpers.h.url_for("dataset.read", id=package["name"]), helpers.title(package))
    return helpers.marked(text)


def suggestions() -> list[str]:
    """What the search box offers: titles in the reader's language."""
    key = "title_en" if helpers.lang() == "en" else "title"
    found = _search(rows=200, fl=f"name,{key}", sort="released desc")
    return sorted({one[key] for one in found["results"] if one.get(key)})


def related(package: Mapping[str, Any]) -> list[dict[str, Any]]:
    """At most six others: products of the same dataset, then those of the same field that share a code list."""
    def others(query: str) -> list[dict[str, Any]]:
        found = _search(fq=f'+dataset_type:dataset +capacity:public +{query} -name:"{package["name"]}"', rows=30, sort="title_string asc")
        return list(found["results"])

    same = others(f'dataset_id:"{package["dataset_id"]}"') if package.get("dataset_id") else []
    known, mine = {one["name"] for one in same}, set(helpers.page(package)["codes"])
    near = [one for group in package.get("groups", []) for one in others(f'groups:"{group["name"]}"')
            if one["name"] not in known and mine & set(helpers.page(one)["codes"])]
    return (same + near)[:6]


def statistics() -> dict[str, Any]:
    """Products and rows by department and field, quality and promises, counted over the whole catalog."""
    table: dict[str, dict[str, Any]] = {}
    tiers: Counter[str] = Counter()
    kept: Counter[bool] = Counter()
    fields: Counter[str] = Counter()
    cycles: Counter[str] = Counter()
    for one in _all("organization", "groups", "tier", "rows", "quality", "released", "update_every", "shown"):
        tiers[one.get("tier", "")] += 1
        cycles[one.get("update_every", "")] += 1
        row = table.setdefault(one.get("organization", ""), {"products": 0, "open": 0, "rows": 0, "released": "", "fields": Counter(), "quality": []})
        row["products"] += 1
        row["released"] = max(row["released"], one.get("released") or "")
        for name in one.get("groups") or []:
            row["fields"][name] += 1
            fields[name] += 1
        if one.get("shown") != "open":
            continue
        row["open"] += 1
        row["rows"] += int(one.get("rows") or 0)
        row["quality"] += [float(one["quality"])] if one.get("quality") else []
        promise = helpers.due({"update": {"every": one.get("update_every", ""), "within_working_days": 5}, "released": one.get("released")})
        if promise:
            kept[promise["kept"]] += 1
    departments = sorted(table.items(), key=lambda item: (-item[1]["products"], item[0]))
    return {"departments": departments, "tiers": tiers, "kept": kept, "fields": fields, "cycles": cycles,
            "products": sum(row["products"] for row in table.values()), "open": sum(row["open"] for row in table.values()),
            "rows": sum(row["rows"] for row in table.values())}


def _all(*fields: str) -> Iterator[dict[str, Any]]:
    start = 0
    while True:
        found = _search(rows=1000, start=start, fl=",".join(("name", *fields)), sort="name asc")
        yield from found["results"]
        start += 1000
        if start >= found["count"]:
            return


def helpers_of() -> dict[str, Any]:
    """For the templates."""
    return {"citylake_home": home, "citylake_suggestions": suggestions, "citylake_related": related, "citylake_groups": groups,
            "citylake_example": example, "citylake_replacement": replacement, "citylake_statistics": statistics}
