"""Silver → gold: runs a product's query and writes what it gives. Called by serve alone."""

from __future__ import annotations

from catalog.contract import Contract
from catalog.evidence import TableAt
from pipelines.disclosure import guarded, kept_rows, suppresses
from pipelines.keys import release_key, treatment_params
from pipelines.lake import Op, Write
from pipelines.products import Outward
from pipelines.way import Way, table


def write_gold(way: Way, contract: Contract, outward: Outward, silver: TableAt, op: Op, base: int | None) -> int:
    """The new version of the product's gold table."""
    name = table("gold", contract.id, outward.product.name)
    way.lake.ensure(name, outward.schema(), base)
    params = treatment_params(way, contract, outward, release_key(way, contract, outward, silver))
    with way.engine.open({"silver": silver}) as session:
        how = Write("replace", outward.plain_columns())
        if suppresses(contract, outward):       # treated before it is written: the last query asks for no key
            return session.write(kept_rows(way, session, outward, params), name, how, op, base)
        return session.write(guarded(way, contract, outward).query(), name, how, op, base, params)
