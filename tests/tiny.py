"""A tiny city for tests: one department, one dataset of stations, written as files, with a real lake in a folder.

`Tiny(tmp_path)` writes it; change contract or sources through its methods and `run()` it like the console does.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from sparking import JARS

from pipelines.conduct import Outcome, run
from pipelines.settings import Settings
from pipelines.way import Way, open_way

CITY = """\
id: tiny
name: {zh: 小城, en: Tiny}
title: {zh: 小城数据开放, en: Tiny open data}
zone: Asia/Shanghai
departments:
  parks: {name: {zh: 园林局, en: Parks}}
  weather: {name: {zh: 气象局, en: Weather}, vertical: true}
systems:
  parks_files: {department: parks, title: {zh: 园林系统, en: Parks system}, root: parks}
  weather_files: {department: weather, title: {zh: 气象系统, en: Weather system}, root: weather}
portals:
  site: {kind: folder, auto: true}
"""
PEOPLE = """\
people:
  - {id: steward_p, name: Steward P, department: parks, roles: [steward]}
  - {id: author_p, name: Author P, department: parks, roles: [steward, privacy_officer, bureau]}
  - {id: officer, name: Officer, department: parks, roles: [privacy_officer]}
  - {id: secrecy, name: Secrecy, department: parks, roles: [secrecy_officer]}
  - {id: bureau, name: Bureau, department: parks, roles: [bureau]}
  - {id: bureau2, name: Bureau 2, department: parks, roles: [bureau]}
  - {id: auditor, name: Auditor, department: parks, roles: [auditor]}
"""
CALENDAR = "years:\n  '2026': {holidays: ['2026-01-01'], workdays: []}\n"
KINDS = "code,zh,en,valid_from,valid_to\nA,公园,park,,\nB,湿地,wetland,,\n"
DATASET = "parks.trees"



def column(name: str, kind: str, label: str, level: str = "L1", key: int | None = None, required: bool = False, **more: Any) -> dict[str, Any]:
    """One ODCS property."""
    logical = {"text": "string", "bigint": "integer", "double": "number", "boolean": "boolean", "date": "date", "timestamp": "timestamp"}
    found: dict[str, Any] = {"name": name, "physicalType": kind, "logicalType": logical.get(kind, "number"), "businessName": label,
                             "classification": level}
    if required:
        found["required"] = True
    if key:
        found |= {"primaryKey": True, "primaryKeyPosition": key}
    quality = more.pop("quality", None)
    if quality:
        found["quality"] = quality
    if more:
        found["customProperties"] = [{"property": "citylake", "value": more}]
    return found


def contract(dataset: str = DATASET, columns: list[dict[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
    """A whole contract; `fields` replace those of the citylake property."""
    department, name = dataset.split(".")
    columns = columns if columns is not None else [
        column("id", "text", "编号", key=1, required=True),
        column("kind", "text", "类别", codes="kinds"),
        column("height", "decimal(6,2)", "高度", unit="m", strip_unit=["米", "m"]),
        column("planted", "date", "种植日期"),
        column("note", "text", "备注", "L2"),
    ]
    kept = {item["name"]: {"do": "keep" if item["classification"] == "L1" else "drop"} for item in columns}
    ours: dict[str, Any] = {
        "department": department, "title": {"zh": f"{name}数据", "en": f"The {name}"}, "summary": {"zh": "说明", "en": "Summary"},
        "field": "urban", "licence": "CC-BY-4.0", "rights_holder": "小城", "legal_basis": "浙江省公共数据条例", "author": "author_p",
        "contact": {"name": "园林局信息科", "email": "parks@example.org"}, "update": {"every": "daily"}, "purposes": ["open_data"],
        "sources": [{"system": f"{department}_files", "options": {"path": f"{name}*.csv"}, "format": {"name": "csv"}}],
        "merge": "upsert", "products": [{"name": "main", "tier": "unconditional", "purpose": "open_data", "columns": kept,
                                         "formats": ["csv", "parquet"]}],
    }
    ours |= fields
    ours = {key: value for key, value in ours.items() if value is not None}
    return {
        "kind": "DataContract", "apiVersion": "v3.1.0", "id": dataset, "name": name, "version": "1.0.0", "status": "active",
        "domain": ours["field"], "description": {"purpose": "For tests."},
        "schema": [{"name": name, "physicalType": "table", "properties": columns}],
        "customProperties": [{"property": "citylake", "value": ours}],
    }


class Tiny:
    """The city's folders below `root`, and a clock that tests may set."""

    def __init__(self, root: Path, **fields: Any) -> None:
        self.engine, self.spark = "duckdb", "local[2]"
        self.root, self.now, self.user = root, datetime(2026, 11, 24, 4, 0, tzinfo=UTC), "tester"
        self.city, self.sources = root / "city", root / "sources"
        for folder in ("parks", "weather"):
            (self.sources / folder).mkdir(parents=True, exist_ok=True)
        self.write("city.yaml", CITY)
        self.write("people.yaml", PEOPLE)
        self.write("calendar.yaml", CALENDAR)
        self.write("codes/kinds.csv", KINDS)
        self.declare(contract(**fields))

    def write(self, name: str, text: str) -> Path:
        path = self.city / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def declare(self, document: dict[str, Any]) -> None:
        """Writes a contract."""
        department, name = document["id"].split(".")
        self.write(f"datasets/{department}/{name}.odcs.yaml", yaml.safe_dump(document, allow_unicode=True, sort_keys=False))

    def drop(self, name: str, text: str, department: str = "parks", encoding: str = "utf-8") -> Path:
        """Puts a file where the department's system offers it; never the same mtime twice."""
        path = self.sources / department / name
        path.write_bytes(text.encode(encoding))
        os.utime(path, ns=(self._tick(), self._tick()))
        return path

    def _tick(self) -> int:
        self._ns = getattr(self, "_ns", 1_700_000_000_000_000_000) + 1_000_000_000
        return self._ns

    @property
    def settings(self) -> Settings:
        root = self.root
        return Settings(self.city, root / "state", root / "lake", root / "site", root / "secrets", self.sources, self.engine, 2**31, 2,
                        self.spark, JARS)

    def way(self) -> Way:
        """The city opened anew, as a new process would."""
        return open_way(self.settings, lambda: self.now, self.user)

    def become(self, person: str) -> None:
        """Maps the operating-system user to a person, as whoever runs the machine does."""
        self.settings.state.mkdir(parents=True, exist_ok=True)
        (self.settings.state / "people.local.yaml").write_text(f"{self.user}: {person}\n", encoding="utf-8")

    def run(self, *datasets: str, **options: Any) -> list[Outcome]:
        return run(self.way(), datasets, **options)

    def environment(self) -> dict[str, str]:
        """The variables under which a child process sees this city."""
        s = self.settings
        places = {"CITY": s.city, "STATE": s.state, "LAKE": s.lake, "SITE": s.site, "SECRETS": s.secrets, "SOURCES": s.sources}
        return {**os.environ, **{f"CITYLAKE_{name}": str(path) for name, path in places.items()}, "CITYLAKE_THREADS": "2"}


def by_step(outcomes: list[Outcome]) -> dict[str, str]:
    """`dataset step target` → outcome."""
    return {f"{item.dataset} {item.step} {item.target}".strip(): item.outcome for item in outcomes}


GOOD = "编号,类别,高度,种植日期,备注\nT1,A,3.50 米,2026-03-12,已修剪\nT2,B,２.25,2025-11-30,\nT3,A,-,2024/1/5,待移植\n"

__all__ = ["CITY", "DATASET", "GOOD", "PEOPLE", "Tiny", "by_step", "column", "contract"]
