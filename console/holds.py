"""`citylake hold show | approve | reject | revoke`: one hold with all its grounds, and deciding it as oneself.

`show` is the one place where a name that nobody declared may be seen: on a terminal, by a person with a right to it, unlogged.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.broken import parted
from console.deciding import stuck, way_out
from console.explain import explanations
from console.frame import add, group
from console.opening import json_option, opened
from console.output import say, show_json, tell
from console.overview import described, inbox, lacking
from console.runs import document, go
from console.tables import facts, listed, style
from console.tally import Tally, closing, exit_code, key_of, tally
from console.words import _, label, language
from pipelines.moments import day, minute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.city import Person
    from catalog.contract import Contract
    from pipelines.conduct import Outcome
    from pipelines.decisions import Verdict, Waiting
    from pipelines.state import Hold, State
    from pipelines.way import Way

SHORTEST = 4        # characters of a key that may stand for the whole


def register(app: typer.Typer) -> None:
    holds = group(_("Show and decide what is held."))
    add(holds, "list", inbox, _("What waits for a person, as `citylake inbox` shows it."), """
citylake hold list
citylake hold list --mine --json
""")
    add(holds, "show", show, _("Show a hold: findings, batch, contract, decisions, who may decide, what to do next."), """
citylake hold show 3fa1c2
citylake hold show meteorology.station_hours/ingest/b000012 --json
""")
    add(holds, "approve", approve, _("Let a held batch, refinement or release pass, with a reason and a last day."), """
citylake hold approve 3fa1c2 --reason "Checked by phone with the bureau" --until 2026-12-31
citylake hold approve 3fa1c2 --reason "Checked by phone with the bureau" --run
""")
    add(holds, "reject", reject, _("Refuse what is held; a held batch is wiped at once."), """
citylake hold reject 3fa1c2 --reason "Wrong file, a new one is coming"
""")
    add(holds, "revoke", revoke, _("Take an approval back; what it let pass is held again."), """
citylake hold revoke 3fa1c2 --reason "The bureau has changed its mind"
""")
    app.add_typer(holds, name="hold")


def resolve(way: Way, text: str) -> str:
    """A hold's id from itself, its short key, or the key's first characters. Raises DefinitionError."""
    from catalog.errors import DefinitionError

    if "/" in text:
        return text
    known: list[str] = []
    for contract in parted(way, list(way.city.contracts.values()))[0]:     # a broken journal of another dataset stops no decision
        state = way.journal.state(contract.id)
        known += [*state.holds, *state.past_holds]
    found = sorted({name for name in known if len(text) >= SHORTEST and key_of(name).startswith(text.lower())})
    if len(found) != 1:
        what = "There is no hold of that key." if not found else "Several holds have keys like that."
        raise DefinitionError(what, remedy="See `citylake inbox`." if not found else "Write the hold's whole id.")
    return found[0]


def _hold() -> Any:
    return typer.Argument(metavar="HOLD", help=_("Key or id of the hold, from `citylake inbox`."))


def _reason() -> Any:
    return typer.Option(help=_("Why. It is kept for ever, so name no person's data."))


def _run() -> Any:
    return typer.Option("--run", help=_("Run the dataset at once."))


def show(
    hold: Annotated[str, _hold()],
    names: Annotated[bool, typer.Option("--names", help=_("Show undeclared names even when the output goes elsewhere."))] = False,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from pipelines import decisions

    way = opened()
    contract, state, found = decisions.find(way, resolve(way, hold))
    waiting = next((item for item in decisions.inbox(way, [contract]) if item.hold.id == found.id), None)
    verdicts = [decision for decision in state.decisions if decision.hold == found.id]
    if as_json:
        body = described(way, waiting) if waiting else {"hold": found.id, "key": key_of(found.id), "dataset": contract.id, "step": found.step,
                                                   "target": found.target, "at": found.at, "findings": list(found.findings)}
        show_json({**body, "open": found.id in state.holds, "batch": found.body.get("batch"), "decisions": verdicts,
                   "contract": {"file": contract.source_file, "version": contract.version, "author": contract.fields.author}})
        return
    say(style(f"{key_of(found.id)}  {found.id}", "bold"), *facts(_about(way, contract, state, found, waiting)), "", _("Findings"))
    say(*explanations(found.findings, found.step))
    if verdicts:
        say("", _("Decisions"), *listed([_said(way, decision) for decision in verdicts]))
    if found.step == "ingest":
        say(*_undeclared(way, contract, found, names))
    say("")
    for line in _what_next(state, found, waiting.people if waiting else ()):
        tell(line)


def _about(way: Way, contract: Contract, state: State, hold: Hold, waiting: Waiting | None) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = [
        (_("Dataset"), f"{contract.id} · {label(contract.title)}"),
        (_("Contract"), _("{file}, version {version}, last changed by {author}").format(
            file=contract.source_file, version=contract.version, author=contract.fields.author)),
        (_("Step"), f"{hold.step} {hold.target}".strip()),
        (_("Since"), minute(hold.at, way.city.zone)),
        (_("State"), _standing(state, hold, waiting.people if waiting else ())),
        *([(_("Approvals"), "\n".join(_approvals(way, state, hold)))] if hold.id in state.holds and hold.body.get("people", 1) > 1 else []),
    ]
    batch = hold.body.get("batch")
    if batch:
        pairs += [(_("Batch"), f"{batch['id']} ({batch['source']})"), (_("File"), batch["file"] or _("a name that the contract does not spell out")),
                  (_("Rows"), batch["rows"]), ("sha256", batch["sha256"])]
        pairs += [(_("Resubmitted by"), hold.body["resubmitted_by"])] if hold.body.get("resubmitted_by") else []
    if waiting and waiting.people:
        pairs.append((_("May decide"), "\n".join(f"{person.name} ({person.id})" for person in waiting.people)))
    return pairs


def _standing(state: State, hold: Hold, people: Sequence[Person]) -> str:
    if hold.id not in state.holds:
        return _("no longer held")
    if state.rejected(hold.subject):
        return _("rejected")
    if why := stuck(hold, people):
        return _("held. {why}").format(why=why)
    if hold.body.get("people", 1) > 1:
        return _("held; {n} people of role {role} decide together").format(n=hold.body["people"], role=_(hold.role))
    return _("held; role {role} decides").format(role=_(hold.role))


def _approvals(way: Way, state: State, hold: Hold) -> list[str]:
    """Who has approved a hold that takes several, and how many are still missing."""
    good, _number = state.approving(hold.subject, way.today())
    names = [person.name if (person := way.city.people.get(one.person)) else one.person for one in good]
    return [_("approved by {names}").format(names="、".join(names))] * bool(names) + [lacking(way, state, hold)]


def _said(way: Way, decision: Any) -> str:
    person = way.city.people.get(decision.person)
    until = _(", until {day}").format(day=decision.until) if decision.until else ""
    return _("{verdict} on {day} by {person}{until}: {reason}").format(
        verdict=_(decision.verdict), day=day(decision.at, way.city.zone), person=f"{person.name} ({person.id})" if person else decision.person,
        until=until, reason=decision.reason)


def _undeclared(way: Way, contract: Contract, hold: Hold, names: bool) -> list[str]:
    """The held file's name and the headers that nobody declared, for the eyes of who may see them."""
    from catalog.errors import CitylakeError
    from pipelines.decisions import me, steward

    if not (names or sys.stdout.isatty()):
        return ["", _("Undeclared names are shown on a terminal, or with --names.")]
    try:
        steward(way, contract, "bureau", "privacy_officer", "secrecy_officer")
        if hold.role == "secrecy_officer" and hold.role not in me(way).roles:       # a name may be the secret itself
            return ["", _("Undeclared names of this batch are shown to the secrecy officer only.")]
    except CitylakeError:
        return ["", _("Undeclared names are shown to stewards of the department and to officers only.")]
    return ["", *facts(_names(way, contract, hold))]


def _names(way: Way, contract: Contract, hold: Hold) -> list[tuple[str, Any]]:
    from catalog.errors import CitylakeError
    from pipelines.formats import open_table
    from pipelines.intake import source_of
    from pipelines.parsing import match_headers
    from pipelines.spool import held_bytes

    held = held_bytes(way.settings, contract.id, hold.target)
    if held is None:
        return [(_("File"), _("wiped"))]
    payload, filename = held
    pairs: list[tuple[str, Any]] = [(_("File name"), filename or "–"), (_("Bytes at"), str(payload))]
    source = source_of(contract, hold.body["batch"]["source"])
    try:
        columns = open_table(payload, source.format or None, filename).columns
    except CitylakeError:
        return pairs
    unknown = match_headers(contract, source, columns).unknown
    return pairs + [(_("Column {n}").format(n=at), columns[at - 1]) for at in unknown]


def _what_next(state: State, hold: Hold, people: Sequence[Person]) -> list[str]:
    if hold.id not in state.holds:
        return [_("Nothing is to be decided here any more.")]
    if hold.step == "ingest" and state.rejected(hold.subject):
        return [_("It was rejected and wiped. `citylake run {dataset}` takes in what comes next.").format(
            dataset=hold.id.split("/")[0])]
    if why := stuck(hold, people):
        return [f"{why} {' '.join(way_out(hold, people))}"] if language() == "en" else ["".join([why, *way_out(hold, people)])]
    lines = [_("Decide: `citylake hold approve {key} --reason …` or `citylake hold reject {key} --reason …`.").format(key=key_of(hold.id))]
    return lines + ([_("Each of them acts as their own user of the machine.")] if hold.body.get("people", 1) > 1 else [])


def approve(
    hold: Annotated[str, _hold()],
    reason: Annotated[str, _reason()],
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help=_("Last day; default 90 days from today."))] = None,
    run: Annotated[bool, _run()] = False,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    _decide(hold, "approve", reason, until, run, as_json)


def reject(
    hold: Annotated[str, _hold()],
    reason: Annotated[str, _reason()],
    run: Annotated[bool, _run()] = False,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    _decide(hold, "reject", reason, None, run, as_json)


def revoke(
    hold: Annotated[str, _hold()],
    reason: Annotated[str, _reason()],
    run: Annotated[bool, _run()] = False,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    _decide(hold, "revoke", reason, None, run, as_json)


def _close(way: Way, dataset: str, silent: bool) -> list[Tally]:
    """What an approval let pass leaves the portals at once when it is taken back."""
    from pipelines.applying import republish

    names: dict[str, list[Outcome]] = {}
    for outcome in republish(way, dataset):
        names.setdefault(outcome.dataset, []).append(outcome)
        if outcome.outcome == "done" and not silent:
            tell(_("Shown anew, as it may be now: {name}").format(name=f"{outcome.dataset} ({outcome.target})"))
    return [tally(way, name, outcomes) for name, outcomes in names.items() if any(item.outcome == "failed" for item in outcomes)]


def _passable(way: Way, name: str) -> None:
    """Raises Refused, with the words of `hold show`, for an open hold that nobody can let pass."""
    from catalog.errors import Refused
    from pipelines.decisions import find, inbox

    contract, state, hold = find(way, name)
    waiting = next((item for item in inbox(way, [contract]) if item.hold.id == hold.id), None)
    people = waiting.people if waiting else ()
    if hold.id in state.holds and not (hold.approvable and waiting is None) and (why := stuck(hold, people)):
        raise Refused(why, dataset=contract.id, remedy=("" if language() == "zh" else " ").join(way_out(hold, people)))


def _decide(text: str, verdict: Verdict, reason: str, until: datetime | None, run: bool, as_json: bool) -> None:
    from pipelines import decisions

    way = opened()
    found = resolve(way, text)
    if verdict == "approve":
        _passable(way, found)
    decision = decisions.decide(way, found, verdict, reason, until.date() if until else None)
    way.seal()
    dataset = found.split("/")[0]
    if not as_json:
        tell(_("Recorded as {id}: {said}").format(id=decision.id, said=_said(way, decision)))
    tallies = go(way, [dataset], silent=as_json) if run else _close(way, dataset, as_json) if verdict == "revoke" else []
    if as_json:
        show_json({"decision": decision, **({"run": document(tallies)} if run else {})})
    elif run:
        say("", *closing(tallies))
    else:
        tell(_("Next: `citylake run {dataset}`.").format(dataset=dataset))
    raise typer.Exit(exit_code(tallies))
