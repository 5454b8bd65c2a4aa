"""`citylake exposure`: what has been released so far of each population of subjects, and what about it waits for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.frame import add
from console.opening import complete_dataset, json_option, opened
from console.output import say, show_json, tell
from console.tables import Column, table
from console.tally import key_of
from console.words import _
from pipelines.moments import day

if TYPE_CHECKING:
    from pipelines.exposure import Exposed
    from pipelines.way import Way


def register(app: typer.Typer) -> None:
    add(app, "exposure", exposure, _("What has been released of the same subjects: every column set, its treatment and tier."), """
citylake exposure
citylake exposure letters_calls.hotline_cases --json
""")


def _dataset() -> Any:
    return typer.Argument(metavar="DATASET", help=_("Only its subjects. All by default."), autocompletion=complete_dataset)


def exposure(
    dataset: Annotated[str | None, _dataset()] = None,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from pipelines.exposure import listed

    way = opened()
    found = list(listed(way, dataset))
    held = _held(way, {one.shown["subjects"] for one in found})
    if as_json:
        show_json({"releases": [_plain(one) for one in found], "holds": held})
        return
    if not found and not held:
        tell(_("Nothing was released yet of subjects that a contract names."))
        return
    rows: list[list[Any] | str] = []
    for one in found:
        if one.shown["subjects"] not in rows:
            rows.append(one.shown["subjects"])
        columns = ", ".join(f"{name}: {how['how']['do']}{' *' if how['quasi'] else ''}" for name, how in one.shown["columns"].items())
        rows.append(["  " + one.id, day(one.at, way.city.zone), _(one.tier), one.rows, columns])
    say(*table([Column(_("Release")), Column(_("Date")), Column(_("Tier")), Column(_("Rows"), right=True), Column(_("Columns"))], rows))
    tell(_("* quasi-identifiers: with others of their kind they tell persons apart."))
    for wait in held:
        tell(_("Held: {key} ({dataset}), with {releases}. See `citylake hold show {key}`.").format(
            key=wait["key"], dataset=wait["dataset"], releases=", ".join(wait["releases"])))


def _plain(one: Exposed) -> dict[str, Any]:
    return {"release": one.id, "at": one.at, "subjects": one.shown["subjects"], "tier": one.tier, "rows": one.rows, "key": one.key,
            "columns": one.shown["columns"], "aggregate": one.shown["aggregate"], "filter": one.shown["filter"], "period": one.shown["period"],
            "rolled_back": one.rolled_back}


def _held(way: Way, subjects: set[str]) -> list[dict[str, Any]]:
    from pipelines.exposure import population

    found = []
    for contract in way.city.contracts.values():
        for hold in way.journal.state(contract.id).holds.values() if population(contract) in subjects else ():
            releases = [name for one in hold.findings if one["rule"].startswith("exposure.") for name in one["observed"]["releases"]]
            if releases:
                found.append({"key": key_of(hold.id), "hold": hold.id, "dataset": contract.id, "rules": [one["rule"] for one in hold.findings],
                              "releases": sorted(set(releases))})
    return found
