"""Which datasets a run takes: the named ones, a department's, or one from a batch on; and what is derived from them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from catalog.errors import DefinitionError
from pipelines.way import Way


def chosen(way: Way, datasets: Collection[str] = (), department: str | None = None) -> list[str]:
    """The named datasets (all where nothing is named) and what is derived from them, inputs first."""
    if department is not None and department not in way.city.departments:
        raise DefinitionError(f"There is no department {department} in this city.", remedy="See departments in city.yaml.")
    named = {way.contract(name).id for name in datasets}
    named |= {name for name in way.city.contracts if department and name.startswith(f"{department}.")}
    if not datasets and department is None:
        return way.city.order()
    for name in way.city.order():
        if any(item.dataset in named for item in way.city.contracts[name].inputs):
            named.add(name)
    return [name for name in way.city.order() if name in named]


def again(way: Way, from_batch: str) -> tuple[Way, list[str]]:
    """The way with a mark that has the batch's dataset refined anew, and that dataset."""
    dataset, _, batch = from_batch.partition("/")
    state = way.journal.state(way.contract(dataset).id)
    if batch not in [known.id for known in state.batches]:
        raise DefinitionError(f"{dataset} has no admitted batch of that name.", remedy=f"See `citylake audit show {dataset}`.")
    return replace(way, again={**way.again, dataset: f"{batch}@{state.seq}"}), [dataset]
