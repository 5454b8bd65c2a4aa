"""The exposure register: every column set ever released of one population of subjects, folded from the journals, and the test of a
new release against it. No truth of its own: what a release showed stands in its serve record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlglot import exp

from catalog.canonical import fingerprint, plain
from catalog.contract import Contract
from catalog.dialect import col
from catalog.errors import CitylakeError
from catalog.evidence import Finding, TableAt, Verdict
from catalog.extension import Aggregate, Generalise, Keep, Redact, Treatment
from pipelines.engines import Session
from pipelines.products import Outward, carried
from pipelines.way import Way, table
from privacy.disclosure import DISCLOSURE_VERSION, about_persons, k_of, quasi_columns
from privacy.exposure import joint, joint_query, moved, moved_query, shared_key, unmeasured

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
    rolled_back: bool = False

    @property
    def id(self) -> str:
        return f"{self.dataset}.{self.product}/r{self.number}"

    @property
    def set(self) -> str:
        """The same for every release that shows the same columns in the same way."""
        return fingerprint(self.dataset, self.product, self.shown)


def exposed(contract: Contract, outward: Outward) -> dict[str, Any] | None:
    """What a release shows of its subjects, for the record: None where the contract names no subjects or they are no persons."""
    if contract.fields.subjects is None or not about_persons(contract):
        return None
    product, quasi = outward.product, set(quasi_columns(contract, outward.product))
    levels = {column.name: column.level for column in outward.columns}
    columns = {name: {"how": how.model_dump(mode="json"), "level": levels.get(name, contract.column(name).level), "quasi": name in quasi,
                      "key": f"token-{contract.product_id(product.name)}" if how.do == "token" else None}
               for name, how in product.columns.items() if how.do != "drop"}
    aggregate = product.aggregate.model_dump(mode="json") if product.aggregate else None
    return {"subjects": contract.fields.subjects, "columns": columns, "filter": product.filter, "aggregate": aggregate,
            "period": plain(contract.period) if outward.by_period else None}


def register(way: Way, subjects: str | None = None) -> list[Exposed]:
    """Every release of these subjects (of all where None), oldest first. What was withdrawn or taken back has been seen all the same."""
    found = []
    for contract in way.city.contracts.values():
        state = way.journal.state(contract.id)
        for product, releases in state.releases.items():
            for one in releases:
                shown = one.body.get("exposed")
                if shown and subjects in (None, shown["subjects"]):
                    found.append(Exposed(contract.id, product, one.number, one.at, one.body["tier"], one.body["release"]["rows"], shown,
                                         one.body["gold"], one.number in state.revoked.get(product, {})))
    return sorted(found, key=lambda one: (one.at, one.id))


def exposure(way: Way, contract: Contract, outward: Outward, silver: TableAt, gold: TableAt) -> Verdict:
    """Tests a release that is about to be made against all earlier ones of its subjects."""
    mine = exposed(contract, outward)
    subject = {"silver": silver.version, "gold": gold.version}
    findings = _findings(way, contract, outward, silver, gold, plain(mine)) if mine else []
    return Verdict("disclosure", subject, f"{DISCLOSURE_VERSION} {way.policy.version}", tuple(findings))


def _findings(way: Way, contract: Contract, outward: Outward, silver: TableAt, gold: TableAt, mine: Mapping[str, Any]) -> list[Finding]:
    known = register(way, mine["subjects"])
    own = [one for one in known if (one.dataset, one.product) == (contract.id, outward.product.name)]
    since = next((one.at for one in own if plain(one.shown) == mine), None)
    others: dict[str, Exposed] = {}
    for one in known:       # who came later was tested against what this product had shown by then
        if (one not in own or plain(one.shown) != mine) and (since is None or one.at < since):
            others[one.set] = one
    found = _differences(way, outward, gold, own[-1], mine) if own else []
    found += [finding for one in others.values() if one not in own for finding in shared_key(one.id, _keys(way, contract, outward, one))]
    return found + _joint(way, contract, outward, silver, list(others.values()))


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
    if not counts:
        return []
    try:
        with way.engine.open({"before": TableAt(**before.gold), "now": gold}) as session:
            cells = int(session.rows(moved_query(aggregate.by, counts, "before", "now"))[0]["cells"])
    except CitylakeError:
        return [unmeasured(before.id)]
    return moved(before.id, cells)


def _joint(way: Way, contract: Contract, outward: Outward, silver: TableAt, others: Sequence[Exposed]) -> list[Finding]:
    """Each earlier column set of rows beside this one's, then all of them at once. Tables have no rows that could be laid side by side."""
    if outward.product.aggregate is not None:
        return []
    mine = _quasi(contract.id, {name: outward.product.columns[name] for name in quasi_columns(contract, outward.product)})
    rows = [(one, _their_quasi(one)) for one in others if one.shown["aggregate"] is None]
    wider = [one for one, theirs in rows if not mine.issuperset(theirs) and not theirs.issuperset(mine)]
    groups: list[list[Exposed]] = [[one] for one in wider] + ([wider] if len(wider) > 1 else [])
    found: list[Finding] = []
    for group in groups:
        try:
            found += _together(way, contract, outward, silver, group)
        except (CitylakeError, KeyError, StopIteration):
            found += [unmeasured(one.id) for one in group]
    return list({fingerprint(plain(one)): one for one in found}.values())


def _quasi(dataset: str, columns: Mapping[str, Treatment]) -> set[str]:
    return {f"{dataset} {name} {fingerprint(how)}" for name, how in columns.items()}


def _their_quasi(one: Exposed) -> set[str]:
    hows = _treatments(one)
    return _quasi(one.dataset, {name: hows[name] for name, shown in one.shown["columns"].items() if shown["quasi"]})


def _together(way: Way, contract: Contract, outward: Outward, silver: TableAt, group: Sequence[Exposed]) -> list[Finding]:
    past = [(way.city.contracts[one.dataset], one) for one in group]
    link = _links(contract, [one for one, _ in past])
    if link is None:
        return [unmeasured(one.id) for one in group]
    views, sides, columns = {"silver0": silver}, [_side(outward, link[0], "silver0")], [quasi_columns(contract, outward.product)]
    for at, (other, one) in enumerate(past, start=1):
        hows = {name: _plainly(how) for name, how in _treatments(one).items()}
        product = other.products[0].model_copy(update={"columns": hows, "filter": one.shown["filter"], "aggregate": None})
        views[f"silver{at}"] = silver if other.id == contract.id else _in_force(way, other)
        sides.append(_side(Outward(other, product, way.city.codes, way.city.zone), link[at], f"silver{at}"))
        columns.append([name for name, shown in one.shown["columns"].items() if shown["quasi"]])
    loose = "unconditional" if outward.tier == "unconditional" and all(one.tier == "unconditional" for one in group) else "restricted"
    k = k_of("unconditional" if loose == "unconditional" else "restricted", way.policy.thresholds)
    links = [f"_link{n}" for n in range(len(link[0]))]
    with way.engine.open(views) as session:
        figures = _figures(session, joint_query(sides, columns, links, k))
    names = [f"{contract.id}.{outward.product.name}: {name}" for name in columns[0]]
    names += [f"{one.dataset}.{one.product}: {name}" for one, chosen in zip(group, columns[1:], strict=True) for name in chosen]
    return joint(figures, k, [one.id for one in group], names)


def _in_force(way: Way, contract: Contract) -> TableAt:
    name = table("silver", contract.id)
    return TableAt(name, way.journal.state(contract.id).tables[name])


def _figures(session: Session, query: exp.Query) -> Mapping[str, Any]:
    return session.rows(query)[0]


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


def _side(outward: Outward, links: Sequence[str], view: str) -> exp.Query:
    """A product's quasi-identifiers as it shows them, with the link columns beside them, over a view of silver."""
    wanted = quasi_columns(outward.contract, outward.product)
    product = outward.product.model_copy(update={"columns": {name: _plainly(how) for name, how in outward.product.columns.items()}})
    query = Outward(outward.contract, product, outward.codes, outward.zone).query(carry=links)
    for node in list(query.find_all(exp.Table)):
        if node.name == "silver":
            node.set("this", exp.to_identifier(view, quoted=True))
    keys = [exp.alias_(col(carried(name)), f"_link{n}", quoted=True) for n, name in enumerate(links)]
    return exp.select(*map(col, wanted), *keys).from_(query.subquery("side"))


def listed(way: Way, dataset: str | None = None) -> Iterator[Exposed]:
    """The register for people: of one dataset's subjects, or of all."""
    subjects = way.contract(dataset).fields.subjects if dataset else None
    if dataset is None or subjects is not None:
        yield from register(way, subjects)
