"""Addresses on a real lake: only the level that the treatment allows is in any published byte. Every address here is made up."""

from __future__ import annotations

import csv
import gzip
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from deltalake import DeltaTable
from tiny import CITY, Tiny, by_step, column, contract

from catalog.addressing import FINE as DOORS
from pipelines.corrections import export
from pipelines.corrections import rows as rows_of_quarantine
from pipelines.lineage import columns
from pipelines.lineage_rows import row

DATASET = "parks.benches"
RULE: dict[str, Any] = {
    "id": "R1", "department": "parks", "datasets": [DATASET], "purposes": ["open_data"], "kinds": ["address"],
    "quantity": {"rows_per_batch": 50}, "frequency": {"min_interval_hours": 0}, "mode": ["files"], "scope": {"subjects": "donors"},
    "retention_days": 365, "valid_from": "2026-01-01", "valid_to": "2026-12-31", "legal_basis": "个人信息保护法第十三条", "verified": True,
}
COLUMNS = [column("id", "text", "编号", key=1, required=True), column("donor_at", "text", "捐赠人住址", "L3", identifies="address")]
ROWS = (
    "编号,捐赠人住址\n"
    "1,西湖区文新街道竞舟路2199号5幢2单元301室\n"                       # no city: the city's own district is meant
    "2,浙江省杭州市西湖区文新街道竞舟路２１９９号6栋402\n"
    "3,杭州市 上城区清波街道 劳动路1288弄3号\n"
    "4,江苏省苏州市姑苏区平江街道临顿路1377号\n"                         # another city: as it says
    "5,竞舟路2199号5幢\n"                                               # no division: nobody can tell
    "6,西湖区文三路2099号\n"                                            # no street: nothing to leave
    "7,不详\n"
    "8,西湖区文新街道竞舟路2199号5幢；上城区清波街道劳动路1288弄3号\n")     # two addresses
STREETS = ["浙江省杭州市西湖区文新街道"] * 2 + ["浙江省杭州市上城区清波街道", "江苏省苏州市姑苏区平江街道"] + [""] * 4
FINER = ("竞舟路", "劳动路", "临顿路", "文三路", "2199", "２１９９", "1288", "1377", "2099", "301", "402", "不详")


def city(root: Path, near: str = "3301", level: str = "street", **fields: Any) -> Tiny:
    tiny = Tiny(root)
    tiny.write("city.yaml", CITY + (f'division: "{near}"\n' if near else ""))
    tiny.write("negative_list.yaml", yaml.safe_dump({"version": 1, "collection_rules": [RULE]}, allow_unicode=True))
    product = {"name": "main", "tier": "unconditional", "purpose": "open_data", "formats": ["csv", "parquet", "jsonl", "xlsx"],
               "columns": {"id": {"do": "keep"}, "donor_at": {"do": "generalise", "address": level}}}
    tiny.declare(contract(DATASET, COLUMNS, collection_rule="R1", merge="upsert", **{"products": [product], **fields}))
    tiny.drop("benches1.csv", ROWS)
    return tiny


def release(tiny: Tiny, product: str = "main") -> tuple[Path, list[dict[str, str]]]:
    """The newest release's folder, and the rows of its CSV."""
    found = tiny.way().journal.state(DATASET).releases[product][-1].body["release"]
    folder = tiny.settings.lake / found["folder"]
    with next(folder.glob("*.csv")).open(encoding="utf-8-sig") as file:
        return folder, list(csv.DictReader(file))


def texts(path: Path) -> str:
    """Everything that stands in a file, unpacked, statistics of Parquet with it."""
    data = path.read_bytes()
    if path.suffix == ".parquet":
        found = pq.ParquetFile(path)
        groups = [found.metadata.row_group(at) for at in range(found.metadata.num_row_groups)]
        stats = [str(group.column(at).statistics) for group in groups for at in range(group.num_columns)]
        return str(found.read().to_pydict()) + "".join(stats)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return "".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8", "replace")


def published(tiny: Tiny) -> dict[str, str]:
    """Texts of the release, of gold and of the portal's site, by file."""
    places = [release(tiny)[0], tiny.settings.lake / "tables" / f"gold/{DATASET.replace('.', '/')}", tiny.settings.site]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    return {str(path.relative_to(tiny.root)): texts(path) for path in files}


def test_only_the_level_that_the_treatment_allows_leaves(tmp_path: Path) -> None:
    tiny = city(tmp_path)
    outcomes = by_step(tiny.run())
    assert outcomes[f"{DATASET} serve main"] == "done", outcomes
    assert [item["捐赠人住址"] for item in sorted(release(tiny)[1], key=lambda item: item["编号"])] == STREETS
    files = published(tiny)
    told = [name for name, text in files.items() if "文新街道" in text]
    assert all(any(name.startswith(place) for name in told) for place in ("lake/releases", "lake/tables", "site/"))
    data = {name: text for name, text in files.items() if name.endswith((".csv", ".parquet", ".jsonl", ".xlsx"))}
    assert len(data) > 4
    assert {(name, finer) for name, text in data.items() for finer in FINER if finer in text} == set()
    assert {(name, finer) for name, text in files.items() for finer in FINER if not finer.isascii() and finer in text} == set()


@pytest.mark.parametrize(("level", "first"), [("district", "浙江省杭州市西湖区"), ("city", "浙江省杭州市")])
def test_a_coarser_level_leaves_less(tmp_path: Path, level: str, first: str) -> None:
    tiny = city(tmp_path, level=level)
    tiny.run()
    shown = {item["编号"]: item["捐赠人住址"] for item in release(tiny)[1]}
    assert (shown["1"], shown["6"], shown["5"]) == (first, first, "")


def test_without_the_citys_division_what_names_no_city_is_empty(tmp_path: Path) -> None:
    tiny = city(tmp_path, near="", level="district")
    tiny.run()
    shown = {item["编号"]: item["捐赠人住址"] for item in release(tiny)[1]}
    assert (shown["6"], shown["1"]) == ("", "浙江省杭州市西湖区")               # its street tells which 西湖区 the first means
    tiny.write("city.yaml", CITY + 'division: "3301"\n')
    assert by_step(tiny.run())[f"{DATASET} serve main"] == "done"              # made again by what the city now says
    assert next(item for item in release(tiny)[1] if item["编号"] == "6")["捐赠人住址"] == "浙江省杭州市西湖区"


def test_groups_by_street_count_rows_and_a_row_leads_back_to_its_source(tmp_path: Path) -> None:
    grouped = {"name": "main", "tier": "unconditional", "purpose": "open_data", "formats": ["csv"],
               "columns": {"donor_at": {"do": "generalise", "address": "street"}},
               "aggregate": {"by": ["donor_at"], "measures": {"benches": "count(*)"}, "min_group": 2}}
    tiny = city(tmp_path, products=[grouped])
    rows = "".join(f"{number},西湖区文新街道竞舟路{number}号{number}幢301室\n" for number in range(20, 45))
    tiny.drop("benches2.csv", "编号,捐赠人住址\n" + rows)
    tiny.run()
    shown = release(tiny)[1]
    assert [item["捐赠人住址"] for item in shown] == ["浙江省杭州市西湖区文新街道"]
    assert shown[0]["记录数"] == "27"
    assert len(row(tiny.way(), DATASET, "main", "r1", 1)) == 27


def test_a_division_code_of_a_city_has_four_digits(tmp_path: Path) -> None:
    tiny = city(tmp_path, near="330106")
    with pytest.raises(Exception, match="division"):
        tiny.way()


def computed(name: str, part: str, level: str = "L3", of: str = "donor_at", **more: Any) -> dict[str, Any]:
    fine = {"identifies": "address"} if level != "L1" and part in DOORS else {}
    return column(name, "text", name.upper(), level, from_address={"column": of, "part": part}, **fine, **more)


PARTS = [computed("door", "code"), computed("door_key", "key"), computed("gate_key", "gate_key"), computed("whole", "standard"),
         computed("street_code", "street_code", "L1"), computed("district", "district", "L1"), computed("finest", "level", "L1")]
CLOSED = {"name": "main", "tier": "restricted", "purpose": "open_data", "formats": ["csv"], "columns": {"id": {"do": "keep"}}}


def silver(tiny: Tiny, dataset: str = DATASET) -> list[dict[str, Any]]:
    name = f"silver/{dataset.replace('.', '/')}"
    way = tiny.way()
    found = DeltaTable(tiny.settings.lake / "tables" / name, version=way.journal.state(dataset).tables[name]).to_pyarrow_table().to_pylist()
    return sorted(found, key=lambda item: str(item.get("id")))


def coded(root: Path, *parts: dict[str, Any], products: Sequence[dict[str, Any]] = (CLOSED,), near: str = "3301") -> Tiny:
    tiny = city(root, near=near)
    tiny.declare(contract(DATASET, [*COLUMNS, *(parts or PARTS)], collection_rule="R1", merge="upsert", products=list(products)))
    return tiny


def test_refine_computes_the_declared_parts(tmp_path: Path) -> None:
    tiny = coded(tmp_path)
    assert by_step(tiny.run())[f"{DATASET} refine"] == "done"
    rows = silver(tiny)
    assert [row_["district"] for row_ in rows] == ["西湖区", "西湖区", "上城区", "姑苏区", None, "西湖区", None, None]
    assert [row_["street_code"] for row_ in rows] == ["330106013", "330106013", "330102001", "320508018", None, None, None, None]
    assert [row_["finest"] for row_ in rows] == ["door", "door", "gate", "gate", None, "gate", None, None]
    assert rows[0]["whole"] == "浙江省杭州市西湖区文新街道竞舟路2199号5幢2单元301室"
    assert rows[0]["gate_key"] == rows[1]["gate_key"] != rows[2]["gate_key"]
    assert rows[0]["door"] == f"330106013000-{rows[0]['door_key']}"
    assert all(row_["donor_at"] for row_ in rows)                    # the address itself stays as it came


def test_a_file_cannot_bring_a_computed_column(tmp_path: Path) -> None:
    tiny = coded(tmp_path)
    tiny.drop("benches2.csv", "编号,捐赠人住址,door\n9,西湖区文新街道竞舟路2199号,330106013000-0000000000000000\n")
    tiny.run()
    holds = tiny.way().journal.state(DATASET).holds
    assert any("columns.unknown" in str(hold.body) for hold in holds.values())
    assert len(silver(tiny)) == 8


def test_another_division_of_the_city_computes_anew(tmp_path: Path) -> None:
    tiny = coded(tmp_path, near="")
    tiny.run()
    assert silver(tiny)[5]["district"] is None
    tiny.write("city.yaml", CITY + 'division: "3301"\n')
    assert by_step(tiny.run())[f"{DATASET} refine"] == "done"
    assert silver(tiny)[5]["district"] == "西湖区"


def test_a_column_that_is_added_later_is_computed_from_what_is_in_bronze(tmp_path: Path) -> None:
    tiny = coded(tmp_path, PARTS[4])
    tiny.run()
    tiny.declare(contract(DATASET, [*COLUMNS, *PARTS], collection_rule="R1", merge="upsert", products=[CLOSED]))
    assert by_step(tiny.run())[f"{DATASET} refine"] == "done"
    assert silver(tiny)[0]["door_key"]


def test_a_required_part_puts_what_nobody_can_locate_into_quarantine(tmp_path: Path) -> None:
    required = {**computed("street_code", "street_code", "L1"), "required": True}
    tiny = coded(tmp_path, required)
    tiny.declare(contract(DATASET, [*COLUMNS, required], collection_rule="R1", merge="upsert", products=[CLOSED], max_bad_percent=60.0))
    tiny.run()
    assert [row_["id"] for row_ in silver(tiny)] == ["1", "2", "3", "4"]
    quarantine = rows_of_quarantine(tiny.way(), tiny.way().contract(DATASET), secret=True)
    assert {row_["_rules"] for row_ in quarantine} == {"required.street_code"}
    assert export(tiny.way(), tiny.way().contract(DATASET), tmp_path / "out.csv") == 4
    assert (tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()[0] == "id,donor_at,_replaces"


def test_a_code_leaves_as_a_token_or_as_its_division_only(tmp_path: Path) -> None:
    product = {**CLOSED, "columns": {"id": {"do": "keep"}, "door": {"do": "generalise", "prefix": 9}, "door_key": {"do": "token"}}}
    tiny = coded(tmp_path, products=[product])
    tiny.run()
    shown = {item["编号"]: item for item in release(tiny)[1]}
    assert shown["1"]["DOOR"] == "330106013"
    keys = {row_["door_key"] for row_ in silver(tiny) if row_["door_key"]}
    files = published(tiny)
    assert {(name, key) for name, text in files.items() for key in keys if key in text} == set()


def test_the_lineage_of_a_code_is_the_address(tmp_path: Path) -> None:
    tiny = coded(tmp_path)
    tiny.run()
    found = columns(tiny.way(), DATASET)
    edges = {(edge["from"], edge["to"]) for edge in found["edges"]}
    assert ("bronze/parks/benches#donor_at", "silver/parks/benches#door") in edges
    assert not any("bronze/parks/benches#door" in one for edge in edges for one in edge)
