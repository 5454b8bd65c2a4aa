"""Whether anybody can let a hold pass, and what resolves it: the same words wherever a hold is told, and where approving it is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from console.explain import explained
from console.tally import key_of
from console.words import _

if TYPE_CHECKING:
    from catalog.city import Person
    from pipelines.state import Hold


def stuck(hold: Hold, people: Sequence[Person]) -> str:
    """Why no decision can let it pass as things stand, in a sentence; `` where `people`, who may decide it, are enough."""
    needed = int(hold.body.get("people", 1))
    if not hold.approvable:
        return _("Nobody can approve this hold.")
    if len(people) >= needed:
        return ""
    if needed == 1:
        return _("Nobody may decide this hold as things stand: it takes a person of role {role} who is not the author of the contract.").format(
            role=_(hold.role))
    return _("Too few people may decide this hold as things stand: it takes {n} of role {role}, and not the author of the contract.").format(
        n=needed, role=_(hold.role))


def remedies(hold: Hold) -> list[str]:
    """What resolves its findings, each remedy once."""
    known = [explained(str(finding.get("rule", "")), hold.step) for finding in hold.findings]
    return list(dict.fromkeys(_(one.remedy) for one in known if one is not None))


def way_out(hold: Hold, people: Sequence[Person]) -> list[str]:
    """What to do about a hold that nobody can let pass: what must change, and the command that goes on."""
    then = _("Then `citylake run {dataset}`.").format(dataset=hold.id.split("/")[0])
    if hold.approvable:
        return [_("Enter another person of that role in people.yaml."), then]
    return [*(remedies(hold) or [_("Change the contract or the data as the findings say.")]), then]


def commands(hold: Hold, people: Sequence[Person]) -> list[str]:
    """The commands that decide it, or the one that goes on."""
    key = key_of(hold.id)
    if stuck(hold, people):
        return [f"citylake run {hold.id.split('/')[0]}"]
    return [f"citylake hold approve {key} --reason …", f"citylake hold reject {key} --reason …"]


def advice(hold: Hold, people: Sequence[Person]) -> str:
    """What resolves a hold, and the commands for it."""
    told = remedies(hold)[:1] if hold.approvable and not stuck(hold, people) else way_out(hold, people)[:-1]
    return "\n".join([*told, *(f"→ {one}" for one in commands(hold, people))])
