"""GeoJSON: the properties of each feature, its geometry as JSON text, and longitude and latitude where all are points.

A property keeps its name; what comes from the feature itself (`id`, `geometry`, …) gives way.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import Field

from catalog.errors import BadInput
from pipelines.formats.encoding import Encoding, as_text, detect_encoding
from pipelines.formats.json_stream import Reader, Repeated, flat, rows_of
from pipelines.formats.table import CONTENT, MAGIC, BadRecord, Format, Strict, Table, in_batches, shown

COLLECTION = {"type", "features", "bbox", "crs"}      # members that hold no data of their own
FEATURE = {"type", "properties", "geometry", "id", "bbox"}


class GeoJsonOptions(Strict):
    """What a contract may declare; the rest is detected."""

    encoding: Encoding | None = None
    points: bool | None = Field(default=None, description="Whether longitude and latitude become columns")
    geometry: bool = Field(default=True, description="Whether the geometry becomes a column")
    flatten: bool = Field(default=False, description="Nested properties become dotted columns instead of JSON text")


class GeoJson(Format):
    """A FeatureCollection of RFC 7946; `_source_line` is the feature's number."""

    name = "geojson"
    Options = GeoJsonOptions

    @classmethod
    def detect(cls, head: bytes, filename: str) -> int | None:
        if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return None
        if b'"FeatureCollection"' in head:
            return MAGIC
        return CONTENT if filename.lower().endswith(".geojson") else None

    def open(self, payload: Path, options: GeoJsonOptions, filename: str) -> Table:
        encoding = options.encoding or detect_encoding(payload)
        found = _Found()
        for item in _features(payload, encoding, found):
            found.look(item, options.flatten)
        if not found.collection:
            raise BadInput("The JSON text is no FeatureCollection.", remedy="Declare format.name: json in the contract.")
        points = options.points if options.points is not None else found.points
        own = found.own(points, options.geometry)
        columns = [*found.properties, *own]
        detected: dict[str, Any] = {} if options.encoding else {"encoding": encoding}
        if options.points is None:
            detected["points"] = points
        read = partial(_read, payload, encoding, columns, frozenset(own), options.flatten)
        return Table(columns, shown(options, self.name, **detected), read, extra=found.foreign, names=found.names)


class _Found:
    """What a first pass over the features tells."""

    def __init__(self) -> None:
        self.properties: dict[str, None] = {}
        self.collection = self.foreign = self._id = self._other = self._point = False
        self.names: tuple[str, ...] = ()

    @property
    def points(self) -> bool:
        return self._point and not self._other

    def look(self, item: Any, flatten: bool) -> None:
        if not isinstance(item, dict):
            return
        self.foreign |= not item.keys() <= FEATURE
        self._id |= item.get("id") is not None
        properties = item.get("properties")
        if isinstance(properties, dict):
            self.properties |= dict.fromkeys(flat(properties) if flatten else properties)
        if isinstance(geometry := item.get("geometry"), dict):
            self._point |= geometry.get("type") == "Point"
            self._other |= geometry.get("type") != "Point"

    def own(self, points: bool, geometry: bool) -> list[str]:
        """Columns that come from the feature itself."""
        own = {"id": self._id, "longitude": points, "latitude": points, "geometry": geometry}
        return [name for name, there in own.items() if there and name not in self.properties]


def _features(payload: Path, encoding: str, found: _Found) -> Iterator[Any]:
    reader = Reader(as_text(payload, encoding))
    for key in reader.members():
        found.foreign |= key not in COLLECTION
        if key == "type":
            found.collection = reader.value() == "FeatureCollection"
        elif key == "features":
            yield from reader.elements()
        elif key in ("name", "crs"):
            found.names += (str(reader.value()),)
        else:
            reader.skip()


def _read(
    payload: Path, encoding: str, columns: list[str], own: frozenset[str], flatten: bool, bad: list[BadRecord]
) -> Iterator[pa.RecordBatch]:
    features = enumerate(_features(payload, encoding, _Found()), 1)
    rows = ((number, _row(item, own, flatten)) for number, item in features)
    yield from in_batches(rows_of(rows, columns, bad), len(columns), bad)


def _row(item: Any, own: frozenset[str], flatten: bool) -> Any:
    """A feature as one flat object; what is no feature is None, and bad."""
    if not isinstance(item, dict) or not isinstance(item.get("properties") or {}, dict):
        return None
    properties = item.get("properties") or {}
    geometry = item.get("geometry")
    row: dict[str, Any] = {"id": item.get("id"), "geometry": geometry}
    if isinstance(geometry, dict) and geometry.get("type") == "Point":
        position = geometry.get("coordinates")
        if isinstance(position, list) and len(position) >= 2:
            row |= {"longitude": position[0], "latitude": position[1]}
    row = {name: value for name, value in row.items() if name in own}
    row |= flat(properties) if flatten else properties
    return Repeated(row) if isinstance(properties, Repeated) or isinstance(item, Repeated) else row
