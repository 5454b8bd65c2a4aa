"""Runs disclosure control over a product's gold: measures its classes, makes tables leave out small cells, and drops small classes.

What is measured and judged is privacy/disclosure.py's; here is only the running of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from catalog.contract import Contract
from catalog.dialect import col, lit, round_to
from catalog.evidence import Finding, TableAt, Verdict
from pipelines.engines import Session
from pipelines.lake import PERIOD
from pipelines.products import Outward
from pipelines.way import Way
from privacy.disclosure import (
    DISCLOSURE_VERSION,
    Classes,
    Told,
    about_persons,
    cell_of,
    classes_query,
    judge_rows,
    k_of,
    k_query,
    pairs_query,
    quasi_columns,
    sensitive_columns,
    told_query,
    undeclared,
)


def guarded(way: Way, contract: Contract, outward: Outward) -> Outward:
    """The same product, its groups about persons at least as large as the policy's cells must be."""
    aggregate = outward.product.aggregate
    if aggregate is None or not about_persons(contract):
        return outward
    least = max(aggregate.min_group, cell_of(outward.tier, way.policy.thresholds))
    product = outward.product.model_copy(update={"aggregate": aggregate.model_copy(update={"min_group": least})})
    return Outward(contract, product, outward.codes, outward.zone)


def table_query(way: Way, contract: Contract, outward: Outward) -> exp.Query:
    """The product's query, its cells guarded and its counts rounded where the contract says so."""
    query, step = guarded(way, contract, outward).query(), outward.product.disclosure.round_counts
    if outward.product.aggregate is None or step is None:
        return query
    counts = _counts(outward)
    values = [round_to(col(column.name), step, column.type) if column.name in counts else col(column.name) for column in outward.columns]
    return exp.select(*[exp.alias_(value, column.name, quoted=True) for value, column in zip(values, outward.columns, strict=True)]).from_(
        query.subquery("cells"))


def _counts(outward: Outward) -> set[str]:
    """Names of the measures that count."""
    aggregate = outward.product.aggregate
    return {name for name, sql in aggregate.measures.items() if sql.lower().startswith("count")} if aggregate else set()


def suppresses(contract: Contract, outward: Outward) -> bool:
    """Whether rows in small classes are left out of this product."""
    product = outward.product
    return product.aggregate is None and product.disclosure.rows == "suppress" and about_persons(contract)


def kept_rows(way: Way, session: Session, outward: Outward, params: Mapping[str, object] | None) -> exp.Query:
    """The product's rows but those in classes under k or under l. Fewer rows make no other class smaller: the classes are whole."""
    contract, thresholds = outward.contract, way.policy.thresholds
    session.stage(outward.query(), "served", params)
    quasi, sensitive = quasi_columns(contract, outward.product), sensitive_columns(contract, outward.product)
    classes = classes_query(quasi, "served")
    enough: list[exp.Expr] = [exp.GTE(this=exp.Count(this=exp.Star()), expression=lit(k_of(outward.tier, thresholds)))]
    if outward.tier == "restricted":
        enough += [_diverse(name, thresholds.l_restricted) for name in sensitive]
    session.stage(classes.having(exp.and_(*enough)), "classes")
    names = [*(column.name for column in outward.columns), *([PERIOD] if outward.by_period else [])]
    same = [exp.NullSafeEQ(this=col(name, "s"), expression=col(name, "c")) for name in quasi]
    return (exp.select(*[exp.alias_(col(name, "s"), name, quoted=True) for name in names]).from_(exp.to_table("served").as_("s"))
            .join(exp.to_table("classes").as_("c"), on=exp.and_(*same) if same else exp.true()))


def _diverse(name: str, least: int) -> exp.Expr:
    """At least so many values of a column in a group; a NULL counts as one."""
    null = exp.Max(this=exp.Case(ifs=[exp.If(this=exp.Is(this=col(name), expression=exp.Null()), true=lit(1))], default=lit(0)))
    values = exp.Count(this=exp.Distinct(expressions=[col(name)]))
    return exp.GTE(this=exp.Add(this=values, expression=null), expression=lit(least))


def disclosure(way: Way, contract: Contract, outward: Outward, gold: TableAt) -> Verdict:
    """The verdict on a product's gold. No findings where its rows are not about persons."""
    findings = _findings(way, contract, outward, gold) if about_persons(contract) else []
    return Verdict("disclosure", {"gold": gold.version}, f"{DISCLOSURE_VERSION} {way.policy.version}", tuple(findings))


def _findings(way: Way, contract: Contract, outward: Outward, gold: TableAt) -> list[Finding]:
    findings = _not_made(outward)
    if outward.product.aggregate is not None:
        return findings
    if undeclared(contract):
        note = "The rows are about persons, but the contract marks no column as quasi-identifier: nobody can tell whether they are told apart."
        return [*findings, Finding("disclosure.undeclared", False, "block", note)]
    if not quasi_columns(contract, outward.product):
        return findings
    found = measure(way, contract, outward, gold)
    return findings + judge_rows(found, outward.tier, way.policy.thresholds)


def _not_made(outward: Outward) -> list[Finding]:
    """What the contract asks for and this version does not do: held, never passed."""
    wanted = outward.product.disclosure
    asked = {"rows: mondrian": wanted.rows == "mondrian", "cells: secondary": wanted.cells == "secondary",
             "round_counts": wanted.round_counts is not None and not _counts(outward),
             "noise_epsilon": wanted.noise_epsilon is not None}
    return [Finding("disclosure.unmade", False, "block", "A protection that the contract asks for is not made.", observed={"asked": name})
            for name, value in asked.items() if value]


def measure(way: Way, contract: Contract, outward: Outward, gold: TableAt) -> Classes:
    """Measures the classes of gold: k over the quasi-identifiers, l and t of each sensitive column, and what causes small classes.

    Where a token of the subject leaves, a class counts distinct subjects: many rows of one person hide nobody.
    """
    quasi, k = quasi_columns(contract, outward.product), k_of(outward.tier, way.policy.thresholds)
    subject = next((name for name, how in outward.product.columns.items() if how.do != "drop" and contract.column(name).more.subject), None)
    with way.engine.open({"gold": gold}) as session:
        figures = session.rows(k_query(quasi, "gold", k, subject))[0]
        told = {}
        for name in sensitive_columns(contract, outward.product):
            session.stage(pairs_query(quasi, name, "gold"), "pairs")
            row = session.rows(told_query(quasi, "pairs"))[0]
            told[name] = Told(int(row["l"]), float(row["t"]))
        causes = {}
        if 0 < int(figures["smallest"]) < k:
            for name in quasi:
                rest = [other for other in quasi if other != name]
                causes[name] = int(session.rows(k_query(rest, "gold", k, subject))[0]["small_rows"])
    return Classes(int(figures["classes"]), int(figures["rows"]), int(figures["smallest"]), int(figures["small_rows"]),
                   int(figures["small_classes"]), told, causes)
