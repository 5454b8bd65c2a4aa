"""Free text: whatever points to a person is found and taken out, however it is spelled; what is harmless mostly stays."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.model import Model, load
from privacy.recognisers import spans_in
from privacy.text import find, redact

GAP = st.sampled_from(["", " ", "-", "　", "\u200b", " \u200b-"])
CONTEXT = st.sampled_from(["", "投诉人电话", "市民来电反映道路积水，", "请联系：", "abc", "（"])


@pytest.fixture(scope="module")
def model() -> Model:
    return load()


@settings(max_examples=60, deadline=None)
@given(CONTEXT, GAP, GAP, st.sampled_from(["", "，请回电", "。", "）", "abc"]), st.integers(3, 9), st.integers(0, 10**9 - 1))
def test_no_spelling_of_a_mobile_number_stays(before: str, first: str, second: str, after: str, lead: int, rest: int) -> None:
    number = f"1{lead}{rest:09d}"
    text = f"{before}{number[:3]}{first}{number[3:7]}{second}{number[7:]}{after}"
    left = redact([text], load())[0]
    assert number[3:7] not in left
    assert number[7:] not in left
    assert any(span.kind == "mobile" and text[span.start] == "1" for span in spans_in(text))


@pytest.mark.parametrize(("text", "hidden"), [
    ("市民王小明来电反映积水", "王小明"),
    ("王先生称楼上漏水", "王"),
    ("联系人：欧阳建国", "欧阳建国"),
    ("游客阿卜杜拉·买买提投诉", "买买提"),
    ("李某某与张某发生纠纷", "李某某"),
    ("车牌浙A·12F45占道", "12F45"),
    ("加我微信号wang_xm88处理", "wang_xm88"),
    ("护照E12345678遗失", "12345678"),
    ("文三路99号3幢2单元501室漏水", "501室"),
    ("链接https://example.org/pay?token=abc123打不开", "abc123"),
    ("座机0571-8700 0001无人接听", "0001"),
    ("邮箱xm.wang@example.org未回复", "xm.wang"),
])
def test_what_points_to_a_person_does_not_stay(model: Model, text: str, hidden: str) -> None:
    assert hidden not in redact([text], model)[0]


@pytest.mark.parametrize("text", ["市民反映道路积水问题已派单处理", "地铁3号线早高峰拥挤", "空气质量优，PM2.5为12"])
def test_harmless_text_stays_as_it_is(model: Model, text: str) -> None:
    assert redact([text], model) == [text]


def test_spans_are_in_order_and_do_not_overlap_and_repeated_texts_say_the_same(model: Model) -> None:
    text = "王小明住文三路99号3幢501室，电话139 0000 7777，微信wang_xm88，王先生急。"
    spans = find([text, "无", text], model)
    assert spans[0] == spans[2]
    assert all(left.end <= right.start for left, right in zip(spans[0], spans[0][1:], strict=False))
    assert {"name", "mobile"} <= {span.kind for span in spans[0]}
