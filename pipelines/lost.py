"""A lake that is lost: nothing of it is there, but what only a city that has lived can have left.

To begin anew in its place would undo every withdrawal, rollback and rejection, because only the journal knew them.
"""

from __future__ import annotations

from collections.abc import Iterator

from catalog.errors import LakeError
from pipelines.settings import Settings
from pipelines.switching import finish

ACCESS = (".token", ".database")        # secrets that open a portal as it is today; a new city may have them before its first run


def enter(settings: Settings) -> None:
    """What comes before a lake is opened: an interrupted restore is finished. Raises LakeError where the lake is lost."""
    finish(settings.lake)
    if found := list(traces(settings)):
        raise LakeError(f"The lake is lost: it has no journal, but this city has lived. There are still: {', '.join(found)}.",
                        remedy="Look at CITYLAKE_LAKE, and whether its disk is there; then `citylake restore SOURCE`. To begin anew, without what"
                               " was withdrawn and decided, move these away first.")


def traces(settings: Settings) -> Iterator[str]:
    """Names of the places that show that a journal was here; none where there is one, or the city is new.

    Keys and held batches are made before a journal's first record, so where a first run was killed they stand for nothing: it has left
    the journal's folder. A site is published after it.
    """
    journal = settings.lake / "journal"
    if next(journal.rglob("*.json"), None) is not None:
        return
    if any(link.is_symlink() for pattern in ("current", "*/current") for link in settings.site.glob(pattern)):
        yield "CITYLAKE_SITE"
    if journal.exists():
        return
    if any(not path.name.startswith(".") and not path.name.endswith(ACCESS) for path in settings.secrets.glob("*")):
        yield "CITYLAKE_SECRETS"
    if next(settings.holding.glob("*/*"), None) is not None:
        yield "CITYLAKE_STATE/holding"
