"""The catalog as DCAT: the DCAT-AP 3.0.0 shapes pass on every kind of page, and would not on a broken one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyshacl
import pytest
import rdflib
from tiny import DATASET, GOOD, Tiny, column, contract

SHAPES = "data/conformance/dcat-ap/releases/3.0.0/shacl/dcat-ap-SHACL.ttl"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A catalog with an open product, a restricted one and one that was never served."""
    city = Tiny(tmp_path_factory.mktemp("dcat"))
    city.declare(contract("parks.ponds", products=[{"name": "main", "tier": "restricted", "purpose": "open_data", "formats": ["csv"],
                                                    "columns": {item["name"]: {"do": "keep" if item["classification"] == "L1" else "drop"}
                                                                for item in contract()["schema"][0]["properties"]},
                                                    "conditions": {"zh": "申请", "en": "Apply"}}]))
    city.declare(contract("weather.rain", [column("id", "text", "编号", key=1, required=True)]))
    city.drop("trees1.csv", GOOD)
    city.drop("ponds1.csv", GOOD)
    city.run()
    found: dict[str, Any] = json.loads((city.settings.site / "current/catalog.jsonld").read_text(encoding="utf-8"))
    assert len(found["dcat:dataset"]) == 3
    return found


def violations(shared: Path, document: dict[str, Any]) -> list[str]:
    graph = rdflib.Graph().parse(data=json.dumps(document), format="json-ld", publicID="https://data.example.org/")
    shapes = rdflib.Graph().parse(shared / SHAPES)
    _, report, _ = pyshacl.validate(graph, shacl_graph=shapes, advanced=True)
    sh = rdflib.Namespace("http://www.w3.org/ns/shacl#")
    return sorted({f"{report.value(one, sh.resultPath)}: {report.value(one, sh.resultMessage)}"
                   for one in report.subjects(rdflib.RDF.type, sh.ValidationResult)})


@pytest.mark.shared
def test_the_catalog_passes_the_dcat_ap_shapes(shared: Path, document: dict[str, Any]) -> None:
    assert violations(shared, document) == []


@pytest.mark.shared
@pytest.mark.parametrize("name", ["dct:title", "dct:description"])
def test_the_shapes_are_really_looked_at(shared: Path, document: dict[str, Any], name: str) -> None:
    broken = json.loads(json.dumps(document))
    del broken["dcat:dataset"][0][name]
    assert violations(shared, broken)


def test_an_open_product_has_its_files_and_a_closed_one_none(document: dict[str, Any]) -> None:
    found = {one["dct:identifier"]: one for one in document["dcat:dataset"]}
    files = found[f"{DATASET}.main"]["dcat:distribution"]
    assert sorted(one["dct:title"] for one in files) == ["parks.trees.main.csv", "parks.trees.main.parquet"]
    assert all(len(one["spdx:checksum"]["spdx:checksumValue"]["@value"]) == 64 for one in files)
    assert "dcat:distribution" not in found["parks.ponds.main"]
