"""What our writer publishes, our reader reads back, whatever the values look like."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from catalog.contract import ColumnType
from catalog.errors import LakeError
from pipelines.products import Outward, Published
from pipelines.releases import SUFFIX, published_rows
from pipelines.writers import write_files

ZONE = "Asia/Shanghai"


def column(name: str, kind: Any, label: str) -> Published:
    return Published(name, label, name, "", None, None, ColumnType(kind), "L1", "keep", exp.column(name), False)


COLUMNS = [column("name", "text", "名称"), column("note", "text", "说明"), column("n", "bigint", "数")]
OUTWARD = cast(Outward, SimpleNamespace(columns=COLUMNS))
TEXTS = st.text(st.sampled_from("a,;\"'\n\r\t 中\U0001f600|\\#=-0{[<"), min_size=1, max_size=8)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "parquet", "geojson", "xlsx"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(TEXTS, TEXTS, st.integers(-10**9, 10**9)), max_size=6))
def test_published_files_read_back(kind: str, rows: list[tuple[str, str, int]], tmp_path: Path) -> None:
    if kind == "xlsx":
        rows = [(name.replace("\r", ""), note.replace("\r", ""), n) for name, note, n in rows]    # XML has no bare CR
        rows = [(name or "x", note or "x", n) for name, note, n in rows]
    schema = pa.schema([("name", pa.string()), ("note", pa.string()), ("n", pa.int64())])
    batch = pa.RecordBatch.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)
    path = tmp_path / f"data.{SUFFIX[kind]}"
    write_files([batch], COLUMNS, {kind: path}, ZONE)
    found = [row for part in published_rows(path, kind, OUTWARD) for row in part.select(schema.names).to_pylist()]
    assert found == [{"name": name, "note": note, "n": str(n)} for name, note, n in rows]


def test_a_published_file_that_does_not_read_back_whole_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes("名称,说明,数\na,b,1\na,b\n".encode("utf-8-sig"))
    with pytest.raises(LakeError, match="read back"):
        list(published_rows(path, "csv", OUTWARD))
