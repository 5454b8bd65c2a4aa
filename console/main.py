"""The `citylake` command: its groups put together. Everything heavy is imported inside the commands, never here."""

from __future__ import annotations

import atexit
import os
import sys
from typing import Annotated

import typer

from catalog.errors import CitylakeError
from console.frame import USAGE, Root, report
from console.words import Language, _, speak, spoken
from pipelines.settings import language


def build() -> typer.Typer:
    """The whole command, in the language chosen by then."""
    from console import (
        addresses,
        audits,
        backups,
        checks,
        demo_run,
        drafts,
        exposures,
        holds,
        lines,
        overview,
        plans,
        portal,
        quarantine,
        releases,
        retain,
        runs,
        screens,
        web,
    )

    app = typer.Typer(cls=Root, help=_ABOUT(), no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False)
    app.callback()(_root)
    for module in (demo_run, checks, drafts, runs, overview, holds, quarantine, plans, releases, exposures, lines, audits, retain, backups, screens,
                   addresses, portal, web):
        module.register(app)
    return app


def _ABOUT() -> str:
    about = _("A city's data lakehouse and open-data pipeline: admission, quality, privacy, one catalog, tiered releases.")
    places = _("Places come from CITYLAKE_CITY, CITYLAKE_STATE (default .citylake), CITYLAKE_LAKE, CITYLAKE_SITE, CITYLAKE_SOURCES.")
    codes = _("Exit codes: 0 done, 1 error, 2 usage, 3 held (a person must decide), 4 refused.")
    start = _("Examples:")
    return f"{about}\n\n{places}\n\n{codes}\n\n{start}\n  $ citylake demo\n  $ citylake status\n  $ citylake inbox"


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"citylake {version('citylake')}")
        raise typer.Exit


def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help=_("Show the version and exit."))] = False,
    lang: Annotated[Language | None, typer.Option("--lang", help=_("Language of all that is shown; else CITYLAKE_LANG, else the system's."))] = None,
) -> None:
    if lang is not None:
        speak(lang)


def main() -> None:
    """Entry point. Files are for their owner only; the site sets its own modes."""
    os.umask(0o077)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    atexit.register(_quiet)
    try:
        chosen, arguments = spoken(sys.argv[1:], language())
    except CitylakeError as error:
        speak(language({**os.environ, "CITYLAKE_LANG": ""}))
        report(error)
        sys.exit(USAGE)
    speak(chosen)
    build()(args=arguments, prog_name="citylake")


def _quiet() -> None:
    """Native modules report their own leaks while Python ends (notes/engines-lab); that is nothing for a user."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        sys.stdout.flush()
    except OSError:             # a pipe that was closed early; Python would try again
        os.dup2(nowhere, 1)
    sys.stderr.flush()
    os.dup2(nowhere, 2)
