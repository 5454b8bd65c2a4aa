"""One city, two engines: the same rows, verdicts, holds and released bytes, whichever engine lived which day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_args

import pytest
from sqlglot import exp
from tiny import Tiny
from twins import ENGINES, canonical, hashes, rows_at, site_files, tables, unlike, unlike_records
from twins_city import CONTRACTS, city, live, ours

from catalog.dialect import col
from catalog.evidence import TableAt
from catalog.extension import Disclosure, Merge, Treatment

pytestmark = pytest.mark.spark
PERSONS, THINGS = ("parks.members",), ("parks.calls", "parks.sites", "parks.sums")
ALONE, ON, BACK = ("duckdb", "duckdb"), ("duckdb", "spark"), ("spark", "duckdb")
# Each engine after the other; every pair over every dataset takes minutes.
LIVES = [(ON, PERSONS), (BACK, THINGS), *(pytest.param(order, datasets, marks=pytest.mark.soak) for order, datasets in (
    (ON, THINGS), (BACK, PERSONS), (("spark", "spark"), PERSONS), (("spark", "spark"), THINGS)))]
Outcomes = list[tuple[str, ...]]
Living = Callable[[tuple[str, ...], tuple[str, ...]], "Life"]


@dataclass
class Life:
    """Two days of a city: what every step came to, the tables in force after each day, and their versions."""

    made: Tiny
    outcomes: list[Outcomes] = field(default_factory=list)
    after: list[dict[str, Any]] = field(default_factory=list)
    versions: list[dict[str, int]] = field(default_factory=list)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Living:
    """Tells, once, the life of datasets whose days two engines live in this order. The embedded engine alone draws the secrets of all."""
    known: dict[Any, Life] = {}

    def told(order: tuple[str, ...], datasets: tuple[str, ...]) -> Life:
        if (order, datasets) not in known:
            secrets = told(ALONE, datasets).made.settings.secrets if order != ALONE else None
            found = known[order, datasets] = Life(city(tmp_path_factory.mktemp("-".join(order)) / "city"))
            for day, engine in enumerate(order):
                found.outcomes.append(live(found.made, day, engine, datasets, secrets))
                way = found.made.way()
                found.after.append(tables(way))
                found.versions.append({name: version for one in way.journal.chains() for name, version in way.journal.state(one).tables.items()})
        return known[order, datasets]
    return told


def test_the_city_has_every_merge_mode_treatment_and_control() -> None:
    products = [one for document in CONTRACTS for one in ours(document)["products"]]
    asked = {(name, value if isinstance(value, str) else "given") for one in products for name, value in one.get("disclosure", {}).items()}
    kinds = get_args(get_args(Treatment)[0])
    assert {ours(document).get("merge", "derived") for document in CONTRACTS} == {*get_args(Merge), "derived"}
    assert {how["do"] for one in products for how in one["columns"].values()} == {get_args(kind.model_fields["do"].annotation)[0] for kind in kinds}
    assert {name for name, _ in asked} == set(Disclosure.model_fields)
    assert {("rows", "suppress"), ("rows", "mondrian"), ("cells", "secondary")} < asked


def test_alone_every_product_is_released_but_one_that_is_held(life: Living) -> None:
    both = [life(ALONE, datasets) for datasets in (PERSONS, THINGS)]
    held = ("parks.members", "serve", "wide", "held", "")       # beside the rows of the same persons it would tell too much
    assert [one for found in both for day in found.outcomes for one in day if one[3] not in ("done", "unchanged")] == [held, held]
    assert {name.rpartition("/")[0] for found in both for name in hashes(found.made.way())} == {
        f"{document['id']}.{one['name']}" for document in CONTRACTS for one in ours(document)["products"]} - {"parks.members.wide"}
    assert {name.split("/")[0] for found in both for name in found.after[1]} == {"bronze", "silver", "quarantine", "gold"}


@pytest.mark.parametrize(("order", "datasets"), LIVES)
def test_steps_tables_records_and_bytes_are_the_same(life: Living, order: tuple[str, ...], datasets: tuple[str, ...]) -> None:
    one, other = life(ALONE, datasets), life(order, datasets)
    for day in (0, 1):
        assert [pair for pair in zip(one.outcomes[day], other.outcomes[day], strict=True) if pair[0] != pair[1]] == []
        assert unlike(one.after[day], other.after[day]) == []
    mine, theirs = one.made.way(), other.made.way()
    assert unlike_records(mine, theirs) == []
    assert hashes(mine) == hashes(theirs)
    assert unlike(site_files(mine), site_files(theirs)) == []


@pytest.mark.parametrize(("order", "datasets"), LIVES)
def test_each_engine_reads_what_was_there_before_the_other_wrote_on(life: Living, order: tuple[str, ...], datasets: tuple[str, ...]) -> None:
    found = life(order, datasets)
    assert all(found.after[0][name] != found.after[1][name] for name in found.after[0] if name.startswith("silver/"))
    for engine in ENGINES:
        found.made.engine = engine
        way = found.made.way()
        past = {(day, name): TableAt(name, version) for day in (0, 1) for name, version in found.versions[day].items() if name.startswith("silver/")}
        with way.engine.open({f"v{at}": table for at, table in enumerate(past.values())}) as session:
            for at, ((day, name), table) in enumerate(past.items()):
                rows = session.read(exp.select(*map(col, way.lake.schema(table).names)).from_(f"v{at}")).read_all()
                assert canonical(rows) == found.after[day][name] == rows_at(way, name, table.version)
