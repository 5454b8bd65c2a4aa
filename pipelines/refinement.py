"""The two tables of one refinement, silver and quarantine, written from the checked rows, which are staged once: all of them, or those that
new batches bring where silver can be added to (pipelines/increments.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pyarrow as pa

from catalog.contract import Contract
from catalog.evidence import CheckSpec, TableAt
from pipelines import refining
from pipelines.address_lookups import stage_addresses
from pipelines.engines import Session
from pipelines.increments import Increment, before, increment
from pipelines.lake import Op, Write
from pipelines.parsing import CORRECTIONS
from pipelines.state import State
from pipelines.way import Way, table

Inputs = Mapping[str, TableAt]


class Refinement:
    """Opens a session at the first write and keeps it until `close`. `increment`: what it adds to silver in force, or None for all."""

    def __init__(self, way: Way, contract: Contract, state: State, inputs: Inputs, checks: tuple[CheckSpec, ...], op: Op, terms: str,
                 again: str | None) -> None:
        self.way, self.contract, self.state, self.inputs, self.checks, self.op = way, contract, state, inputs, checks, op
        self.terms, self.again = terms, again
        self.increment: Increment | None = None
        self._session: Any = None
        self._open: Any = None

    @cached_property
    def plan(self) -> refining.Plan:
        """Made at the first write: an idle run opens no table."""
        corrected = any(batch.source == CORRECTIONS for batch in self.state.batches)
        has = self.way.lake.schema(self.inputs["bronze"]).names if "bronze" in self.inputs and not self.contract.derived else None
        missing = [column.name for column in self.contract.given if has is not None and column.name not in has]
        return refining.Plan(self.contract, self.checks, self.way.city.zone, corrected, missing)

    def _staged(self) -> Session:
        """The session with the staged rows; opened at the first write, closed before judging."""
        if self._session is None:
            at = before(self.way, self.contract, self.state, self.plan, self.terms, self.again)
            self._open = self.way.engine.open({**self.inputs, **at})
            self._session = self._open.__enter__()
            self.increment = increment(self.way, self.contract, self._session, self.state, self.plan, at) if at else None
            if self.increment is None:
                stage_addresses(self._session, self.contract, self.plan.addresses(), self.way.city.division)
                self._session.stage(self.plan.checked(), "checked")
        session: Session = self._session
        return session

    def close(self) -> None:
        if self._open is not None:
            self._open.__exit__(None, None, None)
        self._session = self._open = None

    def quarantine(self, base: int | None) -> int:
        session, query = self.opened(), self.plan.quarantined()
        if self.increment is None:
            return self._write("quarantine", query, self.plan.quarantine_schema(), Write("replace"), base)
        if base is not None and not session.rows(query.copy().limit(1)):
            return base         # no writer makes a version of nothing
        return self._write("quarantine", query, self.plan.quarantine_schema(), Write("append"), base)

    def silver(self, base: int | None) -> int:
        self.opened()
        schema, plain = self.plan.silver_schema(), self.plan.plain_columns()
        if self.increment is None:
            return self._write("silver", self.plan.merged(), schema, Write("replace", plain), base)
        periods = self.increment.periods
        if base is not None and not periods:
            return base         # nothing but bad rows came
        return self._write("silver", self.plan.merged_into(periods), schema, Write("replace", plain, periods), base)

    def _write(self, layer: str, query: Any, schema: pa.Schema, how: Write, base: int | None) -> int:
        name = table(layer, self.contract.id)
        try:
            self.way.lake.ensure(name, schema, base)
            return self._staged().write(query, name, how, self.op, base)
        except BaseException:
            self.close()
            raise

    def opened(self) -> Session:
        try:
            return self._staged()
        except BaseException:
            self.close()
            raise

    def conflicts(self) -> int | None:
        """How many keys came with different values; None where that is no finding."""
        query = self.plan.conflicts()
        return int(self.opened().rows(query)[0]["conflicts"]) if query is not None else None
