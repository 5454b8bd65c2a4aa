"""Builders over text: trimming, widths, cases, suffixes, words for «no value». NULL stays NULL.

Chains of these steps are fused when rendered: one regular expression tells whether any step would change the value, and
only then the steps run. Most cells are clean, so a chain costs about one regex pass however long it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from catalog.dialect_tree import Renderer, mark, number, rendering, string
from catalog.masking import least, telling

# Unicode White_Space plus zero-width and direction marks, as both RE2 and Java read them.
SPACES = (r"\t-\r\x{1c}-\x{20}\x{85}\x{a0}\x{1680}\x{180e}\x{2000}-\x{200f}\x{2028}-\x{202f}\x{205f}\x{2060}"
          r"\x{3000}\x{feff}")
# Whole texts that neither trimming nor folding changes, told in one loop: Java tries the members of a class one after the other.
_CLEAN = r"\A[!-~\x{4e00}-\x{9fff}](?:[ -~\x{4e00}-\x{9fff}]*[!-~\x{4e00}-\x{9fff}])?\z"
_CONTROL = r"[\x{0}-\x{8}\x{e}-\x{1b}\x{7f}]"        # no text of people's holds them; spreadsheets and shells trip over them
_FULL = "\u3000" + "".join(chr(code) for code in range(0xFF01, 0xFF5F))
_HALF = " " + "".join(chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F))
_UPPER, _LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"


def trim_text(e: exp.Expr) -> exp.Expr:
    """Without control characters, and without spaces at both ends: all of Unicode's (U+3000, U+00A0 …), tabs, line ends,
    zero-width marks, U+FEFF.
    """
    return mark("TRIM", e)


def fold_width(e: exp.Expr) -> exp.Expr:
    """Full-width ASCII (U+FF01–U+FF5E, U+3000) as half-width; other characters stay."""
    return mark("FOLD", e)


def collapse_space(e: exp.Expr) -> exp.Expr:
    """Every run of spaces as one plain space."""
    return mark("COLLAPSE", e)


def upper_ascii(e: exp.Expr) -> exp.Expr:
    """a-z as A-Z; other letters stay, because engines disagree on them."""
    return mark("UPPER", e)


def lower_ascii(e: exp.Expr) -> exp.Expr:
    """A-Z as a-z; other letters stay."""
    return mark("LOWER", e)


def bare_text(e: exp.Expr, instead: dict[str, str]) -> exp.Expr:
    """Only letters and digits, and of these `instead` for single characters: one spelling for values that are compared."""
    return mark("BARE", e, "".join(instead), "".join(instead.values()))


def strip_suffixes(e: exp.Expr, words: Sequence[str]) -> exp.Expr:
    """Without one of `words` at the end (the longest that fits) and the spaces before it: `12.5 ℃` → `12.5`."""
    return mark("SUFFIX", e, *sorted(words, key=len, reverse=True)) if words else e


def null_words(e: exp.Expr, words: Sequence[str]) -> exp.Expr:
    """NULL where the text equals one of `words`."""
    return mark("NULLS", e, *dict.fromkeys(words)) if words else e


def strip_thousands(e: exp.Expr) -> exp.Expr:
    """`1,234,567.8` → `1234567.8`; a comma in any other place stays, so that the cast refuses it."""
    return mark("THOUSANDS", e)


def strip_zero_fraction(e: exp.Expr) -> exp.Expr:
    """`330300.0` → `330300` (a code that a spreadsheet turned into a number)."""
    return mark("ZEROS", e)


def length(e: exp.Expr) -> exp.Expr:
    """Number of code points."""
    return mark("LENGTH", e)


def octets(e: exp.Expr) -> exp.Expr:
    """Number of bytes in UTF-8: more than code points where one is beyond ASCII."""
    return mark("OCTETS", e)


def prefix(e: exp.Expr, n: int) -> exp.Expr:
    """The first `n` code points."""
    return mark("PREFIX", e, n)


def mask(e: exp.Expr, left: int, right: int, kind: str | None = None) -> exp.Expr:
    """Keeps `left` and `right` characters and writes `*` for each other one; all stars when too little would be hidden
    (catalog/masking.py) for a value of this kind.
    """
    known = telling(kind)
    return mark("MASK", e, left, right, least(left, right, known) or 0, known.stop)


def without_text(e: exp.Expr, other: exp.Expr, instead: str) -> exp.Expr:
    """The text with `instead` for each occurrence of another text; as it is where that is NULL or of a single character."""
    return mark("WITHOUT", e, other, instead)


def joined_text(parts: Sequence[exp.Expr], separator: str) -> exp.Expr:
    """Texts with a separator between them; NULLs are left out."""
    return mark("JOINED", separator, *parts)


def in_list(e: exp.Expr, values: Sequence[object]) -> exp.Expr:
    """The value is one of `values`; false for an empty list, NULL for NULL."""
    from catalog.dialect_tree import lit

    if not values:
        return exp.and_(exp.EQ(this=e.copy(), expression=e.copy()), exp.false())
    return exp.In(this=e.copy(), expressions=[lit(value) for value in values])   # type: ignore[arg-type]  # lit checks


def contains_any(e: exp.Expr, words: Sequence[str]) -> exp.Expr:
    """True where one of the literal words occurs in the text."""
    return mark("FIND", e, "|".join(_literal(word) for word in words)) if words else exp.false()


_SIGN = r"[^\p{L}\p{N}]|[\x{115f}\x{1160}\x{3164}\x{ffa0}]"


def _literal(word: str) -> str:
    return re.sub(r"([^0-9A-Za-z_\u0080-\U0010ffff])", r"\\\1", word)


@dataclass(frozen=True)
class _Step:
    """`needed`: where this regex does not match, the step changes nothing. `apply` writes the step itself."""

    needed: Callable[[list[str]], str]
    apply: Callable[[Renderer, str, list[str]], str]


def _suffix_pattern(words: list[str]) -> str:
    return rf"[{SPACES}]*(?:{'|'.join(_literal(word) for word in words)})\z"


def _case(source: str, target: str, native: str) -> Callable[[Renderer, str, list[str]], str]:
    def apply(r: Renderer, sql: str, _: list[str]) -> str:
        plain = f"translate({sql}, '{source}', '{target}')"
        return f"CASE WHEN strlen({sql}) = length({sql}) THEN {native}({sql}) ELSE {plain} END" if r.duck else plain
    return apply


def _thousands(r: Renderer, sql: str, _: list[str]) -> str:
    whole = r.full(sql, r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
    return f"CASE WHEN {whole} THEN replace({sql}, ',', '') ELSE {sql} END"


_STEPS: dict[str, _Step] = {
    "CL_TRIM": _Step(lambda _: rf"\A[{SPACES}]|[{SPACES}]\z|{_CONTROL}",
                     lambda r, sql, _: r.replace(r.replace(sql, _CONTROL, ""), rf"\A[{SPACES}]+|[{SPACES}]+\z", "")),
    "CL_FOLD": _Step(lambda _: r"[\x{3000}\x{ff01}-\x{ff5e}]",
                     lambda r, sql, _: f"translate({sql}, {r.text(_FULL)}, {r.text(_HALF)})"),
    "CL_COLLAPSE": _Step(lambda _: rf"[{SPACES}]", lambda r, sql, _: r.replace(sql, rf"[{SPACES}]+", " ")),
    "CL_BARE": _Step(lambda words: rf"{_SIGN}|[{words[0]}]" if words[0] else _SIGN,
                     lambda r, sql, words: f"translate({r.replace(sql, _SIGN, '')}, {r.text(words[0])}, {r.text(words[1])})"),
    "CL_UPPER": _Step(lambda _: "[a-z]", _case(_LOWER, _UPPER, "upper")),
    "CL_LOWER": _Step(lambda _: "[A-Z]", _case(_UPPER, _LOWER, "lower")),
    "CL_SUFFIX": _Step(_suffix_pattern, lambda r, sql, words: r.replace(sql, _suffix_pattern(words), "")),
    "CL_THOUSANDS": _Step(lambda _: ",", _thousands),
    "CL_ZEROS": _Step(lambda _: r"\.0+\z", lambda r, sql, _: r.replace(sql, r"\A([+-]?[0-9]+)\.0+\z", r"\1")),
}


def _chain(r: Renderer, arguments: list[exp.Expr], name: str) -> str:
    """One CASE for a whole chain of text steps: clean cells pass after a single test."""
    steps, words, named = [], None, set[str]()
    node: exp.Expr = exp.Anonymous(this=name, expressions=arguments)
    if name == "CL_NULLS":
        words, node = r.words([string(word) for word in arguments[1:]]), arguments[0]
    while isinstance(node, exp.Anonymous) and str(node.this) in _STEPS:
        steps.append((_STEPS[str(node.this)], [string(word) for word in node.expressions[1:]]))
        named.add(str(node.this))
        node = node.expressions[0]
    base = heavy = r.of(node)
    for step, extra in reversed(steps):
        heavy = step.apply(r, heavy, extra)
    nulls = f"WHEN {base} IN ({words}) THEN NULL " if words else ""
    if not steps:
        return f"CASE {nulls}ELSE {base} END"
    needed = "|".join(step.needed(extra) for step, extra in reversed(steps))
    changed = f"CASE WHEN {heavy} IN ({words}) THEN NULL ELSE {heavy} END" if words else heavy
    quick = f"NOT {r.has(base, _CLEAN)} AND " if not r.duck and named <= {"CL_TRIM", "CL_FOLD"} else ""
    return f"CASE WHEN {quick}{r.has(base, needed)} THEN {changed} {nulls}ELSE {base} END"


def _register(name: str) -> None:
    rendering(name.removeprefix("CL_"))(lambda r, arguments: _chain(r, arguments, name))


for _name in (*_STEPS, "CL_NULLS"):
    _register(_name)


@rendering("LENGTH")
def _length(r: Renderer, a: list[exp.Expr]) -> str:
    return f"{'length' if r.duck else 'char_length'}({r.sql(a[0])})"


@rendering("OCTETS")
def _octets(r: Renderer, a: list[exp.Expr]) -> str:
    return f"{'strlen' if r.duck else 'octet_length'}({r.sql(a[0])})"


@rendering("PREFIX")
def _prefix(r: Renderer, a: list[exp.Expr]) -> str:
    return f"left({r.sql(a[0])}, {number(a[1])})"


@rendering("MASK")
def _mask(r: Renderer, a: list[exp.Expr]) -> str:
    e, left, right, shortest, stop = r.of(a[0]), number(a[1]), number(a[2]), number(a[3]), string(a[4])
    size = f"{'length' if r.duck else 'char_length'}({e})"
    stars = f"repeat('*', CAST({size} - {left + right} AS INT))"
    shown = f"concat(left({e}, {left}), {stars}, right({e}, {right}))"
    enough = f"{size} >= {shortest}" if shortest else "FALSE"
    if stop:        # what tells stands before it; without one the whole value does
        ahead = f"CASE WHEN instr({e}, {r.text(stop)}) > 0 THEN instr({e}, {r.text(stop)}) - 1 ELSE {size} END"
        enough += f" AND 3 * (least({ahead}, {size} - {right}) - {left}) >= {ahead}"
    return (f"CASE WHEN {e} IS NULL THEN NULL WHEN {enough} THEN {shown} "
            f"ELSE repeat('*', CAST({size} AS INT)) END")


@rendering("WITHOUT")
def _without(r: Renderer, a: list[exp.Expr]) -> str:
    other = r.of(a[1])
    size = f"{'length' if r.duck else 'char_length'}({other})"
    nothing = r.text("\ue000\ue001\ue000")       # private use: the text is named once, or ten columns would double it ten times
    return f"replace({r.sql(a[0])}, CASE WHEN {size} >= 2 THEN {other} ELSE {nothing} END, {r.text(string(a[2]))})"


@rendering("JOINED")
def _joined(r: Renderer, a: list[exp.Expr]) -> str:
    return f"concat_ws({', '.join(r.sql(part) for part in a)})"


@rendering("FIND")
def _find(r: Renderer, a: list[exp.Expr]) -> str:
    return r.has(r.sql(a[0]), string(a[1]))


@rendering("MATCH")
def _match(r: Renderer, a: list[exp.Expr]) -> str:
    return r.full(r.sql(a[0]), string(a[1]))
