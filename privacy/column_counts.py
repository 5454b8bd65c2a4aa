"""Counts over the distinct values of one column, slice by slice: what has an identifier's form as a whole cell (vectorised), what
stands inside longer texts (only in cells that could hold one), and what the language model reads in cells with Chinese characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy.model import Model, Reading
from privacy.names import SINGLE, like_a_name, name_spans
from privacy.recognisers import BY_KIND, fold, kinds_in, luhn
from privacy.screen import SUSPICIOUS, Hits
from privacy.text import door_spans

# Forms of whole cells, in RE2 and Python alike.
FORMS: Mapping[str, str] = {
    "resident_id": r"^[1-9]\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]$",
    "disability_card": r"^[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx][1-7][1-4]$",
    "social_credit_code": r"^(?:[159][1-9]|[2-8AY]1|N[1-3])\d{6}[0-9A-HJ-NPQRTUWXY]{10}$",
    "bank_card": r"^(?:62|60|4|5[1-5]|35|9)\d{14,17}$",
    "imei": r"^(?:86|35|01|99)\d{13}$",
    "vin": r"^[A-HJ-NPR-Z0-9]{8}[0-9X][A-HJ-NPR-Z0-9]{4}\d{4}$",
    "plate": r"^[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·. ]?[A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9学警港澳挂]$",
    "landline": r"^\(?0(?:10|2\d|[3-9]\d{2})\)?[- ]?[2-8]\d{6,7}$",
    "passport": r"^(?:[EG]\d{8}|E[A-HJ-NP-Z]\d{7}|[DSP]E?\d{7,8})$",
    "hmt_permit": r"^[HM]\d{8}(?:\d{2})?$",
    "ip": r"^(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$",
    "mac": r"^[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}$",
    "email": r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}$",
    "masked": r"^(?:1\d{2}[*xX×]{4}\d{4}|\d{3,6}[*xX×]{6,12}[\dXx]{2,4}|[\p{Han}][*×○]{1,2})$",
}
CHANCE: Mapping[str, float] = {"resident_id": 1 / 11, "disability_card": 1 / 11, "social_credit_code": 1 / 31, "bank_card": 0.1, "imei": 0.1,
                               "vin": 1 / 11}
VIN = dict(zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "012345678912345678123457923456789"), strict=True))
_SHORT, _LONG, _SURE = 6, 10, 0.7
_ASCII = re.compile(r"[\x21-\x7e\u3400-\u9fff]*")
_EMAIL = re.compile(r"[A-Z0-9][A-Z0-9._%+-]*@[A-Z0-9-]+(?:\.[A-Z0-9-]+)*\.[A-Z]{2}")
_UNALLOCATED = frozenset(("154", "160", "161", "163", "164", "168", "169", "179", "194"))


def vin_check(text: str) -> bool:
    """GB 16735: the ninth mark is the weighted sum modulo 11."""
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    return "0123456789X"[sum(VIN[mark] * weight for mark, weight in zip(text, weights, strict=True)) % 11] == text[8]


def _resident(text: str) -> bool:
    check = BY_KIND["resident_id"].check
    return check is None or check(text[:18].upper())


def _organisation(text: str) -> bool:
    check = BY_KIND["social_credit_code"].check
    return check is None or check(text)


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "resident_id": _resident, "disability_card": _resident, "social_credit_code": _organisation, "bank_card": luhn, "imei": luhn, "vin": vin_check,
}


@dataclass
class ColumnCounts:
    """`number` says that the column's type is a number. Counts are of distinct values, `cells` of cells."""

    number: bool = False
    cells: int = 0
    distinct: int = 0
    elevens: int = 0
    mobiles: int = 0
    han: int = 0
    names: int = 0
    read_names: int = 0
    within: int = 0
    doors: int = 0
    scattered: bool = False
    prefixes: set[str] = field(default_factory=set)
    hits: dict[str, list[int]] = field(default_factory=dict)

    @property
    def sequential(self) -> bool:
        """Whether the numbers of eleven digits follow one another, as serial numbers do and no subscribers' numbers."""
        return self.elevens > 0 and not self.scattered

    def add(self, values: pa.Array, cells: pa.Array, model: Model | None) -> None:
        """One slice of distinct texts and how many cells hold each. Without a model (a code list's words) no Chinese is read."""
        spelled = pc.utf8_trim_whitespace(values)
        odd = pc.invert(pc.match_substring_regex(spelled, r"^[\x21-\x7e\p{Han}]*$"))
        if pc.any(odd).as_py():         # full-width forms, gaps and marks that cannot be seen
            spelled = pa.array([text if _ASCII.fullmatch(text) else fold(text) for text in spelled.to_pylist()], pa.string())
        weights = cells.to_numpy(zero_copy_only=False)
        self.cells, self.distinct = self.cells + int(weights.sum()), self.distinct + len(values)
        whole = self._wholes(spelled, weights)
        self._mobiles(spelled, weights)
        eleven = pc.match_substring_regex(spelled, r"^\d{11}$").to_numpy(zero_copy_only=False)
        self._embedded(values, weights, ~(whole | eleven))
        self._read(values, weights, model)

    def kinds(self) -> dict[str, Hits]:
        """Every kind that has a hit."""
        return {kind: Hits(*figures) for kind, figures in sorted(self.hits.items()) if figures[1]}

    def _hit(self, kind: str, cells: int, distinct: int, checked: int) -> None:
        known = self.hits.setdefault(kind, [0, 0, 0])
        self.hits[kind] = [known[0] + cells, known[1] + distinct, known[2] + checked]

    def _wholes(self, texts: pa.Array, weights: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        taken = np.zeros(len(texts), dtype=bool)
        for kind, form in FORMS.items():
            if kind == "imei" and self.number:
                continue
            mask = pc.match_substring_regex(texts, form).to_numpy(zero_copy_only=False) & ~taken
            if kind == "social_credit_code" and mask.any():     # eighteen digits with a birth date were taken as a person's already
                mask &= pc.match_substring_regex(texts, r"[A-Z]|^[159][1-9]\d+$").to_numpy(zero_copy_only=False)
            if not mask.any():
                continue
            found = texts.filter(pa.array(mask)).to_pylist()
            checked = sum(map(_CHECKS[kind], found)) if kind in _CHECKS else 0
            self._hit(kind, int(weights[mask].sum()), len(found), checked)
            taken |= mask
        return taken

    def _mobiles(self, texts: pa.Array, weights: np.ndarray[Any, Any]) -> None:
        eleven = pc.match_substring_regex(texts, r"^(?:\+?86)?[- ]?\d{11}$").to_numpy(zero_copy_only=False)
        if not eleven.any():
            return
        found = texts.filter(pa.array(eleven)).to_pylist()
        numbers = np.array([int(text[-11:]) for text in found], dtype=np.int64)
        like = numbers // 10**9
        mobile = (like >= 13) & (like <= 19)
        heads = [str(number)[:3] for number in numbers[mobile].tolist()]
        self.elevens, self.mobiles = self.elevens + len(found), self.mobiles + int(mobile.sum())
        self.prefixes |= set(heads)
        gaps = np.diff(np.sort(numbers))
        self.scattered |= len(numbers) < 30 or float(np.median(gaps)) > 100 or int(np.ptp(numbers)) >= 10**9
        if mobile.any():
            self._hit("mobile", int(weights[eleven][mobile].sum()), int(mobile.sum()), sum(head not in _UNALLOCATED for head in heads))

    def _embedded(self, values: pa.Array, weights: np.ndarray[Any, Any], left: np.ndarray[Any, Any]) -> None:
        mask = pc.match_substring_regex(values, SUSPICIOUS).to_numpy(zero_copy_only=False) & left
        for value, count in zip(values.filter(pa.array(mask)).to_pylist(), weights[mask].tolist(), strict=True):
            found = kinds_in(value)
            if "email" not in found and _EMAIL.search(fold(value)):        # also where the sentence's full stop follows
                found = {**found, "email": True}
            for kind, sure in found.items():
                self._hit(kind, count, 1, int(sure))

    def _read(self, values: pa.Array, weights: np.ndarray[Any, Any], model: Model | None) -> None:
        mask = pc.match_substring_regex(values, r"\p{Han}").to_numpy(zero_copy_only=False)
        texts, counts = values.filter(pa.array(mask)).to_pylist(), weights[mask].tolist()
        if model is None or not texts:
            return
        for text, count, reading in zip(texts, counts, model.read(texts), strict=True):
            self._text(text.strip(), text, count, reading)

    def _text(self, short: str, text: str, count: int, reading: Reading) -> None:
        self.han += 1
        if len(short) <= _SHORT and like_a_name(short):
            seen = any(end - start >= len(short) - 1 for start, end in (*reading.likely, *reading.faint))
            if seen or (short[0] in SINGLE and len(short) == 3):
                self.names += 1
                self._hit("name", count, 1, 0)
            self.read_names += int(any(word == short and tag == "PER" for word, tag in reading.words))
        elif len(short) >= _LONG and _within(text, reading):
            self.within += 1
            self._hit("name", count, 1, 0)
        if door_spans(text):
            self.doors += 1
            self._hit("address", count, 1, 0)


def _within(text: str, reading: Reading) -> bool:
    """A name inside running text: read as one and written like one, or before a title or after a word that asks for one."""
    likely = set(reading.likely)
    return any(span.score >= _SURE and ((span.start, span.end) not in likely or like_a_name(text[span.start:span.end]))
               for span in name_spans(text, reading))
