"""Addresses: found, parsed, cut off, coded; every example is made up."""

from __future__ import annotations

import pytest
from bench import privacy_address as bench
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.address_codes import Code, address_code, codes, door_of, linked
from privacy.address_columns import parts_of
from privacy.address_places import names, places
from privacy.address_text import number, plain
from privacy.addresses import LEVELS, Address, address_spans, address_version, parse, standard, text_at

DOOR = "浙江省杭州市上城区清波街道清波门社区劳动路12号3幢2单元501室"
STREETS = [(code, name) for code, name in names().items() if len(code) == 9 and code.startswith("3301") and name.endswith(("街道", "镇", "乡"))]
ROADS = ("文三路", "江南大道", "环城北路", "保俶路", "3号大街", "龙井巷")


def one(text: str) -> Address:
    found = parse(text)
    assert len(found) == 1
    return found[0]


def test_a_full_address_is_parsed_to_its_levels() -> None:
    assert standard(one(DOOR)) == {
        "province": "浙江省", "city": "杭州市", "district": "上城区", "street": "清波街道", "community": "清波门社区", "road": "劳动路",
        "roadno": "12号", "building": "3幢", "unit": "2单元", "room": "501室"}
    assert (one(DOOR).start, one(DOOR).end, one(DOOR).level) == (0, len(DOOR), "door")


def test_each_component_lies_where_it_says() -> None:
    spaced = "杭州市 西湖区文新街道　文三路９９号 5 幢"
    found = {part.kind: spaced[part.start:part.end] for part in one(spaced).components}
    assert found == {"city": "杭州市", "district": "西湖区", "street": "文新街道", "road": "文三路", "roadno": "９９号", "building": "5 幢"}


@pytest.mark.parametrize(("level", "expected"), [
    ("province", "浙江省"), ("city", "浙江省杭州市"), ("district", "浙江省杭州市上城区"), ("street", "浙江省杭州市上城区清波街道"),
    ("community", "浙江省杭州市上城区清波街道清波门社区"), ("road", "浙江省杭州市上城区清波街道清波门社区劳动路")])
def test_an_address_is_cut_off_after_a_level(level: str, expected: str) -> None:
    assert text_at(DOOR, level) == expected


@pytest.mark.parametrize(("value", "level"), [
    ("", "city"), ("无", "city"), ("张三", "district"), ("文三路123号", "district"), ("江苏省杭州市西湖区", "district"),
    ("杭州市西湖区文三路1号", "street"),
    ("杭州市西湖区文新街道某某村3号", "community"), ("杭州市西湖区,杭州市上城区", "city"),
    ("杭州市西湖区文新街道翠苑小区3幢", "road"), (DOOR, "door"),
    ("杭州市西湖区王小明李小红文三路3号", "road"), ("中山路1号", "city")])
def test_what_cannot_be_told_is_none(value: str, level: str) -> None:
    assert text_at(value, level) is None


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(STREETS), st.sampled_from(ROADS), st.integers(1, 999), st.integers(1, 60), st.integers(100, 2999),
       st.sampled_from(LEVELS[:5]))
def test_nothing_finer_than_the_level_is_left(street: tuple[str, str], road: str, number: int, building: int, room: int, level: str) -> None:
    code, name = street
    value = f"杭州市{names()[code[:6]]}{name}{road}{number}号{building}幢{room}室"
    text = text_at(value, level)
    if level == "community":
        assert text is None
    else:
        assert text is not None
        assert not set("0123456789路幢室") & set(text.replace(name, ""))
        assert text.endswith({"province": "浙江省", "city": "杭州市", "district": names()[code[:6]], "street": name}[level])


@settings(deadline=None)
@given(st.text(max_size=60), st.sampled_from(LEVELS))
def test_any_text_is_survived_and_spans_lie_in_it(text: str, level: str) -> None:
    for span in address_spans(text):
        assert 0 <= span.start < span.end <= len(text)
        assert span.level in LEVELS
        assert span.kind == "address"
    cut = text_at(text, level)
    assert cut is None or any(cut.startswith(name) for code, name in names().items() if len(code) == 2)


@pytest.mark.parametrize("spelling", [
    "杭州市西湖区文三路99号5幢2单元301室", "浙江省杭州市西湖区文新街道文三路99号5幢2单元301室",
    "西湖区文三路９９号５栋２单元３０１", "西湖区文三路99号5-2-301",
    "杭州西湖区文三路九十九号5号楼2单元301室",
    "杭州市 西湖区 文三路 99 号 5 幢 2 单元 301 室",
    "杭州市西湖区文三路99号翠苑公寓5幢2单元301室",
    "杭州市西湖区文三路99号（翠苑公寓）5幢2单元301室"])
def test_all_spellings_of_a_door_have_one_code(spelling: str) -> None:
    expected = address_code(one("浙江省杭州市西湖区文三路99号5幢2单元301室"))
    assert expected.startswith("330106000000-")
    assert door_of(address_code(one(spelling), "3301")) == door_of(expected)


@pytest.mark.parametrize("other", ["杭州市西湖区文三路99号5幢2单元302室", "杭州市上城区文三路99号5幢2单元301室",
                                   "杭州市西湖区文一路99号5幢2单元301室",
                                   "杭州市西湖区文三路9号95幢2单元301室"])
def test_other_doors_have_other_codes(other: str) -> None:
    assert door_of(address_code(one(other))) != door_of(address_code(one("杭州市西湖区文三路99号5幢2单元301室")))


def test_only_values_that_are_one_certain_door_are_linked() -> None:
    assert linked(["杭州市西湖区文三路99号", "杭州市西湖区", "文三路99号", "无"]).keys() == {"杭州市西湖区文三路99号"}


@pytest.mark.parametrize(("text", "covered", "level"), [
    ("来电人家住杭州市西湖区文三路99号5幢301室，反映楼上噪音", "杭州市西湖区文三路99号5幢301室", "door"),
    ("家住翠苑一区3幢2单元501室", "翠苑一区3幢2单元501室", "door"),
    ("请到江南大道100号华星大厦查看", "江南大道100号华星大厦", "door"),
    ("地址：余杭区仓前街道龙潭路1弄2号", "余杭区仓前街道龙潭路1弄2号", "door")])
def test_addresses_in_running_text(text: str, covered: str, level: str) -> None:
    found = [span for span in address_spans(text) if span.level == level]
    assert any(text[span.start:span.end].find(covered) >= 0 for span in found)


@pytest.mark.parametrize("text", ["订单号20240101123456已发货", "请在3日内办理", "地铁3号线运营到几点", "5月12号停水",
                                  "一共要交300元", "知道了谢谢", "共2层"])
def test_what_is_no_address(text: str) -> None:
    assert address_spans(text) == []


def test_short_names_inside_other_names_are_no_divisions() -> None:
    assert {part.kind for part in one("上海南路12号").components} == {"road", "roadno"}
    assert any(place.short and place.level == "city" for place in places("杭州"))


@pytest.mark.parametrize(("text", "expected"), [("三十二号", "32号"), ("一百零五室", "105室"), ("五〇二", "502"),
    ("１２Ａ", "12A"), ("十号", "10号"), ("二百", "200")])
def test_numbers_are_plain_digits(text: str, expected: str) -> None:
    assert number(text) == expected


@settings(deadline=None)
@given(st.text(max_size=40))
def test_the_way_back_to_the_original_is_exact(text: str) -> None:
    made = plain(text)
    assert len(made.text) == len(made.at) == len(made.hard) == len(made.soft) == len(made.spaced)
    assert list(made.at) == sorted(set(made.at))


def test_the_rules_have_a_version() -> None:
    assert len(address_version()) == 16


@pytest.mark.shared
def test_addresses_with_a_door_are_covered(capsys: pytest.CaptureFixture[str]) -> None:
    corpus = bench.rows("zjaddr_dev", bench.MOST)[::6]
    assert bench.components("alone", corpus, bench.ALONE, True) >= bench.BAR
    assert bench.components("in complaints", corpus, bench.COMPLAINTS, True) >= bench.BAR
    assert bench.hotline(bench.rows("synth_hotline", bench.MOST)[::6]) >= bench.BAR


def test_a_name_that_several_places_bear_needs_the_city() -> None:
    assert text_at("西湖区文三路99号", "district") is None
    assert text_at("西湖区文三路99号", "district", "3301") == "浙江省杭州市西湖区"
    assert address_code(one("西湖区文三路99号")) == ""


ROAD, ESTATE = "杭州市西湖区竞舟路2199号翠苑公寓5幢2单元301室", "西湖区翠苑公寓5幢2单元301室"


def code_of(text: str) -> Code:
    found = codes(one(text), "3301")
    assert found is not None
    return found


def test_a_code_has_the_keys_of_what_is_around_the_door() -> None:
    door, building, gate = (code_of(f"西湖区竞舟路2199号{tail}") for tail in ("5幢2单元301室", "5号楼", ""))
    assert (door.level, building.level, gate.level) == ("door", "building", "gate")
    assert door.building_key == building.key
    assert door.gate_key == building.gate_key == gate.key
    assert len({door.key, building.key, gate.key}) == 3


def test_an_estate_tells_the_door_where_the_road_is_not_named() -> None:
    road, estate = code_of(ROAD), code_of(ESTATE)
    assert road.estate_key == estate.key != road.key
    with_road = code_of("西湖区竞舟路翠苑公寓5幢2单元301室")          # without a number the road tells nothing more
    assert with_road.key == estate.key


def test_a_room_tells_its_floor() -> None:
    assert address_code(one("西湖区竞舟路2199号5幢3楼301室"), "3301") == address_code(one("西湖区竞舟路2199号5幢301室"), "3301")


@pytest.mark.parametrize(("first", "second"), [
    ("余杭区仓前街道葛巷村3号", "余杭区仓前街道龙潭村3号"), ("西湖区翠苑公寓5幢", "西湖区景湖公寓5幢"),
    ("西湖区竞舟路21号99幢", "西湖区竞舟路2199号")])
def test_same_numbers_elsewhere_are_other_doors(first: str, second: str) -> None:
    keys = {door_of(address_code(one(text), "3301")) for text in (first, second)}
    assert len(keys) == 2
    assert "" not in keys


@pytest.mark.parametrize("value", ["", "不详", "竞舟路2199号", "南京市西湖区竞舟路9号", "西湖区竞舟路2199号；上城区劳动路3号", "朝阳区3号"])
def test_what_is_not_one_certain_address_has_no_part(value: str) -> None:
    assert parts_of(value, "3301") == {}


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(STREETS), st.sampled_from(ROADS), st.integers(1, 999), st.integers(1, 60), st.integers(1, 9), st.integers(101, 2999))
def test_a_standard_address_is_read_as_itself(street: tuple[str, str], road: str, number: int, building: int, unit: int, room: int) -> None:
    code, name = street
    value = f"{names()[code[:6]]}{name}{road}{number}号{building}幢{unit}单元{room}室"
    found = parts_of(value, "3301")
    assert (found["district_code"], found["street_code"], found["level"]) == (code[:6], code, "door")
    assert parts_of(found["standard"]) == found                # the standard spelling says everything, without the city's help
    assert found["code"] == f"{code:0<12}-{found['key']}"


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_has_parts_or_none(text: str) -> None:
    found = parts_of(text, "3301")
    assert not found or {"district_code", "standard", "level"} <= found.keys()
    assert all(found.values())
    assert ("key" in found) == ("code" in found) == ("gate_key" in found)
