"""Column verdicts: the zoo's bars, and what holds a column."""

from __future__ import annotations

import random
from collections import Counter

import pyarrow as pa
import pytest
import zoo
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.column_counts import FORMS, ColumnCounts
from privacy.column_verdicts import ColumnVerdict, judge_counts
from privacy.headers import header_kinds, of_things
from privacy.model import load


def verdict(values: list[str], header: str = "F17", rows: int | None = None, number: bool = False) -> ColumnVerdict:
    counted, counts = Counter(values), ColumnCounts(number=number)
    counts.add(pa.array(list(counted), pa.string()), pa.array(list(counted.values()), pa.int64()), load())
    return judge_counts("c", counts, (header,), None, len(values) if rows is None else rows)


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
    r, serial = random.Random(4), zoo.counter(13500000000, 5)
    assert verdict([serial(r) for _ in range(300)]).decision == "PASS"
    assert verdict([zoo.mobile(r) for _ in range(300)], number=True).decision == "HOLD"


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from(["resident", "mobile", "email", "card"]))
def test_one_identifier_in_a_column_of_words_is_never_passed(seed: int, kind: str) -> None:
    r = random.Random(seed)
    assert verdict([*(f"word{at}" for at in range(40)), f"see {zoo.KINDS[kind][3](r)}."]).decision != "PASS"


def test_headers() -> None:
    assert header_kinds("身份证号") == header_kinds("sfzh") == header_kinds("ID_CARD") == {"resident_id"}
    assert [of_things(name) for name in ("订单编号", "DDH", "联系电话")] == [True, True, False]
    assert not header_kinds("F17")


def test_a_declared_level_is_never_lowered() -> None:
    assert verdict(["a"]).suggested_level == "L1"
    r = random.Random(5)
    assert verdict([zoo.resident(r) for _ in range(50)]).suggested_level == "L4"
    assert "resident_id" in FORMS
