"""Runs disclosure control over a product's gold: measures its classes, makes tables leave out small cells, and drops small classes.

What is measured and judged is privacy/disclosure.py's; here is only the running of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlglot import exp

from catalog.contract import Contract
from catalog.dialect import col, lit
from catalog.evidence import Finding, TableAt, Verdict
from pipelines.engines import Session
from pipelines.lake import PERIOD
from pipelines.products import Outward
from pipelines.way import Way
from privacy import argus, noise
from privacy.disclosure import (
    CLASS_ROWS,
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
    subject_column,
    told_query,
    undeclared,
)
from privacy.mondrian import entropies


def least_cell(way: Way, outward: Outward) -> int:
    """How many a published cell must hold: the contract's own bound, and about persons the policy's."""
    least = outward.product.aggregate.min_group if outward.product.aggregate else 1
    return max(least, cell_of(outward.tier, way.policy.thresholds)) if about_persons(outward.contract) else least


def suppresses(contract: Contract, outward: Outward) -> bool:
    """Whether rows in small classes are left out of this product."""
    product = outward.product
    return product.aggregate is None and product.disclosure.rows == "suppress" and about_persons(contract)


def kept_rows(way: Way, session: Session, outward: Outward, person: str | None) -> exp.Query:
    """The staged `served` but for rows in classes under k or under l. Fewer rows make no other class smaller: the classes are whole.

    `person`: the column of `served` by which persons are counted, if any.
    """
    contract, thresholds = outward.contract, way.policy.thresholds
    quasi, sensitive = quasi_columns(contract, outward.product), sensitive_columns(contract, outward.product)
    counted = exp.Count(this=exp.Distinct(expressions=[col(person)]) if person else exp.Star())
    enough: list[exp.Expr] = [exp.GTE(this=counted, expression=lit(k_of(outward.tier, thresholds)))]
    if outward.tier == "restricted":
        enough += [_diverse(name, thresholds.l_restricted) for name in sensitive]
    session.stage(classes_query(quasi, "served").having(exp.and_(*enough)), "classes")
    names = [*(column.name for column in outward.columns), *([PERIOD] if outward.by_period else []), *([person] if person else [])]
    same = [exp.NullSafeEQ(this=col(name, "s"), expression=col(name, "c")) for name in quasi]
    return (exp.select(*[exp.alias_(col(name, "s"), name, quoted=True) for name in names]).from_(exp.to_table("served").as_("s"))
            .join(exp.to_table("classes").as_("c"), on=exp.and_(*same) if same else exp.true()))


def _diverse(name: str, least: int) -> exp.Expr:
    """At least so many values of a column in a group; a NULL counts as one."""
    null = exp.Max(this=exp.Case(ifs=[exp.If(this=exp.Is(this=col(name), expression=exp.Null()), true=lit(1))], default=lit(0)))
    values = exp.Count(this=exp.Distinct(expressions=[col(name)]))
    return exp.GTE(this=exp.Add(this=values, expression=null), expression=lit(least))


def lacking(outward: Outward) -> list[str]:
    """The extras that the product's protection needs and that are not installed."""
    wanted = outward.product.disclosure
    needed = {"sdc": wanted.cells == "secondary" and not argus.installed(), "dp": wanted.noise_epsilon is not None and not noise.installed()}
    return [name for name, missing in needed.items() if missing]


def disclosure(way: Way, contract: Contract, outward: Outward, gold: TableAt, made: Mapping[str, Any]) -> Verdict:
    """The verdict on a product's gold, and on what was done to it (`made`: pipelines/protecting.py). k, l and t only of rows about persons."""
    findings = _not_made(outward)
    if made.get("audited") is False:
        note = "No choice of cells protects a table's small ones: publish coarser groups, or fewer columns. Nothing of it is shown."
        observed = {"cells": made["of"], "small": made["small"], "least": made["least"]}
        findings.append(Finding("disclosure.cells", False, "block", note, observed=observed))
    findings += _findings(way, contract, outward, gold, made) if about_persons(contract) else []
    return Verdict("disclosure", {"gold": gold.version}, f"{DISCLOSURE_VERSION} {way.policy.version}", tuple(findings))


def _findings(way: Way, contract: Contract, outward: Outward, gold: TableAt, made: Mapping[str, Any]) -> list[Finding]:
    if outward.product.aggregate is not None:
        return []
    if undeclared(contract, outward.product):
        note = "The rows are about persons, but the contract marks no column as quasi-identifier: nobody can tell whether they are told apart."
        return [Finding("disclosure.undeclared", False, "block", note)]
    if not quasi_columns(contract, outward.product):
        return []
    found, persons = measure(way, contract, outward, gold), made.get("persons")
    if persons is not None and persons["smallest"] < found.smallest:        # rows of the same person hide nobody
        found = replace(found, smallest=persons["smallest"], small_rows=persons["small_rows"], causes=persons["without_column"])
    return judge_rows(found, outward.tier, way.policy.thresholds)


def _not_made(outward: Outward) -> list[Finding]:
    """What the contract asks for and this version does not do: held, never passed."""
    wanted, table = outward.product.disclosure, outward.product.aggregate is not None
    told = not outward.counts or any(column.expression.find(exp.Count) for column in outward.measures if column.name not in outward.counts)
    asked = {"rows: mondrian": wanted.rows == "mondrian" and not outward.widened, "cells: secondary": wanted.cells == "secondary" and not table,
             "round_counts": wanted.round_counts is not None and told, "noise_epsilon": wanted.noise_epsilon is not None and told}
    return [Finding("disclosure.unmade", False, "block", "A protection that the contract asks for is not made.", observed={"asked": name})
            for name, value in asked.items() if value]


def measure(way: Way, contract: Contract, outward: Outward, gold: TableAt) -> Classes:
    """Measures the classes of gold: k over the quasi-identifiers, l and t of each sensitive column, and what causes small classes.

    Where a token of the subject leaves, a class counts distinct subjects: many rows of one person hide nobody.
    """
    quasi, k = quasi_columns(contract, outward.product), k_of(outward.tier, way.policy.thresholds)
    sensitive, subject = sensitive_columns(contract, outward.product), subject_column(contract, outward.product)
    with way.engine.open({"gold": gold}) as session:
        told, figures = {}, None
        for name in sensitive:
            row = session.rows(told_query(quasi, name, "gold", k))[0]
            entropy = _entropy(session, quasi, name) if way.policy.thresholds.entropy_l_restricted is not None else 0.0
            told[name] = Told(int(row["l"]), float(row["t"]), entropy)
            figures = row if subject is None else None
        figures = figures or session.rows(k_query(quasi, "gold", k, subject))[0]
        causes = causes_of(session, quasi, "gold", k, subject) if 0 < int(figures["smallest"]) < k else {}
    return Classes(int(figures["classes"]), int(figures["rows"]), int(figures["smallest"]), int(figures["small_rows"]),
                   int(figures["small_classes"]), told, causes)


def causes_of(session: Session, quasi: Sequence[str], view: str, k: int, subject: str | None) -> dict[str, int]:
    """For each quasi-identifier how many rows would still be in small classes without it."""
    rest = {name: [other for other in quasi if other != name] for name in quasi}
    return {name: int(session.rows(k_query(others, view, k, subject))[0]["small_rows"]) for name, others in rest.items()}


def _entropy(session: Session, quasi: Sequence[str], sensitive: str) -> float:
    """The least entropy of the values in a class of gold; no engine's logarithm, which differ."""
    session.stage(pairs_query(quasi, sensitive, "gold"), "pairs")
    order = exp.Order(expressions=[exp.Ordered(this=col(name), nulls_first=False) for name in quasi])
    number = exp.Window(this=exp.DenseRank(), order=order) if quasi else lit(1)
    table = session.read(exp.select(exp.alias_(number, "at"), col("_value"), col(CLASS_ROWS)).from_("pairs")).read_all()
    code = table.column("_value").combine_chunks().dictionary_encode(null_encoding="encode").indices.to_numpy(zero_copy_only=False)
    at, rows = (table.column(n).to_numpy().astype(np.int64) for n in (0, 2))
    return float(entropies(at - 1, code.astype(np.int64), rows, int(at.max())).min()) if len(at) else 0.0
