"""What the templates ask for: the reader's language, names, dates, numbers, labels, the page of a product, its files.

Everything here is read-only and quick; database reads are one query a request. The words are in wording.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from ckan import model
from ckan.common import config, g
from ckan.lib.helpers import helper_functions as h
from ckan.plugins import toolkit
from ckanext.citylake import making, wording
from markupsafe import Markup, escape

Page = dict[str, Any]
_EMPTY: Mapping[str, Any] = {"columns": [], "codes": {}, "files": [], "releases": [], "tags": [], "quality": None, "tombstone": None,
                             "conditions": None, "contact": {}, "update": {}, "rows": None, "release": None, "released": None,
                             "sources": [], "left_out": {}, "protection": {}}
_DAYS = {"hourly": 1, "daily": 1, "weekly": 7, "monthly": 31, "quarterly": 92, "yearly": 366}
_PUBLIC = Path(__file__).parent / "public"


def lang() -> str:
    """`zh` or `en`."""
    return "en" if h.lang() == "en" else "zh"


def tag() -> str:
    """The page's language as BCP 47."""
    return "en" if lang() == "en" else "zh-CN"


def other(code: str) -> str:
    """This page's address in another language; the default one has no prefix."""
    return str(h.url_for(h.current_url(), locale="default" if code == config.get("ckan.locale_default") else code))


def site() -> str:
    """The portal's name; `ckanext.citylake.site_title_en` holds the English one."""
    english = config.get("ckanext.citylake.site_title_en") if lang() == "en" else None
    return str(english or config["ckan.site_title"])


def static(path: str) -> str:
    """Address of a file of ours, with a mark that changes with its content."""
    mark = sha256((_PUBLIC / path).read_bytes()).hexdigest()[:8]
    return f"{h.url_for_static('/' + path)}?v={mark}"


def address(path: str) -> str:
    """A stable address outside any language: `/data/…` → absolute."""
    return str(config["ckan.site_url"]).rstrip("/") + str(config.get("ckan.root_path") or "").replace("/{{LANG}}", "") + quote(path)


def names() -> Mapping[str, Mapping[str, str]]:
    """Name → {zh, en, kind} of departments and fields; read once a request."""
    if "citylake_names" not in g:
        rows = (model.Session.query(model.Group.name, model.Group.title, model.Group.is_organization, model.Group.extras)
                .filter(model.Group.state == "active"))
        g.citylake_names = {name: {"zh": title or name, "en": (extras or {}).get("title_en") or title or name,
                                   "kind": "organization" if is_org else "group"} for name, title, is_org, extras in rows}
    found: Mapping[str, Mapping[str, str]] = g.citylake_names
    return found


def name_of(name: str) -> str:
    """A department's or a field's name in the reader's language."""
    known = names().get(name)
    return known[lang()] if known else wording.word("groups", name, toolkit._)


def named(text: str | None) -> str:
    """A text that is a department's Chinese name, in the reader's language; any other text as it is."""
    return next((one[lang()] for one in names().values() if one["zh"] == text), text or "")


def label(kind: str, value: str) -> str:
    """The word for a coded value; departments and fields by their names."""
    if kind == "vocab_quality":
        return str(toolkit._("{n} points or more")).format(n=value)
    return name_of(value) if kind in ("organization", "groups") else wording.word(kind, value, toolkit._)


def page(package: Mapping[str, Any]) -> Page:
    """All public metadata of a product; what a hand-made package lacks is empty."""
    try:
        found = json.loads(package.get("page") or "{}")
    except ValueError:
        found = {}
    return {**_EMPTY, **(found if isinstance(found, dict) else {})}


def told(package: Mapping[str, Any]) -> dict[str, Any]:
    """What was counted of its rows when it was published: nulls by column, what each release changed (`said`), what cost points."""
    try:
        found = json.loads(package.get("figures") or "{}") if package.get("shown") == "open" else {}
    except ValueError:
        found = {}
    found = found if isinstance(found, dict) else {}
    return {"nulls": found.get("nulls") or {}, "changes": found.get("changes") or {},
            "reasons": (found.get("reasons") or {}).get(lang()) or [],
            "said": {release: one.get(lang(), "") for release, one in (found.get("said") or {}).items()}}


def title(package: Mapping[str, Any]) -> str:
    """A package's title in the reader's language."""
    return str((package.get("title_en") if lang() == "en" else None) or package.get("title") or package.get("name"))


def summary(package: Mapping[str, Any]) -> str:
    """A package's summary in the reader's language."""
    return str((package.get("notes_en") if lang() == "en" else None) or package.get("notes") or "")


def said(text: str | None) -> str:
    """The part of a text that is in the reader's language."""
    return wording.spoken(text, lang())


def marked(text: str | None) -> Markup:
    """A text of the data, with the language of those parts of it that are not in the page's."""
    safe = escape(text or "")
    return Markup(wording.CHINESE.sub(r'<span lang="zh-CN">\g<0></span>', str(safe))) if lang() == "en" else safe


def foreign(text: str) -> Markup:
    """A text of the data that is in neither language of the page for certain: a name of a work, a citation."""
    return Markup('<span lang="und">') + escape(text) + Markup("</span>")


def described(found: Page) -> bool:
    """Whether any column has a meaning written in the reader's language."""
    return any(said(column["description"]) for column in found["columns"])


def tags(package: Mapping[str, Any]) -> list[str]:
    """The tags in the reader's language; those without words are in both."""
    found = [str(one["name"]) for one in package.get("tags", [])]
    return [name for name in found if wording.han(name) == (lang() == "zh") or not any(c.isalpha() for c in name)]


def number(value: object) -> str:
    """With thousands separators; a dash for nothing."""
    try:
        return f"{float(str(value)):,.10g}" if "." in str(value) else f"{int(str(value)):,}"
    except ValueError:
        return "–"


def size(value: object) -> str:
    """Bytes in words: 1,4 of anything below a kilobyte as bytes, decimal multiples above."""
    try:
        amount = float(str(value))
    except ValueError:
        return "–"
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:,.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:,.1f} {unit}"
        amount /= 1000
    raise AssertionError("the loop returns")


def day(text: str | None) -> str:
    """An ISO time → the date in the portal's zone, 2026-11-22."""
    try:
        at = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return "–"
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC) if len(str(text)) > 10 else at.replace(tzinfo=_zone())
    return at.astimezone(_zone()).date().isoformat()


def _zone() -> ZoneInfo:
    name = str(config.get("ckan.display_timezone") or "UTC")
    return ZoneInfo("UTC" if name == "server" else name)


def due(found: Page) -> dict[str, Any] | None:
    """Until when the next release is promised: a cycle after the newest one and the promised working days (weekends off)."""
    cycle, after = _DAYS.get(found["update"].get("every", "")), day(found["released"])
    if cycle is None or after == "–":
        return None
    until = datetime.fromisoformat(after) + timedelta(days=cycle)
    left = int(found["update"].get("within_working_days") or 0)
    while left:
        until += timedelta(days=1)
        left -= until.weekday() < 5
    return {"day": until.date().isoformat(), "kept": datetime.now(_zone()).date() <= until.date()}


def files(found: Page) -> list[dict[str, Any]]:
    """The newest release's files by period, newest first: [{period, rows, files}]."""
    return grouped(found["files"])


def grouped(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Files by period, newest first; within one in the order they are listed."""
    periods: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        periods.setdefault(entry["period"] or "", []).append(entry)
    return [{"period": period, "rows": members[0]["rows"], "files": members} for period, members in sorted(periods.items(), reverse=True)]


def file_url(package: Mapping[str, Any], release: str, name: str) -> str:
    """The stable address of a file: `latest` for the newest release's."""
    return address(f"/data/{package['name']}/{release}/{name}")


def table(package: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The resource that is the DataStore's table, if the product is open."""
    if package.get("shown") != "open":
        return None
    return next((one for one in package.get("resources", []) if one.get("url_type") == "datastore"), None)


def licence(name: str | None) -> dict[str, str]:
    """A licence's name and, for the well-known ones, where its text is."""
    text, link = wording.LICENCES.get(name or "", (name or "", ""))
    return {"name": toolkit._(text) if link else text, "link": link}


def reasons(found: Page) -> list[dict[str, Any]]:
    """What cost points, in words."""
    return [wording.reason(text, found["columns"], lang(), toolkit._) for text in (found["quality"] or {}).get("reasons", [])]


def how_made(found: Page) -> dict[str, Any]:
    """How a product was made: {made, protected: sentences, caution: a word below them}."""
    return {"made": making.made(found, lang(), toolkit._), "protected": making.protected(found, lang(), toolkit._),
            "caution": making.caution(found, toolkit._)}


def treated(found: Page, column: Mapping[str, Any]) -> str:
    """What was done to a column, with its detail."""
    return making.treatment(found, column, toolkit._)


def share(value: float) -> str:
    """A share in percent; what is not nothing never reads as nothing."""
    return "0 %" if not value else "< 0.1 %" if value < 0.001 else f"{100 * value:.1f} %"


def helpers_of() -> dict[str, Any]:
    """All of them under their template names."""
    mine = {"lang": lang, "tag": tag, "other": other, "site": site, "static": static, "address": address, "name": name_of, "named": named,
            "label": label, "page": page, "title": title, "summary": summary, "said": said, "marked": marked,
            "foreign": foreign, "described": described, "tags": tags, "number": number, "size": size,
            "day": day, "due": due, "files": files, "grouped": grouped, "file_url": file_url, "table": table, "licence": licence,
            "reasons": reasons, "told": told, "share": share, "making": how_made, "treated": treated}
    return {f"citylake_{name}": function for name, function in mine.items()}
