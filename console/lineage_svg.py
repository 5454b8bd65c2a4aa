"""Column lineage as a picture: sources at the left, what is published at the right, a box for each table and a row for each column.

One SVG without script, font or request; each box, column and line has a title, which screen readers say and browsers show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from itertools import pairwise
from typing import Any

from console.layered import HEAD, ROW, Box, layout
from console.tables import width as columns_of
from console.words import _, counted, language

PART, MARGIN, BETWEEN = 6.6, 16.0, 110.0          # pixels of a Latin letter at this size; around the picture; between layers
NARROW, WIDE = 150.0, 300.0
FONTS = ('-apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC",'
         ' "WenQuanYi Micro Hei", sans-serif')
STYLE = f"""
text {{ font: 12px {FONTS}; fill: #1d2733; }}
.head {{ font-weight: 600; }} .small {{ font-size: 10.5px; fill: #55606d; }} .right {{ text-anchor: end; }}
.box {{ fill: #fff; stroke: #9aa7b4; }} .bar {{ fill: #0b5c7a; }} .source .bar {{ fill: #6b7785; }} .bronze .bar {{ fill: #8a5a00; }}
.silver .bar {{ fill: #55606d; }} .published .bar {{ fill: #1b6b3a; }} .idle text {{ fill: #7b8794; }}
.edge {{ fill: none; stroke: #8fa3b3; stroke-width: 1.3; }} .treated {{ stroke: #b46b00; stroke-width: 1.8; }}
.counted {{ stroke-dasharray: 4 3; }} .edge:hover {{ stroke: #0b5c7a; stroke-width: 3; }}
"""


def picture(found: Mapping[str, Any], name: str) -> str:
    """The SVG of {nodes, edges} as pipelines/lineage.py gives them; `name`: of what it is the lineage."""
    nodes = {node["id"]: node for node in found["nodes"]}
    rows: dict[str, list[str]] = {}
    for key in nodes:
        rows.setdefault(key.split("#")[0], []).append(key)
    edges = [(edge["from"], edge["to"], edge["how"]) for edge in found["edges"]]
    made = layout(rows, [(source, target) for source, target, _how in edges])
    wide = [max((_width(nodes, box) for box in layer if not box.lanes), default=NARROW) for layer in made.layers]
    left = [MARGIN + sum(wide[:at]) + BETWEEN * at for at in range(len(wide))]
    across, down = (left[-1] + wide[-1] if wide else 0) + MARGIN, made.height + 2 * MARGIN
    feeding, of = {source for source, _target, how in edges if how != "count"}, {key: box for box in made.boxes.values() for key in box.rows}
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" role="img" lang="{"zh-CN" if language() == "zh" else "en"}" aria-labelledby="title about"'
             f' width="{across:.0f}" height="{down:.0f}" viewBox="0 0 {across:.0f} {down:.0f}">',
             f'<title id="title">{escape(_("Lineage of {name}").format(name=name))}</title>',
             f'<desc id="about">{escape(_about(list(rows), edges))}</desc>', f"<style>{STYLE}</style>",
             f'<rect width="{across:.0f}" height="{down:.0f}" fill="#fff"/>', f'<g transform="translate(0 {MARGIN:.0f})">']
    for source, target, how in edges:
        places = [(left[of[row].layer], wide[of[row].layer], of[row].middle(row)) for row in made.routes[source, target]]
        parts.append(_edge(places, source, target, how))
    for box in (box for box in made.boxes.values() if not box.lanes):
        parts += _box(nodes, box, left[box.layer], wide[box.layer], feeding)
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def _about(boxes: list[str], edges: list[tuple[str, str, str]]) -> str:
    """What a screen reader says first."""
    names = "、".join(boxes) if language() == "zh" else ", ".join(boxes)
    return _("{tables} joined by {lines}, from the sources at the left to what is published at the right: {names}").format(
        tables=counted(len(boxes), "{n} table", "{n} tables"), lines=counted(len(edges), "{n} line", "{n} lines"), names=names)


def _label(node: Mapping[str, Any]) -> str:
    label = node.get("label")
    return f"{node['column']} {label}" if label not in (None, node["column"]) else str(node["column"])


def _side(node: Mapping[str, Any]) -> str:
    """What stands at the right of a row: how a published column is treated, else the level."""
    return _(node["treatment"]) if node.get("treatment") else str(node.get("level") or "")


def _width(nodes: Mapping[str, Any], box: Box) -> float:
    texts = [columns_of(_label(nodes[key])) + columns_of(_side(nodes[key])) + 4 for key in box.rows]
    return min(max(NARROW, PART * max([*texts, columns_of(box.name) * 1.05 + 3])), WIDE)


def _cut(text: str, room: float) -> str:
    """The text as far as there is room; the title has all of it."""
    if columns_of(text) * PART <= room:
        return text
    while text and (columns_of(text) + 2) * PART > room:
        text = text[:-1]
    return text + "…"


def _box(nodes: Mapping[str, Any], box: Box, left: float, wide: float, feeding: set[str]) -> Iterator[str]:
    first, name = nodes[box.rows[0]], box.name.partition("/")[2]
    layer = {"source": _("source"), "bronze": _("bronze"), "silver": _("silver"), "published": _("published")}[first["layer"]]
    yield f'<g class="{first["layer"]}"><title>{escape(f"{layer}: {box.name}")}</title>'
    yield f'<rect class="box" x="{left:.1f}" y="{box.top:.1f}" width="{wide:.1f}" height="{box.height:.1f}" rx="4"/>'
    yield f'<rect class="bar" x="{left:.1f}" y="{box.top:.1f}" width="4" height="{box.height:.1f}" rx="2"/>'
    yield f'<text class="small" x="{left + 12:.1f}" y="{box.top + 15:.1f}">{escape(layer)}</text>'
    yield f'<text class="head" x="{left + 12:.1f}" y="{box.top + 31:.1f}">{escape(_cut(name, wide - 16))}</text>'
    for at, key in enumerate(box.rows):
        node, y = nodes[key], box.top + HEAD + ROW * at + 14
        side = _side(node)
        idle = first["layer"] != "published" and key not in feeding
        about = ", ".join(str(one) for one in (_label(node), node.get("type"), node.get("level"), side if node.get("treatment") else "",
                                               _("does not leave") if idle and first["layer"] == "silver" else "") if one)
        yield f'<g class="{"idle" if idle else "row"}"><title>{escape(about)}</title>'
        room = wide - 24 - PART * columns_of(side)
        yield f'<text x="{left + 12:.1f}" y="{y:.1f}">{escape(_cut(_label(node), room))}</text>'
        yield f'<text class="small right" x="{left + wide - 8:.1f}" y="{y:.1f}">{escape(side)}</text></g>'
    yield "</g>"


def _edge(places: list[tuple[float, float, float]], source: str, target: str, how: str) -> str:
    """A line from the right of its first place to the left of its last, straight through those between. Places: left, width, height."""
    path = f"M{places[0][0] + places[0][1]:.1f} {places[0][2]:.1f}"
    for (left, wide, y), (next_left, next_wide, next_y) in pairwise(places):
        begin, bend = left + wide, max(30.0, (next_left - left - wide) / 2)
        path += f"C{begin + bend:.1f} {y:.1f} {next_left - bend:.1f} {next_y:.1f} {next_left:.1f} {next_y:.1f}"
        if (next_left, next_wide, next_y) != places[-1]:
            path += f"H{next_left + next_wide:.1f}"
    kind = {"ingest": "", "refine": "", "derive": "", "keep": "", "count": " counted"}.get(how, " treated")
    title = f"{source} → {target} ({_(how)})"
    return f'<path class="edge{kind}" d="{path}"><title>{escape(title)}</title></path>'
