"""What no contract names any more leaves the portals: recorded before and after, like any publication. Tombstones stay. Nor does anybody
have to decide about it.
"""

from __future__ import annotations

from catalog.canonical import fingerprint
from catalog.contract import Contract
from pipelines.portals import Item, Portal
from pipelines.steps.publish import show
from pipelines.way import Way


def retire(way: Way, portal: Portal) -> list[str]:
    """Removes from the portal what no contract names any more; tombstones stay. Returns the product ids."""
    gone = []
    for dataset in way.journal.chains():
        if not _unnamed(way, portal, dataset):
            continue
        with way.lease(dataset):
            for target, product in _unnamed(way, portal, dataset):      # again: another process may have been first
                _remove(way, portal, dataset, target, product)
                gone.append(f"{dataset}.{product}")
    return gone


def lapse(way: Way) -> list[str]:
    """Closes the holds of products that their contract no longer names: no step would ever judge them anew. Returns the holds' ids."""
    gone = []
    for contract in way.city.contracts.values():
        if _orphans(way, contract):
            with way.lease(contract.id):
                if found := _orphans(way, contract):        # again: another process may have been first
                    way.journal.append(contract.id, "lapse", {"step": "lapse", "target": "", "op": fingerprint("lapse", found), "outcome": "done",
                                                              "closed": found})
                    gone += found
    return gone


def _orphans(way: Way, contract: Contract) -> list[str]:
    known = {product.name for product in contract.products}
    return sorted(hold.id for hold in way.journal.state(contract.id).holds.values() if hold.step == "serve" and hold.target not in known)


def _unnamed(way: Way, portal: Portal, dataset: str) -> list[tuple[str, str]]:
    """(target, product) of what the portal shows though no contract names it."""
    known = [product.name for product in way.city.contracts[dataset].products] if dataset in way.city.contracts else []
    state = way.journal.state(dataset)
    return [(target, body["product"]) for target, body in state.published.items()
            if body["portal"] == portal.name and body["shown"] != "absent" and body["product"] not in (*known, *state.withdrawn)]


def _remove(way: Way, portal: Portal, dataset: str, target: str, product: str) -> None:
    want = Item(f"{dataset}.{product}", "absent")
    body = {"portal": portal.name, "product": product, "action": "remove", "shown": "absent", "release": None, "published": None,
            "fingerprint": want.fingerprint, "outcome": "done", "op": fingerprint("retire", want.id)}
    way.journal.append(dataset, "prepared", {**body, "step": "prepare", "target": target})
    seen = portal.observe([want.id]).get(want.id)
    if seen is not None:
        show(way, portal, want, seen)
    with way.lease(f"portal-{portal.name}"):
        portal.purge()
    way.journal.append(dataset, "publish", {**body, "step": "publish", "target": target})
