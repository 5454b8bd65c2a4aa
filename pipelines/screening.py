"""Runs the screen that privacy builds: a pass over the columns that could be hit, then every suspicious distinct value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from catalog.contract import ColumnType
from pipelines.engines import PublishedCsv, Session
from pipelines.products import Outward
from pipelines.releases import published_rows
from pipelines.way import Way
from privacy.columns import TextTally
from privacy.model import Model, load
from privacy.screen import ColumnScreen, judge_column, possible_query, rows_query, screen_query, suspects_query, texts_query


def screen(session: Session, types: Mapping[str, ColumnType], view: str) -> dict[str, ColumnScreen]:
    """What every column that could hold an identifier really holds. `types` are the types in this view."""
    possible = [name for name, hit in session.rows(possible_query(types, view))[0].items() if hit]
    if not possible:
        return {}
    counts = session.rows(screen_query({name: types[name] for name in possible}, view))[0]
    found, rows = {}, session.rows(rows_query(view))[0]["rows"]
    for name, hits in counts.items():
        if hits:
            values = session.read(suspects_query(name, types[name], view, hits * 2 > rows))
            found[name] = judge_column(values, name)
    return found


def kinds_found(session: Session, types: Mapping[str, ColumnType], view: str) -> dict[str, dict[str, int]]:
    """Column → kind of identifier → number of cells."""
    return {
        name: {kind: hits.cells for kind, hits in result.kinds.items()}
        for name, result in screen(session, types, view).items()
        if result.kinds
    }


def screen_texts(session: Session, types: Mapping[str, ColumnType], view: str, model: Model) -> dict[str, ColumnScreen]:
    """Names and doors in every distinct value with Chinese characters of the text columns; slices are read whole."""
    found = {}
    for name in (name for name, kind in types.items() if kind.kind == "text"):
        counted = TextTally()
        for batch in session.read(texts_query(name, view)):
            counted.add(batch.column("value").to_pylist(), batch.column("cells").to_pylist(), model)
        if kinds := counted.kinds():
            found[name] = ColumnScreen(name, kinds)
    return found


def screen_files(way: Way, outward: Outward, folder: Path, files: Sequence[Mapping[str, Any]]) -> dict[str, ColumnScreen]:
    """Screens the exact bytes of every file of a release; the worst finding a column counts."""
    worst: dict[str, ColumnScreen] = {}
    for item in files:
        for name, found in _screen_file(way, outward, folder / item["name"], item["format"]).items():
            kinds = dict(worst[name].kinds) if name in worst else {}
            for kind, hits in found.kinds.items():
                if kind not in kinds or hits.cells > kinds[kind].cells:
                    kinds[kind] = hits
            worst[name] = ColumnScreen(name, kinds)
    return worst


def _screen_file(way: Way, outward: Outward, path: Path, kind: str) -> dict[str, ColumnScreen]:
    text = {name: ColumnType("text") for name in outward.types}
    if kind == "parquet":
        with way.engine.open({"published": path}) as session:
            return _strictly(session, outward, outward.types)
    if kind == "csv":
        with way.engine.open({"published": PublishedCsv(path, tuple(text))}) as session:
            return _strictly(session, outward, text)
    with way.engine.open({}) as session:
        session.load("published", published_rows(path, kind, outward), tuple(text))
        return _strictly(session, outward, text)


def _strictly(session: Session, outward: Outward, types: Mapping[str, ColumnType]) -> dict[str, ColumnScreen]:
    """Numbers and texts; a column whose values come from a code list, and one of measures, has no text of its own."""
    found = screen(session, types, "published")
    free = {column.name: types[column.name] for column in outward.columns
            if column.type.kind == "text" and column.codes is None and column.treatment not in ("token", "band", "aggregate")}
    for name, texts in screen_texts(session, free, "published", load()).items():
        found[name] = ColumnScreen(name, {**(found[name].kinds if name in found else {}), **texts.kinds})
    return found
