"""One JSON Schema for contracts: the standard's own, with our `citylake` properties merged in, so that editors complete both.

It is looser than the loader, which also checks names against the city. Written to catalog/cities/citylake.schema.json by
`python -m catalog.schema`; a contract points there by a first line `# yaml-language-server: $schema=…`.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from catalog.contract import LEVELS
from catalog.contract_reader import LOGICAL, STATUS
from catalog.extension import ColumnFields, DatasetFields
from catalog.odcs import API_VERSIONS, OURS
from catalog.rule_reader import DIMENSIONS

FILE = "citylake.schema.json"


def json_schema() -> dict[str, Any]:
    """The merged schema (draft 2019-09, as the standard's)."""
    schema: dict[str, Any] = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8"))
    definitions = schema["$defs"]
    _add(definitions, DatasetFields)
    _add(definitions, ColumnFields)
    schema["title"] = "citylake contract (ODCS v3)"
    top = schema["properties"]
    top["customProperties"] = {**_holding(DatasetFields), "contains": {"properties": {"property": {"const": OURS}}, "required": ["property"]}}
    top["apiVersion"] = {"enum": list(API_VERSIONS)}
    top["status"] = {"enum": list(STATUS)}
    top["schema"] = {**top["schema"], "minItems": 1, "maxItems": 1}
    schema["required"] = sorted({*schema.get("required", []), "name", "domain", "description", "customProperties", "schema"})
    column = definitions["SchemaBaseProperty"].setdefault("properties", {})
    kinds = "|".join(kind for kind in LOGICAL if kind != "decimal")
    column["customProperties"] = _holding(ColumnFields)
    column["physicalType"] = {"type": "string", "pattern": rf"^({kinds}|decimal\(\d{{1,2}}, ?\d{{1,2}}\))$"}
    column["classification"] = {"enum": list(LEVELS), "description": "Level of sensitivity: L1 not sensitive … L4 sensitive"}
    definitions["DataQuality"].setdefault("properties", {})["dimension"] = {"enum": list(DIMENSIONS)}
    return schema


def _add(definitions: dict[str, Any], model: type[BaseModel]) -> None:
    """Our models under names that cannot meet the standard's."""
    ours = model.model_json_schema(ref_template="#/$defs/citylake.{model}")
    for name, definition in ours.pop("$defs", {}).items():
        definitions[f"citylake.{name}"] = definition
    definitions[f"citylake.{model.__name__}"] = ours


def _holding(model: type[BaseModel]) -> dict[str, Any]:
    """Custom properties of which the one called `citylake` holds this model."""
    named = {"properties": {"property": {"const": OURS}}, "required": ["property"]}
    value = {"properties": {"value": {"$ref": f"#/$defs/citylake.{model.__name__}"}}}
    return {"type": "array", "items": {"$ref": "#/$defs/CustomProperty", "if": named, "then": value}}


def text() -> str:
    """The schema as it stands in the file."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def path() -> Path:
    """Where the file lies: beside the cities."""
    return Path(str(files("catalog") / "cities" / FILE))


if __name__ == "__main__":
    path().write_text(text(), encoding="utf-8")
