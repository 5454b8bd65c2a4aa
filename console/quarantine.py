"""`citylake quarantine list | show | resubmit`: rows that failed a check, and their way back as a new batch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.frame import DONE, HELD, REFUSED, add, group
from console.opening import complete_dataset, contracts, dataset_argument, json_option, opened
from console.output import say, show_json, tell
from console.tables import Column, facts, style, table
from console.words import _, counted, noted

if TYPE_CHECKING:
    from collections.abc import Mapping

MARKS = ("_batch_id", "_source_line", "_rules", "_bad")


def register(app: typer.Typer) -> None:
    quarantine = group(_("Rows that failed a check: count them, see them, bring corrected ones back."))
    add(quarantine, "list", list_rules, _("Count quarantined rows by dataset and rule."), """
citylake quarantine list
citylake quarantine list meteorology.station_hours --json
""")
    add(quarantine, "show", show, _("Show quarantined rows with batch, line and rules; what is above L1 stays hidden."), """
citylake quarantine show meteorology.station_hours --limit 20
citylake quarantine show meteorology.station_hours --values
citylake quarantine show meteorology.station_hours --out corrected.csv
""")
    add(quarantine, "resubmit", resubmit, _("Bring a file of corrected rows in, as a new batch through admission."), """
citylake quarantine resubmit meteorology.station_hours corrected.csv
""")
    app.add_typer(quarantine, name="quarantine")


def list_rules(
    datasets: Annotated[list[str] | None, dataset_argument(_("Datasets to count; all by default."))] = None,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from pipelines.corrections import counts

    way = opened()
    found = {contract.id: counts(way, contract) for contract in contracts(way, datasets)}
    if as_json:
        show_json({"datasets": [{"dataset": name, "rules": rules} for name, rules in sorted(found.items())]})
        return
    rows = [[name if at == 0 else "", rule, number] for name, rules in found.items() for at, (rule, number) in enumerate(rules.items())]
    if rows:
        say(*table([Column(_("Dataset"), paint=lambda text: style(text, "bold")), Column(_("Rule")), Column(_("Rows"), right=True)], rows))
        tell(_("A row that fails two rules counts at both."))
    else:
        tell(_("Nothing is in quarantine."))


def _dataset() -> Any:
    return typer.Argument(metavar="DATASET", help=_("The dataset."), autocompletion=complete_dataset)


def show(
    dataset: Annotated[str, _dataset()],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help=_("Write all rows, with their values, to a CSV to correct (0600)."))] = None,
    limit: Annotated[int, typer.Option(min=1, help=_("How many rows to show."))] = 20,
    values: Annotated[bool, typer.Option("--values", help=_("Show values above L1; only for a steward of the department."))] = False,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from pipelines import corrections
    from pipelines.decisions import steward

    way = opened()
    contract = way.contract(dataset)
    if values or out is not None:
        steward(way, contract)
    if out is not None:
        number = _export(way, contract, out)
        if as_json:
            show_json({"dataset": dataset, "file": str(out), "rows": number})
        else:
            tell(counted(number, "{n} row written.", "{n} rows written."))
            tell(_("Correct them in {file}, then `citylake quarantine resubmit {dataset} {file}`.").format(file=out, dataset=dataset))
        return
    rows = corrections.rows(way, contract, limit, values)
    if as_json:
        show_json({"dataset": dataset, "rows": rows})
        return
    for row in rows:
        say(*_card(row), "")
    tell(counted(len(rows), "{n} row shown; `citylake quarantine list` counts all.", "{n} rows shown; `citylake quarantine list` counts all."))


def _export(way: Any, contract: Any, out: Path) -> int:
    from catalog.errors import DefinitionError
    from pipelines.corrections import export

    try:
        return export(way, contract, out)
    except OSError as error:
        raise DefinitionError(f"The file cannot be written ({type(error).__name__}).", remedy="Name one that does not exist yet.") from None


def _card(row: Mapping[str, Any]) -> list[str]:
    head = _("{batch}, line {line}: {rules}").format(batch=row[MARKS[0]], line=row[MARKS[1]], rules=row[MARKS[2]].replace(";", ", "))
    bad = f" ({row[MARKS[3]]})" if row[MARKS[3]] else ""
    return [style(head + bad, "bold"), *("  " + line for line in facts([(name, value) for name, value in row.items() if name not in MARKS], 78))]


def resubmit(
    dataset: Annotated[str, _dataset()],
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help=_("The CSV of corrected rows."))],
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from pipelines import corrections
    from pipelines.decisions import steward

    way = opened()
    contract = way.contract(dataset)
    steward(way, contract)
    body = corrections.resubmit(way, contract, file)
    way.seal()
    if as_json:
        show_json({"dataset": dataset, "outcome": body["outcome"], "batches": [batch["id"] for batch in body.get("batches", ())],
                   "holds": [hold["id"] for hold in body.get("holds", ())], "refused": body.get("refused", [])})
    else:
        _told(dataset, body)
    raise typer.Exit({"held": HELD, "refused": REFUSED}.get(body["outcome"], DONE))


def _told(dataset: str, body: Mapping[str, Any]) -> None:
    for batch in body.get("batches", ()):
        tell(_("Admitted as {batch}: {rows}. Next: `citylake run {dataset}`.").format(
            batch=batch["id"], rows=counted(batch["rows"], "{n} row", "{n} rows"), dataset=dataset))
    for hold in body.get("holds", ()):
        tell(_("Held: {what}").format(what=" ".join(noted(finding) for finding in hold["findings"])))
    for item in body.get("refused", ()):
        tell(_("Refused: {what}").format(what=" ".join(noted(finding) for finding in item["findings"])))
    if body.get("skipped") or body["outcome"] == "unchanged":
        tell(_("These corrections have come in before; nothing is done."))
