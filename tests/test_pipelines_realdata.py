"""Real data through the whole way, read where they lie: what arrives is compared with plain reads of the same files.

The city is tests/cities/real. Golden numbers of the epidemic dumps stand in the README of the shared data.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml
import zstandard
from deltalake import DeltaTable
from sqlglot import exp

from catalog.dialect import col
from catalog.evidence import TableAt
from catalog.loader import check_city
from pipelines.conduct import run
from pipelines.decisions import decide, inbox
from pipelines.protocol import perform
from pipelines.settings import Settings
from pipelines.steps.ingest import ingest
from pipelines.way import Way, open_way

ROOT = Path(__file__).resolve().parents[1]
CITY = Path(__file__).parent / "cities" / "real"
GIB = 2**30


class Real:
    """The city of real data with a lake of its own. Nothing is published but into `site`."""

    def __init__(self, root: Path, data: Path) -> None:
        self.data, self.site = data, root / "site"
        self.settings = Settings(CITY, root / "state", root / "lake", self.site, root / "secrets", data, "duckdb", 2 * GIB, 2)

    @property
    def way(self) -> Way:
        return open_way(self.settings)

    def run(self, dataset: str) -> dict[str, Mapping[str, Any]]:
        """Runs one dataset; the body of each step's record, all of which must have gone through."""
        outcomes = run(self.way, [dataset])
        bad = [(o.step, o.outcome, o.note, o.body.get("holds")) for o in outcomes if o.outcome not in ("done", "unchanged")]
        assert not bad
        return {f"{o.step}/{o.target}".rstrip("/"): o.body for o in outcomes if o.dataset == dataset}

    def approve(self, dataset: str, rule: str, column: str) -> None:
        """The privacy officer has looked at what may be personal data in this column, and it is none."""
        (self.settings.state / "people.local.yaml").write_text("officer: privacy\n", encoding="utf-8")
        way = open_way(self.settings, user="officer")
        waiting = [item.hold for item in inbox(way) if item.dataset == dataset]
        doubts = [found for hold in waiting for found in hold.findings if not found["passed"]]
        assert {(found["rule"], found["column"]) for found in doubts} == {(rule, column)}
        for hold in waiting:
            decide(way, hold.id, "approve", "Things, no persons")

    def silver(self, dataset: str) -> pa.Table:
        """Silver in force."""
        name = f"silver/{dataset.replace('.', '/')}"
        version = self.way.journal.state(dataset).tables[name]
        return pa.table(DeltaTable(str(self.settings.lake / "tables" / name), version=version).to_pyarrow_table())

    def published(self, product: str) -> list[list[str]]:
        """The rows of a product's CSV on the site, without its header."""
        path = next((self.site / "current" / "data" / product).glob("*/*.csv"))
        with path.open(encoding="utf-8-sig", newline="") as handle:
            return list(csv.reader(handle))[1:]


def plain_rows(path: Path, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as handle:
        return list(csv.DictReader(handle))


def failed(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What the quality verdict of a refinement objects to: rule → observed."""
    return {item["rule"]: item["observed"] for item in body["verdict"]["findings"] if not item["passed"]}


def test_the_city_is_sound() -> None:
    city, problems = check_city(CITY)
    assert problems == []
    assert city is not None
    assert len(city.contracts) == 15
    assert {name for name, department in city.departments.items() if department.vertical} == {"meteorology", "seismology"}


@pytest.fixture
def real(tmp_path: Path, shared: Path, umask: None) -> Real:
    return Real(tmp_path, shared / "data")


@pytest.mark.shared
def test_codes_of_divisions_stay_text(real: Real) -> None:
    for dataset, file, width in (("cities", "cities", 4), ("districts", "areas", 6), ("streets", "streets", 9)):
        real.run(f"civil_affairs.{dataset}")
        there = plain_rows(real.data / "civil/admin-divisions" / f"{file}.csv")
        silver = real.silver(f"civil_affairs.{dataset}")
        assert silver.schema.field("code").type in (pa.string(), pa.large_string(), pa.string_view())
        assert sorted(zip(silver["code"].to_pylist(), silver["name"].to_pylist(), strict=True)) == sorted((r["code"], r["name"]) for r in there)
        assert {len(code) for code in silver["code"].to_pylist()} == {width}
    hangzhou = [row["code"] for row in plain_rows(real.data / "civil/admin-divisions/areas.csv") if row["cityCode"] == "3301"]
    assert len(hangzhou) == 13
    assert [row[0] for row in real.published("civil_affairs.districts.hangzhou")] == sorted(hangzhou)


@pytest.mark.shared
def test_station_hours_of_hangzhou(real: Real) -> None:
    """The shared folder holds two of the four files that the golden numbers count: 1,276 rows of 11 stations × 109 hours."""
    folder = real.data / "environment/air-hourly/data"
    there = [row for name in ("hangzhou", "杭州") for row in plain_rows(folder / f"{name}.csv")]
    hours = {(row["Date"], row["Hour"], row["WatchPoint"]) for row in there}
    assert (len(there), len(hours)) == (1276, 11 * 109)
    steps = real.run("ecology_environment.air_hours")
    assert sum(batch["rows"] for batch in steps["ingest"]["batches"]) == len(there)
    silver = real.silver("ecology_environment.air_hours")
    found = {(f"{row['date']:%Y%m%d}", f"{row['hour']:02d}", row["station"]): row for row in silver.to_pylist()}
    assert set(found) == hours
    assert silver.num_rows == len(hours)
    for row in there:
        mine = found[row["Date"], row["Hour"], row["WatchPoint"]]
        for name, header in {"aqi": "AQI", "pm25": "PM2.5", "co": "CO", "o3_8h": "O3_8h", "so2": "SO2"}.items():
            assert mine[name] == (None if row[header] in ("NaN", "-", "") else Decimal(row[header]))
    assert silver["aqi"].null_count > 0
    assert not any("\n" in (value or "") or value == "NaN" for value in silver["pollutant"].to_pylist())
    assert "颗粒物(PM10) 细颗粒物(PM2.5)" in silver["pollutant"].to_pylist()      # was spread over five lines of a quoted field
    assert failed(steps["refine"]) == {}                                        # every repeat is exact: no conflicts


@pytest.mark.shared
def test_renamed_columns_in_another_order(real: Real) -> None:
    steps = real.run("ecology_environment.air_hours_national")
    silver = real.silver("ecology_environment.air_hours_national")
    folder = real.data / "environment/air-hourly/data"
    there = [row for name in ("2020041019", "2020041308") for row in plain_rows(folder / f"{name}.csv")]
    number = lambda text: None if text in ("", "-", "NaN") else int(text)                                      # noqa: E731
    expected = Counter((row["WatchPoint"], row["Hour"], number(row["PM25"]), number(row["SO2"])) for row in there)
    assert Counter((r["station"], f"{r['hour']:02d}", r["pm25"], r["so2"]) for r in silver.to_pylist()) == expected
    assert {batch["raw_form"] for batch in steps["ingest"]["batches"]} == {"declared"}                        # _id and ranks stay out


@pytest.mark.shared
def test_gb18030_with_cr_cr_lf(real: Real) -> None:
    steps = real.run("ecology_environment.air_days")
    batches = steps["ingest"]["batches"]
    assert [batch["rows"] for batch in batches] == [1871, 1871]
    assert {(b["options"]["encoding"], b["options"]["line_end"]) for b in batches} == {("gb18030", "crcrlf")}
    assert ["encoding" in batch["options"]["detected"] for batch in batches] == [False, True]
    silver = real.silver("ecology_environment.air_days")
    for source in ("nanchang", "wuhan"):
        text = (real.data / f"environment/air-daily-gbk/{source}.csv").read_bytes().decode("gb18030").replace("\r\r\n", "\n")
        there = Counter((r["日期"], r["质量等级"], r["PM2.5"], Decimal(r["Co"])) for r in csv.DictReader(io.StringIO(text)))
        mine = silver.filter(pc.equal(silver["_source_id"], source)).to_pylist()
        assert Counter((str(r["date"]), r["level"], str(r["pm25"]), r["co"]) for r in mine) == there
    site = "".join(path.read_text(encoding="utf-8", errors="replace") for path in real.site.rglob("*") if path.is_file())
    assert "air_days" not in site                                                                            # no licence: not even an entry


@pytest.mark.shared
def test_weather_out_of_an_archive(real: Real) -> None:
    steps = real.run("meteorology.station_hours")
    assert [batch["rows"] for batch in steps["ingest"]["batches"]] == [35064] * 3
    silver = real.silver("meteorology.station_hours")
    there = {(r["station"], *(int(r[part]) for part in ("year", "month", "day", "hour"))): r
             for rows in members(real.data / "meteorology/prsa-3-stations.tar.zst", "PRSA_Data_") for r in rows}
    assert silver.num_rows == len(there) == 105_192
    names = {"temperature": "TEMP", "pressure": "PRES", "rain": "RAIN", "pm25": "PM2.5", "so2": "SO2"}
    for row in silver.to_pylist():
        source = there[row["station"], row["year"], row["month"], row["day"], row["hour"]]
        assert all(row[mine] == (None if source[theirs] == "NA" else float(source[theirs])) for mine, theirs in names.items())
        assert row["wind_direction"] == (None if source["wd"] == "NA" else source["wd"])


@pytest.mark.shared
def test_padded_numbers_and_units(real: Real) -> None:
    real.run("statistics.population_gdp")
    real.run("statistics.city_gdp")
    silver = {row["year"]: row for row in real.silver("statistics.population_gdp").to_pylist()}
    there = plain_rows(real.data / "statistics/pop-gdp/杭州.csv")
    assert sorted(silver) == list(range(1949, 2024))
    for row in there:
        year, people, gdp = (value.strip() for value in row.values())
        mine = silver[int(year)]
        assert mine["population"] == (int(Decimal(people) * 10_000) if people else None)
        assert mine["gdp"] == (Decimal(gdp) if gdp else None)
    wide = {row["year"]: row["hangzhou"] for row in real.silver("statistics.city_gdp").to_pylist()}
    assert wide.pop(2024) is None
    assert {year: row["gdp"] for year, row in silver.items()} == wide        # the long and the wide table tell the same


@pytest.mark.shared
def test_one_table_as_csv_json_and_sqlite(real: Real) -> None:
    with sqlite3.connect(f"file:{real.data / 'urban-management/garbage/database/garbage.sqlite'}?mode=ro", uri=True) as database:
        there = sorted((name, str(category)) for name, category in database.execute("SELECT name, category FROM Garbage"))
    assert len(there) == 3986
    columns = ("name", "category")
    for form in ("csv", "json", "sqlite"):
        for at in ("ingest", "serve"):          # some of 3,986 things are written like names of persons: once to collect, once to publish
            outcomes = run(real.way, [f"urban_management.waste_{form}"])
            assert [o.step for o in outcomes if o.outcome == "held"] == [at]
            real.approve(f"urban_management.waste_{form}", "doubt.personal" if at == "ingest" else "screen.name.name", "name")
        real.run(f"urban_management.waste_{form}")
        (ingest,) = [o.body for o in outcomes if o.step == "ingest"]      # the one of the run that stopped at serve
        assert ingest["batches"][0]["raw_form"] == ("declared" if form == "sqlite" else "original")     # leave_out
        assert sorted(zip(*(real.silver(f"urban_management.waste_{form}")[c].to_pylist() for c in columns), strict=True)) == there
    files = {tuple(map(tuple, real.published(f"urban_management.waste_{form}.main"))) for form in ("csv", "json", "sqlite")}
    assert len(files) == 1


@pytest.mark.shared
def test_earthquakes_from_geojson(real: Real) -> None:
    real.run("seismology.earthquakes")
    features = json.loads((real.data / "world/vega/earthquakes.json").read_text(encoding="utf-8"))["features"]
    silver = {row["id"]: row for row in real.silver("seismology.earthquakes").to_pylist()}
    assert len(silver) == len(features) == 1707
    for feature in features:
        mine, theirs = silver[feature["id"]], feature["properties"]
        assert (mine["magnitude"], mine["place"], mine["stations"]) == (theirs["mag"], theirs["place"], theirs["nst"])
        assert mine["happened_at"] == datetime.fromtimestamp(theirs["time"] // 1000, UTC).replace(microsecond=theirs["time"] % 1000 * 1000)
        assert [mine["longitude"], mine["latitude"]] == feature["geometry"]["coordinates"][:2]
    with_alert = sum(feature["properties"]["alert"] is not None for feature in features)
    assert sum(row["alert"] is not None for row in silver.values()) == with_alert > 0


@contextmanager
def opened(archive: Path) -> Iterator[tarfile.TarFile]:
    """A tar.zst as a stream, without any of our code."""
    with archive.open("rb") as raw, zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(raw) as stream, \
            tarfile.open(fileobj=stream, mode="r|") as tar:
        yield tar


def members(archive: Path, start: str) -> Iterator[list[dict[str, str]]]:
    """The rows of each CSV file in an archive whose name begins so."""
    with opened(archive) as tar:
        for info in tar:
            if info.isfile() and info.name.removeprefix("./").startswith(start):
                content = tar.extractfile(info)
                assert content is not None
                yield list(csv.DictReader(io.StringIO(content.read().decode("utf-8-sig"))))


CHILD = """
import json, resource, sys, time
from pipelines.conduct import run
from pipelines.settings import settings
from pipelines.way import open_way
started = time.monotonic()
outcomes = run(open_way(settings()), ["health.epidemic"])
used = [resource.getrusage(kind) for kind in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({"steps": {o.step: [o.outcome, o.note] for o in outcomes}, "seconds": time.monotonic() - started,
                  "cpu": used[0].ru_utime + used[0].ru_stime, "peak": used[0].ru_maxrss * 1024}))
"""
FIRST_OF_FIFTEEN = datetime(2020, 2, 16, 9, 13, 47, tzinfo=UTC)


@pytest.mark.shared
@pytest.mark.soak
def test_an_epidemic_in_260_snapshots(real: Real, capsys: pytest.CaptureFixture[str]) -> None:
    s = real.settings
    places = {"CITY": s.city, "STATE": s.state, "LAKE": s.lake, "SITE": s.site, "SECRETS": s.secrets, "SOURCES": s.sources}
    environment = {**os.environ, **{f"CITYLAKE_{name}": str(path) for name, path in places.items()}, "CITYLAKE_MEMORY": "2GB"}
    child = subprocess.run([sys.executable, "-c", CHILD], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr[-2000:]
    told = json.loads(child.stdout)                                             # and nothing else: no progress bar
    with capsys.disabled():
        print(f"\nepidemic: {told['seconds']:.0f} s, {told['cpu']:.0f} s of processor, peak {told['peak'] / GIB:.2f} GiB")
    assert {step: outcome for step, (outcome, _) in told["steps"].items()} == dict.fromkeys(("ingest", "refine", "serve", "publish"), "done")
    assert told["peak"] < 2.5 * GIB

    state = real.way.journal.state("health.epidemic")
    assert len(state.batches) == 260
    assert sum(batch.rows for batch in state.batches) == 6_710_663
    times = [batch.body["time"] for batch in state.batches]
    assert times == sorted(times)                                              # by the time in the member's name, not by place in the archive
    refined = state.last["refine/"]
    assert refined["counts"] == {"rows": 48_534, "quarantined": 0, "vanished": 5_598}
    assert failed(refined) == {"merge.conflicts": {"keys": 31}}

    silver = real.silver("health.epidemic").to_pylist()
    there = newest_dump(real)
    keys = {key(row) for row in there}
    assert (len(there), len(keys)) == (43_002, 42_936)
    current = {(row["province"], row["city"], row["updated_at"]): row for row in silver if row["_vanished_in"] is None}
    gone = [row for row in silver if row["_vanished_in"] is not None]
    assert set(current) == keys                                                # «newest dump» …
    assert not keys & {(row["province"], row["city"], row["updated_at"]) for row in gone}
    assert all(int(row["_vanished_in"][1:]) == int(row["_batch_id"][1:]) + 1 for row in gone)
    assert len(real.published("health.epidemic.main")) == 42_936               # … is what leaves; the rest stays, marked

    for row in there:
        mine = current[key(row)]
        english = (mine["province_english"], mine["city_english"], mine["province_zip"])
        assert english == (row["provinceEnglishName"] or None, row["cityEnglishName"] or None, row["province_zipCode"] or None)
        assert mine["province_confirmed"] == int(row["province_confirmedCount"])
    wenzhou = current["浙江省", "温州", datetime(2020, 2, 17, 11, 22, 29, 404_000, tzinfo=UTC)]
    names = ("city_zip", "province_confirmed", "city_confirmed", "city_cured", "city_dead")
    assert [wenzhou[name] for name in names] == ["330300", 1171, 503, 194, 0]
    assert {row["province_english"] for row in gone if int(row["_batch_id"][1:]) <= 243} == {None}              # dumps of eleven columns


def newest_dump(real: Real) -> list[dict[str, str]]:
    archive = real.data / "perf/dxy-covid/area_csv.tar.zst"
    with opened(archive) as tar:
        last = max(info.name for info in tar)
    return next(members(archive, last))


def key(row: Mapping[str, str]) -> tuple[str, str, datetime]:
    there = datetime.fromisoformat(row["updateTime"]).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    return row["provinceName"], row["cityName"], there.astimezone(UTC)


@pytest.mark.shared
@pytest.mark.soak
def test_four_new_columns_wait_for_someone(real: Real, tmp_path: Path) -> None:
    """With the contract of the first day, dumps of eleven columns are admitted; the first of fifteen and all later ones are held."""
    real.settings = real.settings.at(city=Path(shutil.copytree(CITY, tmp_path / "city")))
    dataset = "health.epidemic_first_day"
    body = perform(real.way, real.way.contract(dataset), ingest)
    assert body["outcome"] == "held"
    admitted = [datetime.fromisoformat(batch["time"]) for batch in body["batches"]]
    held = {datetime.fromisoformat(hold["batch"]["time"]): hold for hold in body["holds"]}
    assert (len(admitted), len(held)) == (243, 17)
    assert max(admitted) < FIRST_OF_FIFTEEN == min(held)
    for hold in held.values():
        [found] = hold["findings"]
        assert (found["rule"], len(found["observed"]["positions"])) == ("columns.unknown", 4)
        assert (hold["approvable"], hold["role"]) == (False, "steward")         # the contract must change, nobody can wave it through
    assert "EnglishName" not in json.dumps(body, ensure_ascii=False)            # headers that nobody declared are in no record

    classify_all(real.settings.city)
    body = perform(real.way, real.way.contract(dataset), ingest)
    assert (body["outcome"], len(body["batches"]), body["holds"]) == ("done", 17, [])
    state = real.way.journal.state(dataset)
    assert (len(state.batches), state.holds) == (260, {})
    first = next(batch for batch in state.batches if batch.id == "b000244")
    assert datetime.fromisoformat(first.body["time"]) == FIRST_OF_FIFTEEN
    bronze = TableAt("bronze/health/epidemic_first_day", state.tables["bronze/health/epidemic_first_day"])
    with real.way.engine.open({"bronze": bronze}) as session:
        numbers = {name: exp.func("count", col(name)) for name in ("city", "province_english", "updated_at")}
        found = session.rows(exp.select(col("_batch_id"), *[exp.alias_(number, name) for name, number in numbers.items()])
                             .from_("bronze").group_by(col("_batch_id")))
    assert sum(row["city"] for row in found) == sum(row["updated_at"] for row in found) == 6_710_663
    assert {row["_batch_id"] for row in found if row["province_english"]} == {f"b{number:06d}" for number in range(244, 261)}


def classify_all(city: Path) -> None:
    """The steward declares the four columns, as the other contract has them."""
    first, whole = (city / f"datasets/health/{name}.odcs.yaml" for name in ("epidemic_first_day", "epidemic"))
    document, other = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in (first, whole))
    document["schema"][0]["properties"] = other["schema"][0]["properties"]
    first.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
