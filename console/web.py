"""`citylake ui`: Dagster's pages over this lake, on loopback, with its own storage below CITYLAKE_STATE."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated

import typer

from console.frame import add
from console.output import tell
from console.words import _

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def register(app: typer.Typer) -> None:
    add(app, "ui", ui, _("Open Dagster over this lake: assets, checks, schedules, runs. Stops with Ctrl-C."), """
citylake ui
citylake ui --port 3100
""")


def ui(
    host: Annotated[str, typer.Option(help=_("Address to listen on; Dagster asks nobody for a password, so keep to loopback."))] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help=_("Port to listen on."))] = 3000,
) -> None:
    from assets.ui import command
    from pipelines.settings import settings

    argv, variables = command(settings(), host, port)
    tell(_("Dagster opens at http://{host}:{port} – stop it with Ctrl-C.").format(host=host, port=port))
    if host not in LOOPBACK:
        tell(_("Whoever reaches this address can start runs: Dagster asks for no password."))
    sys.stdout.flush()
    os.environ.update(variables)
    os.chdir(variables["DAGSTER_HOME"])     # beside another dagster.yaml Dagster would warn
    signal.signal(signal.SIGINT, signal.SIG_DFL)        # started with & a script hands down an ignored Ctrl-C
    os.execv(argv[0], argv)
