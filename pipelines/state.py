"""What a dataset's journal means: a pure fold of its records into the versions, batches, holds and releases in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from catalog.evidence import Decision

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Batch:
    """An admitted batch: one fetch from a source, or one member of a fetched archive. `body` is its journal entry."""

    id: str
    source: str
    sha256: str
    rows: int
    order: int                  # position in the dataset's order of time; later wins
    body: Body


@dataclass(frozen=True)
class Hold:
    """Something that waits for a person. `subject` binds it to exact inputs and findings."""

    id: str
    step: str
    target: str                 # product for serve, batch id for ingest, else ""
    subject: str
    role: str
    approvable: bool
    findings: tuple[Body, ...]
    at: str
    body: Body


@dataclass(frozen=True)
class Release:
    """One published state of a product, numbered by the journal."""

    product: str
    number: int
    hash: str
    at: str
    body: Body

    @property
    def id(self) -> str:
        return f"r{self.number}"


@dataclass(frozen=True)
class State:
    """Everything in force for one dataset. Versions are the only ones that a reader may open."""

    dataset: str
    seq: int = 0
    tables: Mapping[str, int] = field(default_factory=dict)
    batches: tuple[Batch, ...] = ()
    offers: Mapping[str, Body] = field(default_factory=dict)      # "source/offer hash" → last outcome
    holds: Mapping[str, Hold] = field(default_factory=dict)       # open ones only
    past_holds: Mapping[str, Hold] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()
    last: Mapping[str, Body] = field(default_factory=dict)        # "step/target" → newest record of it
    passed: Mapping[str, Body] = field(default_factory=dict)      # "step/target" → newest record of it that was let through
    releases: Mapping[str, tuple[Release, ...]] = field(default_factory=dict)
    revoked: Mapping[str, Mapping[int, Body]] = field(default_factory=dict)  # product → numbers of releases taken back by a rollback
    withdrawn: Mapping[str, Body] = field(default_factory=dict)   # product → tombstone record
    published: Mapping[str, Body] = field(default_factory=dict)   # "portal/product" → newest publish record
    seen: int = 0                                                 # batches ever fetched, admitted or not
    collected: Mapping[str, str] = field(default_factory=dict)    # batch → when it was first recorded: admitted or held
    forgotten: Mapping[str, Body] = field(default_factory=dict)   # erased batch → hashes of its bytes, which never come again
    marks: tuple[str, ...] = ()                                   # operations that took batches out of force (kind «erasing»)
    emptied: Mapping[str, int] = field(default_factory=dict)      # tables that an erasure emptied: versions to write from, not to read
    erased: Mapping[str, frozenset[int]] = field(default_factory=dict)     # product → releases whose files were erased
    roles: Mapping[str, frozenset[str]] | None = None             # person → roles today; None: not known, so nobody has lost one

    def done(self, step: str, target: str, op: str) -> Body | None:
        """The newest record of this step and target, if it came from this very operation."""
        body = self.last.get(f"{step}/{target}")
        return body if body is not None and body.get("op") == op else None

    def release(self, product: str) -> Release | None:
        """The release of a product that is in force: the newest that was neither taken back nor erased."""
        gone = {*self.revoked.get(product, {}), *self.erased.get(product, ())}
        return next((one for one in reversed(self.releases.get(product, ())) if one.number not in gone), None)

    def base(self, name: str) -> int | None:
        """The version that the next write of a table starts from."""
        return self.tables.get(name, self.emptied.get(name))

    def newest(self, product: str) -> Release | None:
        """The newest release ever made of a product, in force or taken back."""
        found = self.releases.get(product, ())
        return found[-1] if found else None

    def approval(self, subject: str, today: date) -> Decision | None:
        """The newest unexpired, unrevoked approval of exactly this subject, if as many people approve it as its hold takes."""
        good, needed = self.approving(subject, today)
        return good[-1] if len(good) >= needed else None

    def approving(self, subject: str, today: date) -> tuple[list[Decision], int]:
        """The approvals of this subject that count today, one a person, and how many it takes: some holds take several `people`."""
        known = {**self.past_holds, **self.holds}
        valid: dict[str, Decision] = {}         # by person: one cannot be two
        needed = 1
        for decision in self.decisions:
            hold = known.get(decision.hold)
            if hold is None or hold.subject != subject:
                continue
            needed = max(needed, int(hold.body.get("people", 1)))
            valid = {**valid, decision.person: decision} if decision.verdict == "approve" else {}
        return [decision for decision in valid.values() if self._counts(decision, known[decision.hold], today)], needed

    def _counts(self, decision: Decision, hold: Hold, today: date) -> bool:
        """Until its last day, and as long as who gave it may still decide: an approval ends with the role that it was given in."""
        mine = self.roles.get(decision.person, frozenset()) if self.roles is not None else frozenset({hold.role})
        return not expired(decision, today) and (hold.role in mine or (hold.role == "steward" and "bureau" in mine))

    def standing(self, today: date) -> tuple[Decision, ...]:
        """Approvals that count today, where as many people give them as their hold takes; in the order in which they were given."""
        subjects = {hold.subject for hold in (*self.past_holds.values(), *self.holds.values())}
        enough = [good for good, needed in (self.approving(subject, today) for subject in sorted(subjects)) if len(good) >= needed]
        ids = {decision.id for good in enough for decision in good}
        return tuple(decision for decision in self.decisions if decision.id in ids)

    def cleared(self, doubt: str, today: date) -> str:
        """The hold whose approval counts today and that was about this very doubt; or ``."""
        held = [hold for hold in {**self.past_holds, **self.holds}.values() if hold.body.get("doubt") == doubt]
        return next((hold.id for hold in held if doubt and self.approval(hold.subject, today)), "")

    def rejected(self, subject: str) -> bool:
        """Whether the newest decision on this subject is a rejection."""
        known = {**self.past_holds, **self.holds}
        verdicts = [d.verdict for d in self.decisions if d.hold in known and known[d.hold].subject == subject]
        return bool(verdicts) and verdicts[-1] == "reject"

    def applicable(self, today: date, step: str, target: str = "") -> list[str]:
        """Ids of the decisions on this step's holds that count today; part of the operation's id."""
        known = {**self.past_holds, **self.holds}
        mine = [d for d in self.decisions if d.hold in known and (known[d.hold].step, known[d.hold].target) == (step, target)]
        return sorted(f"{d.id}:{d.verdict}" for d in mine if d.verdict != "approve" or self._counts(d, known[d.hold], today))


def expired(decision: Decision, today: date) -> bool:
    """An approval ends after its `until` day."""
    return decision.until is not None and date.fromisoformat(decision.until) < today


def fold(state: State, kind: str, body: Body, seq: int, at: str) -> State:
    """The state after one more record."""
    state = replace(state, seq=seq)
    if kind == "decision":
        return _decided(state, body, at)
    step, target = body.get("step", kind), body.get("target", "")
    state = replace(state, last={**state.last, f"{step}/{target}": body})
    if body.get("outcome") == "done":
        state = replace(state, passed={**state.passed, f"{step}/{target}": body})
    if kind == "ingest":
        state = _ingested(state, body, at)
    elif kind in ("erasing", "erase"):
        state = _erased(state, kind, body)
    elif kind == "publish":
        state = replace(state, published={**state.published, f"{body['portal']}/{body['product']}": body})
    elif kind == "rollback":
        state = _rolled(state, body)
    elif kind == "withdrawing":
        state = replace(state, withdrawn={**state.withdrawn, body["product"]: body})
    written = body.get("tables", {})
    state = replace(state, tables={**state.tables, **written}, emptied={k: v for k, v in state.emptied.items() if k not in written})
    if release := body.get("release"):
        number = Release(body["target"], release["number"], release["hash"], at, body)
        known = state.releases.get(body["target"], ())
        state = replace(state, releases={**state.releases, body["target"]: (*known, number)})
    return _held(state, body, at)


def _rolled(state: State, body: Body) -> State:
    """A rollback takes back every release after the one that it goes to."""
    name = body["product"]
    gone = {one.number: body for one in state.releases.get(name, ()) if one.number > body["to"]}
    return replace(state, revoked={**state.revoked, name: {**gone, **state.revoked.get(name, {})}})


def _erased(state: State, kind: str, body: Body) -> State:
    """«erasing» takes batches out of force; «erase» says which tables are empty now and which releases have no files any more."""
    if kind == "erasing":
        gone = {item["id"]: item for item in body["erased"]}
        return replace(state, batches=tuple(batch for batch in state.batches if batch.id not in gone),
                       forgotten={**state.forgotten, **gone}, marks=(*state.marks, body["op"]) if gone else state.marks)
    tables = {name: version for name, version in state.tables.items() if name not in body["emptied"]}
    releases = {name: state.erased.get(name, frozenset()) | frozenset(numbers) for name, numbers in body["releases"].items()}
    return replace(state, tables=tables, emptied={**state.emptied, **body["emptied"]}, erased={**state.erased, **releases})


def _ingested(state: State, body: Body, at: str) -> State:
    named = [item["id"] for item in body.get("batches", ())] + [item["batch"]["id"] for item in body.get("holds", ()) if "batch" in item]
    state = replace(state, collected={**dict.fromkeys(named, at), **state.collected})
    added = tuple(
        Batch(item["id"], item["source"], item["sha256"], item["rows"], item["order"], item)
        for item in body.get("batches", ())
    )
    batches = tuple(sorted((*state.batches, *added), key=lambda batch: batch.order))
    offers = {**state.offers, **{f"{item['source']}/{item['offer']}": item for item in body.get("offers", ())}}
    return replace(state, batches=batches, offers=offers, seen=body.get("seen", state.seen))


def _held(state: State, body: Body, at: str) -> State:
    step, target = body.get("step"), body.get("target", "")
    closed = set(body.get("closed", ()))
    if step in ("refine", "serve"):     # a new outcome of a step replaces what it held before
        closed |= {hold.id for hold in state.holds.values() if hold.step == step and hold.target == target}
    past = {**state.past_holds, **{key: hold for key, hold in state.holds.items() if key in closed}}
    holds = {key: hold for key, hold in state.holds.items() if key not in closed}
    for item in body.get("holds", ()):
        since = past[item["id"]].at if item["id"] in past else at
        holds[item["id"]] = Hold(
            item["id"], item["step"], item.get("target", ""), item["subject"], item["role"],
            item["approvable"], tuple(item["findings"]), since, item,
        )
        past.pop(item["id"], None)
    return replace(state, holds=holds, past_holds=past)


def _decided(state: State, body: Body, at: str) -> State:
    decision = Decision(body["id"], body["hold"], body["person"], body["verdict"], body["reason"], at, body.get("until"))
    return replace(state, decisions=(*state.decisions, decision))
