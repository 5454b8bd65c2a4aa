"""Clause c: nothing that an authoritative department shares already is collected again.

Known by the declared element, by name and code, and by keyed bottom-k sketches of the values (Cohen and Kaplan, 2007): of a
column only its `SIZE` smallest keyed hashes are kept, and only hashes leave a department.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from catalog import dialect as d
from catalog.contract import Contract
from catalog.evidence import Finding
from privacy.characters import SIMPLIFIED
from privacy.negative_list import Policy
from privacy.policy_file import SharedElement

SIZE = 4096
SAMPLES = 400       # hashes that an estimate needs: its standard error is then at most 0.025
LEAST = 20          # distinct values below which an authoritative column is a code list rather than an element
FEW = 3             # distinct values below which a candidate tells nothing; below LEAST it compares whole, by every one of its hashes
EVERY = 2**62
SPELLING = "bare 1"   # how values are spelled before they are hashed: a sketch of another spelling is none
EMPTY = ("", "-", "无", "/")


@dataclass(frozen=True)
class Sketch:
    """The smallest keyed hashes of a column's distinct values, in order. `whole` when there were no more."""

    hashes: tuple[str, ...]
    whole: bool


def sketch_query(name: str, view: str, text: exp.Expr | None = None, most: int = SIZE) -> exp.Query:
    """The sketch of one column as `hash`, of its values' letters and digits in one spelling; the pads of the key are parameters `ipad` and `opad`."""
    value = d.upper_ascii(d.bare_text(d.fold_width(text if text is not None else d.col(name)), SIMPLIFIED))
    table = exp.to_identifier(view, quoted=True).sql()
    distinct = exp.select(exp.alias_(value, "value")).distinct().from_(table)
    named = exp.not_(d.in_list(d.col("value"), EMPTY))
    return (exp.select(exp.alias_(d.hmac_token(d.col("value")), "hash")).from_(distinct.subquery("distinct_values"))
            .where(named).order_by("hash").limit(most))


def made(hashes: Sequence[str]) -> Sketch:
    """The sketch of sorted hashes that `sketch_query` gave."""
    return Sketch(tuple(hashes), len(hashes) < SIZE)


def containment(candidate: Sketch, known: Sketch) -> float:
    """Share of the candidate's distinct values that are in the known column, estimated where both sketches are complete."""
    below, there = _comparable(candidate, known), set(known.hashes)
    return sum(one in there for one in below) / len(below) if below else 0.0


def _comparable(candidate: Sketch, known: Sketch) -> list[str]:
    """The candidate's hashes up to where both sketches are complete."""
    ends = [sketch.hashes[-1] for sketch in (candidate, known) if not sketch.whole]
    return [one for one in candidate.hashes if not ends or one <= min(ends)]


def enough(candidate: Sketch, known: Sketch) -> bool:
    """Whether the estimate rests on enough hashes: not where few values meet a large column, of which then these are asked for."""
    return known.whole or len(_comparable(candidate, known)) >= SAMPLES


def asked_query(name: str, view: str, hashes: Sequence[str], text: exp.Expr | None = None) -> exp.Query:
    """Those of the hashes that a column's values have, as `hash`."""
    inner = exp.select("hash").from_(sketch_query(name, view, text, EVERY).subquery("sketched"))
    return inner.where(d.in_list(d.col("hash"), list(hashes)))


def shared_with(policy: Policy, contract: Contract) -> list[SharedElement]:
    """The shared elements that this dataset may not bring again: those of which another one is the authority."""
    return [] if contract.derived else [one for one in policy.shared if one.authoritative != contract.id]


def judge_named(policy: Policy, contract: Contract) -> list[Finding]:
    """Columns that are a shared element by declaration, name or code."""
    found = []
    for shared in shared_with(policy, contract):
        for column in contract.columns:
            how = ("element" if column.more.element in (shared.element, *shared.codes) else
                   "name" if {column.name, *column.headers} & {shared.element, *shared.names, *shared.codes} else "")
            if how:
                found.append(Finding("shared.element", False, "block", "The column is an element that an authoritative dataset shares already.",
                                     column=column.name, observed={"entry": shared.id, "authoritative": shared.authoritative, "by": how}))
    return found


def judge_values(shared: SharedElement, column: str, candidate: Sketch, known: Sketch, size: int | None = None) -> Finding | None:
    """Refuses a column whose values are to a large part those of the authoritative dataset; None where they are not.

    `size`: hashes of the authoritative sketch, where `known` are only those that were asked for.
    """
    if len(candidate.hashes) < FEW or (size if size is not None else len(known.hashes)) < LEAST:
        return None
    share = containment(candidate, known)
    if share < shared.containment_deny:
        return None
    return Finding("shared.values", False, "block", "The column's values are to a large part those that an authoritative dataset shares already.",
                   column=column, observed={"entry": shared.id, "authoritative": shared.authoritative, "containment": round(share, 3),
                                            "containment_deny": shared.containment_deny})
