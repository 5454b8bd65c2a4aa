"""Fixtures that several test files use, and the rule for parts that a machine lacks: skipped by name, or failed when required."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sparking import local, spark_there
from stacking import PortalStack, portal_there, postgres_there

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("CITYLAKE_SHARED", ROOT.parent / "shared")).resolve()
REQUIRED = {name for name in os.environ.get("CITYLAKE_REQUIRE", "").split(",") if name}


def _browser() -> str | None:
    return next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)


PARTS = {
    "shared": (lambda: (SHARED / "data").is_dir(), "no folder with real data: set CITYLAKE_SHARED"),
    "browser": (lambda: _browser() is not None, "no Chromium: apt-get install chromium"),
    "axe": (lambda: (ROOT / ".tools/axe/axe.min.js").is_file(), "no accessibility check: make axe"),
    "portal": (portal_there, "apt-get install redis-server postgresql-15 libmagic1 openjdk-17-jre-headless maven; make portal-parts"),
    "postgres": (postgres_there, "no PostgreSQL: apt-get install postgresql-15"),
    "spark": (spark_there, "apt-get install openjdk-17-jre-headless maven; make spark-parts"),
}


LONG = ("slow", "portal", "spark")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    long = {item.path for item in items if any(item.get_closest_marker(name) for name in LONG)}
    items.sort(key=lambda item: item.path not in long)      # long files first: a worker that gets one at the end leaves the other idle
    for item in items:
        if item.get_closest_marker("soak") and "soak" not in (config.option.markexpr or ""):
            item.add_marker(pytest.mark.skip(reason="soak: run by `make soak`"))
        for name, (there, reason) in PARTS.items():
            if item.get_closest_marker(name) and not there():
                item.add_marker(pytest.mark.skip(reason=f"{name}: {reason}") if name not in REQUIRED else _missing(name, reason))


def _missing(name: str, reason: str) -> pytest.MarkDecorator:
    return pytest.mark.usefixtures("part_is_missing")


@pytest.fixture
def part_is_missing() -> None:
    pytest.fail("CITYLAKE_REQUIRE names a part that this machine does not have")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data."""
    return SHARED


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser."""
    found = _browser()
    assert found is not None
    return found


@pytest.fixture(scope="module")
def portal_stack(portal_of_the_worker: PortalStack) -> PortalStack:
    """A whole CKAN with nothing in it at the start of each test file. Mark users `portal`."""
    portal_of_the_worker.empty()
    return portal_of_the_worker


@pytest.fixture(scope="session")
def portal_of_the_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalStack]:
    """The CKAN of this worker of pytest-xdist: it comes up once.

    Its root is where a program with CITYLAKE_STATE=root.parent looks for the local portal.
    """
    stack = PortalStack(tmp_path_factory.mktemp("state") / "portal")
    try:
        stack.up()
        yield stack
    finally:
        stack.reset()


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> SparkSession:
    """The Spark session of this worker of pytest-xdist; the engine's own, which lives as long as the process. Mark users `spark`."""
    from pipelines.engines.spark.session import session

    return session(local(tmp_path_factory.mktemp("spark")))


@pytest.fixture
def umask() -> Iterator[None]:
    """The program's umask, as the console sets it."""
    old = os.umask(0o077)
    yield
    os.umask(old)


def _suite(report: Any) -> str:
    return Path(str(report.nodeid).split("::")[0]).stem.removeprefix("test_")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The closing table: which suites ran, how long each took, and which could not and why."""
    seconds: Counter[str] = Counter()
    for report in (one for reports in terminalreporter.stats.values() for one in reports if hasattr(one, "duration") and hasattr(one, "nodeid")):
        seconds[_suite(report)] += report.duration
    counts: dict[str, Counter[str]] = {}
    reasons: Counter[tuple[str, str]] = Counter()
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            suite = _suite(report)
            counts.setdefault(suite, Counter())["failed" if outcome == "error" else outcome] += 1
            if outcome == "skipped" and isinstance(report.longrepr, tuple):
                reasons[suite, report.longrepr[2].removeprefix("Skipped: ")] += 1
    terminalreporter.section("suites")
    for suite, found in sorted(counts.items()):
        ran = found["passed"] + found["failed"]
        state = f"{found['failed']} FAILED of {ran}" if found["failed"] else f"{ran} passed" if ran else "did not run"
        why = "; ".join(f"{number} not run ({reason})" for (name, reason), number in sorted(reasons.items()) if name == suite)
        terminalreporter.write_line(f"{suite:<34} {state:<18} {seconds[suite]:>5.0f} s  {why}".rstrip())
    for name, (there, reason) in PARTS.items():
        terminalreporter.write_line(f"part {name:<29} {'here' if there() else 'MISSING: ' + reason}")
