"""Measures a sample file for a first contract: types, null words, keys, code lists, units, and what the screen suspects.

Whole columns in the engine, with the casts that refine will use; the draft holds figures and fixed words, never a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlglot import exp

from catalog import dialect as d
from catalog.contract import ColumnType
from catalog.dialect import col, lit
from catalog.drafts import Draft, DraftColumn, column_names
from catalog.errors import DefinitionError, Refused
from pipelines.column_screens import Look, screen_columns
from pipelines.decisions import me
from pipelines.engines import Session
from pipelines.first_row import all_different, headless, like_data
from pipelines.formats import open_table
from pipelines.refining import NULL_WORDS
from pipelines.way import Way
from privacy.column_verdicts import ColumnVerdict
from privacy.headers import header_kinds
from privacy.labels import label_spans, without
from privacy.model import Model, ModelMissing, load

VIEW = "sample"
FITS = 0.95             # share of the filled cells from which a type is proposed; the others are told
# Options that a draft pins; others (quotes, ends of lines) the next file may have otherwise.
PINNED = ("name", "encoding", "delimiter", "skip", "header", "sheet", "header_row", "header_rows", "table", "points", "path")
NEARLY = 0.99           # share of rows that a key may tell apart: a source delivers some rows twice
CODED = 2_000           # distinct values up to which a column is laid beside the code lists
SCALES = (0, 1, 2, 3, 4, 6, 8)
TEXTUAL = ("/", "／", "暂无", "无数据", "不详", "未知", "空", "None", "none", "NA", "n/a", "#N/A")
UNITS = {"米": "m", "m": "m", "公里": "km", "千米": "km", "km": "km", "平方米": "m²", "㎡": "m²", "m2": "m²", "m²": "m²", "公顷": "hm²",
         "亩": "亩", "元": "元", "万元": "万元", "亿元": "亿元", "人": "人", "人次": "人次", "户": "户", "个": "个", "吨": "t", "t": "t",
         "千克": "kg", "公斤": "kg", "kg": "kg", "℃": "℃", "°C": "℃", "%": "%", "％": "%", "度": "°", "°": "°", "毫米": "mm", "mm": "mm",
         "hPa": "hPa", "μg/m³": "µg/m³", "µg/m³": "µg/m³", "ug/m3": "µg/m³", "mg/m³": "mg/m³", "mg/m3": "mg/m³", "m/s": "m/s", "辆": "辆",
         "次": "次", "分钟": "min", "小时": "h", "天": "d", "年": "a", "kW": "kW", "kWh": "kWh", "dB": "dB", "平方公里": "km²",
         "km2": "km²"}
_UNIT = re.compile(r"[（(\[【]\s*(?:单位[:：]?)?\s*(?P<unit>[^（）()\[\]【】]{1,12}?)\s*[）)\]】]\s*$")
_NAMES = re.compile("(?:编号|代码|编码|号码|证号|序列号|邮编|电话)$|(?:^|_)(?:id|code|no)$", re.IGNORECASE)
# What looks like dates and numbers that no type reads: in several styles, or with a decimal comma. In the patterns that both engines have alike.
_DATED = ("([0-9]{4}[-/.年][ ]?[0-9]{1,2}[-/.月][ ]?[0-9]{1,2}日?|[0-9]{1,2}[-/.][ ]?[0-9]{1,2}[-/.][ ]?([0-9]{4}|[0-9]{2}))([ T][0-9]{1,2}:.*)?|"
          "(19|20)[0-9]{6}|"
          "[0-9]{1,2}[.]?[- ][^0-9 .,/-]{3,9}[.]?[- ,]{1,2}[0-9]{2,4}|[A-Za-z]{3,9}[.]? [0-9]{1,2},? [0-9]{4}")
_COMMA = "[+-]?([0-9]{1,3}([. ][0-9]{3})+|[0-9]+),[0-9]+"
_DATES = re.compile("日期|时间|年月日|date|day", re.IGNORECASE)


@dataclass(frozen=True)
class _Seen:
    """What one pass told of a column."""

    filled: int
    figures: Mapping[str, int]

    def fits(self, kind: str) -> bool:
        return self.filled > 0 and self.figures[kind] >= FITS * self.filled


def draft(way: Way, dataset: str, path: Path, form: Mapping[str, Any] | None = None) -> Draft:
    """The draft for `department.dataset` from a file; `form`: its format with options, where they must be said. Raises BadInput,
    DefinitionError.
    """
    department = dataset.partition(".")[0]
    if not re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*", dataset) or department not in way.city.departments:
        raise DefinitionError("This is no name for a dataset of the city.", remedy="Write department.dataset, with a department of city.yaml.")
    opened = open_table(path, form, path.name)
    places = [str(at) for at in range(len(opened.columns))]
    if not places:
        raise DefinitionError("The file has no columns.", remedy="Ask the source for a table with a header.")
    all_different(opened.columns, str(opened.options.get("name")))
    model = _model()
    with way.engine.open({}) as session:
        session.load(VIEW, opened.batches(), tuple(places))
        rows = int(session.rows(exp.select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_(VIEW))[0]["n"])
        look = Look({place: (header,) for place, header in zip(places, opened.columns, strict=True)}, {})
        verdicts = screen_columns(way, session, {place: ColumnType("text") for place in places}, VIEW, look)
        hidden = [bool(spans) for spans in label_spans(opened.columns, model)]
        named = "columns" in (form or {})       # then the file's first row is none of the headers
        data = () if named else like_data(session, VIEW, places, opened.columns, hidden if model else [False] * len(places))
        if data:        # a header that the recognisers do not know is, in a column about persons, one more value
            hidden = [hide or bool((verdicts[place].kinds or verdicts[place].unseen) and not header_kinds(header))
                      for place, header, hide in zip(places, opened.columns, hidden, strict=True)]
        labels = [f"第{at}列" if hide else header for at, (header, hide) in enumerate(zip(opened.columns, hidden, strict=True), 1)]
        names = column_names(labels)
        columns = [replace(_column(way, session, place, label, name, verdicts[place], rows), hidden=hide)
                   for place, label, name, hide in zip(places, labels, names, hidden, strict=True)]
        columns = _keyed(session, columns, rows)
    systems = [name for name, system in way.city.systems.items() if system.department == department]
    found = {key: value for key, value in opened.options.items() if key in (form or {}) or (key in PINNED and value not in (None, "")
                                                                                           and not any(label_spans([str(value)], model)))}
    return Draft(dataset, department, systems[0] if len(systems) == 1 else None, _pattern(path.name, model), found, rows, len(opened.bad),
                 columns, _author(way), model is None, data, headless(str(opened.options.get("name")), len(columns)) if data else "")


def _author(way: Way) -> str | None:
    try:
        return me(way).id
    except Refused:
        return None


def _model() -> Model | None:
    """None where it is missing: then whatever it would have read is left out, and the draft says so."""
    try:
        return load()
    except ModelMissing:
        return None


def _pattern(name: str, model: Model | None) -> str:
    """The file's name, with runs of digits open (the next file has another day in its name), and what names a person or a home."""
    stem, suffix = Path(name).stem, Path(name).suffix
    bare = without(stem, label_spans([stem], model)[0])
    return re.sub(r"\*+", "*", re.sub(r"[0-9]{4,}(?:[-_.]?[0-9]{2,})*", "*", bare)) + suffix


def _column(way: Way, session: Session, place: str, header: str, name: str, verdict: ColumnVerdict, rows: int) -> DraftColumn:
    unit = _UNIT.search(header)
    seen = _measured(session, place, way.city.zone)
    nulls = tuple(word for word in (*NULL_WORDS, *TEXTUAL) if seen.figures.get(f"null {word}"))
    found = tuple(kind for kind in verdict.kinds if kind != "masked") or (("name",) if verdict.unseen else ())
    base = DraftColumn(header, name, ColumnType("text"), seen.filled, required=rows > 0 and seen.filled == rows, kinds=found,
                       doubtful=verdict.decision == "HOLD", level=verdict.suggested_level if found else "L1",
                       nulls=nulls)
    if found:
        return base
    if 0 < seen.figures["distinct"] <= CODED and (coded := _codes(way, session, place, seen.filled)):
        return replace(base, codes=coded[0], misfits=coded[1])
    base = _typed(base, seen, header)
    if unit and unit["unit"] in UNITS and base.type.kind in ("bigint", "decimal", "double"):
        base = replace(base, unit=UNITS[unit["unit"]])
    # The types' own null words need no mention.
    return base if base.type.kind == "text" else replace(base, nulls=tuple(word for word in base.nulls if word not in NULL_WORDS))


def _text(place: str) -> exp.Expr:
    return d.null_words(d.fold_width(d.trim_text(col(place))), ("", *NULL_WORDS, *TEXTUAL))


def _measured(session: Session, place: str, zone: str) -> _Seen:
    text = col("v")
    plain = d.strip_thousands(text)
    cut = d.strip_suffixes(text, list(UNITS))
    number = d.to_decimal(plain, 38, 12)
    tried: dict[str, exp.Expr] = {
        "bigint": d.to_bigint(plain), "double": d.to_double(plain), "decimal": number, "boolean": d.to_boolean(text), "date": d.to_date(text),
        "timestamp": d.to_timestamp(text, zone), "unit": d.to_decimal(d.strip_thousands(cut), 38, 12), "strict": d.to_bigint(text),
        "exact": d.to_double(text), **{f"scale {scale}": d.to_decimal(plain, 38, scale) for scale in SCALES},
        "dates": d.case([(d.matches(text, _DATED), lit(1))]), "commas": d.case([(d.matches(text, _COMMA), lit(1))]),
        "zeros": d.case([(d.matches(text, "0[0-9]+"), lit(1))]), "digits": d.case([(d.matches(text, "[0-9]{9,}"), lit(1))]),
        "sized": d.case([(d.matches(d.strip_thousands(cut), "[+-]?[0-9]+(\\.[0-9]+)?"), lit(1))])}
    counts = [exp.alias_(exp.Count(this=value), name, quoted=True) for name, value in tried.items()]
    words = [exp.alias_(exp.Count(this=d.case([(exp.EQ(this=d.trim_text(col(place)), expression=lit(word)), lit(1))])), f"null {word}", quoted=True)
             for word in dict.fromkeys((*NULL_WORDS, *TEXTUAL))]
    whole = {"filled": exp.Count(this=text), "distinct": exp.Count(this=exp.Distinct(expressions=[text]))}
    chosen = [exp.alias_(value, name, quoted=True) for name, value in whole.items()]
    texts = exp.select(exp.alias_(_text(place), "v", quoted=True)).from_(VIEW).subquery("texts")
    figures = session.rows(exp.select(*chosen, *counts).from_(texts))[0]
    figures |= session.rows(exp.select(*words).from_(VIEW))[0]
    return _Seen(int(figures["filled"]), {name: int(value or 0) for name, value in figures.items()})


def _typed(base: DraftColumn, seen: _Seen, header: str) -> DraftColumn:
    """The narrowest type that nearly every filled cell has. Numbers that are names (leading zeros, codes) stay text."""
    def told(kind: ColumnType, figure: str, **more: Any) -> DraftColumn:
        return replace(base, type=kind, misfits=seen.filled - seen.figures[figure], **more)
    figures, named = seen.figures, _NAMES.search(header) is not None or seen.figures["zeros"] > 0
    grouped = ("strip_thousands",) if figures["double"] > figures["exact"] else ()
    if seen.fits("date") and (not seen.fits("bigint") or _DATES.search(header)):
        return told(ColumnType("date"), "date")
    if seen.fits("timestamp") and (not seen.fits("bigint") or _DATES.search(header)):
        return told(ColumnType("timestamp"), "timestamp")
    if named and seen.fits("bigint"):
        return base
    if seen.fits("boolean") and not seen.fits("bigint"):
        return told(ColumnType("boolean"), "boolean")
    if seen.fits("bigint"):
        return told(ColumnType("bigint"), "bigint", standardise=grouped)
    if seen.fits("decimal"):
        scale = next((one for one in SCALES if figures[f"scale {one}"] >= figures["decimal"]), 12)
        return told(ColumnType("decimal", 18 if scale <= 8 else 30, scale), "decimal", standardise=grouped)
    if seen.fits("double"):
        return told(ColumnType("double"), "double", standardise=grouped)
    if seen.fits("unit") and figures["sized"] > 0:
        return told(ColumnType("decimal", 18, 4), "unit", strip_unit=tuple(UNITS))
    return replace(base, unlike=next((name for name in ("dates", "commas") if seen.fits(name)), ""))


def _codes(way: Way, session: Session, place: str, filled: int) -> tuple[str, int] | None:
    """The shortest code list that nearly all values are of, and how many cells are not."""
    cells = exp.alias_(exp.Count(this=col("v")), "cells", quoted=True)
    texts = exp.select(exp.alias_(_text(place), "v", quoted=True)).from_(VIEW).subquery("texts")
    values = {row["v"]: row["cells"] for row in session.rows(exp.select(col("v"), cells).from_(texts).group_by(col("v"))) if row["v"] is not None}
    for one in sorted(way.city.codes.values(), key=lambda one: len(one.codes)):
        outside = sum(count for value, count in values.items() if value not in one.codes)
        if len(values) > 1 and outside <= (1 - FITS) * filled:
            return one.id, outside
    return None


def _keyed(session: Session, columns: Sequence[DraftColumn], rows: int) -> list[DraftColumn]:
    """Marks the first column that tells the rows apart, some repeated ones excepted, else the first pair that tells all apart."""
    able = [at for at, column in enumerate(columns)
            if column.required and not column.misfits and column.type.kind in ("text", "bigint", "date", "timestamp")][:10]
    able.sort(key=lambda at: (columns[at].type.kind not in ("text", "bigint"), at))
    tries = [(at,) for at in able] + [(first, second) for first in able for second in able if first < second]
    if rows < 2 or not tries:
        return list(columns)
    def differ(key: tuple[int, ...]) -> exp.Expr:
        return exp.Count(this=exp.Distinct(expressions=[d.joined_text([d.trim_text(col(str(at))) for at in key], "\x1f")]))
    counted = session.rows(exp.select(*[exp.alias_(differ(key), str(number), quoted=True) for number, key in enumerate(tries)]).from_(VIEW))[0]
    whole = [key for number, key in enumerate(tries) if counted[str(number)] == rows]
    near = [key for number, key in enumerate(tries) if len(key) == 1 and counted[str(number)] >= NEARLY * rows]
    chosen = next(iter(near if not whole or (len(whole[0]) > 1 and near) else whole), ())
    again = next((rows - counted[str(number)] for number, key in enumerate(tries) if key == chosen), 0)
    return [replace(column, key=chosen.index(at) + 1, repeated=again) if at in chosen else column for at, column in enumerate(columns)]
