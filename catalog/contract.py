"""A contract as the program uses it: frozen, resolved, without YAML or ODCS in sight.

What a steward writes is ODCS plus catalog/extension.py; catalog/loader.py turns one into the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from catalog.extension import ColumnFields, Contact, DatasetFields, Input, Label, Period, Product, Source, Update, Volume

Level = Literal["L1", "L2", "L3", "L4"]
Kind = Literal["text", "bigint", "decimal", "double", "boolean", "date", "timestamp"]
LEVELS: tuple[Level, ...] = ("L1", "L2", "L3", "L4")
LAYERS = ("bronze", "silver", "quarantine", "gold")


@dataclass(frozen=True)
class ColumnType:
    """Physical type: `text`, `bigint`, `decimal(p,s)`, `double`, `boolean`, `date`, `timestamp` (stored as UTC)."""

    kind: Kind
    precision: int = 0
    scale: int = 0

    def __str__(self) -> str:
        return f"decimal({self.precision},{self.scale})" if self.kind == "decimal" else self.kind


@dataclass(frozen=True)
class Rule:
    """A quality rule as declared. `scope` row: `bad` is a condition that is true for a bad row.

    `scope` set: `metric` with bounds over the whole table. Bounds are (comparison, number) pairs that must hold of the
    count or percentage of bad rows (row rules) or of the metric (set rules).
    """

    id: str
    scope: Literal["row", "set", "expectation"]
    dimension: str
    blocking: bool
    column: str | None = None
    metric: str = ""
    bad: str | None = None
    query: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    bounds: tuple[tuple[str, float], ...] = ()
    unit: Literal["rows", "percent"] = "rows"
    description: str = ""
    tolerated: bool = False       # a threshold above zero was declared: bad rows are quarantined, the dataset goes on


@dataclass(frozen=True)
class Column:
    """One declared column."""

    name: str
    type: ColumnType
    label: str
    description: str
    level: Level
    required: bool
    key: int | None                      # position in the primary key, from 1
    unique: bool
    options: Mapping[str, Any]           # ODCS logicalTypeOptions: minimum, maximum, pattern, minLength, maxLength, format
    more: ColumnFields

    @property
    def headers(self) -> tuple[str, ...]:
        """Every header that means this column, its own name first."""
        return (self.name, self.label, *self.more.aliases)


@dataclass(frozen=True)
class Contract:
    """What a dataset is. `id` is `department.dataset`; `source_file` is where it was read (path inside the city)."""

    id: str
    version: str
    status: str
    tags: tuple[str, ...]
    purpose: str
    usage: str
    limitations: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    fields: DatasetFields
    source_file: str

    @property
    def department(self) -> str:
        return self.id.split(".")[0]

    @property
    def name(self) -> str:
        return self.id.split(".")[1]

    @property
    def title(self) -> Label:
        return self.fields.title

    @property
    def sources(self) -> tuple[Source, ...]:
        return tuple(self.fields.sources or ())

    @property
    def inputs(self) -> tuple[Input, ...]:
        return tuple(self.fields.inputs or ())

    @property
    def derived(self) -> bool:
        return bool(self.fields.inputs)

    @property
    def products(self) -> tuple[Product, ...]:
        return tuple(self.fields.products)

    @property
    def period(self) -> Period | None:
        return self.fields.period

    @property
    def volume(self) -> Volume:
        return self.fields.volume

    @property
    def update(self) -> Update:
        return self.fields.update

    @property
    def contact(self) -> Contact:
        return self.fields.contact

    @property
    def keys(self) -> tuple[str, ...]:
        keyed = [column for column in self.columns if column.key is not None]
        return tuple(column.name for column in sorted(keyed, key=lambda column: column.key or 0))

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def product(self, name: str) -> Product:
        return next(product for product in self.products if product.name == name)

    def product_id(self, product: str) -> str:
        return f"{self.id}.{product}"


@dataclass(frozen=True)
class CodeList:
    """A shared code list: `codes/<id>.csv` with code, zh, en, valid_from, valid_to and optionally parent."""

    id: str
    rows: tuple[Mapping[str, str], ...]
    path: Path

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(row["code"] for row in self.rows)


def asset_key(layer: str, dataset: str, product: str | None = None) -> tuple[str, ...]:
    """`layer/department/dataset`, for gold `gold/department/dataset/product`."""
    return (layer, *dataset.split("."), *((product,) if product else ()))


def dataset_of(key: Iterable[str]) -> str:
    """The dataset id behind an asset key."""
    parts = tuple(key)
    return f"{parts[1]}.{parts[2]}"


def contract_path(dataset: str) -> str:
    """Where a dataset's contract lies inside the city folder."""
    department, name = dataset.split(".")
    return f"datasets/{department}/{name}.odcs.yaml"


def dataset_at(path: str) -> str:
    """The dataset id behind a contract path."""
    parts = Path(path).parts
    return f"{parts[-2]}.{parts[-1].removesuffix('.odcs.yaml')}"


def plain(value: Any) -> Any:
    """`value` as JSON-able data, for fingerprints and records."""
    if isinstance(value, BaseModel):
        return plain(value.model_dump(mode="json"))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(plain(item) for item in value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def fingerprint(*parts: Any) -> str:
    """sha256 over the canonical JSON of `parts`; what an operation's id is made of."""
    text = json.dumps([plain(part) for part in parts], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
