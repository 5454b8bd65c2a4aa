"""Delta's golden tables, made by other writers, through our own reading on both engines: what they say or a refusal of ours, never anything else.

The tables come from delta-kernel-rs (89 archives; `hive` holds eleven). Our lake needs none of them: they are what a table can look like
that somebody put into its place.
"""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from deltalake import DeltaTable, QueryBuilder
from sparking import local
from sqlglot import exp

from catalog.errors import CitylakeError
from catalog.evidence import TableAt
from pipelines.engines import Engine
from pipelines.engines.duck import DuckEngine
from pipelines.lake import Lake

pytestmark = pytest.mark.shared
ARCHIVES = "data/conformance/delta-golden/kernel/tests/golden_data"
PAGES = ("scale.md", "scale.zh-CN.md")
ENGINES = ["duckdb", pytest.param("spark", marks=pytest.mark.spark)]
# What our error says, whichever the engine → the row of docs/scale.md that it belongs to.
SAYS = {"uses Delta features": "features", "is partitioned by": "partitions", "columns of types": "types", "cannot be opened": "log",
        "The engine failed": "files"}
# Names as of the archives. `log`: no reader may read it, for its log is missing, has a gap, or lacks its protocol or its schema. Both engines
# take the list of files and the protocol from the same reader, so that there is one table for both.
TABLES = {name: outcome for outcome, names in {
    "read": """
        124-decimal-decode-bug 125-iterator-bug basic-with-inserts-deletes-checkpoint basic-with-inserts-merge
        basic-with-inserts-overwrite-restore basic-with-inserts-updates corrupted-last-checkpoint-kernel
        data-reader-date-types-America data-reader-date-types-Asia data-reader-date-types-Etc data-reader-date-types-Iceland
        data-reader-date-types-Jst data-reader-date-types-Pst data-reader-date-types-utc
        data-skipping-change-stats-collected-across-versions data-skipping-partition-and-data-column decimal-various-scale-precision
        deltalog-getChanges hive-deltatbl-deleted-path hive-deltatbl-incorrect-format-config hive-deltatbl-non-partitioned
        hive-deltatbl-not-allow-write log-replay-latest-metadata-protocol log-replay-special-characters
        log-replay-special-characters-a multi-part-checkpoint only-checkpoint-files parquet-decimal-dictionaries
        parquet-decimal-dictionaries-v2 parquet-decimal-type snapshot-data0 snapshot-data1 snapshot-data2 snapshot-data2-deleted
        snapshot-data3 snapshot-repartitioned snapshot-vacuumed time-travel-schema-changes-a time-travel-schema-changes-b
        time-travel-start time-travel-start-start20 time-travel-start-start20-start40 """,
    "features": """
        basic-with-vacuum-protocol-check-feature data-reader-timestamp_ntz-id-mode data-reader-timestamp_ntz-name-mode
        data-skipping-basic-stats-all-types-columnmapping-id data-skipping-basic-stats-all-types-columnmapping-name
        dv-partitioned-with-checkpoint dv-with-columnmapping log-replay-dv-key-cases table-with-columnmapping-mode-id
        table-with-columnmapping-mode-name v2-checkpoint-json v2-checkpoint-parquet """,
    "partitions": """
        basic-decimal-table basic-decimal-table-legacy data-reader-escaped-chars data-reader-partition-values
        data-reader-timestamp_ntz hive-deltatbl-column-names-case-insensitive hive-deltatbl-partition-prune
        hive-deltatbl-partitioned hive-deltatbl-schema-match hive-deltatbl-special-chars-in-partition-column
        hive-deltatbl-touch-files-needed-for-partitioned kernel-timestamp-int96 kernel-timestamp-pst
        kernel-timestamp-timestamp_micros kernel-timestamp-timestamp_millis time-travel-partition-changes-a
        time-travel-partition-changes-b """,
    "types": """
        data-reader-array-complex-objects data-reader-array-primitives data-reader-map data-reader-nested-struct
        data-reader-nullable-field-invalid-schema-key data-reader-primitives data-skipping-basic-stats-all-types
        data-skipping-basic-stats-all-types-checkpoint hive-deltatbl-map-types-correctly parquet-all-types
        parquet-all-types-legacy-format """,
    "log": """
        data-reader-absolute-paths-escaped-chars deltalog-commit-info deltalog-invalid-protocol-version
        deltalog-state-reconstruction-from-checkpoint-missing-metadata
        deltalog-state-reconstruction-from-checkpoint-missing-protocol deltalog-state-reconstruction-without-metadata
        deltalog-state-reconstruction-without-protocol no-delta-log-folder update-deleted-directory versions-not-contiguous """,
    "files": """
        canonicalized-paths-normal-a canonicalized-paths-normal-b canonicalized-paths-special-a canonicalized-paths-special-b
        checkpoint delete-re-add-same-file-different-transactions log-replay-special-characters-b """,
}.items() for name in names.split()}


@pytest.fixture(scope="module")
def golden(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake's folder with all of them as its tables, and what they hold below `expected`."""
    root = tmp_path_factory.mktemp("golden")
    Lake(root)
    (root / "expected").mkdir()
    for archive in sorted((shared / ARCHIVES).glob("*.tar.zst")):
        with archive.open("rb") as packed, zstandard.open(packed, "rb") as plain, tarfile.open(fileobj=plain, mode="r|") as tar:
            tar.extractall(root / "archives", filter="data")
    for folder in sorted((root / "archives").iterdir()):
        for table in sorted((folder / "delta").iterdir()) if folder.name == "hive" else [folder / "delta"]:
            table.rename(root / "tables" / (f"hive-{table.name}" if folder.name == "hive" else folder.name))
        if (folder / "expected").is_dir():
            (folder / "expected").rename(root / "expected" / folder.name)
    return root


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, golden: Path, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    settings = local(tmp_path_factory.mktemp("state"))
    if request.param == "duckdb":
        return DuckEngine(Lake(golden), settings)
    from pipelines.engines.spark import SparkEngine

    request.getfixturevalue("spark")
    return SparkEngine(Lake(golden), settings)


def _rows(engine: Engine, at: TableAt) -> pa.Table:
    with engine.open({"golden": at}) as session:
        return session.read(exp.select("*").from_("golden")).read_all()


def _expected(root: Path, at: TableAt) -> pa.Table:
    """Spark's own reading that lies beside the table; where there is none, that of delta-rs's query engine, which is not on our way."""
    folder = root / "expected" / at.name
    if folder.is_dir():
        return pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob("*.parquet"))], promote_options="default")
    opened = DeltaTable(str(root / "tables" / at.name), version=at.version)
    return pa.table(QueryBuilder().register("golden", opened).execute("SELECT * FROM golden").read_all())


def _same(found: pa.Table, expected: pa.Table) -> bool:
    """The same columns with the same values, in whatever order."""
    if sorted(found.column_names) != sorted(expected.column_names):
        return False
    names = sorted(found.column_names)
    order = [(name, "ascending") for name in names]
    found, cast = found.select(names), expected.select(names).cast(pa.schema([found.schema.field(name) for name in names]).remove_metadata())
    return bool(found.equals(cast) or found.sort_by(order).equals(cast.sort_by(order)))     # a million rows are not sorted for nothing


def _outcome(engine: Engine, root: Path, name: str) -> str:
    at = TableAt(name, Lake(root).newest(name) or 0)
    try:
        return "read" if _same(_rows(engine, at), _expected(root, at)) else "WRONG"
    except CitylakeError as error:
        refusal = error
    assert refusal.remedy, name
    assert refusal.__cause__ is None, name
    return next(outcome for says, outcome in SAYS.items() if says in refusal.message)


def test_every_golden_table_is_read_as_it_is_or_refused_in_our_words(engine: Engine, golden: Path) -> None:
    found = {path.name: _outcome(engine, golden, path.name) for path in sorted((golden / "tables").iterdir())}
    assert found == TABLES


@pytest.mark.parametrize("page", PAGES)
def test_the_docs_count_them_as_they_are(page: str) -> None:
    text = (Path(__file__).parents[1] / "docs" / page).read_text(encoding="utf-8")
    listed = {name: (int(duck), int(spark)) for name, duck, spark in re.findall(r"^\| `(\w+)` \|.*\| (\d+) \| (\d+) \|$", text, re.MULTILINE)}
    counts = {name: sum(outcome == name for outcome in TABLES.values()) for name in {*TABLES.values()}}
    assert listed == {name: (count, count) for name, count in counts.items()}
