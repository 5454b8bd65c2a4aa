"""`citylake backup` and `citylake restore`: a copy of all that cannot be made again, and putting one back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.frame import DONE, add
from console.opening import json_option
from console.output import say, show_json, tell
from console.tables import Column, facts, style, table
from console.words import _, counted, language
from pipelines.settings import settings

if TYPE_CHECKING:
    from pipelines.backup import Backup
    from pipelines.carrying import Acts
    from pipelines.restore import Restored


def register(app: typer.Typer) -> None:
    add(app, "backup", backup, _("Copy lake, journal, held files, keys and city folder to a folder elsewhere; only what is new is copied."
                                 " It holds all that the lake holds: keep it as safe."), """
citylake backup /mnt/safe/citylake
citylake backup /mnt/safe/citylake --without-keys
citylake backup /mnt/safe/citylake --keep 14
""")
    add(app, "restore", restore, _("Put a backup back, all of it or nothing; every file is verified before anything is put in place."), """
citylake restore /mnt/safe/citylake --list
citylake restore /mnt/safe/citylake --dry-run
citylake restore /mnt/safe/citylake
citylake restore /mnt/safe/citylake --backup 20261130T150000Z-0123456789abcdef --replace
""")


def backup(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help=_("A folder outside the city's own, best on another disk."))],
    without_keys: Annotated[bool, typer.Option("--without-keys", help=_("Leave the keys out: they are kept elsewhere."))] = False,
    keep: Annotated[int | None, typer.Option(metavar="N", min=1, help=_("Let all but the N newest backups go."))] = None,
    wait: Annotated[float, typer.Option(metavar="SECONDS", min=0, help=_("How long to wait for a run to pause or end."))] = 60.0,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from pipelines.backup import make

    made = make(settings(), target, keys=not without_keys, wait=wait, keep=keep)
    found = made.backup
    if as_json:
        show_json({**_plain(found), "copied": made.copied, "copied_bytes": made.copied_bytes, "gone": made.gone,
                   "repaired": made.repaired, "damaged": made.damaged})
        return
    say(*facts([(_("Backup"), found.id), (_("files"), f"{found.files:,}"), (_("bytes"), f"{found.size:,}"),
                (_("copied"), counted(made.copied, "{n} file", "{n} files") + f", {made.copied_bytes:,} B"),
                (_("keys"), _("left out") if without_keys else _("inside"))]))
    if made.gone:
        tell(counted(len(made.gone), "{n} older backup went.", "{n} older backups went."))
    if made.repaired:
        tell(counted(made.repaired, "{n} damaged content in the store was written anew from the lake. Look at the target's disk.",
                     "{n} damaged contents in the store were written anew from the lake. Look at the target's disk."))
    if made.damaged:
        tell(counted(len(made.damaged), "{n} older backup is damaged, and the lake has its content no more:",
                     "{n} older backups are damaged, and the lake has their content no more:") + " " + ", ".join(made.damaged))
    tell(_("Keep it as safe as the lake: whoever reads it reads everything."))


def restore(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help=_("The folder that backups were made in."))],
    name: Annotated[str | None, typer.Option("--backup", metavar="ID", help=_("Which backup; default the newest."))] = None,
    replace: Annotated[bool, typer.Option("--replace", help=_("Let it take the place of the lake that is there."))] = False,
    listing: Annotated[bool, typer.Option("--list", help=_("Only list the backups."))] = False,
    dry: Annotated[bool, typer.Option("--dry-run", help=_("Only verify the backup and say what would be lost."))] = False,
    wait: Annotated[float, typer.Option(metavar="SECONDS", min=0, help=_("How long to wait for a run to pause or end."))] = 60.0,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from pipelines import restore as restoring

    if listing:
        _list(source, as_json)
        return
    found = restoring.look(settings(), source, name) if dry else restoring.restore(settings(), source, name, replace=replace, wait=wait)
    over = {} if dry else _overdue()
    if as_json:
        show_json({**_plain(found.backup), "dry_run": dry, "living": found.living, "forgotten": found.forgotten, "carried": found.carried,
                   "overdue": over})
    else:
        _told(found, dry, over)
    raise typer.Exit(DONE)


def _list(source: Path, as_json: bool) -> None:
    from pipelines.backup import legible, names

    known = {name: legible(source, name) for name in names(source)}
    found, damaged = [one for one in known.values() if one], [name for name, one in known.items() if not one]
    if as_json:
        show_json({"backups": [_plain(one) for one in found], "damaged": damaged})
        return
    rows = [[one.id, one.made[:16].replace("T", " "), one.files, f"{one.size:,}", _("left out") if "secrets" not in one.parts else _("inside")]
            for one in reversed(found)]
    columns = [Column(_("Backup")), Column(_("Made (UTC)")), Column(_("Files"), right=True), Column(_("Bytes"), right=True), Column(_("Keys"))]
    say(*(table(columns, rows) if rows else [] if damaged else [_("No backup is here yet.")]))
    if damaged:
        tell(counted(len(damaged), "The list of {n} backup here cannot be read; it cannot be put back:",
                     "The lists of {n} backups here cannot be read; they cannot be put back:") + " " + ", ".join(damaged))


def _plain(found: Backup) -> dict[str, Any]:
    return {"backup": found.id, "made": found.made, "files": found.files, "bytes": found.size, "keys": "secrets" in found.parts,
            "parts": {part: len(entries) for part, entries in found.parts.items()}}


def _overdue() -> dict[str, int]:
    """Dataset → batches that are over their time in what was put back: what `citylake retain` has to erase again."""
    from console.opening import opened
    from pipelines.steps.retain import planned

    return {name: len(items) for name, items in planned(opened(drafts=True)).items()}


def _told(found: Restored, dry: bool, over: dict[str, int]) -> None:
    say(*facts([(_("Backup"), found.backup.id), (_("files"), f"{found.backup.files:,}"), (_("verified"), _("every file, by its sha256"))]))
    say(*_acts(_("Recorded after the backup, and not in it"), found.forgotten))
    say(*_acts(_("Carried over, because it closed something"), found.carried))
    if dry:
        tell(_("Nothing was changed."))
        if found.living:
            tell(_("There is a lake in this place: --replace lets the backup take it."))
        return
    tell(_("The lake is as it was when the backup was made."))
    for name, number in over.items():
        say(f"  {name}: " + counted(number, "{n} batch is over its time", "{n} batches are over their time"))
    tell(_("Now, in this order: `citylake audit verify`; `citylake retain`, which erases again what is over its time; what was withdrawn,"
           " revoked or decided since and is not carried over must be given again; then `citylake run`."))


def _acts(title: str, acts: Acts) -> list[str]:
    """Records by dataset and kind."""
    if not acts:
        return []
    mark = "、" if language() == "zh" else ", "
    rows = [[chain or "–", mark.join(f"{_(kind)} {number}" for kind, number in sorted(kinds.items()))] for chain, kinds in sorted(acts.items())]
    return ["", style(title, "bold"), *table([Column(_("Dataset")), Column(_("Records"))], rows), ""]
