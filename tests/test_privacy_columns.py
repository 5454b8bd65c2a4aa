"""Columns of names and of doors are found whatever they are called; places, dishes and bodies that begin with a surname are not."""

from __future__ import annotations

import pytest

from privacy.columns import TextTally
from privacy.model import Model, load

GIVEN = ["伟", "芳", "秀英", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "桂兰", "霞", "平"]
SURNAMES = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "欧阳", "诸葛"]


@pytest.fixture(scope="module")
def model() -> Model:
    return load()


def kinds(values: list[str], model: Model) -> set[str]:
    tally = TextTally()
    tally.add(values, [1] * len(values), model)
    return set(tally.kinds())


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
