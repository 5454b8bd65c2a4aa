"""Words for what a page says about a product: dates and numbers, licences, promises, reasons, treatments. Pure; English is translated.

Templates get these as filters and functions; what stands in a file of the release is never changed here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from markupsafe import Markup, escape

from catalog.city import Calendar
from pipelines.moments import day

Gettext = Callable[[str], str]
DAYS = {"hourly": 1, "daily": 1, "weekly": 7, "monthly": 31, "quarterly": 92, "yearly": 366}
LICENCES: Mapping[str, tuple[str, str]] = {
    "CC-BY-4.0": ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/"),
    "CC0-1.0": ("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "ODbL-1.0": ("ODbL 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
}
RULES = {
    "type": "not of the declared type", "required": "value missing", "code": "not in the code list", "minimum": "below the least value allowed",
    "maximum": "above the greatest value allowed", "above": "not above the bound", "below": "not below the bound", "min_length": "too short",
    "max_length": "too long", "pattern": "not of the declared form", "unique": "not unique", "merge": "one key came with different values",
}
METRICS = {"nullValues": "value missing", "missingValues": "value missing", "duplicateValues": "not unique"}
LEVELS = {"L1": "not sensitive", "L2": "slightly sensitive", "L3": "rather sensitive", "L4": "sensitive"}
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[A-Za-z]{2}")
_NUMBER = re.compile(r"\b\d+(?:[.,]\d+)*\b")
_SENTENCE = re.compile(r"[^。！？.!?]*(?:[。！？]+|[.!?]+(?=\s|[\u3400-\u9fff]|$)|[.!?]+|$)")


def size(number: int) -> str:
    """A file size for people."""
    value = float(number)
    for unit in ("B", "KB", "MB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GB"


def thousands(number: float | None) -> str:
    """With separators; a dash for nothing."""
    return f"{number:,}" if number is not None else "–"


def share(value: float) -> str:
    """A share in percent; what is not nothing never reads as nothing."""
    return "0 %" if not value else "< 0.1 %" if value < 0.001 else f"{100 * value:.1f} %"


def han(text: str) -> bool:
    """Whether there is Chinese in it."""
    return _HAN.search(text) is not None


def spoken(text: str | None, language: str) -> str:
    """The sentences of a text that are in the reader's language: contracts keep some texts in both, one after the other.

    What has no words (the number of a standard) is for everybody. A text in one language only is told whole to everybody.
    """
    parts = [part for part in _joined(_SENTENCE.findall(text or "")) if part.strip()]
    mine = [part for part in parts if han(part) == (language == "zh") or not (_WORD.search(part) or han(part))]
    return "".join(mine if any(_WORD.search(part) or han(part) for part in mine) else parts).strip()


def _joined(parts: Sequence[str]) -> list[str]:
    """Pieces cut inside a number or an abbreviation (`2.5`, `e.g.x`) put together again."""
    found: list[str] = []
    for part in parts:
        if found and found[-1][-1:] in ".!?" and part[:1] and not part[:1].isspace() and not han(part[:1]):
            found[-1] += part
        else:
            found.append(part)
    return found


def marked(text: str | None, language: str) -> Markup:
    """A text of the data, with its language where that is not the page's."""
    plain = escape(text or "")
    if language == "en" and han(text or ""):
        return Markup('<span lang="zh-CN">') + plain + Markup("</span>")
    return plain


def due(page: Mapping[str, Any], calendar: Calendar, zone: str) -> str | None:
    """Until when the next release is promised: a cycle after the newest one and the promised working days. None without a promise."""
    return _due(page["released"], page["update"], calendar, zone) if page["released"] else None


def _due(at: str, update: Mapping[str, Any], calendar: Calendar, zone: str) -> str | None:
    cycle = DAYS.get(update["every"])
    if cycle is None:
        return None
    after = date.fromisoformat(day(at, zone)) + timedelta(days=cycle)
    return calendar.add_working_days(after, int(update["within_working_days"] or 0)).isoformat()


def kept(page: Mapping[str, Any], calendar: Calendar, zone: str) -> tuple[int, int]:
    """How many releases after the first came when they were promised, and how many there were."""
    times = sorted(past["at"] for past in page["releases"])
    until = [_due(at, page["update"], calendar, zone) for at in times[:-1]]
    pairs = [(day(later, zone), last) for later, last in zip(times[1:], until, strict=True) if last is not None]
    return sum(came <= last for came, last in pairs), len(pairs)


def reason(text: str, page: Mapping[str, Any], language: str, _: Gettext) -> Markup:
    """`code.district: 3 rows` → which column, what was wrong, in how many rows. A rule of the contract's own is told by its sentence.

    `page["quality"]["rules"]` says of each rule named there what it is about (pipelines/pages.py); labels are the contract's.
    """
    rule, _colon, counted = text.partition(": ")
    kind, _dot, name = rule.partition(".")
    about = (page["quality"].get("rules") or {}).get(rule) or {}
    column = _column(name or rule, about, page["columns"], language, _)
    said = _demand(about, column, language, _)
    if said is None:
        known = RULES.get(kind) or METRICS.get(about.get("metric", ""))
        subject = _("key") if rule in ("unique.key", "merge.conflicts") else column or _("The table")
        said = marked(f"{subject}{'：' if language == 'zh' else ': '}{_(known)}" if known else _("rule {name}").format(name=rule), language)
    number = counted.removesuffix(" rows")
    return said + f"{'，' if language == 'zh' else ', '}{rows(int(number), _)}" if number.isdigit() else said


def rows(number: int, _: Gettext) -> str:
    """A number of rows in words."""
    return (_("{n} row") if number == 1 else _("{n} rows")).format(n=thousands(number))


def _column(name: str, about: Mapping[str, Any], columns: Sequence[Mapping[str, Any]], language: str, _: Gettext) -> str:
    """The label of a rule's column, and whether it is not published; empty for a rule about the table."""
    if label := about.get("column"):
        return str(label[language] if about["published"] else _("{label} (not published)").format(label=label[language]))
    found = next((one["label" if language == "zh" else "label_en"] for one in columns if one["name"] == name), None)
    return str(found or ("" if about else name))


def _demand(about: Mapping[str, Any], column: str, language: str, _: Gettext) -> Markup | None:
    """What a rule of the contract's own demands, as a sentence about its column, a row or the table. None where the contract has no words.

    It has them as they follow the subject (`has no rain in dry air`); what it has in Chinese is a sentence by itself.
    """
    says = spoken(about.get("says"), language).rstrip(".。")
    if not says:
        return None
    subject, template = column or (_("Each row") if about["row"] else _("The table")), "{a} " + _NUMBER.sub("{b}", says, count=1) + "."
    number = _NUMBER.search(says)
    if han(says):
        told = marked(says, language)
    elif language == "en" or _(template) != template:
        told = marked(_(template).format(a=subject, b=number[0] if number else "").rstrip(".。").replace("） ", "）"), language)
    else:
        told = Markup('{} <span lang="en">{}</span>').format(subject, says)
    return Markup(escape(_('Does not hold: "{rule}"'))).format(rule=told)


def heads(page: Mapping[str, Any], language: str) -> list[tuple[str, str, str]]:
    """Of each column of the preview: its label in the reader's language, the file's own header where that is another, its name."""
    known = {column["label"]: column for column in page["columns"]}
    found = []
    for header in page["preview"]["header"]:
        column = known.get(header, {})
        label = str(column.get("label_en") or header) if language == "en" else header
        found.append((label, header if label != header else "", str(column.get("name", ""))))
    return found


def by_period(files: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Files by period, newest first; within one in the order they are listed."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for file in files:
        found.setdefault(file["period"] or "", []).append(file)
    return sorted(found.items(), reverse=True)
