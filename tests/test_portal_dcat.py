"""The portal as DCAT-AP 3: every feed against the SHACL shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
from publishing import Product, Site, closed, content, file_path, page, sha

from pipelines.portals import Item

pytest_plugins = ["publishing"]
pytestmark = pytest.mark.portal


def graph(found: requests.Response, form: str) -> Any:
    rdflib = pytest.importorskip("rdflib")
    assert found.status_code == 200
    return rdflib.Graph().parse(data=found.content, format=form)


@pytest.fixture(scope="module")
def described(site: Site, product: Product, titles: dict[str, str]) -> dict[str, str]:
    """An open, a restricted and a withdrawn dataset."""
    gone = Product(site, Item("ext.gone.main", "tombstone", {}))
    gone.item = Item("ext.gone.main", "tombstone", {**closed(page("ext.gone.main", "撤回的", {})), "tombstone": {"reason": "撤回"}})
    gone.create()
    return {"open": product.name, "restricted": titles["地铁客流量统计"], "gone": gone.name}


@pytest.mark.shared
@pytest.mark.parametrize(("path", "form"), [("/catalog.ttl", "turtle"), ("/dataset/{open}.jsonld", "json-ld"), ("/dataset/{restricted}.rdf", "xml"),
                                            ("/dataset/{gone}.ttl", "turtle")])
def test_feeds_pass_the_shapes_of_dcat_ap(site: Site, described: dict[str, str], shared: Path, path: str, form: str) -> None:
    pyshacl = pytest.importorskip("pyshacl")
    found = graph(site.anonymous.get(path.format(**described)), form)
    for shapes in ("3.0.0/shacl/dcat-ap-SHACL.ttl", "3.0.1/html/shacl/shapes.ttl", "3.0.1/html/shacl/range.ttl"):
        shapes_graph = str(shared / "data/conformance/dcat-ap/releases" / shapes)
        conforms, _, text = pyshacl.validate(found, shacl_graph=shapes_graph, do_owl_imports=False)
        assert conforms, text


def test_the_catalog_says_the_same_in_every_form(site: Site, described: dict[str, str]) -> None:
    found = [graph(site.anonymous.get(f"/catalog.{suffix}"), form) for suffix, form in (("ttl", "turtle"), ("jsonld", "json-ld"), ("rdf", "xml"))]
    assert {len(one) for one in found} == {len(found[0])}
    assert {f"{site.url}/dataset/{name}" for name in described.values()} <= {str(o) for o in found[0].objects()}


def test_a_description_has_what_a_reuser_needs(site: Site, product: Product, described: dict[str, str]) -> None:
    text = site.anonymous.get(f"/dataset/{product.name}.ttl").content.decode()
    for part in (sha(content("固定")), "access-right/PUBLIC", "frequency/DAILY", "licenses/by/4.0", "media-types/text/csv", "file-type/CSV",
                 "mailto:open@example.org", "Hangzhou Transport Bureau", "信息中心", f"{site.url}{file_path(product)}", "datastore_search"):
        assert part in text, part
    other = site.anonymous.get(f"/dataset/{described['restricted']}.ttl").text
    assert "access-right/RESTRICTED" in other
    assert "Distribution" not in other
