"""The torture suites: every file loads right or gives one clear error. A part of Pollock here, all of it in the soak; the figures for people are
`make bench-torture`'s.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from bench import torture
from bench.pollock import Polluted, by_python, measures, scored, totals, unpack, weights

from catalog.errors import BadInput

TABLE = [["a", "b"], ["1", "x"], ["2", "y"]]
EVERY = 40


@pytest.fixture(scope="module")
def part(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Polluted]:
    """Every 40th file with a polluted row, and all whose pollution is the file's."""
    return unpack(torture.TORTURE, tmp_path_factory.mktemp("pollock"), EVERY)


def test_the_measures_by_hand() -> None:
    assert measures(TABLE, TABLE) == (1.0,) * 9
    assert measures([], []) == (1.0,) * 9
    assert measures(TABLE, []) == (0.0,) * 9
    assert measures(TABLE, [["A", "B"], ["1.0", "x"], ["2", "Y"]])[:6] == (1.0, 1.0, 1.0, 0.5, 0.5, 0.5)       # 1.0 is no integer
    assert measures(TABLE, [["a"], ["1x"]]) == pytest.approx((0.5, 1.0, 2 / 3, 0.5, 1.0, 2 / 3, 1 / 6, 1 / 2, 1 / 4))
    assert totals({"x": (1.0,) * 10, "y": (0.0,) * 10}, {"x": 3.0, "y": 1.0}) == (5.0, 7.5)


@pytest.mark.shared
def test_a_part_of_pollock(part: list[Polluted]) -> None:
    assert 70 < len(part) < 110
    weight = weights(torture.TORTURE)
    for load, least, wrong in ((torture.declared, (9.8, 9.9), 2), (torture.detected, (9.3, 9.5), 5)):
        scores = {file.name: scored(file, load, (BadInput,)) for file in part}
        simple, weighted = totals(scores, weight)
        assert (simple >= least[0], weighted >= least[1]) == (True, True), (simple, weighted)
        assert sum(torture.strange(file, load) > 0 for file in part) <= wrong


@pytest.mark.shared
@pytest.mark.parametrize("name", torture.SUITES)
def test_every_file_of_the_small_suites(name: str, shared: Path, tmp_path: Path) -> None:
    folder = next(folder for found, folder in torture.suites(tmp_path) if found == name)
    told = torture.suite(folder)
    assert (told.wrong, told.slow) == ([], [])
    assert told.loaded + told.refused == told.files >= 7
    assert told.loaded > told.files / 2


@pytest.mark.shared
@pytest.mark.soak
def test_all_of_pollock(shared: Path, tmp_path: Path) -> None:
    found = torture.pollock(unpack(torture.TORTURE, tmp_path))
    assert found["Python's csv"][:2] == pytest.approx(torture.PYTHON, abs=torture.NEAR)
    assert all(score >= bar for score, bar in zip(found["declared"], torture.DECLARED, strict=False))
    assert all(score >= bar for score, bar in zip(found["detected"], torture.DETECTED, strict=False))


@pytest.mark.shared
def test_the_measures_tell_pythons_csv_from_a_better_one(part: list[Polluted]) -> None:
    """On a few files, so that the sniffer, which is slow, does not take the time."""
    few = [file for file in part if file.name.startswith("file_header_multirow") or file.name == "source.csv"]
    scores = {file.name: sum(scored(file, by_python, (csv.Error,))) for file in few}
    assert scores["file_header_multirow_2.csv"] < 7 < 9.7 < scores["source.csv"]
