"""Datasets and the catalog as DCAT-AP 3: our pages put into the words of ckanext-dcat's profile, and what that profile leaves out.

Every thing that is named says what it is (a licence document, a media type, a right, ..), so that the shapes of DCAT-AP can be
checked without fetching anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ckan.plugins import toolkit
from ckanext.citylake.published import MEDIA, page_of
from ckanext.citylake.vocabulary import ACCESS, EU, FILE_TYPE, FREQUENCY, IANA, LANGUAGES, THEMES, WITHDRAWN
from ckanext.citylake.wording import LICENCES
from ckanext.dcat.profiles import ADMS, DCAT, DCT, FOAF, RDF, RDFS, SKOS, SPDX, VCARD, EuropeanDCATAP3Profile
from ckanext.dcat.utils import catalog_uri
from rdflib import BNode, Literal, URIRef
from rdflib.term import Node

Page = Mapping[str, Any]


class CitylakeProfile(EuropeanDCATAP3Profile):
    """DCAT-AP 3 from our pages; a package without a page is written as ckanext-dcat does it."""

    def graph_from_dataset(self, dataset_dict: dict[str, Any], dataset_ref: URIRef) -> None:
        page = page_of(dataset_dict)
        if not page:
            super().graph_from_dataset(dataset_dict, dataset_ref)
            return
        super().graph_from_dataset(_in_their_words(dataset_dict, page), dataset_ref)
        self._typed(dataset_ref, DCT.accessRights, f"{EU}/access-right/{ACCESS[page['tier']]}", DCT.RightsStatement)
        if page["field"] in THEMES:
            name, labels = THEMES[page["field"]]
            self._concept(dataset_ref, DCAT.theme, f"{EU}/data-theme/{name}", labels)
        self._contact(dataset_ref, page["contact"].get("phone"))
        if dataset_dict.get("shown") == "tombstone":
            self._concept(dataset_ref, ADMS.status, WITHDRAWN, {"en": "withdrawn", "zh": "已撤回"})
        for resource in dataset_dict.get("resources") or ():
            self._distribution(dataset_dict, page, resource, dataset_ref)
        self._schemes()

    def graph_from_catalog(self, catalog_dict: dict[str, Any], catalog_ref: URIRef) -> None:
        super().graph_from_catalog(catalog_dict, catalog_ref)
        title = toolkit.config["ckan.site_title"]
        self.g.remove((catalog_ref, DCT.language, None))
        for language in LANGUAGES:
            self._typed(catalog_ref, DCT.language, f"{EU}/language/{language}", DCT.LinguisticSystem)
        for homepage in self.g.objects(catalog_ref, FOAF.homepage):
            self.g.add((homepage, RDF.type, FOAF.Document))
        if not toolkit.config.get("ckan.site_description"):
            self.g.add((catalog_ref, DCT.description, Literal(title)))
        publisher = URIRef(f"{catalog_uri()}#publisher")
        self._typed(catalog_ref, DCT.publisher, publisher, FOAF.Agent)
        self.g.add((publisher, FOAF.name, Literal(title)))
        self._schemes()

    def _distribution(self, package: Page, page: Page, resource: Page, dataset_ref: URIRef) -> None:
        """What ckanext-dcat does not say of a distribution: its licence as a document, the addresses, the API behind the table."""
        distribution = URIRef(_uri(package, resource))
        address = URIRef(resource["url"])
        self._licence(distribution, page)
        self._typed(distribution, DCAT.accessURL, address, RDFS.Resource)
        if resource.get("url_type") == "citylake":
            self._typed(distribution, DCAT.downloadURL, address, RDFS.Resource)
            return
        service = URIRef(f"{distribution}#api")
        self._typed(distribution, DCAT.accessService, service, DCAT.DataService)
        self._typed(service, DCAT.endpointURL, f"{_site()}/api/3/action/datastore_search?resource_id={resource['id']}", RDFS.Resource)
        self.g.add((service, DCAT.servesDataset, dataset_ref))
        for language, text in page["title"].items():
            self.g.add((service, DCT.title, Literal(f"{text} (API)", lang=language)))

    def _licence(self, distribution: URIRef, page: Page) -> None:
        known = LICENCES.get(str(page["licence"]))
        licence = URIRef(known[1]) if known else BNode()
        self._typed(distribution, DCT.license, licence, DCT.LicenseDocument)
        self.g.add((licence, DCT.title, Literal(page["licence"])))

    def _concept(self, subject: Node, predicate: URIRef, address: str, labels: Mapping[str, str]) -> None:
        self._typed(subject, predicate, address, SKOS.Concept)
        for language, label in labels.items():
            self.g.add((URIRef(address), SKOS.prefLabel, Literal(label, lang=language)))

    def _contact(self, dataset_ref: URIRef, phone: str | None) -> None:
        for contact in self.g.objects(dataset_ref, DCAT.contactPoint):
            self.g.add((contact, RDF.type, VCARD.Kind))
            if phone:
                self.g.add((contact, VCARD.hasTelephone, URIRef("tel:" + "".join(mark for mark in phone if mark.isdigit() or mark in "+-"))))

    def _schemes(self) -> None:
        """Of every European word its vocabulary."""
        for word in set(self.g.objects()):
            vocabulary, _, _ = str(word).rpartition("/")
            if isinstance(word, URIRef) and vocabulary.startswith(f"{EU}/"):
                self.g.add((word, SKOS.inScheme, URIRef(vocabulary)))

    def _typed(self, subject: Node, predicate: URIRef, value: Node | str, kind: URIRef) -> None:
        node = value if isinstance(value, Node) else URIRef(value)
        self.g.add((subject, predicate, node))
        self.g.add((node, RDF.type, kind))


def _site() -> str:
    return str(toolkit.config["ckan.site_url"]).rstrip("/")


def _uri(package: Page, resource: Page) -> str:
    """As ckanext-dcat names a distribution; it goes by the resource alone."""
    return f"{_site()}/dataset/{package['id']}/resource/{resource['id']}"


def _in_their_words(package: dict[str, Any], page: Page) -> dict[str, Any]:
    """The package with the keys from which ckanext-dcat makes triples. Ours of the same name that mean other things are left out."""
    kept = ("id", "name", "type", "organization", "version", "tags", "metadata_created")
    shown: dict[str, Any] = {key: package[key] for key in kept if key in package}
    address = f"{_site()}/dataset/{package['name']}"
    contact = page["contact"]
    return {
        **shown, "title_translated": page["title"], "notes_translated": page["summary"], "identifier": page["id"], "url": address,
        "frequency": f"{EU}/frequency/{FREQUENCY[page['update']['every']]}", "language": [f"{EU}/language/{LANGUAGES[0]}"],
        "issued": _first(page), "modified": page.get("released") or package["metadata_modified"],
        "contact_name": contact["name"], "contact_email": contact.get("email"),
        "publisher": [{"uri": _agent(package), "name_translated": page["department_name"]}],
        "resources": [dict(_resource(package, page, one)) for one in package.get("resources") or ()],
    }


def _agent(package: Page) -> str:
    return f"{_site()}/organization/{(package.get('organization') or {}).get('name', package.get('owner_org'))}"


def _first(page: Page) -> str | None:
    """When the first release that is still listed came out."""
    return min((str(one["at"]) for one in page.get("releases") or ()), default=None)


def _resource(package: Page, page: Page, resource: Page) -> Iterator[tuple[str, Any]]:
    """A distribution's keys: the table is CSV at its address."""
    kind = next((file["format"] for file in page["files"] if file["name"] == resource["name"]), "csv")
    yield from ((key, resource.get(key)) for key in ("id", "package_id", "url", "size", "hash"))
    yield "uri", _uri(package, resource)
    yield "name", resource["name"]
    yield "mimetype", f"{IANA}/{MEDIA[kind]}"
    if kind in FILE_TYPE:
        yield "format", f"{EU}/file-type/{FILE_TYPE[kind]}"
    if resource.get("hash"):
        yield "hash_algorithm", f"{SPDX}checksumAlgorithm_sha256"
    yield "modified", page.get("released")
