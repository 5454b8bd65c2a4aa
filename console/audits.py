"""`citylake audit verify | show`: is anything altered, and what happened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.frame import DONE, ERROR, add, group
from console.opening import complete_dataset, dataset_argument, json_option, opened, product_of
from console.output import say, show_json, tell
from console.tables import ROOM, clean, facts, listed, style, wrap
from console.words import _, counted, language, noted, translated
from pipelines.moments import minute

if TYPE_CHECKING:
    from pipelines.audit import Mismatch

PARTS = ("batches", "refinements", "releases", "holds", "decisions", "publications", "withdrawals", "rollbacks", "accepted", "erasures")


def register(app: typer.Typer) -> None:
    audits = group(_("Prove that nothing was altered, and show what happened."))
    add(audits, "verify", verify, _("Compare journal, raw, tables, releases and portals with each other; name every mismatch."), """
citylake audit verify
citylake audit verify meteorology.station_hours
citylake audit verify --json
""")
    add(audits, "show", show, _("Show a dataset's history from its journal, or the dossier of one release: way, checks, screening, decisions,"
                                " treatments, hashes, and how to verify it oneself."), """
citylake audit show meteorology.station_hours
citylake audit show meteorology.station_hours.main --html dossier.html
citylake audit show meteorology.station_hours.main/r1 --json
""")
    app.add_typer(audits, name="audit")


def verify(
    datasets: Annotated[list[str] | None, dataset_argument(_("Datasets to verify; the whole city by default."))] = None,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from pipelines.audit import audit

    found = audit(opened(), datasets or None)
    wrong = [item for item in found if item.severity == "mismatch"]
    if as_json:
        show_json({"mismatches": wrong, "notes": [item for item in found if item not in wrong]})
    else:
        for item in found:
            say(*told(item))
        tell(f"{counted(len(wrong), '{n} mismatch', '{n} mismatches')}, {counted(len(found) - len(wrong), '{n} note', '{n} notes')}.")
    raise typer.Exit(ERROR if wrong else DONE)


def told(item: Mismatch) -> list[str]:
    """A mismatch in lines; its place stands alone and whole, so that it can be copied."""
    wrong = item.severity == "mismatch"
    head = f"{_('mismatch') if wrong else _('note')}{': ' + item.dataset if item.dataset else ''}"
    return [style(head, "red" if wrong else "dim"), f"  {clean(item.place)}", *listed([f"{translated(item.what)} {translated(item.remedy)}"], "  ")]


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help=_("DATASET, PRODUCT (its release in force) or PRODUCT/rN."),
                                        autocompletion=complete_dataset)],
    as_json: Annotated[bool, json_option()] = False,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help=_("Write the dossier as a page that stands alone."))] = None,
) -> None:
    from pipelines.audit import show as history

    product, _slash, release = name.partition("/")
    if product.count(".") == 2 or release:
        _dossier(product, release or None, as_json, html)
        return
    if html is not None:
        raise typer.BadParameter(_("--html goes with PRODUCT or PRODUCT/rN."))
    way = opened()
    dataset, zone, found = name, way.city.zone, history(way, name)
    if as_json:
        show_json(found)
        return
    say(style(dataset, "bold"), *facts([
        (_("Contract"), found["contract_version"]), (_("Records"), found["records"]), (_("Time zone"), zone), (_("Head"), found["head"]),
        (_("Tables"), "\n".join(f"{name}@{version}" for name, version in sorted(found["tables"].items()))),
        (_("Open holds"), "\n".join(found["open_holds"]) or "–"), (_("Withdrawn"), ", ".join(found["withdrawn"]) or "–")]), "")
    parts = sorted(((part["record"], PARTS.index(name), part) for name in PARTS for part in found.get(name, ())), key=lambda item: item[:2])
    told = [(number, part["at"], _event(PARTS[kind], part)) for number, kind, part in parts]
    told += [(run["from"], run["at"], _elsewhere(run)) for run in found["elsewhere"]]
    for number, at, text in sorted(told, key=lambda item: item[0]):
        head = f"{number:>4}  {minute(at, zone):<16}  "
        say(*(head + line if row == 0 else " " * len(head) + line for row, line in enumerate(wrap(text, ROOM - len(head)))))


def _elsewhere(run: Mapping[str, Any]) -> str:
    """What the records between two acts are, so that no number is missing without a word."""
    words = {
        "prepared": _("the announcement of what a portal is about to show"), "key": _("the key with which a product makes its tokens"),
        "serve": _("a product that was judged again and stayed as it was"), "replay": _("bronze, built again from raw"),
        "lapse": _("holds that no contract names any more"), "ingest": _("an intake that closed holds and brought nothing"),
        "unreadable": _("what is missing or cannot be read (see `citylake audit verify`)"),
    }
    what = ("；" if language() == "zh" else "; ").join(words.get(kind, kind) for kind in run["kinds"])
    if run["from"] == run["to"]:
        return _("this record belongs to: {what}").format(what=what)
    return _("records {first}–{last} belong to: {what}").format(first=run["from"], last=run["to"], what=what)


def _dossier(product: str, release: str | None, as_json: bool, html: Path | None) -> None:
    from console import dossiers
    from pipelines.audit.dossier import dossier

    way = opened()
    contract, name = product_of(way, product)
    found = dossier(way, contract.id, name, release)
    if html is not None:
        dossiers.write(found, html)
        if not as_json:
            say(str(html))
    if as_json:
        show_json(found)
    elif html is None:
        say(*dossiers.lines(found))


def _because(part: Mapping[str, Any]) -> str:
    """Who withdrew, why and on what basis, as far as the record says so."""
    stone = part.get("tombstone") or {}
    said = [str(text) for text in (part.get("person"), stone.get("reason"), stone.get("basis")) if text]
    return ": " + ", ".join(said) if said else ""


def _event(kind: str, part: Mapping[str, Any]) -> str:
    """One act in a line."""
    why = " ".join(noted(finding) for finding in part.get("findings") or ())
    told = {
        "batches": lambda: (_("batch {id} {outcome}").format(id=part.get("id") or part.get("batch"), outcome=_(part["outcome"]))
                            if part.get("id") or part.get("batch") else _(part["outcome"]))
        + (": " + counted(part["rows"], "{n} row", "{n} rows") if part.get("rows") is not None else ""),
        "refinements": lambda: _("refined, {outcome}: {counts}, {checks}").format(
            outcome=_(part["outcome"]), counts=", ".join(f"{value:,} {_(name)}" for name, value in part["counts"].items()),
            checks=counted(part["checks"], "{n} check", "{n} checks")),
        "releases": lambda: _("release {product} {release}: {rows} rows, {tier}, hash {hash}").format(
            **{**part, "tier": _(part["tier"]), "hash": part["hash"][:12]}),
        "holds": lambda: _("held {id}").format(id=part["id"]),
        "decisions": lambda: _("{verdict} by {person}: {reason}").format(**{**part, "verdict": _(part["verdict"])}),
        "publications": lambda: _("portal {portal} shows {product} {release} as {shown}").format(**{**part, "release": part["release"] or ""}),
        "rollbacks": lambda: _("{product} goes back from {before} to {after} by {person}: {reason}").format(
            **{**part, "before": f"r{part['from']}", "after": f"r{part['to']}"}),
        "accepted": lambda: _("hand edit of {fields} on {portal} accepted by {person}: {reason}").format(
            **{**part, "fields": ", ".join(part["fields"])}),
        "erasures": lambda: (_("over their time, in force no more: {batches}") if part["act"] == "erasing" else
                             _("erased for good: {batches}")).format(batches=", ".join([*part["batches"], *part.get("held", ())]) or "–"),
        "withdrawals": lambda: _("withdrawal of {product}").format(product=part.get("product")) + _because(part),
    }[kind]()
    return f"{told} – {why}" if why else told
