"""The catalog entry of a product: the fields of the national guide for government data directories, from the contract.

Field names follow the guide for compiling government data-sharing catalogs (政务信息资源目录编制指南): code, name,
summary, publisher, items, format, update cycle, sharing and opening type and conditions, release date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.city import City
from catalog.contract import Contract
from catalog.extension import Product

FIELDS: Mapping[str, Mapping[str, str]] = {
    "economy": {"zh": "经济建设", "en": "Economy"},
    "environment": {"zh": "环境资源", "en": "Environment"},
    "culture": {"zh": "文化休闲", "en": "Culture"},
    "health": {"zh": "卫生健康", "en": "Health"},
    "urban": {"zh": "城市建设与管理", "en": "Urban construction and management"},
}
TIER_NAMES: Mapping[str, Mapping[str, str]] = {
    "unconditional": {"zh": "无条件开放", "en": "Unconditional"},
    "restricted": {"zh": "受限开放", "en": "Restricted"},
    "prohibited": {"zh": "禁止开放", "en": "Prohibited"},
}
CYCLES: Mapping[str, Mapping[str, str]] = {
    "hourly": {"zh": "每小时", "en": "hourly"}, "daily": {"zh": "每日", "en": "daily"}, "weekly": {"zh": "每周", "en": "weekly"},
    "monthly": {"zh": "每月", "en": "monthly"}, "quarterly": {"zh": "每季度", "en": "quarterly"},
    "yearly": {"zh": "每年", "en": "yearly"}, "irregular": {"zh": "不定期", "en": "irregular"},
}
TREATMENTS: Mapping[str, Mapping[str, str]] = {
    "keep": {"zh": "原样", "en": "as it is"}, "mask": {"zh": "遮盖", "en": "masked"}, "token": {"zh": "假名", "en": "pseudonym"},
    "generalise": {"zh": "概化", "en": "generalised"}, "round": {"zh": "取整", "en": "rounded"}, "band": {"zh": "分段", "en": "banded"},
    "cap": {"zh": "封顶封底", "en": "capped"}, "redact": {"zh": "遮盖文本", "en": "persons masked"}, "shift": {"zh": "日期平移", "en": "shifted"},
    "mondrian": {"zh": "放宽取值", "en": "widened"}, "aggregate": {"zh": "汇总", "en": "aggregated"},
}
TYPES: Mapping[str, Mapping[str, str]] = {
    "text": {"zh": "文本", "en": "text"}, "bigint": {"zh": "整数", "en": "integer"}, "double": {"zh": "浮点数", "en": "floating-point number"},
    "boolean": {"zh": "是或否", "en": "yes or no"}, "date": {"zh": "日期", "en": "date"}, "timestamp": {"zh": "日期时间", "en": "date and time"},
    "decimal": {"zh": "小数", "en": "decimal number"},
}
FORMATS: Mapping[str, str] = {"csv": "CSV", "parquet": "Parquet", "jsonl": "JSON Lines", "json": "JSON", "xlsx": "Excel", "geojson": "GeoJSON"}
SHARING: Mapping[str, Mapping[str, str]] = {
    "unconditional": {"zh": "无条件共享", "en": "shared unconditionally"}, "restricted": {"zh": "有条件共享", "en": "shared under conditions"},
    "prohibited": {"zh": "不予共享", "en": "not shared"},
}

# The guide's fields in the guide's order, and their English names.
NATIONAL: Mapping[str, str] = {
    "信息资源代码": "resource_code", "信息资源名称": "resource_name", "信息资源摘要": "summary", "信息资源提供方": "provider", "信息项": "items",
    "信息资源格式": "formats", "更新周期": "update_cycle", "共享类型": "share_type", "共享条件": "share_conditions", "开放类型": "open_type",
    "开放条件": "open_conditions", "发布日期": "release_date", "关联代码表": "code_lists", "权利人": "rights_holder", "法律依据": "legal_basis",
}


def entry(city: City, contract: Contract, product: Product, tier: str, columns: Sequence[Mapping[str, Any]], released: str | None) -> dict[str, Any]:
    """One row of the unified catalog: `national` with the guide's field names and Chinese words, `english` the same in English.

    `released` is the day of the newest release in the city's zone.
    """
    fields, department = contract.fields, city.departments[contract.department]
    title = product.title or fields.title
    return {
        "id": contract.product_id(product.name),
        "dataset": contract.id,
        "department": contract.department,
        "field": fields.field,
        "tier": tier,
        "title_zh": title.zh,
        "title_en": title.en,
        "vertical": department.vertical,
        "status": contract.status,
        "national": dict(zip(NATIONAL, _guide(city, contract, product, tier, columns, released, "zh"), strict=True)),
        "english": dict(zip(NATIONAL.values(), _guide(city, contract, product, tier, columns, released, "en"), strict=True)),
    }


def _guide(city: City, contract: Contract, product: Product, tier: str, columns: Sequence[Mapping[str, Any]], released: str | None,
           language: str) -> list[str]:
    """The values of the guide's fields, in its order. Rights holder and legal basis are names, told as they are written."""
    fields, many, after = contract.fields, ("、" if language == "zh" else ", "), ("；" if language == "zh" else "; ")
    conditions = getattr(product.conditions, language) if product.conditions else ""
    item = "{}（{}）" if language == "zh" else "{} ({})"
    label = "label" if language == "zh" else "label_en"
    return [
        contract.product_id(product.name), getattr(product.title or fields.title, language), getattr(fields.summary, language),
        getattr(city.departments[contract.department].name, language),
        after.join(item.format(column[label], type_name(column["type"], language)) for column in columns),
        many.join(FORMATS.get(kind, kind) for kind in product.formats), CYCLES[fields.update.every][language], SHARING[tier][language],
        conditions, TIER_NAMES[tier][language], conditions, (released or "")[:10],
        many.join(sorted({str(column["codes"]) for column in columns if column.get("codes")})), fields.rights_holder, fields.legal_basis,
    ]


def type_name(kind: str, language: str) -> str:
    """A column's type in words; `decimal(9,6)` is a decimal number. What is not known is told as it is written."""
    names = TYPES.get(kind.partition("(")[0])
    return names[language] if names else kind


def coverage(city: City, entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Number of products a department and a field, departments without any included."""
    found = []
    for name, department in city.departments.items():
        mine = [item for item in entries if item["department"] == name]
        row: dict[str, Any] = {"department": name, "name_zh": department.name.zh, "name_en": department.name.en,
                               "vertical": department.vertical, "products": len(mine)}
        row |= {field: sum(item["field"] == field for item in mine) for field in FIELDS}
        row |= {tier: sum(item["tier"] == tier for item in mine) for tier in TIER_NAMES}
        found.append(row)
    return found
