"""`citylake screen` and the columns' verdicts over real files and tables."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
import zoo
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tiny import DATASET, Tiny

from catalog.contract import ColumnType
from catalog.errors import DefinitionError
from pipelines.column_screens import Look, screen_columns, screen_file, screen_table
from privacy import model
from privacy.column_counts import ColumnCounts
from privacy.column_verdicts import ColumnVerdict, judge_counts


def _file(folder: Path, extra: str = "") -> Path:
    r = random.Random(1)
    rows = [f"{at},{zoo.resident(r)},{zoo.mobile(r)},{r.choice(zoo.POSTS)}" for at in range(60)]
    path = folder / "in.csv"
    path.write_text("\n".join(["XH,a,b,c", *rows, extra]).strip() + "\n", encoding="utf-8")
    return path


def test_a_file_is_judged_column_by_column_and_no_header_or_value_is_told(tmp_path: Path) -> None:
    found = screen_file(Tiny(tmp_path).way(), _file(tmp_path))
    assert {name: one.decision for name, one in found.items()} == {"1": "PASS", "2": "DENY", "3": "DENY", "4": "PASS"}
    assert found["2"].kinds["resident_id"].cells == 60


def test_a_file_with_a_record_that_is_no_row_passes_nowhere(tmp_path: Path) -> None:
    found = screen_file(Tiny(tmp_path).way(), _file(tmp_path, "1,2,3,4,5,6"))
    assert {one.decision for one in found.values()} == {"HOLD", "DENY"}


def test_a_missing_model_and_an_error_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    way = Tiny(tmp_path).way()
    model._load.cache_clear()
    monkeypatch.setattr(model, "_installed", lambda: tmp_path / "none")
    found = screen_file(way, _file(tmp_path))
    model._load.cache_clear()
    assert (found["4"].decision, found["4"].reasons) == ("HOLD", ("model",))
    with way.engine.open({}) as session:
        session.load("v", (), ("a",))
        wrong = screen_columns(way, session, {"gone": ColumnType("text")}, "v", Look({}, {}))
    assert (wrong["gone"].decision, wrong["gone"].reasons) == ("HOLD", ("error",))


def test_a_table_in_force_is_looked_at_against_its_contract(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    with pytest.raises(DefinitionError):
        screen_table(tiny.way(), DATASET)
    tiny.drop("trees.csv", "编号,类别,高度,种植日期,备注\nT1,A,3.0,2024-01-01,新种\nT2,B,2.0,2024-01-02,已修剪\n")
    tiny.run()
    found = screen_table(tiny.way(), DATASET)
    assert found
    assert all(one.decision == "PASS" for one in found.values())


MAKERS = {kind: maker for kind, (_, _, _, maker) in zoo.KINDS.items()}
WILD = st.text(st.sampled_from("0123456789０１９abcFXx@.:：-—/ \u200b\u3000*×某张王李浙京电话微信号室路一二三"), max_size=24)


def _everything(values: list[str], header: str, strict: bool) -> ColumnVerdict:
    """Every distinct value looked at by everything: what no shortcut may change."""
    counted, counts = Counter(values), ColumnCounts()
    counts.add(pa.array(list(counted), pa.string()), pa.array(list(counted.values()), pa.int64()), model.load())
    return judge_counts("v", counts, (header,), None, None, strict)


@given(st.lists(st.sampled_from(sorted(MAKERS)), min_size=1, max_size=3), st.lists(WILD, max_size=6), st.sampled_from([1, 40, 400]),
       st.sampled_from([1, 9]), st.booleans(), st.sampled_from(["F17", "联系电话", "备注"]), st.randoms(use_true_random=False))
@example(["name_contact"], ["5浙xF:", "号三信88张电", "0" * 22], 1, 1, False, "F17", random.Random(0))     # short, and yet of a suspicious form
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_screens_shortcuts_judge_as_reading_everything_does(
    tmp_path: Path, kinds: list[str], wild: list[str], size: int, repeated: int, parsed: bool, header: str, chance: random.Random
) -> None:
    """Neither the cheap conditions before the patterns, nor grouping values that repeat, nor skipping what is not suspicious."""
    values = [text for text in [*(MAKERS[chance.choice(kinds)](chance) for _ in range(size)), *wild] if text] * repeated
    with pytest.MonkeyPatch.context() as patch, Tiny(tmp_path).way().engine.open({}) as session:
        patch.setattr("pipelines.column_screens.SMALL", chance.choice([0, 20_000]))
        session.load("v", [pa.record_batch({"v": pa.array([*values, None], pa.string())})], ("v",))
        found = screen_columns(Tiny(tmp_path).way(), session, {"v": ColumnType("text")}, "v", Look({"v": (header,)}, {}, True, parsed=parsed))["v"]
    wanted = _everything(values, header, strict=True) if values else None
    assert (found.judged, found.decision) == ((wanted.judged, wanted.decision) if wanted else ({}, "PASS"))
    assert wanted is None or {kind: hits.distinct for kind, hits in found.kinds.items()} == {
        kind: hits.distinct for kind, hits in wanted.kinds.items()}
