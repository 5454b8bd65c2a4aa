"""Recognisers and the screen: what counts, in which spelling; and that the fast first step lets nothing by that counts."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from privacy_values import BARE, MADE, PIECES, WORDED, mobile, resident_id

from catalog.contract import ColumnType
from catalog.dialect import render
from privacy.identifiers import BY_KIND, COUNTS
from privacy.recognisers import fold, kinds_in, luhn, spans_in, uscc_check
from privacy.screen import possible_query
from privacy.suspicion import SUSPICIOUS

SPELLINGS = {
    "bare": lambda t: t, "in Chinese": lambda t: f"联系{t}转办", "lower": str.lower, "spaced": lambda t: " ".join(t),
    "full width": lambda t: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in t),
    "zero width": lambda t: "\u200b\u200b\u200b".join(t), "thin spaces": lambda t: t[:3] + "\u2009" + t[3:7] + "\u2009" + t[7:],
    "touching letters": lambda t: f"tel{t}x", "in brackets": lambda t: f"({t[:3]}){t[3:]}",
    "Arabic digits": lambda t: "".join(chr(0x660 + int(c)) if c.isdigit() else c for c in t),
    "among words": lambda t: "please call " * 30 + t[:3] + " " + t[3:7] + " " + t[7:] + " after six",
}


def suspicious(texts: list[str]) -> list[bool]:
    con = duckdb.connect()
    return [row[0] for row in con.execute("SELECT regexp_matches(unnest(?), ?)", [texts, SUSPICIOUS]).fetchall()]


def possible(text: str) -> bool:
    """Whether the cheap step before the regex leaves a column with only this cell to be looked at."""
    con = duckdb.connect()
    con.execute("CREATE TABLE seen AS SELECT CAST(? AS VARCHAR) AS value", [text])
    found = con.execute(render(possible_query({"value": ColumnType("text")}, "seen"), "duckdb")).fetchone()
    return found is not None and found[1] == 1


# Kinds in which a gap is a different value, and kinds that have letters of their own.
TIGHT = ("email", "ip", "mac", "url_token")
LETTERED = ("social_credit_code", "vin", "ip", "mac", "plate", "url_token")
GAPPED = ("spaced", "thin spaces", "among words", "in brackets")
PAIRS = [(kind, name) for kind in BARE for name in SPELLINGS
         if not (kind in TIGHT and name in (*GAPPED, "touching letters")) and not (kind in LETTERED and name == "touching letters")
         and not (kind == "email" and name == "Arabic digits")]


@pytest.mark.parametrize(("kind", "spelling"), PAIRS)
def test_every_spelling_of_every_kind_is_found(kind: str, spelling: str) -> None:
    text = SPELLINGS[spelling](MADE[kind](7))
    assert kind in kinds_in(text)
    assert suspicious([text]) == [True]
    assert possible(text)


@pytest.mark.parametrize("text", [
    "", "2026-11-24 10:11:12", "20261124101112", "订单 202611240001", "120.15507,30.27408", "330106", "H2O", "总价 12,345,678,901 元", "a@b",
])
def test_ordinary_values_are_no_identifiers(text: str) -> None:
    assert kinds_in(text) == {}


def test_a_wrong_check_digit_still_identifies() -> None:
    right = resident_id(3)
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    assert kinds_in(right)["resident_id"] is True
    assert kinds_in(wrong)["resident_id"] is False


def test_numbers_that_run_together_are_found() -> None:
    text = mobile(1) + mobile(2)
    assert "mobile" in kinds_in(text)
    assert suspicious([text]) == [True]


def test_no_token_can_look_like_a_number() -> None:
    from catalog import dialect as d

    con = duckdb.connect()
    con.execute("CREATE TABLE r AS SELECT CAST(i AS VARCHAR) AS t FROM range(2000) s(i)")
    query = f"SELECT {d.render(d.hmac_token(d.col('t')), 'duckdb')} FROM r"
    tokens = [row[0] for row in con.sql(query, params={"ipad": b"a" * 64, "opad": b"b" * 64}).fetchall()]
    assert len(set(tokens)) == 2000
    assert all(kinds_in(token) == {} for token in tokens)


def test_old_numbers_of_fifteen_digits_count() -> None:
    assert "resident_id" in kinds_in("330106" + "610203" + "001")


def test_an_all_digit_credit_code_is_no_bank_card() -> None:
    codes = [f"913301{n:011d}" for n in range(3000)]
    whole = [code + mark for code in codes for mark in "0123456789" if uscc_check(code + mark) and luhn(code + mark)]
    assert len(whole) > 20
    assert all(set(kinds_in(code)) == {"social_credit_code"} for code in whole)
    cards = [card + digit for card in (f"62{n:015d}" for n in range(3000)) for digit in "0123456789" if luhn(card + digit)]
    assert all("bank_card" in kinds_in(card) for card in cards)
    old = [card + digit for card in (f"91{n:015d}" for n in range(3000)) for digit in "0123456789" if luhn(card + digit)]
    assert all(kinds_in(card) for card in old)        # one kind or the other: it is held in either case


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_the_first_steps_let_nothing_by(text: str) -> None:
    if kinds_in(text):
        assert suspicious([text]) == [True]
        assert possible(text)


def test_columns_of_short_cells_need_no_search() -> None:
    assert [possible(text) for text in ("", "西湖区", "12.50", "2026-11-24 10:11")] == [False, False, False, True]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_folding_is_stable(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize("kind", sorted(WORDED))
def test_a_word_nearby_makes_a_weak_form_count(kind: str) -> None:
    text = WORDED[kind]
    assert kind in kinds_in(text)
    assert suspicious([text]) == [True]
    assert possible(text)
    [span] = [span for span in spans_in(f"您好，{text}，谢谢") if span.kind == kind]
    assert span.score >= COUNTS


def test_every_kind_with_a_form_is_tried_here() -> None:
    assert {kind for kind, spec in BY_KIND.items() if spec.cores} == {*BARE, *WORDED}


@pytest.mark.parametrize("text", ["12345", "110", "0571-12345", "95588", "400-820-8820", "8008208820", "0571-96345", "拨打12345热线", "114"])
def test_public_service_numbers_are_nobodys(text: str) -> None:
    assert kinds_in(text) == {}
    assert spans_in(text) == []


@pytest.mark.parametrize(("text", "kinds"), [
    ("1.3800001111E+10", {"mobile"}), ("1.3800001111e10", {"mobile"}), ("13,800,001,111", {"mobile"}), ("13,800,001,111元", set()),
    ("￥13,800,001,111", set()), ("3.30106199003071E+17", {"resident_id"}), ("13800001111.0", {"mobile"}), ("li at example.com", {"email"}),
    ("li(at)example.com", {"email"}), ("li [at] example . com", {"email"}), ("look at example", set()), ("+86 138-0000-1111", {"mobile"}),
    ("008613800001111", {"mobile"}), ("(0571)8888 0000", {"landline"}), ("010-88880000", {"landline"}), ("0199-88880000", set()),
])
def test_what_spreadsheets_and_people_make_of_values(text: str, kinds: set[str]) -> None:
    assert set(kinds_in(text)) == kinds
    if kinds:
        assert suspicious([text]) == [True]


def test_a_word_against_it_lowers_a_number_in_a_text_and_not_at_the_gate() -> None:
    number = "13800001111"
    assert [span.kind for span in spans_in(f"订单号{number}")] == []
    assert [span.kind for span in spans_in(f"订单号123，手机{number}")] == ["mobile"]
    assert "mobile" in kinds_in(f"订单号{number}")


def test_an_unallocated_prefix_weighs_less() -> None:
    [known], [unknown] = spans_in("13800001111"), spans_in("15400001111")
    assert unknown.score < known.score


def test_eighteen_digits_with_a_birth_date_are_a_person_first() -> None:
    codes = [f"110101199001{n:05d}" + mark for n in range(1000, 2000) for mark in "0123456789" if uscc_check(f"110101199001{n:05d}" + mark)]
    assert codes
    assert all("social_credit_code" not in kinds_in(code) for code in codes if "resident_id" in kinds_in(code))


def test_places_are_of_the_text_as_it_came() -> None:
    text = "电话\u200b １３８\u200b０ ０００-１１１１ 转"
    [span] = spans_in(text)
    assert (text[span.start], text[span.end - 1], span.kind) == ("１", "１", "mobile")
    assert fold(text[span.start:span.end]) == "1380 000-1111"


def test_a_header_speaks_for_a_cell() -> None:
    assert spans_in("E12345678") == []
    assert [span.kind for span in spans_in("E12345678", context="护照号")] == ["passport"]


def test_a_masked_value_is_seen_and_is_no_reason_of_its_own() -> None:
    assert [span.kind for span in spans_in("138****1111")] == ["masked"]
    assert kinds_in("138****1111") == {}
