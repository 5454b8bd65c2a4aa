"""One published row back to the source: batch, file, sha256 and line, by computing serve again inside the city.

The row is taken from gold at the version that the release was made of, and met with the recorded version of silver, treated
again, by the published values. Rows that the published values cannot tell apart are all returned; so are all rows of a group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sqlglot import exp

from catalog import dialect as d
from catalog.contract import ColumnType, Contract
from catalog.dialect import cast_to, col
from catalog.errors import DefinitionError, LakeError
from catalog.evidence import TableAt
from pipelines.engines import Params, Session
from pipelines.gold import stage_lookups
from pipelines.keys import treatment_params
from pipelines.lineage_derived import beside, branches
from pipelines.parsing import LINE
from pipelines.products import Outward, carried, over
from pipelines.refining import BATCH, ORIGIN, SHA, SOURCE, named
from pipelines.releases import ordered
from pipelines.state import Batch, Release
from pipelines.steps.refine import terms
from pipelines.way import Way
from pipelines.widening import stage_names, widened_rows
from privacy.disclosure import person_column

LIMIT = 100
ORIGINS = tuple(name for name, _ in ORIGIN)
_OLD = "The contract has changed since that release: use the contract of the version that the release names."


@dataclass(frozen=True)
class Origin:
    """A source row, or (without batch and line) an input version whose rows cannot be told. `file` only if the contract spells it."""

    dataset: str
    version: int                    # of the dataset's silver
    batch: str | None = None
    source: str | None = None
    sha256: str | None = None
    file: str | None = None
    line: int | None = None
    time: str | None = None
    raw: str | None = None          # sha256 under which the bytes lie in raw


@dataclass(frozen=True)
class Trace:
    """Where a published row comes from. `total` counts all source rows; of each dataset at most LIMIT are listed."""

    dataset: str
    product: str
    release: str
    row: int                        # in the release, from 1
    file: str                       # the file that holds it, and where in that file
    row_in_file: int
    total: int
    origins: tuple[Origin, ...]


@dataclass(frozen=True)
class _Silver:
    """A version of silver, the view that shows it, and for a derived dataset the versions that it was computed from."""

    dataset: str
    at: TableAt
    view: str
    contract: Contract | None
    batches: Mapping[str, Batch] = field(default_factory=dict)
    inputs: Mapping[str, _Silver] = field(default_factory=dict)

    @property
    def carry(self) -> tuple[str, ...]:
        """The columns by which its rows are traced further."""
        derived = self.contract is not None and self.contract.derived
        return tuple(column.name for column in self.contract.columns) if derived and self.contract else ORIGINS

    def views(self) -> dict[str, TableAt]:
        found = {self.view: self.at}
        for silver in self.inputs.values():
            found |= silver.views()
        return found


def row(way: Way, dataset: str, product: str, release: str | int, number: int) -> list[Origin]:
    """The source rows behind row `number` (from 1, through the release's files in their order). See `trace` for their count."""
    return list(trace(way, dataset, product, release, number).origins)


def trace(way: Way, dataset: str, product: str, release: str | int, number: int) -> Trace:
    """Raises DefinitionError for what does not exist, LakeError where the contract has changed since the release."""
    contract = way.contract(dataset)
    if product not in [known.name for known in contract.products]:
        raise DefinitionError("There is no product of that name.", dataset=dataset, remedy="See its contract.")
    found = _release(way, contract, product, release)
    file, at = _file(found, number)
    outward = Outward(contract, contract.product(product), way.city.codes, way.city.zone)
    silver = _silver(way, dataset, TableAt(**found.body["silver"]), count())
    gold = TableAt(**found.body["gold"])
    _unchanged(way, outward, gold)
    with way.engine.open({**silver.views(), "gold": gold}) as session:
        params = treatment_params(way, contract, outward, found.body.get("key"))
        _stage(way, session, params, outward, silver, file["period"], at)
        tracing = _Tracing(way, session)
        tracing.follow(silver, "rows")
    if not tracing.total and not tracing.origins:
        raise LakeError("The row is not found in silver again.", dataset=dataset, remedy=_OLD)
    return Trace(dataset, product, found.id, number, file["name"], at + 1, tracing.total, tuple(tracing.origins))


def _release(way: Way, contract: Contract, product: str, release: str | int) -> Release:
    known = way.journal.state(contract.id).releases.get(product, ())
    name = str(release).removeprefix("r")
    found = next((item for item in known if str(item.number) == name), None)
    if found is None:
        names = ", ".join(item.id for item in known) or "none yet"
        raise DefinitionError("There is no such release.", dataset=contract.id, remedy=f"Its releases: {names}.")
    return found


def _file(release: Release, number: int) -> tuple[Mapping[str, Any], int]:
    """The first-format file that holds the row, and its position there from 0."""
    at = number - 1
    for entry in release.body["release"]["files"]:
        if entry["first"] and 0 <= at < entry["rows"]:
            return entry, at
        at -= entry["rows"] if entry["first"] else 0
    raise DefinitionError("The release has no such row.", remedy=f"Rows count from 1 to {release.body['release']['rows']}.")


def _unchanged(way: Way, outward: Outward, gold: TableAt) -> None:
    if way.lake.schema(gold).names != outward.schema().names:
        raise LakeError("The product's columns are not those of the release.", dataset=outward.contract.id, remedy=_OLD)


def _silver(way: Way, dataset: str, at: TableAt, numbers: Iterator[int]) -> _Silver:
    """What a version of silver was made of; inputs only where the contract still reads them in the same way."""
    contract, state = way.city.contracts.get(dataset), way.journal.state(dataset)
    view = f"v{next(numbers)}"
    if contract is None or not contract.derived:
        return _Silver(dataset, at, view, contract, {batch.id: batch for batch in state.batches})
    made = next((record.body for record in way.journal.records(dataset)
                 if record.kind == "refine" and record.body.get("tables", {}).get(at.name) == at.version), None)
    if made is None:
        return _Silver(dataset, at, view, contract)
    known = {item.name: item.dataset for item in contract.inputs}
    inputs = {name: _silver(way, known.get(name, _dataset(item["name"])), TableAt(**item), numbers) for name, item in made["inputs"].items()}
    same = made["terms"] == terms(way, contract) and set(inputs) == set(known)
    return _Silver(dataset, at, view, contract if same else None, {}, inputs)


def _dataset(name: str) -> str:
    return ".".join(name.split("/")[1:3])


def _stage(way: Way, session: Session, params: Params | None, outward: Outward, silver: _Silver, period: str, at: int) -> None:
    """Stages as `rows` the silver rows that give the published row."""
    session.stage(ordered(outward, period).limit(1).offset(at), "target")
    view = silver.view if outward.widened else _candidates(way, session, params, outward, silver)
    stage_lookups(session, outward, way.city.division, view)
    names = [column.name for column in outward.columns if column.treatment != "aggregate"]
    served: exp.Query = over(outward.query(carry=silver.carry), view)
    if outward.widened:         # a class is widened by all of its rows
        named_by = person_column(outward.contract)
        session.stage(over(outward.query(carry=[*silver.carry, *([named_by] if named_by and named_by not in silver.carry else [])]), view),
                      "served", params)
        stage_names(session, outward, way.policy.thresholds, carried(named_by) if named_by else None)
        served, params = widened_rows(outward, "served", [carried(name) for name in silver.carry]), None
    same = [exp.NullSafeEQ(this=col(name, "s"), expression=col(name, "t")) for name in names]
    query = (exp.select(*[named(col(carried(name), "s"), name) for name in silver.carry]).from_(served.subquery("s"))
             .join(exp.to_table("target").as_("t"), on=exp.and_(*same) if same else exp.true()))
    session.stage(query, "rows", params)


def _candidates(way: Way, session: Session, params: Params | None, outward: Outward, silver: _Silver) -> str:
    """The view of silver; where a treatment is a lookup, only the rows that are the published one in all other columns: few are treated."""
    lookups = outward.lookups()
    if not lookups:
        return silver.view
    product = outward.product
    kept = {name: how for name, how in product.columns.items() if name not in lookups}
    rest = Outward(outward.contract, product.model_copy(update={"columns": kept, "filter": None, "aggregate": None}), outward.codes, outward.zone)
    if not rest.columns:
        return silver.view
    every = way.lake.schema(silver.at).names
    shown = {column.name for column in outward.columns if column.treatment != "aggregate"}
    names = [column.name for column in rest.columns if column.name in shown]
    same = [exp.NullSafeEQ(this=col(name, "s"), expression=col(name, "t")) for name in names]
    query = (exp.select(*[named(col(carried(name), "s"), name) for name in every])
             .from_(over(rest.query(carry=every), silver.view).subquery("s"))
             .join(exp.to_table("target").as_("t"), on=exp.and_(*same) if same else exp.true()))
    asked = params if any(column.treatment in ("token", "shift") for column in rest.columns) else None
    session.stage(query, "_candidates", asked)
    return "_candidates"


class _Tracing:
    """Follows staged rows of silver upwards, dataset by dataset."""

    def __init__(self, way: Way, session: Session) -> None:
        self.way, self.session = way, session
        self.origins: list[Origin] = []
        self.total = 0
        self._numbers = count()

    def follow(self, silver: _Silver, rows: str) -> None:
        """Source rows of a dataset that has sources; else the rows of its inputs that gave these rows."""
        if silver.contract is None or not silver.contract.derived:
            if silver.inputs:
                self._versions(silver.inputs.values())
            else:
                self._sources(silver, rows)
        elif not silver.inputs:
            self._versions([silver])
        else:
            self._inputs(silver, silver.contract, rows)

    def _versions(self, silvers: Iterable[_Silver]) -> None:
        for silver in silvers:
            origin = Origin(silver.dataset, silver.at.version)
            self.origins += [origin] if origin not in self.origins else []

    def _sources(self, silver: _Silver, rows: str) -> None:
        query = exp.select(*map(col, ORIGINS)).distinct().from_(rows).where(exp.Not(this=exp.Is(this=col(BATCH), expression=exp.Null())))
        counted = exp.select(named(exp.Count(this=exp.Star()), "n")).from_(query.subquery("rows"))
        self.total += int(self.session.rows(counted)[0]["n"])
        listed = query.order_by(col(BATCH), col(LINE)).limit(LIMIT)
        self.origins += [self._origin(silver, item) for item in self.session.rows(listed)]

    def _origin(self, silver: _Silver, item: Mapping[str, Any]) -> Origin:
        batch = silver.batches.get(item[BATCH])
        body = batch.body if batch else {}
        return Origin(silver.dataset, silver.at.version, item[BATCH], item[SOURCE], item[SHA], body.get("file"), item[LINE],
                      body.get("time"), body.get("raw"))

    def _inputs(self, silver: _Silver, contract: Contract, rows: str) -> None:
        query = d.parse_query(contract.fields.query or "", {name: None for name in silver.inputs})
        self._opened(silver, query, rows, {column.name: column.type for column in contract.columns})

    def _opened(self, silver: _Silver, query: exp.Query, rows: str, types: Mapping[str, ColumnType]) -> None:
        """Follows each thing that the query reads, from the staged `rows` of its result. `types`: what its columns were cast to."""
        carry = {name: item.carry for name, item in silver.inputs.items()}
        for branch in branches(query, carry, {name: item.view for name, item in silver.inputs.items()}):
            same = [exp.NullSafeEQ(this=_cast(name, types), expression=col(name, "r")) for name in branch.keys]
            for read in branch.reads:
                staged = f"rows{next(self._numbers)}"
                shown = exp.select(*[named(col(beside(read.at, column), "b"), column) for column in read.columns]).distinct()
                some = [exp.Not(this=exp.Is(this=col(beside(read.at, column), "b"), expression=exp.Null())) for column in read.columns]
                joined = shown.from_(branch.query.subquery("b")).join(exp.to_table(rows).as_("r"), on=exp.and_(*same) if same else exp.true())
                self.session.stage(joined.where(exp.or_(*some)), staged)       # an outer join that found nothing brings only NULLs
                if read.query is not None:
                    self._opened(silver, read.query, staged, {})
                else:
                    self.follow(silver.inputs[read.input], staged)
            self._versions([silver.inputs[name] for name in sorted(branch.unread)])


def _cast(name: str, types: Mapping[str, ColumnType]) -> exp.Expr:
    value = col(name, "b")
    return cast_to(value, types[name]) if name in types else value
