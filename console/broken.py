"""Datasets whose journal cannot be read: told beside the others, each with its remedy, so that one broken chain hides nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.frame import DONE, ERROR
from console.output import say
from console.tables import ROOM, style, wrap
from console.words import _, language, translated

if TYPE_CHECKING:
    from catalog.contract import Contract
    from pipelines.way import Way


@dataclass(frozen=True)
class Broken:
    """A dataset whose chain is broken: what is wrong, what mends it, and the command that names every record."""

    dataset: str
    department: str
    what: str
    remedy: str
    command: str


def parted(way: Way, contracts: Sequence[Contract]) -> tuple[list[Contract], list[Broken]]:
    """Those whose journal can be read to its end, in their order, and the others."""
    sound: list[Contract] = []
    broken: list[Broken] = []
    for contract in contracts:
        if wrong := _wrong(way, contract):
            broken.append(wrong)
        else:
            sound.append(contract)
    return sound, broken


def _wrong(way: Way, contract: Contract) -> Broken | None:
    from catalog.errors import LakeError

    what, remedy = "The journal cannot be understood.", "Run `citylake audit verify` and restore the journal from a backup."
    try:
        way.journal.state(contract.id)
        return None
    except LakeError as error:
        what, remedy = error.message, error.remedy or remedy
    except (KeyError, TypeError, AttributeError, ValueError, OSError):      # a record that was changed may hold anything
        pass
    return Broken(contract.id, contract.department, what, remedy, f"citylake audit verify {contract.id}")


def show_broken(found: Sequence[Broken]) -> None:
    """What is wrong with each, and what to do."""
    for one in found:
        text = ("" if language() == "zh" else " ").join((translated(one.what), translated(one.remedy)))
        say(f"{style(_('broken'), 'red')}  {one.dataset}", *(f"    {line}" for line in wrap(text, ROOM - 4)), f"    → {one.command}")


def code(found: Sequence[Broken]) -> int:
    """The exit code of a command that has shown the others all the same."""
    return ERROR if found else DONE
