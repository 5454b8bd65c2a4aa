"""Columns of names and of doors are found whatever they are called; places, dishes and bodies that begin with a surname are not."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from privacy.column_counts import ColumnCounts
from privacy.column_texts import DOOR, WITHIN, WORDED, looked_at
from privacy.column_verdicts import judge_counts
from privacy.model import Model, load

GIVEN = ["伟", "芳", "秀英", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "桂兰", "霞", "平"]
SURNAMES = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "欧阳", "诸葛"]


@pytest.fixture(scope="module")
def model() -> Model:
    return load()


def kinds(values: list[str], model: Model) -> set[str]:
    counts = ColumnCounts()
    counts.add(pa.array(values), pa.array([1] * len(values)), model)
    return {kind for kind, how in judge_counts("c", counts, (), None, strict=True).judged.items() if how != "PASS"}


def test_a_column_of_names_is_one(model: Model) -> None:
    assert "name" in kinds([surname + given for surname in SURNAMES for given in GIVEN], model)


def test_half_a_column_of_names_is_one(model: Model) -> None:
    names = [surname + given for surname in SURNAMES[:5] for given in GIVEN[:4]]
    assert "name" in kinds([*names, *(f"环城北路站{at}" for at in range(20))], model)


def test_one_name_in_a_thousand_texts_is_found(model: Model) -> None:
    plain = [f"市民反映第{at}路段道路积水严重，希望尽快处理" for at in range(1000)]
    assert kinds(plain, model) == set()
    assert kinds([*plain, "市民反映道路积水严重，联系人：王小明，希望尽快处理"], model) == {"name"}


def test_doors_are_found(model: Model) -> None:
    assert "address" in kinds([f"西湖区文三路{at}号{at % 9 + 1}幢{at % 4 + 1}单元{at * 3 + 101}室" for at in range(1, 30)], model)


@pytest.mark.parametrize("values", [
    ["黄芪", "白术", "党参", "石斛", "何首乌", "当归", "甘草", "陈皮", "金银花", "枸杞"],
    ["武林广场", "延安路口", "黄龙体育中心", "文三路", "庆春路", "凤起路", "龙翔桥", "定安路", "近江", "钱江路"],
    ["杭州方鸿盛体育发展有限公司", "杭州金世海贸易有限公司", "杭州张小泉剪刀店", "浙江周大福珠宝分店", "杭州李宁体育用品有限公司"],
    ["受理", "办理中", "已办结", "退回", "转办"],
])
def test_what_is_no_person_is_not_taken_for_one(model: Model, values: list[str]) -> None:
    assert kinds(values, model) == set()


@pytest.mark.parametrize(("value", "words"), [
    ("王明", True), ("张*", True), ("○张", False), ("John Smith 男", True), ("男 John Smith", True), ("501室", True), ("王\n明", True),
    ("浙A12345", False), ("浙AD12345", False), ("330106", False)])
def test_what_may_hold_a_name_or_a_door_goes_to_the_model_in_the_engine_as_in_arrow(value: str, words: bool) -> None:
    assert pc.match_substring_regex(pa.array([value]), WORDED).to_pylist() == [words]
    assert duckdb.execute("SELECT regexp_matches($1, $2)", [value, WORDED]).fetchall() == [(words,)]


def test_a_name_that_names_a_part_of_its_address_is_none() -> None:
    """The model reads the beginning of a housing estate's name as a person; beside the address the same name is one."""
    address = "浙江省杭州市拱墅区潮鸣街道刀茅巷社区湖和路582号江岚小区1幢"
    found = looked_at([address, "请到湖和路582号江岚小区1幢找江岚，她在家等着"], load())
    assert [bool(what & WITHIN) for what in found] == [False, True]
    assert all(what & DOOR for what in found)
