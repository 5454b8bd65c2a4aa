"""A contract as the program uses it: frozen, resolved, without YAML or ODCS in sight.

What a steward writes is ODCS plus catalog/extension.py; catalog/loader.py turns one into the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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
        """Every header that means this column, its own name first; none where refine computes it."""
        return (self.name, self.label, *self.more.aliases) if self.more.from_address is None else ()


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
    def given(self) -> tuple[Column, ...]:
        """The columns that a source or the query gives; the others are computed from them."""
        return tuple(column for column in self.columns if column.more.from_address is None)

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
