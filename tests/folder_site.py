"""A folder portal with one product of every kind, built by the portal itself from small files, and a web server for it."""

from __future__ import annotations

import csv
import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from stacking import CHECKOUT

from catalog.loader import load_city
from pipelines.portals import Item
from pipelines.portals.folder import FolderPortal

CODES = [{"code": "330102", "zh": "上城区", "en": "Shangcheng"}, {"code": "330106", "zh": "西湖区", "en": "Xihu"},
         {"code": "330110", "zh": "余杭区", "en": "Yuhang"}]
DEPARTMENTS = {"transport": {"zh": "杭州市交通运输局", "en": "Hangzhou Transport Bureau"},
               "meteorology": {"zh": "杭州市气象局", "en": "Hangzhou Meteorological Bureau"}}
FIRST, SECOND = "2026-11-18T16:30:00+00:00", "2026-11-20T01:00:00+00:00"      # the first is already the 19th in the city


def column(name: str, label: str, label_en: str, kind: str, **other: Any) -> dict[str, Any]:
    return {"name": name, "label": label, "label_en": label_en, "type": kind, "unit": None, "description": "", "codes": None, "level": "L1",
            "treatment": "keep", **other}


STOPS = [column("stop", "站点编号", "Stop", "text"), column("district", "所属区县", "District", "text", codes="districts"),
         column("address", "地址", "Address", "text", treatment="generalise"),
         column("longitude", "经度", "Longitude", "decimal(9,6)"), column("latitude", "纬度", "Latitude", "decimal(9,6)")]
HOURS = [column("station", "站点", "Station", "text"), column("observed_at", "观测时间", "Observed at", "timestamp"),
         column("temperature", "气温", "Temperature", "decimal(9,2)", unit="℃", description="离地一米半。At 1.5 m above the ground.")]


def about(zh: str = "", en: str = "", published: bool = True) -> dict[str, Any]:
    """What a rule is about, as pipelines/pages.py tells it."""
    return {"column": {"zh": zh, "en": en} if zh else None, "published": published, "row": False, "metric": "", "says": ""}


def page(identity: str, zh: str, en: str, department: str, columns: list[dict[str, Any]], **other: Any) -> dict[str, Any]:
    """A page as pipelines/pages.py makes it."""
    dataset, _, product = identity.rpartition(".")
    named = DEPARTMENTS[department]
    return {
        "id": identity, "dataset": dataset, "product": product, "version": "1.0.0", "title": {"zh": zh, "en": en},
        "summary": {"zh": f"{zh}的说明。", "en": f"{en}, described."}, "department": department, "department_name": named, "vertical": False,
        "field": "urban" if department == "transport" else "environment", "tier": "unconditional", "licence": "CC-BY-4.0",
        "rights_holder": named["zh"], "legal_basis": "浙江省公共数据条例", "attribution": None, "purpose": "方便出行。For travel.", "usage": None,
        "limitations": "不含临时站点。Without temporary stops.", "update": {"every": "daily", "within_working_days": 1},
        "contact": {"name": "信息中心", "email": "open@example.org", "phone": "0571-12345"}, "conditions": None, "tags": ["公共交通", "open"],
        "columns": columns, "codes": {"districts": CODES} if columns is STOPS else {}, "status": "active", "left_out": {"L3": 2},
        "sources": [{"zh": "站点系统", "en": "Stops system"}], "quality": {
            "overall": 99.4, "dimensions": {"completeness": 99.0, "uniqueness": 100.0}, "rows": 64, "quarantined": 4,
            "reasons": ["code.district: 3 rows", "unique.key", "own_rule: 1 rows", "inside: 2 rows", "type.phone: 1200 rows", "merge.conflicts"],
            "rules": {"code.district": about("所属区县", "District"), "type.phone": about("电话", "Phone", published=False),
                      "own_rule": {**about(), "row": True}, "inside": {**about(), "row": True, "says": "lies inside the city"}}},
        "protection": {"treatments": {"address": {"do": "generalise", "address": "street"}}, "rows": "hold"},
        "release": None, "released": None, "files": [], "rows": None, "releases": [],
        "key": [columns[0]["name"]] if columns is STOPS else [], "tier_changes": [],
        "entry": {"national": {"信息资源代码": identity, "信息资源名称": zh}, "english": {"resource_code": identity, "resource_name": en}}, **other}


def stops(count: int) -> list[list[str]]:
    """Rows of stops: a third of them without an address."""
    return [[f"S{at:03d}", CODES[at * (at + 1) // 2 % 3]["code"], "" if at % 3 == 0 else f"文三路{at}街区",
             f"{120.05 + at % 8 / 40:.6f}", f"{30.15 + at // 8 / 50:.6f}"] for at in range(count)]


def moved(rows: list[list[str]]) -> list[list[str]]:
    """One stop gets another address."""
    return [[*rows[0][:2], "文三路新街区", *rows[0][3:]], *rows[1:]]


def hours(day: int) -> list[list[Any]]:
    start = datetime(2026, 11, day, tzinfo=UTC) - timedelta(hours=8)
    return [["K1", start + timedelta(hours=hour), f"{10 + hour / 4 + day / 10:.2f}"] for hour in range(24)]


def release(home: Path, identity: str, name: str, columns: list[dict[str, Any]], rows: list[list[Any]], period: str = "") -> list[dict[str, Any]]:
    """Writes CSV and Parquet of a release; their entries."""
    folder = home / identity / name
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{identity}{'-' + period if period else ''}"
    with (folder / f"{stem}.csv").open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow([one["label"] for one in columns])
        writer.writerows([[local(value) for value in row] for row in rows])
    kinds = {"timestamp": pa.timestamp("us", "UTC")}
    arrays = [pa.array([row[at] or None for row in rows], kinds.get(one["type"], pa.string())) for at, one in enumerate(columns)]
    pq.write_table(pa.table(arrays, [one["name"] for one in columns]), folder / f"{stem}.parquet")
    return [{"name": path.name, "format": path.suffix[1:], "period": period, "rows": len(rows), "size": path.stat().st_size,
             "sha256": hashlib.sha256(path.read_bytes()).hexdigest()} for path in (folder / f"{stem}.csv", folder / f"{stem}.parquet")]


def local(value: Any) -> Any:
    return (value + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else value


def released(home: Path, identity: str, releases: list[tuple[str, str, list[dict[str, Any]]]]) -> dict[str, Any]:
    """What the page says of its releases, oldest given first, and where the bytes lie."""
    past = [{"release": name, "at": at, "hash": "0" * 64, "rows": sum(f["rows"] for f in files if f["format"] == "csv"), "taken_back": None,
             "files": files} for name, at, files in releases]
    newest = past[-1]
    return {"release": newest["release"], "released": newest["at"], "files": newest["files"], "rows": newest["rows"], "releases": past[::-1]}


def items(home: Path) -> dict[str, Item]:
    """One product of every kind; files lie below `home`."""
    bus, sky = "transport.bus.main", "meteorology.sky.main"
    bus_page = released(home, bus, [("r1", FIRST, release(home, bus, "r1", STOPS, stops(60))),
                                    ("r2", SECOND, release(home, bus, "r2", STOPS, moved(stops(64)[2:])))])
    sky_files = [entry for day in (17, 18) for entry in release(home, sky, "r1", HOURS, hours(day), f"2026-11-{day}")]
    made = {
        "bus": ("open", page(bus, "公交站点名录", "Bus stops", "transport", STOPS, **bus_page)),
        "sky": ("open", page(sky, "逐小时气温", "Hourly temperature", "meteorology", HOURS, **released(home, sky, [("r1", FIRST, sky_files)]))),
        "restricted": ("metadata", page("transport.drivers.main", "驾驶员信息", "Drivers", "transport", HOURS, tier="restricted", quality=None,
                                        conditions={"zh": "限科研使用。", "en": "For research only."}, tier_changes=[
                                            {"release": "r3", "at": FIRST, "was": "unconditional", "is": "restricted"}])),
        "beside": ("metadata", page("meteorology.sky.raw", "自动站气温", "Temperature of all stations", "meteorology", HOURS, tier="restricted",
                                    quality=None)),
        "prohibited": ("metadata", page("meteorology.radar.main", "雷达基数据", "Raw radar data", "meteorology", HOURS, tier="prohibited",
                                        quality=None, tags=[])),
        "waiting": ("metadata", page("transport.ferries.main", "轮渡航班", "Ferries", "transport", STOPS, quality=None)),
        "gone": ("tombstone", page("transport.trams.main", "电车站点", "Trams", "transport", STOPS, quality=None, tombstone={
            "reason": "来源停止更新。", "basis": "条例第三十条", "date": "2026-10-08", "replacement": "transport.bus.main"})),
    }
    return {kind: Item(body["id"], shown, body, {path.relative_to(home / body["id"]).as_posix(): path for path in (home / body["id"]).rglob("*.*")})
            for kind, (shown, body) in made.items()}


def portal(root: Path) -> FolderPortal:
    city = load_city(CHECKOUT / "catalog/cities/hangzhou")
    return FolderPortal("open", root, replace(city, contracts={}))


def publish(to: FolderPortal, item: Item) -> None:
    seen = to.observe([item.id]).get(item.id)
    to.switch(to.stage(item), seen.fingerprint if seen else None)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder over HTTP on loopback; its address with a slash at the end."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
