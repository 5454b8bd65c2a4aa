"""`citylake lineage`: columns from the portal back to the source's headers, or one published row back to file and line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.frame import add
from console.opening import complete_dataset, json_option, opened, product_of
from console.output import say, show_json
from console.tables import style, wrap
from console.words import _, counted

if TYPE_CHECKING:
    from pipelines.lineage_rows import Trace


def register(app: typer.Typer) -> None:
    add(app, "lineage", lineage, _("Follow columns from the portal back to the source, or one published row back to file and line."), """
citylake lineage meteorology.station_hours
citylake lineage meteorology.station_hours.temperature
citylake lineage meteorology.station_hours --svg lineage.svg
citylake lineage meteorology.station_hours.main --release r1 --row 12
""")


def lineage(
    what: Annotated[str, typer.Argument(metavar="NAME", help=_("DATASET, DATASET.COLUMN, or PRODUCT with --row."),
                                        autocompletion=complete_dataset)],
    release: Annotated[str | None, typer.Option(metavar="R", help=_("A release, such as r2; with --row; default the newest."))] = None,
    row: Annotated[int | None, typer.Option(metavar="N", min=1, help=_("Row of the published file, from 1."))] = None,
    as_json: Annotated[bool, json_option()] = False,
    svg: Annotated[Path | None, typer.Option("--svg", metavar="FILE", help=_("Draw the columns as a picture; not with --row."))] = None,
) -> None:
    from pipelines import lineage as lines
    from pipelines.lineage_rows import trace

    if release is not None and row is None:
        raise typer.BadParameter(_("--release goes with --row."))
    if svg is not None and row is not None:
        raise typer.BadParameter(_("--svg draws columns: leave out --row."))
    way = opened()
    if row is not None:
        contract, product = product_of(way, what)
        newest = way.journal.state(contract.id).release(product)
        found: Any = trace(way, contract.id, product, release or (newest.id if newest else "r1"), row)
        shown = origins(found)
    else:
        dataset, _dot, column = what.rpartition(".") if what.count(".") == 2 else (what, "", "")
        found = lines.column(way, dataset, column) if column else lines.columns(way, dataset)
        shown = graph(found)
    if svg is not None:
        from console.lineage_svg import picture

        svg.write_text(picture(found, what), encoding="utf-8")
    if as_json:
        show_json(found)
    else:
        say(*(shown if svg is None else [str(svg)]))


def graph(found: Mapping[str, Any]) -> Iterator[str]:
    """Every column that nothing more is computed from, with what it comes from below it, indented."""
    nodes = {node["id"]: node for node in found["nodes"]}
    above: dict[str, list[tuple[str, str]]] = {}
    for edge in found["edges"]:
        above.setdefault(edge["to"], []).append((edge["from"], edge["how"]))
    ends = sorted(nodes.keys() - {edge["from"] for edge in found["edges"]})
    place = ""
    for end in ends:
        if end.split("#")[0] != place:
            place = end.split("#")[0]
            yield style(place, "bold")
        yield from _branch(nodes, above, end, "", "  ")


def _branch(nodes: Mapping[str, Any], above: Mapping[str, Sequence[tuple[str, str]]], key: str, how: str, indent: str) -> Iterator[str]:
    node = nodes[key]
    facts = " ".join(str(node[name]) for name in ("type", "level") if node.get(name))
    label = f" {node['label']}" if node.get("label") not in (None, node["column"]) else ""
    where = f"← {key.split('#')[0]} " if how else ""
    yield from _leaf(f"{where}{node['column']}{label} ({facts}{', ' if how else ''}{_(how)})", indent)
    headers: dict[str, list[str]] = {}
    for source, how_next in above.get(key, ()):
        if nodes[source].get("layer") == "source":
            headers.setdefault(source.split("#")[0], []).append(nodes[source]["column"])
        else:
            yield from _branch(nodes, above, source, how_next, indent + "  ")
    for place, names in headers.items():
        yield from _leaf(_("← {place}, header {names}").format(place=place, names=" | ".join(names)), indent + "  ")


def origins(found: Trace) -> Iterator[str]:
    """Where one published row comes from: file, sha256 and line of every source row behind it."""
    yield style(f"{found.dataset}.{found.product} {found.release}", "bold")
    yield from _leaf(_("row {row}: row {at} of {file}").format(row=found.row, at=found.row_in_file, file=found.file), "  ")
    yield from _leaf(counted(found.total, "{n} source row", "{n} source rows"), "  ")
    listed = [origin for origin in found.origins if origin.batch is not None]
    for origin in found.origins:
        if origin.batch is None:
            yield from _leaf(_("← {dataset}, silver version {version}").format(dataset=origin.dataset, version=origin.version), "  ")
            continue
        yield from _leaf(_("← {dataset}, batch {batch} ({source}), line {line}").format(
            dataset=origin.dataset, batch=origin.batch, source=origin.source, line=origin.line), "  ")
        yield from _leaf(_("file {file}, sha256 {sha256}").format(file=origin.file or "–", sha256=origin.sha256), "    ")
    if found.total > len(listed):
        yield from _leaf(counted(found.total - len(listed), "and {n} more", "and {n} more"), "  ")


def _leaf(text: str, indent: str) -> Iterator[str]:
    for at, line in enumerate(wrap(text, 80 - len(indent) - 2)):
        yield indent + ("" if at == 0 else "  ") + line
