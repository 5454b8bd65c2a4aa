"""What a finding means to a steward, who decides about it, and what resolves it. Words only: judging is done elsewhere.

The longest entry that begins a rule's name explains it: `screen.mobile.title` by `screen`, `collection.window` by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.tables import facts, listed
from console.words import _, noted


@dataclass(frozen=True)
class Explanation:
    """In English; what is shown goes through gettext. `who` decides, or acts where nobody can decide it away."""

    meaning: str
    who: str
    remedy: str


_STEWARD = "A steward of the department, or the data bureau in their place; not the author of the contract."
_SECRECY = "The secrecy officer, nobody else."
_PRIVACY = "The privacy officer; not the author of the contract."
_BUREAU = "The data bureau."
_RULE = "Nobody: the batch was refused, wiped, and only its record is kept."
_NOBODY = "Nobody can approve it: the contract or the data must change."
_ASK = "Ask the department to deliver what the rule permits, or have the rule changed in negative_list.yaml with its legal basis."
_TREAT = "In the contract, drop the column from the product or treat it; approve only a false alarm."

EXPLANATIONS: Mapping[str, Explanation] = {
    "secrecy": Explanation(
        "Words of the negative list that point to state secrets were found. The batch lies only in holding, readable by nobody else.",
        _SECRECY, "Approve if the words are harmless here; reject to have the batch wiped at once. Without a decision it is wiped after 30 days."),
    "secrecy.names": Explanation(
        "The name of the file, its archive, a sheet, a table or a column, or an archive's comment, has words of the negative list that point to "
        "state secrets.",
        _SECRECY, "Approve if the words are harmless here; reject to have the batch wiped at once. Without a decision it is wiped after 30 days."),
    "secrecy.beside": Explanation(
        "Words of the negative list stand in the file beside its declared cells. They would not be stored, but whoever sent them must hear of it.",
        _SECRECY, "Approve if the words are harmless here; reject to have the batch wiped at once, and tell the department. "
        "Without a decision it is wiped after 30 days."),
    "joins": Explanation(
        "Data elements that are harmless alone may be a state secret together (negative list, joins).",
        _SECRECY, "Leave one of the elements out of the query or the product; or the secrecy officer approves the combination until a day."),
    "collection": Explanation("Personal data may only be collected within a declared collection rule, and this batch is outside it.", _RULE, _ASK),
    "collection.rule": Explanation(
        "The batch holds personal data, and the contract names no collection rule for them.",
        _RULE, "Ask the department to leave the personal data out; or declare a collection rule in negative_list.yaml and name it in the contract."),
    "collection.validity": Explanation("The collection rule is not in force today: it has ended or has not begun.", _RULE,
                                       "Have the rule renewed in negative_list.yaml, with its legal basis; until then nothing is collected."),
    "collection.purposes": Explanation("The contract lists purposes that the collection rule does not allow.", _RULE,
                                       "Take the purposes out of the contract, or have them added to the rule with their legal basis."),
    "collection.kinds": Explanation("The batch holds kinds of personal data, such as ID numbers, that the collection rule does not list.",
                                    _RULE, _ASK),
    "collection.quantity": Explanation("One batch brings more rows about persons than the collection rule permits.", _RULE, _ASK),
    "collection.window": Explanation("Within a rolling number of days more rows about persons would be collected than the rule permits.",
                                     _RULE, _ASK),
    "collection.frequency": Explanation("The source delivers personal data more often than the collection rule permits.", _RULE, _ASK),
    "collection.mode": Explanation("The batch comes by another way (such as files instead of a database) than the collection rule permits.",
                                   _RULE, _ASK),
    "collection.scope": Explanation("The batch holds persons or areas that the collection rule is not about.", _RULE, _ASK),
    "doubt": Explanation(
        "A column looks as if it held personal data that the contract does not declare, but it is not certain: the batch waits for a person.",
        _PRIVACY, "Look at the column in holding. Declare it (`identifies:`, `person: true`) or list it under `leave_out:`; approve if it is not."),
    "unseen": Explanation(
        "A column could not be looked at in full, for want of the language model for instance. What was not seen is not stored.",
        "Whoever runs the machine; nobody can approve it.",
        "Install the model of requirements.lock and look at memory, then run the dataset again."),
    "use": Explanation(
        "Personal data may only be used for the purposes for which they were collected, through derived datasets too.",
        _NOBODY, "Give the product a purpose that the collection rule allows, read other data, or have the rule changed in negative_list.yaml."),
    "use.validity": Explanation(
        "The rule under which the data were collected has ended, so they may not be used any more.",
        _NOBODY, "Have the rule renewed in negative_list.yaml, or erase the data with `citylake retain` when their time is over."),
    "shared": Explanation(
        "Another department is the authority for this element and shares it already; nobody collects it a second time.",
        _RULE, "Take the column out of the contract (`leave_out:`) and read it from the authoritative dataset under `inputs:`."),
    "shared.values": Explanation(
        "Whatever the column is called: its values are to a large part those that the authoritative dataset shares already.",
        _RULE, "Take the column out of the contract (`leave_out:`) and read it from the authoritative dataset under `inputs:`."),
    "screen": Explanation("The exact bytes that would be published hold what identifies a person or may do so.", _PRIVACY, _TREAT),
    "screen.certain": Explanation(
        "The exact bytes that would be published hold identifiers of persons, for certain, in a column where the contract names none.",
        _NOBODY, "In the contract, drop the column from the product or treat it; or name the kind under `identifies:` where it may leave."),
    "screen.name": Explanation("The exact bytes that would be published hold names of persons.", _PRIVACY, _TREAT),
    "screen.address": Explanation(
        "The exact bytes that would be published hold addresses down to a door.",
        _PRIVACY, "Cut addresses off (`generalise, address:`), redact or drop the column; approve only a false alarm."),
    "screen.unseen": Explanation(
        "What would be published could not be looked at in full: a program or a file failed. What was not seen does not leave.",
        "Whoever runs the machine; nobody can approve it.",
        "Look at disk, memory and model, then run the dataset again: it is made and looked at anew. If it stays, report the kind of error."),
    "screen.model": Explanation(
        "The language model is missing or not the one that was checked, so nobody can tell whether persons stand in the text.",
        "Whoever runs the machine; nobody can approve it.", "Install the model of requirements.lock (`make demo` does) and run the dataset again."),
    "tier": Explanation(
        "The product would open wider than it did before.",
        "Two people of the data bureau, one after the other; neither may be the author of the contract.",
        "Keep the stricter tier in the contract; or two people each run `citylake hold approve`. The relaxation ends on its last day."),
    "tier.ceiling": Explanation(
        "The levels that are left after treatment allow less than the declared tier, so the stricter tier is used.",
        _STEWARD, "Treat or drop the columns that cause it, or declare the stricter tier in the contract."),
    "input": Explanation("What it is made from was withdrawn from the portals.", _BUREAU,
                         "Withdraw this product too, change its inputs, or the bureau approves it until a day."),
    "disclosure": Explanation(
        "The rows are about persons, and some of them could be told apart.", _PRIVACY,
        "In the contract, treat the named columns more coarsely, set `disclosure: {rows: suppress}`, or publish groups instead of rows."),
    "disclosure.k": Explanation(
        "Some rows are shared by too few persons: whoever knows the columns of a person could find that person's row.",
        _PRIVACY, "In the contract, treat the column that `without_column` shows to cause it more coarsely, or set `disclosure: {rows: suppress}`."),
    "disclosure.l": Explanation(
        "Everybody in a group has the same sensitive value, so knowing the group is knowing the value.",
        _PRIVACY, "Treat the sensitive column or the quasi-identifiers more coarsely, or set `disclosure: {rows: suppress}`."),
    "disclosure.t": Explanation(
        "A group is so different from the whole that belonging to it tells much about a sensitive value.",
        _PRIVACY, "Treat the quasi-identifiers more coarsely, so that groups become larger and more alike."),
    "disclosure.undeclared": Explanation(
        "The contract says whom the rows are about, but not by which columns somebody could recognise them.",
        _PRIVACY, "Mark those columns `quasi: true` in the contract: district, sex, age, occupation and the like."),
    "disclosure.unmade": Explanation(
        "The contract asks for a protection that cannot be made here, and nothing leaves less protected than it says.",
        _PRIVACY, "Install the extra that makes it, or ask for another protection under `disclosure:` in the contract."),
    "exposure": Explanation(
        "The release is compared with everything ever published of the same persons; together they would tell more than each alone.",
        _PRIVACY, "Look at `citylake exposure`. Treat, drop or rename columns so that they do not meet, or withdraw the earlier product."),
    "exposure.joint": Explanation(
        "Harmless alone; but with an earlier release of the same persons the columns laid side by side single somebody out.",
        _PRIVACY, "Make the columns that both show coarser, leave one out, or withdraw the earlier release; see `citylake exposure`."),
    "exposure.shared_key": Explanation(
        "Rows of two releases can be joined by a key or an exact time that both show.",
        _PRIVACY, "Drop the key or make it a token (each product has its own), and cut the time to a day or month."),
    "exposure.difference": Explanation(
        "Counts moved by one or two since the last release: subtracting the two tables tells about these few persons.",
        _PRIVACY, "Set `disclosure: {round_counts: 5}` for the product, or publish less often."),
    "exposure.differencing": Explanation(
        "Another table of the same persons, subtracted from this one, tells about a few of them: two filters or groupings lie too close.",
        _PRIVACY, "Publish one of the two tables, give both the same filter, or set `disclosure: {round_counts: 10}` for both."),
    "exposure.unmeasured": Explanation(
        "It cannot be computed what this tells together with an earlier release of the same persons, so it waits.",
        _PRIVACY, "Mark the column that names the person `subject: true` in each dataset, so that rows can be laid side by side."),
    "volume": Explanation(
        "The batch is much smaller or larger than the contract expects: often half a file, or a file of another dataset.",
        _STEWARD, "Ask the department. If the number is right, approve it, or change `volume:` in the contract; if not, reject it."),
    "columns": Explanation(
        "The columns of the file are not those of the contract. Undeclared columns are never stored.",
        _NOBODY, "On a terminal, or with `--names`, the names stand at the end; declare the column, add an alias, or list it under `leave_out:`."),
    "format": Explanation(
        "The file cannot be read in the declared form.",
        _NOBODY, "Ask the department for the file again, or correct `format:` of the source in the contract."),
    "merge": Explanation("The same key came with different values; the newer row counts.", _STEWARD, "Ask the department which value is right."),
}
_QUALITY = Explanation(
    "More rows than the contract tolerates break a rule of the contract, or the table as a whole does. The last good version stays in force.",
    _STEWARD, "See `citylake quarantine show`. Have the source mended, correct rows, or approve this state of the data until a day.")


def explained(rule: str, step: str = "") -> Explanation | None:
    """What is known of a rule; None for one that nobody has explained. A dataset's own quality rules hold refine only."""
    parts = rule.split(".")
    for length in range(len(parts), 0, -1):
        if found := EXPLANATIONS.get(".".join(parts[:length])):
            return found
    return _QUALITY if step == "refine" else None


def explanations(findings: Sequence[Mapping[str, Any]], step: str) -> list[str]:
    """The findings as lines, and below those that have one explanation in common what they mean, who decides and what resolves them."""
    groups: dict[Explanation | None, list[str]] = {}
    for finding in findings:
        groups.setdefault(explained(str(finding.get("rule", "")), step), []).append(noted(finding))
    lines: list[str] = []
    for known, notes in groups.items():
        lines += listed(notes)
        if known is not None:
            pairs = [(_("It means"), _(known.meaning)), (_("Decides"), _(known.who)), (_("Resolved by"), _(known.remedy))]
            lines += [f"    {line}" for line in facts(pairs, 76)]
    return lines
