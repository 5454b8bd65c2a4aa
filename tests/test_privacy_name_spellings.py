"""A name with a title, brackets, digits, spaces or hidden marks is looked at as that name; what is none stays as it is."""

from __future__ import annotations

import pytest

from privacy.column_texts import bare_name, looked_at
from privacy.model import load

SPELLED = ["{}先生", "{}女士", "（{}）", "{}3", "[{}]", "{} ", "12 {}"]


@pytest.mark.parametrize("spelled", SPELLED)
@pytest.mark.parametrize("name", ["王小明", "欧阳娜娜", "李伟"])
def test_what_stands_around_a_name_hides_it_not(spelled: str, name: str) -> None:
    assert bare_name(spelled.format(name)) == bare_name(spelled.format("\u2066".join(name))) == bare_name(spelled.format(" ".join(name))) == name
    assert looked_at([spelled.format(name)], load()) == looked_at([name], load())


@pytest.mark.parametrize("text", ["浙A12345", "12号楼", "李村12号", "A区", "办理中", "2026-01-01", "路灯不亮，请尽快修理"])
def test_what_is_no_name_stays(text: str) -> None:
    assert bare_name(text) == text
