"""Names as CKAN takes them: slugs from Chinese titles, tags, and texts without what PostgreSQL refuses. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from pypinyin import lazy_pinyin

SLUG = 60                     # characters of the title's part; a name may have 100
TAG = range(2, 101)           # characters of a tag
VERSION = 100
_UNTAGGED = re.compile(r"[^\w \-.]+")
_UNSLUGGED = re.compile(r"[^a-z0-9]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def text(value: object) -> str:
    """A value as CKAN keeps it: text, empty for none, without NUL and the other characters that are no text."""
    return "" if value is None else _CONTROL.sub("", str(value))


def slug(title: str, identity: str) -> str:
    """The package's name in its address: the title in pinyin, then a mark of the product's id, so that no two are alike.

    The title's part is cut between words. A title without any letter or digit takes the id's words.
    """
    return f"{_words(title) or _words(identity) or 'dataset'}-{mark(identity)}"


def mark(identity: str) -> str:
    """Six hex digits that tell products of one title apart."""
    return hashlib.sha256(identity.encode()).hexdigest()[:6]


def _words(title: str) -> str:
    spelled = " ".join(lazy_pinyin(unicodedata.normalize("NFKC", title)))
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode().lower()
    found = _UNSLUGGED.sub("-", plain).strip("-")
    if len(found) > SLUG:
        head, _, _ = found[: SLUG + 1].rpartition("-")
        found = head or found[:SLUG]
    return found


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Tags that CKAN accepts, sorted: other marks become spaces; what is too short then is left out, too long cut."""
    found = set()
    for tag in tags:
        plain = " ".join(_UNTAGGED.sub(" ", unicodedata.normalize("NFKC", tag)).split())[: TAG.stop - 1].strip()
        if len(plain) in TAG:
            found.add(plain)
    return sorted(found)
