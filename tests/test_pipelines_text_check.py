"""What is published as it was written: no person's numbers in contracts and code lists, no list of persons' names beside a release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_pipelines_clauses import resident
from test_pipelines_gates import anywhere, shown, state_of
from tiny import DATASET, KINDS, Tiny, by_step, column, contract

from catalog.errors import DefinitionErrors
from pipelines.source_check import check_all

SERVE = f"{DATASET} serve main"
LABEL = {"zh": "数据", "en": "Data"}
PRODUCT = contract()["customProperties"][0]["value"]["products"][0]
NAMES = [f"{first}{last}" for first in "王李张刘陈杨" for last in ("建国", "丽华", "志强", "秀英", "晓明")]
HEAD = "code,zh,en,valid_from,valid_to\n"


def problems(city: Tiny) -> list[tuple[str, str]]:
    return [(one.file, one.what) for one in check_all(city.city)[1] if one.code == "text.personal"]


@pytest.mark.parametrize(("fields", "field", "kind"), [
    ({"summary": {"zh": "请找13912345678", "en": "Ask"}}, "summary.zh", "mobile"),
    ({"title": {"zh": "数据", "en": f"Data of {resident()}"}}, "title.en", "resident_id"),
    ({"products": [{**PRODUCT, "title": {"zh": resident(), "en": "x"}}]}, "products.title.zh", "resident_id"),
    ({"attribution": "王某 wang.mou@example.net"}, "attribution", "email"),
    ({"contact": {"name": "信息科", "phone": "139 1234 5678"}}, "contact.phone", "mobile"),
    ({"contact": {"name": "信息科", "email": "13912345678@example.org"}}, "contact.email", "mobile"),
])
def test_a_persons_number_in_a_contract_is_a_problem_and_is_not_quoted(tmp_path: Path, fields: dict[str, Any], field: str, kind: str) -> None:
    city = Tiny(tmp_path, **fields)
    ((file, what),) = problems(city)
    assert file == "datasets/parks/trees.odcs.yaml"
    assert f"value.{field} " in what
    assert what.endswith(f"{kind}.")
    assert "1391234" not in what + str(check_all(city.city)[1])
    assert resident() not in str(check_all(city.city)[1])
    city.drop("trees1.csv", "编号,类别,高度,种植日期,备注\nT1,A,1,2026-01-01,\n")
    with pytest.raises(DefinitionErrors):
        city.run()


def test_labels_of_columns_and_codes_are_looked_at_with_their_lines(tmp_path: Path) -> None:
    city = Tiny(tmp_path, columns=[column("id", "text", f"编号{resident()}", key=1, required=True), column("kind", "text", "类别", codes="kinds")])
    city.write("codes/kinds.csv", HEAD + "A,公园,park,,\nB,电话13912345678,wetland,,\n" + f"{resident()},园,x,,\n")
    found = [one for one in check_all(city.city)[1] if one.code == "text.personal"]
    assert [(one.line, one.what.split()[2]) for one in found if one.file == "codes/kinds.csv"] == [(3, "zh"), (4, "code")]
    assert len(found) == 3


def test_an_office_is_named_with_its_mail_and_landline(tmp_path: Path) -> None:
    contact = {"name": "园林局信息科", "email": "parks@example.org", "phone": "0571-87654321"}
    city = Tiny(tmp_path, contact=contact, summary={"zh": "问 parks@example.org 或 0571-87654321", "en": "Code 330106001000"})
    assert problems(city) == []
    assert check_all(city.city)[1] == []


@pytest.mark.parametrize("where", ["code", "zh"])
def test_a_code_list_of_names_waits_and_its_words_are_not_shown(tmp_path: Path, where: str) -> None:
    city = Tiny(tmp_path)
    rows = [(name, "园", "x") if where == "code" else (f"K{number}", name, "x") for number, name in enumerate(NAMES)]
    city.write("codes/kinds.csv", HEAD + "".join(f"{code},{zh},{en},,\n" for code, zh, en in rows))
    city.drop("trees1.csv", "编号,类别,高度,种植日期,备注\n" + "".join(f"T{at},{row[0]},1,2026-01-01,\n" for at, row in enumerate(rows)))
    assert by_step(city.run())[SERVE] == "held"
    (hold,) = state_of(city).holds.values()
    assert {finding["rule"].removeprefix("screen.certain.").removeprefix("screen.") for finding in hold.findings} == {"name.kind"}
    assert anywhere(city, *NAMES) == []


def test_words_that_became_names_are_not_shown_beside_the_release_that_stands(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", "编号,类别,高度,种植日期,备注\nT1,A,1,2026-01-01,\n")
    assert by_step(city.run())[SERVE] == "done"
    assert anywhere(city, "湿地") != []
    city.write("codes/kinds.csv", KINDS + "".join(f"K{number},{name},x,,\n" for number, name in enumerate(NAMES)))
    assert by_step(city.run())[SERVE] == "held"
    assert (shown(city), anywhere(city, *NAMES)) == ("open", [])
