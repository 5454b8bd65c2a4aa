"""What a product is on a CKAN portal: one package with its resources, and the typed fields of its table. Pure.

`compose` gives what shall stand there, `drift` names what differs in what `package_show` answers. Only our own keys are compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote
from uuid import UUID, uuid5

from catalog.canonical import fingerprint, plain
from catalog.ckan_names import VERSION, clean_tags, mark, slug, text
from catalog.contract import LEVELS
from catalog.dcat import MEDIA

NS = UUID("6182c7e9-da16-4acc-be61-37f7b3b7086c")      # of resource ids: they never change
FORMATS = {"csv": "CSV", "parquet": "PARQUET", "jsonl": "JSONL", "json": "JSON", "xlsx": "XLSX", "geojson": "GeoJSON"}   # as CKAN writes them
TABLE_NAME = "数据表"
PG_TYPES = {"text": "text", "bigint": "int8", "decimal": "numeric", "double": "float8", "boolean": "bool", "date": "date",
            "timestamp": "timestamp"}
_OF_POSTGRES = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}      # every table has these columns already
_OURS = ("name", "title", "notes", "owner_org", "groups", "tags", "version", "license_id", "private", "type", "citylake_id", "dataset_id",
         "product", "shown", "tier", "level", "title_en", "notes_en", "rights_holder", "legal_basis", "attribution", "update_every",
         "contact_name", "contact_email", "contact_phone", "conditions", "conditions_en", "release", "released", "rows", "quality", "formats",
         "page", "resources")
_FOREIGN = ("author", "author_email", "maintainer", "maintainer_email", "url", "extras")      # never ours: filled by hand only


class Shows(Protocol):
    """What a portal shall show of one product (pipelines/portals)."""

    @property
    def id(self) -> str: ...
    @property
    def shown(self) -> str: ...
    @property
    def page(self) -> Mapping[str, Any]: ...


def compose(item: Shows, site: str, name: str | None = None) -> dict[str, Any]:
    """The package with its resources. `site` is the portal's public address; `name` keeps the one that the package has."""
    page = item.page
    name = name or slug(page["title"]["zh"], item.id)
    package: dict[str, Any] = {
        "name": name, "title": text(page["title"]["zh"]).strip() or name, "notes": text(page["summary"]["zh"]), "owner_org": page["department"],
        "groups": [{"name": field_group(page["field"])}], "tags": [{"name": tag} for tag in clean_tags(page["tags"])],
        "version": text(page["version"])[:VERSION], "license_id": text(page["licence"]), "private": False, "type": "dataset",
        "citylake_id": item.id, "dataset_id": page["dataset"], "product": page["product"], "shown": item.shown,
        **_texts(page), "page": page_text(page),
    }
    return {**package, "resources": _resources(item, site.rstrip("/"), name)}


def field_group(field: str) -> str:
    """The group of a field: CKAN keeps the names of groups and organisations in one space, and there are departments called `health`."""
    return f"field-{field}"


def page_text(page: Mapping[str, Any]) -> str:
    """The whole page as canonical JSON."""
    return json.dumps(plain(page), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _texts(page: Mapping[str, Any]) -> dict[str, str]:
    conditions, quality, contact = page["conditions"] or {}, page["quality"] or {}, page["contact"]
    found = {
        "tier": page["tier"], "level": max((column["level"] for column in page["columns"]), key=LEVELS.index, default=""),
        "title_en": page["title"]["en"], "notes_en": page["summary"]["en"], "rights_holder": page["rights_holder"],
        "legal_basis": page["legal_basis"], "attribution": page["attribution"], "update_every": page["update"]["every"],
        "contact_name": contact["name"], "contact_email": contact.get("email"), "contact_phone": contact.get("phone"),
        "conditions": conditions.get("zh"), "conditions_en": conditions.get("en"), "release": page["release"],
        "released": page["released"], "rows": page["rows"], "quality": quality.get("overall"),
        "formats": " ".join(dict.fromkeys(file["format"] for file in page["files"])),
    }
    return {key: text(value) for key, value in found.items()}


def _resources(item: Shows, site: str, name: str) -> list[dict[str, Any]]:
    if item.shown != "open":
        return []
    table = table_id(item.id)
    found: list[dict[str, Any]] = [{"id": table, "name": TABLE_NAME, "format": "API", "url_type": "datastore",
                                    "url": f"{site}/datastore/dump/{table}", "datastore_active": True}]
    release = str(item.page["release"])
    for file in item.page["files"]:
        found.append({
            "id": resource_id(item.id, f"{file['format']}/{file['period'] or ''}"), "name": file["name"], "format": FORMATS[file["format"]],
            "mimetype": MEDIA[file["format"]], "size": file["size"], "hash": file["sha256"], "url_type": "citylake", "release": release,
            "url": f"{site}{file_path(name, release, file['name'])}",
        })
    return found


def file_path(name: str, release: str, file: str) -> str:
    """Where a file of a release answers, below the portal's address."""
    return f"/data/{name}/{release}/{quote(file)}"


def resource_id(identity: str, what: str) -> str:
    """The id of a product's resource: of the table, or of one format and period."""
    return str(uuid5(NS, f"{identity}/{what}"))


def table_id(identity: str) -> str:
    """The resource whose DataStore table is always the newest release."""
    return resource_id(identity, "table")


def staged_id(identity: str) -> str:
    """The resource beside which the next table is filled."""
    return resource_id(identity, "staged")


def name_of(identity: str, package: Mapping[str, Any]) -> str | None:
    """The package's own name if it is one that we gave; a new title changes no address."""
    name = str(package["name"])
    return name if name.endswith(f"-{mark(identity)}") else None


def drift(item: Shows, package: Mapping[str, Any], site: str) -> tuple[str, ...]:
    """Names of the fields of a `package_show` answer that differ from what `compose` gives for the item, sorted."""
    want = compose(item, site, name_of(item.id, package))
    found = {key for key in want if _seen(key, package) != _seen(key, want)}
    lost = {"table"} if item.shown == "open" and not _tabled(item.id, package) else set()
    return tuple(sorted(found | lost | {key for key in _FOREIGN if package.get(key)}))


def _tabled(identity: str, package: Mapping[str, Any]) -> bool:
    """Whether CKAN says that the product's table is there."""
    return any(entry.get("id") == table_id(identity) and entry.get("datastore_active") for entry in package.get("resources") or ())


def picture(identity: str, package: Mapping[str, Any]) -> str:
    """Fingerprint of everything of ours in a `package_show` answer that nothing of ours composed: of hand edits."""
    return fingerprint("package", identity, {key: _seen(key, package) for key in (*_OURS, *_FOREIGN)}, _tabled(identity, package))


def _seen(key: str, package: Mapping[str, Any]) -> Any:
    """A field in a form in which equal things are equal, whatever CKAN adds, orders or leaves out."""
    value = package.get(key)
    if key == "owner_org":
        return (package.get("organization") or {}).get("name", value)      # package_show answers with the id
    if key in ("tags", "groups"):
        return sorted(str(entry["name"]) for entry in value or ())
    if key == "resources":
        return [{name: _plain(entry.get(name)) for name in _RESOURCE} for entry in value or ()]
    return _plain(value)


# What is compared of a resource; whether the table is there is asked apart.
_RESOURCE = ("id", "name", "description", "format", "mimetype", "size", "hash", "url_type", "url", "release", "cache_url")


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def fields(columns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The DataStore fields of a table: typed as declared, never guessed, each with its labels."""
    return [{"id": name, "type": PG_TYPES[column["type"].split("(")[0]], "info": _info(column)}
            for name, column in zip(table_columns(columns), columns, strict=True)]


def _info(column: Mapping[str, Any]) -> dict[str, str]:
    found = {"label": column["label"], "label_en": column["label_en"], "notes": column["description"], "unit": column["unit"]}
    return {key: text(value) for key, value in found.items()}


def table_columns(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the table's columns: the physical names; one that every PostgreSQL table has already gets a `_`."""
    taken = {column["name"] for column in columns}
    found = []
    for column in columns:
        name = column["name"]
        while name in _OF_POSTGRES or (name != column["name"] and name in taken):
            name += "_"
        found.append(name)
    return found


def table_mark(page: Mapping[str, Any]) -> str:
    """What the rows of a table are made of: the files that they come from, and the columns' types."""
    files = [(file["name"], file["sha256"]) for file in row_files(page)]
    return fingerprint("table", files, [(field["id"], field["type"]) for field in fields(page["columns"])])


def info_mark(page: Mapping[str, Any]) -> str:
    """The dictionary of a table."""
    return fingerprint("info", [(field["id"], field["info"]) for field in fields(page["columns"])])


def row_files(page: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The files of the newest release that a table is made from: one format, every period; the most exact one that there is."""
    there = {file["format"] for file in page["files"]}
    kind = next((name for name in ("parquet", "jsonl", "csv", "json", "xlsx", "geojson") if name in there), None)
    return [file for file in page["files"] if file["format"] == kind]
