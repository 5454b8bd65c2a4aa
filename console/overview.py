"""`citylake status` and `citylake inbox`: how every dataset stands, and what waits for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.broken import Broken, code, parted, show_broken
from console.deciding import advice, stuck
from console.frame import add
from console.opening import contracts, dataset_argument, json_option, opened
from console.output import say, show_json, tell
from console.tables import Column, facts, outcome_style, table
from console.tally import RANK, key_of, quarantined
from console.troubles import show_troubles, since, troubles
from console.words import _, counted, label, language, noted
from pipelines.moments import day

if TYPE_CHECKING:
    from catalog.contract import Contract
    from pipelines.decisions import Waiting
    from pipelines.state import Hold, State
    from pipelines.way import Way


def register(app: typer.Typer) -> None:
    add(app, "status", status, _("Show how every dataset stands: rows in force, last batch, holds, newest release, tier."), """
citylake status
citylake status meteorology.station_hours --json
""")
    add(app, "inbox", inbox, _("Show all that waits for a person: what, since when, and who may decide it."), """
citylake inbox
citylake inbox --mine
citylake inbox --json
""")


def status(
    datasets: Annotated[list[str] | None, dataset_argument(_("Datasets to show; all by default."))] = None,
    whole: Annotated[bool, typer.Option("--all", help=_("List all that is wrong, not only the newest."))] = False,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    way = opened()
    sound, broken = parted(way, contracts(way, datasets))
    found = [_standing(way, contract) for contract in sound]
    wrong = troubles(way, sound)
    if as_json:
        show_json({"city": way.city.id, "datasets": found, "troubles": wrong, "broken": broken})
    elif not broken and not any(way.journal.state(item["dataset"]).seq for item in found):
        tell(_("Nothing has come in yet. `citylake run` takes in what the sources offer; `citylake demo` makes a city to try."))
    else:
        show_troubles(way, wrong, broken, whole)
        say(*_status_table(way, found, broken), "")
        for line in _closing(found, broken):
            tell(line)
    raise typer.Exit(code(broken))


def _closing(found: list[dict[str, Any]], broken: list[Broken]) -> Iterator[str]:
    """The table in figures, and where to look on."""
    products = [product for item in found for product in item["products"] if product["release"] and not product["withdrawn"]]
    numbers = [counted(len(found) + len(broken), "{n} dataset", "{n} datasets"),
               counted(len(products), "{n} product with a release", "{n} products with a release"),
               counted(sum(item["holds"] for item in found), "{n} hold", "{n} holds"),
               counted(sum(item["quarantined"] for item in found), "{n} row in quarantine", "{n} rows in quarantine")]
    if broken:
        numbers.append(counted(len(broken), "{n} broken journal", "{n} broken journals"))
    yield ("，" if language() == "zh" else ", ").join(numbers) + ("。" if language() == "zh" else ".")
    worst = max(found, key=lambda item: int(item["quarantined"]), default=None)
    if worst is not None and worst["quarantined"]:
        yield _("Rows in quarantine: `citylake quarantine show {dataset}`.").format(dataset=worst["dataset"])
    if waiting := sum(item["waiting"] for item in found):
        yield counted(waiting, "{n} waits for a person: `citylake inbox`.", "{n} wait for a person: `citylake inbox`.")
    elif not broken and all(item["last_outcome"] in ("done", "unchanged") for item in found):
        yield _("Nothing waits for a person, and nothing was refused.")


def _status_table(way: Way, found: list[dict[str, Any]], broken: list[Broken]) -> list[str]:
    columns = [Column(_("Dataset")), Column(_("Rows"), right=True), Column(_("Last batch")), Column(_("Held"), right=True),
               Column(_("Bad"), right=True), Column(_("Stands"), paint=outcome_style)]
    rows: list[list[Any] | str] = []
    for department, about in way.city.departments.items():
        mine = {item["dataset"]: _rows(way, item) for item in found if item["department"] == department}
        mine |= {one.dataset: [["  " + one.dataset.split(".")[1], None, "–", None, None, _("broken")]]
                 for one in broken if one.department == department}
        if mine:
            rows += [f"{department} · {label(about.name)}", *(row for _name, lines in sorted(mine.items()) for row in lines)]
    return table(columns, rows)


def _rows(way: Way, item: dict[str, Any]) -> list[list[Any]]:
    """A line for the dataset, and one for each product: its newest release, the rows that left, and its tier."""
    rows = [["  " + item["dataset"].split(".")[1], item["rows"], day((item["last_batch"] or {}).get("at"), way.city.zone), item["holds"],
             item["quarantined"], _word(item)]]
    for product in item["products"]:
        tier = _("withdrawn") if product["withdrawn"] else _(product["tier"])
        rows.append([f"    {product['product']} {product['release'] or ''}".rstrip(), product["rows"], "", "", "", tier])
    return rows


def _word(item: dict[str, Any]) -> str:
    """How it stands; where nothing has happened yet, what it waits for."""
    if item["last_outcome"] != "unchanged":
        return _(item["last_outcome"])
    return _("waits for its inputs") if item["derived"] else _("nothing yet")


def _standing(way: Way, contract: Contract) -> dict[str, Any]:
    from pipelines.products import Outward

    state = way.journal.state(contract.id)
    counts = state.passed.get("refine/", {}).get("counts", {})
    products = []
    for product in contract.products:
        release = state.release(product.name)
        products.append({"product": product.name, "release": release.id if release else None, "released": release.at if release else None,
                         "rows": release.body["release"]["rows"] if release else None,
                         "tier": Outward(contract, product, way.city.codes, way.city.zone).tier, "withdrawn": product.name in state.withdrawn})
    return {"dataset": contract.id, "department": contract.department, "derived": contract.derived, "rows": counts.get("rows"),
            "quarantined": quarantined(state), "holds": len(state.holds),
            "waiting": sum(not state.rejected(hold.subject) for hold in state.holds.values()), "batches": len(state.batches),
            "last_batch": _last_batch(way, contract), "products": products,
            "last_outcome": "refused" if way.policy.excludes(contract) else _last_outcome(state)}


def _last_batch(way: Way, contract: Contract) -> dict[str, Any] | None:
    """The newest admitted batch and when it was admitted."""
    found = None
    for record in way.journal.records(contract.id):
        for batch in record.body.get("batches", ()) if record.kind == "ingest" else ():
            found = {"id": batch["id"], "rows": batch["rows"], "at": record.at}
    return found


def _last_outcome(state: State) -> str:
    """The worst of what stands: held before done; `unchanged` where nothing has happened yet."""
    outcomes = [str(body["outcome"]) for key, body in state.last.items() if key.split("/")[0] in ("ingest", "refine", "serve") and "outcome" in body]
    outcomes += ["held"] if state.holds else []
    return max(outcomes, key=RANK.index, default="unchanged")


def inbox(
    mine: Annotated[bool, typer.Option("--mine", help=_("Only what you may decide."))] = False,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from pipelines import decisions

    way = opened()
    sound, broken = parted(way, contracts(way, None))
    found = decisions.inbox(way, sound)
    if mine:
        person = decisions.me(way)
        found = [item for item in found if person in item.people]
    if as_json:
        show_json({"holds": [described(way, item) for item in found], "broken": broken})
        raise typer.Exit(code(broken))
    for item in reversed(found):        # the newest first
        say(*_card(way, item), "")
    show_broken(broken)
    if found:
        say(*[""] * bool(broken))
        tell(counted(len(found), "{n} waits for a person.", "{n} wait for a person."))
        tell(_("`citylake hold show KEY` tells more."))
    elif not broken:
        tell(_("Nothing waits for you.") if mine else _("Nothing waits for a person."))
    raise typer.Exit(code(broken))


def missing(way: Way, state: State, hold: Hold) -> int:
    """How many people must still approve a hold; 0 where nobody can."""
    good, needed = state.approving(hold.subject, way.today())
    return max(needed, int(hold.body.get("people", 1))) - len(good) if hold.approvable else 0


def lacking(way: Way, state: State, hold: Hold) -> str:
    """The same in words."""
    return counted(missing(way, state, hold), "{n} approval is still missing", "{n} approvals are still missing")


def described(way: Way, item: Waiting) -> dict[str, Any]:
    """An inbox entry for machines."""
    hold = item.hold
    return {"hold": hold.id, "key": key_of(hold.id), "dataset": item.dataset, "step": hold.step, "target": hold.target, "role": hold.role,
            "approvable": hold.approvable, "approvals_missing": missing(way, way.journal.state(item.dataset), hold), "at": hold.at,
            "days": item.days, "findings": list(hold.findings), "people": [person.id for person in item.people]}


def _card(way: Way, item: Waiting) -> list[str]:
    hold, contract = item.hold, way.contract(item.dataset)
    who = stuck(hold, item.people) or "、".join(f"{person.name} ({person.id})" for person in item.people)
    several = hold.body.get("people", 1) > 1
    return facts([
        (key_of(hold.id), f"{label(contract.title)} · {hold.id}"),
        (_("since"), f"{since(way, hold.at)}, {_(hold.step)}"),
        (_("what"), "\n".join(noted(finding) for finding in hold.findings)),
        (_("who"), who),
        *([(_("needs"), lacking(way, way.journal.state(item.dataset), hold))] if several else []),
        (_("do"), advice(hold, item.people)),
    ])
