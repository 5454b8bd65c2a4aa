"""Names: which assets a dataset has, which steps make each, and what its checks are called.

Every name is derived from the contract (DESIGN §2); nothing is looked up or registered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import dagster as dg

from catalog.contract import Contract
from catalog.naming import asset_key

REGISTER = dg.AssetKey(["register", "city", "catalog"])
STEPS = {"bronze": "ingest", "silver": "refine", "gold": "serve", "portal": "publish"}
_LAYERS = {step: layer for layer, step in STEPS.items()}


@dataclass(frozen=True)
class Layer:
    """One asset of a dataset. `key` is `layer/department/dataset`, with the product behind it for gold and portal."""

    dataset: str
    layer: str
    product: str = ""

    @property
    def key(self) -> dg.AssetKey:
        return dg.AssetKey(list(asset_key(self.layer, self.dataset, self.product)))

    @property
    def table(self) -> str:
        """Name of the Delta table behind it (a portal has none); the same as its key."""
        return "/".join(self.key.path)


def layers(contract: Contract, publishing: bool) -> list[Layer]:
    """A dataset's assets in the order of the way; `publishing` when a run publishes to any portal by itself."""
    found = [] if contract.derived else [Layer(contract.id, "bronze")]
    found.append(Layer(contract.id, "silver"))
    for layer in ("gold", "portal") if publishing else ("gold",):
        found += [Layer(contract.id, layer, product.name) for product in contract.products]
    return found


def layer_of(dataset: str, step: str, target: str) -> Layer:
    """The asset that a step makes; `target` as in the journal: "", a product, or portal/product."""
    return Layer(dataset, _LAYERS[step], target.split("/")[-1] if step in ("serve", "publish") else "")


def targets(layer: Layer, portals: Sequence[str]) -> list[str]:
    """The journal's `step/target` names behind an asset; a portal asset has one for every portal."""
    step = STEPS[layer.layer]
    return [f"{step}/{portal}/{layer.product}" for portal in portals] if step == "publish" else [f"{step}/{layer.product}"]


def check_names(rules: Iterable[str]) -> dict[str, str]:
    """Rule id → check name: letters, digits and underscores only; two that would be the same are numbered."""
    found: dict[str, str] = {}
    for rule in rules:
        name = base = re.sub(r"[^A-Za-z0-9]+", "_", rule).strip("_") or "rule"
        number = 1
        while name in found.values():
            number += 1
            name = f"{base}_{number}"
        found[rule] = name
    return found
