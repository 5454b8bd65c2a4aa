"""What the parts of the portal's bench share: sizes, the running portal, products with files of rows, and how figures are told."""

from __future__ import annotations

import configparser
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
from bench.whole_way import SOURCE
from portals import NAME, ckan_of
from publishing import page
from stacking import PortalStack
from tiny import Tiny

from pipelines.portals import Item
from pipelines.portals.ckan.portal import CkanPortal
from pipelines.spool import digest

ZONE = "Asia/Shanghai"
ROWS, ROUNDS, SWAPS, CALLS, DATASETS = (
    int(os.environ.get(f"BENCH_PORTAL_{name}", default))
    for name, default in (("ROWS", 200_000), ("ROUNDS", 2), ("SWAPS", 100), ("CALLS", 16), ("DATASETS", 1_000)))
TYPES = {"event_id": "text", "district": "text", "street": "text", "event_date": "date", "reported_at": "timestamp", "worker": "text",
         "amount": "decimal(18,2)", "kind": "text", "summary": "text", "lat": "decimal(9,6)", "lon": "decimal(9,6)", "score": "bigint"}
_CASTS = ", ".join(f"CAST({name} AS {'VARCHAR' if kind == 'text' else kind}) AS {name}" for name, kind in TYPES.items())


def sized() -> str:
    return f"{ROWS:,} rows × {len(TYPES)} columns, {ROUNDS} rounds, {SWAPS} swaps, {DATASETS:,} datasets"


@dataclass(frozen=True)
class Site:
    """A running portal, and a tiny city that publishes to it."""

    stack: PortalStack
    city: Tiny

    @cached_property
    def portal(self) -> CkanPortal:
        return ckan_of(self.city)

    @cached_property
    def pids(self) -> dict[str, int]:
        """Part of the portal → its first process."""
        return {part: int(row["pid"]) for part, row in self.stack.status().items()}

    def address(self, role: str) -> str:
        """DSN of CKAN's own account in the DataStore: `write` owns the tables, `read` is what readers come as."""
        ini = configparser.ConfigParser(interpolation=None)
        ini.read(self.stack.root / "ckan.ini", encoding="utf-8")
        return ini["app:main"][f"ckan.datastore.{role}_url"]

    def item(self, name: str, rows: int, release: str = "r1") -> Item:
        """An open product of so many rows, in Parquet as the releases have it."""
        identity, folder = f"parks.{name}.main", self.city.root / "bench" / name / release
        folder.mkdir(parents=True)
        path = folder / f"{identity}.parquet"
        duckdb.sql(f"COPY (SELECT {_CASTS} FROM ({SOURCE.format(rows=rows)})) TO '{path}' (COMPRESSION zstd)")
        listed = [{"name": path.name, "format": "parquet", "period": "", "rows": rows, "size": path.stat().st_size, "sha256": digest(path)}]
        found = page(identity, f"{name}数据", {}, release) | {
            "department": "parks", "columns": [_column(*each) for each in TYPES.items()], "files": listed, "rows": rows,
            "releases": [{"release": release, "at": "", "hash": "", "rows": rows, "taken_back": None, "files": listed}]}
        return Item(identity, "open", found, {f"{release}/{path.name}": path})


def _column(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "label": f"标签{name}", "label_en": name, "type": kind, "unit": None, "description": "", "codes": None, "level": "L1",
            "treatment": "keep"}


def parquet_of(item: Item) -> Path:
    """The product's one file."""
    (path,) = item.files.values()
    return path


def quantiles(values: Sequence[float]) -> str:
    """p50, p99 and the largest, without fractions."""
    ordered = sorted(values)
    parts = {"p50": 0.5, "p99": 0.99, "max": 1}
    return " ".join(f"{name} {ordered[min(len(ordered) - 1, int(len(ordered) * part))]:.0f}" for name, part in parts.items())


__all__ = ["CALLS", "DATASETS", "NAME", "ROUNDS", "ROWS", "SWAPS", "TYPES", "ZONE", "Site", "parquet_of", "quantiles", "sized"]
