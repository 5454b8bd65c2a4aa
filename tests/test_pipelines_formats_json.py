"""JSON, JSON Lines and GeoJSON: numbers as written, every key seen, broken elements named, streams cut anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import BadInput
from pipelines.formats import Table, open_table
from pipelines.formats.json_stream import Reader, compact
from pipelines.formats.table import BadRecord


def opened(tmp_path: Path, text: str | bytes, declared: dict[str, Any] | None = None, filename: str = "data.json") -> Table:
    path = tmp_path / "payload"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return open_table(path, declared, filename)


def rows(table: Table) -> list[tuple[Any, ...]]:
    found = [row for batch in table.batches() for row in batch.to_pylist()]
    return [(row["_source_line"], *(row[str(at)] for at in range(len(table.columns)))) for row in found]


def test_values_are_text_exactly_as_written(tmp_path: Path) -> None:
    table = opened(tmp_path, '[{"a": 1.10, "b": "x", "c": null}, {"b": "", "d": true, "a": 1e5},'
                             ' {"a": 12345678901234567890.000, "e": {"k": [1.0, "中"]}}]')
    assert table.columns == ["a", "b", "c", "d", "e"]
    assert rows(table) == [(1, "1.10", "x", None, None, None), (2, "1e5", "", None, "true", None),
                           (3, "12345678901234567890.000", None, None, None, '{"k":[1.0,"中"]}')]


def test_a_key_that_comes_late_is_a_column(tmp_path: Path) -> None:
    items: list[dict[str, int]] = [{"a": 1}] * 100_000 + [{"a": 1, "late": 2}]
    assert opened(tmp_path, json.dumps(items)).columns == ["a", "late"]
    assert opened(tmp_path, "\n".join(map(json.dumps, items)), filename="x.jsonl").columns == ["a", "late"]


def test_path_is_declared_or_found_and_never_named(tmp_path: Path) -> None:
    text = '{"meta": {"n": "]}\\""}, "张三": [{"a": 1}], "end": 3}'
    found = opened(tmp_path, text)
    assert (found.columns, rows(found), found.extra, found.options["path"]) == (["a"], [(1, "1")], True, "key 2")
    assert "张三" not in json.dumps(found.options, ensure_ascii=False)
    nested = opened(tmp_path, '{"x": {"y": [{"a": 1}]}, "z": []}', {"name": "json", "path": "x.y"})
    assert (rows(nested), nested.extra) == ([(1, "1")], True)
    for wrong in ('{"a": [{}], "b": []}', '{"a": 1}'):
        with pytest.raises(BadInput, match="exactly one"):
            opened(tmp_path, wrong)
    with pytest.raises(BadInput, match="path"):
        opened(tmp_path, text, {"name": "json", "path": "no"})


def test_nested_objects_as_dotted_columns(tmp_path: Path) -> None:
    text = '[{"a": {"b": 1, "c": {"d": "x"}}, "e": [1, {"f": 2}]}, {"a": {}}]'
    table = opened(tmp_path, text, {"name": "json", "flatten": True})
    assert table.columns == ["a.b", "a.c.d", "e", "a"]
    assert rows(table) == [(1, "1", "x", '[1,{"f":2}]', None), (2, None, None, None, "{}")]


def test_elements_that_are_no_rows_are_named(tmp_path: Path) -> None:
    table = opened(tmp_path, '[{"a": 1}, 5, [1], {"a": 1, "a": 2}, {"a": "\\ud800"}, {"a": 3}]')
    assert rows(table) == [(1, "1"), (6, "3")]
    assert sorted(table.bad, key=lambda bad: bad.line) == [
        BadRecord(2, "object"), BadRecord(3, "object"), BadRecord(4, "keys"), BadRecord(5, "encoding")]


@pytest.mark.parametrize("text", ['[{"a": 1}, {"a"', '[{"a": 1} {"a": 2}]', '[{"a": 1}]]', "[", '{"a": [{}]', '[{"a": 1}] {"b": 2}', "[" * 100_000])
def test_broken_documents_are_bad_input(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput):
        rows(opened(tmp_path, text, {"name": "json"}))


def test_other_encodings(tmp_path: Path) -> None:
    text = json.dumps([{"名称": "杭州市环境监测中心站"}, {"名称": "上城区"}], ensure_ascii=False)
    for encoding in ("utf-8-sig", "gb18030", "utf-16"):
        declared = {"name": "json", "encoding": encoding}
        assert rows(opened(tmp_path, text.encode(encoding), declared))[1] == (2, "上城区")


def test_json_lines_keeps_the_good_lines(tmp_path: Path) -> None:
    data = b'{"a": 1.0}\n\n{"a": 2\n[3]\n{"a": "\xff"}\n{"a": 4, "b": null}\n'
    table = opened(tmp_path, data, {"name": "jsonl", "encoding": "utf-8"})
    assert (table.columns, rows(table)) == (["a", "b"], [(1, "1.0", None), (6, "4", None)])
    assert sorted(table.bad, key=lambda bad: bad.line) == [BadRecord(3, "json"), BadRecord(4, "object"), BadRecord(5, "encoding")]


FEATURES = """{"type": "FeatureCollection", "features": [
 {"type": "Feature", "id": "f1", "properties": {"名称": "西湖", "n": 1.50}, "geometry": {"type": "Point", "coordinates": [120.10, 30.20, 5]}},
 {"type": "Feature", "id": "f2", "properties": null, "geometry": null}, 7]}"""


def test_geojson_points(tmp_path: Path) -> None:
    table = opened(tmp_path, FEATURES)
    assert table.columns == ["名称", "n", "id", "longitude", "latitude", "geometry"]
    assert rows(table) == [(1, "西湖", "1.50", "f1", "120.10", "30.20", '{"type":"Point","coordinates":[120.10,30.20,5]}'),
                           (2, None, None, "f2", None, None, None)]
    assert (table.bad, table.extra, table.options["points"]) == ([BadRecord(3, "object")], False, True)


def test_geojson_shapes_have_no_longitude_and_properties_keep_their_names(tmp_path: Path) -> None:
    shape = FEATURES.replace('"Point"', '"LineString"').replace('"n"', '"id"')
    table = opened(tmp_path, shape)
    assert table.columns == ["名称", "id", "geometry"]
    assert [row[2] for row in rows(table)] == ["1.50", None]
    more = opened(tmp_path, FEATURES.replace('"features"', '"generator": {"by": "x"}, "features"'))
    assert more.extra
    without = opened(tmp_path, FEATURES, {"name": "geojson", "points": False, "geometry": False})
    assert without.columns == ["名称", "n", "id"]
    with pytest.raises(BadInput, match="FeatureCollection"):
        opened(tmp_path, '{"type": "Topology"}', {"name": "geojson"})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=10)


@settings(max_examples=400, deadline=None)
@given(st.lists(VALUES, max_size=5), st.integers(1, 9), st.booleans())
def test_a_stream_cut_anywhere_gives_the_same_elements(items: list[Any], chunk: int, spaced: bool) -> None:
    text = json.dumps({"before": items, "items": items, "after": items}, indent=1 if spaced else None, ensure_ascii=spaced)
    reader = Reader(text[at:at + chunk] for at in range(0, len(text), chunk))
    found = []
    for key in reader.members():
        if key == "items":
            found = [json.loads(compact(value)) for value in reader.elements()]
        else:
            reader.skip()
    assert (found, reader.peek()) == (items, "")
