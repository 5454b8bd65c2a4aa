"""One contract file → Contract. Collects every problem of the file; what needs other files is checked in catalog/cross.py."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from catalog.contract import LEVELS, Column, ColumnType, Contract
from catalog.extension import ColumnFields, DatasetFields
from catalog.naming import dataset_at
from catalog.odcs import API_VERSIONS, check_keys, check_types, listed, mapped, ours
from catalog.rule_reader import read_rules
from catalog.undecided import undecided
from catalog.yamlread import Document, Path_

M = TypeVar("M", bound=BaseModel)
LOGICAL = {"text": ("string",), "bigint": ("integer",), "decimal": ("number",), "double": ("number",), "boolean": ("boolean",),
           "date": ("date",), "timestamp": ("timestamp", "date")}
_NUMBER = int | float
OPTIONS: dict[str, dict[str, Any]] = {
    "number": {"minimum": _NUMBER, "maximum": _NUMBER, "exclusiveMinimum": _NUMBER, "exclusiveMaximum": _NUMBER},
    "text": {"minLength": int, "maxLength": int, "pattern": str},
}
NAME = re.compile(r"[a-z][a-z0-9_]{0,59}\Z")
STATUS = ("draft", "active", "deprecated")
_NAMED = {"licence": "Name the licence, such as CC-BY-4.0.", "rights_holder": "Name who holds the rights.",
          "legal_basis": "Cite the article that allows to hold the data.", "contact": "Name an office that answers.",
          "purposes": "Name what the data may be used for."}


def read_contract(document: Document) -> Contract | None:
    """The contract, or None when it cannot even be built; problems are in the document."""
    data = document.data
    if not isinstance(data, dict):
        document.problem((), "odcs.form", "The contract must be a mapping.", "Start from another contract.")
        return None
    if undecided(document):         # everything else that is wrong with a draft would only hide what is asked
        return None
    check_keys(document)
    check_types(document)
    _head(document, data)
    fields = _fields(document, data)
    table = _table(document, data)
    if table is None:
        return None
    at: Path_ = ("schema", 0)
    declared = listed(table, "properties")
    if not declared:
        document.problem((*at, "properties"), "schema.empty", "The table has no columns.", "Declare them under properties.")
    found = [_column(document, item, (*at, "properties", number)) for number, item in enumerate(declared)]
    columns = tuple(column for column in found if column is not None)
    rules = read_rules(document, table, at)
    if fields is None or len(columns) < len(found) or not columns:
        return None
    _names(document, columns)
    description = mapped(data, "description")
    purpose, usage, limitations = (str(description.get(key) or "") for key in ("purpose", "usage", "limitations"))
    return Contract(dataset_at(document.file), str(data.get("version", "")), str(data.get("status", "")), tuple(map(str, listed(data, "tags"))),
                    purpose, usage, limitations, columns, rules, fields, document.file)


def _head(document: Document, data: dict[str, Any]) -> None:
    dataset = dataset_at(document.file)
    name = dataset.split(".")[1]
    expected = {"kind": "DataContract", "id": dataset, "name": name}
    for key, value in expected.items():
        if data.get(key) != value:
            document.problem((key,), f"head.{key}", f"{key} must be {value}, as the path says.", f"Write `{key}: {value}` or move the file.")
    if data.get("apiVersion") not in API_VERSIONS:
        document.problem(("apiVersion",), "head.api_version", "The apiVersion is not one that citylake reads.", f"Write {API_VERSIONS[-1]}.")
    if data.get("status") not in STATUS:
        document.problem(("status",), "head.status", "The status is not known.", f"Write one of {', '.join(STATUS)}.")
    if not re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", str(data.get("version", ""))):
        document.problem(("version",), "head.version", "The version is not like 1.0.0.", "Write three numbers, in quotes or bare.")
    if not mapped(data, "description").get("purpose"):
        document.problem(("description",), "head.purpose", "The purpose is missing.", "Say under description.purpose why the data are held.")


def _fields(document: Document, data: dict[str, Any]) -> DatasetFields | None:
    value, at = ours(document, data, ())
    if value is None:
        document.problem(("customProperties",), "citylake.missing", "The citylake property is missing.",
                         "Add `- property: citylake` with its value under customProperties.")
        return None
    fields = validated(document, DatasetFields, value, at)
    if fields is not None:
        if fields.department != dataset_at(document.file).split(".")[0]:
            document.problem((*at, "department"), "citylake.department", "The department is not the folder's.", "Write it or move the file.")
        if data.get("domain") != fields.field:
            document.problem(("domain",), "head.domain", "The domain is not the field of the citylake property.", f"Write `domain: {fields.field}`.")
    return fields


def validated(document: Document, model: type[M], value: Any, at: Path_) -> M | None:
    """The model, or None with one problem a field. No value is quoted."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for item in error.errors(include_input=False, include_url=False):
            _field_problem(document, item, at)
        return None


def _field_problem(document: Document, item: Any, at: Path_) -> None:
    kind = item["type"]
    loc = tuple(part for part in item["loc"] if part not in ("keep", "drop", "mask", "token", "generalise", "round", "band", "cap", "redact", "shift")
                and not str(part).startswith(("constrained-", "function-")))
    name = str(loc[-1]) if loc else "value"
    if kind == "missing":
        remedy = _NAMED.get(name, "Add it.")
        document.problem((*at, *loc[:-1]), f"missing.{name}" if name in _NAMED else "field.missing", f"{name} is missing.", remedy)
    elif kind == "extra_forbidden":
        document.problem((*at, *loc), "field.unknown", f"{name} is not a field of citylake.", "See docs/contracts.md for the fields.")
    elif name in _NAMED and (kind in ("string_too_short", "too_short") or _value_at(document, (*at, *loc)) is None):
        document.problem((*at, *loc), f"missing.{name}", f"{name} is empty.", _NAMED[name])
    else:
        document.problem((*at, *loc), "field.type", f"{name} has the wrong form ({kind}).", "See docs/contracts.md for its form.")


def _value_at(document: Document, path: Path_) -> Any:
    value: Any = document.data
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def _table(document: Document, data: dict[str, Any]) -> dict[str, Any] | None:
    tables = data.get("schema")
    if not isinstance(tables, list) or len(tables) != 1 or not isinstance(tables[0], dict):
        document.problem(("schema",), "schema.one", "The schema must hold exactly one table.", "Make one contract a dataset.")
        return None
    table = tables[0]
    name = dataset_at(document.file).split(".")[1]
    for key, value in {"name": name, "physicalType": "table"}.items():
        if table.get(key) != value:
            document.problem(("schema", 0, key), "schema.table", f"The table's {key} must be {value}.", f"Write `{key}: {value}`.")
    return table


def column_type(text: str) -> ColumnType | None:
    """`decimal(18,4)` and the plain kinds; None for anything else."""
    if found := re.fullmatch(r"decimal\((\d{1,2}),\s?(\d{1,2})\)", text):
        precision, scale = int(found[1]), int(found[2])
        return ColumnType("decimal", precision, scale) if 1 <= precision <= 38 and scale <= precision else None
    return ColumnType(text) if text in LOGICAL and text != "decimal" else None      # type: ignore[arg-type]  # just checked


def _column(document: Document, item: Any, path: Path_) -> Column | None:
    if not isinstance(item, dict):
        return None                     # told by check_keys
    name, before = str(item.get("name") or ""), len(document.problems)
    if not NAME.match(name):
        document.problem((*path, "name"), "column.name", "A column name must be like this_one: a-z, digits, _, at most 60.",
                         "Use a physical name; the source's header goes under aliases.")
    kind = column_type(str(item.get("physicalType") or ""))
    if kind is None:
        document.problem((*path, "physicalType"), "column.type", f"{name}: the physicalType is not one of ours.",
                         "Write text, bigint, decimal(p,s), double, boolean, date or timestamp.")
    elif item.get("logicalType") not in LOGICAL[kind.kind]:
        document.problem((*path, "logicalType"), "column.logical", f"{name}: the logicalType does not fit {kind}.",
                         f"Write `logicalType: {LOGICAL[kind.kind][0]}`.")
    if item.get("classification") not in LEVELS:
        document.problem((*path, "classification"), "column.level", f"{name}: the level is missing or unknown.",
                         "Write `classification:` L1, L2, L3 or L4.")
    if not item.get("businessName"):
        document.problem((*path, "businessName"), "column.label", f"{name}: the Chinese label is missing.", "Write it as businessName.")
    value, at = ours(document, item, path)
    more = validated(document, ColumnFields, value or {}, at)
    options = mapped(item, "logicalTypeOptions")
    if kind is not None:
        _options(document, options, kind, name, (*path, "logicalTypeOptions"))
    key = _key(document, item, path)
    if len(document.problems) > before or kind is None or more is None:
        return None
    return Column(name, kind, str(item["businessName"]), str(item.get("description") or ""), item["classification"],
                  item.get("required") is True, key, item.get("unique") is True, options, more)


def _options(document: Document, options: dict[str, Any], kind: ColumnType, name: str, path: Path_) -> None:
    """Only options that become checks, on the types where engines agree about them; ODCS itself lets anything stand here."""
    known = OPTIONS.get("number" if kind.kind in ("bigint", "decimal", "double") else kind.kind, {})
    for option, value in options.items():
        if option not in known:
            document.problem((*path, option), "column.option", f"{name}: {option} is not an option of {kind}.",
                             f"Use {', '.join(known) or 'none'}, or a sql rule.")
        elif isinstance(value, bool) or not isinstance(value, known[option]) or (known[option] is int and value < 0):
            document.problem((*path, option), "column.option", f"{name}: {option} has the wrong form.", "Write a number, or a pattern as text.")


def _key(document: Document, item: dict[str, Any], path: Path_) -> int | None:
    if item.get("primaryKey") is not True:
        return None
    position = item.get("primaryKeyPosition")
    if not isinstance(position, int) or isinstance(position, bool) or position < 1:
        document.problem((*path, "primaryKey"), "column.key", "The key's position is missing.", "Write primaryKeyPosition: 1, 2 …")
    return position if isinstance(position, int) else 1


def _names(document: Document, columns: tuple[Column, ...]) -> None:
    seen: dict[str, str] = {}
    for number, column in enumerate(columns):
        path: Path_ = ("schema", 0, "properties", number)
        for header in column.headers:
            if seen.setdefault(header, column.name) != column.name:
                document.problem(path, "column.header", f"{column.name} and {seen[header]} answer to the same header.", "Rename one.")
        if [other.name for other in columns].count(column.name) > 1:
            document.problem(path, "column.twice", f"{column.name} is declared twice.", "Keep one.")
    positions = sorted(column.key for column in columns if column.key)
    if positions != list(range(1, len(positions) + 1)):
        document.problem(("schema", 0), "column.key", "The positions of the key are not 1, 2, 3 …", "Number them without gaps.")
