"""What every step is handed: the city, its policy, the lake, the journal, the engine, the clock and who is asking."""

from __future__ import annotations

import os
import pwd
import secrets as random
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from hmac import new as hmac
from pathlib import Path
from zoneinfo import ZoneInfo

from catalog.city import City
from catalog.contract import Contract
from catalog.errors import DefinitionError, DefinitionErrors, LakeError
from catalog.undecided import CODE as UNDECIDED
from pipelines.engines import Engine
from pipelines.engines.duck import DuckEngine
from pipelines.journal import Clock, Journal, now
from pipelines.lake import Lake
from pipelines.lease import lease
from pipelines.lost import enter
from pipelines.settings import Settings
from pipelines.source_check import check_all
from privacy.negative_list import Policy, load_policy


def os_user() -> str:
    """The user that the operating system runs this process for; not what a variable says (`getpass` believes `LOGNAME`)."""
    return pwd.getpwuid(os.getuid()).pw_name

ENGINES = ("duckdb", "spark")


@dataclass
class Way:
    """One process's view of a city. `user` is the operating-system user; tests inject another."""

    settings: Settings
    city: City
    policy: Policy
    lake: Lake
    journal: Journal
    engine: Engine
    clock: Clock = now
    user: str = field(default_factory=os_user)
    again: Mapping[str, str] = field(default_factory=dict)      # dataset → mark of a forced refinement (run --from-batch)

    def today(self) -> date:
        """The date in the city's zone."""
        return self.clock().astimezone(ZoneInfo(self.city.zone)).date()

    def lease(self, name: str) -> AbstractContextManager[None]:
        """The write lease of a dataset or a portal."""
        return lease(self.settings.lake / "leases", name)

    def seal(self) -> None:
        """Seals the heads of all journals; one process at a time, or two would race for one record of the city's journal."""
        with self.lease("city"):
            self.journal.seal()

    def contract(self, dataset: str) -> Contract:
        """The contract of a dataset; raises DefinitionError for an unknown one."""
        if dataset not in self.city.contracts:
            raise DefinitionError(f"There is no dataset {dataset} in this city.", remedy="See `citylake status` for their names.")
        return self.city.contracts[dataset]

    def secret(self, name: str) -> bytes:
        """A named secret of 32 bytes, made at first use; one file each, readable by its owner only."""
        folder = self.settings.secrets
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / name
        if not path.exists():
            temporary = folder / f".{name}.{random.token_hex(4)}"
            temporary.write_bytes(random.token_bytes(32))
            temporary.chmod(0o600)
            try:
                path.hardlink_to(temporary)       # put-if-absent: two processes agree on one key
            except FileExistsError:
                pass
            finally:
                temporary.unlink()
        key = path.read_bytes()
        if len(key) < 16:
            raise LakeError(f"The secret {name} is damaged.", remedy="Restore it from a backup.")
        return key

    def alias(self, text: str) -> str:
        """A keyed hash of a name that may hold a person's data (a file name), for equality only."""
        return hmac(self.secret("names"), text.encode(), sha256).hexdigest()[:32]


def open_way(settings: Settings, clock: Clock = now, user: str | None = None, drafts: bool = False) -> Way:
    """Loads the city and opens its lake; raises DefinitionErrors with every problem of the city folder, LakeError for a lost lake.
    `drafts`: contracts that are not decided yet are no problem.
    """
    city, problems = check_all(settings.city)
    problems = [one for one in problems if not drafts or one.code != UNDECIDED]
    if city is None or problems:
        raise DefinitionErrors(problems)
    policy = load_policy(city.negative_list)
    if settings.engine not in ENGINES:
        raise DefinitionError(f"There is no engine {settings.engine}.", remedy=f"Set CITYLAKE_ENGINE to {' or '.join(ENGINES)}.")
    try:
        settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        enter(settings)
        roles = {person.id: frozenset[str](person.roles) for person in city.people.values()}
        lake, journal = Lake(settings.lake), Journal(settings.lake / "journal", clock, roles)
    except OSError:
        raise LakeError("The folder of the state or of the lake cannot be made.", remedy="Look at CITYLAKE_STATE and CITYLAKE_LAKE.") from None
    return Way(settings, city, policy, lake, journal, engine_of(lake, settings), clock, user or os_user())


def engine_of(lake: Lake, settings: Settings) -> Engine:
    """The engine that the settings name, over a lake."""
    if settings.engine == "spark":
        from pipelines.engines.spark import SparkEngine  # pyspark is an extra

        return SparkEngine(lake, settings)
    return DuckEngine(lake, settings)


def table(layer: str, dataset: str, product: str | None = None) -> str:
    """The name of a dataset's table in a layer."""
    return "/".join((layer, *dataset.split("."), *((product,) if product else ())))


def private(path: Path) -> Path:
    """Makes a folder that only its owner may enter."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path
