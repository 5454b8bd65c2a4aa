"""What is missing or wrong in the cluster engine's parts is said in one sentence of ours, before Spark starts."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from sparking import JARS

from catalog.errors import EngineFailure
from pipelines.engines.spark import jars as spark_jars

TRY = """
import sys
from pathlib import Path
from pipelines.engines.spark.session import session
from pipelines.settings import settings
try:
    session(settings({"CITYLAKE_SPARK_JARS": sys.argv[1], "CITYLAKE_STATE": sys.argv[2]}))
except Exception as error:
    print(type(error).__name__, error, "pyspark" in sys.modules)
"""


def test_a_missing_jar_is_named_before_spark_starts(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", TRY, str(tmp_path), str(tmp_path)], capture_output=True, text=True, check=True,
                         cwd=Path(__file__).parents[1], timeout=60)
    assert re.match(r"EngineFailure Spark's jar delta-\S+\.jar is missing\. Run `make spark-parts`.* False$", ran.stdout), ran.stdout + ran.stderr


@pytest.mark.spark
def test_a_changed_jar_is_refused(tmp_path: Path) -> None:
    for jar in JARS.glob("*.jar"):
        shutil.copy(jar, tmp_path)
    assert len(spark_jars.jars(tmp_path)) == 4
    with (tmp_path / "delta-storage-4.4.0.jar").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(EngineFailure, match=r"delta-storage-4\.4\.0\.jar is not the one of jars\.sha256"):
        spark_jars.jars(tmp_path)


@pytest.mark.spark
def test_a_package_of_another_version_than_its_jar_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert any(path.name.endswith(f"-{version('delta-spark')}.jar") for path in spark_jars.jars(JARS))
    monkeypatch.setattr(spark_jars, "version", lambda name: "4.4.1")
    with pytest.raises(EngineFailure, match=r"delta-spark 4\.4\.1 is installed, but its jar is of another version"):
        spark_jars.jars(JARS)
