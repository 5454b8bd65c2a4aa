"""`citylake run` and `citylake replay`: the whole way for the chosen datasets, a line each as it goes, and a closing table."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.frame import DONE, ERROR, add
from console.opening import complete_department, contracts, dataset_argument, json_option, opened
from console.output import Progress, say, show_json, tell
from console.tables import outcome_style, padded
from console.tally import Tally, closing, exit_code, line, tally
from console.words import _, counted

if TYPE_CHECKING:
    from pipelines.conduct import Outcome
    from pipelines.way import Way


def register(app: typer.Typer) -> None:
    add(app, "run", run, _("Take datasets the whole way: fetch, judge, refine, make products, publish."), """
citylake run
citylake run meteorology.station_hours
citylake run --department meteorology --json
citylake run --from-batch meteorology.station_hours/b000003
""")
    add(app, "replay", replay, _("Build bronze again from raw: proves that it is what came in, and fills columns declared later."), """
citylake replay
citylake replay meteorology.station_hours && citylake run meteorology.station_hours
""")


class Reporter:
    """Collects the outcomes of a run and tells each dataset's line when it is through."""

    def __init__(self, way: Way, progress: Progress, silent: bool) -> None:
        self.way, self.progress, self.silent = way, progress, silent
        self.tallies: dict[str, Tally] = {}
        self._open: list[Outcome] = []

    def told(self, outcome: Outcome) -> None:
        """Takes one outcome."""
        if self._open and self._open[-1].dataset != outcome.dataset:
            self.close()
        self._open.append(outcome)
        self.progress.step(f"{outcome.dataset} {outcome.step} {outcome.target}".rstrip())

    def close(self) -> None:
        """Tells the dataset that is through."""
        if self._open:
            name = self._open[0].dataset
            self.tallies[name] = tally(self.way, name, self._open)
            if not self.silent:
                self.progress.say(line(self.tallies[name]))
        self._open = []


def go(way: Way, datasets: list[str], department: str | None = None, from_batch: str | None = None, silent: bool = False) -> list[Tally]:
    """Runs, reporting as it goes; returns what it came to."""
    from pipelines import conduct
    from pipelines.choice import chosen
    from pipelines.portals.listed import portals_of

    portals = portals_of(way)
    names = [from_batch.partition("/")[0]] if from_batch else datasets
    total = sum(len(list(conduct.steps_of(way.contract(name), portals))) for name in chosen(way, names, department))
    with Progress(total, silent) as progress:
        reporter = Reporter(way, progress, silent)
        conduct.run(way, datasets, department, from_batch, reporter.told)
        reporter.close()
    return list(reporter.tallies.values())


def document(tallies: list[Tally]) -> dict[str, Any]:
    """The same for machines."""
    return {"datasets": [asdict(item) for item in tallies], "exit_code": exit_code(tallies)}


def run(
    datasets: Annotated[list[str] | None, dataset_argument(_("Datasets to run, with what is derived from them; all by default."))] = None,
    department: Annotated[str | None, typer.Option(help=_("Run all datasets of a department."), autocompletion=complete_department)] = None,
    from_batch: Annotated[
        str | None, typer.Option(metavar="DATASET/BATCH", help=_("Refine again, and all that follows, as from this batch."))
    ] = None,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from pipelines import applying

    way = opened()
    tallies = go(way, datasets or [], department, from_batch, silent=as_json)
    if as_json:
        show_json({**document(tallies), "waiting": applying.waiting(way)})
    else:
        say("", *closing(tallies))
        _next(tallies)
        plans_wait(way)
    raise typer.Exit(exit_code(tallies))


def plans_wait(way: Way) -> None:
    """Tells what waits for `citylake apply`."""
    from pipelines import applying

    for portal, number in applying.waiting(way).items():
        number_of = counted(number, "{n} product waits for a person.", "{n} products wait for a person.")
        tell(f"{portal}: {number_of} " + _("`citylake plan -o plan.json` shows it, `citylake apply plan.json` does it."))


def _next(tallies: list[Tally]) -> None:
    held = [held for item in tallies for held in item.held if not held["rejected"]]
    if held:
        say("")
        tell(counted(len(held), "{n} waits for a decision.", "{n} wait for a decision.")
             + " " + _("See `citylake inbox` and `citylake hold show {key}`.").format(key=held[0]["key"]))


def replay(
    datasets: Annotated[list[str] | None, dataset_argument(_("Datasets to replay; all by default."))] = None,
    as_json: Annotated[bool, json_option()] = False,
) -> None:

    way = opened()
    chosen = [contract for contract in contracts(way, datasets) if not contract.derived]
    found = []
    with Progress(len(chosen), as_json) as progress:
        for contract in chosen:
            found.append(_replayed(way, contract))
            progress.step(contract.id)
            if not as_json:
                progress.say(_replayed_line(found[-1]))
    way.seal()
    if as_json:
        show_json({"datasets": found})
    elif any(item["outcome"] == "done" for item in found):
        tell(_("Bronze has changed: `citylake run` takes it further."))
    raise typer.Exit(ERROR if any(item["outcome"] == "failed" for item in found) else DONE)


def _replayed_line(item: dict[str, Any]) -> str:
    read = counted(item["batches_read"], "{n} batch read", "{n} batches read")
    return f"{outcome_style(padded(_(item['outcome']), 10))}{item['dataset']}: {item['note'] or read}"


def _replayed(way: Way, contract: Any) -> dict[str, Any]:
    from catalog.errors import CitylakeError
    from pipelines.replay import replay as rebuild

    try:
        body = rebuild(way, contract)
    except CitylakeError as error:
        return {"dataset": contract.id, "outcome": "failed", "batches_read": 0, "note": str(error)}
    number = len(way.journal.state(contract.id).batches)
    return {"dataset": contract.id, "outcome": "unchanged" if body.get("repeated") else body["outcome"], "batches_read": number, "note": ""}
