r"""One core pattern in the forms that each reader needs: with gaps on folded text (Python), and over raw text (RE2 in the engine).

A core is a plain regular expression of classes, literals, groups and counts, over folded text: `1[3-9][0-9]{9}`. It says nothing
about gaps, width, case or marks that cannot be seen; the forms do. RE2 has no look-around and no `\u`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from privacy.folding import GAP, GAPS, UNSEEN

_GAP = rf"{GAP.pattern}{{0,3}}"
_ENGINE_GAP = rf"{UNSEEN}*(?:{GAPS}{UNSEEN}*){{0,3}}"
_ENGINE_TIGHT = rf"{UNSEEN}*"
_COUNT = re.compile(r"\{([0-9]+)(?:,([0-9]*))?\}|[?*+]")


def gappy(core: str, gaps: bool = True) -> str:
    """The core for folded text, with up to three separators between any two characters (`gaps`)."""
    return _form(core, _GAP if gaps else "", lambda atom: atom)


def folded_form(core: str, gaps: bool = True) -> str:
    """As `gappy`, for RE2 over folded text."""
    return _form(core, rf"{GAPS}{{0,3}}" if gaps else "", lambda atom: atom)


def engine_form(core: str, gaps: bool = True) -> str:
    """The core for raw text as RE2 and Java read it: every width, case and script of digits, marks that cannot be seen anywhere."""
    return _form(core, _ENGINE_GAP if gaps else _ENGINE_TIGHT, _wide)


def before(edge: str, core: str) -> str:
    """What may stand before the core in folded text: no letter or digit of `edge`. A mark does not hide what follows it (`IP:10.0.0.1`),
    and a core that begins with a Chinese character begins wherever that stands.
    """
    if _starts_chinese(core):
        return ""
    return f"(?<![{_alnum(edge)}])" + (rf"(?<![{_alnum(edge)}]\.)" if "." in edge else "")


def after(edge: str) -> str:
    """What may follow: no letter or digit of `edge`, nor one behind a full stop where the stop belongs to the edge (`1.2.3.4.5`)."""
    return f"(?![{_alnum(edge)}])" + (rf"(?!\.[{_alnum(edge)}])" if "." in edge else "")


def bounded(edge: str, core: str, form: str) -> str:
    """The form with as much of its bounds as RE2 can say: never fewer matches than with `before` and `after`."""
    head = "" if _starts_chinese(core) else f"(?:^|[^{_alnum(edge)}])"
    return f"{head}(?:{form})(?:[^{_alnum(edge)}]|$)"


def _alnum(edge: str) -> str:
    return "".join(re.findall("[0-9A-Z]-[0-9A-Z]", edge))


def _starts_chinese(core: str) -> bool:
    first = core[1] if core.startswith("[") else core[0]
    return ord(first) > 0x7F


def _form(core: str, gap: str, atom_form: Callable[[str], str]) -> str:
    return "|".join(_sequence(branch, gap, atom_form) for branch in _branches(core))


def _branches(core: str) -> list[str]:
    """The alternatives of the outermost level."""
    parts, depth, last, at = [], 0, 0, 0
    while at < len(core):
        mark = core[at]
        if mark == "\\":
            at += 1
        elif mark == "[":
            at = _class_end(core, at)
        elif mark in "()":
            depth += 1 if mark == "(" else -1
        elif mark == "|" and depth == 0:
            parts.append(core[last:at])
            last = at + 1
        at += 1
    return [*parts, core[last:]]


def _class_end(core: str, at: int) -> int:
    at += 1
    while core[at] != "]":
        at += 2 if core[at] == "\\" else 1
    return at


def _atom_end(core: str, at: int) -> int:
    """The end (exclusive) of the atom that starts here."""
    if core[at] == "\\":
        return at + 2
    if core[at] == "[":
        return _class_end(core, at) + 1
    if core[at] != "(":
        return at + 1
    depth = 0
    while True:
        if core[at] == "\\":
            at += 1
        elif core[at] == "[":
            at = _class_end(core, at)
        elif core[at] in "()":
            depth += 1 if core[at] == "(" else -1
            if depth == 0:
                return at + 1
        at += 1


def _sequence(core: str, gap: str, atom_form: Callable[[str], str]) -> str:
    out, at, first = "", 0, True
    while at < len(core):
        end = _atom_end(core, at)
        atom = core[at:end]
        atom = f"(?:{_form(atom[3:-1], gap, atom_form)})" if atom.startswith("(?:") else atom_form(atom)
        count = _COUNT.match(core, end)
        low, high = _counts(count)
        at = count.end() if count else end
        if low == 0:           # what may be missing brings its own gap
            repeated = _repeat(atom, gap, max(1, low), high)
            out += f"(?:{repeated}{gap})?" if first else f"(?:{gap}{repeated})?"
        else:
            out += ("" if first else gap) + _repeat(atom, gap, low, high)
            first = False
    return out


def _counts(count: re.Match[str] | None) -> tuple[int, int | None]:
    if count is None:
        return 1, 1
    if count.group() in "?*+":
        return (0, 1) if count.group() == "?" else (0, None) if count.group() == "*" else (1, None)
    low = int(count.group(1))
    return low, low if count.group(2) is None else int(count.group(2)) if count.group(2) else None


def _repeat(atom: str, gap: str, low: int, high: int | None) -> str:
    if (low, high) == (1, 1):
        return atom
    more = f"{low - 1}" if high == low else f"{low - 1},{'' if high is None else high - 1}"
    return f"{atom}{{{low}}}" if not gap and high == low else f"{atom}(?:{gap}{atom}){{{more}}}"


@cache
def _wide(atom: str) -> str:
    """One character of folded text as the raw characters that fold to it."""
    if atom in (".", "\\S"):
        return atom
    reads = re.compile(atom)
    marks = [code for code in range(0x20, 0x7F) if reads.fullmatch(chr(code)) and not chr(code).islower()]
    digits = [code for code in marks if 48 <= code <= 57]
    parts = [r"\p{Nd}"] if digits else []        # any digit of any script: the checks look again
    marks = [code for code in marks if not 48 <= code <= 57]
    for first, last in _ranges(marks):
        parts.append(rf"\x{{{first:x}}}-\x{{{last:x}}}\x{{{first + 0xFEE0:x}}}-\x{{{last + 0xFEE0:x}}}" if first > 0x20 else
                     rf"\x{{{first:x}}}-\x{{{last:x}}}")
    for first, last in _ranges([code + 32 for code in marks if 65 <= code <= 90]):
        parts.append(rf"\x{{{first:x}}}-\x{{{last:x}}}\x{{{first + 0xFEE0:x}}}-\x{{{last + 0xFEE0:x}}}")
    return "[" + "".join([*parts, *_others(atom)]) + "]"


def _others(atom: str) -> list[str]:
    """Characters beyond ASCII that the atom names one by one (Chinese ones)."""
    return [rf"\x{{{ord(mark):x}}}" for mark in atom if ord(mark) > 0x7F]


def _ranges(codes: list[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for code in codes:
        if found and found[-1][1] == code - 1:
            found[-1] = (found[-1][0], code)
        else:
            found.append((code, code))
    return found
