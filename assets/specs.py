"""Asset specs: what a steward reads about each layer of a dataset before anything has run. From the contract only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from assets.keys import Layer
from catalog.city import City
from catalog.contract import LEVELS, Contract, Level
from catalog.entry import CYCLES, FIELDS, TIER_NAMES

MEANING = {
    "bronze": "铜层 · The declared columns of admitted batches, all text, with batch, source and line of every row.",
    "silver": "银层 · Typed, deduplicated, standardised rows that passed the blocking checks. Never leaves the city.",
    "gold": "金层 · What may leave: treated, screened again, with the files of its releases.",
    "portal": "门户 · What the portals show of this product.",
}
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def asset_spec(city: City, contract: Contract, layer: Layer, deps: list[dg.AssetKey]) -> dg.AssetSpec:
    """The spec of one layer. `deps` are lineage."""
    tags, shape = _shape(city, contract, layer)
    return dg.AssetSpec(
        layer.key, deps=deps, group_name=contract.department, skippable=True, kinds=_kinds(contract, layer),
        owners=_owners(contract), description=_description(contract, layer), code_version=contract.version,
        tags={"layer": layer.layer, "field": contract.fields.field, "refresh": contract.fields.refresh, **tags},
        metadata={**_facts(city, contract, layer), **shape},
    )


def _description(contract: Contract, layer: Layer) -> str:
    title, summary = contract.title, contract.fields.summary
    product = contract.product(layer.product).title if layer.product else None
    head = f"{title.zh} · {title.en}" + (f" — {product.zh} · {product.en}" if product else "")
    return "\n\n".join((head, MEANING[layer.layer], summary.zh, summary.en))


def _owners(contract: Contract) -> list[str]:
    mail = contract.contact.email or ""
    return [f"team:{contract.department}", *([mail] if mail.isascii() and _MAIL.fullmatch(mail) else [])]


def _kinds(contract: Contract, layer: Layer) -> set[str]:
    return {"portal", *contract.product(layer.product).formats[:2]} if layer.layer == "portal" else {"delta", layer.layer}


def _facts(city: City, contract: Contract, layer: Layer) -> dict[str, Any]:
    fields, department = contract.fields, city.departments[contract.department]
    facts: dict[str, Any] = {
        "title": f"{contract.title.zh} · {contract.title.en}",
        "department": f"{department.name.zh} · {department.name.en}" + (" (vertical agency)" if department.vertical else ""),
        "field": _both(FIELDS[fields.field]), "refresh": _both(CYCLES[fields.refresh]),
        "contract": dg.MetadataValue.path(contract.source_file), "contract_version": contract.version,
        "licence": fields.licence, "rights_holder": fields.rights_holder, "legal_basis": fields.legal_basis,
        "update_promise": f"{_both(CYCLES[fields.update.every])}, within {fields.update.within_working_days} working days",
    }
    if contract.tags:
        facts["keywords"] = "、".join(contract.tags)
    if layer.layer != "portal":
        facts["dagster/table_name"] = layer.table
    return facts


def _both(label: Mapping[str, str]) -> str:
    return f"{label['zh']} · {label['en']}"


def _shape(city: City, contract: Contract, layer: Layer) -> tuple[dict[str, str], dict[str, Any]]:
    """Tags and facts that follow from the layer's columns: level, tier, schema."""
    if not layer.product:
        text = layer.layer == "bronze"
        return _columns([
            (c.name, "text" if text else str(c.type), f"{c.label} {c.description}", c.level, not text and (c.required or c.key is not None))
            for c in (contract.given if text else contract.columns)
        ])
    from pipelines.products import Outward

    product = contract.product(layer.product)
    outward = Outward(contract, product, city.codes, city.zone)
    tags, facts = _columns([(c.name, str(c.type), f"{c.label} {c.description} [{c.treatment}]", c.level, c.required) for c in outward.columns])
    facts |= {"tier": _both(TIER_NAMES[outward.tier]), "purpose": product.purpose, "formats": ", ".join(product.formats)}
    if outward.tier != product.tier:
        facts["tier_declared"] = _both(TIER_NAMES[product.tier])
    return {**tags, "tier": outward.tier}, facts


def _columns(columns: Iterable[tuple[str, str, str, Level, bool]]) -> tuple[dict[str, str], dict[str, Any]]:
    """From (name, type, text, level, required)."""
    columns = list(columns)
    highest = max((level for _, _, _, level, _ in columns), key=LEVELS.index, default=LEVELS[0])
    schema = dg.TableSchema([
        dg.TableColumn(name, kind, text.strip(), dg.TableColumnConstraints(nullable=not required), {"level": level})
        for name, kind, text, level, required in columns
    ])
    return {"level": highest}, {"level": highest, "dagster/column_schema": schema}
