"""Figures of the portal, of what everybody may see: the home page's and related products from the search index, which counts
fast, the statistics from the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ckan import model
from ckan.lib.helpers import helper_functions as h
from ckan.model import Package
from ckan.plugins import toolkit
from ckanext.citylake import helpers, wording
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
    newest = [one for one in found["results"] if one.get("released")]
    return {"datasets": found["count"] - counts["shown"].get("tombstone", 0),
            "open": counts["shown"].get("open", 0), "rows": _summed(counts["rows"]), "departments": len(counts["organization"]),
            "released": newest[0]["released"] if newest else None, "newest": newest, "tiers": counts["tier"],
            "fields": _counted("group", counts["groups"]), "news": news(newest),
            "by_department": sorted(counts["organization"].items(), key=lambda item: -item[1])}


def news(newest: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What readers must know: products that went, and columns that came or went in the newest releases, newest first; then what is awaited."""
    gone_or_awaited = "+(shown:tombstone OR (+shown:metadata +tier:unconditional))"
    found = _search(fq=f"+dataset_type:dataset +capacity:public {gone_or_awaited}", rows=16, sort="metadata_modified desc")["results"]
    dated = [{"at": (helpers.page(one)["tombstone"] or {}).get("date"), "package": one, "said": toolkit._("withdrawn"), "breaking": True}
             for one in found if one["shown"] == "tombstone"]
    dated += [news for one in newest for news in _columns(one)]
    dated.sort(key=lambda one: str(one["at"]), reverse=True)
    return dated[:8] + [{"at": None, "package": one, "said": toolkit._("first release awaited"), "breaking": False}
                        for one in found if one["shown"] == "metadata"][:8]


def _columns(package: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A newest release in which columns came or went, with what was said of it."""
    told = helpers.told(package)
    change = told["changes"].get(package["release"]) or {}
    one = {"at": package["released"], "package": package, "said": told["said"].get(package["release"], ""), "breaking": bool(change.get("went"))}
    return [one] if change.get("came") or change.get("went") else []


def groups(kind: str) -> list[tuple[str, int]]:
    """All departments (`organization`, most first) or fields (`group`, in their order) with their number of products."""
    facet = "organization" if kind == "organization" else "groups"
    found = _search(rows=0, **{"facet.field": [facet], "facet.limit": -1})["search_facets"][facet]["items"]
    return _counted(kind, {item["name"]: item["count"] for item in found})


def held(kind: str, name: str) -> dict[str, Any]:
    """What a department (`organization`) or a field (`groups`) shows: products, open ones, rows, newest release."""
    found = _search(fq=f'+dataset_type:dataset +capacity:public +{kind}:"{name}" -shown:tombstone', rows=1, sort="released desc",
                    **{"facet.field": ["shown", "rows"], "facet.limit": -1})
    counts = {key: {item["name"]: item["count"] for item in facet["items"]} for key, facet in found["search_facets"].items()}
    return {"products": found["count"], "open": counts["shown"].get("open", 0), "rows": _summed(counts["rows"]),
            "released": next((one.get("released") for one in found["results"]), None)}


def _summed(counts: Mapping[str, int]) -> int:
    return sum(int(value) * count for value, count in counts.items() if value.isdigit())


def _counted(kind: str, counts: Mapping[str, int]) -> list[tuple[str, int]]:
    order = [f"field-{name}" for name in wording.WORDS["groups"]]
    found = [(name, counts.get(name, 0)) for name, one in helpers.names().items() if one["kind"] == kind]
    return sorted(found, key=lambda item: (order.index(item[0]) if item[0] in order else len(order), -item[1], item[0]))


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
        return Markup('<a href="{}">{}</a>').format(h.url_for("dataset.read", id=package["name"]), helpers.title(package))
    return helpers.marked(text)


def suggestions() -> list[str]:
    """What the search box offers: titles in the reader's language, newest first, at most 200."""
    english = helpers.lang() == "en"
    rows = _public(Package.title, Package.extras["title_en"].astext).order_by(Package.extras["released"].astext.desc().nulls_last())
    return [title_en if english and title_en else title for title, title_en in rows.limit(200)]


def related(package: Mapping[str, Any]) -> list[dict[str, Any]]:
    """At most six others: products of the same dataset, then those of the same field that share a code list."""
    def others(query: str) -> list[dict[str, Any]]:
        found = _search(fq=f'+dataset_type:dataset +capacity:public +{query} -name:"{package["name"]}"', rows=30, sort="title_string asc")
        return list(found["results"])

    same = others(f'dataset_id:"{package["dataset_id"]}"') if package.get("dataset_id") else []
    known, mine = {one["name"] for one in same}, set(helpers.page(package)["codes"])
    near = [one for group in package.get("groups", []) for one in others(f'groups:"{group["name"]}"')
            if one["name"] not in known and one.get("shown") != "tombstone" and mine & set(helpers.page(one)["codes"])]
    return (same + near)[:6]


def statistics() -> dict[str, Any]:
    """Products, rows, quality and kept promises by department, counted over the whole catalog; what is withdrawn does not count."""
    keys = ("shown", "tier", "update_every", "rows", "quality", "released")
    tiers: Counter[str] = Counter()
    cycles: Counter[str] = Counter()
    kept: Counter[bool] = Counter()
    departments: dict[str, dict[str, Any]] = {}
    rows = _public(model.Group.name, *(Package.extras[key].astext for key in keys)).join(model.Group, model.Group.id == Package.owner_org)
    for name, *values in rows:
        one = dict(zip(keys, (value or "" for value in values), strict=True))
        if one["shown"] == "tombstone":
            continue
        tiers[one["tier"]] += 1
        cycles[one["update_every"]] += 1
        _add(departments.setdefault(name, {"products": 0, "open": 0, "rows": 0, "released": "", "quality": []}), one)
        promise = helpers.due({"update": {"every": one["update_every"], "within_working_days": 5}, "released": one["released"]})
        if one["shown"] == "open" and promise:
            kept[promise["kept"]] += 1
    found = sorted(departments.items(), key=lambda item: (-item[1]["products"], item[0]))
    totals = {key: sum(row[key] for row in departments.values()) for key in ("products", "open", "rows")}
    return {"departments": found, "tiers": tiers, "kept": kept, "cycles": cycles, **totals}


def _add(row: dict[str, Any], one: Mapping[str, str]) -> None:
    row["products"] += 1
    if one["shown"] == "open":
        row["open"] += 1
        row["rows"] += int(one["rows"] or 0)
        row["released"] = max(row["released"], one["released"])
        row["quality"] += [float(one["quality"])] if one["quality"] else []


def _public(*columns: Any) -> Any:
    """Rows of the products that everybody may see."""
    return model.Session.query(*columns).select_from(Package).filter(Package.state == "active", Package.private.is_(False), Package.type == "dataset")


def helpers_of() -> dict[str, Any]:
    """For the templates."""
    return {"citylake_home": home, "citylake_suggestions": suggestions, "citylake_related": related, "citylake_groups": groups, "citylake_held": held,
            "citylake_example": example, "citylake_replacement": replacement, "citylake_statistics": statistics}
