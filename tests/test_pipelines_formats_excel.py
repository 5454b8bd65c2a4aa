"""Spreadsheets: values as a person reads them, titles, merged headers, true extents, and bombs that stay shut."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from catalog.errors import BadInput
from pipelines.formats import Table, excel_guard, open_table


def made(tmp_path: Path, fill: Callable[[Any], None], declared: dict[str, Any] | None = None) -> Table:
    path = tmp_path / "payload"
    with xlsxwriter.Workbook(path) as book:
        fill(book)
    return open_table(path, declared, "data.xlsx")


def rows(table: Table) -> list[tuple[Any, ...]]:
    found = [row for batch in table.batches() for row in batch.to_pylist()]
    return [(row["_source_line"], *(row[str(at)] for at in range(len(table.columns)))) for row in found]


def test_values_read_as_a_person_reads_them(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        day, moment = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        clock, hours = book.add_format({"num_format": "hh:mm:ss"}), book.add_format({"num_format": "[h]:mm:ss"})
        sheet.write_row(0, 0, [" 区划 ", "面积", "值", "日期", "时刻", "钟点", "时长", "是否", "文字"])
        sheet.write_row(1, 0, [330300, 0.1, 1e-7])
        sheet.write_datetime(1, 3, datetime(2024, 1, 2), day)
        sheet.write_datetime(1, 4, datetime(2024, 1, 2, 8, 30), moment)
        sheet.write_datetime(1, 5, time(8, 30), clock)
        sheet.write_number(1, 6, 1.5, hours)
        sheet.write_row(1, 7, [True, " x\n"])
        sheet.write_row(3, 0, [-2, 1e20])
        sheet.write_datetime(3, 4, datetime(2024, 1, 3), moment)

    table = made(tmp_path, fill)
    assert table.columns == ["区划", "面积", "值", "日期", "时刻", "钟点", "时长", "是否", "文字"]
    assert rows(table) == [
        (2, "330300", "0.1", "0.0000001", "2024-01-02", "2024-01-02 08:30:00", "08:30:00", "36:00:00", "true", " x\n"),
        (4, "-2", "100000000000000000000", None, None, "2024-01-03 00:00:00", None, None, None, None)]
    assert table.options["sheet"] == 1


def test_titles_are_passed_and_the_table_may_stand_anywhere(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        sheet = book.add_worksheet("张三")
        sheet.merge_range("B2:D2", "某某局统计表")
        sheet.write("B3", "单位：万元")
        sheet.write_row("B4", ["a", "b", "c"])
        sheet.write_row("B5", [1, None, 3])
        sheet.write_blank("Z90000", None, book.add_format({"bold": True}))

    table = made(tmp_path, fill)
    assert (table.columns, rows(table), table.extra) == (["a", "b", "c"], [(5, "1", None, "3")], True)
    assert (table.options["header_row"], table.options["header_rows"]) == (4, 1)
    assert "张三" not in str(table.options)


def merged(book: Any) -> None:
    sheet = book.add_worksheet()
    sheet.merge_range("A1:A2", "地区")
    sheet.merge_range("B1:C1", "人口")
    sheet.write("D1", "产值")
    sheet.write_row("B2", ["男", "女", "亿元"])
    sheet.write_row("A3", ["西湖区", 1, 2, 3])


def test_merged_headers_are_joined(tmp_path: Path) -> None:
    table = made(tmp_path, merged)
    assert (table.columns, rows(table)) == (["地区", "人口_男", "人口_女", "产值_亿元"], [(3, "西湖区", "1", "2", "3")])
    assert table.options["header_rows"] == 2
    slashed = made(tmp_path, merged, {"name": "excel", "header_row": 1, "header_rows": 2, "join": "/"})
    assert slashed.columns == ["地区", "人口/男", "人口/女", "产值/亿元"]


def test_sheets_by_name_and_number(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        for name in ("one", "two"):
            book.add_worksheet(name).write_column(0, 0, [name, 1])

    with pytest.raises(BadInput, match=r"Sheets 1, 2"):
        made(tmp_path, fill)
    assert made(tmp_path, fill, {"name": "xlsx", "sheet": "two"}).columns == ["two"]
    table = made(tmp_path, fill, {"name": "excel", "sheet": 1})
    assert (table.columns, table.extra) == (["one"], True)
    for wrong in ("three", 3):
        with pytest.raises(BadInput, match=r"format\.sheet"):
            made(tmp_path, fill, {"name": "excel", "sheet": wrong})


def test_the_only_filled_sheet_that_is_shown_is_found(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        book.add_worksheet("empty")
        book.add_worksheet("data").write_column(0, 0, ["a", "b"])
        hidden = book.add_worksheet("hidden")
        hidden.write(0, 0, "x")
        hidden.hide()

    table = made(tmp_path, fill)
    assert (table.options["sheet"], table.columns, table.extra) == (2, ["a"], True)


def test_headerless_sheet_takes_its_declared_columns(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        book.add_worksheet().write_row(0, 0, [1, 2])

    assert rows(made(tmp_path, fill, {"name": "excel", "columns": ["a", "b"]})) == [(1, "1", "2")]
    with pytest.raises(BadInput, match="2 columns"):
        made(tmp_path, fill, {"name": "excel", "columns": ["a"]})


def test_a_header_without_name_keeps_its_place(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        book.add_worksheet().write_row(0, 0, ["a", None, "b"])
        book.worksheets()[0].write_row(1, 0, [1, "hidden", 2])

    assert made(tmp_path, fill).columns == ["a", "", "b"]


def test_a_workbook_is_always_more_than_its_table(tmp_path: Path) -> None:
    """Its sheet's name and its properties may name a person; comments, footers, choices and links are nobody's columns."""
    assert made(tmp_path, lambda book: book.add_worksheet().write_row(0, 0, ["a", "b"])).extra


def test_a_stray_cell_far_away_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    """The reader would lay out 17 thousand million cells and take the process with it."""
    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["a", "b"])
        sheet.write(1_048_575, 16_383, " ")

    with pytest.raises(BadInput, match="too many cells"):
        made(tmp_path, fill)


def test_zip_bombs_stay_shut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "payload", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "x")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 50_000_000)
    with pytest.raises(BadInput, match="more than is allowed"):
        open_table(tmp_path / "payload", None, "x.xlsx")
    monkeypatch.setattr(excel_guard, "UNPACKED", 1000)
    with pytest.raises(BadInput, match="more than is allowed"):
        made(tmp_path, merged)


def test_a_size_that_lies_is_found_out(tmp_path: Path) -> None:
    """The directory says 10 bytes; the stream holds 50 million."""
    made(tmp_path, merged)
    path = tmp_path / "payload"
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(b" " * 50_000_000) + packer.flush()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/sharedStrings2.xml", packed, zipfile.ZIP_STORED)
        item = archive.getinfo("xl/sharedStrings2.xml")
        item.compress_type, item.file_size = zipfile.ZIP_DEFLATED, 10
    data = path.read_bytes()
    local = data.rindex(b"xl/sharedStrings2.xml", 0, data.rindex(b"PK\x01\x02")) - 30
    path.write_bytes(data[: local + 8] + b"\x08\x00" + data[local + 10:])
    with pytest.raises(BadInput, match="broken"):
        open_table(path, None, "x.xlsx")


ODS = """<?xml version="1.0"?>{doctype}<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">
<office:body><office:spreadsheet><table:table table:name="s">
<table:table-row><table:table-cell office:value-type="string"><text:p>a</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>b</text:p></table:table-cell></table:table-row>
<table:table-row table:number-rows-repeated="{rows}"><table:table-cell office:value-type="float" office:value="330300"
 table:number-columns-repeated="{columns}"><text:p>330300</text:p></table:table-cell></table:table-row>
<table:table-row table:number-rows-repeated="1048500"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
</table:table></office:spreadsheet></office:body></office:document-content>"""


def ods(tmp_path: Path, rows: int, columns: int, doctype: str = "") -> Path:
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = ('<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
                f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>')
    with zipfile.ZipFile(tmp_path / "payload", "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr("content.xml", ODS.format(rows=rows, columns=columns, doctype=doctype).replace("\n<", "<").replace("\n", " "))
    return tmp_path / "payload"


def test_ods_with_phantom_dimensions(tmp_path: Path) -> None:
    table = open_table(ods(tmp_path, 2, 2), None, "x.ods")
    assert (table.columns, rows(table)) == (["a", "b"], [(2, "330300", "330300"), (3, "330300", "330300")])


def test_ods_bombs_stay_shut(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="too many cells"):
        open_table(ods(tmp_path, 1_000_000, 16_000), None, "x.ods")
    entities = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    with pytest.raises(BadInput, match="entities"):
        open_table(ods(tmp_path, 2, 2, entities), None, "x.ods")


def test_an_empty_book_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="empty"):
        made(tmp_path, lambda book: book.add_worksheet())
    with pytest.raises(BadInput, match="empty"):
        made(tmp_path, lambda book: book.add_worksheet(), {"name": "excel", "sheet": 1})


def test_dates_of_the_day_stay_dates(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["a", "b"])
        sheet.write_datetime(1, 0, date(2024, 2, 29), book.add_format({"num_format": "yyyy年m月d日"}))

    assert rows(made(tmp_path, fill)) == [(2, "2024-02-29", None)]
