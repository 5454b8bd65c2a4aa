"""The engine's screen: one RE2 pattern over raw text that lets by nothing that `kinds_in` counts, and the queries that use it.

It may only be too suspicious. Marks that cannot be seen may stand anywhere and in any number; at most three separators stand
between two characters of one number.
"""

from __future__ import annotations

import unicodedata

from sqlglot import exp

from catalog import dialect as d
from catalog.contract import ColumnType
from privacy.folding import GAPS, UNSEEN
from privacy.identifiers import BY_KIND, PLACES
from privacy.pattern_forms import engine_form
from privacy.spellings import VEILED

# Unbounded where the forms allow three separators: fewer states for the engine, a few more cells to look at.
_B = f"[{GAPS[1:-1]}{UNSEEN[1:-1]},\\x{{ff0c}}]*"
_H = f"{UNSEEN}*"
_D = r"\p{Nd}"
_ZERO = "[" + "".join(rf"\x{{{code:x}}}" for code in range(0x30, 0x20000)
                      if unicodedata.category(chr(code)) == "Nd" and unicodedata.decimal(chr(code)) == 0) + "]"
_LETTER = r"A-Za-z\x{ff21}-\x{ff3a}\x{ff41}-\x{ff5a}"
_HEX = r"[\p{Nd}A-Fa-f\x{ff21}-\x{ff26}\x{ff41}-\x{ff46}]"
_COLON, _HYPHEN, _DOT, _SLASH = r"[:\x{ff1a}]", r"[-\x{ff0d}]", r"[.\x{ff0e}]", r"[/\x{ff0f}]"
# Kinds that count only beside a word are searched by their words.
WORDED = ("residence_permit", "landline", "hk_macao_permit", "taiwan_permit", "passport", "officer_card", "social_security", "coordinates")
_ACCOUNTS = ("微信", "薇信", "微心", "WECHAT", "WEIXIN", "WX", "VX", "V信", "QQ", "扣扣", "企鹅")


WORDS = tuple(sorted({cue for kind in WORDED for cue in BY_KIND[kind].cues} | set(_ACCOUNTS)))


def _class(marks: str) -> str:
    return "[" + "".join(rf"\x{{{ord(mark):x}}}" for mark in marks) + "]"


def _word(word: str) -> str:
    return _B.join(engine_form(mark) for mark in word)


def _parts() -> list[str]:
    return [
        f"{_D}(?:{_B}{_D}){{10}}",                                                  # numbers of eleven digits and more
        f"{_ZERO}(?:{_B}{_D}){{9}}",                                                # ten with an area code
        f"[{_D}{_LETTER}](?:{_B}[{_D}{_LETTER}]){{16}}",                            # codes of letters and digits
        rf"{_D}{_H}[Ee\x{{ff25}}\x{{ff45}}]{_H}(?:[+\x{{ff0b}}]{_H})?{_D}{_H}{_D}",   # a power of ten
        r"[@\x{ff20}]",
        rf"[ (\[{{\x{{3000}}\x{{ff08}}\x{{ff3b}}\x{{3010}}\x{{ff5b}}]{_H}(?:{engine_form('AT', False)}|{engine_form('艾特', False)})"
        rf"{_H}[ )\]}}\x{{3000}}\x{{ff09}}\x{{ff3d}}\x{{3011}}\x{{ff5d}}]",
        f"{_class(PLACES)}{_B}[{_LETTER}]{_B}[{_D}{_LETTER}]", engine_form("WJ"), rf"{_D}{_B}\x{{4f7f}}",
        f"{_D}{_H}(?:{_DOT}{_H}{_D}{_H}(?:{_D}{_H}){{0,2}}){{2}}{_DOT}{_H}{_D}",
        f"(?:{_COLON}{_H}(?:{_HEX}{_H}){{0,4}}){{2}}{_COLON}",
        f"{_HEX}{_H}{_HYPHEN}{_H}{_HEX}{_H}{_HEX}{_H}{_HYPHEN}{_H}{_HEX}{_H}{_HEX}{_H}{_HYPHEN}{_H}{_HEX}",
        f"{_HEX}{_H}{_DOT}(?:{_H}{_HEX}){{4}}{_H}{_DOT}{_H}{_HEX}",
        f"{_COLON}{_H}{_SLASH}{_H}{_SLASH}",
        *map(_word, WORDS),
    ]


# The words in folded text.
FOLDED_WORDS = "|".join(f"{GAPS}*".join(word) for word in WORDS)
SUSPICIOUS = "|".join(f"(?:{part})" for part in (*_parts(), VEILED))
WHOLE = ("bigint", "decimal")
SMALLEST = 10_000_000_000          # no whole number below it is an identifier without words around


def suspicious(name: str, kind: ColumnType) -> exp.Expr:
    """A condition that is true for every cell that might hold an identifier."""
    this = d.col(name)
    if kind.kind in WHOLE:
        return exp.GTE(this=exp.Abs(this=this), expression=d.lit(SMALLEST))
    if kind.kind in ("date", "timestamp", "boolean"):
        return exp.false()
    text = this if kind.kind == "text" else d.cast_to(this, ColumnType("text"))
    return d.contains_pattern(text, SUSPICIOUS)
