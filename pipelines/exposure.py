"""The exposure register: every column set ever released of one population of subjects, folded from the journals, and the test of a
new release against it. No truth of its own: what a release showed stands in its serve record.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from catalog.canonical import fingerprint, plain
from catalog.contract import Contract
from catalog.errors import CitylakeError
from catalog.evidence import Finding, TableAt, Verdict
from catalog.extension import Aggregate, Disclosure, Generalise, Keep, Product, Redact, Treatment
from pipelines.differencing import Shown, subtracted
from pipelines.disclosure import least_cell
from pipelines.joint import Pinned, Side, joint_figures
from pipelines.products import Outward
from pipelines.way import Way, table
from privacy.disclosure import DISCLOSURE_VERSION, about_persons, k_of, person_column, quasi_columns
from privacy.exposure import joint, moved, moved_query, shared_key, unmeasured

_TREATMENT: TypeAdapter[Treatment] = TypeAdapter(Treatment)


@dataclass(frozen=True)
class Exposed:
    """One release as the register keeps it. `shown` is what `exposed` wrote; `first` is when these columns first went out."""

    dataset: str
    product: str
    number: int
    at: str
    tier: str
    rows: int
    shown: Mapping[str, Any]
    gold: Mapping[str, Any]
    silver: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None          # id of the key of its tokens; a new one makes no new column set
    rolled_back: bool = False

    @property
    def id(self) -> str:
        return f"{self.dataset}.{self.product}/r{self.number}"

    @property
    def set(self) -> str:
        """The same for every release that shows the same columns in the same way."""
        return fingerprint(self.dataset, self.product, self.shown)


def population(contract: Contract) -> str:
    """Whom the rows are about: the declared subjects, else those of this dataset alone (its id, which no subjects' name can be)."""
    return contract.fields.subjects or contract.id


def kin(contracts: Iterable[Contract], contract: Contract) -> set[str]:
    """The populations whose rows can be laid beside this dataset's: its own, and each whose subjects the same element or the same kind of
    identifier names. What a city calls its populations hides nothing: an ID card is the same in every department.
    """
    mine = _handles(contract)
    return {population(contract), *(population(one) for one in contracts if mine & _handles(one))}


def _handles(contract: Contract) -> set[str]:
    more = [column.more for column in contract.columns if column.more.subject]
    return {f"element {one.element}" for one in more if one.element} | {f"kind {one.identifies}" for one in more if one.identifies}


def exposed(contract: Contract, outward: Outward) -> dict[str, Any] | None:
    """What a release shows of its subjects, for the record: None where its rows are about no persons."""
    if not about_persons(contract):
        return None
    product, quasi = outward.product, set(quasi_columns(contract, outward.product))
    levels = {column.name: column.level for column in outward.columns}
    columns = {name: {"how": how.model_dump(mode="json"), "level": levels.get(name, contract.column(name).level), "quasi": name in quasi,
                      **({"widened": True} if name in outward.widened else {})}
               for name, how in product.columns.items() if how.do != "drop"}
    aggregate = product.aggregate.model_dump(mode="json") if product.aggregate else None
    return {"subjects": population(contract), "columns": columns, "filter": product.filter, "aggregate": aggregate,
            "period": plain(contract.period) if outward.by_period else None,
            **({"disclosure": product.disclosure.model_dump(mode="json")} if aggregate else {})}


def register(way: Way, subjects: Collection[str] | None = None) -> list[Exposed]:
    """Every release of these populations (of all where None), oldest first. What was withdrawn or taken back has been seen all the same."""
    found = []
    for contract in way.city.contracts.values():
        state = way.journal.state(contract.id)
        for product, releases in state.releases.items():
            for one in releases:
                shown = one.body.get("exposed")
                if shown and (subjects is None or shown["subjects"] in subjects):
                    columns = {name: {key: value for key, value in how.items() if key != "key"} for name, how in shown["columns"].items()}
                    found.append(Exposed(contract.id, product, one.number, one.at, one.body["tier"], one.body["release"]["rows"],
                                         {**shown, "columns": columns}, one.body["gold"], one.body.get("silver", {}), one.body.get("key"),
                                         one.number in state.revoked.get(product, {})))
    return sorted(found, key=lambda one: (one.at, one.id))


def exposure(way: Way, contract: Contract, outward: Outward, silver: TableAt, gold: TableAt) -> Verdict:
    """Tests a release that is about to be made against all earlier ones of its subjects."""
    mine = exposed(contract, outward)
    subject = {"silver": silver.version, "gold": gold.version}
    findings = _findings(way, contract, outward, silver, gold, plain(mine)) if mine else []
    return Verdict("disclosure", subject, f"{DISCLOSURE_VERSION} {way.policy.version}", tuple(findings))


def _findings(way: Way, contract: Contract, outward: Outward, silver: TableAt, gold: TableAt, mine: Mapping[str, Any]) -> list[Finding]:
    known = register(way, kin(way.city.contracts.values(), contract))
    same = [one for one in known if one.shown["subjects"] == mine["subjects"]]     # tables of unlike populations differ by more than the few
    own = [one for one in known if (one.dataset, one.product) == (contract.id, outward.product.name)]
    tables = _tables(way, contract, outward, Pinned(silver, gold), same, mine) if outward.product.aggregate is not None else []
    if contract.fields.subjects is None and person_column(contract) is None:       # of things: only tables
        return tables
    since = next((one.at for one in own if plain(one.shown) == mine), None)
    others: dict[str, Exposed] = {}
    for one in known:       # who came later was tested against what this product had shown by then
        if (one not in own or plain(one.shown) != mine) and (since is None or one.at < since):
            others[one.set] = one
    found = _differences(way, outward, gold, own[-1], mine) if own else []
    found += [finding for one in others.values() if one not in own for finding in shared_key(one.id, _keys(way, contract, outward, one))]
    return found + tables + _joint(way, contract, outward, Pinned(silver, gold), list(others.values()))


def _keys(way: Way, contract: Contract, outward: Outward, other: Exposed) -> list[str]:
    """Kept keys, subjects and exact times that another product shows too."""
    def exact(one: Contract, columns: Mapping[str, Treatment]) -> dict[str, str]:
        keep = [one.column(name) for name, how in columns.items() if isinstance(how, Keep)]
        return {column.more.element or column.name: column.name for column in keep
                if column.key is not None or column.more.subject or column.type.kind == "timestamp"}
    if outward.product.aggregate is not None or other.shown["aggregate"] is not None or other.dataset not in way.city.contracts:
        return []
    past = way.city.contracts[other.dataset]
    kept = {name: hows for name, hows in _treatments(other).items() if name in {column.name for column in past.columns}}
    mine, theirs = exact(contract, outward.product.columns), exact(past, kept)
    return sorted(mine[name] for name in mine.keys() & theirs.keys())


def _treatments(one: Exposed) -> dict[str, Treatment]:
    return {name: _TREATMENT.validate_python(shown["how"]) for name, shown in one.shown["columns"].items()}


def _differences(way: Way, outward: Outward, gold: TableAt, before: Exposed, mine: Mapping[str, Any]) -> list[Finding]:
    """Counts against those of the release before, where both are tables of the same make."""
    if mine["aggregate"] is None or plain(before.shown) != mine or before.gold["version"] == gold.version:
        return []
    aggregate = Aggregate.model_validate(mine["aggregate"])
    counts = [name for name, sql in aggregate.measures.items() if sql.lower().startswith("count")]
    if not counts or outward.product.disclosure.noise_epsilon is not None:      # noise hides by how much a count moved
        return []
    try:
        with way.engine.open({"before": TableAt(**before.gold), "now": gold}) as session:
            cells = int(session.rows(moved_query(aggregate.by, counts, "before", "now"))[0]["cells"])
    except CitylakeError:
        return [unmeasured(before.id)]
    return moved(before.id, cells)


def _tables(way: Way, contract: Contract, outward: Outward, at: Pinned, known: Sequence[Exposed], mine: Mapping[str, Any]) -> list[Finding]:
    """This table against the newest of each other product, and against what this product showed before it became this table."""
    me, found = (contract.id, outward.product.name), list[Finding]()
    first = not any((seen.dataset, seen.product) == me and plain(seen.shown) == mine for seen in known)
    tables = [one for one in known if one.shown["aggregate"] is not None and plain(one.shown) != mine]
    newest = {(one.dataset, one.product): one for one in tables if first or (one.dataset, one.product) != me}
    for one in newest.values():
        other = way.city.contracts[one.dataset]
        same = one.dataset != contract.id or one.silver.get("version") == at.silver.version
        found += subtracted(way, Shown(contract, mine, at.gold), Shown(other, one.shown, TableAt(**one.gold)), one.id,
                            least_cell(way, outward), same or first)
    return found


def _joint(way: Way, contract: Contract, outward: Outward, mine_at: Pinned, others: Sequence[Exposed]) -> list[Finding]:
    """Each earlier column set of rows beside this one's, then all of them at once. Tables have no rows that could be laid side by side."""
    if outward.product.aggregate is not None:
        return []
    mine = _quasi(contract.id, {name: outward.product.columns[name] for name in quasi_columns(contract, outward.product)},
                  outward.product.name if outward.widened else "")
    rows = [(one, _their_quasi(one)) for one in others if one.shown["aggregate"] is None]
    wider = [one for one, theirs in rows if not mine.issuperset(theirs) and not theirs.issuperset(mine)]
    groups: list[list[Exposed]] = [[one] for one in wider] + ([wider] if len(wider) > 1 else [])
    found: list[Finding] = []
    for group in groups:
        try:
            found += _together(way, contract, outward, mine_at, group)
        except (CitylakeError, KeyError, StopIteration):
            found += [unmeasured(one.id) for one in group]
    return list({fingerprint(plain(one)): one for one in found}.values())


def _quasi(dataset: str, columns: Mapping[str, Treatment], widened: str) -> set[str]:
    """What a product shows of its subjects. Columns that were `widened` (the product's name) are like no other product's, for each has
    classes of its own.
    """
    return {f"{dataset} {name} {fingerprint(how)} {widened}" for name, how in columns.items()}


def _their_quasi(one: Exposed) -> set[str]:
    hows, widened = _treatments(one), _widened(one)
    quasi = {name: hows[name] for name, shown in one.shown["columns"].items() if shown["quasi"]}
    return _quasi(one.dataset, quasi, one.product if widened else "")


def _together(way: Way, contract: Contract, outward: Outward, mine_at: Pinned, group: Sequence[Exposed]) -> list[Finding]:
    past = [(way.city.contracts[one.dataset], one) for one in group]
    link = _links(contract, [one for one, _ in past])
    if link is None:
        return [unmeasured(one.id) for one in group]
    columns = [quasi_columns(contract, outward.product)]
    sides = [Side(Outward(contract, _plain_product(outward), outward.codes, outward.zone), columns[0], link[0], mine_at.silver, mine_at)]
    for (other, one), links in zip(past, link[1:], strict=True):
        product = other.products[0].model_copy(update={"columns": {name: _plainly(how) for name, how in _treatments(one).items()},
                                                       "filter": one.shown["filter"], "aggregate": None, "tier": one.tier,
                                                       "disclosure": Disclosure(rows="mondrian" if _widened(one) else "hold")})
        columns.append([name for name, shown in one.shown["columns"].items() if shown["quasi"]])
        silver = mine_at.silver if other.id == contract.id else _in_force(way, other)
        pinned = Pinned(TableAt(**one.silver), TableAt(**one.gold)) if one.silver and _widened(one) else None
        sides.append(Side(Outward(other, product, way.city.codes, way.city.zone), columns[-1], links, silver, pinned))
    loose = "unconditional" if outward.tier == "unconditional" and all(one.tier == "unconditional" for one in group) else "restricted"
    k = k_of("unconditional" if loose == "unconditional" else "restricted", way.policy.thresholds)
    names = [f"{contract.id}.{outward.product.name}: {name}" for name in columns[0]]
    names += [f"{one.dataset}.{one.product}: {name}" for one, chosen in zip(group, columns[1:], strict=True) for name in chosen]
    return joint(joint_figures(way, sides, k), k, [one.id for one in group], names)


def _widened(one: Exposed) -> bool:
    return any(shown.get("widened") for shown in one.shown["columns"].values())


def _plain_product(outward: Outward) -> Product:
    return outward.product.model_copy(update={"columns": {name: _plainly(how) for name, how in outward.product.columns.items()}})


def _in_force(way: Way, contract: Contract) -> TableAt:
    name = table("silver", contract.id)
    return TableAt(name, way.journal.state(contract.id).tables[name])


def _plainly(how: Treatment) -> Treatment:
    """Treatments that need a key or a lookup are measured as if the value had left as it is: never less than what was told."""
    keyed = how.do in ("token", "shift") or isinstance(how, Redact) or (isinstance(how, Generalise) and how.address is not None)
    return Keep(do="keep") if keyed else how


def _links(contract: Contract, others: Sequence[Contract]) -> list[list[str]] | None:
    """The columns by which rows of one subject meet: the subject's own name in each dataset, or one dataset's keys."""
    every = [contract, *others]
    subjects = [[column.name for column in one.columns if column.more.subject] for one in every]
    if all(len(names) == 1 for names in subjects):
        kinds = {str(one.column(names[0]).type) for one, names in zip(every, subjects, strict=True)}
        return subjects if len(kinds) == 1 else None
    if all(one.id == contract.id for one in others) and contract.keys:
        return [list(contract.keys)] * len(every)
    return None


def listed(way: Way, dataset: str | None = None) -> Iterator[Exposed]:
    """The register for people: of one dataset's subjects, or of all."""
    yield from register(way, {population(way.contract(dataset))} if dataset else None)
