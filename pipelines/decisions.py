"""What waits for a person, who may decide it, and recording the decision. Gates read decisions from the journal only.

Identity: the operating-system user is mapped to a person in the state folder's people.local.yaml, by whoever runs the
machine. No flag and no variable sets one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from catalog.city import Person, Role
from catalog.contract import Contract
from catalog.errors import DefinitionError, Refused
from catalog.evidence import Decision
from catalog.yamlread import read_yaml
from pipelines.moments import days_since
from pipelines.spool import release_bytes
from pipelines.state import Hold, State
from pipelines.way import Way
from privacy.recognisers import kinds_in

LONGEST = 366          # days that an approval may last
DEFAULT = 90
LOCAL = "people.local.yaml"
Verdict = Literal["approve", "reject", "revoke"]


@dataclass(frozen=True)
class Waiting:
    """One thing in the inbox: a hold, how old it is in days, and who may decide it."""

    dataset: str
    hold: Hold
    days: int
    people: tuple[Person, ...]


def me(way: Way) -> Person:
    """The person behind the operating-system user. Raises Refused for a user that is nobody."""
    path = way.settings.state / LOCAL
    document = read_yaml(path, LOCAL) if path.exists() else None
    mapped = document.data if document is not None and not document.problems and isinstance(document.data, dict) else {}
    person = way.city.people.get(str(mapped.get(way.user, "")))
    if person is None:
        raise Refused("Your user on this machine is mapped to no person of the city.", file=LOCAL,
                      remedy=f"Whoever runs the machine adds a line `user: person-id` to {LOCAL} in the state folder.")
    return person


def steward(way: Way, contract: Contract, *others: Role) -> Person:
    """The person behind this process, who must be a steward of the dataset's department or have one of the `others` roles."""
    person = me(way)
    own = "steward" in person.roles and person.department == contract.department
    if not own and not set(others) & set(person.roles):
        raise Refused("You may not do this.", dataset=contract.id,
                      remedy=" ".join(("It takes a steward of the dataset's own department.", *(f"Or the role {role}." for role in others))))
    return person


def inbox(way: Way, contracts: Iterable[Contract] | None = None) -> list[Waiting]:
    """All of these datasets (of the whole city) that waits for a person, oldest first. A rejected hold waits for the department's data, not
    for a person. Raises LakeError for a broken journal.
    """
    found = []
    for contract in way.city.contracts.values() if contracts is None else contracts:
        state = way.journal.state(contract.id)
        for hold in state.holds.values():
            if not state.rejected(hold.subject):
                found.append(Waiting(contract.id, hold, _age(way, hold), tuple(_deciders(way, contract, hold))))
    return sorted(found, key=lambda item: (item.hold.at, item.hold.id))


def _age(way: Way, hold: Hold) -> int:
    return days_since(hold.at, way.today(), way.city.zone)


def _deciders(way: Way, contract: Contract, hold: Hold) -> Iterator[Person]:
    return (person for person in way.city.people.values() if hold.approvable and not _objection(contract, hold, person))


def _objection(contract: Contract, hold: Hold, person: Person) -> str:
    """Why this person may not decide this hold; '' when they may."""
    if hold.role == "steward" and "bureau" in person.roles:
        pass        # the data bureau stands in for a department whose stewards may not decide
    elif hold.role not in person.roles:
        return f"It takes the role {hold.role}."
    elif hold.role == "steward" and person.department != contract.department:
        return "It takes a steward of the dataset's own department, or the data bureau."
    if person.id == contract.fields.author:
        return "Who last changed the contract may not decide its holds."
    if person.id == hold.body.get("resubmitted_by"):
        return "Who resubmitted a batch may not decide about it."
    return ""


def find(way: Way, hold: str) -> tuple[Contract, State, Hold]:
    """A hold by its id, open or past. Raises DefinitionError for an unknown one."""
    contract = way.city.contracts.get(hold.split("/")[0])
    state = way.journal.state(contract.id) if contract else None
    known = {**state.past_holds, **state.holds}.get(hold) if state else None
    if contract is None or state is None or known is None:
        raise DefinitionError("There is no hold of that id.", remedy="See `citylake inbox`.")
    return contract, state, known


def decide(way: Way, hold_id: str, verdict: Verdict, reason: str, until: date | None = None) -> Decision:
    """Records a decision of the person behind this process. Raises Refused when they may not decide it.

    Approvals end: after `until`, or after 90 days. A rejected batch is wiped from holding at once.
    """
    person = me(way)
    contract, _, _ = find(way, hold_id)
    with way.lease(contract.id):
        _, state, hold = find(way, hold_id)
        _may(contract, state, hold, person, verdict)
        sound(reason)
        last = _last_day(way, verdict, until)
        identity = f"{contract.id}/d{state.seq + 1}"
        body = {"id": identity, "hold": hold.id, "subject": hold.subject, "person": person.id, "verdict": verdict, "reason": reason,
                "until": last.isoformat() if last else None}
        record = way.journal.append(contract.id, "decision", body)
        if verdict == "reject" and hold.step == "ingest":
            release_bytes(way.settings, contract.id, hold.target)
    way.seal()
    return Decision(identity, hold.id, person.id, verdict, reason, record.at, body["until"])


def _may(contract: Contract, state: State, hold: Hold, person: Person, verdict: Verdict) -> None:
    if verdict == "approve" and hold.id in state.holds and not hold.approvable:         # whoever asks: nobody can
        raise Refused("Nobody can approve this hold.", dataset=contract.id,
                      remedy="Change the contract or the data as the findings say, and run again.")
    objection = _objection(contract, hold, person)
    if objection:
        raise Refused("You may not decide this hold.", dataset=contract.id, remedy=objection)
    standing = [d for d in state.decisions if d.hold == hold.id]
    if verdict == "revoke":
        if not standing or standing[-1].verdict != "approve":
            raise Refused("There is no approval to revoke.", dataset=contract.id, remedy="See `citylake audit show`.")
        if hold.step == "ingest" and not hold.body.get("doubt") and hold.target in {batch.id for batch in state.batches}:
            raise Refused("The batch has been admitted already, and its rows are stored.", dataset=contract.id,
                          remedy="Take what came of it off the portals with `citylake withdraw`.")
        return
    if hold.id not in state.holds:
        raise Refused("Nothing is held under this id any more.", dataset=contract.id, remedy="See `citylake inbox`.")
    if verdict == "approve" and hold.body.get("people", 1) > 1 and standing and standing[-1].verdict == "approve" \
            and standing[-1].person == person.id:
        raise Refused("You have approved this hold already; it takes another person too.", dataset=contract.id,
                      remedy="Ask someone else with the same right: see `citylake hold show`.")


def sound(reason: str) -> None:
    """Raises Refused for a reason that says nothing, or holds what looks like a person's identifier."""
    if len(reason.strip()) < 4:
        raise Refused("A decision needs a reason.", remedy="Say in a sentence why.")
    if kinds_in(reason):
        raise Refused("The reason holds what looks like a person's identifier.", remedy="Say it without numbers or addresses of persons.")


def _last_day(way: Way, verdict: Verdict, until: date | None) -> date | None:
    if verdict != "approve":
        return None
    today = way.today()
    last = until or today + timedelta(days=DEFAULT)
    if not today <= last <= today + timedelta(days=LONGEST):
        raise Refused("The approval's last day is not within a year from today.", remedy="Give a date between today and a year from now.")
    return last


def standing(way: Way, state: State) -> list[Decision]:
    """Approvals that count today, for people to see."""
    return list(state.standing(way.today()))
