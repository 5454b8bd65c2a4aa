"""The format seam: the registry, detection, declared options, and errors that quote nothing."""

from __future__ import annotations

import gzip
import sqlite3
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from catalog.errors import BadInput
from pipelines.formats import check_options, formats, open_table

SECRET = "330106199003071234"


def test_every_format_is_found_by_the_scan_of_its_folder() -> None:
    assert {"csv", "json", "jsonl", "geojson", "excel", "parquet", "arrow", "sqlite", "xlsx"} <= set(formats())


def make(kind: str, path: Path) -> None:
    if kind == "excel":
        with xlsxwriter.Workbook(path) as book:
            book.add_worksheet().write_row(0, 0, ["a", "b"])
    elif kind == "parquet":
        pq.write_table(pa.table({"a": [1]}), path)
    elif kind == "arrow":
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, pa.schema([("a", pa.int64())])) as writer:
            writer.write_table(pa.table({"a": [1, 2]}))
    elif kind == "sqlite":
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE t (a)")
    else:
        path.write_bytes({
            "csv": b"a,b\n1,2\n", "json": b' [{"a": 1}]', "jsonl": b'{"a": 1}\n{"a": 2}\n',
            "geojson": b'{"type": "FeatureCollection", "features": []}',
        }[kind])


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "geojson", "excel", "parquet", "arrow", "sqlite"])
@pytest.mark.parametrize("filename", ["data", "data.bin", "data.csv"])
def test_the_bytes_tell_the_format_whatever_the_name(kind: str, filename: str, tmp_path: Path) -> None:
    make(kind, tmp_path / "payload")
    table = open_table(tmp_path / "payload", None, filename)
    assert (table.options["name"], "name" in table.options["detected"]) == (kind, True)
    declared = open_table(tmp_path / "payload", {"name": kind}, filename)
    assert (declared.columns, "name" in declared.options["detected"]) == (table.columns, False)


def test_what_fits_two_formats_alike_must_be_declared(tmp_path: Path) -> None:
    (tmp_path / "payload").write_bytes(b"[1],name\n2,x\n")
    with pytest.raises(BadInput, match="could be csv and json"):
        open_table(tmp_path / "payload", None, "data.csv")
    assert open_table(tmp_path / "payload", {"name": "csv"}, "data.csv").columns == ["[1]", "name"]


@pytest.mark.parametrize("data", [b"", b"<html><table></table></html>", b"%PDF-1.7 x", gzip.compress(b"a,b\n" * 50, mtime=0), bytes(range(256)) * 9])
def test_what_is_no_table_is_bad_input(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "payload").write_bytes(data)
    with pytest.raises(BadInput) as caught:
        open_table(tmp_path / "payload", None, f"{SECRET}.csv")
    assert SECRET not in str(caught.value)
    assert caught.value.remedy


def test_a_zip_that_is_no_workbook_is_bad_input(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "payload", "w") as archive:
        archive.writestr("x.txt", "a")
    for declared in (None, {"name": "excel"}):
        with pytest.raises(BadInput):
            open_table(tmp_path / "payload", declared, "x.zip")


@pytest.mark.parametrize(("declared", "word"), [
    ({"name": "word"}, "does not exist"), ({"name": "csv", "delimitr": ";"}, "delimitr"), ({"name": "csv", "skip": "2"}, "skip"),
    ({"name": "excel", "header_row": 0}, "header_row"), ({"delimiter": ";"}, "no name"),
])
def test_wrong_options_are_told(declared: dict[str, object], word: str) -> None:
    assert word in check_options(declared)[0]


def test_right_options_are_told_nothing() -> None:
    assert check_options({}) == []
    assert check_options({"name": "csv", "delimiter": ";", "encoding": "gb18030"}) == []


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "geojson", "excel", "parquet", "arrow", "sqlite"])
def test_damaged_files_never_raise_anything_else(kind: str, tmp_path: Path) -> None:
    """Cut and flipped bytes: BadInput, bad records or rows, nothing else, and no header or value in the message."""
    make(kind, tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    damaged = [whole[: len(whole) * part // 8] for part in range(1, 8)]
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        damaged.append(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1:])
    for data in damaged:
        (tmp_path / "payload").write_bytes(data)
        try:
            list(open_table(tmp_path / "payload", {"name": kind}, "x").batches())
        except BadInput:
            pass
