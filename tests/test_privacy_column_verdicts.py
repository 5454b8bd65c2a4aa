"""Column verdicts: the zoo's bars, and what holds a column."""

from __future__ import annotations

import random
import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
import zoo
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.column_counts import ColumnCounts
from privacy.column_verdicts import ColumnVerdict, judge_counts
from privacy.headers import attribute, header_kinds, of_things
from privacy.identifiers import BY_KIND
from privacy.model import load
from privacy.values import judge_values


def verdict(values: list[str], header: str = "F17", rows: int | None = None, number: bool = False, strict: bool = False) -> ColumnVerdict:
    counted, counts = Counter(values), ColumnCounts(number=number)
    counts.add(pa.array(list(counted), pa.string()), pa.array(list(counted.values()), pa.int64()), load())
    return judge_counts("c", counts, (header,), None, len(values) if rows is None else rows, strict)


def test_zoo_bars() -> None:
    judged = [(kind, style, flagged, verdict(values, header).decision) for kind, style, header, flagged, values in zoo.columns(200)]
    harmless = [one for one in judged if not one[2]]
    assert len(zoo.KINDS) >= 60
    assert len(harmless) >= len(judged) / 2
    assert [one for one in judged if one[2] and one[3] == "PASS"] == []
    assert sum(one[3] == "DENY" for one in harmless) <= 0.02 * len(harmless)
    assert sum(one[3] == "HOLD" for one in harmless) <= 0.06 * len(harmless), [one for one in harmless if one[3] != "PASS"]


@pytest.mark.parametrize("kind", ["resident", "card", "mobile", "plate", "vin", "email", "mac"])
def test_certain_kinds_are_denied_under_any_header(kind: str) -> None:
    r = random.Random(kind)
    assert verdict([zoo.KINDS[kind][3](r) for _ in range(200)]).decision == "DENY"


def test_a_checksum_at_chance_speaks_against_the_kind_and_a_header_for_it() -> None:
    r = random.Random(3)
    codes = [zoo.KINDS["code_18"][3](r) for _ in range(600)]
    assert verdict(codes).decision == "PASS"
    assert verdict(codes, "身份证号").decision == "HOLD"
    assert verdict([*codes, *(zoo.resident(r) for _ in range(100))]).decision != "PASS"


def test_a_partial_scan_holds() -> None:
    assert verdict(["a", "b"], rows=3).reasons == ("partial",)
    assert verdict(["a", "b"], rows=3).decision == "HOLD"


def test_serials_that_look_like_mobiles_pass_and_scattered_ones_do_not() -> None:
    r, serial = random.Random(4), zoo.counter(13500000000, 100)
    assert verdict([serial(r) for _ in range(3000)]).decision == "PASS"
    assert verdict([zoo.mobile(r) for _ in range(300)], number=True).decision == "HOLD"


def test_a_short_sequence_may_be_the_numbers_that_one_body_was_issued() -> None:
    block = [str(13912340000 + at) for at in range(1000)]
    assert verdict(block).decision == "HOLD"
    assert verdict(block, "工单编号").decision == "PASS"
    assert verdict(block, "工单编号", strict=True).decision == "HOLD"


def test_a_few_real_numbers_among_codes_made_of_a_date_are_not_passed() -> None:
    r = random.Random(6)
    codes = [zoo.KINDS["code_18"][3](r) for _ in range(600)]
    assert verdict([*codes, *(zoo.resident(r) for _ in range(8))]).decision == "HOLD"
    assert verdict(codes, strict=True).decision == "HOLD"


def test_numbers_that_a_spreadsheet_rounded_are_not_passed() -> None:
    r = random.Random(7)
    assert verdict([zoo.resident(r)[:15] + "000" for _ in range(200)]).decision != "PASS"
    assert verdict([zoo.resident(r)[:17] + "5" for _ in range(9)]).decision != "PASS"


def test_the_strict_profile_holds_on_one_identifier_or_door_in_any_company() -> None:
    r = random.Random(8)
    words = [f"word{at}" for at in range(2000)]
    for kind in ("card", "mobile", "plate", "email", "ip"):
        assert verdict([*words, zoo.KINDS[kind][3](r)], strict=True).decision == "HOLD", kind
    assert verdict([*words, zoo.resident(r)], strict=True).decision == "DENY"
    assert verdict([*(zoo.ordinary(r) for _ in range(300)), zoo.KINDS["address_text"][3](r)], strict=True).decision == "HOLD"
    assert verdict(words, strict=True).decision == "PASS"


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_one_identifier_that_no_chance_makes_is_certain_and_every_other_one_a_doubt(seed: int) -> None:
    r = random.Random(seed)
    words = [f"word{at}" for at in range(40)]
    for text in ("{}", "see {}.", "登记人证件{}已核", "x {} y"):
        assert verdict([*words, text.format(zoo.resident(r))]).reasons == ("resident_id.certain",)
    assert verdict([*words, zoo.resident(r)], "订单编号").decision == "HOLD"
    wrong = zoo.resident(r)
    wrong = wrong[:17] + ("1" if wrong[17] == "0" else "0")
    for value in (wrong, zoo.KINDS["card"][3](r), zoo.mobile(r), zoo.KINDS["email"][3](r)):
        assert verdict([*words, f"see {value} there"]).decision == "HOLD"


@pytest.mark.parametrize("kind", sorted(kind for kind, spec in BY_KIND.items() if spec.random < 1))
def test_random_codes_are_as_rare_as_their_specification_says(kind: str) -> None:
    """A million codes drawn from the first core: the declared share passes, within what chance moves."""
    draw, n, places = np.random.default_rng(1), 1_000_000, []
    for group, times, single in re.findall(r"\[([^]]+)\](?:\{(\d+)\})?|(\d)", BY_KIND[kind].cores[0].split("(?:")[0]):
        marks = [ord(mark) for mark in "0123456789X" if re.match(f"[{group or single}]", mark)]
        places += [draw.choice(marks, n) for _ in range(int(times or 1))]
    values = pa.array([code.decode() for code in np.array(places, dtype=np.uint8).T.copy().view(f"S{len(places)}").ravel()])
    passed = judge_values(values, pa.array(np.ones(n, np.int64)))[kind].checked / n
    assert BY_KIND[kind].random / 3 < passed < 1.5 * BY_KIND[kind].random       # some tens of codes: chance moves them a little


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from(["resident", "mobile", "email", "card"]))
def test_one_identifier_in_a_column_of_words_is_never_passed(seed: int, kind: str) -> None:
    r = random.Random(seed)
    assert verdict([*(f"word{at}" for at in range(40)), f"see {zoo.KINDS[kind][3](r)}."]).decision != "PASS"


@pytest.mark.parametrize(("header", "values"), [
    ("姓", ["王", "李", "张"]), ("名", ["伟", "芳", "秀英"]), ("姓 氏", ["欧阳"]), ("First_Name", ["Wei", "Fang"]), ("surname", ["Wang"]),
    ("姓名拼音", ["wang xiaoming", "li na"])])
def test_halves_and_latin_spellings_of_names_are_doubted_by_their_header(header: str, values: list[str]) -> None:
    found = verdict(values, header)
    assert (found.decision, found.reasons) == ("HOLD", ("name.header",))
    assert verdict(values, "F17").decision == "PASS"


def test_headers() -> None:
    assert header_kinds("身份证号") == header_kinds("sfzh") == header_kinds("ID_CARD") == {"resident_id"}
    assert [of_things(name) for name in ("订单编号", "DDH", "联系电话")] == [True, True, False]
    assert not header_kinds("F17")
    assert header_kinds("姓　　名") == header_kinds("姓 名") == header_kinds("full name") == {"name"}
    assert header_kinds("身 份 证 号") == header_kinds("id card") == header_kinds("Ｉｄ－Ｃａｒｄ") == {"resident_id"}
    assert [attribute(header) for header in ("性 别", "Birth date", "aged")] == [True, True, False]


def test_a_declared_level_is_never_lowered() -> None:
    assert verdict(["a"]).suggested_level == "L1"
    r = random.Random(5)
    assert verdict([zoo.resident(r) for _ in range(50)]).suggested_level == "L4"
