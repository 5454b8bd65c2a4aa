"""Check digits and shapes of single identifiers, on the folded compact form. A check says how likely, never whether."""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"
# GB/T 2260 and GB 11643: provinces; 81 to 84 are the numbers of Hong Kong, Macao and Taiwan residents.
PROVINCES = frozenset(str(code) for code in (
    *range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, *range(81, 84)))
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
VIN_VALUES = {**{str(digit): digit for digit in range(10)},
              **dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))}
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_BODIES = frozenset(f"{office}{kind}" for office, kinds in (("1", "1239"), ("2", "19"), ("3", "123459"), ("4", "19"), ("5", "1239"), ("6", "129"),
                    ("7", "129"), ("8", "19"), ("9", "123"), ("A", "19"), ("N", "1239"), ("Y", "1")) for kind in kinds)


@cache
def numbers(name: str) -> frozenset[str]:
    """The first column of a list of this folder's data."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return frozenset(row[0] for row in list(csv.reader(file))[1:])


def day(text: str) -> bool:
    """Eight digits that are a day of a living or lately living person."""
    try:
        return date(1900, 1, 1) <= date(int(text[:4]), int(text[4:6]), int(text[6:8])) <= date(2100, 1, 1)
    except ValueError:
        return False


def id_shape(text: str) -> bool:
    """Province and birth date are possible (15 or 18 characters, GB 11643)."""
    birth = text[6:14] if len(text) >= 18 else "19" + text[6:12]
    return text[:2] in PROVINCES and day(birth)


def id_check(text: str) -> bool:
    """MOD 11-2 of GB 11643 / ISO 7064 over the first 18 characters; numbers of 15 digits have none."""
    if len(text) < 18:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text[:17], ID_WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == text[17]


def foreigner_shape(text: str) -> bool:
    """Permanent residence card: 18 digits from 9 (2023), or three letters, place, birth date (GA/T 1193)."""
    return day(text[6:14]) if text[0] == "9" else day("19" + text[7:13]) or day("20" + text[7:13])


def luhn(text: str) -> bool:
    """ISO/IEC 7812-1 Annex B."""
    total = 0
    for at, digit in enumerate(reversed(text)):
        value = int(digit) * (2 if at % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def uscc_check(text: str) -> bool:
    """MOD 31 of GB 32100-2015."""
    if len(text) != 18 or any(mark not in USCC_ALPHABET for mark in text):
        return False
    total = sum(USCC_ALPHABET.index(mark) * pow(3, at, 31) for at, mark in enumerate(text[:17]))
    return USCC_ALPHABET[(31 - total % 31) % 31] == text[17]


def credit_shape(text: str) -> bool:
    """Kind of body (GB 32100 annex A) and place are possible. 18 pure digits with a birth date are a person, though one in 31 passes."""
    return (not (text[:17].isdigit() and id_shape(text)) and text[:2] in _BODIES and (text[2:4] in PROVINCES or text[2:4] == "10"))


def card_shape(text: str) -> bool:
    """No enterprise's all-digit credit code and no resident's number, one in ten of which pass Luhn; a card passes theirs more seldom."""
    return len(text) != 18 or not ((credit_shape(text) and uscc_check(text)) or (id_shape(text) and id_check(text)))


def vin_check(text: str) -> bool:
    """GB 16735, ISO 3779: the ninth character."""
    total = sum(VIN_VALUES[mark] * weight for mark, weight in zip(text, VIN_WEIGHTS, strict=True))
    return "0123456789X"[total % 11] == text[8]


def mobile_shape(text: str) -> bool:
    """The prefix is allocated."""
    return text[-11:][:3] in numbers("mobile_prefixes.csv")


def area_shape(text: str) -> bool:
    """The area code exists (with its 0, with +86 in its place, or none at all)."""
    code = text.lstrip("+0")
    if text[0] == "+" or text.startswith(("86", "0086", "086")):
        code = code.removeprefix("86").lstrip("0")
    return any("0" + code[:length] in numbers("area_codes.csv") for length in (2, 3))


def ip_shape(text: str) -> bool:
    """No version or section number: some part is beyond what those count to."""
    return ":" in text or any(int(part) > 31 for part in text.split("."))


def quad(text: str) -> bool:
    """An address in a network, which is no telephone number with dots between its groups."""
    parts = text.split(".")
    return len(parts) == 4 and all(part.isdigit() and int(part) <= 255 for part in parts)


def always(_: str) -> bool:
    """A shape without further demands."""
    return True
