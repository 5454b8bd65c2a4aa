"""Real files: departments' data with known numbers, and the torture sets (csv-spectrum exactly, Pollock by score)."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import zstandard

from catalog.errors import BadInput
from pipelines.formats import Table, open_table

pytestmark = pytest.mark.shared


def values(table: Table) -> list[tuple[str | None, ...]]:
    return [tuple(row.values())[:-1] for batch in table.batches() for row in batch.to_pylist()]


def opened(path: Path, declared: dict[str, Any] | None = None) -> Table:
    return open_table(path, declared, path.name)


NAMES = ["comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "newlines", "newlines_crlf", "quotes_and_newlines",
         "simple", "simple_crlf", "utf8"]


@pytest.mark.parametrize("name", NAMES)
def test_csv_spectrum_exactly(name: str, shared: Path, tmp_path: Path) -> None:
    folder = shared / "data/torture/csv-spectrum"
    data = (folder / f"csvs/{name}.csv").read_bytes()
    if name.endswith("_crlf"):
        data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")       # the stored copy lost its CRs
    (tmp_path / "payload").write_bytes(data)
    table = open_table(tmp_path / "payload", None, f"{name}.csv")
    found = [dict(zip(table.columns, row, strict=True)) for row in values(table)]
    assert found == json.loads((folder / f"json/{name}.json").read_text(encoding="utf-8"))
    assert table.bad == []


@pytest.mark.parametrize("name", ["nanchang", "wuhan"])
def test_gb18030_with_cr_cr_lf(name: str, shared: Path) -> None:
    table = opened(shared / f"data/environment/air-daily-gbk/{name}.csv")
    assert (table.options["encoding"], table.options["line_end"], table.columns[0]) == ("gb18030", "crcrlf", "日期")
    assert (len(values(table)), table.bad) == (1871, [])


def test_newlines_inside_fields_of_station_hours(shared: Path) -> None:
    files = [path for path in sorted((shared / "data/environment/air-hourly").rglob("*.csv")) if path.stem in ("杭州", "hangzhou")]
    tables = [opened(path) for path in files]
    found = [dict(zip(table.columns, row, strict=True)) for table in tables for row in values(table)]
    assert (len(files), len(found), sum(len(table.bad) for table in tables)) == (2, 1276, 0)
    assert len({(row["Date"], row["Hour"], row["WatchPoint"]) for row in found}) == 1199
    assert sum(any("\n" in (value or "") for value in row.values()) for row in found) == 7


def test_one_table_in_three_forms(shared: Path) -> None:
    folder = shared / "data/urban-management/garbage"
    text = opened(folder / "garbage.csv", {"name": "csv", "header": False, "columns": ["name", "category"]})
    document, database = opened(folder / "garbage.json"), opened(folder / "database/garbage.sqlite")
    rows = values(text)
    assert (len(rows), document.columns, database.columns[:2]) == (3986, ["name", "category"], ["name", "category"])
    assert values(document) == rows
    assert sorted(row[:2] for row in values(database)) == sorted(rows)


def test_earthquakes(shared: Path) -> None:
    table = opened(shared / "data/world/vega/earthquakes.json")
    rows = values(table)
    assert (table.options["name"], len(rows), table.bad) == ("geojson", 1707, [])
    assert {"mag", "place", "id", "longitude", "latitude", "geometry"} <= set(table.columns)


@pytest.mark.parametrize(("name", "rows", "first"), [
    ("characters.csv", 382, "id"), ("example.tsv", 140, "hour"), ("simple.ssv", 6, "date"), ("simple.xls", 6, "date"),
    ("simple.ods", 3, "Name"), ("loffice-4.4.1.2.ods", 3, "Name"), ("sw_gen.xlsx", 15, "id_str"), ("utf-16le_encoded.csv", 327, "Organisation_code"),
    ("excel_properties.xls", 17, "bold"), ("mixedGLB.csv", 133, "Year"),
])
def test_horror_that_must_load(name: str, rows: int, first: str, shared: Path) -> None:
    table = opened(shared / "data/torture/messytables-horror/horror" / name)
    assert (len(values(table)), table.columns[0], table.bad) == (rows, first, [])


def test_horror_is_never_more_than_bad_input(shared: Path) -> None:
    """Every file of the set loads, or is refused with a remedy; big5 stays big5."""
    folder = shared / "data/torture/messytables-horror/horror"
    refused = []
    for path in sorted(folder.iterdir()):
        try:
            values(opened(path))
        except BadInput as error:
            refused.append(error.remedy)
    assert len(refused) <= 8
    assert all(refused)
    assert opened(folder / "characters.csv").options["encoding"] == "big5"


@pytest.mark.parametrize("size", [517, 5000, 24_493, 25_541])
def test_a_cut_xls_is_refused_in_silence(size: int, shared: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The reader panics over some of these; it does so in a process of its own, and its words stay there."""
    whole = (shared / "data/torture/messytables-horror/horror/simple.xls").read_bytes()
    (tmp_path / "payload").write_bytes(whole[:size])
    with pytest.raises(BadInput, match="cannot be read"):
        open_table(tmp_path / "payload", None, "simple.xls")
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["payload"]


@pytest.fixture(scope="session")
def pollock(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pollock")
    with (shared / "data/torture/pollock_polluted_files.tar.zst").open("rb") as packed:
        plain = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(packed).read()
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        archive.extractall(folder, filter="data")
    return folder / "polluted_files"


def judged(path: Path, clean: Path) -> str:
    """exact; marked: right but for records named as bad; refused; wrong: rows that are not in the clean file."""
    with clean.open(newline="", encoding="utf-8") as handle:
        want = [tuple(row) for row in csv.reader(handle)]
    try:
        table = opened(path, {"name": "csv"})
        found = [tuple(table.columns), *values(table)]
    except BadInput:
        return "refused"
    if found == want:
        return "exact"
    missing = len(want) - len(found)
    return "marked" if set(found) <= set(want) and 0 < missing <= len(table.bad) else "wrong"


@pytest.mark.soak
def test_pollock(pollock: Path) -> None:
    """2,290 polluted files, nothing declared. Wrong are 15 whose header itself is polluted, and four that nobody can tell:
    two headers of several rows, a second table of the same width, apostrophes as quotes around apostrophes, blanks as delimiter."""
    files = sorted((pollock / "csv").glob("*.csv"))
    outcomes = {path.name: judged(path, pollock / "clean" / path.name) for path in files}
    score = Counter(outcomes.values())
    print(f"Pollock: {dict(score)} of {len(files)}")
    assert len(files) == 2290
    assert score["exact"] >= 15
    assert score["exact"] + score["marked"] >= 2257
    assert score["wrong"] <= 19
    assert all("row0" in name for name, outcome in outcomes.items() if outcome == "wrong" and name.startswith("row_"))
