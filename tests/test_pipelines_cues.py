"""Clause a: a word that points to a state secret holds a batch wherever in a source it stands: names, comments, other sheets and tables,
undeclared columns, records that are no rows, files that cannot be read. It is held for the secrecy officer, and lies in holding alone.
"""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from canaries import Canary, Hunt, below
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import Tiny, column, contract

from pipelines.decisions import decide
from pipelines.formats.every_text import every_text
from privacy.negative_list import load_policy
from privacy.secrecy import Watch, folded

CUE, WEAK = "导弹阵地", "军事禁区"
COLUMNS = [column("id", "text", "编号", key=1, required=True), column("note", "text", "内容")]
CSV = "编号,内容\nA1,树\n"
Plant = Callable[[Path], Any]


def book(path: Path, sheet: str = "数据", more: Callable[[Any, Any], Any] = lambda book, sheet: None) -> None:
    workbook = xlsxwriter.Workbook(str(path))
    first = workbook.add_worksheet(sheet)
    for at, row in enumerate((["编号", "内容"], ["A1", "树"])):
        first.write_row(at, 0, row)
    more(workbook, first)
    workbook.close()


def hidden(workbook: Any, _: Any) -> None:
    other = workbook.add_worksheet("附")
    other.write(0, 0, CUE)
    other.hide()


def rich(workbook: Any, _: Any) -> None:
    other = workbook.add_worksheet("附")
    other.write_rich_string(0, 0, "甲", workbook.add_format({"bold": True}), CUE[:2], workbook.add_format({"italic": True}), CUE[2:])
    other.hide()


def base(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        for statement in ("CREATE TABLE t (编号 TEXT, 内容 TEXT)", "INSERT INTO t VALUES ('A1', '树')", *statements):
            database.execute(statement)
        database.commit()


def zipped(path: Path, member: str = "f.csv", text: str = CSV, comment: str = "", other: str = "", remark: str = "") -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(member)
        info.comment = remark.encode()
        archive.writestr(info, text)
        if other:
            archive.writestr(other, "x")
        archive.comment = comment.encode()


def tarred(path: Path) -> None:
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("f.csv")
        info.size, info.pax_headers = len(CSV.encode()), {"comment": CUE}
        archive.addfile(info, io.BytesIO(CSV.encode()))


def gzipped(path: Path) -> None:
    with path.open("wb") as raw, gzip.GzipFile(f"{CUE}.csv", "wb", fileobj=raw) as stream:
        stream.write(CSV.encode())
    packed = path.read_bytes()
    path.write_bytes(packed[:10] + f"{CUE}.csv".encode() + packed[packed.index(b"\0", 10):] if packed[3] & 8 else
                     packed[:3] + b"\x08" + packed[4:10] + f"{CUE}.csv".encode() + b"\0" + packed[10:])


def columns_file(path: Path) -> None:
    field = pa.field("内容", pa.string(), metadata={"comment": CUE})
    pq.write_table(pa.table([["A1"], ["树"]], schema=pa.schema([pa.field("编号", pa.string()), field])), path)


NAMES = "secrecy.names"
BESIDE = "secrecy.beside"
CASES: dict[str, tuple[str, dict[str, Any], str, Plant]] = {
    "file name": (f"f{CUE}.csv", {"name": "csv"}, NAMES, lambda path: path.write_text(CSV)),
    "weak in a file name": (f"f{WEAK}.csv", {"name": "csv"}, NAMES, lambda path: path.write_text(CSV)),
    "folder": (f"{CUE}/f.csv", {"name": "csv"}, NAMES, lambda path: path.write_text(CSV)),
    "sheet name": ("f.xlsx", {"name": "excel"}, NAMES, lambda path: book(path, WEAK)),
    "another sheet's name": ("f.xlsx", {"name": "excel"}, NAMES, lambda path: book(path, more=lambda book, _: book.add_worksheet(WEAK))),
    "hidden sheet": ("f.xlsx", {"name": "excel"}, BESIDE, lambda path: book(path, more=hidden)),
    "hidden sheet in two fonts": ("f.xlsx", {"name": "excel"}, BESIDE, lambda path: book(path, more=rich)),
    "cell's comment": ("f.xlsx", {"name": "excel"}, BESIDE, lambda path: book(path, more=lambda _, sheet: sheet.write_comment("B2", f"见{CUE}"))),
    "footer": ("f.xlsx", {"name": "excel"}, BESIDE, lambda path: book(path, more=lambda _, sheet: sheet.set_footer(f"&L{CUE}"))),
    "text box": ("f.xlsx", {"name": "excel"}, BESIDE, lambda path: book(path, more=lambda _, sheet: sheet.insert_textbox("D4", CUE))),
    "properties": ("f.xlsx", {"name": "excel"}, BESIDE, lambda path: book(path, more=lambda book, _: book.set_properties({"subject": CUE}))),
    "table's name": ("f.db", {"name": "sqlite", "table": "t"}, NAMES, lambda path: base(path, f'CREATE TABLE "{WEAK}" (x)')),
    "table's comment": ("f.db", {"name": "sqlite", "table": "t"}, BESIDE, lambda path: base(path, f"CREATE TABLE o (x TEXT -- {CUE}\n)")),
    "another table": ("f.db", {"name": "sqlite", "table": "t"}, BESIDE,
                      lambda path: base(path, "CREATE TABLE o (x)", f"INSERT INTO o VALUES ('{CUE}')")),
    "deleted row": ("f.db", {"name": "sqlite"}, BESIDE, lambda path: base(
        path, "PRAGMA secure_delete = OFF", f"INSERT INTO t VALUES ('X', '{CUE}')", "DELETE FROM t WHERE 编号='X'")),
    "column's comment": ("f.parquet", {"name": "parquet"}, BESIDE, columns_file),
    "comment line": ("f.csv", {"name": "csv", "comment": "#"}, BESIDE, lambda path: path.write_text(f"# {CUE}\n{CSV}")),
    "title line": ("f.csv", {"name": "csv", "skip": 1}, BESIDE, lambda path: path.write_text(f"{CUE}\n{CSV}")),
    "key beside": ("f.json", {"name": "json", "path": "rows"}, BESIDE,
                   lambda path: path.write_text(json.dumps({"about": CUE, "rows": [{"编号": "A1", "内容": "树"}]}))),
    "layer's name": ("f.geojson", {"name": "geojson", "geometry": False, "points": False}, NAMES, lambda path: path.write_text(json.dumps(
        {"type": "FeatureCollection", "name": WEAK, "features": [{"type": "Feature", "properties": {"编号": "A1", "内容": "树"}}]}))),
    "short record": ("f.csv", {"name": "csv"}, BESIDE, lambda path: path.write_bytes(f"{CSV}{CUE}\nA2,花\n".encode("gb18030"))),
    "undeclared column": ("f.csv", {"name": "csv"}, BESIDE, lambda path: path.write_text(f"编号,内容,其他\nA1,树,\"{CUE[:2]}\n{CUE[2:]}\"\n")),
    "undeclared column of a workbook": ("f.xlsx", {"name": "excel"}, BESIDE,
                                        lambda path: book(path, more=lambda _, sheet: sheet.write_column(0, 2, ["其他", " ".join(CUE)]))),
    "undeclared column of Parquet": ("f.parquet", {"name": "parquet"}, BESIDE,
                                     lambda path: pq.write_table(pa.table({"编号": ["A1"], "内容": ["树"], "其他": [{"a": CUE}]}), path)),
    "declared column of a file with an undeclared one": ("f.csv", {"name": "csv"}, BESIDE,
                                                         lambda path: path.write_text(f"编号,内容,其他\nA1,{CUE},\n")),
    "XML where CSV is declared": ("f.csv", {"name": "csv"}, NAMES, lambda path: path.write_text(f"<!-- {CUE} -->\n<r><a>1</a></r>\n")),
    "cut JSON": ("f.json", {"name": "json"}, BESIDE, lambda path: path.write_text('[{"编号": "A1", "内容": ' + json.dumps(CUE)[:-1])),
    "cut JSON with one weak word": ("f.json", {"name": "json"}, BESIDE, lambda path: path.write_text(f'[{{"编号": "A1", "内容": "{WEAK}')),
    "no workbook": ("f.xlsx", {"name": "excel"}, BESIDE,
                    lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1x" + CUE.encode("utf-16-le"))),
    "no such sheet": ("f.xlsx", {"name": "excel", "sheet": "表"}, BESIDE, lambda path: book(path, WEAK)),
    "archive's name": (f"f{WEAK}.zip", {"name": "csv"}, NAMES, zipped),
    "archive's comment": ("f.zip", {"name": "csv"}, NAMES, lambda path: zipped(path, comment=WEAK)),
    "member's comment": ("f.zip", {"name": "csv"}, NAMES, lambda path: zipped(path, remark=WEAK)),
    "member's name": ("f.zip", {"name": "csv"}, NAMES, lambda path: zipped(path, f"f{WEAK}.csv")),
    "other member's name": ("f.zip", {"name": "csv"}, NAMES, lambda path: zipped(path, other=f"{WEAK}.txt")),
    "folder in an archive": ("f.zip", {"name": "csv"}, NAMES, lambda path: zipped(path, other=f"{WEAK}/")),
    "torn archive": ("f.zip", {"name": "csv"}, BESIDE, lambda path: path.write_bytes(b"PK\x03\x04" + CUE.encode())),
    "comment in a tar": ("f.tar.gz", {"name": "csv"}, NAMES, tarred),
    "name in a gz": ("f.csv.gz", {"name": "csv"}, NAMES, gzipped),
}


def city_with(root: Path, name: str, form: dict[str, Any], plant: Plant, **fields: Any) -> Tiny:
    city = Tiny(root)
    (city.city / "datasets/parks/trees.odcs.yaml").unlink()
    archive = name.endswith((".zip", ".gz"))
    source = {"system": "parks_files", "options": {"path": "**", **({"member": "f*.csv"} if archive and "tar" not in name else {})}, "format": form}
    city.declare(contract("parks.secret", COLUMNS, sources=[{**source, **fields}]))
    path = city.sources / "parks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    plant(path)
    return city


def rules(city: Tiny) -> list[tuple[str, list[str]]]:
    return [(hold.role, [found["rule"] for found in hold.findings if not found["passed"]])
            for hold in city.way().journal.state("parks.secret").holds.values()]


def spoken(city: Tiny) -> list[str]:
    """Places outside holding in which a cue stands."""
    hunt = Hunt([Canary("name", "held", "here", word) for word in (CUE, WEAK)])
    return [f"{folder.name}/{place}" for folder in (city.settings.lake, city.settings.state, city.settings.site) if folder.exists()
            for place in hunt.told(below(folder)) if not place.startswith("holding/")]


@pytest.mark.parametrize("case", CASES)
def test_a_cue_anywhere_in_a_source_holds_it_for_the_secrecy_officer(tmp_path: Path, case: str, umask: None) -> None:
    name, form, rule, plant = CASES[case]
    city = city_with(tmp_path, name, form, plant)
    city.run()
    ((role, found),) = rules(city)
    assert role == "secrecy_officer"
    assert rule in found
    assert {one.split(".")[0] for one in found} <= {"secrecy", "columns", "format"}
    assert spoken(city) == []
    assert not list((city.settings.lake / "raw").rglob("*/*")) if (city.settings.lake / "raw").exists() else True
    assert city.way().journal.state("parks.secret").batches == ()


@pytest.mark.parametrize("case", CASES)
def test_without_the_word_the_same_source_is_not_the_secrecy_officers(tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.CUE", "普通说明")
    monkeypatch.setattr(f"{__name__}.WEAK", "普通说法")
    name, form, _, plant = CASES[case]
    name = name.replace("导弹阵地", "普通说明").replace("军事禁区", "普通说法")
    city = city_with(tmp_path, name, form, plant)
    city.run()
    assert [role for role, _ in rules(city) if role == "secrecy_officer"] == []


def decided(city: Tiny, verdict: str) -> None:
    ((hold,),) = [tuple(city.way().journal.state("parks.secret").holds.values())]
    city.become("secrecy")
    decide(city.way(), hold.id, verdict, "Looked at")      # type: ignore[arg-type]
    city.run()


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_what_its_archive_said_is_not_forgotten_when_a_batch_is_judged_again(tmp_path: Path, verdict: str, umask: None) -> None:
    city = city_with(tmp_path, "f.zip", {"name": "csv"}, lambda path: zipped(path, comment=CUE))
    city.run()
    before = rules(city)
    source = {"system": "parks_files", "options": {"path": "**", "member": "f*.csv"}, "format": {"name": "csv", "header": True}}
    city.declare(contract("parks.secret", COLUMNS, sources=[source]))
    city.run()
    assert rules(city) == before == [("secrecy_officer", [NAMES])]
    decided(city, verdict)
    assert rules(city) == []
    assert len(city.way().journal.state("parks.secret").batches) == (verdict == "approve")
    assert not list((city.settings.state / "holding").rglob("payload"))
    assert spoken(city) == []


def test_a_secret_in_a_column_that_is_then_left_out_still_waits_for_the_officer(tmp_path: Path, umask: None) -> None:
    city = city_with(tmp_path, "f.csv", {"name": "csv"}, lambda path: path.write_text(f"编号,内容,其他\nA1,树,{CUE}\n"))
    city.run()
    assert rules(city) == [("secrecy_officer", ["columns.unknown", BESIDE])]
    source = {"system": "parks_files", "options": {"path": "**"}, "format": {"name": "csv"}, "leave_out": ["其他"]}
    city.declare(contract("parks.secret", COLUMNS, sources=[source]))
    city.run()
    assert rules(city) == [("secrecy_officer", [BESIDE])]
    decided(city, "approve")
    assert rules(city) == []
    assert spoken(city) == []


CHANCE = st.text(alphabet="甲乙树,;x 1\n\"{}<>", max_size=30)


@settings(deadline=None, max_examples=150)
@given(before=CHANCE, after=CHANCE, encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"]),
       block=st.integers(4, 64), spelled=st.sampled_from([CUE, " ".join(CUE), "导弹\u200b阵地", "導弹陣地".replace("導", "导").replace("陣", "阵")]))
def test_a_cue_is_seen_in_any_encoding_and_over_any_border(
    tmp_path_factory: pytest.TempPathFactory, before: str, after: str, encoding: str, block: int, spelled: str
) -> None:
    path = tmp_path_factory.mktemp("text") / "f"
    path.write_bytes(f"{before}{spelled}{after}\nA1,ABC,\n".encode(encoding))
    watch = Watch(load_policy(None))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.formats.every_text.BLOCK", block)
        for texts in every_text(path):
            watch.see(texts)
    assert watch.counts["strong"]
    assert folded(spelled) == CUE


def test_words_of_two_lines_or_cells_are_not_one(tmp_path: Path) -> None:
    watch = Watch(load_policy(None))
    (tmp_path / "f.csv").write_text("编号,内容\n线,甲线\n人,导弹,阵地\n")
    book(tmp_path / "f.xlsx", more=lambda _, sheet: sheet.write_row(2, 0, ["导弹", "阵地"]))
    for name in ("f.csv", "f.xlsx"):
        for texts in every_text(tmp_path / name):
            watch.see(texts)
    assert watch.counts == {"strong": 0, "weak": 0}


@pytest.mark.parametrize("block", [1, 3, 17, 64, 1000])
def test_a_word_in_two_fonts_is_one_over_any_border(tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.formats.every_text.BLOCK", block)
    book(tmp_path / "f.xlsx", more=rich)
    watch = Watch(load_policy(None))
    for texts in every_text(tmp_path / "f.xlsx"):
        watch.see(texts)
    assert watch.counts["strong"]
