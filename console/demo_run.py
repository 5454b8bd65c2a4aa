"""`citylake demo`: source systems made up by a seed, run the whole way, and where to look. What it makes is console/demo's work."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.frame import DONE, ERROR, add
from console.opening import json_option, opened
from console.output import say, show_json, tell
from console.runs import document, go
from console.tables import facts
from console.tally import closing, key_of
from console.words import _

if TYPE_CHECKING:
    from catalog.city import Person
    from console.tally import Tally
    from pipelines.settings import Settings
    from pipelines.way import Way

MARK = ".citylake-demo"


def register(app: typer.Typer) -> None:
    add(app, "demo", demo, _("Make up a city's source systems, with defects, and take them the whole way to the portal."), """
citylake demo
citylake demo --day 2
citylake demo --day 3
citylake demo --seed 7 --scale 0.2
""")


def demo(
    seed: Annotated[int, typer.Option(help=_("The same seed gives the same sources."))] = 20260407,
    scale: Annotated[float, typer.Option(min=0.01, max=1000, help=_("Amount of data; 1 is about 80,000 rows."))] = 1.0,
    day: Annotated[int, typer.Option(min=1, max=3, help=_("Days 2 and 3 add the next days' deliveries to day 1."))] = 1,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from console.demo.story import shown, told
    from pipelines.settings import settings

    places = settings()
    if not as_json:
        tell(_("Sources of a made-up city: {folder} (seed {seed}, scale {scale}, day {day})").format(
            folder=places.sources, seed=seed, scale=scale, day=day))
    if day == 1 and not (places.lake / "journal").exists():
        _before(places, seed, scale, silent=as_json)
    _drop(places.sources, seed, scale, day)
    way = opened()
    tallies = go(way, [], silent=as_json)
    erased = _erased(way, as_json)
    _renewed(way, tallies, erased)
    person = _mapped(way)
    if as_json:
        show_json({**document(tallies), "erased": erased, "scenes": [asdict(one) for one in shown(way)], "sites": _sites(way)})
    else:
        say("", *closing(tallies), *told(way), "", *facts(_where(way, tallies, person)))
        if person is not None:
            say("")
            tell(_("Your user {user} now acts as {name} ({id}): see {file}.").format(
                user=way.user, name=person.name, id=person.id, file=way.settings.state / "people.local.yaml"))
            lead = next((known for known in way.city.people.values() if "bureau" in known.roles), person)
            if "bureau" not in person.roles:
                tell(_("What the bureau decides, `citylake apply` and withdrawals, is {name}'s ({id}): write that id there.").format(
                    name=lead.name, id=lead.id))
    raise typer.Exit(ERROR if any(item.failed for item in tallies) else DONE)


def _before(places: Settings, seed: int, scale: float, silent: bool) -> None:
    """A run of long before: what it collected is over its time today, so that `citylake retain` has something to erase."""
    from console.demo import KEPT_SHORT
    from console.demo.draw import EARLIER
    from pipelines.conduct import run
    from pipelines.journal import now
    from pipelines.way import open_way

    _drop(places.sources, seed, scale, 0)
    if not silent:
        tell(_("A run of {days} days ago first: what it collected is over its time now.").format(days=EARLIER))
    run(open_way(places, lambda: now() - timedelta(days=EARLIER)), [KEPT_SHORT])


def _erased(way: Way, silent: bool) -> dict[str, list[str]]:
    """Erases what is over its time, as `citylake retain` does, and says so. Dataset → batches."""
    from pipelines.steps.retain import planned, retain

    found = {name: [item.batch for item in items] for name, items in planned(way).items()}
    if found:
        retain(way, list(found))
    for name, batches in found.items() if not silent else ():
        tell(_("citylake retain: {batches} of {dataset} erased, its time was over.").format(batches=", ".join(batches), dataset=name))
    return found


def _renewed(way: Way, tallies: list[Tally], erased: Collection[str]) -> None:
    """What was released of these datasets is what the erasure left."""
    for item in tallies:
        for found in item.published if item.dataset in erased else ():
            release = way.journal.state(item.dataset).release(found["product"])
            if release is not None:
                found |= {"release": release.id, "rows": release.body["release"]["rows"]}


def _drop(sources: Path, seed: int, scale: float, day: int) -> None:
    """Writes the sources, once: written again, the same files would look like new deliveries.

    The demo writes only into a folder of its own. Raises DefinitionError for any other that holds something.
    """
    from catalog.errors import DefinitionError
    from console.demo import generate

    mark = sources / MARK
    if sources.exists() and any(sources.iterdir()) and not mark.exists():
        raise DefinitionError("The folder of sources holds files that are not the demo's.",
                              remedy="Set CITYLAKE_STATE or CITYLAKE_SOURCES to another folder.")
    sources.mkdir(parents=True, exist_ok=True)
    mark.touch()
    drop = f"seed {seed} scale {scale} day {day}"
    if drop not in mark.read_text(encoding="utf-8").splitlines():
        generate(sources, seed=seed, scale=scale, day=day)
        with mark.open("a", encoding="utf-8") as handle:
            handle.write(f"{drop}\n")


def _mapped(way: Way) -> Person | None:
    """Maps the operating system's user to a person of the demo city, if nobody has been mapped yet: who may decide the most."""
    from pipelines.decisions import LOCAL, inbox

    path = way.settings.state / LOCAL
    if path.exists():
        return None
    waiting = inbox(way)
    # The bureau's lead also withdraws products, so that one wins where several may decide as much.
    person = max(way.city.people.values(), key=lambda who: (sum(who in item.people for item in waiting), "bureau" in who.roles))
    people = "".join(f"#   {known.id}: {known.name}\n" for known in way.city.people.values())
    path.write_text(f"# Operating system's user: person of people.yaml. Change it to act as somebody else:\n{people}"
                    f"{json.dumps(way.user)}: {person.id}\n", encoding="utf-8")
    return person


def _sites(way: Way) -> list[str]:
    """Addresses of the folder portals' home pages."""
    from pipelines.portals.folder import FolderPortal
    from pipelines.portals.listed import portals_of

    return [(portal.root / "current" / "index.html").as_uri() for portal in portals_of(way) if isinstance(portal, FolderPortal)]


def _where(way: Way, tallies: list[Tally], person: Person | None) -> list[tuple[str, str]]:
    """Where to look, and commands to try next; the hold is one that the person may decide, if there is any."""
    from pipelines.decisions import inbox

    waiting = sorted(inbox(way), key=lambda item: person not in item.people)
    some = next((item.dataset for item in tallies if item.published), "DATASET")
    bad = next((item.dataset for item in tallies if item.quarantined), some)
    commands = ["status", "inbox", *([f"hold show {key_of(waiting[0].hold.id)}"] if waiting else []), f"quarantine show {bad}",
                f"lineage {some}", f"release list {some}", "audit verify", "demo --day 2", "ui",
                *(["portal up", "plan -o plan.json", "apply plan.json"] if any(one.kind == "ckan" for one in way.city.portals.values()) else [])]
    return [*((_("Portal"), address) for address in _sites(way)), (_("Lake"), str(way.settings.lake)),
            *((_("Try next") if at == 0 else "", f"citylake {command}") for at, command in enumerate(commands))]
