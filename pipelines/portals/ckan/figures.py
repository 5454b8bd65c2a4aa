"""What a product's page on a CKAN tells of its rows: share of nulls, what each release changed, what cost points. Read from the released
bytes and said as on the folder portal; kept beside the page in a field of its own, which only the publisher can write.

Counts and labels only, no chart: a database and a search index keep what they held for a while, and what closes must be gone at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from catalog.wording import LANGUAGES, wording
from pipelines.portals import Item
from pipelines.portals.changes import changed
from pipelines.portals.measuring import measured
from pipelines.portals.telling import reason

FIELD = "figures"


def figures(item: Item, zone: str, package: Mapping[str, Any] | None) -> str:
    """JSON text: {nulls, changes; said: of each release; reasons: what cost points}; the former two are empty where no file could be read.

    What `package` tells of older releases stands.
    """
    found = measured(item, item.files, zone, _told(package), drawn=False)
    page = {**item.page, "measured": found}
    said = {past["release"]: {language: changed(page, past, language, wording(language)) for language in LANGUAGES} for past in page["releases"]}
    told = {"nulls": found.get("nulls", {}), "changes": found.get("changes", {}), "said": said,
            "reasons": {language: _reasons(page, language) for language in LANGUAGES}}
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _told(package: Mapping[str, Any] | None) -> dict[str, Any]:
    try:
        found = json.loads((package or {}).get(FIELD) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _reasons(page: Mapping[str, Any], language: str) -> list[str]:
    return [reason(text, page, language, wording(language)).striptags() for text in (page["quality"] or {}).get("reasons", ())]
