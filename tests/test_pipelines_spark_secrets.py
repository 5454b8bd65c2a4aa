"""Nothing of a protected value and nothing of a key stands in what Spark writes about its work: event log, plans, logs, error texts."""

from __future__ import annotations

import logging
import subprocess
import sys
from logging.config import dictConfig
from pathlib import Path
from typing import Any

import pytest
from sparking import key_marks, told
from tiny import DATASET, Tiny, by_step, column

from catalog.errors import EngineFailure

pytestmark = pytest.mark.spark
CHECKOUT = Path(__file__).resolve().parents[1]
CANARIES = ("CANARYID-7731", "CANARYID-7732", "陈金丝雀", "1987-03-19", "2026-03-77", "4417.29")
ROWS = ("编号,类别,高度,种植日期,备注\nCANARYID-7731,A,4417.29,1987-03-19,陈金丝雀\nCANARYID-7732,B,1.00,2026-03-77,陈金丝雀\n"
        + "".join(f"N{n},A,1.5,2020-01-0{1 + n % 9},无\n" for n in range(40)))
COLUMNS = [column("id", "text", "编号", "L2", key=1, required=True), column("kind", "text", "类别", codes="kinds"),
           column("height", "decimal(6,2)", "高度", "L2"), column("planted", "date", "种植日期", "L2"), column("note", "text", "备注", "L2")]
PRODUCT = {"name": "main", "tier": "restricted", "purpose": "open_data", "formats": ["csv"], "columns": {
    "id": {"do": "token"}, "kind": {"do": "keep"}, "planted": {"do": "shift", "days": 30, "by": "id"}}}
# Everything that Spark can be made to tell: its log at DEBUG would take minutes, INFO has the plans and the generated code's failures.
LISTENED = """
import sys
from pathlib import Path
sys.path.insert(0, "tests")
from pipelines.engines.spark import session
session.FIXED.update({"spark.eventLog.enabled": "true", "spark.eventLog.dir": Path(sys.argv[2]).as_uri(),
                      "spark.eventLog.compress": "false", "spark.log.level": "INFO"})
from test_pipelines_spark_secrets import COLUMNS, DATASET, PRODUCT, by_step
from tiny import Tiny
tiny = Tiny(Path(sys.argv[1]), columns=COLUMNS, products=[PRODUCT], max_bad_percent=50.0)
tiny.engine = "spark"
for level in ("WARN", "INFO"):          # a driver of Python's shows INFO only after a change
    session.session(tiny.settings).sparkContext.setLogLevel(level)
print(by_step(tiny.run()))
"""


def test_event_log_plans_and_logs_hold_no_canary_and_no_key(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path / "city", columns=COLUMNS, products=[PRODUCT], max_bad_percent=50.0)
    tiny.drop("trees1.csv", ROWS)
    events = tmp_path / "events"
    events.mkdir()
    ran = subprocess.run([sys.executable, "-c", LISTENED, str(tiny.root), str(events)], capture_output=True, text=True, check=False, cwd=CHECKOUT,
                         timeout=500)
    assert f"'{DATASET} serve main': 'done'" in ran.stdout, ran.stdout + ran.stderr[-2000:]
    written = {path.name: path.read_bytes() for path in events.rglob("*") if path.is_file()}
    assert any(b"SparkListenerSQLExecutionStart" in text for text in written.values())
    assert " INFO " in ran.stderr, "Spark's log was on"
    written |= {"out": ran.stdout.encode(), "err": ran.stderr.encode()}
    assert told(written.items(), {text.encode() for text in CANARIES} | key_marks(tiny.settings.secrets, f"{DATASET}.main")) == []
    assert not list(tiny.settings.scratch.glob("*/*.parquet")), "what was spilled is wiped"


def test_an_error_of_spark_is_told_without_its_text(tmp_path: Path, spark: object) -> None:
    from pipelines.engines.spark.engine import translated

    with pytest.raises(EngineFailure) as failed, translated():
        spark.sql("SELECT CAST(concat('CANARY', 'ID-7731') AS INT)").collect()       # type: ignore[attr-defined]
    assert "CANARYID" not in str(failed.value)
    assert failed.value.__cause__ is None
    assert "CAST_INVALID_INPUT" in str(failed.value)


@pytest.mark.parametrize("plain", [False, True], ids=["pyspark's", "plain"])
def test_nor_where_a_logger_of_pysparks_was_made_first_or_logging_configured_later(
    plain: bool, spark: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As Dagster and uvicorn do, which enables what was disabled; a plain logger cannot take pyspark's arguments."""
    from pyspark.logger import PySparkLogger

    from pipelines.engines.spark.engine import translated
    from pipelines.engines.spark.session import TELLING, quiet

    for name in TELLING:
        monkeypatch.setitem(logging.Logger.manager.loggerDict, name, (logging.Logger if plain else PySparkLogger)(name))
    quiet()
    dictConfig({"version": 1, "disable_existing_loggers": False})
    assert not any(logging.getLogger(name).disabled for name in TELLING)
    frame = spark.sql("SELECT concat('CANARY', 'ID-7731') AS id")
    for ask in (lambda: spark.sql("SELECT CAST(concat('CANARY', 'ID-7731') AS INT)").collect(), lambda: frame.select(frame.id.cast("int")).collect()):
        with pytest.raises(EngineFailure, match="CAST_INVALID_INPUT"), translated():
            ask()
    assert "CANARYID" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("ending", ["raise ValueError(str(batch.to_pylist()))", "__import__('os')._exit(11)"], ids=["raises", "dies"])
def test_a_python_worker_that_fails_is_told_without_its_values(ending: str, spark: Any, capfd: pytest.CaptureFixture[str]) -> None:
    from pipelines.engines.spark.engine import translated

    made: dict[str, Any] = {}
    exec(f"def failing(batches):\n  for batch in batches:\n    {ending}\n    yield batch", made)
    with pytest.raises(EngineFailure) as failed, translated():
        spark.sql("SELECT concat('CANARY', 'ID-7731') AS id").mapInArrow(made["failing"], "id string").collect()
    assert failed.value.__cause__ is None
    assert "CANARYID" not in str(failed.value) + "".join(capfd.readouterr())


__all__ = ["COLUMNS", "DATASET", "PRODUCT", "by_step"]
