"""`citylake plan | apply | accept`: what would change on the portals, doing exactly that, and letting a hand edit stand."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalog.errors import PortalError
from console.frame import DONE, ERROR, add, report
from console.opening import complete_dataset, complete_department, dataset_argument, json_option, opened, product_of
from console.output import Progress, say, show_json, tell
from console.tables import clean, outcome_style, padded, style
from console.words import _, counted, translated

if TYPE_CHECKING:
    from pipelines.conduct import Outcome
    from pipelines.planning import Action, Change, Plan
    from pipelines.way import Way

ROOM = 46


def register(app: typer.Typer) -> None:
    add(app, "plan", plan, _("Show what would change on the portals: new products, fields, rows, tiers, withdrawals, hand edits."), """
citylake plan
citylake plan meteorology.station_hours --portal platform -o plan.json
citylake plan --json
""")
    add(app, "apply", apply, _("Do what a plan says, and only that; what has changed since is refused, dataset by dataset."), """
citylake apply plan.json
citylake apply plan.json --json
""")
    add(app, "accept", accept, _("Let a hand edit on a portal stand until the product changes: title, summary and tags only."), """
citylake accept meteorology.station_hours.main --portal platform --reason "A better title, see letter 12"
""")


def _portal_option() -> Any:
    return typer.Option("--portal", metavar="PORTAL", help=_("A portal of city.yaml; all by default."))


def plan(
    datasets: Annotated[list[str] | None, dataset_argument(_("Datasets to plan; all by default."))] = None,
    department: Annotated[str | None, typer.Option(help=_("Plan all datasets of a department."), autocompletion=complete_department)] = None,
    portal: Annotated[list[str] | None, _portal_option()] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="PLAN", help=_("Write the plan to this file."))] = None,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from pipelines import applying
    from pipelines.planning import written

    way = opened()
    plans = []
    portals = applying.named(way, portal or [])
    failed = False
    with Progress(len(portals), as_json) as progress:
        for one in portals:
            try:
                plans.append(applying.plan_of(way, one, datasets or [], department))
            except PortalError as error:        # the other portals can be planned all the same
                failed |= bool(report(error))
            progress.step(one.name)
    if failed and not plans:
        raise typer.Exit(ERROR)
    if output is not None:
        output.write_text(written(plans), encoding="utf-8")
    if as_json:
        show_json(json.loads(written(plans)))
    else:
        for found in plans:
            say(*_told(found))
        if not failed or any(one.actions for one in plans):
            _next(plans, output)
    raise typer.Exit(ERROR if failed else DONE)


def _next(plans: list[Plan], output: Path | None) -> None:
    number = sum(len(one.actions) for one in plans)
    if not number:
        tell(_("The portals show what they shall show: nothing to apply."))
    elif output is None:
        tell(_("Write it to a file with `-o plan.json`, and `citylake apply plan.json` does exactly this."))
    else:
        tell(_("`citylake apply {file}` does exactly this.").format(file=output))


def _told(found: Plan) -> list[str]:
    title = style(found.portal, "bold") + ": " + counted(len(found.actions), "{n} change", "{n} changes")
    return [title, *(line for action in found.actions for line in _action(action)), ""]


def _action(action: Action) -> list[str]:
    return [f"  {padded(_(action.kind), 10)}{clean(action.id)}", *(line for change in action.changes for line in _change(change))]


def _change(change: Change) -> list[str]:
    if change.drift:
        return [f"      {clean(change.field)}: " + _("changed by hand on the portal; it is set back")]
    if isinstance(change.before, list) and isinstance(change.after, list):
        return [f"      {clean(change.field)}: {_listed(change.before, change.after)}"]
    if isinstance(change.after, dict) or isinstance(change.before, dict):
        return [f"      {clean(change.field)}: {_inside(change.before or {}, change.after or {})}"]
    return [f"      {clean(change.field)}: {_short(change.before)} → {_short(change.after)}"]


def _listed(before: list[Any], after: list[Any]) -> str:
    """How many of a list come and go, and the first of them."""
    come = [item for item in after if item not in before]
    gone = [item for item in before if item not in after]
    parts = [f"+{len(come)} ({_short(come[0])}{' …' if len(come) > 1 else ''})"] if come else []
    parts += [f"-{len(gone)} ({_short(gone[0])}{' …' if len(gone) > 1 else ''})"] if gone else []
    return ", ".join(parts) or _("another order")


def _inside(before: Any, after: Any) -> str:
    if not isinstance(before, dict) or not isinstance(after, dict):
        return f"{_short(before)} → {_short(after)}"
    names = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    return "; ".join(f"{clean(str(name))} {_short(before.get(name))} → {_short(after.get(name))}" for name in names)


def _short(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, dict):
        value = value.get("name") or value.get("label") or value.get("zh") or "…"
    text = _(value) if isinstance(value, str) else str(value)
    return clean(text if len(text) <= ROOM else text[:ROOM - 1] + "…")


def apply(
    file: Annotated[Path, typer.Argument(metavar="PLAN", help=_("A file that `citylake plan -o` wrote."), exists=True, dir_okay=False)],
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from pipelines import applying
    from pipelines.planning import read

    way = opened()
    plans = read(file.read_text(encoding="utf-8", errors="replace"), file.name)
    outcomes: list[Outcome] = []
    with Progress(sum(len(one.actions) for one in plans), as_json) as progress:
        def told(outcome: Outcome) -> None:
            progress.step(outcome.dataset)
            if not as_json:
                progress.say(_outcome(outcome))

        outcomes = applying.apply(way, plans, told)
    failed = sum(outcome.outcome in ("failed", "refused") for outcome in outcomes)
    if as_json:
        show_json({"actions": [{key: value for key, value in asdict(item).items() if key != "body"} for item in outcomes]})
    else:
        tell(counted(len(outcomes), "{n} change", "{n} changes") + ", " + counted(failed, "{n} refused or failed", "{n} refused or failed") + ".")
    raise typer.Exit(ERROR if failed else DONE)


def _outcome(outcome: Outcome) -> str:
    name = f"{outcome.target.split('/')[0]}: {outcome.dataset}.{outcome.target.split('/')[-1]}"
    return f"{outcome_style(padded(_(outcome.outcome), 10))}{clean(name)}" + (f": {translated(outcome.note)}" if outcome.note else "")


def accept(
    product: Annotated[str, typer.Argument(metavar="PRODUCT", help=_("department.dataset.product; the product may be left out where there is one."),
                                           autocompletion=complete_dataset)],
    reason: Annotated[str, typer.Option(help=_("Why; the journal keeps it."))],
    portal: Annotated[str, typer.Option("--portal", metavar="PORTAL", help=_("A portal of city.yaml."))],
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from pipelines import applying, decisions

    way: Way = opened()
    contract, name = product_of(way, product)
    person = decisions.steward(way, contract, "bureau")
    decisions.sound(reason)
    body = applying.accept(way, contract, name, applying.named(way, [portal])[0], reason, person.id)
    if as_json:
        show_json({"product": contract.product_id(name), "portal": portal, "fields": body["fields"]})
    else:
        tell(_("The hand edit of {fields} stands until the product changes.").format(fields=", ".join(body["fields"])))
