"""A first contract, written for a person to finish: what the data show is filled in, what only a person can know says DECIDE.

Pure text from measured figures (pipelines/drafting.py).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pypinyin import lazy_pinyin

from catalog.contract import ColumnType
from catalog.undecided import DECIDE
from catalog.wording import wording

Note = Callable[..., str]       # a comment from its English text and what stands in it
_LOGICAL = {"text": "string", "bigint": "integer", "decimal": "number", "double": "number"}
_PLAIN = re.compile(r"[A-Za-z一-鿿][A-Za-z0-9_.一-鿿/-]*\Z")
_WORD = re.compile("[^a-z0-9]+")
_RESERVED = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


@dataclass(frozen=True)
class DraftColumn:
    """One column as the file has it. `misfits`: filled cells that are no such value; `kinds`: what the screen found of persons;
    `hidden`: the file's own header may name a person or a home, and `header` stands in for it; `unlike`: why a column of dates or numbers is
    text all the same (`dates` of several styles, decimal `commas`).
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
    unlike: str = ""


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


def written(draft: Draft, language: str = "en") -> str:
    """The contract as YAML. A comment stands beside what is asked, and beside what was seen, in the language (zh, en)."""
    words = wording(language)

    def note(text: str, **more: object) -> str:
        return "  # " + words(text).format(**more)
    lines = [*_head(draft, note), *_fields(draft, note), *_ways(draft, note)]
    for column in draft.columns:
        lines += _column(column, note)
    return "\n".join(lines) + "\n"


def _head(draft: Draft, note: Note) -> Iterator[str]:
    rows, bad = draft.rows, draft.bad
    yield (note("Drafted by `citylake new` from one file of {rows} rows, {bad} of whose records are no row.", rows=rows, bad=bad) if draft.bad
           else note("Drafted by `citylake new` from one file of {rows} rows.", rows=rows)).strip()
    yield note("Look for DECIDE: `citylake check` refuses the contract until a person has decided.").strip()
    if not draft.rows:
        yield note("The file has no rows: nothing could be seen of types, keys, null words and code lists, so everything is text.").strip()
    if draft.unread:
        yield note("The language model is missing: whatever Chinese stood in headers and in the file's name is left out.").strip()


def _fields(draft: Draft, note: Note) -> Iterator[str]:
    """What the contract says of the dataset as a whole."""
    def ask(key: str, text: str) -> str:
        return f"{key}: {DECIDE}{note(text)}"
    yield from ("apiVersion: v3.1.0", "kind: DataContract", f"id: {draft.dataset}", f"name: {scalar(draft.dataset.split('.')[1])}",
                "version: 1.0.0", "status: active")
    yield ask("domain", "economy, environment, culture, health or urban; the same as `field` below")
    yield "description:"
    yield "  " + ask("purpose", "why the city holds these data, one sentence")
    yield from ("customProperties:", "  - property: citylake", "    value:", f"      department: {draft.department}")
    yield "      " + ask("field", "economy, environment, culture, health or urban")
    yield f"      title: {{zh: {DECIDE}, en: {DECIDE}}}"
    yield f"      summary: {{zh: {DECIDE}, en: {DECIDE}}}" + note("one or two sentences: what a row is, from when, how it is made")
    yield "      " + ask("licence", "such as CC-BY-4.0")
    yield "      " + ask("rights_holder", "the office's full name")
    yield "      " + ask("legal_basis", "the article that lets the department hold and open the data")
    yield f"      contact: {{name: {DECIDE}}}" + note("an office that answers, with email or phone; no person's own number")
    yield f"      author: {draft.author}" if draft.author else "      " + ask("author", "your id in people.yaml")
    yield f"      update: {{every: {DECIDE}}}" + note("hourly, daily, weekly, monthly, quarterly, yearly or irregular")
    yield f"      purposes: [{DECIDE}]" + note("what the data may be used for, such as open_data")


def _ways(draft: Draft, note: Note) -> Iterator[str]:
    """Where the data come from and where they go, up to the columns."""
    keys = ", ".join(column.name for column in draft.columns if column.key)
    kinds = ", ".join(sorted({kind for column in draft.columns for kind in column.kinds}))
    yield "      sources:"
    yield f"        - system: {draft.system or DECIDE + note('the department has several systems, or none: see city.yaml')}"
    yield f"          options: {{path: {scalar(draft.path)}}}" + note("which files; * stands for what differs")
    yield f"          format: {_format(draft, note)}"
    yield (f"      merge: upsert{note('a row replaces the one of the same {keys}; snapshot: each file is the whole', keys=keys)}" if keys
           else f"      merge: append{note('no column tells rows apart: rows are only added; snapshot: each file is the whole')}")
    if kinds:
        yield f"      collection_rule: {DECIDE}" + note(
            "the rule of the negative list that permits: {kinds}; or leave these columns out at the source", kinds=kinds)
    yield from ("      products:", "        - name: main")
    yield f"          tier: {DECIDE}" + note("unconditional, restricted or prohibited")
    yield f"          purpose: {DECIDE}" + note("one of `purposes`")
    yield from ("          formats: [csv, parquet]", "          columns:")
    yield from (f"            {scalar(column.name)}: {{do: {'drop' if column.kinds else 'keep'}}}" for column in draft.columns)
    yield from ("schema:", f"  - name: {scalar(draft.dataset.split('.')[1])}", "    physicalType: table", "    properties:")


def _format(draft: Draft, note: Note) -> str:
    if not draft.headless:
        return _flow(draft.form)
    asked, kept = ("header", "header: true") if draft.form.get("name") == "csv" else ("columns", "no columns")
    return _flow({**draft.form, asked: DECIDE}) + note(
        "the first row looks like data in columns {numbers}: {kept} if it is a header all the same; else draft anew with {options}",
        numbers=", ".join(map(str, draft.data)), kept=kept, options=draft.headless)


def _column(column: DraftColumn, note: Note) -> Iterator[str]:
    cells = {"misfits": column.misfits, "filled": column.filled}
    told = "" if not column.misfits else note(
        "{misfits} of {filled} filled cells are not of the list {codes}: their rows would be quarantined", **cells, codes=column.codes
    ) if column.codes else note("{misfits} of {filled} filled cells are no {type}: their rows would be quarantined", **cells, type=column.type)
    yield f"      - name: {scalar(column.name)}{told}"
    chinese = re.search("[㐀-鿿]", column.header) is not None
    stands = note("the file's header may name a person or a home: it is left out") if column.hidden else ""
    asked = DECIDE + (note("the Chinese label of {header}", header=_comment(column.header)) if column.header.strip() else
                      note("the file has no header here: say what the column holds; the empty alias finds it"))
    unlike = {"": "", "dates": note("dates of several styles, or of one that is not read: let the source write 2026-03-01, then say date"),
              "commas": note("numbers with a decimal comma: let the source write 1234.5, then say decimal(18,2)")}[column.unlike]
    yield f"        businessName: {scalar(column.header) if chinese else asked}{stands}"
    yield f"        logicalType: {_LOGICAL.get(column.type.kind, column.type.kind)}"
    yield f"        physicalType: {column.type}{unlike}"
    kinds = ", ".join(column.kinds)
    seen = "" if not kinds else (note("the screen suspects: {kinds}", kinds=kinds) if column.doubtful
                                 else note("the screen found: {kinds}", kinds=kinds))
    yield f"        classification: {column.level}{seen}"
    if column.required:
        yield "        required: true"
    if column.key:
        again = note("rows that repeat it: {repeated}; the newest is kept", repeated=column.repeated) if column.repeated else ""
        yield f"        primaryKey: true{again}"
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
        ask = note("one of {kinds}, or take `identifies` and `person` away", kinds=kinds) if more.get("identifies") == DECIDE else ""
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
