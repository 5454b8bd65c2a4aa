"""A product's chart and map in a reader's language: what was measured, with labels of the dictionary and words beside it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from pipelines.portals import drawing
from pipelines.portals.telling import Gettext, thousands

TABLE = 60          # rows of figures beside a chart


@dataclass(frozen=True)
class Picture:
    """A drawn figure, its title, how it was made, and its figures as a table (header, rows)."""

    kind: str
    title: str
    svg: Markup
    words: str
    header: tuple[str, str] = ("", "")
    rows: list[tuple[str, str]] = field(default_factory=list)


def pictures(page: Mapping[str, Any], language: str, _: Gettext) -> list[Picture]:
    """The chart, then the map; empty where the data invite neither."""
    chart, places = page["measured"].get("chart"), page["measured"].get("map")
    found = []
    if chart:
        found.append((_line if chart["kind"] == "line" else _bars)(page, chart, language, _))
    if places and "grid" in places:      # a site of an earlier day kept it otherwise, until it is published again
        found.append(_places(page, places, language, _))
    return found


def _label(page: Mapping[str, Any], name: str, language: str) -> str:
    return next((str(column["label" if language == "zh" else "label_en"]) for column in page["columns"] if column["name"] == name), name)


def _unit(page: Mapping[str, Any], name: str | None) -> str:
    unit = next((column["unit"] for column in page["columns"] if column["name"] == name), None)
    return f" ({unit})" if unit else ""


def _names(page: Mapping[str, Any], column: str, language: str, _: Gettext) -> Callable[[str], str]:
    codes = next((one["codes"] for one in page["columns"] if one["name"] == column), None)
    known = {row["code"]: row[language] for row in page["codes"].get(codes, ())}
    known |= {"true": _("yes"), "false": _("no")} if not codes else {}
    return lambda code: str(known.get(code, code))


def _line(page: Mapping[str, Any], chart: Mapping[str, Any], language: str, _: Gettext) -> Picture:
    span = {"hour": _("by hour"), "day": _("by day"), "month": _("by month"), "year": _("by year")}[chart["span"]]
    of = _("Number of rows")
    if chart["of"] is not None:
        of = _("Mean of {label}").format(label=_label(page, chart["of"], language)) + _unit(page, chart["of"])
    title = f"{of}{'，' if language == 'zh' else ', '}{span}"
    points = [(at, value) for at, value in chart["points"]]
    low, high = (pick(points, key=lambda point: point[1]) for pick in (min, max))
    said = {"first": drawing.moment(points[0][0], chart["span"]), "last": drawing.moment(points[-1][0], chart["span"]),
            "low": drawing.number(low[1]), "low_at": drawing.moment(low[0], chart["span"]),
            "high": drawing.number(high[1]), "high_at": drawing.moment(high[0], chart["span"])}
    words = _("From {first} to {last}: least {low} ({low_at}), most {high} ({high_at}).").format(**said)
    rows = [(drawing.moment(at, chart["span"]), drawing.number(value)) for at, value in points[-TABLE:]]
    return Picture("line", title, drawing.line(points, chart["span"], title, words), words, (_label(page, chart["by"], language), of), rows)


def _bars(page: Mapping[str, Any], chart: Mapping[str, Any], language: str, _: Gettext) -> Picture:
    names, by = _names(page, chart["by"], language, _), _label(page, chart["by"], language)
    of = _("Number of rows") if chart["of"] is None else _label(page, chart["of"], language) + _unit(page, chart["of"])
    title = _("{what} by {category}").format(what=of, category=by)
    points = [(names(code), value) for code, value in chart["points"]]
    words = _("{n} categories: most in {high} ({most}), least in {low} ({least}).").format(
        n=len(points), high=points[0][0], most=drawing.number(points[0][1]), low=points[-1][0], least=drawing.number(points[-1][1]))
    rows = [(name, drawing.number(value)) for name, value in points]
    return Picture("bars", title, drawing.bars(points, title, words), words, (by, of), rows)


def _places(page: Mapping[str, Any], found: Mapping[str, Any], language: str, _: Gettext) -> Picture:
    district = next((column["name"] for column in page["columns"] if column["codes"] and "district" in column["name"]), "")
    title = _("Where the rows lie")
    west, east, south, north = found["box"]
    words = _("{n} rows by place, darker where more lie ({most} at most in a square); {west}–{east}° E, {south}–{north}° N.").format(
        n=thousands(found["rows"]), most=thousands(found["most"]), west=west, east=east, south=south, north=north)
    return Picture("map", title, drawing.places(found, _names(page, district, language, _), title, words), words)
