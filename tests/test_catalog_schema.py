"""The JSON Schema of contracts: up to date, true of every contract we ship, and refusing what an editor should underline."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from catalog.schema import json_schema, path, text
from catalog.yamlread import read_yaml

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = sorted([*(ROOT / "catalog" / "cities").rglob("*.odcs.yaml"), *(ROOT / "tests" / "cities").rglob("*.odcs.yaml")])
STATIONS = ROOT / "catalog/cities/hangzhou/datasets/meteorology/station_hours.odcs.yaml"


@pytest.fixture(scope="module")
def validator() -> Any:
    jsonschema.Draft201909Validator.check_schema(json_schema())
    return jsonschema.Draft201909Validator(json_schema())


def test_the_file_is_up_to_date() -> None:
    assert path().read_text(encoding="utf-8") == text(), "run `python -m catalog.schema`"


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: "/".join(contract.parts[-2:]))
def test_every_contract_that_we_ship_is_valid(contract: Path, validator: Any) -> None:
    assert [error.message for error in validator.iter_errors(read_yaml(contract, contract.name).data)] == []


WRONG: list[tuple[tuple[Any, ...], Any]] = [
    (("customProperties", 0, "value", "colour"), "green"),
    (("customProperties", 0, "value", "merge"), "replace"),
    (("customProperties", 0, "value", "licence"), ""),
    (("customProperties", 0, "value", "products", 0, "tier"), "open"),
    (("customProperties", 0, "value", "products", 0, "columns", "rain"), {"do": "burn"}),
    (("customProperties", 0, "value", "period"), {"column": "observed_at"}),
    (("customProperties", 0, "property"), "other"),
    (("schema", 0, "properties", 0, "classification"), "L5"),
    (("schema", 0, "properties", 0, "clasification"), "L1"),
    (("schema", 0, "properties", 0, "physicalType"), "varchar"),
    (("schema", 0, "properties", 0, "customProperties"), [{"property": "citylake", "value": {"lable_en": "x"}}]),
    (("schema", 0, "quality", 0, "dimension"), "beauty"),
    (("apiVersion",), "v2.2.0"),
    (("status",), "finished"),
    (("schema",), []),
    (("owner",), "me"),
]


@pytest.mark.parametrize(("place", "value"), WRONG, ids=lambda item: ".".join(map(str, item)) if isinstance(item, tuple) else "")
def test_what_is_wrong_is_refused(place: tuple[Any, ...], value: Any, validator: Any) -> None:
    document = copy.deepcopy(read_yaml(STATIONS, "x").data)
    holder = document
    for part in place[:-1]:
        holder = holder[part]
    holder[place[-1]] = value
    assert list(validator.iter_errors(document))
