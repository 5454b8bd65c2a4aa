"""Presidio over our model and recognisers: it finds what we find, sees cue words, and raises where it would pass over something."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from privacy.model import load
from privacy.presidio_engine import LANGUAGE, Engine, Unrecognised, ours
from privacy.text import candidates

PIECE = st.sampled_from(["王小明", "欧阳建国", "来电反映",
                         "文三路99号3幢501室", "13900007777", "，", "wang@example.org", "积水", "浙A12F45", "12岁", "。", " ", "李某某"])


@settings(max_examples=40, deadline=None)
@given(st.lists(PIECE, min_size=1, max_size=7).map("".join))
def test_presidio_finds_no_less_than_we_do(text: str) -> None:
    covered = {at for span in Engine(load()).analyze(text) for at in range(span.start, span.end)}
    for span in candidates(text, load().read([text])[0]):
        if span.kind != "place":
            assert covered.issuperset(range(span.start, span.end))


def test_a_text_of_everything() -> None:
    text = "王小明（13900007777）住杭州市西湖区文三路99号3幢501室，邮箱wang@example.org，儿子8岁患白血病"
    found = {span.kind: text[span.start:span.end] for span in Engine(load()).analyze(text, least=0.5)}
    assert found["mobile"] == "13900007777"
    assert found["email"] == "wang@example.org"
    assert found["address"].endswith("501室")
    assert {"name", "minor", "health"} <= found.keys()


def test_only_the_kinds_asked_for() -> None:
    assert {span.kind for span in Engine(load()).analyze("王小明13900007777", ["mobile"])} == {"mobile"}


@pytest.mark.parametrize("kinds", [["US_SSN"], ["name", "nonsense"], []])
def test_a_kind_nobody_recognises_is_refused_not_ignored(kinds: list[str]) -> None:
    with pytest.raises(Unrecognised):
        Engine(load()).analyze("王小明", kinds)


def test_a_pattern_recogniser_that_passes_over_time_outs_is_not_taken() -> None:
    plain = PatternRecognizer("order", supported_language=LANGUAGE, patterns=[Pattern("order", r"\d+", 0.3)])
    with pytest.raises(Unrecognised):
        Engine(load(), [plain])


class Raising(EntityRecognizer):
    """As one whose pattern timed out."""

    def load(self) -> None: ...

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None) -> list[RecognizerResult]:
        raise TimeoutError


def test_an_error_in_a_recogniser_comes_through() -> None:
    with pytest.raises(TimeoutError):
        Engine(load(), [Raising(["late"], supported_language=LANGUAGE)]).analyze("无")


class Passing(PatternRecognizer):
    """Counts as strict: it has an analyze of its own."""

    def analyze(self, *given: object, **more: object) -> list[RecognizerResult]:
        return list(super().analyze(*given, **more))


def test_a_cue_word_in_the_text_or_the_header_raises_the_score() -> None:
    permit = Passing("permit", supported_language=LANGUAGE, patterns=[Pattern("permit", r"(?<!\d)\d{7}(?!\d)", 0.2)], context=["护照"])
    engine = Engine(load(), [permit])
    bare, cued, headed = (engine.analyze(text, ["permit"], context)[0].score
                          for text, context in (("取件1234567", ()), ("他的护照1234567", ()), ("取件1234567", ("护照",))))
    assert cued > bare
    assert headed > bare


def test_a_recogniser_without_the_models_words_raises() -> None:
    with pytest.raises(Unrecognised):
        ours()[1].analyze("王小明", ["name"], None)
