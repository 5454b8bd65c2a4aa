"""Where a product's rows lie: counted on a grid by the database, drawn as five shades in one small SVG. No outside map is asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from ckanext.citylake import helpers, preview
from sqlalchemy.exc import SQLAlchemyError

CELLS = 64           # on the longer side
_SHADES = 5
_NAMES = (("longitude", "latitude"), ("lng", "lat"), ("lon", "lat"))


@dataclass(frozen=True)
class Density:
    """Paths of the cells, from the fewest rows to the most, in a box of `width` times `height` cells; `most` rows are in one cell."""

    paths: Sequence[str]
    width: int
    height: int
    west: str
    east: str
    south: str
    north: str
    most: int


def density(package: Mapping[str, Any]) -> Density | None:
    """None where the reader may not see rows, or they have no position."""
    resource, found = helpers.table(package), helpers.page(package)
    columns = {column["name"] for column in found["columns"]}
    names = next((pair for pair in _NAMES if columns.issuperset(pair)), None)
    if resource is None or names is None or not preview.may_read(package):
        return None
    x, y = (sa.cast(sa.column(name), sa.Float) for name in names)
    table = sa.table(str(resource["id"]), sa.column(names[0]), sa.column(names[1]))
    try:
        west, east, south, north = preview.run(sa.select(sa.func.min(x), sa.func.max(x), sa.func.min(y), sa.func.max(y)).select_from(table))[0]
        if west is None or (west, south) == (east, north):
            return None
        narrow = math.cos(math.radians((south + north) / 2)) or 1.0
        step = max((east - west) * narrow, north - south) / CELLS
        across, down = sa.func.floor((x - west) * narrow / step), sa.func.floor((north - y) / step)
        counted = sa.select(across, down, sa.func.count()).select_from(table).where(x.is_not(None), y.is_not(None)).group_by(across, down)
        cells = [(int(column), int(row), int(count)) for column, row, count in preview.run(counted)]
    except SQLAlchemyError:
        return None
    most = max(count for _, _, count in cells)
    return Density(_paths(cells, most), max(cell[0] for cell in cells) + 1, max(cell[1] for cell in cells) + 1,
                   f"{west:.2f}", f"{east:.2f}", f"{south:.2f}", f"{north:.2f}", most)


def _paths(cells: Sequence[tuple[int, int, int]], most: int) -> list[str]:
    paths = [""] * _SHADES
    for column, row, count in cells:
        shade = round(math.log(count) / math.log(most) * (_SHADES - 1)) if most > 1 else _SHADES - 1
        paths[shade] += f"M{column} {row}h1v1h-1z"
    return paths


def helpers_of() -> dict[str, Any]:
    """For the templates."""
    return {"citylake_density": density}
