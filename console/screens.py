"""`citylake screen`: what every column of a file, or of a dataset's table in force, holds of identifiers. Counts only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.frame import DONE, HELD, REFUSED, add
from console.opening import json_option, opened
from console.output import say, show_json, tell
from console.tables import Column, table
from console.words import _

if TYPE_CHECKING:
    from privacy.column_verdicts import ColumnVerdict


def register(app: typer.Typer) -> None:
    add(app, "screen", screen, _("Look at every value of every column of a file or a dataset for what points to persons."
                                   " A file that cannot be read as a table was not seen: it ends as held (3)."), """
citylake screen delivery.csv
citylake screen parks.trees --json
""")


def screen(
    target: Annotated[str, typer.Argument(metavar="FILE|DATASET", help=_("A file in any format, or a dataset whose table is looked at."))],
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from catalog.errors import DefinitionError
    from pipelines.column_screens import screen_file, screen_table

    way, path = opened(), Path(target)
    if not path.is_file() and target not in way.city.contracts:
        raise DefinitionError("There is neither such a file nor such a dataset.", remedy="Give a file, or a name that `citylake status` shows.")
    verdicts = screen_file(way, path) if path.is_file() else screen_table(way, target)
    decisions = {one.decision for one in verdicts.values()}
    if as_json:
        show_json({"columns": list(verdicts.values())})
    else:
        say(*table([Column(_("Column")), Column(_("Verdict")), Column(_("Level")), Column(_("Found"))],
                   [[name, one.decision, one.suggested_level, _found(one)] for name, one in verdicts.items()]))
        if decisions - {"PASS"}:
            tell(_("HOLD: a person must look. DENY: an identifier that no contract declares. Columns of files are numbered from 1."))
    raise typer.Exit(REFUSED if "DENY" in decisions else HELD if "HOLD" in decisions else DONE)


def _found(one: ColumnVerdict) -> str:
    return ", ".join(f"{kind} {hits.cells}" for kind, hits in one.kinds.items()) or ", ".join(one.reasons)
