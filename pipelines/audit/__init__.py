"""Proof that nothing was altered: the journal, and everything that it names, compared with what lies on disk and portals.

Reads only; names every mismatch and goes on. What is found is in audit/finding.py, how the journal is read in chains.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from pipelines.audit.chains import Chain, Heads, check_chain, check_strays, read_chain, sealed
from pipelines.audit.files import check_orphans, check_raw, check_releases, live_raw, raw_of
from pipelines.audit.finding import Mismatch
from pipelines.audit.portals import check_portals
from pipelines.audit.show import show
from pipelines.audit.tables import check_tables
from pipelines.journal import CITY
from pipelines.portals import Portal
from pipelines.way import Way

__all__ = ["Mismatch", "audit", "show", "verify"]


def verify(way: Way, only: Collection[str] | None = None) -> list[Mismatch]:
    """Everything that is not as the journal says, of these datasets or of the whole city; [] when all is sound."""
    return [found for found in audit(way, only) if found.severity == "mismatch"]


def audit(way: Way, only: Collection[str] | None = None, told: Callable[[str], None] | None = None) -> list[Mismatch]:
    """Mismatches, and notes about what interrupted runs have left. `told` hears the name of each chain before it is verified.

    Raises DefinitionError for a dataset in `only` that neither the city nor the journal knows.
    """
    return list(_audit(way, only, told))


def _audit(way: Way, only: Collection[str] | None, told: Callable[[str], None] | None) -> Iterator[Mismatch]:
    city = read_chain(way.journal, CITY)
    seals = sealed(city)
    names = sorted({*way.journal.chains(), *seals})
    for name in set(only or ()) - set(names):
        way.contract(name)
    chains = [read_chain(way.journal, name) for name in names if only is None or name in only]
    yield from _journal(way, city, chains, seals, only is None)
    live = live_raw(chains) if only is None else None
    for chain in (*chains, city):
        if told:
            told(chain.name)
        yield from _understood(chain, check_raw(way.settings, chain, live))
        yield from _understood(chain, check_tables(way.lake, chain))
        yield from _understood(chain, check_releases(way.settings, chain))
    if only is None:
        yield from check_orphans(way.settings, {sha for chain in chains for _, sha in raw_of(chain)})
    yield from check_portals(way, _portals(way), chains, only is None)


def _journal(way: Way, city: Chain, chains: list[Chain], seals: Heads, whole: bool) -> Iterator[Mismatch]:
    yield from check_chain(city, {})
    for chain in chains:
        yield from check_chain(chain, seals.get(chain.name, {}))
    if whole:
        yield from check_strays(way.journal, [CITY, *(chain.name for chain in chains)])


def _understood(chain: Chain, found: Iterator[Mismatch]) -> Iterator[Mismatch]:
    """A record that was changed may mean nothing any more; then the other checks still go on."""
    try:
        yield from found
    except (KeyError, TypeError, AttributeError, ValueError, OSError):
        yield Mismatch(chain.folder, chain.dataset, "Some record of the chain cannot be understood; what it names was not verified.")


def _portals(way: Way) -> list[Portal]:
    from pipelines.portals.listed import portals_of

    return portals_of(way)
