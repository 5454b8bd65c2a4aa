"""The table as Presidio recognisers: what they find, the screen finds; they raise where Presidio would go on."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from presidio_analyzer import EntityRecognizer
from privacy_values import MADE, PIECES

from privacy.identifiers import BY_KIND, COUNTS
from privacy.presidio_specs import RecogniserFailed, SpecRecogniser, presidio_recognisers
from privacy.recognisers import fold, kinds_in, spans_in
from privacy.suspicion import SUSPICIOUS
from privacy.values import judge_values

RECOGNISERS: list[EntityRecognizer] = presidio_recognisers()


def presidio(text: str) -> list[tuple[str, int, int, float]]:
    return [(one.entity_type, one.start, one.end, one.score) for recogniser in RECOGNISERS
            for one in recogniser.analyze(text, recogniser.supported_entities, None)]


def test_there_is_a_recogniser_for_every_kind_with_a_form() -> None:
    assert {kind for one in RECOGNISERS for kind in one.supported_entities} == {kind for kind in BY_KIND if BY_KIND[kind].cores} | {"masked"}
    assert all(isinstance(one, SpecRecogniser) and not one.deny_list for one in RECOGNISERS)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_whatever_presidio_finds_the_screen_finds(text: str) -> None:
    counted = {kind for kind, _, _, score in presidio(text) if score >= COUNTS} - {"masked"}
    assert counted <= set(kinds_in(text))
    if counted:
        assert duckdb.execute("SELECT regexp_matches(?, ?)", [text, SUSPICIOUS]).fetchall() == [(True,)]


WIDE = str.maketrans("0123456789XABEG@.", "０１２３４５６７８９ＸＡＢＥＧ＠．")
BETWEEN = st.sampled_from(["", "", "", " ", "-", "\u200b", "\u3000", "\u2060", "\ufeff", "\u00ad"])
AROUND = st.sampled_from(["", "电话", "身份证号：", "请联系", "，", "（", "卡号 ", "车牌", "x", "编号"])


def outermost(text: str) -> set[str]:
    """The counts of a column do without what lies inside another identifier: eleven digits of an ID number are nobody's telephone."""
    counted = [(kind, start, end) for kind, start, end, score in presidio(text) if score >= COUNTS and kind != "masked"]
    return {kind for kind, start, end in counted if not any(
        a <= start and end <= b and (a, b) != (start, end) for _, a, b in counted)}


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(MADE)), st.integers(0, 999), AROUND, AROUND, st.data())
def test_whatever_presidio_finds_in_any_spelling_a_column_of_it_holds(kind: str, number: int, before: str, after: str, data: st.DataObject) -> None:
    """Full-width, spaced, hyphened, with marks that nobody sees: the engine's condition lets it by, and the counts of its column name it."""
    marks = "".join((mark.translate(WIDE) if data.draw(st.booleans()) else mark) + data.draw(BETWEEN) for mark in MADE[kind](number))
    text = before + marks + after
    counted = {found for found, _, _, score in presidio(text) if score >= COUNTS} - {"masked"}
    assert counted <= set(kinds_in(text))
    if counted:
        assert duckdb.execute("SELECT regexp_matches(?, ?)", [text, SUSPICIOUS]).fetchall() == [(True,)]
        assert outermost(text) <= set(judge_values(pa.array([text]), pa.array([1])))


@pytest.mark.parametrize("kind", sorted(MADE))
def test_places_are_those_of_the_original_text(kind: str) -> None:
    value = MADE[kind](5)
    text = f"编号\u200b甲，{value[:4]}\u200b{value[4:]}；"
    start, end = text.index(value[:4]), text.index("；")
    assert (start, end) in [(one[1], one[2]) for one in presidio(text) if one[0] == kind]
    strong = [span for span in spans_in(text) if span.kind == kind]
    assert not strong or (strong[0].start, strong[0].end) == (start, end)


def test_a_failed_checksum_lowers_the_score_and_drops_nothing() -> None:
    right = MADE["resident_id"](3)
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    [(_, _, _, high)] = [one for one in presidio(right) if one[0] == "resident_id"]
    [(_, _, _, low)] = [one for one in presidio(wrong) if one[0] == "resident_id"]
    assert COUNTS <= low < high


def test_a_recogniser_that_runs_out_of_time_raises_and_tells_no_value() -> None:
    slow = SpecRecogniser(BY_KIND["url_token"], seconds=1e-6)
    secret = "HTTPS://" + "A?" * 100_000 + "QX"
    with pytest.raises(RecogniserFailed) as error:
        slow.analyze(secret, ["url_token"])
    assert "QX" not in str(error.value)
    assert error.value.__cause__ is None


def test_a_broken_text_raises() -> None:
    with pytest.raises(RecogniserFailed):
        RECOGNISERS[0].analyze(None, RECOGNISERS[0].supported_entities, None)       # type: ignore[arg-type]


def test_folding_is_the_screens() -> None:
    assert presidio("１３８００００１１１１") == presidio(fold("１３８００００１１１１"))
