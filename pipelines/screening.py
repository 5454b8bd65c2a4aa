"""Runs the screen that privacy builds: one pass over all columns, then every suspicious distinct value of the few hit."""

from __future__ import annotations

from collections.abc import Mapping

from catalog.contract import ColumnType
from pipelines.engines import Session
from privacy.screen import ColumnScreen, judge_column, screen_query, suspects_query


def screen(session: Session, types: Mapping[str, ColumnType], view: str) -> dict[str, ColumnScreen]:
    """What every column that could hold an identifier really holds. `types` are the types in this view."""
    counts = session.rows(screen_query(types, view))[0]
    found = {}
    for name, hits in counts.items():
        if hits:
            values = session.read(suspects_query(name, types[name], view))
            found[name] = judge_column(values, name)
    return found


def kinds_found(session: Session, types: Mapping[str, ColumnType], view: str) -> dict[str, dict[str, int]]:
    """Column → kind of identifier → number of cells."""
    return {
        name: {kind: hits.cells for kind, hits in result.kinds.items()}
        for name, result in screen(session, types, view).items()
        if result.kinds
    }
