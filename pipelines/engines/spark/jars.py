"""The four jars that Delta needs beside pyspark: fetched once by Maven (`make spark-parts`), held against jars.sha256 before Spark starts."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from catalog.errors import EngineFailure

LOCK = Path(__file__).with_name("jars.sha256")
REMEDY = "Run `make spark-parts`, or name the folder that holds them in CITYLAKE_SPARK_JARS."


def jars(folder: Path) -> list[Path]:
    """The jars of a folder, each as locked. Raises EngineFailure naming what is missing, changed or of another version."""
    wanted = {name: digest for digest, name in map(str.split, LOCK.read_text(encoding="ascii").splitlines())}
    for name, digest in wanted.items():
        path = folder / name
        if not path.is_file():
            raise EngineFailure(f"Spark's jar {name} is missing.", remedy=REMEDY)
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise EngineFailure(f"Spark's jar {name} is not the one of jars.sha256.", remedy=REMEDY)
    _same_version(wanted)
    return [folder / name for name in sorted(wanted)]


def _same_version(wanted: dict[str, str]) -> None:
    """delta-spark's package and its jar must be of one version: a newer package asks for classes that the jar has not."""
    try:
        installed = version("delta-spark")
    except PackageNotFoundError:
        raise EngineFailure("The Spark engine is not installed.", remedy="Run `make spark-parts`, or install citylake[spark].") from None
    if not any(name.startswith("delta-spark_") and name.endswith(f"-{installed}.jar") for name in wanted):
        raise EngineFailure(f"delta-spark {installed} is installed, but its jar is of another version.", remedy=REMEDY)
