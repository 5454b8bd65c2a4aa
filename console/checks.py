"""`citylake check`: everything that is wrong with a city folder, at once, each with file, line and how to mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.frame import DONE, ERROR, add
from console.opening import complete_dataset, json_option
from console.output import say, show_json, tell
from console.tables import clean
from console.words import _, counted, translated


def register(app: typer.Typer) -> None:
    add(app, "check", check, _("Check the city folder: contracts, code lists, people, policy. Reads no data, writes nothing."
                               " With --effect: what a dataset's contract would do to the data in force, in a copy that is thrown away."), """
citylake check
citylake check --effect transport.bus_stops
citylake check --city my-city
citylake check --json
""")


def check(
    city: Annotated[Path | None, typer.Option(metavar="PATH", help=_("The city folder; default CITYLAKE_CITY or the shipped city."))] = None,
    effect: Annotated[str | None, typer.Option(metavar="DATASET", help=_("Show what the dataset's contract would change."),
                                               autocompletion=complete_dataset)] = None,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from pipelines.settings import settings
    from pipelines.source_check import check_all

    if effect is not None:
        from console.effects import show_effect

        raise typer.Exit(show_effect(settings().at(city=city or settings().city), effect, as_json))
    found, problems = check_all(city or settings().city)
    datasets = len(found.contracts) if found else 0
    if as_json:
        show_json({"datasets": datasets, "problems": problems})
    else:
        say(*(clean(f"{one.file}:{one.line}: {translated(one.what)} {translated(one.remedy)} [{one.code}]") for one in problems))
        tell(f"{counted(datasets, '{n} dataset', '{n} datasets')}, {counted(len(problems), '{n} problem', '{n} problems')}.")
    raise typer.Exit(ERROR if problems else DONE)
