"""Free text: whatever points to a person is found and taken out, however it is spelled; what is harmless mostly stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest
from bench.privacy_text import rows, score
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.model import Model, load
from privacy.recognisers import spans_in
from privacy.remembered import Memory, remembered
from privacy.spans import Span
from privacy.text import TEXT_VERSION, find, redact, settled
from privacy.topics import topic_spans

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
    ("身份证已补办，市民曾犇赟反映。", "犇赟"),
    ("家里电话打不通，市民任骁甯反映。", "骁甯"),
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


@pytest.mark.parametrize("text", ["市民反映道路积水问题已派单处理", "居民多次反映道路积水", "市民来电反映道路积水",
                                  "地铁3号线早高峰拥挤", "空气质量优，PM2.5为12"])
def test_harmless_text_stays_as_it_is(model: Model, text: str) -> None:
    assert redact([text], model) == [text]


def test_spans_are_in_order_and_do_not_overlap_and_repeated_texts_say_the_same(model: Model) -> None:
    text = "王小明住文三路99号3幢501室，电话139 0000 7777，微信wang_xm88，王先生急。"
    spans = find([text, "无", text], model)
    assert spans[0] == spans[2]
    assert all(left.end <= right.start for left, right in zip(spans[0], spans[0][1:], strict=False))
    assert {"name", "mobile"} <= {span.kind for span in spans[0]}


def test_a_common_word_before_a_title_is_no_name(model: Model) -> None:
    assert redact(["高中老师来电反映积水"], model) == ["高中老师来电反映积水"]


@pytest.mark.parametrize(("text", "kind", "found"), [
    ("其父 确 诊 肺癌", "health", "确 诊"),
    ("当事人系基督徒", "religion", "基督徒"),
    ("孩子12岁走失", "minor", "12岁"),
    ("老人72岁走失", "minor", None),
    ("遭家庭暴力", "victim", "家庭暴力"),
    ("曾被判处有期徒刑", "crime", "有期徒刑"),
    ("道路积水", "health", None),
])
def test_topics_are_found_however_they_are_spaced(model: Model, text: str, kind: str, found: str | None) -> None:
    assert [text[span.start:span.end] for span in topic_spans(text) if span.kind == kind][:1] == ([found] if found else [])
    assert found is None or found not in redact([text], model)[0]


def test_a_wide_address_stays_and_a_door_does_not(model: Model) -> None:
    assert redact(["市民反映杭州市西湖区的道路积水"], model) == ["市民反映杭州市西湖区的道路积水"]
    left = redact(["杭州市西湖区文三路99号3幢501室漏水"], model)[0]
    assert not any(part in left for part in ("99号", "3幢", "501"))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12), st.sampled_from(["name", "address", "mobile"]), st.sampled_from([0.3, 0.5, 0.9])),
                max_size=12))
def test_settling_uncovers_nothing_and_leaves_no_overlap(given_: list[tuple[int, int, str, float]]) -> None:
    spans = [Span(start, start + length, kind, score) for start, length, kind, score in given_]
    after = settled(spans)
    assert {at for one in spans for at in range(one.start, one.end)} == {at for one in after for at in range(one.start, one.end)}
    assert all(left.end <= right.start for left, right in pairwise(after))


class Kept(dict[bytes, bytes]):
    """A store at hand."""

    def read(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        return {key: self[key] for key in keys if key in self}

    def write(self, entries: Mapping[bytes, bytes]) -> None:
        self.update(entries)


def test_what_was_found_is_remembered_without_the_text(model: Model) -> None:
    store = Kept()
    texts = ["王小明住文三路99号3幢501室", "无", "王小明住文三路99号3幢501室"]
    first = remembered(texts, Memory(b"secret", store), TEXT_VERSION, lambda new: find(new, model))
    assert first == find(texts, model)
    assert len(store) == 2
    kept = b"".join(key + value for key, value in store.items()).decode("latin-1")
    assert "501" not in kept
    assert "王" not in kept.encode("latin-1").decode("utf-8", "ignore")
    assert remembered(texts, Memory(b"secret", store), TEXT_VERSION, lambda new: pytest.fail("asked the model again")) == first


@pytest.mark.parametrize("damage", [b"", b"{}", b"[[0,99,\"name\",1,\"\"]]", b"[[1]]", b"\xff", b"12345678[]"])
def test_a_damaged_memory_is_found_anew(model: Model, damage: bytes) -> None:
    store = Kept()
    first = remembered(["王小明来电"], Memory(b"secret", store), TEXT_VERSION, lambda new: find(new, model))
    store.update(dict.fromkeys(store, damage))
    assert remembered(["王小明来电"], Memory(b"secret", store), TEXT_VERSION, lambda new: find(new, model)) == first


@pytest.mark.shared
def test_hotline_texts_keep_neither_numbers_nor_names(model: Model) -> None:
    corpus = rows("synth_hotline", 400)
    scores = score(corpus, find([row["text"] for row in corpus], model))
    assert scores["PERSON"]["cover"] >= 0.95
    assert scores["PERSON"]["charP"] >= 0.6
    assert scores["ADDRESS"]["charR"] >= 0.95
    for kind in ("CN_MOBILE", "CN_ID_CARD", "CN_BANK_CARD", "CN_PLATE", "EMAIL_ADDRESS", "CN_LANDLINE", "CN_PASSPORT", "CN_DISABLED", "CN_USCC"):
        assert scores[kind]["cover"] == 1.0
