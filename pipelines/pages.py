"""What a portal shall show of one product, from its contract and its journal: the page's facts and the files behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from catalog.contract import Contract
from catalog.entry import entry
from catalog.extension import Label, Product
from pipelines.moments import day
from pipelines.portals import Item, Shown
from pipelines.products import Outward
from pipelines.releases import dictionary, shown_protection
from pipelines.state import Release, State
from pipelines.verdicts import lists_of, newest_stands, stands
from pipelines.way import Way
from privacy.disclosure import about_persons, k_of
from quality.score import score


def item(way: Way, contract: Contract, product: Product, state: State) -> Item:
    """The wanted state of one product on any portal."""
    name, identity = product.name, contract.product_id(product.name)
    outward = Outward(contract, product, way.city.codes, way.city.zone)
    if outward.tier == "prohibited" and not product.catalog_entry:
        return Item(identity, "absent")
    if name in state.withdrawn:
        stone = dict(state.withdrawn[name]["tombstone"])
        return Item(identity, "tombstone", {**_facts(way, contract, product, outward, state), "quality": None, "tombstone": stone})
    if contract.status == "draft" or way.policy.excludes(contract):
        return Item(identity, "absent")
    release = state.release(name)
    shown = _shown(way, state, outward, release)
    page = _facts(way, contract, product, outward, state)
    if shown != "open" or release is None:
        return Item(identity, "metadata", {**page, "quality": None})      # it counts rows and names columns that are not shown
    revoked = state.revoked.get(name, {})
    older = {old.id: old for old in state.releases[name] if old.number < release.number and old.number not in {*revoked, *state.erased.get(name, ())}
             and old.body["tier"] == "unconditional" and stands(way, state, outward, old.body)}
    files = {path: source for one in (*older.values(), release) for path, source in _paths(way, one).items()}
    page |= {"release": release.id, "released": release.at, "files": [_file(entry) for entry in release.body["release"]["files"]],
             "rows": release.body["release"]["rows"], "protection": _protection(way, outward, release, shown=True)}
    page["releases"] = [_past(old, old.id in older or old is release, revoked.get(old.number)) for old in reversed(state.releases[name])
                        if old.body["tier"] == "unconditional"]
    return Item(identity, "open", page, files)


def _shown(way: Way, state: State, outward: Outward, release: Release | None) -> Shown:
    """Open only while the newest release's verdict stands (pipelines/verdicts.py) and its tier is today's."""
    if outward.tier != "unconditional" or release is None or release.body["tier"] != "unconditional":
        return "metadata"
    return "open" if newest_stands(way, state, outward) else "metadata"


def _facts(way: Way, contract: Contract, product: Product, outward: Outward, state: State) -> dict[str, Any]:
    fields, department = contract.fields, way.city.departments[contract.department]
    release = state.release(product.name)
    columns = dictionary(outward)
    return {
        "id": contract.product_id(product.name), "dataset": contract.id, "product": product.name, "version": contract.version,
        "title": _label(product.title or fields.title), "summary": _label(fields.summary), "department": contract.department,
        "department_name": _label(department.name), "vertical": department.vertical, "field": fields.field, "tier": outward.tier,
        "licence": fields.licence, "rights_holder": fields.rights_holder, "legal_basis": fields.legal_basis,
        "attribution": fields.attribution, "purpose": contract.purpose, "usage": contract.usage, "limitations": contract.limitations,
        "update": fields.update.model_dump(mode="json"), "contact": fields.contact.model_dump(mode="json"),
        "conditions": _label(product.conditions) if product.conditions else None, "tags": list(contract.tags),
        "columns": columns, "key": _key(contract, product, columns), "codes": _codes(way, state, outward, columns),
        "quality": _quality(contract, state, columns), "status": contract.status, "sources": _sources(way, contract),
        "left_out": _left_out(contract, product), "tier_changes": _tier_changes(state, product.name),
        "release": None, "released": None, "files": [], "rows": None, "releases": [], "protection": _protection(way, outward, release, shown=False),
        "entry": entry(way.city, contract, product, outward.tier, columns, day(release.at, way.city.zone) if release else None),
    }


def _sources(way: Way, contract: Contract) -> list[dict[str, str]]:
    """Where the rows come from, by name: source systems, or the datasets that a derived one reads, but those that may not be named."""
    systems = dict.fromkeys(source.system for source in contract.sources)
    inputs = [way.city.contracts[one.dataset] for one in contract.inputs]
    return [_label(way.city.systems[name].title) for name in systems] + [_label(one.fields.title) for one in inputs if _named(way, one)]


def _named(way: Way, contract: Contract) -> bool:
    """Whether any portal may say that this dataset exists."""
    shown = any(product.tier != "prohibited" or product.catalog_entry for product in contract.products)
    return contract.status != "draft" and shown and not way.policy.excludes(contract)


def _key(contract: Contract, product: Product, columns: Sequence[Mapping[str, Any]]) -> list[str]:
    """Published columns by which a row is the same in two releases: the key as it is, or what groups are made by. Empty where there is none."""
    key = product.aggregate.by if product.aggregate else contract.keys
    same = {column["name"] for column in columns if product.aggregate or column["treatment"] == "keep"}
    return list(key) if set(key) <= same else []


def _tier_changes(state: State, product: str) -> list[dict[str, str]]:
    """Releases since which the product has another tier, newest first."""
    ordered = sorted(state.releases.get(product, ()), key=lambda release: release.number)
    return [{"release": new.id, "at": new.at, "was": old.body["tier"], "is": new.body["tier"]}
            for old, new in pairwise(ordered) if old.body["tier"] != new.body["tier"]][::-1]


def _left_out(contract: Contract, product: Product) -> dict[str, int]:
    """Level → how many columns of the dataset do not leave with the product; a table of groups says itself what it holds."""
    if product.aggregate:
        return {}
    kept = {name for name, how in product.columns.items() if how.do != "drop"}
    return dict(sorted(Counter(column.level for column in contract.columns if column.name not in kept).items()))


def _protection(way: Way, outward: Outward, release: Release | None, shown: bool) -> dict[str, Any]:
    """What was done so that persons are protected, for people: how each column is treated, and what a stranger may know of the rest.

    Where only the description is shown, nothing that counts rows is told, but what widening has cost is.
    """
    treatments = {name: how.model_dump(mode="json", exclude_none=True) for name, how in outward.product.columns.items()
                  if how.do not in ("keep", "drop")}
    made = shown_protection(release.body.get("protection") or {}) if release is not None else {}
    if not shown:
        made = {"rows": outward.product.disclosure.rows, **{name: made[name] for name in ("ncp", "gcp") if name in made}}
    rows = outward.product.aggregate is None and about_persons(outward.contract)
    return {"treatments": treatments, **made, **({"k": k_of(outward.tier, way.policy.thresholds)} if rows and outward.tier != "prohibited" else {})}


def _label(label: Label) -> dict[str, str]:
    return {"zh": label.zh, "en": label.en}


def _codes(way: Way, state: State, outward: Outward, columns: list[dict[str, Any]]) -> dict[str, list[dict[str, str]]]:
    """The values of the code lists that the published columns use; only where what was let through was judged with these very lists."""
    judged = state.passed.get(f"serve/{outward.product.name}", {}).get("lists")
    if judged != lists_of(way, outward) or not newest_stands(way, state, outward):
        return {}
    used = sorted({column["codes"] for column in columns if column["codes"]})
    return {name: [{key: row[key] for key in ("code", "zh", "en")} for row in way.city.codes[name].rows] for name in used}


def _quality(contract: Contract, state: State, columns: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The score of the newest refinement that was let through, with its reasons and what the rules that they name are about."""
    body = state.passed.get("refine/")
    if body is None:
        return None
    found = score(body["verdict"]["findings"])
    rules = _rules(contract, body["verdict"]["findings"], found.reasons, {column["name"] for column in columns})
    return {"overall": found.overall, "dimensions": dict(found.dimensions), "reasons": list(found.reasons), "rules": rules,
            "rows": body["counts"]["rows"], "quarantined": body["counts"]["quarantined"]}


def _rules(contract: Contract, findings: Sequence[Mapping[str, Any]], reasons: Sequence[str], published: Collection[str]) -> dict[str, Any]:
    """Rule → labels of its column and whether that is published; of what the contract declares whether it is about a row, metric, words."""
    named, declared = {reason.partition(": ")[0] for reason in reasons}, {rule.id: rule for rule in contract.rules}
    columns = {column.name: column for column in contract.columns}
    found = {}
    for finding in findings:
        column, rule = columns.get(finding.get("column") or ""), declared.get(finding["rule"])
        if finding["rule"] in named:
            found[finding["rule"]] = {
                "column": {"zh": column.label, "en": column.more.label_en or column.name} if column else None,
                "published": column is None or column.name in published,
                "row": rule is not None and rule.scope == "row", "metric": rule.metric if rule else "", "says": rule.description if rule else ""}
    return found


def _file(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in ("name", "format", "period", "rows", "size", "sha256")}


def _past(release: Release, shown: bool, taken_back: Mapping[str, Any] | None) -> dict[str, Any]:
    """A line of the list of releases; files only of those whose bytes may still be shown, the reason of those taken back."""
    return {"release": release.id, "at": release.at, "hash": release.hash, "rows": release.body["release"]["rows"],
            "taken_back": taken_back["reason"] if taken_back else None,
            "files": [_file(entry) for entry in release.body["release"]["files"]] if shown else []}


def _paths(way: Way, release: Release) -> dict[str, Path]:
    """`r2/name` → where the release lies in the lake."""
    folder = way.settings.lake / release.body["release"]["folder"]
    return {f"{release.id}/{entry['name']}": folder / entry["name"] for entry in release.body["release"]["files"]}

