r"""Texts that spell a number or a word as no form reads it: entities, escapes, percent and base64 codes, Chinese numerals, O for 0, digits
in circles, groups apart by any one mark. `plainly` writes such a text as it would be read.

VEILED says over raw text (RE2 and Java) which texts may be such; it may only be too suspicious.
"""

from __future__ import annotations

import html
import re
from base64 import b64decode
from unicodedata import numeric
from urllib.parse import unquote

from privacy.checksums import id_check, id_shape, luhn, mobile_shape
from privacy.folding import GAP, fold

_NUMERALS = dict(zip("〇零○一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖貳參陸", "00012345678912123456789236", strict=True))
_NUMERAL = "".join(_NUMERALS)
_N = r"[\p{Nd}\p{No}]"
_HID = (r"[\p{M}\p{Cf}\x{0}-\x{8}\x{e}-\x{1b}\x{7f}-\x{84}\x{86}-\x{9f}\x{115f}\x{1160}\x{3164}\x{ffa0}\x{2065}\x{fff0}-\x{fff8}"
        r"\x{e0000}-\x{e0fff}]")
_ONE = r"[ -,/:-@\[-`{-~\x{a6}\x{b7}\x{2022}\x{3001}\x{3002}\x{ff0c}\x{ff0f}\x{ff1a}\x{ff1b}\x{ff5c}\x{2502}\x{2044}\x{2215}]"   # few marks: cheap
_MARK = _ONE + "{1,2}"
# Three digits in base64; of eleven digits in a row at least two such groups lie side by side, whatever stands before.
_THREE = r"[MNO][DTjz][AEIMQUYcgk][w-z0-5]"
# What words hide behind as well as numbers.
CODED = r"&#|&[A-Za-z]{2,8};|\\[uUx][0-9A-Fa-f{]|%[0-9A-Fa-f]{2}"
VEILED = "|".join((
    CODED, "<[A-Za-z/]", rf"{_N}{_HID}+{_N}", rf"{_N}\p{{No}}|\p{{No}}{_ONE}?{_N}", "[0-9][Oo]+[0-9]|[Oo][0-9]{4}|[0-9]{4}[Oo]",
    f"[0-9]{{3,8}}{_MARK}[0-9]{{3,8}}{_MARK}[0-9]{{3}}|[0-9]{{6}}{_MARK}[0-9]{{5}}|(?:[0-9]{{1,2}}{_MARK}){{7}}",
    rf"(?:[{_NUMERAL}]{_ONE}?){{11}}", f"(?:{_THREE}){{2}}"))

_TAG = re.compile(r"<[A-Za-z/][^<>]{0,60}>")
_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2}))")
_CODE, _DIGITS_CODED = re.compile(r"[A-Za-z0-9+/_-]{16,}"), re.compile(rf"(?:{_THREE}){{2}}")
_SPOKEN = re.compile(rf"[{_NUMERAL}](?:[\W_]{{0,3}}[{_NUMERAL}]){{10,}}")
_ROUND = re.compile(rf"(?<![0-9A-Z])[0-9O](?:{GAP.pattern}{{0,3}}[0-9O]){{9,20}}(?=X?(?![0-9A-Z]))")
_APART = re.compile(r"(?<![0-9])[0-9]{1,8}(?:[^\w.\-]{1,3}[0-9]{1,8})+(?:[^\w.\-]{0,3}X)?(?![0-9A-Z])")
_GROUP = re.compile(r"([0-9]+X?|X)")
_COMPATIBLE = re.compile("[\u2469-\u249b\u24eb-\u24f4\u3251-\u325f\u32b1-\u32bf]")
ROUNDS = 3                      # codes within codes that are undone
_ID, _MOBILE, _CARD = (15, 18), (3, 4, 4), (16, 17, 18, 19)


def decoded(text: str) -> str:
    """The text with entities, escapes and percent codes undone, and tags as spaces."""
    for _ in range(ROUNDS):
        before = text
        text = html.unescape(text) if "&" in text else text
        text = _ESCAPE.sub(_character, text) if "\\" in text else text
        text = unquote(text, errors="replace") if "%" in text else text
        if text == before:
            break
    return _TAG.sub(" ", text) if "<" in text else text


def plainly(text: str) -> str:
    """The text as `fold` writes it, its numbers in plain digits."""
    line = fold(_COMPATIBLE.sub(lambda hit: f" {_count(hit.group())} ", _CODE.sub(_uncoded, decoded(text))))
    line = _SPOKEN.sub(lambda hit: "".join(_NUMERALS.get(one, "") for one in hit.group()), line)
    if "O" in line:
        line = _ROUND.sub(lambda hit: hit.group().replace("O", "0") if _some_digits(hit.group()) else hit.group(), line)
    return _APART.sub(_together, line)


def _count(mark: str) -> str:
    return str(int(numeric(mark)))


def _character(hit: re.Match[str]) -> str:
    code = int(next(one for one in hit.groups() if one), 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else " "


def _uncoded(hit: re.Match[str]) -> str:
    """A base64 code that holds a number, with what stands before its first whole group as it is."""
    code = hit.group()
    digits = _DIGITS_CODED.search(code)
    if digits is None:
        return code
    start = digits.start() % 4
    body = code[start:].replace("-", "+").replace("_", "/")
    text = b64decode(body[:len(body) - (len(body) % 4 == 1)] + "==", validate=False).decode("utf-8", errors="replace")
    return f"{code[:start]} {text} "


def _some_digits(text: str) -> bool:
    return sum(one.isdigit() for one in text) >= 5


def _together(hit: re.Match[str]) -> str:
    """Groups of digits as one number, where they are one: all of the run, or within a longer one such as a checksum speaks for."""
    run = hit.group()
    places = [(one.start(), one.end()) for one in _GROUP.finditer(run)]
    if _one_number(run, places, True):
        return "".join(run[start:end] for start, end in places)
    for first in range(len(places) - 1):
        for last in range(first + 2, min(len(places), first + 19) + 1):
            if _one_number(run, places[first:last], False):
                (start, _), (_, end) = places[first], places[last - 1]
                return f"{run[:start]} {''.join(run[a:b] for a, b in places[first:last])} {run[end:]}"
    return run


def _one_number(run: str, places: list[tuple[int, int]], whole: bool) -> bool:
    number = "".join(run[start:end] for start, end in places)
    sizes = tuple(end - start for start, end in places)
    if "X" in number[:-1] or (len(number) in _ID and id_shape(number) and (whole or id_check(number))):
        return "X" not in number[:-1]
    if not number.isdigit():
        return False
    if len(number) == 11:
        return number[0] == "1" and mobile_shape(number) and (sizes == _MOBILE or (whole and len(set(sizes[:-1])) == 1))
    return len(number) in _CARD and set(sizes[:-1]) == {4} and number[0] in "34569" and luhn(number)
