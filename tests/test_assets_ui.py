"""The UI in a browser: the asset graph shows the departments, a dataset's page shows what the journal says of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from test_assets_definitions import derived
from tiny import DATASET, GOOD, Tiny

from assets import ui
from assets.mirror import events_of

START = 90      # seconds that a busy machine may take


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a web server over a lake that the console has filled, told of what the journal says."""
    tiny = Tiny(tmp_path)
    tiny.declare(derived())
    tiny.drop("trees1.csv", GOOD)
    tiny.run()
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    _, variables = ui.command(tiny.settings, "127.0.0.1", port)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    way = tiny.way()
    with dg.DagsterInstance.get() as instance:
        for event in events_of(way, instance, way.contract(DATASET), ["site"]):
            instance.report_runless_asset_event(event)
    argv = [sys.executable, "-m", "dagster_webserver", "--module-name", "assets.definitions", "--working-directory", str(ui.ROOT),
            "--host", "127.0.0.1", "--port", str(port)]
    (tmp_path / "gql.py").write_text("raise ImportError('a stray module of the folder where the UI was started')\n")
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True, cwd=tmp_path)
    try:
        yield _ready(f"http://127.0.0.1:{port}", process)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def _ready(address: str, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + START
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/server_info", timeout=5):
                return address
        except OSError:
            time.sleep(0.3)
    raise AssertionError("the web server does not answer")


@pytest.mark.slow
@pytest.mark.browser
def test_the_graph_shows_departments_and_a_page_shows_a_dataset(served: str, chromium: str, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=quiet)
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(60_000)

        def see(path: str, *texts: str) -> None:
            page.goto(f"{served}{path}", wait_until="domcontentloaded")
            for text in texts:
                page.get_by_text(text).first.wait_for()

        see("/asset-groups", "parks", "weather", "city")
        see("/assets/silver/parks/trees", "trees数据", "Row count", "高度", "level: L2", "parks@example.org", "department_parks")
        see("/assets/silver/parks/trees?view=checks", "type_height", "Succeeded", "The step holds the dataset when it fails.")
        see("/assets/gold/parks/trees/main?view=events", "release_hash", "unconditional")
        see("/automation", "daily", "weekly", "decisions", "new_drops", "journal")
        browser.close()
