"""However a number is written, the engine's screen suspects it, the recognisers read it, and a column of such is judged as of plain ones."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.checksums import id_check
from privacy.column_counts import ColumnCounts
from privacy.column_verdicts import judge_counts
from privacy.recognisers import kinds_in, spans_in
from privacy.spellings import plainly
from privacy.suspicion import SUSPICIOUS

HIDDEN = "\u2066\u061c\U000e0020\U000e0100\u0301\u3164\u115f\u0001\u007f\u200b\u00ad"


def _grouped(size: int, between: str) -> Callable[[str], str]:
    return lambda number: between.join(number[at:at + size] for at in range(0, len(number), size))


def _digits(row: str, after: str = "") -> Callable[[str], str]:
    return lambda number: "".join((row[int(one)] if one.isdigit() else one) + after for one in number)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "circled": _digits("⓪①②③④⑤⑥⑦⑧⑨"), "filled circles": _digits("⓿❶❷❸❹❺❻❼❽❾"), "raised": _digits("⁰¹²³⁴⁵⁶⁷⁸⁹"),
    "keycaps": _digits("0123456789", "\ufe0f\u20e3"), "spoken": _digits("〇一二三四五六七八九"), "formal": _digits("零壹贰叁肆伍陆柒捌玖"),
    "O for 0": lambda number: number.replace("0", "O"), "o for 0": lambda number: number.replace("0", "o"),
    "entities": lambda number: "".join(f"&#{ord(one)};" for one in number),
    "hex entities": lambda number: "".join(f"&#x{ord(one):x};" for one in number),
    "escapes": lambda number: "".join(rf"\u{ord(one):04x}" for one in number),
    "percent": lambda number: "".join(f"%{ord(one):02X}" for one in number),
    "base64": lambda number: base64.b64encode(number.encode()).decode(),
    "base64 inside": lambda number: base64.b64encode(f"a{number}bc".encode()).decode(),
    "lines": _grouped(6, "<br>"), "spaces of a page": _grouped(4, "&nbsp;"), "every one": _grouped(1, "/"),
    **{f"four by {mark}": _grouped(4, mark) for mark in "/,、•:|;_\\"}, **{f"hidden {ord(mark):x}": mark.join for mark in HIDDEN}}


def resident(area: str, born: int, order: int) -> str:
    front = f"{area}{1940 + born % 70}{1 + born % 12:02}{1 + born % 28:02}{order:03}"
    return front + next(one for one in "0123456789X" if id_check(front + one))


RESIDENTS = st.builds(resident, st.sampled_from(("110101", "330106", "510104", "440305")), st.integers(0, 10_000), st.integers(0, 999))


@pytest.mark.parametrize("how", SPELLINGS)
@settings(deadline=None, max_examples=20)
@given(number=RESIDENTS)
def test_a_residents_number_is_read_in_every_spelling(how: str, number: str) -> None:
    text = SPELLINGS[how](number)
    assert kinds_in(text).get("resident_id"), text
    assert pc.match_substring_regex(pa.array([text]), SUSPICIOUS).to_pylist() == [True]
    assert any(span.kind == "resident_id" for span in spans_in(text))


@settings(deadline=None, max_examples=20)
@given(number=RESIDENTS, mark=st.sampled_from(HIDDEN), at=st.integers(1, 17))
def test_one_mark_that_cannot_be_seen_hides_nothing(number: str, mark: str, at: int) -> None:
    text = number[:at] + mark + number[at:]
    assert kinds_in(text).get("resident_id")
    assert pc.match_substring_regex(pa.array([text]), SUSPICIOUS).to_pylist() == [True]


@pytest.mark.parametrize("how", SPELLINGS)
def test_a_column_is_judged_as_one_of_plain_numbers(how: str) -> None:
    numbers = [resident("330106", at * 37, at * 7 % 1000) for at in range(60)]
    counts = ColumnCounts()
    counts.add(pa.array([SPELLINGS[how](one) for one in numbers]), pa.array([1] * 60), None)
    verdict = judge_counts("c", counts, ("编码",), None)
    assert (verdict.decision, counts.hits["resident_id"].checked) == ("DENY", 60)


@pytest.mark.parametrize("text", ["120m²，层高3m", "<b>路灯</b>不亮 &amp; 漏水", "2026/01/02 10:20:30", "涨幅 12%25", "①路面 ②照明 ③绿化",
                                  "二〇二六年十二月三十一日",
                                  "1990、1991、1992、1993、1994", "330102/330105/330106", "PO100200 O型圈", "1,234,567"])
def test_what_is_no_number_of_a_person_stays_none(text: str) -> None:
    assert kinds_in(text) == {}
    assert spans_in(text) == []


@settings(deadline=None, max_examples=20)
@given(text=st.text(alphabet=st.sampled_from(r"&#x;%\\u{}<br>MTEw0123456789ABC/:①²〇一O" + HIDDEN)
                    | st.characters(exclude_categories=("Cs",)), max_size=60))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    assert isinstance(plainly(text), str)


def _judged(values: list[str], header: str) -> tuple[str, tuple[str, ...]]:
    counts = ColumnCounts()
    counts.add(pa.array(values), pa.array([1] * len(values)), None)
    verdict = judge_counts("c", counts, (header,), None)
    return verdict.decision, verdict.reasons


@pytest.mark.parametrize("header", ["编码", "c", "订单编号"])
def test_numbers_with_a_birthday_and_no_check_digit_are_a_doubt(header: str) -> None:
    full = [resident("330106", at * 37, at * 7 % 1000) for at in range(80)]
    assert _judged([one[:6] + one[8:17] for one in full], header) == ("HOLD", ("resident_id.unchecked",))
    assert _judged([one[:17] for one in full], header) == ("HOLD", ("resident_id.unchecked",))


def test_codes_of_a_division_and_a_date_are_none_and_neither_are_other_numbers() -> None:
    assert _judged([f"330106{25 + at % 2}{1 + at % 12:02}{1 + at % 28:02}{at:03}" for at in range(80)], "订单编号")[0] == "PASS"
    assert _judged([str(220_000_000_000_000 + at * 7_919_003) for at in range(80)], "编码")[0] == "PASS"
