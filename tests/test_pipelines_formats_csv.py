"""CSV: dialects, encodings, line ends, broken records; the fast and the careful reader give the same rows."""

from __future__ import annotations

import csv
import io
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from catalog.errors import BadInput
from pipelines.formats import Table, open_table
from pipelines.formats import csv_fast as fast_reader
from pipelines.formats.csv_blocks import Lines, read_blocks
from pipelines.formats.csv_records import Dialect
from pipelines.formats.table import BadRecord


def opened(tmp_path: Path, data: bytes, declared: dict[str, Any] | None = None, filename: str = "data.csv") -> Table:
    path = tmp_path / "payload"
    path.write_bytes(data)
    return open_table(path, declared, filename)


def rows(table: Table) -> list[tuple[Any, ...]]:
    """(line, values …) of every row."""
    width = len(table.columns)
    found = [row for batch in table.batches() for row in batch.to_pylist()]
    return [(row["_source_line"], *(row[str(at)] for at in range(width))) for row in found]


def test_rows_carry_their_physical_line_and_empty_fields_are_empty_text(tmp_path: Path) -> None:
    table = opened(tmp_path, b'a,b\n1,\n\n"x\ny",2\n3,"4"\n')
    assert table.columns == ["a", "b"]
    assert rows(table) == [(2, "1", ""), (4, "x\ny", "2"), (6, "3", "4")]
    assert rows(table) == rows(table)


def test_a_header_may_be_longer_than_what_is_looked_at_first(tmp_path: Path) -> None:
    title = "a\n" * 30_000
    declared = {"name": "csv", "delimiter": ",", "quote": '"', "escape": "", "skip": 0}
    table = opened(tmp_path, ("\n" * 40_000 + f'"{title}",b\n1,2\n').encode(), declared)
    assert table.columns == [title.strip(), "b"]
    assert rows(table) == [(70_002, "1", "2")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_every_line_end(tmp_path: Path, end: str) -> None:
    table = opened(tmp_path, end.join(["a,b", "1,2", '"3",4', "", "5,6", ""]).encode())
    assert [row[1:] for row in rows(table)] == [("1", "2"), ("3", "4"), ("5", "6")]
    assert [row[0] for row in rows(table)] == [2, 3, 5]
    assert table.options["line_end"] == {"\n": "lf", "\r\n": "crlf", "\r": "cr", "\r\r\n": "crcrlf"}[end]


TEXT = "编号,名称,说明\n1,杭州市西湖区,环境保护局的数据统计表\n2,上城区,\"中文，逗号\"\n"
TRADITIONAL = "編號,名稱,說明\n1,臺北市信義區,環境保護局的資料統計表\n2,中山區,\"中文，逗號\"\n"


@pytest.mark.parametrize(("encoding", "text", "shown"), [
    ("utf-8", TEXT, "utf-8"), ("utf-8-sig", TEXT, "utf-8-sig"), ("gb18030", TEXT, "gb18030"), ("big5", TRADITIONAL, "big5"),
    ("utf-16", TEXT, "utf-16"), ("utf-16-le", TEXT, "utf-16-le"), ("utf-16-be", TEXT, "utf-16-be"),
])
def test_every_encoding_is_detected_and_shown(tmp_path: Path, encoding: str, text: str, shown: str) -> None:
    table = opened(tmp_path, text.encode(encoding))
    assert (table.options["encoding"], "encoding" in table.options["detected"]) == (shown, True)
    assert table.columns == text.split("\n")[0].split(",")
    assert [row[3] for row in rows(table)] == [text.split("\n")[1].split(",")[2], text.split('"')[1]]


def test_what_is_declared_wins_and_is_not_called_detected(tmp_path: Path) -> None:
    table = opened(tmp_path, b"a;b\n1;2\n", {"name": "csv", "delimiter": ",", "encoding": "utf-8"})
    assert (table.columns, table.options["delimiter"]) == (["a;b"], ",")
    assert not {"delimiter", "encoding", "name"} & set(table.options["detected"])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~", "，", ", "])
def test_delimiters(tmp_path: Path, delimiter: str) -> None:
    lines = [["id", "name", "value"], ["1", "x", "1.5"], ["2", f'"with{delimiter}it"', "2"], ["3", "z", ""]]
    table = opened(tmp_path, "\n".join(delimiter.join(line) for line in lines).encode())
    assert table.options["delimiter"] == delimiter
    assert rows(table)[1] == (3, "2", f"with{delimiter}it", "2")


def test_decimal_commas_do_not_hide_the_semicolon(tmp_path: Path) -> None:
    table = opened(tmp_path, b"a;b\n1,5;2,5\n3,5;4,5\n5,5;6,5\n")
    assert (table.columns, rows(table)[0]) == (["a", "b"], (2, "1,5", "2,5"))


def test_one_column_of_sentences_stays_one_column(tmp_path: Path) -> None:
    table = opened(tmp_path, b"title\nthe first one\nthe second one\n08:30 it was\n")
    assert (table.columns, len(rows(table))) == (["title"], 3)


def test_headerless_needs_its_columns(tmp_path: Path) -> None:
    table = opened(tmp_path, b"1,2\n3,4\n", {"name": "csv", "header": False, "columns": ["a", "b"]})
    assert (table.columns, rows(table)) == (["a", "b"], [(1, "1", "2"), (2, "3", "4")])
    for wrong in ({"header": False}, {"columns": ["a"]}):
        with pytest.raises(BadInput, match="header"):
            opened(tmp_path, b"1,2\n", {"name": "csv", **wrong})


def test_title_lines_are_found_or_declared_and_make_the_file_more_than_the_table(tmp_path: Path) -> None:
    data = "某某局统计表,,\n,,\na,b,c\n1,2,3\n4,5,6\n".encode()
    found = opened(tmp_path, data)
    assert (found.options["skip"], found.columns, found.extra, rows(found)[0]) == (2, ["a", "b", "c"], True, (4, "1", "2", "3"))
    told = opened(tmp_path, data, {"name": "csv", "skip": 2})
    assert (rows(told), told.extra, "skip" in told.options["detected"]) == (rows(found), True, False)


def test_comments_are_left_out(tmp_path: Path) -> None:
    table = opened(tmp_path, b"#made by x\na,b\n1,2\n#3,4\n5,6\n", {"name": "csv", "comment": "#"})
    assert (table.columns, [row[0] for row in rows(table)], table.extra) == (["a", "b"], [3, 5], True)


def test_backslash_escapes(tmp_path: Path) -> None:
    table = opened(tmp_path, b'a,b\n"10\\" pipe","C:\\temp"\n"x\\\\",y\n')
    assert table.options["escape"] == "\\"
    assert rows(table) == [(2, '10" pipe', "C:\\temp"), (3, "x\\", "y")]


def test_header_is_trimmed_and_repeated_names_are_kept(tmp_path: Path) -> None:
    assert opened(tmp_path, b" a ,b,b\n1,2,3\n").columns == ["a", "b", "b"]


def test_broken_records_are_named_and_the_others_stay(tmp_path: Path) -> None:
    data = b'a,b,c\n1,2,3\n1,2\n1,2,3,4\n"x"y,2,3\n5" pipe,2,3\n4,\xff,6\n",2,3\n7,8,9\n"u",v,"w"\n'
    table = opened(tmp_path, data, {"name": "csv", "encoding": "utf-8", "quote": '"'})
    assert rows(table) == [(2, "1", "2", "3"), (9, "7", "8", "9"), (10, "u", "v", "w")]
    assert table.bad == [BadRecord(3, "fields"), BadRecord(4, "fields"), BadRecord(5, "quotes"), BadRecord(6, "quotes"),
                         BadRecord(7, "encoding"), BadRecord(8, "quotes")]


def test_stray_quotes_are_text_when_declared(tmp_path: Path) -> None:
    table = opened(tmp_path, b'a,b\n5" pipe,"x"\n', {"name": "csv", "quote": '"', "stray_quotes": True})
    assert rows(table) == [(2, '5" pipe', "x")]


def test_quotes_inside_quoted_fields_are_text_when_declared(tmp_path: Path) -> None:
    data = b'a,b\n"5" pipe","x"\n""They said","y"\n"say ""so""",z\n"1,"2,"3"\n"two\nlines",w\n"open,v\n1,2\n'
    table = opened(tmp_path, data, {"name": "csv", "quote": '"', "inner_quotes": True})
    assert rows(table) == [(2, '5" pipe', "x"), (3, '"They said', "y"), (4, 'say "so"', "z"), (6, "two\nlines", "w"), (9, "1", "2")]
    assert table.bad == [BadRecord(5, "fields"), BadRecord(8, "quotes")]
    strict = opened(tmp_path, data, {"name": "csv", "quote": '"'})
    assert len(rows(strict)) == 3
    assert [bad.line for bad in strict.bad] == [2, 3, 5, 8]


def test_an_apostrophe_as_quote_is_a_letter_too(tmp_path: Path) -> None:
    table = opened(tmp_path, b"a,b\n'I, too, won't','x'\nMen's,'y'\n'z, u','w'\n")
    assert (table.options["quote"], rows(table)) == ("'", [(2, "I, too, won't", "x"), (3, "Men's", "y"), (4, "z, u", "w")])


def test_a_header_that_comes_again_is_no_row(tmp_path: Path) -> None:
    table = opened(tmp_path, b"a, b\n1,2\na,b\n3,4\na,4\n")
    assert (rows(table), table.bad) == ([(2, "1", "2"), (4, "3", "4"), (5, "a", "4")], [BadRecord(3, "header")])
    single = opened(tmp_path, b"a\n1\na\n")
    assert (rows(single), single.bad) == ([(2, "1"), (3, "a")], [])


def test_nul_bytes_and_undecodable_gb18030_bytes(tmp_path: Path) -> None:
    assert rows(opened(tmp_path, b"a,b\n1,x\x00y\n")) == [(2, "1", "x\x00y")]
    table = opened(tmp_path, "名称,数\n杭州,1\n".encode("gb18030") + b"\xff\xff,2\n", {"name": "csv", "encoding": "gb18030"})
    assert (rows(table), table.bad) == ([(2, "杭州", "1")], [BadRecord(3, "encoding")])


def test_header_only_has_no_rows_and_nothing_is_bad_input(tmp_path: Path) -> None:
    assert rows(opened(tmp_path, b"a,b\n")) == []
    for data in (b"", b"\n\n", b"\xef\xbb\xbf"):
        with pytest.raises(BadInput):
            opened(tmp_path, data, {"name": "csv"})


def test_a_record_longer_than_a_block(tmp_path: Path) -> None:
    long = "长文本\n" * 1_000_000
    table = opened(tmp_path, f'a,b\n1,"{long}"\n2,x\n'.encode())
    found = rows(table)
    assert [row[0] for row in found] == [2, 1_000_003]
    assert found[0][2] == long


def peak_of(path: Path, repeats: int) -> int:
    with path.open("w") as handle:
        handle.write("a,b,c\n")
        for number in range(repeats):
            handle.write(f'{number},"x{number}","text"\n' * 60_000)
    table = open_table(path, None, "data.csv")
    tracemalloc.start()
    assert sum(batch.num_rows for batch in table.batches()) == repeats * 60_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    assert peak_of(tmp_path / "payload", 60) < 1.3 * peak_of(tmp_path / "payload", 25) < 200e6


def read(data: bytes, chunk: int, dialect: Dialect, width: int, fast: bool) -> tuple[list[Any], list[BadRecord]]:
    chunks = (data[at:at + chunk] for at in range(0, len(data), chunk))
    bad: list[BadRecord] = []
    batches = read_blocks(Lines(chunks, dialect), width, bad, fast)
    return [tuple(row.values()) for batch in batches for row in batch.to_pylist()], sorted(bad, key=lambda item: item.line)


PIECES = [b'"', b'""', b",", b",", b"\n", b"\n", b"\r\n", b"\r", b"\r\r\n", b"a", b"bc", "中".encode(), "\U0001f600".encode(), b"\xff",
          b"\xef\xbb\xbf", b"\x00", b" ", b"'", b"\\", b";", b'"x"', b'"x",', b'\n"y,\nz",']
DIALECTS = [Dialect(), Dialect(quote=""), Dialect(";"), Dialect(quote="'", stray=True), Dialect(eol=b"\r"), Dialect(stray=True),
            Dialect(inner=True), Dialect(quote="'", stray=True, inner=True)]


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join), st.integers(1, 40), st.integers(1, 4), st.sampled_from(DIALECTS))
def test_fast_and_careful_readers_agree_on_any_bytes(data: bytes, chunk: int, width: int, dialect: Dialect) -> None:
    assert read(data, chunk, dialect, width, True) == read(data, 10**6, dialect, width, False)


TABLES = st.integers(2, 4).flatmap(lambda width: st.lists(
    st.lists(st.text(st.sampled_from('a,"\n\r 中\U0001f600\ufeff;\t'), max_size=6), min_size=width, max_size=width), min_size=1, max_size=12))


@settings(max_examples=600, deadline=None)
@given(TABLES, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.integers(3, 200))
def test_what_a_csv_writer_wrote_is_read_back(table: list[list[str]], end: str, everything: bool, chunk: int) -> None:
    assume(everything or end == "\r\n" or not any("\r" in value for row in table for value in row))    # the writer leaves it bare
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL).writerows(table)
    data = text.getvalue().encode().removeprefix(b"\xef\xbb\xbf")
    table[0][0] = table[0][0].removeprefix("\ufeff") if not data.startswith(b'"') else table[0][0]
    for fast in (True, False):
        found, bad = read(data, chunk, Dialect(), len(table[0]), fast)
        assert ([list(row[:-1]) for row in found], bad) == (table, [])


def test_clean_files_take_the_fast_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = []
    original = fast_reader.parse

    def watched(block: Any, dialect: Any, width: int) -> Any:
        outcomes.append(found := original(block, dialect, width))
        return found

    monkeypatch.setattr(fast_reader, "parse", watched)
    table = opened(tmp_path, b'a,b\r\n' + b'1,"x ""y"", \r\nz"\r\n2,\r\n1,2,3\r\n' * 1000)
    assert len(rows(table)) == 2000
    assert len(table.bad) == 1000
    assert outcomes
    assert all(found is not None for found in outcomes)
