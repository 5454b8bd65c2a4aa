"""Charts and maps as small SVG, from what measuring.py read: a line over time, bars of categories, places on a grid. Pure.

No script, no outside map. Every picture has a title and says in words what it shows; templates put its figures beside it as a table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

WIDE, HIGH, ROW = 480, 250, 24
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 30
_SHADES = 5
_FORMS = {"hour": "%Y-%m-%d %H:%M", "day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}
_BOLD = 1.1
_LATIN = 7.6             # width of a letter at 14 pixels, the size on a phone; a Chinese character has twice that


def svg(title: str, words: str, width: float, height: float, body: str) -> Markup:
    """A picture with its name and its text alternative."""
    return Markup('<svg class="figure" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title><desc>{}</desc>{}</svg>').format(
        round(width), round(height), f"{title} {words}", title, words, Markup(body))


def moment(text: str, span: str, short: bool = False) -> str:
    """The start of a bucket for people; hours without their year where it is `short`."""
    return datetime.fromisoformat(text).strftime("%m-%d %H:%M" if short and span == "hour" else _FORMS[span])


def number(value: float) -> str:
    """At most three digits after the point, with separators."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3f}".rstrip("0").rstrip(".")


def line(points: Sequence[tuple[str, float]], span: str, title: str, words: str) -> Markup:
    """Values over time: `points` are (ISO time, value), in order; a step of time without a value is no gap in the line."""
    times = [datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() for at, _ in points]     # whatever zone this machine has
    ticks = _ticks(min(value for _, value in points), max(value for _, value in points))
    left = min(WIDE / 2, max(LEFT, max(_width(number(tick)) for tick in ticks) + 8))       # millions need more room
    x = _scale(times[0], times[-1], left, WIDE - RIGHT)
    y = _scale(ticks[0], ticks[-1], HIGH - BOTTOM, TOP)
    body = "".join(f'<path class="grid" d="M{left:g} {y(tick):.1f}H{WIDE - RIGHT}"/>' + _text(left - 6, y(tick) + 4, number(tick), "end")
                   for tick in ticks)
    for at in sorted({0, len(points) // 2, len(points) - 1}):
        anchor = "start" if at == 0 else "end" if at == len(points) - 1 else "middle"
        body += _text(x(times[at]), HIGH - 10, moment(points[at][0], span, short=True), anchor)
    spots = [f"{x(time):.1f} {y(value):.1f}" for time, (_, value) in zip(times, points, strict=True)]
    body += f'<path class="line" d="M{"L".join(spots)}"/>'
    if len(points) <= 40:
        body += f'<path class="dots" d="{"".join(f"M{spot}h0" for spot in spots)}"/>'
    return svg(title, words, WIDE, HIGH, body)


def bars(points: Sequence[tuple[str, float]], title: str, words: str) -> Markup:
    """One bar a category, in the order given; a bar starts at 0."""
    left = min(190.0, max(_width(name) for name, _ in points) + 8)
    right = max(_width(number(value)) for _, value in points) + 8
    low, high = min(0.0, *(value for _, value in points)), max(0.0, *(value for _, value in points))
    x = _scale(low, high, left, WIDE - right)
    body = ""
    for at, (name, value) in enumerate(points):
        top, (start, end) = at * ROW + 4, sorted((x(0), x(value)))
        body += _text(left - 6, top + 14, _cut(name, left - 8), "end")
        body += f'<rect class="bar" x="{start:.1f}" y="{top}" width="{max(end - start, 1):.1f}" height="{ROW - 6}"/>'
        body += _text(end + 5, top + 14, number(value), "start")
    return svg(title, words, WIDE, len(points) * ROW + 8, body)


def places(found: Mapping[str, Any], names: Callable[[str], str], title: str, words: str) -> Markup:
    """Rows by place: a grid in five shades with degrees at its edges, the names of areas, a scale in kilometres; north is above."""
    (west, _, _, north), (lon_step, lat_step) = found["box"], found["step"]
    cells = [[int(number) for number in cell.split(",")] for cell in found["grid"].split()]
    across, down = max(cell[0] for cell in cells) + 1, max(cell[1] for cell in cells) + 1
    side = min((WIDE - LEFT - RIGHT) / across, 400 / down)
    wide, high = across * side, down * side
    x, y = _scale(west, west + across * lon_step, LEFT, LEFT + wide), _scale(north, north - down * lat_step, TOP, TOP + high)
    body = f'<rect class="ground" x="{LEFT}" y="{TOP}" width="{wide:.1f}" height="{high:.1f}"/>'
    body += "".join(f'<path class="grid" d="M{x(tick):.1f} {TOP}v{high:.1f}"/>' + _text(x(tick), TOP + high + 16, _degrees(tick, "EW"), "middle")
                    for tick in _within(west, west + across * lon_step))
    body += "".join(f'<path class="grid" d="M{LEFT} {y(tick):.1f}h{wide:.1f}"/>' + _text(LEFT - 4, y(tick) + 4, _degrees(tick, "NS"), "end")
                    for tick in _within(north - down * lat_step, north))
    for shade, path in enumerate(_cells(cells, found["most"], side)):
        body += f'<path class="cell" opacity="{0.35 + 0.65 * shade / (_SHADES - 1):.2f}" d="{path}"/>' if path else ""
    body += _named([(x(lon), y(lat), names(code)) for code, lon, lat in found["areas"]])
    return svg(title, words, WIDE, TOP + high + 46, body + _kilometres(LEFT, TOP + high + 36, side / lat_step))


def _named(spots: Sequence[tuple[float, float, str]]) -> str:
    """Names at their places, the first before the later ones: what would cover another name is left out."""
    body, taken = "", list[tuple[float, float, float]]()
    for x, y, name in spots:
        half = _width(name) * _BOLD / 2
        x = min(max(x, half), WIDE - half)
        if all(abs(x - other) > half + wide or abs(y - beside) > 15 for other, beside, wide in taken):
            taken.append((x, y, half))
            body += _text(x, y, name, "middle", "place")
    return body


def _cells(cells: Sequence[Sequence[int]], most: int, side: float) -> list[str]:
    paths = [""] * _SHADES
    for column, row, count in cells:
        shade = round(math.log(count) / math.log(most) * (_SHADES - 1)) if most > 1 else _SHADES - 1
        paths[shade] += f"M{LEFT + column * side:.1f} {TOP + row * side:.1f}h{side:.1f}v{side:.1f}h-{side:.1f}z"
    return paths


def _degrees(value: float, ends: str) -> str:
    return f"{abs(value):.5g}°{ends[0] if value >= 0 else ends[1]}"


def _kilometres(left: float, top: float, degree: float) -> str:
    """A scale: the longest round length under a third of the picture; `degree` is its width of one degree of latitude."""
    unit = degree / 111.2
    length = max((one for one in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if one * unit <= WIDE / 3), default=0.1)
    return f'<path class="scale" d="M{left} {top - 4}v4h{length * unit:.1f}v-4"/>' + _text(left + length * unit + 6, top, f"{length:g} km", "start")


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    wide = (high - low) or 1
    return lambda value: start + (value - low) / wide * (end - start)


def _ticks(low: float, high: float) -> list[float]:
    """Four to six round numbers around the values; from 0 where the values come near to it."""
    low = 0 if 0 <= low <= high * 0.6 else low
    step = _step((high - low) or abs(high) or 1, 4)
    first = math.floor(low / step)
    return [round(at * step, 9) for at in range(first, max(math.ceil(high / step), first + 1) + 1)]


def _within(low: float, high: float) -> list[float]:
    step = _step((high - low) or 1, 4)
    return [round(at * step, 6) for at in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _step(width: float, parts: int) -> float:
    raw = width / parts
    power = 10.0 ** math.floor(math.log10(raw))
    return next(power * one for one in (1, 2, 2.5, 5, 10) if power * one >= raw * 0.9999)


def _width(text: str) -> float:
    return sum(_LATIN if ord(one) < 0x2E80 else 2 * _LATIN for one in text)


def _cut(text: str, width: float) -> str:
    while _width(text) > width:
        text = text.rstrip("…")[:-1] + "…"
    return text


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{f" class={chr(34)}{kind}{chr(34)}" if kind else ""}>{escape(text)}</text>'
