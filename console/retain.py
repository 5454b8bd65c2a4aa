"""`citylake retain`: erases the batches that are over the time of their collection rule, or lists them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from console.frame import DONE, ERROR, add
from console.opening import dataset_argument, json_option, opened
from console.output import say, show_json, tell
from console.tables import style
from console.words import _, counted

if TYPE_CHECKING:
    from pipelines.erasure import Overdue


def register(app: typer.Typer) -> None:
    add(app, "retain", retain, _("Erase batches that are over the time of their collection rule, everywhere they are."), """
citylake retain --dry-run
citylake retain
citylake retain health.infectious_reports --json
""")


def retain(
    datasets: Annotated[list[str] | None, dataset_argument(_("Datasets to look at; the whole city by default."))] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help=_("Only list what would be erased."))] = False,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from pipelines.steps import retain as step

    way = opened()
    over = step.planned(way, datasets or ())
    outcomes = [] if dry else step.retain(way, datasets or ())
    failed = [item for item in outcomes if item.outcome == "failed"]
    if as_json:
        show_json({"dry_run": dry, "batches": {name: [asdict(item) for item in items] for name, items in over.items()},
                   "steps": [{"dataset": item.dataset, "step": item.step, "target": item.target, "outcome": item.outcome, "note": item.note}
                             for item in outcomes]})
    else:
        for name, items in over.items():
            say(style(name, "bold"), *(f"  {_line(item)}" for item in items))
        for item in failed:
            say(style(f"{item.dataset} {item.step} {item.target}".rstrip(), "red"), f"  {item.note}")
        number = sum(len(items) for items in over.values())
        tell(counted(number, "{n} batch is over its time.", "{n} batches are over their time.") if dry or failed
             else counted(number, "{n} batch is erased.", "{n} batches are erased."))
    raise typer.Exit(ERROR if failed else DONE)


def _line(item: Overdue) -> str:
    rows = counted(item.rows, "{n} row", "{n} rows")
    return _("batch {id}, collected {since}, due {due}: {rows}").format(id=item.batch, since=item.collected[:10], due=item.due[:10], rows=rows)
