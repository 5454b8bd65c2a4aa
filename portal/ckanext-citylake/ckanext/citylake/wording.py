"""The words for coded things: fields, tiers, formats, update cycles, levels, treatments, quality rules.

Every word is an English message of our catalog (i18n/); `_` is given at call time, so a page speaks its reader's language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Gettext = Callable[[str], str]


def _n(text: str) -> str:
    """Marks a message for the catalog without translating it."""
    return text


WORDS: Mapping[str, Mapping[str, str]] = {
    "groups": {"economy": _n("Economy"), "environment": _n("Environment"), "culture": _n("Culture"), "health": _n("Health"),
               "urban": _n("Urban construction and management")},
    "tier": {"unconditional": _n("Unconditional"), "restricted": _n("Restricted"), "prohibited": _n("Prohibited")},
    "update_every": {"hourly": _n("hourly"), "daily": _n("daily"), "weekly": _n("weekly"), "monthly": _n("monthly"),
                     "quarterly": _n("quarterly"), "yearly": _n("yearly"), "irregular": _n("irregular")},
    "res_format": {"API": _n("API"), "CSV": "CSV", "PARQUET": "Parquet", "JSONL": "JSON Lines", "JSON": "JSON", "XLSX": "Excel",
                   "GEOJSON": "GeoJSON"},
    "shown": {"open": _n("open for download and API"), "metadata": _n("description only"), "tombstone": _n("Withdrawn")},
    "level": {"L1": _n("not sensitive"), "L2": _n("slightly sensitive"), "L3": _n("rather sensitive"), "L4": _n("sensitive")},
    "treatment": {"keep": _n("as it is"), "drop": _n("left out"), "mask": _n("masked"), "token": _n("pseudonym"),
                  "generalise": _n("generalised"), "round": _n("rounded"), "band": _n("banded"), "redact": _n("persons masked"),
                  "shift": _n("shifted"), "aggregate": _n("aggregated"), "cap": _n("capped"), "mondrian": _n("widened")},
    "dimension": {"completeness": _n("Completeness"), "accuracy": _n("Accuracy"), "consistency": _n("Consistency"),
                  "timeliness": _n("Timeliness"), "uniqueness": _n("Uniqueness"), "conformity": _n("Conformity"),
                  "coverage": _n("Coverage"), "validity": _n("Validity")},
    "type": {"text": _n("text"), "bigint": _n("integer"), "double": _n("floating-point number"), "boolean": _n("yes or no"),
             "date": _n("date"), "timestamp": _n("date and time")},
    "tier_line": {"unconditional": _n("Anyone may download and use the data under the licence."),
                  "restricted": _n("Given out on application, under conditions; only the description is shown here."),
                  "prohibited": _n("Not given out; at most the catalog entry is shown.")},
    "rule": {"type": _n("not of the declared type"), "required": _n("value missing"), "code": _n("not in the code list"),
             "minimum": _n("below the least value allowed"), "maximum": _n("above the greatest value allowed"),
             "above": _n("not above the bound"), "below": _n("not below the bound"), "min_length": _n("too short"),
             "max_length": _n("too long"), "pattern": _n("not of the declared form"), "unique": _n("not unique"),
             "merge": _n("one key came with different values")},
}
FACETS: Mapping[str, str] = {"groups": _n("Field"), "organization": _n("Department"), "tier": _n("Tier"),
                             "res_format": _n("Format"), "update_every": _n("Updates"), "vocab_quality": _n("Quality")}
LICENCES: Mapping[str, tuple[str, str]] = {
    "CC-BY-4.0": (_n("Creative Commons Attribution 4.0 International (CC BY 4.0)"), "https://creativecommons.org/licenses/by/4.0/"),
    "CC0-1.0": (_n("Creative Commons Zero 1.0 (CC0)"), "https://creativecommons.org/publicdomain/zero/1.0/"),
    "ODbL-1.0": (_n("Open Database License 1.0 (ODbL)"), "https://opendatacommons.org/licenses/odbl/1-0/"),
}
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_RUN = r"\u3400-\u9fff\uf900-\ufaff\u3000-\u303f\uff00-\uff65"
CHINESE = re.compile(rf"[\u3400-\u9fff\uf900-\ufaff](?:[{_RUN}\d]*[{_RUN}])?")      # a run of it, with its punctuation and digits
_WORD = re.compile(r"[a-z]{2}")
_REASON = re.compile(r"(?:(?P<kind>[a-z_]+)\.)?(?P<name>\w+)(?:: (?P<rows>\d+) rows)?")


def word(kind: str, value: str, _: Gettext) -> str:
    """The word for a coded value; the value itself where there is none."""
    if kind == "type" and value.startswith("decimal"):
        return _("decimal number")
    text = WORDS[kind].get(value)
    return _(text) if text else value


def han(text: str) -> bool:
    """Whether there is Chinese in it."""
    return _HAN.search(text) is not None


def spoken(text: str | None, language: str) -> str:
    """The sentences of a text that are in the reader's language. Contracts keep some texts in both, one after the other;
    what has no words at all (the number of a standard) is for everybody.
    """
    parts = re.findall(r"[^。！？.!?]*(?:[。！？]+|[.!?]+(?=\s|[\u3400-\u9fff]|$)|[.!?]+|$)", text or "")
    groups = [part for part in _joined(parts) if part.strip()]
    wanted = [part for part in groups if han(part) == (language == "zh") or not (_WORD.search(part) or han(part))]
    return "".join(wanted).strip()


def _joined(parts: Sequence[str]) -> list[str]:
    """Pieces cut inside a number or an abbreviation (`2.5`, `e.g.x`) put together again."""
    found: list[str] = []
    for part in parts:
        if found and found[-1][-1:] in ".!?" and part[:1] and not part[:1].isspace() and not han(part[:1]):
            found[-1] += part
        else:
            found.append(part)
    return found


def reason(text: str, columns: Sequence[Mapping[str, Any]], language: str, _: Gettext) -> dict[str, Any]:
    """`code.district: 3 rows` → what was wrong, of which column, in how many rows. `rule` is the name of a rule of the
    contract's own, which has no words.
    """
    match = _REASON.fullmatch(text)
    if match is None:
        return {"column": None, "wrong": text, "rule": None, "rows": None}
    kind, name, rows = match["kind"], match["name"], match["rows"]
    label = next((column["label_en" if language == "en" else "label"] for column in columns if column["name"] == name), None)
    known = WORDS["rule"].get(kind or "")
    key = kind == "unique" and name == "key"
    return {"column": None if known is None else _("key") if key else label, "code": name if known and not label and not key else None,
            "wrong": _(known) if known else None, "rule": None if known else name, "rows": int(rows) if rows else None}
