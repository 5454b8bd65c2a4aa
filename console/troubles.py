"""What is wrong now, newest first, and what to do about each: `citylake status` begins with it, `citylake inbox` tells it at length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.broken import Broken, show_broken
from console.output import say, tell
from console.tables import ROOM, outcome_style, style, wrap
from console.tally import key_of
from console.words import _, counted, noted
from pipelines.moments import day, days_since

if TYPE_CHECKING:
    from catalog.contract import Contract
    from pipelines.state import State
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


def show_troubles(way: Way, found: Sequence[Trouble], broken: Sequence[Broken] = (), whole: bool = False) -> None:
    """Broken journals, then the newest of the others, each with what to do; the rest as a number, unless the `whole` is wanted."""
    if not (found or broken):
        return
    say(style(_("Look at these first"), "bold"))
    show_broken(broken)
    shown = found if whole else found[:SHOWN]
    for one in shown:
        head = f"{outcome_style(_(one.what))}  {one.dataset}  ({since(way, one.at)}, {_(one.step)})"
        say(head, *_indented(noted({**one.findings[0], "observed": {}}) if one.findings else ""), f"    → {one.command}")
    if left := len(found) - len(shown):
        tell(counted(left, "and {n} more: `citylake status --all`.", "and {n} more: `citylake status --all`."))
    say("")


def _indented(text: str) -> list[str]:
    return [f"    {line}" for line in wrap(text, ROOM - 4)] if text else []


def since(way: Way, at: str) -> str:
    """The day in the city's zone, and how long ago that is."""
    days = days_since(at, way.today(), way.city.zone)
    return _("{day}, {ago}").format(day=day(at, way.city.zone), ago=counted(days, "{n} day", "{n} days") if days > 0 else _("today"))
