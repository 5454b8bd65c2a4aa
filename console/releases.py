"""`citylake release list | show | verify | rollback` and `citylake withdraw`: what is published, whether it is still the same, and taking it off."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.audits import told
from console.dossiers import how, protection
from console.frame import DONE, ERROR, add, group
from console.opening import complete_dataset, json_option, opened, product_of
from console.output import Progress, say, show_json, tell
from console.tables import Column, facts, listed, style, table
from console.words import _, counted, label, language
from pipelines.moments import day, minute

if TYPE_CHECKING:
    from catalog.contract import Contract
    from pipelines.state import Release, State
    from pipelines.way import Way


def register(app: typer.Typer) -> None:
    releases = group(_("Published states of products: list, show, verify, roll back."))
    add(releases, "list", list_all, _("List releases, newest last."), """
citylake release list
citylake release list meteorology.station_hours.main --json
""")
    add(releases, "show", show, _("Show a release: tier, ruling, how each column left, hash, versions behind it, files with size and sha256."), """
citylake release show meteorology.station_hours.main
citylake release show meteorology.station_hours.main --release r2
""")
    add(releases, "verify", verify, _("Compute every file's hash again and compare it with the journal."), """
citylake release verify
citylake release verify meteorology.station_hours.main
""")
    add(releases, "rollback", roll_back, _("Go back to an earlier release on every portal at once; the later ones answer no more."), """
citylake release rollback meteorology.station_hours.main --to r6 --reason "A sensor was wrong since April"
""")
    app.add_typer(releases, name="release")
    add(app, "withdraw", withdraw, _("Take a product off every portal at once. No run opens it again."), """
citylake withdraw meteorology.station_hours.main --reason "A sensor was broken" --basis "Order 12 of 2026"
citylake withdraw parks.trees.main --reason "Replaced" --basis "Notice 3" --replacement parks.trees.districts --yes
""")


def _product(required: bool = True) -> Any:
    text = _("department.dataset.product; the product may be left out where there is one.")
    return typer.Argument(metavar="PRODUCT", help=text if required else text + " " + _("All by default."), autocompletion=complete_dataset)


def _found(way: Way, product: str | None) -> Iterator[tuple[Contract, State, Release]]:
    contract, name = product_of(way, product) if product else (None, None)
    for known in [contract] if contract else way.city.contracts.values():
        state = way.journal.state(known.id)
        for of, releases in sorted(state.releases.items()):
            if name in (None, of):
                yield from ((known, state, release) for release in releases)


def _plain(way: Way, contract: Contract, state: State, release: Release) -> dict[str, Any]:
    from pipelines.audit.dossier import standing, treatments

    body = release.body["release"]
    return {"product": contract.product_id(release.product), "release": release.id, "at": release.at, "tier": release.body["tier"],
            "hash": release.hash, "rows": body["rows"], "files": [{key: file[key] for key in ("name", "format", "period", "rows", "size", "sha256")}
                                                                  for file in body["files"]],
            "contract_version": body["contract_version"], "silver": release.body.get("silver"), "gold": release.body.get("gold"),
            "approval": release.body.get("approval"), "standing": standing(state, release.product, release.number),
            "ruling": release.body.get("ruling", {}).get("ruling"), "columns": {one["column"]: {"level": one["level"], "how": one["how"]}
                                                                            for one in treatments(way, contract, release.product, release.body)},
            "protection": dict(release.body.get("protection") or {})}


def list_all(product: Annotated[str | None, _product(False)] = None, as_json: Annotated[bool, json_option()] = False) -> None:
    way = opened()
    found = [_plain(way, contract, state, release) for contract, state, release in _found(way, product)]
    if as_json:
        show_json({"releases": found})
        return
    if not found:
        tell(_("There is no release yet."))
        return
    columns = [Column(_("Product")), Column(_("Release")), Column(_("Date")), Column(_("Tier")), Column(_("Standing")), Column(_("Rows"), right=True),
               Column(_("Files"), right=True), Column("sha256")]
    rows: list[list[Any] | str] = []
    for item in found:
        dataset, _dot, product_name = item["product"].rpartition(".")
        if dataset not in rows:
            rows.append(dataset)
        rows.append(["  " + product_name, item["release"], day(item["at"], way.city.zone), _(item["tier"]), _(item["standing"]),
                     item["rows"], len(item["files"]), item["hash"][:8]])
    say(*table(columns, rows))


def show(
    product: Annotated[str, _product()],
    release: Annotated[str | None, typer.Option(metavar="R", help=_("Its number, such as r2; default the newest."))] = None,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from catalog.errors import DefinitionError

    way = opened()
    found = [pair for pair in _found(way, product) if release in (None, pair[2].id, str(pair[2].number))]
    if not found:
        raise DefinitionError("There is no such release.", remedy="See `citylake release list`.")
    contract, state, chosen = found[-1] if release else next((one for one in found if one[1].release(one[2].product) is one[2]), found[-1])
    item = _plain(way, contract, state, chosen)
    if as_json:
        show_json(item)
        return
    product_title = contract.product(chosen.product).title or contract.title
    versions = ", ".join(f"{at['name']}@{at['version']}" for at in (item["silver"], item["gold"]) if at)
    say(style(f"{item['product']} {item['release']} · {label(product_title)}", "bold"), *facts([
        (_("Date"), minute(item["at"], way.city.zone)), (_("Tier"), _(item["tier"])), (_("Standing"), _(item["standing"])),
        (_("Ruling"), _(item["ruling"] or "–")), (_("Rows"), item["rows"]),
        (_("Contract"), item["contract_version"]), (_("Made from"), versions), (_("Folder"), str(_folder(way, chosen))), ("sha256", item["hash"]),
        *([(_("Approval"), item["approval"])] if item["approval"] else [])]), "")
    say(*table([Column(_("Column")), Column(_("Level")), Column(_("Treatment"))],
               [[name, column["level"], how(column["how"])] for name, column in item["columns"].items()]), "")
    kept = protection(item["protection"], {column.name: column.label for column in contract.columns} if language() == "zh" else {})
    if kept:
        say(*listed(kept, ""), "")
    say(*table([Column(_("File")), Column(_("Rows"), right=True), Column(_("Bytes"), right=True), Column("sha256")],
               [[file["name"], file["rows"], file["size"], file["sha256"][:12]] for file in item["files"]]))


def _folder(way: Way, release: Release) -> Any:
    return way.settings.lake / release.body["release"]["folder"]


def verify(product: Annotated[str | None, _product(False)] = None, as_json: Annotated[bool, json_option()] = False) -> None:
    from pipelines.audit.chains import read_chain
    from pipelines.audit.files import check_releases

    way = opened()
    found = list(_found(way, product))
    names = sorted({contract.id for contract, _state, _release in found})
    homes = {str(PurePosixPath(release.body["release"]["folder"]).parent) for _contract, _state, release in found}
    wrong = []
    with Progress(len(names), as_json) as progress:
        for name in names:
            wrong += [item for item in check_releases(way.settings, read_chain(way.journal, name))
                      if item.severity == "mismatch" and any(item.place.startswith(home) for home in homes)]
            progress.step(name)
    if as_json:
        show_json({"releases": len(found), "mismatches": wrong})
    else:
        say(*(line for item in wrong for line in told(item)))
        tell(f"{counted(len(found), '{n} release', '{n} releases')}, {counted(len(wrong), '{n} mismatch', '{n} mismatches')}.")
    raise typer.Exit(ERROR if wrong else DONE)


def roll_back(
    product: Annotated[str, _product()],
    to: Annotated[str, typer.Option(metavar="R", help=_("The release to go back to, such as r6."))],
    reason: Annotated[str, typer.Option(help=_("Why; it is shown to the public."))],
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from catalog.errors import DefinitionError
    from pipelines import conduct, decisions
    from pipelines.portals.listed import portals_of
    from pipelines.steps.rollback import rollback

    way = opened()
    contract, name = product_of(way, product)
    person = decisions.steward(way, contract, "bureau")
    decisions.sound(reason)
    number = to.removeprefix("r")
    if not number.isdigit():
        raise DefinitionError("There is no such release.", remedy="See `citylake release list`.")
    done = rollback(way, contract, name, int(number), reason, portals_of(way), person.id)
    conduct.conclude(way)
    if as_json:
        show_json({"product": contract.product_id(name), "release": f"r{number}"})
    elif done["outcome"] == "unchanged":
        tell(_("{product} is at {release} already.").format(product=contract.product_id(name), release=f"r{number}"))
    else:
        tell(_("{product} is back at {release}; the later releases are shown no more.").format(
            product=contract.product_id(name), release=f"r{number}"))


def withdraw(
    product: Annotated[str, _product()],
    reason: Annotated[str, typer.Option(help=_("Why; it is shown to the public."))],
    basis: Annotated[str, typer.Option(help=_("The legal basis; it is shown to the public."))],
    replacement: Annotated[str | None, typer.Option(metavar="PRODUCT", help=_("What takes its place."))] = None,
    yes: Annotated[bool, typer.Option("--yes", help=_("Do not ask."))] = False,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from pipelines import conduct, decisions
    from pipelines.portals.listed import portals_of
    from pipelines.steps.withdraw import withdraw as take_off

    way = opened()
    contract, name = product_of(way, product)
    person = decisions.steward(way, contract, "bureau")
    for text in (reason, basis, replacement or basis):
        decisions.sound(text)
    question = _("{product} leaves every portal, and no run opens it again. Go on?").format(product=contract.product_id(name))
    if not yes and sys.stdin.isatty() and not typer.confirm(question):
        raise typer.Abort
    tombstone = {"reason": reason, "basis": basis, "date": way.today().isoformat(), **({"replacement": replacement} if replacement else {})}
    portals = portals_of(way)
    take_off(way, contract, name, tombstone, portals, person.id)
    conduct.conclude(way)
    if as_json:
        show_json({"product": contract.product_id(name), "portals": [portal.name for portal in portals], "tombstone": tombstone})
    else:
        tell(_("{product} is withdrawn from: {portals}.").format(product=contract.product_id(name), portals=", ".join(p.name for p in portals)))
