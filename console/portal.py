"""`citylake portal`: the local CKAN. Runs portal/local/main.py, which knows nothing of us, and says in people's language what it does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalog.errors import DefinitionError, PortalError
from console.frame import add, group
from console.opening import json_option, opened
from console.output import say, show_json, tell
from console.tables import Column, clean, table
from console.words import _
from pipelines.settings import settings

if TYPE_CHECKING:
    from pipelines.way import Way

MAIN = Path(__file__).resolve().parents[1] / "portal" / "local" / "main.py"


def register(app: typer.Typer) -> None:
    portal = group(_("A whole CKAN on this machine, reached from this machine only: for looking, for tests, for trying out."))
    add(portal, "up", up, _("Start the portal, building it the first time. Starts only what does not run."), """
citylake portal up
citylake portal up --port 5000 --workers 4
""")
    add(portal, "setup", setup, _("Prepare a CKAN for publishing: departments, fields, the publisher's account and token. Once; again mends."), """
citylake portal setup
citylake portal setup platform --token-file sysadmin.token
""")
    add(portal, "down", down, _("End the portal's programs; its data stay."), """
citylake portal down
""")
    add(portal, "status", status, _("Show each part of the portal: its port, its memory."), """
citylake portal status
citylake portal status --json
""")
    add(portal, "logs", logs, _("Show the ends of the portal's logs."), """
citylake portal logs
citylake portal logs solr --lines 100
""")
    add(portal, "reset", reset, _("Remove the portal with all its data; the lake keeps everything that was published."), """
citylake portal reset
""")
    app.add_typer(portal, name="portal")


def up(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help=_("Port of the portal; a free one by default, and then always that."))] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help=_("Web processes; 2 by default."))] = None,
) -> None:
    way = opened()
    title = way.city.title
    words = ["--title", title.zh, "--title-en", title.en]
    for name, value in (("--port", port), ("--workers", workers)):
        words += [name, str(value)] if value is not None else []
    for said in _stack("up", *words):
        if "done" in said:
            tell(f"{_part(said['done'])} · {said['seconds']:g} s")
        elif "url" in said:
            prepare(way)
            tell(_("The portal is at {url}").format(url=said["url"]))


def prepare(way: Way) -> None:
    """What a local portal that has just come up needs from the city before it can be published to."""
    from pipelines.portals.ckan.access import LOCAL, local_access

    for name, portal in way.city.portals.items():
        if portal.kind == "ckan" and portal.options.get("url") == LOCAL:
            _set_up(way, name, str(local_access(way.settings)["sysadmin_token"]))


def setup(
    name: Annotated[str | None, typer.Argument(metavar="PORTAL", help=_("A CKAN of city.yaml; all by default."))] = None,
    token_file: Annotated[Path | None, typer.Option("--token-file", metavar="FILE", exists=True, dir_okay=False,
                                                    help=_("A file that holds a sysadmin's API token; asked for by default."))] = None,
) -> None:
    way = opened()
    names = [each for each, portal in way.city.portals.items() if portal.kind == "ckan" and name in (None, each)]
    if not names:
        raise DefinitionError("The city has no such CKAN portal.", remedy="Name one under portals in city.yaml, with kind ckan.")
    for each in names:
        if way.city.portals[each].options.get("url") == "local":
            prepare(way)
        else:
            _set_up(way, each, _sysadmin(each, token_file))


def _sysadmin(portal: str, file: Path | None) -> str:
    """The token that set-up works with; it is kept nowhere."""
    asked = _("API token of a sysadmin of {portal}").format(portal=portal)
    return file.read_text(encoding="utf-8").strip() if file else str(typer.prompt(asked, hide_input=True))


def _set_up(way: Way, name: str, sysadmin_token: str) -> None:
    from pipelines.portals.ckan.access import install

    install(way, name, sysadmin_token)
    tell(_("{portal} is ready for publishing.").format(portal=name))


def down() -> None:
    for said in _stack("down"):
        names = ", ".join(_part(name) for name in said["ended"])
        tell(_("Ended: {names}").format(names=names) if names else _("Nothing ran."))


def status(as_json: Annotated[bool, json_option()] = False) -> None:
    rows = [row for said in _stack("status") for row in said["parts"]]
    if as_json:
        show_json({"parts": rows})
        return
    columns = [Column(_("Part")), Column(_("State")), Column(_("Port"), right=True), Column(_("Memory"), right=True)]
    say(*table(columns, [[_part(row["part"]), _("runs") if row["running"] else _("does not run"), str(row["port"] or "–"),
                          f"{row['memory'] / 2**20:.0f} MB" if row["running"] else "–"] for row in rows]))


def logs(
    part: Annotated[str | None, typer.Argument(metavar="PART", help=_("postgres, redis, solr, worker or ckan; all by default."))] = None,
    lines: Annotated[int, typer.Option(min=1, max=10_000, help=_("Lines of each log."))] = 30,
) -> None:
    for said in _stack("logs", *([part] if part else []), "--lines", str(lines)):
        say(f"== {said['log']}", *(clean(line) for line in said["lines"]))


def reset(yes: Annotated[bool, typer.Option("--yes", help=_("Do not ask."))] = False) -> None:
    if not yes and not typer.confirm(_("Remove the portal in {folder} with all its data?").format(folder=_root())):
        raise typer.Exit
    for _said in _stack("reset", "--yes"):
        pass
    tell(_("The portal is gone."))


def _root() -> Path:
    return settings().state / "portal"


def _stack(command: str, *words: str) -> Iterator[dict[str, Any]]:
    """What main.py says, document by document. Raises PortalError for its error, after the log lines that came with it."""
    argv = [sys.executable, str(MAIN), command, "--root", str(_root()), "--json", *words]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stdout is not None
        for line in process.stdout:
            said: dict[str, Any] = json.loads(line)
            if "error" in said:
                remedy, *log = said["remedy"].splitlines() or [""]
                print(*(clean(each) for each in log), sep="\n", end="\n" if log else "", file=sys.stderr)
                raise PortalError(said["error"], remedy=remedy)
            yield said
    if process.returncode:
        raise PortalError("The portal's program ended without saying why.", remedy="See what it wrote above.")


def _part(name: str) -> str:
    names = {"postgres": "PostgreSQL", "redis": "Redis", "solr": "Solr", "worker": _("background jobs"), "ckan": "CKAN",
             "tables": _("tables and rights"), "search": _("search index")}
    return names.get(name, name)
