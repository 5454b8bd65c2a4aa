"""Names that follow from each other: dataset id, asset key, contract path. A test says so."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def asset_key(layer: str, dataset: str, product: str | None = None) -> tuple[str, ...]:
    """`layer/department/dataset`, for gold `gold/department/dataset/product`."""
    return (layer, *dataset.split("."), *((product,) if product else ()))


def dataset_of(key: Iterable[str]) -> str:
    """The dataset id behind an asset key."""
    parts = tuple(key)
    return f"{parts[1]}.{parts[2]}"


def contract_path(dataset: str) -> str:
    """Where a dataset's contract lies inside the city folder."""
    department, name = dataset.split(".")
    return f"datasets/{department}/{name}.odcs.yaml"


def dataset_at(path: str) -> str:
    """The dataset id behind a contract path."""
    parts = Path(path).parts
    return f"{parts[-2]}.{parts[-1].removesuffix('.odcs.yaml')}"
