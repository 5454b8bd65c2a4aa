"""The words and the look of the CKAN portal without a CKAN: every message translated, and said as the folder portal says it."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from folder_site import STOPS, page
from stacking import CHECKOUT

from catalog import entry
from catalog.loader import load_city
from catalog.wording import translations
from pipelines.portals.site import render_site

EXTENSION = CHECKOUT / "portal/ckanext-citylake"
OURS = EXTENSION / "ckanext/citylake"
THEIRS = CHECKOUT / "pipelines/portals/templates"
COLUMNS = [{"name": "district", "label": "所属区县", "label_en": "District"}]
# Words that mean something else on the other portal or in the console.
APART = {"Code", "Release", "name", "left out", "taken back", "rows", "{n} dataset"}


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The extension's modules that need no CKAN."""
    monkeypatch.syspath_prepend(str(EXTENSION))
    from ckanext.citylake import making, wording

    return {"making": making, "wording": wording}


def messages() -> set[str]:
    """Every message of the templates and of the modules beside them."""
    found: set[str] = set()
    for path in OURS.glob("templates/**/*.html"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"(?<!\w)_\('((?:[^'\\]|\\.)*)'\)", text))
        found |= set(re.findall(r"ungettext\('((?:[^'\\]|\\.)*)'", text))
    for path in OURS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            if name in ("_", "_n") and isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                found.add(node.args[0].value)
    return found


def catalog() -> dict[str, str]:
    text = (OURS / "i18n/zh_Hans_CN/LC_MESSAGES/ckanext-citylake.po").read_text(encoding="utf-8")
    entries = re.findall(r'^msgid ((?:".*"\n)+)(?:msgid_plural (?:".*"\n)+)?msgstr(?:\[0\])? ((?:".*"\n?)+)', text, re.MULTILINE)
    return {"".join(ast.literal_eval(line) for line in key.splitlines()): "".join(ast.literal_eval(line) for line in value.splitlines())
            for key, value in entries}


def test_every_message_is_translated_with_its_places_kept() -> None:
    known = catalog()
    assert len(messages()) > 200
    assert {text for text in messages() if not known.get(text)} == set()
    places = re.compile(r"\{\w*\}|%\(\w+\)s|%s")
    assert {text for text, zh in known.items() if sorted(places.findall(text)) != sorted(places.findall(zh))} - {""} == set()


def test_colours_of_text_stand_out_from_their_ground() -> None:
    css = (OURS / "public/citylake/citylake.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--(\w+): #(\w{6});", css))

    def light(code: str) -> float:
        parts = [int(code[at:at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [part / 12.92 if part <= .03928 else ((part + .055) / 1.055) ** 2.4 for part in parts]
        return sum(share * part for part, share in zip(linear, (.2126, .7152, .0722), strict=True))

    for ink in ("ink", "soft", "brand", "open", "some", "none"):
        for ground in ("ffffff", colours["ground"]):
            assert (light(ground) + .05) / (light(colours[ink]) + .05) >= 4.5, (ink, ground)
    assert not re.search(r"url\(|@import|@font-face", css)


@pytest.mark.parametrize(("text", "zh", "en"), [
    ("方便市民。For the public.", "方便市民。", "For the public."),
    ("公布 PM2.5 等指标。PM2.5 and others, hourly. Not validated.", "公布 PM2.5 等指标。", "PM2.5 and others, hourly. Not validated."),
    ("无降水时为 0.0。0.0 where no rain was measured", "无降水时为 0.0。", "0.0 where no rain was measured"),
    ("GB 32100-2015", "GB 32100-2015", "GB 32100-2015"), ("As subscribed", "", "As subscribed"), ("", "", ""), (None, "", "")])
def test_a_text_in_two_languages_is_told_apart(ours: Any, text: str | None, zh: str, en: str) -> None:
    assert (ours["wording"].spoken(text, "zh"), ours["wording"].spoken(text, "en")) == (zh, en)


@pytest.mark.parametrize(("text", "found"), [
    ("code.district: 3 rows", {"column": "所属区县", "code": None, "wrong": "not in the code list", "rule": None, "rows": 3}),
    ("type.onset_on: 1 rows", {"column": None, "code": "onset_on", "wrong": "not of the declared type", "rule": None, "rows": 1}),
    ("unique.key", {"column": "key", "code": None, "wrong": "not unique", "rule": None, "rows": None}),
    ("inside_city: 12 rows", {"column": None, "code": None, "wrong": None, "rule": "inside_city", "rows": 12}),
    ("volume guard", {"column": None, "code": None, "wrong": "volume guard", "rule": None, "rows": None})])
def test_a_reason_in_words(ours: Any, text: str, found: dict[str, Any]) -> None:
    assert {"code": None, **ours["wording"].reason(text, COLUMNS, "zh", lambda message: message)} == {"code": None, **found}


@pytest.mark.parametrize(("text", "found"), [
    ("Mean of Capital (万元)", ["万元"]), ("Contact: 信访局（12345市长热线）, by mail", ["信访局（12345市长热线）"]), ("PM2.5 in 2026", []),
    ("省政府令第381号第七条", ["省政府令第381号第七条"]), ("家 42", ["家"])])
def test_what_is_chinese_in_a_text_is_told_apart(ours: Any, text: str, found: list[str]) -> None:
    assert ours["wording"].CHINESE.findall(text) == found


# --- the same on both portals ---

def said(language: str) -> Callable[[str], str]:
    """The extension's gettext, from its catalog."""
    known = catalog() if language == "zh" else {}
    return lambda text: known.get(text) or text


def test_a_word_is_the_same_word_on_both_portals() -> None:
    theirs = translations("zh")
    shared = {text: theirs.gettext(text) for text in catalog() if text and text not in APART and theirs.gettext(text) != text}
    assert len(shared) > 100
    assert {text: (catalog()[text], zh) for text, zh in shared.items() if catalog()[text] != zh} == {}


@pytest.mark.parametrize(("kind", "names"), [("treatment", entry.TREATMENTS), ("tier", entry.TIER_NAMES), ("groups", entry.FIELDS),
                                             ("update_every", entry.CYCLES), ("type", entry.TYPES)])
def test_a_coded_value_has_the_same_name_on_both_portals(ours: Any, kind: str, names: dict[str, dict[str, str]]) -> None:
    for value, name in names.items():
        assert {language: ours["wording"].word(kind, value, said(language)) for language in ("zh", "en")} == dict(name), value


def test_colours_and_type_are_the_folder_portals() -> None:
    sheets = [path.read_text(encoding="utf-8") for path in (OURS / "public/citylake/citylake.css", THEIRS / "style.css")]
    for rule in (r":root \{[^}]*\}", r'(?<=font: 16px/1\.65 )-apple-system[^;]*', r"\.badge \{([^}]*?);? ?(?:text-decoration: none; )?\}",
                 r"\.format \{[^}]*\}"):
        found = [match[match.lastindex or 0] for match in (re.search(rule, sheet) for sheet in sheets) if match]
        assert len(found) == 2, rule
        assert found[0] == found[1]


TREATED = {"district": {"do": "generalise", "parent": True}, "address": {"do": "generalise", "address": "street"}}
KEPT: dict[str, dict[str, Any]] = {
    "plain": {"treatments": {}, "rows": "hold"},
    "treated": {"treatments": TREATED, "rows": "hold"},
    "detailed": {"treatments": {"stop": {"do": "mask", "prefix": 3}, "district": {"do": "band", "width": 10}, "address": {"do": "round", "step": 5}},
                 "rows": "hold"},
    "dated": {"treatments": {"stop": {"do": "generalise", "to": "month"}, "district": {"do": "token"}, "address": {"do": "redact"}}, "rows": "hold"},
    "suppressed": {"treatments": {}, "rows": "suppress", "k": 5, "left_out": 20},
    "widened": {"treatments": {}, "rows": "mondrian", "k": 5, "gcp": .416, "ncp": {"district": .5, "stop": .25}},
    "counted": {"treatments": {}, "cells": "complete", "least": 10, "left_out": 91, "rounded": {"base": 5, "totals": True}},
}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    """The folder portal with one product for every way of protecting, and their pages."""
    pages, folder = {}, tmp_path_factory.mktemp("alike")
    for name, kept in KEPT.items():
        columns = [{**one, "treatment": kept["treatments"].get(one["name"], {}).get("do", "keep")} for one in STOPS]
        pages[name] = page(f"transport.{name}.main", "数据", "Data", "transport", columns, protection=kept, tier="restricted")
    shown = [{"id": one["id"], "shown": "metadata", "page": one} for one in pages.values()]
    render_site(folder, load_city(CHECKOUT / "catalog/cities/hangzhou"), shown)
    return folder, pages


def listed(text: str) -> Iterator[str]:
    """The sentences of the section that tells how a product was made."""
    section = text[text.index('id="main-made"'):]
    section = section[:section.index("<h2", 1)]
    for line in re.findall(r"<li>(.*?)</li>|<p class=\"facts\"><span>(.*?)</span></p>", section, re.DOTALL):
        yield html.unescape(re.sub(r"<[^>]+>", "", "".join(line)))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", list(KEPT))
def test_how_a_product_was_made_reads_alike_on_both_portals(both: tuple[Path, dict[str, Any]], ours: Any, name: str, language: str) -> None:
    folder, pages = both
    theirs = (folder / ("en" if language == "en" else "") / f"datasets/transport.{name}.html").read_text(encoding="utf-8")
    given = (pages[name], language, said(language))
    found = [html.unescape(str(one.striptags())) for one in ours["making"].made(*given)] + ours["making"].protected(*given)
    found += [caution] if (caution := ours["making"].caution(pages[name], said(language))) else []
    assert found == list(listed(theirs))
    assert len(found) > 2
