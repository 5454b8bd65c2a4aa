"""The language that the console speaks: chosen once a call, English in the code, Chinese in catalog/locale/zh_CN.po."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from typing import Any, Literal

from catalog.wording import sentences, wording

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


def translated(text: str) -> str:
    """A sentence that was made elsewhere, with names and numbers in it, in the chosen language; else as it is."""
    if language() == "en" or not text:
        return text
    if (whole := _(text)) != text:
        return whole
    for pattern, chinese in _templates(language()):
        if found := pattern.fullmatch(text):
            return chinese.format(**{name: translated(part) for name, part in found.groupdict().items()})
    sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z])", text)
    return "".join(translated(sentence) for sentence in sentences) if len(sentences) > 1 else text


@cache
def _templates(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Sentences with placeholders as patterns, the longest first. What stands in a short one is no sentence: it would swallow the one before."""
    found = []
    for text in sorted(sentences(language), key=len, reverse=True):
        parts = re.split(r"\{(\w+)\}", text)
        said = len("".join(parts[::2]))
        if len(parts) > 1 and said > 4:
            anything = ".+" if said > 40 else r"(?:(?![.!?]\s+[A-Z]).)+"
            found.append((re.compile("".join(_pattern(parts, at, anything) for at in range(len(parts)))), wording(language)(text)))
    return found


def _pattern(parts: Sequence[str], at: int, anything: str) -> str:
    """The pattern of one part of a template: texts stand at even places, names of placeholders at odd ones."""
    if at % 2 == 0:
        return re.escape(parts[at])
    return f"(?P={parts[at]})" if parts[at] in parts[1:at:2] else f"(?P<{parts[at]}>{anything})"


def noted(finding: Mapping[str, Any]) -> str:
    """A finding in a line: what is wrong, in which column, and the counts behind it. Findings hold no values."""
    note = _kind_named(translated(str(finding.get("note", ""))), str(finding.get("rule", "")))
    column = f" [{finding['column']}]" if finding.get("column") else ""
    figures = [f"{_(f'{name}:').rstrip(':：')} {_shown(value)}" for name, value in (finding.get("observed") or {}).items()
               if name not in ("hashes", "set", "sets")]         # keyed hashes are for machines
    observed = ("；" if language() == "zh" else "; ").join(figures)
    brackets = "（{}）" if language() == "zh" else " ({})"
    return f"{note}{column}" + (brackets.format(observed) if observed else "")


def _kind_named(note: str, rule: str) -> str:
    """In Chinese, kinds of identifiers by their names: `mobile` is 手机号码."""
    from privacy.identifiers import BY_KIND

    kind = rule.removeprefix("screen.certain.").removeprefix("screen.").split(".")[0] if language() == "zh" and rule.startswith("screen.") else ""
    return note.replace(f" {kind} ", BY_KIND[kind].zh, 1) if kind in BY_KIND else note


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_shown(item)}" for name, item in value.items())
    return ("、" if language() == "zh" else ", ").join(str(item) for item in value) if isinstance(value, list | tuple) else str(value)
