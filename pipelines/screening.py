"""Screens what leaves: the exact bytes of every file of a release, with the strict profile of the judge that looks at every column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import TypeAdapter

from catalog.contract import Column, ColumnType
from pipelines.column_screens import Look, screen_columns
from pipelines.engines import PublishedCsv, Session
from pipelines.products import Outward
from pipelines.releases import published_rows
from pipelines.way import Way
from privacy.column_verdicts import ColumnVerdict, decided

_VERDICTS: TypeAdapter[dict[str, ColumnVerdict]] = TypeAdapter(dict[str, ColumnVerdict])
MADE = ("token", "band", "aggregate")       # treatments whose values are made here and are no text


@dataclass(frozen=True)
class Screens:
    """Column → verdict of a whole release, and the same of each file by its sha256. Columns without a finding are left out."""

    all: Mapping[str, ColumnVerdict]
    files: Mapping[str, Mapping[str, ColumnVerdict]]


def screen_files(way: Way, outward: Outward, folder: Path, files: Sequence[Mapping[str, Any]],
                 known: Mapping[str, Mapping[str, Any]] | None = None) -> Screens:
    """Screens every file of a release, and the words of its code lists, which are shown beside it; of each column's kinds the file with
    most cells counts, and a column that could not be seen whole in one of them was not seen. Files that are `known` by sha256, from a
    record made by the same rules, are not looked at again.
    """
    seen: dict[str, dict[str, ColumnVerdict]] = {}
    for item in files:
        before = (known or {}).get(item["sha256"])
        found = _VERDICTS.validate_python(before) if before is not None else _screen_file(way, outward, folder / item["name"], item["format"])
        seen[item["sha256"]] = {name: one for name, one in found.items() if one.kinds or one.unseen}
    worst: dict[str, ColumnVerdict] = {}
    for found in (*seen.values(), _screen_codes(way, outward)):
        for name, one in found.items():
            worst[name] = _worse(worst[name], one) if name in worst else one
    return Screens({name: one for name, one in worst.items() if one.kinds or one.unseen}, seen)


def _screen_codes(way: Way, outward: Outward) -> dict[str, ColumnVerdict]:
    """The codes and words of the lists that columns leave with, as one column of text each."""
    found: dict[str, ColumnVerdict] = {}
    for column in outward.columns:
        if column.codes is not None:
            texts = pa.array([row[field] for row in way.city.codes[column.codes].rows for field in ("code", "zh", "en") if row[field]], pa.string())
            with way.engine.open({}) as session:
                session.load("published", [pa.RecordBatch.from_arrays([texts], [column.name])], (column.name,))
                look = Look({column.name: ()}, {}, strict=True)
                found |= screen_columns(way, session, {column.name: ColumnType("text")}, "published", look)
    return found


def _worse(one: ColumnVerdict, other: ColumnVerdict) -> ColumnVerdict:
    more, less = sorted((one, other), key=lambda verdict: sum(hits.cells for hits in verdict.kinds.values()), reverse=True)
    kinds = {kind: max((v.kinds[kind] for v in (more, less) if kind in v.kinds), key=lambda hits: hits.cells) for kind in {*more.kinds, *less.kinds}}
    judged = {kind: decided({kind: one.judged.get(kind, "PASS"), f"{kind} too": other.judged.get(kind, "PASS")}, None)
              for kind in {*less.judged, *more.judged}}
    return replace(more, kinds=dict(sorted(kinds.items())), judged=judged, evidence={**less.evidence, **more.evidence},
                   reasons=tuple(sorted({*more.reasons, *less.reasons})), unseen=more.unseen or less.unseen)


def _screen_file(way: Way, outward: Outward, path: Path, kind: str) -> dict[str, ColumnVerdict]:
    text = {name: ColumnType("text") for name in outward.types}
    if kind == "parquet":
        with way.engine.open({"published": path}) as session:
            return _strictly(way, session, outward, outward.types)
    if kind == "csv":
        with way.engine.open({"published": PublishedCsv(path, tuple(text))}) as session:
            return _strictly(way, session, outward, text, parsed=True)
    with way.engine.open({}) as session:
        session.load("published", published_rows(path, kind, outward), tuple(text))
        return _strictly(way, session, outward, text)


def _strictly(way: Way, session: Session, outward: Outward, types: Mapping[str, ColumnType], parsed: bool = False) -> dict[str, ColumnVerdict]:
    """Numbers and texts; a column whose values come from a code list, and one of measures that show no row's value,
    has no text of its own. A header speaks of
    the values only where they are kept as they were.
    """
    declared: dict[str, Column] = {column.name: column for column in outward.contract.columns}
    headers: dict[str, tuple[str, ...]] = {name: () for name in types} | {
        column.name: declared[column.name].headers for column in outward.columns if column.treatment == "keep" and column.name in declared}
    revealed = outward.revealed
    headers |= {name: tuple(header for of in read for header in declared[of].headers) for name, read in revealed.items()}
    wordless = [column.name for column in outward.columns
                if column.codes is not None or (column.treatment in MADE and column.name not in revealed)]
    found = screen_columns(way, session, types, "published", Look(headers, declared, strict=True, wordless=wordless, parsed=parsed))
    return {name: one if headers[name] else _unmasked(one) for name, one in found.items()}


def _unmasked(one: ColumnVerdict) -> ColumnVerdict:
    """What a treatment has masked is no finding; what it left readable is."""
    return replace(one, kinds={kind: hits for kind, hits in one.kinds.items() if kind != "masked"})
