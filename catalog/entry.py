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
}

# The guide's fields in the guide's order.
GUIDE = ("信息资源代码", "信息资源名称", "信息资源摘要", "信息资源提供方", "信息项", "信息资源格式", "更新周期", "共享类型", "共享条件",
         "开放类型", "开放条件", "发布日期", "关联代码表", "权利人", "法律依据")


def entry(city: City, contract: Contract, product: Product, tier: str, columns: Sequence[Mapping[str, Any]], released: str | None) -> dict[str, Any]:
    """One row of the unified catalog, with the national guide's Chinese field names as `national` keys."""
    fields, department = contract.fields, city.departments[contract.department]
    title = product.title or fields.title
    conditions = product.conditions.zh if product.conditions else ""
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
        "national": {
            "信息资源代码": contract.product_id(product.name),
            "信息资源名称": title.zh,
            "信息资源摘要": fields.summary.zh,
            "信息资源提供方": department.name.zh,
            "信息项": "；".join(f"{column['label']}（{column['type']}）" for column in columns),
            "信息资源格式": "、".join(product.formats),
            "更新周期": CYCLES[fields.update.every]["zh"],
            "共享类型": {"unconditional": "无条件共享", "restricted": "有条件共享", "prohibited": "不予共享"}[tier],
            "共享条件": conditions,
            "开放类型": TIER_NAMES[tier]["zh"],
            "开放条件": conditions,
            "发布日期": (released or "")[:10],
            "关联代码表": "、".join(sorted({str(column["codes"]) for column in columns if column.get("codes")})),
            "权利人": fields.rights_holder,
            "法律依据": fields.legal_basis,
        },
    }


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
