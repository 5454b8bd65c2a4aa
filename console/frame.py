"""The frame around every command: one-line errors with their exit codes, and help in the chosen language."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from catalog.errors import CitylakeError, DefinitionErrors, unexpected
from console.tables import clean
from console.words import _, counted, language, translated

DONE, ERROR, USAGE, HELD, REFUSED, INTERRUPTED = 0, 1, 2, 3, 4, 130


class Command(TyperCommand):
    """A command whose help speaks the chosen language."""

    def get_usage(self, ctx: Any) -> str:
        return _usage(super().get_usage(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _headings(self, ctx)
        super().format_help(ctx, formatter)


class Group(TyperGroup):
    """A group of commands whose help speaks the chosen language."""

    def get_usage(self, ctx: Any) -> str:
        return _usage(super().get_usage(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _headings(self, ctx)
        super().format_help(ctx, formatter)


class Root(Group):
    """The outermost group: whatever goes wrong below becomes one line and an exit code, never a traceback."""

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        try:
            return super().make_context(*arguments, **more)
        except typer.Exit:
            raise
        except Exception as error:
            raise _in_words(error) from None

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CitylakeError as error:
            raise typer.Exit(report(error)) from None
        except KeyboardInterrupt:
            complain(_("Interrupted. Nothing is lost: run again, and it goes on where it was."))
            raise typer.Exit(INTERRUPTED) from None
        except (typer.Exit, typer.Abort, BrokenPipeError, EOFError):
            raise
        except Exception as error:
            if type(error).__module__.startswith("typer"):     # usage errors have a form of their own
                raise _in_words(error) from None
            complain(translated(unexpected(error)))
            raise typer.Exit(ERROR) from None


# A word with the spaces around it, or one wide character with the marks that may not stand apart from it.
_WORD = re.compile(r"\s*(?:[（《「『【]*(?:[^\s\u2e80-\uffff]+|[\u2e80-\uffff])[，。、；：？！）》」』】]*|\S)\s*")


def _words(text: str) -> Iterator[tuple[int, int, str]]:
    """Where lines may be broken: begin, end and text of each word. Rich breaks at spaces only and cuts a Chinese sentence off."""
    place = 0
    while found := _WORD.match(text, place):
        yield place, found.end(), found[0]
        place = found.end()


def _headings(command: Any, ctx: Any) -> None:
    """Typer's own words, which it looks up once at import, in the chosen language."""
    from rich import _wrap

    _wrap.words = _words
    for option in command.get_params(ctx):
        if option.name == "help":
            option.help = _("Show this message and exit.")
        elif option.name == "install_completion":
            option.help = _("Install completion for the current shell.")
        elif option.name == "show_completion":
            option.help = _("Show completion for the current shell, to copy it or customize the installation.")
    if language() == "en":
        return
    from typer import rich_utils

    rich_utils.ARGUMENTS_PANEL_TITLE, rich_utils.OPTIONS_PANEL_TITLE = _("Arguments"), _("Options")
    rich_utils.COMMANDS_PANEL_TITLE, rich_utils.REQUIRED_LONG_STRING = _("Commands"), _("[required]")
    rich_utils.DEFAULT_STRING = _("[default: {}]")


def _usage(text: str) -> str:
    return text.replace("Usage: ", _("Usage: "), 1)


def _in_words(error: Any) -> Any:
    """An error of usage, whose words are typer's own, in the chosen language."""
    if hasattr(error, "format_message"):
        from typer import rich_utils

        rich_utils.RICH_HELP, rich_utils.ERRORS_PANEL_TITLE = _("Try [blue]'{command_path} {help_option}'[/] for help."), _("Error")
        text = translated(error.format_message())
        error.format_message = lambda: text
    return error


def group(help_text: str) -> typer.Typer:
    """A group of commands."""
    return typer.Typer(cls=Group, help=help_text, no_args_is_help=True, rich_markup_mode="rich")


def add(app: typer.Typer, name: str, function: Any, help_text: str, examples: str) -> None:
    """Adds a command; `examples` are whole lines that a person can type."""
    shown = "\n".join(f"  $ {line}" for line in examples.strip().splitlines())
    # In the help an opening bracket would start a style.
    app.command(name, cls=Command, help=f"{help_text}\n\n{_('Examples:')}\n{shown}".replace("[", "\\["))(function)


def report(error: CitylakeError) -> int:
    """Prints an error for people; returns its exit code."""
    if isinstance(error, DefinitionErrors):
        for problem in error.problems:
            complain(f"{problem.file}:{problem.line}: {translated(problem.what)} {translated(problem.remedy)} [{problem.code}]")
        complain(counted(len(error.problems), "{n} problem. See `citylake check`.", "{n} problems. See `citylake check`."))
        return error.exit_code
    where = ":".join(str(part) for part in (error.file, error.line) if part is not None)
    parts = [part for part in (where, error.dataset, translated(error.message)) if part]
    complain(" ".join(part for part in (": ".join(parts), translated(error.remedy or "")) if part))
    return error.exit_code


def complain(text: str) -> None:
    """One line on standard error."""
    print(clean(f"citylake: {text}").replace("\n", " "), file=sys.stderr)
