"""What changed in each release of a product, in words, and the feed that tells it: Atom (RFC 4287). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr
from zoneinfo import ZoneInfo

from catalog.city import City
from catalog.entry import TIER_NAMES
from pipelines.moments import local
from pipelines.portals.telling import Gettext, rows, thousands

Page = Mapping[str, Any]
Event = tuple[str, str, str, str, str, str]       # moment in the city's zone, id, title, department, link, what changed
ENTRIES = 100


def changed(page: Page, past: Mapping[str, Any], language: str, _: Gettext) -> str:
    """What changed in a release, in a sentence or two: tier, columns, rows."""
    if past["taken_back"]:
        return _("This release was taken back: {reason}").format(reason=past["taken_back"])
    said = [rows(past["rows"], _)]
    said += [tier(one, language, _) for one in page.get("tier_changes", ()) if one["release"] == past["release"]]
    change = page["measured"].get("changes", {}).get(past["release"])
    if change is not None:
        for key, text in (("came", _("New columns: {names}")), ("went", _("Columns that are gone: {names}"))):
            said += [text.format(names=named(page, change[key], language))] if change[key] else []
        said += _rows(change, _)
    elif past is page["releases"][-1] and not page.get("tier_changes"):
        said.append(_("First release"))
    return ("。" if language == "zh" else ". ").join(said).strip()


def named(page: Page, labels: Sequence[str], language: str) -> str:
    """Columns by the headers of the CSV files: in English by their English labels, where they are still published."""
    english = {column["label"]: column["label_en"] for column in page["columns"]} if language == "en" else {}
    return ("、" if language == "zh" else ", ").join(english.get(label) or label for label in labels)


def tier(change: Mapping[str, str], language: str, _: Gettext) -> str:
    """A tier that became another."""
    now, before = TIER_NAMES[change["is"]][language], TIER_NAMES[change["was"]][language]
    return _('The tier is now "{now}", before it was "{before}"').format(now=now, before=before)


def _rows(change: Mapping[str, Any], _: Gettext) -> list[str]:
    since, both = change["since"], change.get("changed")
    if both is not None:
        if not change["added"] and not change["gone"]:
            return [_("No row has changed since {release}").format(release=since)]
        return [_("Since {release}: rows added {added}, changed {changed}, removed {gone}").format(
            release=since, added=thousands(change["added"] - both), changed=thousands(both), gone=thousands(change["gone"] - both))]
    if "added" in change:
        return [_("Since {release}, {added} rows are new or changed and {gone} are gone or were changed").format(
            release=since, added=thousands(change["added"]), gone=thousands(change["gone"]))]
    if not change["came"] and not change["went"]:
        return [_("{n} of {all} files changed since {release}").format(n=change["files"], all=change["of"], release=since)]
    return []


def feed(city: City, pages: Sequence[Page], language: str, _: Gettext) -> str:
    """Releases, changes of tier and withdrawals as Atom, newest first. Links are relative: the site has no address of its own."""
    title, root = getattr(city.title, language), "" if language == "zh" else "../"
    found = [event for page in pages for event in _events(city, page, language, _)]
    entries = sorted(found, key=lambda event: (datetime.fromisoformat(event[0]), event), reverse=True)[:ENTRIES]
    newest_at = entries[0][0] if entries else local("1970-01-01", city.zone).isoformat()
    head = (f'<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{"zh-CN" if language == "zh" else "en"}">\n'
            f"<id>urn:citylake:{escape(city.id)}:feed:{language}</id>\n<title>{escape(title)}</title>\n<updated>{newest_at}</updated>\n"
            f'<link rel="self" href="feed.xml"/>\n<link rel="alternate" href="index.html"/>\n<icon>{root}mark.svg</icon>\n')
    return head + "".join(
        f"<entry>\n<id>{escape(identity)}</id>\n<title>{escape(said)}</title>\n<updated>{at}</updated>\n<author><name>{escape(who)}</name></author>\n"
        f"<link href={quoteattr(link)}/>\n<summary>{escape(summary)}</summary>\n</entry>\n" for at, identity, said, who, link, summary in entries
    ) + "</feed>\n"


def _events(city: City, page: Page, language: str, _: Gettext) -> Iterator[Event]:
    name, who, link = page["title"][language], page["department_name"][language], f"datasets/{page['dataset']}.html"
    colon, urn = "：" if language == "zh" else ": ", f"urn:citylake:{page['id']}"
    if page["shown"] == "tombstone":
        stone = page["tombstone"]
        at = datetime.fromisoformat(stone["date"]).replace(tzinfo=ZoneInfo(city.zone)).isoformat()
        yield at, f"{urn}:withdrawn", f"{_('Withdrawn')}{colon}{name}", who, link, stone["reason"]
        return
    for past in page["releases"]:
        yield (_moment(past["at"], city.zone), f"{urn}:{past['release']}", f"{name} {past['release']}", who, f"{link}#{page['product']}-releases",
               changed(page, past, language, _))
    shown = {past["release"] for past in page["releases"]}
    for one in page.get("tier_changes", ()):
        if one["release"] not in shown:
            now = TIER_NAMES[one["is"]][language]
            yield _moment(one["at"], city.zone), f"{urn}:{one['release']}:tier", f"{name}{colon}{now}", who, link, tier(one, language, _)


def _moment(at: str, zone: str) -> str:
    """A moment as RFC 3339 in the city's zone, to the second."""
    return local(at, zone).isoformat(timespec="seconds")
