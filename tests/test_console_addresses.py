"""`citylake address`: what it prints follows from what was given alone, with the library's word in one of a few."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny import Tiny
from typer.testing import CliRunner

from console.main import build
from console.words import speak


def told(city: Tiny, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    for name, value in city.environment().items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(build(), ["address", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_two_spellings_of_one_door_have_one_code_and_one_standard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    city = Tiny(tmp_path)
    found = json.loads(told(city, monkeypatch, "浙江省杭州市西湖区文三路99号2幢301室", "杭州市西湖区文三路９９号 2幢 301室", "--json"))["addresses"]
    assert len({one["code"] for one in found}) == 1
    assert found[0]["standard"] == found[1]["standard"]
    assert (found[0]["level"], found[0]["division"], found[0]["match"]) == ("door", "330106", None)
    assert found[0]["parts"]["road"] == "文三路"


def test_a_file_is_read_line_by_line_and_what_is_doubtful_gets_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    city, file = Tiny(tmp_path), tmp_path / "given.txt"
    file.write_text("不详\n\n杭州市上城区解放路1号、杭州市拱墅区体育场路2号\n文三路99号2幢\n", encoding="utf-8")
    found = json.loads(told(city, monkeypatch, str(file), "--json"))["addresses"]
    assert [one["why"] for one in found] == ["none", "several", "district"]
    assert [one for one in found if one.get("code")] == []
    assert "No address was found in it." in told(city, monkeypatch, "不详")


def test_it_speaks_chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    city = Tiny(tmp_path)
    speak("zh")
    try:
        text = told(city, monkeypatch, "杭州市西湖区文三路99号2幢301室")
    finally:
        speak("en")
    assert "标准写法" in text
    assert "最细一级" in text
