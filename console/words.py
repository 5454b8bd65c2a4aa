"""The language that the console speaks: chosen once a call, English in the code, Chinese in catalog/locale/zh_CN.po."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Literal

from catalog.wording import wording

Language = Literal["zh", "en"]
_language: ContextVar[str] = ContextVar("language", default="en")


def speak(language: str) -> None:
    """Chooses the language of everything that is said from here on."""
    _language.set(language)


def language() -> str:
    return _language.get()


def _(text: str) -> str:
    """The text in the chosen language."""
    return wording(language())(text) if text else ""


def counted(number: int, one: str, many: str) -> str:
    """A number of things: `one` and `many` are texts with `{n}`."""
    return _(one if number == 1 else many).format(n=f"{number:,}")


def spoken(arguments: Sequence[str], default: str) -> tuple[str, list[str]]:
    """The language that `--lang` asks for anywhere on the command line, and the other arguments."""
    rest = list(arguments)
    for at, word in enumerate(rest):
        if word == "--":
            break
        if word == "--lang" and rest[at + 1 : at + 2] and rest[at + 1] in ("zh", "en"):
            return rest[at + 1], rest[:at] + rest[at + 2 :]
        if word in ("--lang=zh", "--lang=en"):
            return word[-2:], rest[:at] + rest[at + 1 :]
    return default, rest


def label(names: Any) -> str:
    """A label of the city (zh, en) in the chosen language."""
    return str(getattr(names, language()))


def noted(finding: Mapping[str, Any]) -> str:
    """A finding in a line: what is wrong, in which column, and the counts behind it. Findings hold no values."""
    note = _(str(finding.get("note", "")))
    column = f" [{finding['column']}]" if finding.get("column") else ""
    observed = ", ".join(f"{name} {_shown(value)}" for name, value in (finding.get("observed") or {}).items())
    return f"{note}{column}" + (f" ({observed})" if observed else "")


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_shown(item)}" for name, item in value.items())
    return ",".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value)
