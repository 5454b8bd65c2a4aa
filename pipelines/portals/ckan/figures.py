"""What a product's page on a CKAN tells of its rows: share of nulls, what each release changed, a chart, what cost points. Read from the
released bytes, said and drawn as on the folder portal; kept beside the page in a field of its own, which only the publisher can write.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from catalog.wording import LANGUAGES, wording
from pipelines.portals import Item
from pipelines.portals.changes import changed
from pipelines.portals.measuring import measured
from pipelines.portals.pictures import pictures
from pipelines.portals.telling import reason

FIELD = "figures"


def figures(item: Item, zone: str, package: Mapping[str, Any] | None) -> str:
    """JSON text: {nulls, changes, chart; said: of each release; reasons: what cost points}; no nulls and no chart where no file could be read.

    What `package` tells of older releases stands.
    """
    found = measured(item, item.files, zone, _told(package))
    page = {**item.page, "measured": found}
    said = {past["release"]: {language: changed(page, past, language, wording(language)) for language in LANGUAGES} for past in page["releases"]}
    told = {"nulls": found.get("nulls", {}), "changes": found.get("changes", {}), "chart": _chart(page, found.get("chart")), "said": said,
            "reasons": {language: _reasons(page, language) for language in LANGUAGES}}
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _told(package: Mapping[str, Any] | None) -> dict[str, Any]:
    try:
        found = json.loads((package or {}).get(FIELD) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _reasons(page: Mapping[str, Any], language: str) -> list[str]:
    quality = page["quality"] or {"reasons": ()}
    return [reason(text, page, language, wording(language)).striptags() for text in quality["reasons"]]


def _chart(page: Mapping[str, Any], chart: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Language → title, drawing, words and figures. The map is drawn by the portal itself, from its table: it would be most of a package."""
    if not chart:
        return None
    drawn = {language: pictures({**page, "measured": {"chart": chart}}, language, wording(language))[0] for language in LANGUAGES}
    return {language: {"title": one.title, "svg": str(one.svg), "words": one.words, "header": one.header, "rows": one.rows}
            for language, one in drawn.items()}
