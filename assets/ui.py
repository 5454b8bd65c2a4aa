"""How the UI is started: Dagster's command line, its home in the state folder, and the variables its processes need.

Imports no dagster, so that whoever starts it does not pay for it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from catalog.errors import DefinitionError
from pipelines.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
INSTANCE = "dagster.yaml"


def command(settings: Settings, host: str = "127.0.0.1", port: int = 3000) -> tuple[list[str], Mapping[str, str]]:
    """The command, and the variables to add to its environment. Prepares Dagster's home."""
    home = prepare(settings)
    argv = [sys.executable, "-W", "ignore", "-m", "dagster", "dev", "--module-name", "assets.definitions", "--working-directory", str(ROOT),
            "--host", host, "--port", str(port)]
    # Safe path: a stray gql.py or assets/ in the folder where somebody starts it must not stand in for ours.
    return argv, {**environment(settings), "PYTHONSAFEPATH": "1", "DAGSTER_HOME": str(home), "DAGSTER_COMPUTE_LOGS": str(home / "compute_logs")}


def prepare(settings: Settings) -> Path:
    """Dagster's home below the state, private, with this checkout's dagster.yaml linked; an operator's own file is kept."""
    source, home = ROOT / INSTANCE, settings.state / "dagster"
    if not source.is_file():
        raise DefinitionError("The checkout has no dagster.yaml.", remedy="Run from a whole checkout of citylake.")
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    link = home / INSTANCE
    if link.is_symlink() or not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(source)
    return home


def environment(settings: Settings) -> dict[str, str]:
    """The settings as `CITYLAKE_*` variables: a child process sees the same city."""
    places = {"CITY": settings.city, "STATE": settings.state, "LAKE": settings.lake, "SITE": settings.site,
              "SECRETS": settings.secrets, "SOURCES": settings.sources}
    limits = {"ENGINE": settings.engine, "MEMORY": str(settings.memory), "THREADS": str(settings.threads)}
    return {f"CITYLAKE_{name}": str(value) for name, value in {**places, **limits}.items()}
