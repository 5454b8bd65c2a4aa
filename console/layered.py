"""Layers, order and places of boxes whose rows are joined by edges that all lead to the right. Pure; pixels; what it looks like is not here.

After Sugiyama, Tagawa and Toda (1981): a box stands one layer right of the last one that it reads from; boxes and their rows are ordered by the
mean place of what they are joined to, forth and back until it settles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

ROW, HEAD, GAP = 20.0, 40.0, 26.0           # heights: a row, a box's head, between boxes
LANE = 7.0                                   # of a line that passes a layer
SWEEPS = 6
Edge = tuple[str, str]


@dataclass
class Box:
    """A box with the keys of its rows, from top to bottom; `layer` counts from the left, `top` is where it begins. A box of `lanes` is not
    drawn: it keeps room for lines that pass its layer.
    """

    name: str
    rows: list[str]
    layer: int = 0
    top: float = 0.0
    lanes: bool = False

    @property
    def height(self) -> float:
        return LANE * len(self.rows) if self.lanes else HEAD + ROW * len(self.rows) + 6

    def middle(self, row: str) -> float:
        """The height at which a row is joined."""
        return self.top + (LANE if self.lanes else ROW) * (self.rows.index(row) + 0.5) + (0 if self.lanes else HEAD)


@dataclass
class Layout:
    """Boxes by name; `layers` from left to right, each from top to bottom; `routes`: the rows that each edge goes through, ends included."""

    boxes: Mapping[str, Box]
    layers: list[list[Box]] = field(default_factory=list)
    routes: Mapping[Edge, list[str]] = field(default_factory=dict)

    @property
    def height(self) -> float:
        return max((box.top + box.height for box in self.boxes.values()), default=0.0)


def layout(rows: Mapping[str, Sequence[str]], edges: Iterable[Edge]) -> Layout:
    """`rows`: the rows of each box; `edges`: (row, row), without cycles between boxes."""
    boxes = {name: Box(name, list(keys)) for name, keys in rows.items()}
    of = {key: name for name, keys in rows.items() for key in keys}
    known = list(dict.fromkeys(edges))
    _rank(boxes, {(of[source], of[target]) for source, target in known})
    routes = {edge: _route(edge, boxes, of) for edge in known}
    joined: dict[str, list[str]] = {key: [] for key in of}
    for route in routes.values():
        for source, target in pairwise(route):
            joined[source].append(target)
            joined[target].append(source)
    depth = max((box.layer for box in boxes.values()), default=-1) + 1
    found = Layout(boxes, [[box for box in boxes.values() if box.layer == at] for at in range(depth)], routes)
    _stack(found)
    for sweep in range(SWEEPS):
        for layer in found.layers if sweep % 2 == 0 else reversed(found.layers):
            _order(layer, joined, boxes, of, left=sweep % 2 == 0)
        _stack(found)
    return found


def _route(edge: Edge, boxes: dict[str, Box], of: dict[str, str]) -> list[str]:
    """The rows that an edge goes through; where it passes layers, lanes are made, one box of lanes for all edges of the same two boxes."""
    source, target = edge
    here, there = boxes[of[source]], boxes[of[target]]
    route = [source]
    for layer in range(here.layer + 1, there.layer):
        name, row = f"{here.name} {there.name} {layer}", f"{source} {target} {layer}"
        boxes.setdefault(name, Box(name, [], layer, lanes=True)).rows.append(row)
        of[row] = name
        route.append(row)
    return [*route, target]


def _rank(boxes: Mapping[str, Box], between: set[Edge]) -> None:
    """One layer right of the last box that is read from; what reads from none stands right before the first that reads from it."""
    reads = {name: {source for source, target in between if target == name and source != name} for name in boxes}
    done: list[str] = []
    while len(done) < len(boxes):
        ready = [name for name in boxes if name not in done and reads[name] <= set(done)]
        for name in ready or [name for name in boxes if name not in done]:
            boxes[name].layer = max((boxes[source].layer + 1 for source in reads[name] if source in done), default=0)
            done.append(name)
    for name in reversed(done):
        after = [boxes[target].layer for source, target in between if source == name and target != name]
        if after and not reads[name]:
            boxes[name].layer = min(after) - 1


def _order(layer: list[Box], joined: Mapping[str, list[str]], boxes: Mapping[str, Box], of: Mapping[str, str], left: bool) -> None:
    """Rows, then boxes, by the mean height of what they are joined to on one side; what is joined to nothing there stays where it is."""
    def mean(key: str, box: Box, at: float) -> float:
        heights = [boxes[of[other]].middle(other) for other in joined[key] if (boxes[of[other]].layer < box.layer) == left and of[other] != box.name]
        return sum(heights) / len(heights) if heights else at

    for box in layer:
        places = {key: mean(key, box, box.middle(key)) for key in box.rows}
        box.rows.sort(key=lambda key: places[key])
        box.top = sum(places.values()) / max(len(places), 1) - box.height / 2
    layer.sort(key=lambda box: box.top)


def _stack(found: Layout) -> None:
    """Boxes of a layer below each other, the layers centred."""
    tall = max((sum(box.height + GAP for box in layer) - GAP for layer in found.layers), default=0.0)
    for layer in found.layers:
        top = (tall - sum(box.height + GAP for box in layer) + GAP) / 2
        for box in layer:
            box.top, top = top, top + box.height + GAP
