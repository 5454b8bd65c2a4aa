"""Quarantined rows and their way back: counts by rule, rows for a steward's eyes, and corrected rows as a new batch.

Corrected rows come in through admission like any other batch. Each names in `_replaces` the quarantined row it stands for.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlglot import exp

from catalog.contract import Contract
from catalog.dialect import col
from catalog.errors import BadInput, Refused
from catalog.evidence import TableAt
from pipelines.decisions import me
from pipelines.intake import submitted
from pipelines.items import Intake
from pipelines.parsing import BAD, LINE, REPLACES
from pipelines.protocol import Work, perform
from pipelines.refining import BATCH, RULES
from pipelines.state import State
from pipelines.steps.ingest import ingest_intake
from pipelines.uses import kept_limits
from pipelines.way import Way, table

HIDDEN = "•••"


def counts(way: Way, contract: Contract) -> dict[str, int]:
    """Quarantined rows by rule, most first. A row that fails two rules counts at both."""
    found: Counter[str] = Counter()
    for batch in _read(way, contract, exp.select(col(RULES), exp.alias_(exp.Count(this=exp.Star()), "n")).group_by(col(RULES))):
        for rules, number in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
            for rule in rules.split(";"):
                found[rule] += number
    return dict(found.most_common())


def rows(way: Way, contract: Contract, limit: int = 50, secret: bool = False) -> list[dict[str, Any]]:
    """The first quarantined rows with batch, line, rules and values; above L1 values are hidden unless `secret`, which is a use as an export
    is and raises Refused like one.
    """
    if secret:
        _may_leave(way, contract)
    hidden = {column.name for column in contract.columns if column.level != "L1"} if not secret else set()
    query = _all(contract).limit(limit)
    found = [row for batch in _read(way, contract, query) for row in batch.to_pylist()]
    return [{name: HIDDEN if name in hidden and value is not None else value for name, value in row.items()} for row in found]


def export(way: Way, contract: Contract, target: Path) -> int:
    """Writes all quarantined rows as a CSV (0600) that can be corrected and resubmitted; returns their number. Raises Refused where the
    collection rule no longer lets them be used for what the dataset is for.
    """
    _may_leave(way, contract)
    names = [column.name for column in contract.given]
    written = 0
    with open(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow([*names, REPLACES])
        for batch in _read(way, contract, _all(contract)):
            for row in batch.to_pylist():
                writer.writerow([*(row[name] for name in names), f"{row[BATCH]}:{row[LINE]}"])
                written += 1
    return written


def _may_leave(way: Way, contract: Contract) -> None:
    if found := kept_limits(way, contract):
        raise Refused(found[0].note, dataset=contract.id, remedy=f"See `citylake check` and the collection rule ({found[0].rule}).")


def _all(contract: Contract) -> exp.Select:
    names = [column.name for column in contract.columns]
    return exp.select(*[col(name) for name in (BATCH, LINE, RULES, BAD, *names)]).order_by(col(BATCH), col(LINE))


def _read(way: Way, contract: Contract, query: exp.Select) -> Iterator[pa.RecordBatch]:
    name = table("quarantine", contract.id)
    state = way.journal.state(contract.id)
    version = state.last.get("refine/", {}).get("candidate", {}).get(name) or state.tables.get(name)
    if version is None:
        return
    with way.engine.open({"quarantine": TableAt(name, version)}) as session:
        yield from session.read(query.from_("quarantine"))


def resubmit(way: Way, contract: Contract, path: Path) -> Mapping[str, Any]:
    """Brings a file of corrected rows in as a new batch, through admission; returns the ingest record."""
    person = me(way)
    _check_replaced(way, contract, path)
    return perform(way, contract, partial(_step, path, person.id))


def _step(path: Path, person: str, way: Way, contract: Contract, state: State) -> Work | None:
    intake: Intake = submitted(way, contract, state, path, person)
    return ingest_intake(way, contract, state, intake)


def _check_replaced(way: Way, contract: Contract, path: Path) -> None:
    """Only quarantined rows can be replaced: a correction must not displace good ones."""
    known = {f"{row[BATCH]}:{row[LINE]}" for batch in _read(way, contract, exp.select(col(BATCH), col(LINE))) for row in batch.to_pylist()}
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            if REPLACES not in (reader.fieldnames or []):
                raise BadInput(f"The file has no column {REPLACES}.", dataset=contract.id,
                               remedy="Start from `citylake quarantine show DATASET --out FILE`.")
            for row in reader:
                if row[REPLACES] not in known:
                    raise BadInput("A corrected row replaces a row that is not in quarantine.", dataset=contract.id, line=reader.line_num,
                                   remedy=f"Leave {REPLACES} as it was exported.")
    except (OSError, UnicodeDecodeError, csv.Error):
        raise BadInput("The file of corrected rows cannot be read as CSV in UTF-8.", dataset=contract.id, remedy="Save it as CSV, UTF-8.") from None
