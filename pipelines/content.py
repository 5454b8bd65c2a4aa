"""What the cells of a candidate hold, as far as admission asks: secrecy cues, columns' verdicts, shared values, rows outside a rule's scope.

Small batches of one source are looked at together, since making the screens' patterns ready costs more than a small file: each batch is
judged by its own cells all the same, and one of which anything is in doubt is looked at alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlglot import exp

from catalog.contract import Contract
from catalog.dialect import col, contains_pattern, joined_text
from catalog.evidence import Finding
from pipelines.batch_screens import TEXT, screen_batches
from pipelines.bronze import BATCH
from pipelines.column_screens import Look, screen_columns
from pipelines.engines import Session
from pipelines.memory import memory_of
from pipelines.shared import shared_values
from pipelines.way import Way
from privacy.collection import PUBLIC, rule_of, scope_query
from privacy.column_verdicts import ColumnVerdict
from privacy.secrecy import SEPARATOR, count_cues, possible_pattern
from privacy.sketches import shared_with


@dataclass(frozen=True)
class Content:
    """`cues`: strength → rows. `outside`: column → rows outside the collection rule's limits."""

    cues: Mapping[str, int]
    verdicts: Mapping[str, ColumnVerdict]
    shared: tuple[Finding, ...] = ()
    outside: Mapping[str, int] = field(default_factory=dict)


def content_of(way: Way, contract: Contract, candidate: Path) -> Content:
    """Of one candidate."""
    types = {column.name: TEXT for column in contract.given}
    with way.engine.open({"candidate": candidate}) as session:
        cues = _cues(session, way, types).get("", {})
        verdicts = screen_columns(way, session, types, "candidate", _look(way, contract))
        shared = shared_values(way, contract, session, "candidate")
        return Content(cues, verdicts, tuple(shared), _outside(way, contract, session))


def contents_of(way: Way, contract: Contract, gathered: Path) -> dict[str, Content]:
    """Batch → its content, of the batches in a gathered file (`bronze.gather`) that nothing is in doubt of; the others must be looked at
    alone. An error, or anything that nobody may see without the model, leaves all to be looked at alone.
    """
    if shared_with(way.policy, contract) or _limits(way, contract) is not None:
        return {}
    names = [column.name for column in contract.given]
    try:
        with way.engine.open({"candidate": gathered}) as session:
            cues = _cues(session, way, names, by=True)
            found = screen_batches(session, names, "candidate", _look(way, contract), memory_of(way))
    except Exception:       # any error whatever: alone, what cannot be seen is held, and the error's text may hold values
        return {}
    return {batch: Content(cues.get(batch, {}), verdicts) for batch, verdicts in found.items()}


def _look(way: Way, contract: Contract) -> Look:
    """Kinds that the collection rule permits, and enterprises' codes, are no doubt wherever they stand."""
    rule, columns = rule_of(way.policy, contract), {column.name: column for column in contract.columns}
    return Look({name: column.headers for name, column in columns.items()}, columns, excused=(PUBLIC, *(rule.kinds if rule is not None else ())))


def _limits(way: Way, contract: Contract) -> exp.Query | None:
    rule = rule_of(way.policy, contract)
    return scope_query(rule, contract, "candidate") if rule is not None else None


def _outside(way: Way, contract: Contract, session: Session) -> Mapping[str, int]:
    """Rows outside each limit of the collection rule's scope."""
    query = _limits(way, contract)
    return {name: int(rows) for name, rows in session.rows(query)[0].items()} if query is not None else {}


def _cues(session: Session, way: Way, columns: Collection[str], by: bool = False) -> dict[str, Mapping[str, int]]:
    """Batch ('' where there is one) → rows with a strong or weak secrecy cue in any column. The engine finds the rows that could have one;
    most tables have few.
    """
    pattern = possible_pattern(way.policy)
    if not pattern:
        return {}
    text = joined_text([col(column) for column in columns], SEPARATOR)
    query = exp.select(exp.alias_(text, "row_text")).from_("candidate").where(contains_pattern(text.copy(), pattern))
    rows: dict[str, list[tuple[str, int]]] = {}
    for batch in session.read(query.select(col(BATCH)) if by else query):
        names = batch.column(1).to_pylist() if by else [""] * len(batch)
        for name, one in zip(names, batch.column(0).to_pylist(), strict=True):
            rows.setdefault(name, []).append((one, 1))
    return {name: count_cues(way.policy, texts) for name, texts in rows.items()}
