"""What a contract may say is what both engines have been tried on: every function has its row in tests/parity.py, all others are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from parity import ROWS
from sqlglot import exp
from tiny import Tiny, column, contract

from catalog import dialect as d
from catalog.dialect_parse import _MEASURE, _SCALAR
from catalog.dialect_tree import _RENDERINGS, ALLOWED_FUNCTIONS
from catalog.loader import check_city

NODES = [node for row in ROWS for node in row.tree.walk()]
KINDS = {type(node) for node in NODES}
MARKERS = {str(node.this) for node in NODES if isinstance(node, exp.Anonymous)}
JOINING = {exp.Star, exp.Paren, exp.Distinct}       # they compute nothing
UNTRIED = "strftime(planted, '%Y')"


def test_every_function_has_its_rows() -> None:
    own = {name for name, function in _RENDERINGS.items() if function.__module__.startswith("catalog.")}       # an engine may add some for itself
    assert "CL_FIND" in own
    assert own - MARKERS == set()
    assert ALLOWED_FUNCTIONS - {kind.__name__ for kind in KINDS} == {"TryCast"}       # made by renderings only, inside a guard


def test_every_word_of_conditions_and_measures_has_its_rows() -> None:
    assert {kind.__name__ for kind in {*_SCALAR, *_MEASURE} - KINDS - JOINING} == set()


@pytest.mark.parametrize(("parse", "some"), [(d.parse_condition, {"COALESCE", "ABS"}), (d.parse_measure, {"AVG", "SUM"})])
def test_of_all_functions_that_the_parser_knows_only_tried_ones_get_through(parse: Any, some: set[str]) -> None:
    through = set()
    for name in sorted({*exp.FUNCTION_BY_NAME, "GETENV", "NOW", "NEXTVAL"}):
        for arguments in ("", "a", "a, 1", "a, 'x'", "a, 1, 1", "a, 'x', 'y'", "'day', b", "a, b, a, b"):
            try:
                tree = parse(f"{name}({arguments})", ["a", "b"])
            except d.ExpressionError:
                continue
            through.add(name)
            assert {type(node) for node in tree.walk()} - JOINING <= KINDS, name
            assert {str(node.this) for node in tree.find_all(exp.Anonymous)} <= MARKERS, name
    assert some <= through
    assert not through & {"STRFTIME", "ROUND", "NOW", "GETENV", "SPLIT_PART", "DATE_TRUNC", "LIST_CONTAINS", "MEDIAN"}


def declared(root: Path, **fields: Any) -> list[Any]:
    """The problems of a city whose contract has these fields, that are about its expressions."""
    tiny = Tiny(root)
    tiny.declare(contract(**fields))
    return check_city(tiny.city)[1]


def product(**more: Any) -> dict[str, Any]:
    columns = {"kind": {"do": "keep"}, "planted": {"do": "keep"}}
    return {"name": "main", "tier": "unconditional", "purpose": "open_data", "columns": columns, "formats": ["csv"], **more}


def ruled(sql: str) -> list[dict[str, Any]]:
    rule = {"id": "odd", "type": "sql", "query": sql, "mustBe": 0, "dimension": "accuracy"}
    return [column("id", "text", "编号", key=1, required=True), column("kind", "text", "类别"), column("planted", "date", "日期", quality=[rule])]


DERIVED: dict[str, Any] = {"sources": None, "merge": None, "inputs": [{"dataset": "parks.trees", "name": "t"}]}


@pytest.mark.parametrize(("code", "fields"), [
    ("product.filter", lambda sql: {"products": [product(filter=f"{sql} = '2026'")]}),
    ("product.measure", lambda sql: {"products": [product(aggregate={"by": ["kind"], "measures": {"n": f"max({sql})"}})]}),
    ("cross.rule_sql", lambda sql: {"columns": ruled(f"SELECT COUNT(*) FROM ${{table}} WHERE {sql} = '2026'"), "products": [product()]}),
    ("cross.rule_sql", lambda sql: {"columns": ruled(f"SELECT max({sql}) FROM ${{table}}"), "products": [product()]}),
], ids=["filter", "measure", "row rule", "set rule"])
def test_the_loader_refuses_what_has_not_been_tried_with_file_and_line(tmp_path: Path, code: str, fields: Any) -> None:
    found = declared(tmp_path / "odd", **fields(UNTRIED))
    assert [(one.code, one.file.endswith("trees.odcs.yaml"), one.line > 1) for one in found] == [(code, True, True)]
    assert UNTRIED not in str(found[0])
    assert declared(tmp_path / "even", **fields("CAST(year(planted) AS TEXT)")) == []


def test_the_loader_refuses_a_query_that_has_not_been_tried(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    columns = [column("kind", "text", "类别", key=1), column("said", "text", "年")]
    for said, codes in (("year(t.planted)", []), (UNTRIED.replace("planted", "t.planted"), ["cross.query_sql"])):
        query = f"SELECT t.kind AS kind, CAST({said} AS TEXT) AS said FROM t"
        tiny.declare(contract("parks.years", columns, **DERIVED, query=query))
        assert [one.code for one in check_city(tiny.city)[1]] == codes


@pytest.mark.parametrize(("wrong", "says"), [
    ("left(kind, 'x')", "Left is given text where it needs a whole number"), ("left(kind, -1)", "Left is given a number where"),
    ("right(kind, 1.5)", "Right is given a number where"), ("left(kind, 3000000000)", "Left is given a number where"),
    ("left(kind, length(kind))", "Left counts by what is not written out"), ("left(kind, NULL)", "Left counts by what is not written out"),
    ("substring(kind, '1')", "Substring is given text where"), ("substring(kind, 1, ('x'))", "Substring is given text where"),
    ("CAST(length(5) AS TEXT)", "Length is given a number where it needs text"), ("upper(TRUE)", "Upper is given true or false where it needs text"),
    ("CASE WHEN contains(kind, 5) THEN 'a' END", "Contains is given a number where it needs text"),
    ("CASE WHEN kind LIKE 5 THEN 'a' END", "Like is given a number where it needs text"),
    ("CAST(year('2026-01-05') AS TEXT)", "Year is given text where it needs a date"),
    ("CAST(length(kind) + 'x' AS TEXT)", "Add is given text where it needs a number or a date"),
    ("CAST(length(kind) / 'x' AS TEXT)", "Div is given text where it needs a number"),
    ("CAST(abs(-'x') AS TEXT)", "Neg is given text where it needs a number"),
])
def test_a_literal_of_the_wrong_kind_is_refused_and_not_quoted(wrong: str, says: str) -> None:
    for parse in (lambda: d.parse_condition(f"{wrong} = 'b'", ["kind"]), lambda: d.parse_measure(f"max({wrong})", ["kind"]),
                  lambda: d.parse_query(f"SELECT {wrong} AS said FROM t", {"t": ["kind"]})):
        with pytest.raises(d.ExpressionError, match=says) as refused:
            parse()
        assert "'x'" not in str(refused.value)
        assert "5" not in str(refused.value)


def test_the_loader_refuses_a_literal_of_the_wrong_kind_with_file_and_line(tmp_path: Path) -> None:
    found = declared(tmp_path / "odd", products=[product(filter="left(kind, 'x') = 'b'")])
    assert [(one.code, one.file.endswith("trees.odcs.yaml"), one.line > 1) for one in found] == [("product.filter", True, True)]
    assert declared(tmp_path / "even", products=[product(filter="left(kind, 1) = 'b' AND planted + 1 > DATE '2026-01-05'")]) == []


@pytest.mark.parametrize("sql", ["left(t, 0) = ''", "substring(t, 1, 0) = ''", "abs(-1) > 0", "length(t) - 1.5 > 0", "t || 5 = 'x5'",
                                 "year(DATE '2026-01-05') = 2026", "regexp_matches(t, '5')", "length(t) * -2 < 0"])
def test_literals_of_the_right_kind_get_through(sql: str) -> None:
    assert d.parse_condition(sql, ["t"])
