"""What is remembered of texts, on disk: for its owner alone, no text in it, and nothing believed that was not written with the secret."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tiny import Tiny, contract

from pipelines import memory as module
from pipelines.memory import FILE, Kept, memory_of
from privacy.remembered import Memory, remembered
from privacy.spans import Span

SECRET, TEXTS = b"k" * 32, ["电话13912345678", "公园里的长椅坏了"]


class Reader:
    """Finds one span in every text and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> list[list[Span]]:
        self.asked += texts
        return [[Span(0, 2, "mobile", 0.9)] for _ in texts]


def look(path: Path, version: str = "rules 1 model 1", secret: bytes = SECRET) -> list[str]:
    """A new process looks at the texts; returns those that it had to judge anew. What it finds is always the same."""
    reader = Reader()
    assert remembered(TEXTS, Memory(secret, Kept(path)), version, reader) == [[Span(0, 2, "mobile", 0.9)]] * 2
    return reader.asked


def values(path: Path, change: Callable[[bytes], bytes]) -> None:
    with sqlite3.connect(path) as connection:
        for key, value in connection.execute("SELECT key, value FROM found").fetchall():
            connection.execute("UPDATE found SET value = ? WHERE key = ?", (change(value), key))


def test_a_text_is_judged_once_and_the_file_is_its_owners_alone_without_a_word_of_it(tmp_path: Path) -> None:
    path = tmp_path / FILE
    assert look(path) == TEXTS
    assert look(path) == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for file in tmp_path.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file.name
        assert not any(text.encode() in file.read_bytes() for text in (*TEXTS, "13912345678", "长椅"))


@pytest.mark.parametrize("version", ["rules 2 model 1", "rules 1 model 2"])
def test_other_rules_or_another_model_judge_anew(tmp_path: Path, version: str) -> None:
    look(tmp_path / FILE)
    assert look(tmp_path / FILE, version) == TEXTS


def test_another_secret_reads_nothing(tmp_path: Path) -> None:
    look(tmp_path / FILE)
    assert look(tmp_path / FILE, secret=b"x" * 32) == TEXTS


@pytest.mark.parametrize("change", [
    lambda value: value[:8] + b"[]",                                     # nothing is there, says who has no secret
    lambda value: value[:-1],
    lambda value: bytes(8) + value[8:],
    lambda value: bytes([value[0] ^ 1]) + value[1:],
    lambda value: b"",
])
def test_an_entry_that_was_changed_is_judged_anew_not_passed(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path = tmp_path / FILE
    look(path)
    values(path, change)
    assert look(path) == TEXTS


def test_one_texts_entry_is_not_anothers(tmp_path: Path) -> None:
    path = tmp_path / FILE
    look(path)
    with sqlite3.connect(path) as connection:
        (one, left), (two, right) = connection.execute("SELECT key, value FROM found").fetchall()
        connection.execute("UPDATE found SET value = ? WHERE key = ?", (right, one))
        connection.execute("UPDATE found SET value = ? WHERE key = ?", (left, two))
    assert look(path) == TEXTS


@pytest.mark.parametrize("harm", ["garbage", "cut", "folder", "another table"])
def test_a_harmed_file_is_an_empty_one(tmp_path: Path, harm: str) -> None:
    path = tmp_path / FILE
    look(path)
    for beside in tmp_path.glob(f"{FILE}-*"):
        beside.unlink()
    if harm == "garbage":
        path.write_bytes(b"no database" * 999)
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    elif harm == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.unlink()
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE found (other TEXT)")
    assert look(path) == TEXTS


def test_a_citys_memory_lies_in_its_state_folder_under_its_own_secret(tmp_path: Path) -> None:
    city = Tiny(tmp_path, **contract()["customProperties"][0]["value"])
    module._memory.cache_clear()
    way = city.way()
    remembered(TEXTS, memory_of(way), "v", Reader())
    path = city.settings.state / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = city.settings.secrets / "remembered"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert secret.read_bytes() not in path.read_bytes()
    secret.write_bytes(b"y" * 32)
    module._memory.cache_clear()
    reader = Reader()
    remembered(TEXTS, memory_of(city.way()), "v", reader)
    assert reader.asked == TEXTS
    module._memory.cache_clear()
