"""Finding datasets in Chinese: what a reader types, as Solr understands it, and what of a dataset is put into the index.

Everything that is indexed of a public dataset can be read by everybody (`fl`, facets): only what is on its page goes in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ckan import model
from ckanext.citylake.published import page_of

QUALITIES = (99, 95, 90)      # points of which a product has so many or more, to filter by
LONGEST = 8_000      # bytes of a field that is kept as one string; Solr takes 32,766
_FIELDED = re.compile(r"(?:^|[\s(+\-!])(?:[A-Za-z_][\w.*-]*|\*):")
_MARKS = re.compile(r"[\u00b7\u2010-\u206f\u3000-\u3004\u3008-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65,;:!?(){}\[\]^~*/\\|&<>=]+")
_ALONE = re.compile(r"(?:^|(?<=\s))(?:[+\-]+|AND|OR|NOT)(?=\s|$)")
_TEXT = ("title", "notes", "data_dict", "validated_data_dict")
_RUN = re.compile(r"(?<!\S)[+\-]{2,}(?=\S)")


def asked(parameters: dict[str, Any]) -> dict[str, Any]:
    """For `before_dataset_search`: punctuation, Chinese and other, separates words; every word must be there.

    A query that names a field (`title:..`) or asks for a parser of its own is left as it is.
    """
    query = str(parameters.get("q") or "")
    if _FIELDED.search(query) or parameters.get("defType") not in (None, "", "dismax"):
        return parameters
    return {"mm": "100%", **parameters, "q": words(query)}


def words(query: str) -> str:
    """What a reader typed, without what would be syntax. Quoted phrases and a `-` before a word keep their meaning."""
    plain = _MARKS.sub(" ", query.translate({0x201C: '"', 0x201D: '"'}))
    if plain.count('"') % 2:
        plain = plain.replace('"', " ")
    return " ".join(_ALONE.sub(" ", _RUN.sub("", plain)).split())


def indexed(package: dict[str, Any]) -> dict[str, Any]:
    """For `before_dataset_index`: adds what readers search by, takes out what is no text, and long strings that Solr refuses."""
    page = page_of(package)
    found = {key: value for key, value in package.items() if key.removeprefix("extras_") not in ("page", "figures")}
    found = {key: value for key, value in found.items() if not _too_long(key, value)}
    found["extras_found_by"] = "\n".join(dict.fromkeys(text for text in _texts(found, page) if text))
    if found.get("formats"):
        found["vocab_formats"] = str(found["formats"]).split()
    if found.get("quality"):
        found["vocab_quality"] = [str(least) for least in QUALITIES if float(found["quality"]) >= least]
    if page.get("released"):
        found["released_date"] = _utc(str(page["released"]))
    return found


def _too_long(key: str, value: Any) -> bool:
    """Extras are in the index twice: as text, and as one string for facets and sorting, which only short ones can be."""
    as_text = key.startswith(("extras_", "res_extras_")) or key in _TEXT
    return isinstance(value, str) and not as_text and len(value.encode()) > LONGEST


def _texts(package: Mapping[str, Any], page: Mapping[str, Any]) -> Iterator[str]:
    """Names that stand on the page but are no fields of the package."""
    groups = [package.get("organization"), *(package.get("groups") or ())]
    for group in (model.Group.get(name) for name in groups if name):
        yield from (group.title, group.extras.get("title_en", "")) if group is not None else ()
    for column in page.get("columns") or ():
        yield from (str(column.get(key) or "") for key in ("label", "label_en", "name", "codes"))
    for code in (page.get("codes") or {}):
        yield str(code)


def _utc(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
