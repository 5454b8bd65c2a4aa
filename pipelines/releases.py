"""A release's files: writing them from gold, listing and hashing them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlglot import exp

from catalog.contract import Contract
from catalog.dialect import col, lit
from catalog.errors import LakeError
from catalog.evidence import TableAt
from pipelines.boundary import boundary
from pipelines.engines import Session
from pipelines.increments import Kept
from pipelines.lake import PERIOD
from pipelines.products import Outward
from pipelines.spool import digest
from pipelines.way import Way
from pipelines.writers import SHEET_ROWS, write_files

MANIFEST = "manifest.json"
SUFFIX = {"csv": "csv", "parquet": "parquet", "jsonl": "jsonl", "json": "json", "xlsx": "xlsx", "geojson": "geojson"}


def build_files(way: Way, contract: Contract, outward: Outward, gold: TableAt, folder: Path, made: Mapping[str, Any],
                kept: Kept | None = None) -> None:
    """Writes every format of every period into `folder`, then the manifest, with what was done to protect persons (`made`). The files of
    periods that are as they were are links to those of the release before.
    """
    folder.mkdir(parents=True, mode=0o700)
    stem = contract.product_id(outward.product.name)
    entries: list[dict[str, Any]] = []
    with way.engine.open({"gold": gold}) as session:
        for period in _periods(session, outward):
            if kept is not None and period not in kept.periods:
                entries += _linked(kept, period, folder)
                continue
            fits = "xlsx" not in outward.product.formats or _count(session, period) <= SHEET_ROWS
            formats = [name for name in outward.product.formats if name != "xlsx" or fits]
            targets: dict[str, Path] = {name: folder / f"{stem}{'-' + period if period else ''}.{SUFFIX[name]}" for name in formats}
            written = write_files(session.read(ordered(outward, period)), outward.columns, targets, way.city.zone)
            entries += [{"name": path.name, "format": name, "period": period, "rows": written, "first": name == formats[0]}
                        for name, path in targets.items()]
    boundary("serve/data")
    manifest = {"dataset": contract.id, "product": outward.product.name, "columns": dictionary(outward), "files": sized(folder, entries),
                "protection": shown_protection(made)}
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _linked(kept: Kept, period: str, folder: Path) -> list[dict[str, Any]]:
    """The entries of a period's files, which are links now. Raises LakeError where a file is not what its record says."""
    entries = [entry for entry in kept.files if entry["period"] == period]
    for entry in entries:
        target = folder / entry["name"]
        os.link(kept.folder / entry["name"], target)
        if digest(target) != entry["sha256"]:
            raise LakeError("A file of the release before is not what its record says.", remedy="Run `citylake audit verify`.")
    return [{name: entry[name] for name in ("name", "format", "period", "rows", "first")} for entry in entries]


def shown_protection(made: Mapping[str, Any]) -> dict[str, Any]:
    """What a stranger may know of it. How many rows were left out exactly would give away the total: the next ten."""
    found = {name: value for name, value in made.items() if name not in ("of", "small", "audited", "proposed_by")}
    return {**found, "left_out": -(-found["left_out"] // 10) * 10} if "rows" in found else found


def sized(folder: Path, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries with size and sha256 of each file."""
    return [{**entry, "size": (folder / entry["name"]).stat().st_size, "sha256": digest(folder / entry["name"])} for entry in entries]


def dictionary(outward: Outward) -> list[dict[str, Any]]:
    """The data dictionary: what each published column is."""
    return [{"name": column.name, "label": column.label, "label_en": column.label_en, "type": str(column.type), "unit": column.unit,
             "description": column.description, "codes": column.codes, "level": column.level, "treatment": column.treatment}
            for column in outward.columns]


def written_files(folder: Path) -> list[Mapping[str, Any]]:
    """The manifest's entries, with sizes and hashes measured again from the bytes."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return list(sized(folder, manifest["files"]))


def sweep(folder: Path, known: Collection[str]) -> None:
    """Removes all folders of releases there but those `known` by name."""
    for path in folder.iterdir() if folder.exists() else ():
        if path.name not in known:
            shutil.rmtree(path, ignore_errors=True)


def release_hash(files: list[Mapping[str, Any]]) -> str:
    """sha256 over the sorted (name, size, sha256) of the files."""
    listed = sorted((item["name"], item["size"], item["sha256"]) for item in files)
    return hashlib.sha256(json.dumps(listed, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def _periods(session: Session, outward: Outward) -> Iterator[str]:
    if not outward.by_period:
        yield ""
        return
    found = session.rows(exp.select(col(PERIOD)).distinct().from_("gold"))
    names = sorted((row[PERIOD] or "undated") for row in found)
    yield from names or [""]


def _within(period: str) -> exp.Expr | None:
    if not period:
        return None
    return exp.Is(this=col(PERIOD), expression=exp.Null()) if period == "undated" else exp.EQ(this=col(PERIOD), expression=lit(period))


def ordered(outward: Outward, period: str) -> exp.Query:
    """The published columns, ordered by their own values: no other order could tell anything."""
    query = exp.select(*[col(column.name) for column in outward.columns]).from_("gold")
    if (condition := _within(period)) is not None:
        query = query.where(condition)
    return query.order_by(*[exp.Ordered(this=col(column.name), desc=False, nulls_first=False) for column in outward.columns])


def _count(session: Session, period: str) -> int:
    query = exp.select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_("gold")
    if (condition := _within(period)) is not None:
        query = query.where(condition)
    return int(session.rows(query)[0]["n"])


AS_WRITTEN: dict[str, dict[str, Any]] = {      # pipelines/writers.py; nothing is left to detection
    "csv": {"encoding": "utf-8-sig", "delimiter": ",", "quote": '"', "escape": "", "skip": 0},
    "xlsx": {"sheet": 1, "header_row": 1, "header_rows": 1},
}


def published_rows(path: Path, kind: str, outward: Outward) -> Iterator[pa.RecordBatch]:
    """A published file read back as a stranger would, every column as text under its physical name."""
    from pipelines.formats import open_table

    if not path.stat().st_size:      # JSON Lines of no rows
        return
    table = open_table(path, {"name": kind, **AS_WRITTEN.get(kind, {})}, path.name)
    labels = {column.label: column.name for column in outward.columns} | {column.name: column.name for column in outward.columns}
    names = [labels.get(header, header) for header in table.columns]
    for batch in table.batches():
        yield pa.RecordBatch.from_arrays([batch.column(str(at)) for at in range(len(names))], names=names)
    if table.bad:
        raise LakeError("A published file does not read back whole.", remedy="Report this: its writer and its reader disagree.")
