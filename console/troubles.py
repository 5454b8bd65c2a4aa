"""What is wrong now, newest first, and what to do about each: `citylake status` begins with it, `citylake inbox` tells it at length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from console.explain import explained
from console.output import say, tell
from console.tables import ROOM, outcome_style, style, wrap
from console.tally import key_of
from console.words import _, counted, noted

if TYPE_CHECKING:
    from catalog.contract import Contract
    from pipelines.state import Hold, State
    from pipelines.way import Way

SHOWN = 8


@dataclass(frozen=True)
class Trouble:
    """Something that a person should look at: since when (ISO 8601), of which dataset, what it is, and the command that goes on."""

    at: str
    dataset: str
    what: str           # held, rejected or refused
    step: str
    findings: tuple[Mapping[str, Any], ...]
    command: str


def troubles(way: Way, contracts: Sequence[Contract]) -> list[Trouble]:
    """Holds, rejected ones too, and refusals that stand, newest first."""
    found: list[Trouble] = []
    for contract in contracts:
        state = way.journal.state(contract.id)
        found += [Trouble(hold.at, contract.id, "rejected" if state.rejected(hold.subject) else "held", hold.step, hold.findings,
                          f"citylake hold show {key_of(hold.id)}") for hold in state.holds.values()]
        found += _refused(way, contract, state)
    return sorted(found, key=lambda one: (one.at, one.dataset), reverse=True)


def _refused(way: Way, contract: Contract, state: State) -> Iterator[Trouble]:
    """The newest refusal, if nothing was taken in since."""
    if state.last.get("ingest/", {}).get("outcome") != "refused":
        return
    for record in reversed(list(way.journal.records(contract.id))):
        if record.kind == "ingest" and record.body.get("refused"):
            findings = tuple(one for item in record.body["refused"] for one in item["findings"])
            yield Trouble(record.at, contract.id, "refused", "ingest", findings, f"citylake audit show {contract.id}")
            return


def show_troubles(way: Way, found: Sequence[Trouble]) -> None:
    """The newest of them, each with what to do; the rest as a number."""
    say(style(_("Look at these first"), "bold"))
    for one in found[:SHOWN]:
        head = f"{outcome_style(_(one.what))}  {one.dataset}  ({since(way, one.at)}, {_(one.step)})"
        say(head, *_indented(noted({**one.findings[0], "observed": {}}) if one.findings else ""), f"    → {one.command}")
    if len(found) > SHOWN:
        tell(counted(len(found) - SHOWN, "and {n} more: `citylake inbox`.", "and {n} more: `citylake inbox`."))
    say("")


def _indented(text: str) -> list[str]:
    return [f"    {line}" for line in wrap(text, ROOM - 4)] if text else []


def since(way: Way, at: str) -> str:
    """The day in the city's zone, and how long ago that is."""
    day = datetime.fromisoformat(at).astimezone(ZoneInfo(way.city.zone)).date()
    days = (way.today() - day).days
    return _("{day}, {ago}").format(day=day.isoformat(), ago=counted(days, "{n} day", "{n} days") if days > 0 else _("today"))


def advice(hold: Hold) -> str:
    """What resolves a hold, and the commands for it."""
    rule = str(hold.findings[0].get("rule", "")) if hold.findings else ""
    known, key, dataset = explained(rule, hold.step), key_of(hold.id), hold.id.split("/")[0]
    ends = [f"citylake hold approve {key} --reason …", f"citylake hold reject {key} --reason …"] if hold.approvable else [f"citylake run {dataset}"]
    return "\n".join([*([_(known.remedy)] if known is not None else []), *(f"→ {end}" for end in ends)])
