"""What an ingest has put into the lake before its record: named first, so that a killed one whose batch is then refused, held or not
offered again leaves no byte in raw and no row in bronze.
"""

from __future__ import annotations

import os
from collections.abc import Collection

from pipelines.boundary import boundary
from pipelines.lease import lease
from pipelines.settings import Settings
from pipelines.spool import raw_path
from pipelines.way import Way, private, table


def promise(settings: Settings, dataset: str, hashes: Collection[str]) -> None:
    """Notes the raw bytes that are about to be stored; those of an attempt before stay on the list."""
    path = private(settings.state / "unsettled") / dataset
    wanted = {*hashes, *_promised(settings, dataset)}
    temporary = path.with_name(f".{dataset}")
    temporary.write_text("\n".join(sorted(wanted)), encoding="ascii")
    os.replace(temporary, path)
    boundary("ingest/promised")


def settle(way: Way, dataset: str) -> None:
    """Removes what was stored and is in force nowhere. Under the dataset's lease, once its outcome is on record."""
    path = way.settings.state / "unsettled" / dataset
    if not path.exists():
        return
    for sha in sorted(_promised(way.settings, dataset)):
        with lease(way.settings.lake / "leases", f"raw-{sha[:2]}"):     # who stores the same bytes now has promised them before
            others = {other.name for other in path.parent.iterdir() if other.name.lstrip(".") != dataset}
            needed = any(sha in _promised(way.settings, other) for other in others) or any(
                batch.body["raw"] == sha for name in way.journal.chains() for batch in way.journal.state(name).batches)
            if not needed:
                raw_path(way.settings, sha).unlink(missing_ok=True)
    name = table("bronze", dataset)
    way.lake.sweep(name, way.journal.state(dataset).base(name))
    path.unlink()
    boundary("ingest/kept")


def _promised(settings: Settings, dataset: str) -> set[str]:
    path = settings.state / "unsettled" / dataset
    return set(path.read_text(encoding="ascii").split()) if path.exists() else set()
