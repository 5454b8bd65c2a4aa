"""Column lineage: published column ← silver ← bronze ← declared header, across derived datasets, as a graph of nodes and edges.

Built from the queries that refine and serve really run; no data is read. A row's lineage is in pipelines/lineage_rows.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from catalog import dialect as d
from catalog.contract import Contract
from catalog.dialect_lineage import columns_behind
from catalog.errors import DefinitionError
from pipelines import refining
from pipelines.bronze import bronze_schema
from pipelines.lineage_counts import counting, counts_rows, telling
from pipelines.lineage_rows import Origin, row
from pipelines.products import Outward
from pipelines.way import Way, table

__all__ = ["Origin", "column", "columns", "row"]

Json = dict[str, Any]


@dataclass
class _Graph:
    """Nodes by id; edges lead from what is read to what is computed from it."""

    nodes: dict[str, Json] = field(default_factory=dict)
    edges: set[tuple[str, str, str]] = field(default_factory=set)

    def node(self, place: str, name: str, **facts: Any) -> str:
        key = f"{place}#{name}"
        self.nodes[key] = {"id": key, "column": name, **facts}
        return key

    def edge(self, source: str, target: str, how: str) -> None:
        self.edges.add((source, target, how))

    def closure(self, start: Collection[str], up: bool) -> set[str]:
        """Everything above (or below) these nodes, themselves included."""
        steps: dict[str, list[str]] = {}
        for source, target, _ in self.edges:
            steps.setdefault(target if up else source, []).append(source if up else target)
        found, waiting = set(start), list(start)
        while waiting:
            new = [key for key in steps.get(waiting.pop(), ()) if key not in found]
            found.update(new)
            waiting += new
        return found

    def part(self, keep: Collection[str]) -> Json:
        edges = sorted(edge for edge in self.edges if edge[0] in keep and edge[1] in keep)
        return {"nodes": [self.nodes[key] for key in sorted(keep)],
                "edges": [{"from": source, "to": target, "how": how} for source, target, how in edges]}


def columns(way: Way, dataset: str) -> Json:
    """{nodes, edges} of every column of a dataset and its products, up to the headers of the sources behind it."""
    graph = _graph(way, _above(way, way.contract(dataset).id))
    return graph.part(graph.closure([key for key, node in graph.nodes.items() if node["dataset"] == dataset], up=True))


def column(way: Way, dataset: str, name: str) -> Json:
    """{nodes, edges} of one column: all it comes from and all that is computed from it, in every dataset.

    `name` is a column of silver or of a product. Raises DefinitionError for an unknown one.
    """
    contract = way.contract(dataset)
    graph = _graph(way, _above(way, dataset) | _below(way, dataset))
    start = [key for key, node in graph.nodes.items()
             if node["dataset"] == dataset and node["column"] == name and node["layer"] in ("silver", "published")]
    if not start:
        names = ", ".join(item.name for item in contract.columns)
        raise DefinitionError("There is no such column.", dataset=dataset, remedy=f"Its columns are {names}.")
    return graph.part(graph.closure(start, up=True) | graph.closure(start, up=False))


def _above(way: Way, dataset: str) -> set[str]:
    """A dataset and everything that it is derived from."""
    return {dataset}.union(*(_above(way, item.dataset) for item in way.city.contracts[dataset].inputs))


def _below(way: Way, dataset: str) -> set[str]:
    """A dataset and everything that is derived from it."""
    return {dataset}.union(*(_below(way, name) for name in way.city.followers(dataset)))


def _graph(way: Way, datasets: Collection[str]) -> _Graph:
    graph = _Graph()
    for name in sorted(datasets):
        contract = way.city.contracts[name]
        _silver(way, contract, graph)
        for product in contract.products:
            _published(contract, Outward(contract, product, way.city.codes, way.city.zone), graph)
    return graph


def _place(layer: str, contract: Contract) -> str:
    return table(layer, contract.id)


def _silver(way: Way, contract: Contract, graph: _Graph) -> None:
    """Silver columns, traced through the merge, the checked rows and the steward's query or bronze."""
    plan = refining.Plan(contract, (), way.city.zone, corrected=False, traced=True)      # row rules decide about rows, not about values
    places = {item.name: table("silver", item.dataset) for item in contract.inputs}
    keys = {item.name: telling(way.city.contracts[item.dataset]) for item in contract.inputs}
    if contract.derived:
        views = {item.name: [column.name for column in way.city.contracts[item.dataset].columns] for item in contract.inputs}
    else:
        places["bronze"], views = _bronze(contract, graph), {"bronze": bronze_schema(contract).names}
    checked, counted = columns_behind(plan.checked(), views), columns_behind(counting(plan.checked(), keys), views)
    merged = columns_behind(plan.merged(), {"checked": list(checked)})
    for column in contract.columns:
        key = graph.node(_place("silver", contract), column.name, layer="silver", dataset=contract.id, label=column.label,
                         type=str(column.type), level=column.level)
        for _, between in sorted(merged[column.name]):
            for view, name in sorted(counted[between]):     # what is only counted is read for no value
                how = "count" if (view, name) not in checked[between] else "derive" if contract.derived else "refine"
                graph.edge(f"{places[view]}#{name}", key, how)


def _bronze(contract: Contract, graph: _Graph) -> str:
    """Bronze columns and the headers that may fill them. Which header a batch had is not recorded: only declared ones appear."""
    place = _place("bronze", contract)
    for column in contract.given:
        key = graph.node(place, column.name, layer="bronze", dataset=contract.id, label=column.label, type="text", level=column.level)
        for source in contract.sources:
            headers = [*column.headers, *(header for header, name in source.aliases.items() if name == column.name)]
            for header in headers:
                if header not in source.leave_out:
                    graph.edge(graph.node(f"source/{contract.department}/{contract.name}/{source.id}", header, layer="source",
                                          dataset=contract.id, source=source.id, system=source.system), key, "ingest")
    return place


def _published(contract: Contract, outward: Outward, graph: _Graph) -> None:
    """Published columns by the product's own expressions; what decides which rows leave stands on the node."""
    product = outward.product
    place = table("gold", contract.id, product.name)
    names = [column.name for column in contract.columns]
    filters = sorted(_read(d.parse_condition(product.filter, names))) if product.filter else []
    for column in outward.columns:
        key = graph.node(place, column.name, layer="published", dataset=contract.id, product=product.name, label=column.label,
                         type=str(column.type), level=column.level, treatment=column.treatment, tier=outward.tier,
                         rows_by={"filter": filters, "groups": list(product.aggregate.by) if product.aggregate else []})
        # What is read from a lookup comes from its own column; what a redacted text is searched for in others does not leave.
        for name in [column.name] if column.name in outward.lookups() else sorted(_read(column.expression)):
            graph.edge(f"{_place('silver', contract)}#{name}", key, column.treatment)
        for name in telling(contract) if counts_rows(column.expression) else ():
            graph.edge(f"{_place('silver', contract)}#{name}", key, "count")


def _read(expression: exp.Expr) -> Iterator[str]:
    return iter({found.name for found in expression.find_all(exp.Column)})
