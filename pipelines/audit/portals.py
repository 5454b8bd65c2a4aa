"""Portals against the journal: what each shows of every product, its files' bytes, and that it shows nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalog.errors import PortalError
from pipelines.audit.chains import Chain
from pipelines.audit.finding import Mismatch, note
from pipelines.portals import Item, Portal
from pipelines.portals.damage import comparable, damage
from pipelines.portals.folder import FolderPortal
from pipelines.scratch import scratch
from pipelines.way import Way

_NEEDED = {"portal", "product", "fingerprint", "shown"}
AGAIN = "Find out who changed it, then publish it again: `citylake run`, or `citylake plan` and `apply` where the portal waits for a person."
ANEW = "Find out who changed it, then move the site's folder away and start `citylake run`: it is made anew from the releases."


@dataclass
class _Published:
    """The newest publish record of a product on a portal, and what a publication that was begun after it wanted to show."""

    chain: Chain
    fingerprint: str | None = None
    shown: str = "absent"
    pending: str | None = None
    coming: str = "absent"          # what the pending publication wanted shown
    accepted: str | None = None     # a hand edit that somebody let stand


def check_portals(way: Way, portals: Sequence[Portal], chains: Sequence[Chain], whole: bool) -> Iterator[Mismatch]:
    """Every published record against its portal. `whole`: the chains are all there are, so the portal may show nothing else."""
    known = {portal.name: portal for portal in portals}
    for name, published in sorted(_published(chains).items()):
        portal = known.get(name)
        if portal is None:
            yield note(name, None, "The portal is not one of this city's any more; it was not verified.", "See city.yaml.")
            continue
        try:
            for identity, record in sorted(published.items()):
                yield from _item(portal, identity, record)
            yield from _rest(way, portal, set(published), whole)
        except PortalError as error:
            yield Mismatch(name, None, f"The portal could not be verified: {error.message}", error.remedy or _again(portal))


def _published(chains: Sequence[Chain]) -> dict[str, dict[str, _Published]]:
    found: dict[str, dict[str, _Published]] = {}
    for chain in chains:
        for _, record in sorted(chain.records.items()):
            body = record.body
            needed = _NEEDED if record.kind != "accepted" else _NEEDED - {"shown"}
            if record.kind not in ("prepared", "publish", "accepted") or not set(body) >= needed:      # a changed record is named elsewhere
                continue
            item = found.setdefault(body["portal"], {}).setdefault(f"{chain.name}.{body['product']}", _Published(chain))
            if record.kind == "prepared":
                item.pending, item.coming = body["fingerprint"], body["shown"]
            elif record.kind == "accepted":
                item.accepted = body["fingerprint"]
            else:
                item.fingerprint, item.shown, item.pending = body["fingerprint"], body["shown"], None
    return found


def _item(portal: Portal, identity: str, record: _Published) -> Iterator[Mismatch]:
    place, dataset = f"{portal.name}: {identity}", record.chain.dataset
    stored = _stored(portal, identity)
    if stored is None:
        if record.shown != "absent" and (record.pending is None or record.coming != "absent"):
            yield Mismatch(place, dataset, "The portal does not show the product.", _again(portal))
        return
    seen, known = portal.observe([identity]).get(identity), set[str]()
    if seen is not None and seen.drift and seen.fingerprint == record.accepted:
        yield note(place, dataset, "Somebody changed the page on the portal, and it was accepted.", "See `citylake audit show`.")
        known = {f"{name} differs" for name in seen.drift}
    elif (seen is not None and seen.drift) or stored.fingerprint not in (record.fingerprint, record.pending):
        yield Mismatch(place, dataset, "The portal shows the product otherwise than it was published.", _again(portal))
        return
    elif stored.fingerprint != record.fingerprint:
        yield note(place, dataset, "A publication was interrupted before it was recorded.", "The next run records it.")
    yield from (Mismatch(place, dataset, f"{wrong}.", _again(portal)) for wrong in portal.verify(stored) if wrong not in known)


def _again(portal: Portal) -> str:
    """What mends it. Unchanged files of a site go from one generation to the next as they are: nothing but a new beginning leaves them."""
    return ANEW if isinstance(portal, FolderPortal) else AGAIN


def _stored(portal: Portal, identity: str) -> Item | None:
    try:
        return portal.stored(identity)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _rest(way: Way, portal: Portal, known: set[str], whole: bool) -> Iterator[Mismatch]:
    """What belongs to no single product: pages, and products that no record knows."""
    found: list[tuple[str, str]] = []
    if isinstance(portal, FolderPortal):
        with scratch(way.settings) as folder:
            found = list(damage(portal, folder))
        if portal.current is not None and not comparable(portal):
            yield note(portal.name, None, "Another version of citylake rendered the site: its pages were not compared.", "Publish something.")
    yield from (Mismatch(f"{portal.name}: {place}", None, what, _again(portal)) for place, what in found)
    if whole and not found and (strange := portal.ids() - known):
        yield Mismatch(portal.name, None, f"The portal shows {len(strange)} products that no record names.", _again(portal))
