"""How every command gets at the city: settings from the environment, the way opened as the operating system's user."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from console.words import _
from pipelines.settings import settings

if TYPE_CHECKING:
    from catalog.contract import Contract
    from pipelines.way import Way


def opened(drafts: bool = False) -> Way:
    """The city and its lake. Raises DefinitionErrors with everything that is wrong with the city folder, `drafts` excepted."""
    from pipelines.way import open_way

    return open_way(settings(), drafts=drafts)


def contracts(way: Way, datasets: list[str] | None) -> list[Contract]:
    """The contracts of the named datasets, or of all, inputs first."""
    return [way.contract(name) for name in datasets or way.city.order()]


def product_of(way: Way, name: str) -> tuple[Contract, str]:
    """Contract and product behind `department.dataset.product`; the product may be left out where there is one."""
    from catalog.errors import DefinitionError

    parts = name.split(".")
    contract = way.contract(".".join(parts[:2]))
    products = [product.name for product in contract.products]
    if len(parts) == 2 and len(products) == 1:
        return contract, products[0]
    if len(parts) != 3 or parts[2] not in products:
        raise DefinitionError("There is no product of that name.", dataset=contract.id,
                              remedy=f"It has: {', '.join(contract.product_id(product) for product in products)}.")
    return contract, parts[2]


def complete_dataset(incomplete: str) -> list[str]:
    """Dataset ids for shell completion, from the names of the contract files alone."""
    return [name for name in _datasets(settings().city) if name.startswith(incomplete)]


def complete_department(incomplete: str) -> list[str]:
    """Departments that have datasets."""
    return sorted({name.split(".")[0] for name in _datasets(settings().city) if name.startswith(incomplete)})


def _datasets(city: Path) -> Iterator[str]:
    for path in sorted((city / "datasets").glob("*/*.odcs.yaml")):
        yield f"{path.parent.name}.{path.name.removesuffix('.odcs.yaml')}"


def dataset_argument(help_text: str) -> typer.models.ArgumentInfo:
    """An argument that names datasets and completes them."""
    found: typer.models.ArgumentInfo = typer.Argument(metavar="DATASET", help=help_text, autocompletion=complete_dataset)
    return found


def json_option() -> typer.models.OptionInfo:
    """The `--json` of a command that a machine may read."""
    found: typer.models.OptionInfo = typer.Option("--json", help=_("One JSON document on standard output."))
    return found
