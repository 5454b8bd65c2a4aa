"""The catalog as DCAT 3 (W3C) in JSON-LD, shaped after DCAT-AP 3.0.0, whose SHACL shapes it passes. Pure: pages in, document out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

EU = "http://publications.europa.eu/resource/authority"
CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/", "foaf": "http://xmlns.com/foaf/0.1/",
    "vcard": "http://www.w3.org/2006/vcard/ns#", "spdx": "http://spdx.org/rdf/terms#", "xsd": "http://www.w3.org/2001/XMLSchema#",
    "adms": "http://www.w3.org/ns/adms#", "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
}
ACCESS = {"unconditional": "PUBLIC", "restricted": "RESTRICTED", "prohibited": "NON_PUBLIC"}
FREQUENCY = {"hourly": "HOURLY", "daily": "DAILY", "weekly": "WEEKLY", "monthly": "MONTHLY", "quarterly": "QUARTERLY",
             "yearly": "ANNUAL", "irregular": "IRREG"}
MEDIA = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet", "jsonl": "application/jsonl", "json": "application/json",
         "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "geojson": "application/geo+json"}
BASE = "urn:citylake:"


def document(city_id: str, title: Mapping[str, str], publisher: Mapping[str, str], pages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The whole catalog; links are relative to the site's root."""
    return {
        "@context": CONTEXT, "@id": f"{BASE}{city_id}", "@type": "dcat:Catalog",
        "dct:title": _both(title), "dct:description": _both(title), "dct:publisher": _agent(f"{BASE}{city_id}:publisher", publisher),
        "dcat:dataset": [_dataset(page) for page in pages],
    }


def _both(text: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"@value": text["zh"], "@language": "zh"}, {"@value": text["en"], "@language": "en"}]


def _agent(identity: str, name: Mapping[str, str]) -> dict[str, Any]:
    return {"@id": identity, "@type": "foaf:Agent", "foaf:name": _both(name)}


def _ref(kind: str, name: str, cls: str) -> dict[str, str]:
    """A term of the EU's authority tables with its class, which the shapes ask for and a reader could only learn from there."""
    return {"@id": f"{EU}/{kind}/{name}", "@type": cls}


def _link(path: str) -> dict[str, str]:
    return {"@id": path, "@type": "rdfs:Resource"}


def _dataset(page: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@id": f"{BASE}{page['id']}", "@type": "dcat:Dataset", "dct:identifier": page["id"],
        "dct:title": _both(page["title"]), "dct:description": _both(page["summary"]),
        "dct:publisher": _agent(f"{BASE}department:{page['department']}", page["department_name"]),
        "dct:accessRights": _ref("access-right", ACCESS[page["tier"]], "dct:RightsStatement"),
        "dct:accrualPeriodicity": _ref("frequency", FREQUENCY[page["update"]["every"]], "dct:Frequency"),
        "dcat:keyword": list(page["tags"]),
        "dcat:contactPoint": _contact(page),
    }
    if page["released"]:
        found["dct:modified"] = {"@value": page["released"], "@type": "xsd:dateTime"}
    if page["files"]:
        found["dcat:distribution"] = [_distribution(page, file) for file in page["files"]]
    return found


def _contact(page: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"@type": ["vcard:Kind", "vcard:Organization"], "vcard:fn": page["contact"]["name"]}
    if page["contact"].get("email"):
        found["vcard:hasEmail"] = {"@id": f"mailto:{page['contact']['email']}"}
    return found


def _distribution(page: Mapping[str, Any], file: Mapping[str, Any]) -> dict[str, Any]:
    path = f"data/{page['id']}/{page['release']}/{file['name']}"
    return {
        "@id": f"{BASE}{page['id']}:{page['release']}:{file['name']}", "@type": "dcat:Distribution", "dct:title": file["name"],
        "dcat:accessURL": _link(path), "dcat:downloadURL": _link(path),
        "dcat:mediaType": {"@id": f"https://www.iana.org/assignments/media-types/{MEDIA[file['format']]}", "@type": "dct:MediaType"},
        "dcat:byteSize": {"@value": str(file["size"]), "@type": "xsd:nonNegativeInteger"},
        "dct:license": {"@id": f"{BASE}licence:{page['licence']}", "@type": "dct:LicenseDocument", "dct:title": page["licence"]},
        "spdx:checksum": {"@type": "spdx:Checksum", "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256", "@type": "spdx:ChecksumAlgorithm"},
                          "spdx:checksumValue": {"@value": file["sha256"], "@type": "xsd:hexBinary"}},
    }
