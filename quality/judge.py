"""Great Expectations judges: check specs over views of exact versions → findings. Counts only; no value comes back.

The caller hands over a database file (DuckDB) or frames (Spark) named `silver` (the candidate) and `judged` (candidate plus
quarantine, with the failed rules of quarantined rows in `_rules`).
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from sqlglot import exp

from catalog.dialect import col, contains_any, joined_text, lit, render
from catalog.evidence import CheckSpec, Finding

_BATCH = "cl_judged_batch"          # becomes the library's own name for what it judges
Bound = tuple[str, float]
Where = Path | Mapping[str, object]         # a database file, or a frame a view
COMPARE: Mapping[str, Callable[[float, Any], bool]] = {
    "mustBe": lambda value, bound: value == bound,
    "mustNotBe": lambda value, bound: value != bound,
    "mustBeGreaterThan": lambda value, bound: value > bound,
    "mustBeGreaterOrEqualTo": lambda value, bound: value >= bound,
    "mustBeLessThan": lambda value, bound: value < bound,
    "mustBeLessOrEqualTo": lambda value, bound: value <= bound,
}


def judge(where: Where, specs: Sequence[CheckSpec]) -> tuple[Finding, ...]:
    """One finding a spec. A check that could not be computed fails and blocks: doubt is not a pass."""
    with _quiet(), contextlib.ExitStack() as closing:
        return _judge(where, specs, closing)


def _batches(gx: Any, where: Where, closing: contextlib.ExitStack) -> dict[str, Any]:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    views = ("silver", "judged")
    if not isinstance(where, Path):
        spark = context.data_sources.add_spark("lake")
        return {view: spark.add_dataframe_asset(view).add_batch_definition_whole_dataframe(view).get_batch({"dataframe": where[view]})
                for view in views}
    from quality.buffered import install

    install()
    source = context.data_sources.add_sql("lake", connection_string=f"duckdb:///{where}")
    closing.callback(source.get_execution_engine().engine.dispose)
    return {view: source.add_table_asset(view, table_name=view).add_batch_definition_whole_table(view).get_batch() for view in views}


def _judge(where: Where, specs: Sequence[CheckSpec], closing: contextlib.ExitStack) -> tuple[Finding, ...]:
    import great_expectations as gx

    batches, dialect = _batches(gx, where, closing), "duckdb" if isinstance(where, Path) else "spark"
    total = _count(gx, batches["judged"])
    findings = []
    for view in ("judged", "silver"):
        mine = [spec for spec in specs if (spec.kind == "row") == (view == "judged")]
        suite = gx.ExpectationSuite(name=view, expectations=[_expectation(gx, spec, dialect) for spec in mine])
        # SUMMARY keeps counts; lists of unexpected values never leave the library.
        result = batches[view].validate(suite, result_format={"result_format": "SUMMARY", "exclude_unexpected_values": True})
        by_id = {_rule_of(item): item for item in result.results}
        findings += [finding(spec, by_id[spec.id], total) for spec in mine]
    return tuple(findings)


def _rule_of(item: Any) -> str:
    return str(item.expectation_config.meta["rule"])


def _count(gx: Any, batch: Any) -> int:
    result = batch.validate(gx.expectations.ExpectTableRowCountToBeBetween(min_value=0))
    return int(result.result["observed_value"])


def _expectation(gx: Any, spec: CheckSpec, dialect: str) -> Any:
    kinds, meta = gx.expectations, {"rule": spec.id}
    if spec.kind == "row":
        return kinds.UnexpectedRowsExpectation(unexpected_rows_query=_bad_rows(spec, dialect), meta=meta)
    if spec.kind == "expectation":
        arguments = dict(spec.arguments)
        return getattr(kinds, arguments.pop("type"))(**arguments, meta=meta)
    if spec.metric == "unique" or spec.metric == "duplicateValues":
        columns = list(spec.arguments.get("columns") or spec.arguments.get("properties") or [spec.column])
        if len(columns) == 1:
            return kinds.ExpectColumnValuesToBeUnique(column=columns[0], meta=meta)
        return kinds.ExpectCompoundColumnsToBeUnique(column_list=columns, meta=meta)
    if spec.metric == "rowCount":
        return kinds.ExpectTableRowCountToBeBetween(min_value=0, meta=meta)
    return kinds.UnexpectedRowsExpectation(unexpected_rows_query=_set_query(spec, dialect), meta=meta)


def _bad_rows(spec: CheckSpec, dialect: str) -> str:
    """Quarantined rows that failed this rule, and rows of the candidate that should have failed it."""
    word = render(contains_any(joined_text([lit(""), col("_rules"), lit("")], ";"), [f";{spec.id};"]), dialect)
    bad = f" OR (_rules = '' AND ({render(spec.bad, dialect)}))" if spec.bad is not None else ""
    return "SELECT 1 AS bad FROM {batch} WHERE " + _escaped(f"({word}){bad}")


def _set_query(spec: CheckSpec, dialect: str) -> str:
    """A steward's set query, as one row when its single number breaks a bound."""
    bounds = " AND ".join(f"({_comparison(bound)})" for bound in spec.bounds)
    tree = spec.arguments["query"].copy()
    for table in tree.find_all(exp.Table):
        if table.name == "silver" and dialect == "spark":       # whose frame has no name of ours
            table.set("alias", table.args.get("alias") or exp.TableAlias(this=exp.to_identifier("silver", quoted=True)))
            table.set("this", exp.to_identifier(_BATCH))
    query = _escaped(render(tree, dialect)).replace(_BATCH, "{batch}")
    return f"SELECT * FROM ({query}) AS measured(value) WHERE value IS NULL OR NOT ({bounds})"


def _comparison(bound: Bound) -> str:
    signs = {"mustBe": "=", "mustNotBe": "<>", "mustBeGreaterThan": ">", "mustBeGreaterOrEqualTo": ">=",
             "mustBeLessThan": "<", "mustBeLessOrEqualTo": "<="}
    return f"value {signs[bound[0]]} {float(bound[1])!r}"


def _escaped(sql: str) -> str:
    """Great Expectations substitutes in braces; regex quantifiers must be doubled."""
    return sql.replace("{", "{{").replace("}", "}}")


def finding(spec: CheckSpec, result: Any, total: int) -> Finding:
    """The library's result as ours: counts, the bound, and nothing that quotes a row."""
    severity: Literal["block", "warn"] = "block" if spec.blocking else "warn"
    raised = any(info.get("raised_exception") for info in _exceptions(result.exception_info))
    if raised:
        return Finding(spec.id, False, "block", "The check could not be computed.", spec.dimension, spec.column,
                       {"computed": False}, "platform")
    observed = _observed(spec, result.result, total)
    passed = bool(result.success) if spec.kind == "expectation" else _within(spec, observed)
    note = f"{spec.column or 'The table'} {spec.description}." if spec.description else spec.id
    return Finding(spec.id, passed, severity, note, spec.dimension, spec.column, observed)


def _exceptions(info: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return [info] if "raised_exception" in info else [item for item in info.values() if isinstance(item, Mapping)]


def _observed(spec: CheckSpec, result: Mapping[str, Any], total: int) -> dict[str, Any]:
    if spec.kind == "expectation":
        return {}           # what was measured may be a value of the column: a smallest, a largest
    if spec.metric == "rowCount":
        return {"rows": int(result["observed_value"])}
    if "unexpected_count" in result:
        bad = int(result["unexpected_count"])
    else:
        value = result.get("observed_value", 0)
        bad = int(value) if isinstance(value, int | float) else 0
    return {"bad": bad, "rows": total, "percent": round(100 * bad / total, 4) if total else 0.0}


def _within(spec: CheckSpec, observed: Mapping[str, Any]) -> bool:
    if spec.metric == "rowCount":
        value: float = observed["rows"]
    elif spec.kind == "set" and "query" in spec.arguments:
        return bool(observed["bad"] == 0)
    else:
        value = observed["percent"] if spec.unit == "percent" else observed["bad"]
    return all(COMPARE[name](value, bound) for name, bound in spec.bounds)


class _quiet:
    """Great Expectations logs and prints SQL and tracebacks, which may hold values; nothing of it reaches a log."""

    def __enter__(self) -> None:
        self._level = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        self._printed = contextlib.redirect_stdout(io.StringIO())
        self._printed.__enter__()
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, *error: object) -> None:
        self._warnings.__exit__(None, None, None)
        self._printed.__exit__(None, None, None)
        logging.disable(self._level)
