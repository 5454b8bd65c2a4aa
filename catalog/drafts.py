"""A first contract, written for a person to finish: what the data show is filled in, what only a person can know says DECIDE.

Pure text from measured figures (pipelines/drafting.py).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pypinyin import lazy_pinyin

from catalog.contract import ColumnType
from catalog.undecided import DECIDE

_LOGICAL = {"text": "string", "bigint": "integer", "decimal": "number", "double": "number"}
_PLAIN = re.compile(r"[A-Za-z一-鿿][A-Za-z0-9_.一-鿿/-]*\Z")
_WORD = re.compile("[^a-z0-9]+")
_RESERVED = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


@dataclass(frozen=True)
class DraftColumn:
    """One column as the file has it. `misfits`: filled cells that are no such value; `kinds`: what the screen found of persons;
    `hidden`: the file's own header may name a person or a home, and `header` stands in for it.
    """

    header: str
    name: str
    type: ColumnType
    filled: int
    misfits: int = 0
    nulls: tuple[str, ...] = ()
    unit: str | None = None
    strip_unit: tuple[str, ...] = ()
    standardise: tuple[str, ...] = ()
    codes: str | None = None
    required: bool = False
    key: int | None = None
    repeated: int = 0
    level: str = "L1"
    kinds: tuple[str, ...] = ()
    doubtful: bool = False
    hidden: bool = False


@dataclass(frozen=True)
class Draft:
    """`form`: the format's options in effect, without the columns; `bad`: records that are no row; `unread`: the language model is missing.
    `data`: the columns in which the file's first row looks like data, and `headless` the options for a file without header.
    """

    dataset: str
    department: str
    system: str | None
    path: str
    form: Mapping[str, Any]
    rows: int
    bad: int
    columns: Sequence[DraftColumn] = field(default_factory=tuple)
    author: str | None = None
    unread: bool = False
    data: tuple[int, ...] = ()
    headless: str = ""


def column_names(headers: Sequence[str]) -> list[str]:
    """A physical name for each header: its own where it is in Latin letters, else in pinyin; all different."""
    found: list[str] = []
    for at, header in enumerate(headers, 1):
        plain = unicodedata.normalize("NFKC", re.sub(r"[（(].*?[）)]", "", header)) or header
        spelled = plain if plain.isascii() else " ".join(lazy_pinyin(plain))
        spelled = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", spelled)
        name = _WORD.sub("_", spelled.lower()).strip("_")[:50].strip("_")
        name = name if name[:1].isalpha() else f"column_{name}" if name else f"column_{at}"
        while name in found:
            name = f"{name}_{at}"
        found.append(name)
    return found


def written(draft: Draft) -> str:
    """The contract as YAML. A comment stands beside what is asked, and beside what was seen."""
    personal = [column for column in draft.columns if column.kinds]
    keys = [column.name for column in draft.columns if column.key]
    name = draft.dataset.split(".")[1]
    lines = [
        f"# Drafted by `citylake new` from one file of {draft.rows} rows"
        + (f", {draft.bad} of whose records are no row." if draft.bad else "."),
        "# Look for DECIDE: `citylake check` refuses the contract until a person has decided.",
        *(["# The language model is missing: whatever Chinese stood in headers and in the file's name is left out."] if draft.unread else []),
        "apiVersion: v3.1.0", "kind: DataContract", f"id: {draft.dataset}", f"name: {scalar(name)}", "version: 1.0.0", "status: active",
        f"domain: {DECIDE}  # economy, environment, culture, health or urban; the same as `field` below",
        "description:",
        f"  purpose: {DECIDE}  # why the city holds these data, one sentence",
        "customProperties:", "  - property: citylake", "    value:",
        f"      department: {draft.department}",
        f"      field: {DECIDE}  # economy, environment, culture, health or urban",
        f"      title: {{zh: {DECIDE}, en: {DECIDE}}}",
        f"      summary: {{zh: {DECIDE}, en: {DECIDE}}}  # one or two sentences: what a row is, from when, how it is made",
        f"      licence: {DECIDE}  # such as CC-BY-4.0",
        f"      rights_holder: {DECIDE}  # the office's full name",
        f"      legal_basis: {DECIDE}  # the article that lets the department hold and open the data",
        f"      contact: {{name: {DECIDE}}}  # an office that answers, with email or phone; no person's own number",
        f"      author: {draft.author or f'{DECIDE}  # your id in people.yaml'}",
        f"      update: {{every: {DECIDE}}}  # hourly, daily, weekly, monthly, quarterly, yearly or irregular",
        f"      purposes: [{DECIDE}]  # what the data may be used for, such as open_data",
        "      sources:",
        f"        - system: {draft.system or f'{DECIDE}  # the department has several systems, or none: see city.yaml'}",
        f"          options: {{path: {scalar(draft.path)}}}  # which files; * stands for what differs",
        f"          format: {_format(draft)}",
        f"      merge: {'upsert' if keys else 'append'}  # "
        + (f"a row replaces the one of the same {', '.join(keys)}; snapshot: each file is the whole" if keys
           else "no column tells rows apart: rows are only added; snapshot: each file is the whole"),
    ]
    if personal:
        lines.append(f"      collection_rule: {DECIDE}  # the rule of the negative list that permits: "
                     f"{', '.join(sorted({kind for column in personal for kind in column.kinds}))}; or leave these columns out at the source")
    lines += ["      products:", "        - name: main",
              f"          tier: {DECIDE}  # unconditional, restricted or prohibited", f"          purpose: {DECIDE}  # one of `purposes`",
              "          formats: [csv, parquet]", "          columns:"]
    lines += [f"            {scalar(column.name)}: {{do: {'drop' if column.kinds else 'keep'}}}" for column in draft.columns]
    lines += ["schema:", f"  - name: {scalar(name)}", "    physicalType: table", "    properties:"]
    for column in draft.columns:
        lines += _column(column)
    return "\n".join(lines) + "\n"


def _format(draft: Draft) -> str:
    if not draft.headless:
        return _flow(draft.form)
    asked, kept = ("header", "header: true") if draft.form.get("name") == "csv" else ("columns", "no columns")
    return (f"{_flow({**draft.form, asked: DECIDE})}  # the first row looks like data in columns {', '.join(map(str, draft.data))}: "
            f"{kept} if it is a header all the same; else draft anew with {draft.headless}")


def _column(column: DraftColumn) -> Iterator[str]:
    what = f"not of the list {column.codes}" if column.codes else f"no {column.type}"
    told = f"  # {column.misfits} of {column.filled} filled cells are {what}: their rows would be quarantined" if column.misfits else ""
    yield f"      - name: {scalar(column.name)}{told}"
    chinese = re.search("[㐀-鿿]", column.header) is not None
    stands = "  # the file's header may name a person or a home: it is left out" if column.hidden else ""
    yield f"        businessName: {scalar(column.header) if chinese else f'{DECIDE}  # the Chinese label of {_comment(column.header)}'}{stands}"
    yield f"        logicalType: {_LOGICAL.get(column.type.kind, column.type.kind)}"
    yield f"        physicalType: {column.type}"
    seen = f"  # the screen {'suspects' if column.doubtful else 'found'}: {', '.join(column.kinds)}" if column.kinds else ""
    yield f"        classification: {column.level}{seen}"
    if column.required:
        yield "        required: true"
    if column.key:
        yield "        primaryKey: true" + (f"  # rows that repeat it: {column.repeated}; the newest is kept" if column.repeated else "")
        yield f"        primaryKeyPosition: {column.key}"
    more: dict[str, Any] = {}
    if not chinese and column.header != column.name:
        more["aliases"] = [column.header]
    if column.codes:
        more["codes"] = column.codes
    for key in ("nulls", "standardise", "strip_unit"):
        if getattr(column, key):
            more[key] = list(getattr(column, key))
    if column.unit:
        more["unit"] = column.unit
    if column.kinds:
        more |= {"identifies": column.kinds[0] if len(column.kinds) == 1 and not column.doubtful else DECIDE, "person": True}
    if more:
        ask = f"  # one of {', '.join(column.kinds)}, or take `identifies` and `person` away" if more.get("identifies") == DECIDE else ""
        yield f"        customProperties: [{{property: citylake, value: {_flow(more)}}}]{ask}"


def scalar(value: object) -> str:
    """A YAML scalar, in quotes wherever the strict reader could read it as something else."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if not isinstance(value, str):
        return str(value)
    if _PLAIN.match(value) and value.lower() not in _RESERVED:
        return value
    return json.dumps(value, ensure_ascii=any(not mark.isprintable() for mark in value))


def _flow(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return scalar(value)


def _comment(text: str) -> str:
    return "".join(mark if mark.isprintable() else " " for mark in text)
