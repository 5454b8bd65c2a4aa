"""A cue in traditional characters, in entities or escapes, with letters that are blank, or over two cells is one; the engine's search finds it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.characters import SIMPLIFIED, simplified
from privacy.negative_list import load_policy
from privacy.secrecy import SEPARATOR, cues_in, folded, possible_pattern

BASE = load_policy(None)
LONG = [word for word in (*BASE.strong, *BASE.weak) if len(word) > 2]
TRADITIONAL = {new: old for old, new in SIMPLIFIED.items()}
WAYS = {"blank letters": "\u3164".join, "more blank letters": "\u115f\uffa0\U000e0100".join,
        "traditional": lambda word: "".join(TRADITIONAL.get(one, one) for one in word),
        "entities": lambda word: "".join(f"&#{ord(one)};" for one in word), "hex entities": lambda word: "".join(f"&#x{ord(one):X};" for one in word),
        "escapes": lambda word: "".join(rf"\u{ord(one):04x}" for one in word),
        "percent": lambda word: "".join(f"%{byte:02X}" for byte in word.encode()), "tags": "<b></b>".join, "spaces of a page": "&nbsp;".join}


@pytest.mark.parametrize("how", WAYS)
@settings(deadline=None, max_examples=30)
@given(word=st.sampled_from([*BASE.strong, *BASE.weak]))
def test_no_way_of_writing_hides_a_cue(how: str, word: str) -> None:
    text = f"前文，{WAYS[how](word)}，后文"
    assert cues_in(BASE, text)
    assert pc.match_substring_regex(pa.array([text]), possible_pattern(BASE)).to_pylist() == [True]


@settings(deadline=None, max_examples=50)
@given(word=st.sampled_from(LONG), data=st.data())
def test_a_cue_over_two_cells_is_one(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(word) - 1))
    text = SEPARATOR.join(["甲", word[:at], word[at:], "乙"])
    assert cues_in(BASE, text)
    assert pc.match_substring_regex(pa.array([text]), possible_pattern(BASE)).to_pylist() == [True]


@pytest.mark.parametrize("text", ["市长热线。人工转接", "路灯不亮 &amp; 漏水 <br>", "涨幅 12%25", "電話已轉接"])
def test_ordinary_texts_hold_none(text: str) -> None:
    assert not cues_in(BASE, text)


def test_the_table_is_one_to_one_in_length_and_at_rest() -> None:
    assert all(len(old) == len(new) == 1 and new not in SIMPLIFIED for old, new in SIMPLIFIED.items())
    assert simplified("電話") == folded("電話") == "电话"
