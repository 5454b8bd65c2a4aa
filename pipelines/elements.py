"""Which data elements columns are, or are computed from in the datasets behind them: what joining rules are checked against.

Read by the loader's checks (source_check) and, at each run, by what limits use (uses).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from catalog.contract import Column, Contract
from catalog.derivation import reads
from privacy.negative_list import elements_of


def column_elements(contracts: Mapping[str, Contract], contract: Contract, columns: Collection[Column], behind: Collection[str] = ()) -> set[str]:
    """The elements of these columns of a contract, however far back. Inputs that are not there, or come from the contract itself (the
    loader refuses both), count for nothing.
    """
    columns = [*columns, *(contract.column(column.more.from_address.column) for column in columns if column.more.from_address)]
    found = {name for column in columns for name in elements_of(column)}
    query = contract.fields.query
    if not contract.derived or not query:
        return found
    behind = {contract.id, *behind}
    inputs = {item.name: contracts[item.dataset] for item in contract.inputs if item.dataset in contracts and item.dataset not in behind}
    from_ = reads(query, {name: [column.name for column in one.columns] for name, one in inputs.items()})
    names = {pair for column in columns for pair in from_.get(column.name, ())}
    for view, one in inputs.items():
        found |= column_elements(contracts, one, [one.column(name) for at, name in sorted(names) if at == view], behind)
    return found
