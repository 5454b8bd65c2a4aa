"""A fetched offer as what arrives in a dataset: the file itself, or the files of an archive, each with its time.

What cannot be opened, or has no time where the contract declares one, arrives with its trouble and is held; nothing is
skipped. Nothing is judged here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from catalog.contract import Contract
from catalog.errors import BadInput, Refused
from catalog.extension import Source
from pipelines.connectors import Connector, Fetched, connectors
from pipelines.connectors.archives import is_archive, unpack
from pipelines.way import Way


@dataclass(frozen=True)
class Arrival:
    """One file on its way to becoming a batch. `offer` is the offer's keyed hash; `filename` may say anything, and so may `around`: the
    name of the archive that it came in, and what that says beside its files.
    """

    offer: str
    payload: Path
    filename: str
    fetched_sha256: str
    time: datetime | None
    label: str | None
    folder: Path
    number: int = 0
    trouble: BadInput | None = None
    around: str = ""


def connector_of(way: Way, contract: Contract, source: Source) -> Connector:
    """The connector of a source, rooted at its system's folder. Refuses excluded departments before any fetch."""
    excluded = way.policy.excludes(contract)
    if excluded:
        raise Refused("The negative list forbids to collect this dataset.", dataset=contract.id,
                      remedy=f"See entry {excluded} of the negative list.")
    system = way.city.systems[source.system]
    kind = connectors()[source.connector]
    return kind(kind.Options.model_validate(source.options), way.settings.sources / system.root, way.city.zone)


def arrivals(
    connector: Connector, offer: str, fetched: Fetched, folder: Path, time: datetime | None, label: str | None, around: str = ""
) -> list[Arrival]:
    """The files inside an archive, in their order, or the fetched file itself. `time` is the offer's."""
    whole = Arrival(offer, fetched.path, fetched.filename, fetched.sha256, time, label, folder, around=around)
    try:
        found = [whole]
        if is_archive(fetched.path):
            members = unpack(fetched.path, folder / "members", name=fetched.filename, **connector.unpacking())
            found = [replace(whole, payload=member.path, filename=member.name, time=member.time or time, number=number,
                             around="\n".join(filter(None, (around, fetched.filename, member.around))))
                     for number, member in enumerate(members)]
    except BadInput as error:
        return [replace(whole, trouble=error)]
    return [_timed(connector, arrival) for arrival in found]


def _timed(connector: Connector, arrival: Arrival) -> Arrival:
    if arrival.time is not None or not connector.timed:
        return arrival
    return replace(arrival, trouble=BadInput(
        "The file's name holds no time as the contract declares.", remedy="Mend time_format, or ask for a file with the usual name."))
