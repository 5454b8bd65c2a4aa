r"""Regular expressions in the subset that RE2 (DuckDB, Arrow) and Java (Spark) read alike.

`portable` rewrites what differs only in spelling (`.` and `\s`); everything that differs in meaning is refused.
"""

from __future__ import annotations

import re

from sqlglot import exp

from catalog.dialect_tree import ExpressionError, mark

_SPACE = r"\t\n\f\r "
_CLASS_ESCAPES = "dwDW"
_PLAIN_ESCAPES = r".^$|()[]{}*+?\-/,:;'\"#%&=<>!@~` _tnrf"
_QUANTIFIER = re.compile(r"\{(\d{1,4})(,(\d{1,4})?)?\}")


def check_pattern(regex: str) -> None:
    r"""Raises ExpressionError for lookaround, back-references, named groups, `\p`, `\b`, `^`, `$`, flags and the like."""
    portable(regex)


def matches(e: exp.Expr, pattern: str) -> exp.Expr:
    r"""The whole text matches: `\A(?:pattern)\z`. The pattern is checked."""
    return mark("MATCH", e, portable(pattern))


def contains_pattern(e: exp.Expr, pattern: str) -> exp.Expr:
    """The pattern matches somewhere. For patterns of our own (`^` and `$` mean the ends of the text)."""
    return mark("FIND", e, pattern)


def portable(regex: str) -> str:
    r"""The pattern as both engines read it alike: `.` as `[^\n]`, `\s` as an explicit class.

    Raises ExpressionError, whose message says what is not allowed.
    """
    out, at = [], 0
    while at < len(regex):
        piece, at = _class(regex, at) if regex[at] == "[" else _piece(regex, at)
        out.append(piece)
    text = "".join(out)
    try:
        re.compile(re.sub(r"\\x\{([0-9A-Fa-f]+)\}", lambda found: f"\\U{int(found[1], 16):08x}", text))
    except (re.error, ValueError, OverflowError):
        raise _refused("is not a regular expression") from None
    return text


def _refused(why: str) -> ExpressionError:
    return ExpressionError(f"A pattern {why}.", remedy="Write it with literals, classes, groups (?:…), | and quantifiers.")


def _piece(regex: str, at: int) -> tuple[str, int]:
    char = regex[at]
    if char == "\\":
        return _escape(regex, at, inside=False)
    if char in "^$":
        raise _refused("holds ^ or $; it is matched against the whole value anyway")
    if char == ".":
        return r"[^\n]", at + 1
    if regex.startswith("(?", at) and not regex.startswith("(?:", at):
        raise _refused("holds lookaround, a flag or a named group")
    if char in "*+?}" and regex[at + 1:at + 2] == "+":
        raise _refused("holds a possessive quantifier")
    if char == "{":
        return _quantifier(regex, at)
    return char, at + 1


def _quantifier(regex: str, at: int) -> tuple[str, int]:
    found = _QUANTIFIER.match(regex, at)
    if found is None or int(found[3] or found[1]) > 1000:
        raise _refused("holds a brace that is no quantifier up to 1000")
    if regex[found.end():found.end() + 1] == "+":
        raise _refused("holds a possessive quantifier")
    return found[0], found.end()


def _escape(regex: str, at: int, inside: bool) -> tuple[str, int]:
    following = regex[at + 1:at + 2]
    if following == "x":
        found = re.compile(r"\\x(?:\{[0-9A-Fa-f]{1,6}\}|[0-9A-Fa-f]{2})").match(regex, at)
        if found is None:
            raise _refused(r"holds an unfinished \x")
        return found[0], found.end()
    if following == "s":
        return (_SPACE if inside else f"[{_SPACE}]"), at + 2
    if following == "S" and not inside:
        return f"[^{_SPACE}]", at + 2
    if following and (following in _CLASS_ESCAPES or following in _PLAIN_ESCAPES):
        return "\\" + following, at + 2
    raise _refused("holds an escape that the engines read differently")


def _class(regex: str, at: int) -> tuple[str, int]:
    out, at = ["["], at + 1
    if regex[at:at + 1] == "^":
        out.append("^")
        at += 1
    start = at
    while True:
        char = regex[at:at + 1]
        if not char:
            raise _refused("holds an unfinished class")
        if char == "]":
            if at == start:
                raise _refused("holds an empty class")
            return "".join([*out, "]"]), at + 1
        if char == "[" or regex.startswith("&&", at):
            raise _refused("holds a class inside a class")
        piece, at = _escape(regex, at, inside=True) if char == "\\" else (char, at + 1)
        out.append(piece)
