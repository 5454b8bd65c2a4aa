"""One Spark session a process: local, a master's or a Connect server's, with every setting that parity and privacy need."""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from catalog.errors import EngineFailure
from pipelines.engines.spark.jars import jars
from pipelines.scratch import scratch
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SESSIONS: dict[str, SparkSession] = {}
# notes/spark-lab §3, each with its measured reason.
FIXED = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",          # products and quotients keep their scale, as in DuckDB
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",        # INT96 is read as another instant by others
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.execution.arrow.pyspark.enabled": "true",                # without it NULL becomes the text 'nan'
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",           # a pattern is made ready anew for each batch: 7 ms, as 70,000 cells cost
    "spark.sql.codegen.hugeMethodLimit": "8000",                        # HotSpot compiles no longer method: it would be interpreted for ever
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    "spark.eventLog.enabled": "false",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",               # executors' and driver's messages quote values
    "spark.executor.extraJavaOptions": "-Dlog4j2.level=OFF",            # a cluster's executors, which would log INFO, values and all
    "spark.executor.syncLogLevel.enabled": "true",                      # and those that have a log4j2.properties of their own
    "spark.sql.debug.maxToStringFields": "0",
    "spark.redaction.string.regex": "(?s).*",
}
# What a Connect server is started with; whatever else begins with spark.sql or spark.databricks a session sets for itself.
# Without them its log, pages and event log would hold values and the functions that hold keys.
STARTED = ("spark.sql.extensions", "spark.sql.catalog.spark_catalog", "spark.log.level", "spark.executor.extraJavaOptions",
           "spark.redaction.string.regex", "spark.eventLog.enabled", "spark.ui.enabled")
ROWS_DEPEND = ("spark.sql.session.timeZone", "spark.sql.ansi.enabled", "spark.sql.decimalOperations.allowPrecisionLoss",
               "spark.sql.parquet.outputTimestampType")
TELLING = ("SQLQueryContextLogger", "DataFrameQueryContextLogger", "pyspark.sql.connect.logging")
SILENT = "The Spark server does not answer."
AGAIN = "Look whether it runs, and at CITYLAKE_SPARK; CITYLAKE_SPARK_WAIT says for how many seconds it is tried. Then run again."
LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


def session(settings: Settings) -> SparkSession:
    """The process's session; the first call starts it (some seconds), and one after a Connect server has begun anew. Raises EngineFailure."""
    known = _SESSIONS.get(settings.spark)
    if known and getattr(known, "is_stopped", False):
        known.stop()            # of a session that a server has ended pyspark would make another at each asking
        del _SESSIONS[settings.spark]
    if settings.spark not in _SESSIONS:
        _SESSIONS[settings.spark] = _start(settings)
    return _SESSIONS[settings.spark]


@lru_cache(maxsize=1)
def _home(settings: Settings) -> Path:
    """Spark's own spill folder: private, and wiped when the process ends (after Spark: exit handlers run last in, first out)."""
    kept = ExitStack()
    atexit.register(kept.close)
    return kept.enter_context(scratch(settings))


def _start(settings: Settings) -> SparkSession:
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable     # workers must be this Python
    os.environ.pop("SPARK_CONNECT_LOG_LEVEL", None)                                         # its client logs errors whole
    remote = _remote(settings)
    chosen = _of_a_session() if remote else _of_a_driver(settings)
    quiet()
    try:
        from pyspark.sql import SparkSession

        builder: Any = _reached(settings) if remote else SparkSession.builder.appName("citylake").master(settings.spark)
        for name, value in chosen.items():
            builder = builder.config(name, value)
        spark: SparkSession = builder.getOrCreate()
        if not remote:
            spark.sparkContext.setLogLevel(FIXED["spark.log.level"])        # goes to executors, which the setting does not
    except Exception as error:      # Py4J's and gRPC's errors have no common class, and quote settings
        if unanswered(error):
            raise EngineFailure(SILENT, remedy=AGAIN) from None
        raise EngineFailure(f"Spark did not start ({type(error).__name__}).", remedy="Look at CITYLAKE_SPARK and at Java 17.") from None
    _asserted(spark, (*ROWS_DEPEND, *(STARTED if remote else ())))
    return spark


def _reached(settings: Settings) -> Any:
    """A builder for the server. Without a setting, a name included, making its session asks nothing yet: only then can its patience be set."""
    from pyspark.sql import SparkSession

    from pipelines.engines.spark.patience import Patience

    made: Any = SparkSession.builder.remote(settings.spark).getOrCreate()
    made.client.set_retry_policies([Patience(settings.spark_wait)])
    return SparkSession.builder.remote(settings.spark).appName("citylake")


def unanswered(error: Exception) -> bool:
    """Whether a Connect server was not reached."""
    status = getattr(error, "getGrpcStatusCode", lambda: None)()
    return getattr(status, "name", "") == "UNAVAILABLE"


def quiet() -> None:
    """Turns off pyspark's own loggers, which write errors whole to standard error.

    By level: `disabled` is unset by any `logging.config` (Dagster's, uvicorn's). And where another part of the process has asked for one of
    these names first it is a plain logger, in which pyspark's way of calling it would raise TypeError in place of Spark's error.
    """
    for name in TELLING:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _remote(settings: Settings) -> bool:
    return settings.spark.startswith("sc://")


def _on_this_machine(settings: Settings) -> bool:
    return settings.spark.startswith("local") or urlsplit(settings.spark).hostname in ("127.0.0.1", "localhost")


def _of_a_session() -> dict[str, str]:
    """What a Connect server lets a session choose. Jars, memory, folders and Java are the server's."""
    return {name: value for name, value in FIXED.items() if name.startswith(("spark.sql.", "spark.databricks.")) and name not in STARTED}


def _of_a_driver(settings: Settings) -> dict[str, str]:
    found = jars(settings.spark_jars)
    _java()
    home = _home(settings)
    cores = str(settings.threads or os.cpu_count() or 1)
    chosen = {**FIXED, "spark.jars": ",".join(map(str, found)), "spark.local.dir": str(home), "spark.sql.shuffle.partitions": cores,
              "spark.sql.warehouse.dir": str(home / "warehouse"),
              "spark.driver.memory": f"{max(settings.memory * 60 // 100 // 2**20, 1024)}m",
              "spark.driver.extraJavaOptions": f"-Dderby.system.home={home} -XX:+UseSerialGC"}
    if _on_this_machine(settings):          # a cluster's executors must reach the driver from elsewhere
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        chosen |= LOOPBACK
    return chosen


def _java() -> None:
    home = os.environ.get("JAVA_HOME")
    if not (Path(home, "bin", "java").is_file() if home else shutil.which("java")):
        raise EngineFailure("There is no Java for Spark.", remedy="Install Java 17.")


def _asserted(spark: SparkSession, names: Iterable[str]) -> None:
    """A Connect server has settings of its own: what rows and secrets depend on must be so there too."""
    for name in names:
        if FIXED[name] not in re.split("[ ,]", spark.conf.get(name, "") or ""):       # it may have more Java options and extensions
            raise EngineFailure(f"The Spark server has another {name}.", remedy=f"Set it to {FIXED[name]}.")
