"""`citylake new`: a first contract from a file, with what a person must decide marked in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.frame import add
from console.opening import opened
from console.output import say, tell
from console.words import _, counted, language

if TYPE_CHECKING:
    from catalog.drafts import Draft


def register(app: typer.Typer) -> None:
    add(app, "new", new, _("Write a first contract from a file: types, null words, keys, code lists, units, what the screen suspects."
                           " What only a person can know says DECIDE; `citylake check` refuses the contract until it is decided."), """
citylake new parks.trees --from trees.csv
citylake new parks.trees --from book.xlsx --option sheet=2 --print
""")


def new(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help=_("department.dataset, as it will be called."))],
    sample: Annotated[Path, typer.Option("--from", metavar="FILE", help=_("A file as the source delivers it, in any form."))],
    form: Annotated[str | None, typer.Option("--format", metavar="NAME", help=_("What kind of file it is, where it must be said."))] = None,
    option: Annotated[list[str] | None, typer.Option("--option", metavar="KEY=VALUE",
                                                     help=_("An option of the format, such as sheet=2."))] = None,
    only_print: Annotated[bool, typer.Option("--print", help=_("Print the contract instead of writing it."))] = False,
) -> None:
    from catalog.drafts import written
    from catalog.errors import DefinitionError
    from catalog.naming import contract_path
    from catalog.undecided import DECIDE
    from pipelines.drafting import draft

    way = opened(drafts=True)
    if not sample.is_file():
        raise DefinitionError("There is no such file.", remedy="Give the path of a file as the source delivers it.")
    made = draft(way, dataset, sample, _form(form, option or []))
    text = written(made, language())
    target = way.city.path / contract_path(dataset)
    if only_print:
        say(text.rstrip("\n"))
        return
    if target.exists():
        raise DefinitionError("The dataset has a contract already.", dataset=dataset, remedy="Change that one, or choose another name.")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    personal = [column for column in made.columns if column.kinds]
    say(str(target))
    tell(f"{counted(len(made.columns), '{n} column', '{n} columns')}, {counted(text.count(DECIDE) - 1, '{n} decision', '{n} decisions')}.")
    if made.unread:
        tell(_("The language model is missing: whatever Chinese stood in headers and in the file's name is left out."))
    if hidden := [str(at) for at, column in enumerate(made.columns, 1) if column.hidden]:
        tell(_("The headers of columns {numbers} may name a person or a home, and are left out.").format(numbers=", ".join(hidden)))
    if made.headless:
        tell(_("The first row looks like data, in columns {numbers}. If it is, draft the contract anew with {options}.").format(
            numbers=", ".join(map(str, made.data)), options=made.headless))
    for text in _seen(made):
        tell(text)
    if personal:
        tell(_("The screen suspects persons in: {columns}.").format(columns=", ".join(column.name for column in personal)))
    tell(_("Decide what says DECIDE, then run `citylake check`."))


def _seen(made: Draft) -> Iterator[str]:
    """What the file showed that a person should know before deciding."""
    def numbers(chosen: Iterable[bool]) -> str:
        return ", ".join(str(at) for at, one in enumerate(chosen, 1) if one)
    if not made.rows:
        yield _("The file has no rows: nothing could be seen of types, keys, null words and code lists, so everything is text."
                " Draft again from a file with rows.")
    if found := numbers(not column.header.strip() for column in made.columns):
        yield _("Columns {numbers} have no header: each is found by an empty alias, and its label is to be decided.").format(numbers=found)
    if found := numbers(column.unlike == "dates" for column in made.columns):
        yield _("Columns {numbers} hold dates of several styles, or of one that is not read; they are text. 2026-03-01 is read.").format(
            numbers=found)
    if found := numbers(column.unlike == "commas" for column in made.columns):
        yield _("Columns {numbers} hold numbers with a decimal comma; they are text. 1234.5 is read.").format(numbers=found)


def _form(name: str | None, given: list[str]) -> dict[str, object] | None:
    """The format as a contract declares it; without a name it is detected, and the options are its."""
    import yaml

    options: dict[str, object] = {"name": name} if name else {}
    for one in given:
        key, mark, value = one.partition("=")
        try:
            options[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            mark = ""
        if not (key and mark):
            raise typer.BadParameter(_("Write an option as KEY=VALUE, such as sheet=2 or columns=[a, b]."))
    return options or None
