"""Tables: they fit, Chinese counts double, and nothing that comes in can drive the terminal."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from catalog.wording import translations
from console.tables import ROOM, Column, clean, facts, listed, table, width, wrap
from console.words import speak, translated

ROOT = Path(__file__).resolve().parents[1]
TEXT = st.text(st.sampled_from("ab 数据，。/._-\n\t\x1b é1"), max_size=200)


def test_width_counts_chinese_double_and_combining_marks_not() -> None:
    assert width("abc") == 3
    assert width("数据") == 4
    assert width("ｅ") == 2
    assert width("e\u0301") == 1


@given(TEXT, st.integers(4, 90))
def test_wrapped_lines_fit_and_lose_nothing(text: str, room: int) -> None:
    lines = wrap(text, room)
    assert all(width(line) <= room for line in lines)
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", clean(text))


def test_a_word_that_fits_a_line_is_not_broken_and_a_long_one_is_broken_at_its_joints() -> None:
    assert wrap("see parks.trees here", 12) == ["see", "parks.trees", "here"]
    assert wrap("ecology_environment.air_hourly", 20) == ["ecology_environment.", "air_hourly"]
    assert wrap("公共数据，开放平台", 8) == ["公共数", "据，开放", "平台"]      # a comma begins no line


@given(st.lists(st.tuples(TEXT, st.integers(0, 10**9), TEXT, TEXT), max_size=5))
def test_tables_fit_80_columns_whatever_is_in_them(rows: list[tuple[str, int, str, str]]) -> None:
    columns = [Column("Dataset"), Column("Rows", right=True), Column("What"), Column("Why")]
    assert all(width(line) <= ROOM for line in table(columns, rows))


def test_columns_stand_below_their_titles() -> None:
    lines = table([Column("数据集"), Column("Rows", right=True)], ["A heading", ["园林", 1234], ["b", None]])
    assert lines == ["数据集   Rows", "A heading", "园林    1,234", "b           –"]


def test_facts_and_lists_are_wrapped_below_themselves() -> None:
    assert facts([("名", "x"), ("long", "a b")], 80) == ["名    x", "long  a b"]
    assert listed(["aa bb cc"], room=9) == ["  - aa bb", "    cc"]


def test_control_characters_are_shown_not_sent() -> None:
    assert clean("a\x1b[31mb\x07") == "a\\x1b[31mb\\x07"
    assert "\x1b" not in "".join(table([Column("x")], [["\x1b[31mred"]]))


def test_every_text_of_console_and_portal_has_its_chinese() -> None:
    texts = set()
    for path in [*(ROOT / "console").glob("*.py"), *(ROOT / "pipelines" / "portals" / "templates").glob("*.html")]:
        texts |= set(re.findall(r"""\b_\(\s*"((?:[^"\\]|\\.)*)"\s*\)""", path.read_text(encoding="utf-8")))
        for pair in re.findall(r"""counted\([^"]*?['"](\{n\}[^'"]*)['"], ['"](\{n\}[^'"]*)['"]""", path.read_text(encoding="utf-8")):
            texts |= set(pair)
    assert len(texts) > 200
    chinese = translations("zh")
    assert sorted(text for text in texts if chinese.gettext(text) == text) == []


def test_translations_keep_their_placeholders() -> None:
    found = re.findall(r'^msgid "(.+)"\nmsgstr "(.*)"$', (ROOT / "catalog" / "locale" / "zh_CN.po").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(found) > 250
    for text, chinese in found:
        assert sorted(re.findall(r"\{\w*\}", text)) == sorted(re.findall(r"\{\w*\}", chinese)), text
        assert re.findall(r"CITYLAKE_\w+|--\w+", text) == re.findall(r"CITYLAKE_\w+|--\w+", chinese), text


def test_sentences_made_elsewhere_are_translated_with_what_stands_in_them() -> None:
    speak("zh")
    try:
        assert translated("There is no dataset parks.none in this city.") == "本市没有数据集 parks.none。"
        assert translated("The file cannot be read as declared: The file is empty. Ask the source for a complete file.") == (
            "无法按声明读取文件：文件是空的。请来源方提供完整文件。")
        assert translated("The tier would be looser: restricted became unconditional.") == "开放类型将放宽：由受限开放变为无条件开放。"
        assert translated("Nobody has translated this.") == "Nobody has translated this."
    finally:
        speak("en")
    assert translated("The file is empty.") == "The file is empty."
