"""Portals against the journal: what each shows of every product, its files' bytes, and that it shows nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipelines.audit.chains import Chain
from pipelines.audit.finding import Mismatch, note
from pipelines.portals import Item, Portal
from pipelines.portals.damage import comparable, damage
from pipelines.portals.folder import FolderPortal
from pipelines.way import Way, private

AGAIN = "Find out who changed it, then publish it again with `citylake run`."


def check_portals(way: Way, portals: Sequence[Portal], chains: Sequence[Chain], whole: bool) -> Iterator[Mismatch]:
    """Every published record against its portal. `whole`: the chains are all there are, so the portal may show nothing else."""
    records: dict[str, dict[str, tuple[Chain, str, str]]] = {}
    for chain in chains:
        for body in chain.bodies("publish"):
            found = (chain, body["fingerprint"], body["shown"])
            records.setdefault(body["portal"], {})[f"{chain.name}.{body['product']}"] = found
    known = {portal.name: portal for portal in portals}
    for name, published in sorted(records.items()):
        portal = known.get(name)
        if not isinstance(portal, FolderPortal):
            yield note(name, None, "The portal is not one of this city's that can be read from here; it was not verified.", "See city.yaml.")
            continue
        for identity, (chain, fingerprint, shown) in sorted(published.items()):
            yield from _item(portal, chain, identity, fingerprint, shown)
        yield from _rest(way, portal, set(published), whole)


def _item(portal: FolderPortal, chain: Chain, identity: str, fingerprint: str, shown: str) -> Iterator[Mismatch]:
    place = f"{portal.name}: {identity}"
    stored = _stored(portal, identity)
    if stored is None:
        if shown != "absent":
            yield Mismatch(place, chain.dataset, "The portal does not show the product.", AGAIN)
        return
    if stored.fingerprint != fingerprint:
        yield Mismatch(place, chain.dataset, "The portal shows the product otherwise than it was published.", AGAIN)
        return
    for wrong in portal.verify(stored):
        yield Mismatch(place, chain.dataset, f"{wrong}.", AGAIN)


def _stored(portal: FolderPortal, identity: str) -> Item | None:
    try:
        return portal.stored(identity)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _rest(way: Way, portal: FolderPortal, known: set[str], whole: bool) -> Iterator[Mismatch]:
    """What belongs to no single product: pages, and products that no record knows."""
    found = list(damage(portal, private(way.settings.scratch)))
    yield from (Mismatch(f"{portal.name}: {place}", None, what, AGAIN) for place, what in found)
    if portal.current is not None and not comparable(portal):
        yield note(portal.name, None, "Another version of citylake rendered the site: its pages were not compared.", "Publish something.")
    if whole and not found and (strange := portal.ids() - known):
        yield Mismatch(portal.name, None, f"The portal shows {len(strange)} products that no record names.", AGAIN)
