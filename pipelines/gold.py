"""Silver → gold: runs a product's query and writes what it gives. Called by serve alone."""

from __future__ import annotations

from catalog.contract import Contract
from catalog.evidence import TableAt
from pipelines.disclosure import guarded, kept_rows, suppresses
from pipelines.lake import Op, Write
from pipelines.products import Outward
from pipelines.releases import token_params
from pipelines.way import Way, table


def write_gold(way: Way, contract: Contract, outward: Outward, silver: TableAt, op: Op, base: int | None) -> int:
    """The new version of the product's gold table."""
    name = table("gold", contract.id, outward.product.name)
    way.lake.ensure(name, outward.schema(), base)
    params = token_params(way, contract, outward)
    with way.engine.open({"silver": silver}) as session:
        query = kept_rows(way, session, outward, params) if suppresses(contract, outward) else guarded(way, contract, outward).query()
        return session.write(query, name, Write("replace", outward.plain_columns()), op, base, params)
