"""Recognisers and the screen: what counts, in which spelling; and that the fast first step lets nothing by that counts."""

from __future__ import annotations

import random

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.contract import ColumnType
from catalog.dialect import render
from privacy.recognisers import USCC_ALPHABET, fold, kinds_in, luhn, uscc_check
from privacy.screen import possible_query
from privacy.suspicion import SUSPICIOUS


def resident_id(seed: int) -> str:
    """A well-formed number that nobody was given on purpose: made here, at run time."""
    rng = random.Random(seed)
    body = f"330106{rng.randint(1950, 2010)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}{rng.randint(1, 999):03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def bank_card(seed: int) -> str:
    body = "622848" + "".join(random.Random(seed).choice("0123456789") for _ in range(12))
    return next(body + digit for digit in "0123456789" if luhn(body + digit))


def credit_code(seed: int) -> str:
    rng = random.Random(seed)
    body = "91330100" + "".join(rng.choice(USCC_ALPHABET) for _ in range(9))
    return next(body + mark for mark in USCC_ALPHABET if uscc_check(body + mark))


def mobile(seed: int) -> str:
    return "1" + str(random.Random(seed).randint(3_000_000_000, 9_999_999_999))


MADE = {"resident_id": resident_id, "bank_card": bank_card, "social_credit_code": credit_code, "mobile": mobile,
        "email": lambda seed: f"user{seed}@mail.example.cn"}
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
    return found == (1,)


NO_ADDRESS = ("spaced", "thin spaces", "among words", "touching letters", "in brackets", "Arabic digits")     # an address with spaces in it is none
NO_CODE = ("touching letters",)                                # a credit code has letters of its own
PAIRS = [(kind, name) for kind in MADE for name in SPELLINGS
         if not (kind == "email" and name in NO_ADDRESS) and not (kind == "social_credit_code" and name in NO_CODE)]


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


PIECES = st.sampled_from(["1", "3", "8", "0", "9", "6", "2", "A", "X", "x", "１", "３", "＠", "@", ".", "-", " ", "\u3000", "\u2009", "\u200b", "－",
                          "ß", "张", "com", "9133", "0106", "1990", "86", "+", "_", "\n"])


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(PIECES, st.integers(0, 50).map(mobile), st.integers(0, 50).map(resident_id), st.integers(0, 50).map(credit_code),
                          st.integers(0, 50).map(bank_card)), max_size=30).map("".join))
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
