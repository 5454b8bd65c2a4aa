"""Clause b: personal data only under a declared rule, within each of its limits, and used only for what it allows.

Each breach refuses the whole batch; the finding names the rule and the measured figure. (PIPL Art. 6, 13, 19, 34.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlglot import exp

from catalog import dialect as d
from catalog.contract import Column, Contract
from catalog.evidence import Finding
from privacy.column_verdicts import ColumnVerdict, declares
from privacy.negative_list import Policy
from privacy.policy_file import CollectionRule, Limit

Kinds = Mapping[str, Mapping[str, int]]
BUSINESS = "individual_business"    # what a rule calls social credit codes that begin with 92: 个体工商户 are natural persons
PUBLIC = "social_credit_code"       # one resident ID in 31 also passes its check; an enterprise's is no personal data


@dataclass(frozen=True)
class Earlier:
    """A batch that was collected under the same rule: rows, the time it stands for, and of which source and offer."""

    rows: int
    at: datetime
    source: str
    offer: str


@dataclass(frozen=True)
class Collected:
    """What is known of a batch when it is judged. `outside` counts rows beyond each limit of the rule's scope, by column."""

    rows: int
    kinds: Kinds
    at: datetime
    today: date
    mode: str
    source: str = ""
    offer: str = ""
    outside: Mapping[str, int] = field(default_factory=dict)
    corrected: bool = False


def rule_of(policy: Policy, contract: Contract) -> CollectionRule | None:
    """The collection rule that the contract names, if there is one."""
    return policy.rules.get(contract.fields.collection_rule or "")


def personal(contract: Contract) -> bool:
    """Whether the contract itself says that it is about natural persons."""
    return any(column.more.person or column.level in ("L3", "L4") for column in contract.columns)


def in_force(rule: CollectionRule, today: date) -> bool:
    """Both days count."""
    return rule.valid_from <= today.isoformat() <= rule.valid_to


def judge_collection(policy: Policy, contract: Contract, batch: Collected, history: Sequence[Earlier]) -> list[Finding]:
    """Refuses what no collection rule permits (PIPL Art. 6: the least that the purpose needs)."""
    rule = rule_of(policy, contract)
    if rule is None:
        offices = {column.name: (PUBLIC, column.more.identifies) for column in contract.columns        # an office's own number
                   if column.level == "L1" and column.more.identifies == "landline"}
        need = personal(contract) or any(kind not in offices.get(name, (PUBLIC,)) for name, found in batch.kinds.items() for kind in found)
        return [_refused("rule", "Personal data may only be collected under a declared rule.", batch.kinds)] if need else []
    found = [_validity(rule, contract, batch), _purposes(rule, contract), _kinds(rule, contract, batch), _quantity(rule, batch),
             _window(rule, batch, history), _frequency(rule, batch, history), _mode(rule, batch), _scope(rule, contract, batch)]
    return [one for one in found if one is not None]


def certain_kinds(verdicts: Iterable[ColumnVerdict], columns: Mapping[str, Column]) -> dict[str, dict[str, int]]:
    """Column → kind → cells: what is certain and what a column is declared to identify. Names and addresses in a column about persons are
    what its declaration says. Codes of individual businesses are persons' where they are most of a column.
    """
    found = {}
    for one in verdicts:
        column = columns.get(one.column)
        kinds = {kind: one.kinds[kind].cells for kind, how in one.judged.items()
                 if (how == "DENY" and not declares(column, kind)) or (column is not None and column.more.identifies == kind)}
        codes = one.kinds.get(PUBLIC)
        if codes is not None and 2 * codes.persons > codes.distinct:        # most are: else they are an enterprises' list with a few
            kinds[BUSINESS] = codes.cells
        if kinds:
            found[one.column] = kinds
    return found


def judge_doubts(verdicts: Iterable[ColumnVerdict]) -> list[Finding]:
    """What may be personal data that nobody declared waits for the privacy officer; what could not be looked at waits until it can."""
    found = []
    for one in verdicts:
        if one.unseen:
            found.append(Finding(f"unseen.{one.reasons[0]}", False, "block", "A column could not be looked at in full.", column=one.column,
                                 observed={"reasons": list(one.reasons)}, party="platform"))
        elif one.decision == "HOLD":
            kinds = {kind: hits.cells for kind, hits in one.kinds.items() if one.judged[kind] == "HOLD"}
            hashes = {kind: list(marks) for kind, marks in one.evidence.items() if kind in kinds}
            sets = {kind: one.sets[kind] for kind in kinds if kind in one.sets}
            found.append(Finding("doubt.personal", False, "block", "A column may hold personal data that the contract does not declare.",
                                 column=one.column, observed={"kinds": kinds, "why": list(one.reasons), "hashes": hashes, "sets": sets}))
    return found


def _validity(rule: CollectionRule, contract: Contract, batch: Collected) -> Finding | None:
    if in_force(rule, batch.today):
        return None
    return _refused("validity", "The collection rule is not valid today.",
                    {"rule": rule.id, "today": batch.today.isoformat(), "valid_from": rule.valid_from, "valid_to": rule.valid_to})


def _purposes(rule: CollectionRule, contract: Contract) -> Finding | None:
    beyond = sorted(set(contract.fields.purposes) - set(rule.purposes))
    return _refused("purposes", "The dataset has purposes beyond the collection rule.", {"rule": rule.id, "purposes": beyond}) if beyond else None


def _kinds(rule: CollectionRule, contract: Contract, batch: Collected) -> Finding | None:
    """Kinds that were found, and kinds that the contract itself declares."""
    extra: dict[str, list[str]] = {}
    declared = {column.name: [column.more.identifies] for column in contract.columns if column.more.identifies and column.level != "L1"}
    for name in {*batch.kinds, *declared}:
        kinds = {*batch.kinds.get(name, ()), *declared.get(name, ())} - {*rule.kinds, PUBLIC}
        if kinds:
            extra[name] = sorted(kinds)
    cells = {name: {kind: batch.kinds[name][kind] for kind in kinds if kind in batch.kinds.get(name, ())} for name, kinds in sorted(extra.items())}
    return _refused("kinds", "The batch holds kinds of personal data beyond the collection rule.",
                    {"rule": rule.id, "kinds": extra, "cells": cells}) if extra else None


def _quantity(rule: CollectionRule, batch: Collected) -> Finding | None:
    if batch.rows <= rule.quantity.rows_per_batch:
        return None
    return _refused("quantity", "The batch has more rows than the collection rule permits.",
                    {"rule": rule.id, "rows": batch.rows, "rows_per_batch": rule.quantity.rows_per_batch})


def _window(rule: CollectionRule, batch: Collected, history: Sequence[Earlier]) -> Finding | None:
    """The fullest of all windows that hold this batch: batches may come out of order."""
    most, days = rule.quantity.rows_per_window, rule.quantity.window_days
    if most is None or days is None:
        return None
    length = timedelta(days=days)
    ends = {batch.at, *(one.at for one in history if batch.at <= one.at < batch.at + length)}
    rows = max(batch.rows + sum(one.rows for one in history if end - length < one.at <= end) for end in ends)
    if rows <= most:
        return None
    return _refused("window", "With this batch more rows would be collected within the window than the collection rule permits.",
                    {"rule": rule.id, "rows": rows, "rows_per_window": most, "window_days": days})


def _frequency(rule: CollectionRule, batch: Collected, history: Sequence[Earlier]) -> Finding | None:
    """Between two collections from one source; the files of one archive are one collection."""
    if batch.corrected:
        return None         # rows that were collected before and come back mended
    gaps = [abs((batch.at - one.at).total_seconds()) / 3600 for one in history if one.source == batch.source and one.offer != batch.offer]
    least = rule.frequency.min_interval_hours
    if not gaps or min(gaps) >= least:
        return None
    return _refused("frequency", "The batch comes sooner after another one than the collection rule permits.",
                    {"rule": rule.id, "hours": round(min(gaps), 3), "min_interval_hours": least})


def _mode(rule: CollectionRule, batch: Collected) -> Finding | None:
    if batch.corrected or batch.mode in rule.mode:
        return None
    return _refused("mode", "The batch comes by another way than the collection rule permits.",
                    {"rule": rule.id, "mode": batch.mode, "permitted": list(rule.mode)})


def _scope(rule: CollectionRule, contract: Contract, batch: Collected) -> Finding | None:
    if contract.id not in rule.datasets or contract.department != rule.department:
        return _refused("scope", "The collection rule is not about this dataset.", {"rule": rule.id})
    outside = {name: rows for name, rows in batch.outside.items() if rows}
    return _refused("scope", "The batch holds rows outside the collection rule's scope.", {"rule": rule.id, "rows": outside}) if outside else None


def scope_query(rule: CollectionRule, contract: Contract, view: str) -> exp.Query | None:
    """One row: for each limited column the rows outside; None where nothing is limited. A column that is not there has all rows outside."""
    names = {column.name for column in contract.given}
    limits: dict[str, list[Limit]] = {}
    for limit in rule.scope.limits:
        limits.setdefault(limit.column, []).append(limit)
    counts = [_counted(name, _outside(name, found) if name in names else exp.true()) for name, found in limits.items()]
    return exp.select(*counts).from_(exp.to_identifier(view, quoted=True).sql()) if counts else None


def _counted(name: str, condition: exp.Expr) -> exp.Expr:
    return exp.alias_(exp.Count(this=exp.Case(ifs=[exp.If(this=condition, true=d.lit(1))])), name, quoted=True)


def _outside(name: str, limits: Sequence[Limit]) -> exp.Expr:
    """Rows that one of the column's limits does not let in, in the cell's folded and trimmed form."""
    text = d.trim_text(d.fold_width(d.col(name)))
    return exp.or_(*[_beyond(text, limit) for limit in limits])


def _beyond(text: exp.Expr, limit: Limit) -> exp.Expr:
    inside: list[exp.Expr] = [exp.EQ(this=d.prefix(text.copy(), len(head)), expression=d.lit(head)) for head in limit.prefixes]
    if limit.values:
        inside.append(d.in_list(text.copy(), limit.values))
    filled = exp.EQ(this=text.copy(), expression=d.lit("")) if limit.optional else None
    passed = exp.or_(*inside, *([filled] if filled is not None else []))
    return exp.not_(d.coalesce(passed, exp.true() if limit.optional else exp.false()))


def judge_use(policy: Policy, contract: Contract, purpose: str, today: date, sources: Sequence[Contract]) -> list[Finding]:
    """Whether personal data may be used for this purpose today, under the rule of every dataset that it comes from.

    `sources`: the collected datasets behind the contract (itself where it is not derived).
    """
    found = []
    for source in sources:
        rule = rule_of(policy, source)
        if rule is None:
            if any(column.more.person for column in source.columns):       # the loader lets no such contract in: a second lock
                found.append(_use("rule", "Personal data are used without a collection rule.", {"dataset": source.id}))
        elif not in_force(rule, today):
            found.append(_use("validity", "The collection rule has ended, so what was collected under it may not be used.",
                              {"rule": rule.id, "dataset": source.id, "valid_to": rule.valid_to}))
        elif purpose not in rule.purposes:
            found.append(_use("purpose", "The collection rule does not allow this purpose.",
                              {"rule": rule.id, "dataset": source.id, "purpose": purpose}))
    return found


def _use(rule: str, note: str, observed: Mapping[str, Any]) -> Finding:
    return Finding(f"use.{rule}", False, "block", note, observed=dict(observed))


def _refused(rule: str, note: str, observed: Mapping[str, Any]) -> Finding:
    return Finding(f"collection.{rule}", False, "block", note, observed=dict(observed))
