"""Doubts at admission: what may be personal waits for the privacy officer alone; what was not seen waits for nobody, until it is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_pipelines_clauses import RULE, kept, policy, resident
from tiny import DATASET, Tiny, by_step, column, contract

from catalog.errors import Refused
from pipelines import column_screens, content, screening
from pipelines.audit import verify
from pipelines.decisions import decide, inbox
from pipelines.state import Hold
from privacy.column_verdicts import held as unseen

INGEST = f"{DATASET} ingest"
NOBODY = ("steward_p", "secrecy", "bureau", "bureau2", "auditor", "author_p")
HEADER = "编号,类别,高度,种植日期,备注\n"
DOUBTFUL = HEADER + "TQ-7301,A,1,2026-01-01,see 13912345678 there\n"


def waiting(city: Tiny) -> Hold:
    (hold,) = city.way().journal.state(DATASET).holds.values()
    return hold


def only_in_holding(city: Tiny, text: str) -> None:
    places = {path.split("/")[1] for places in kept(city, text, "2026-01-01").values() for path in places}
    assert places == {"holding"}


def test_a_doubt_is_the_privacy_officers_alone(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    city.drop("trees1.csv", DOUBTFUL)
    assert by_step(city.run(DATASET))[INGEST] == "held"
    hold = waiting(city)
    (finding,) = hold.findings
    assert (hold.role, hold.approvable, finding["rule"], finding["column"]) == ("privacy_officer", True, "doubt.personal", "note")
    assert finding["observed"]["kinds"] == {"mobile": 1}
    assert "13912345678" not in str(hold.body)
    only_in_holding(city, DOUBTFUL)
    assert {person.id for item in inbox(city.way()) for person in item.people} == {"officer"}
    for person in NOBODY:
        city.become(person)
        with pytest.raises(Refused):
            decide(city.way(), hold.id, "approve", "Looked at it and it is well")
    city.become("officer")
    decide(city.way(), hold.id, "approve", "A number of a device")
    assert by_step(city.run(DATASET))[INGEST] == "done"
    assert verify(city.way()) == []


@pytest.mark.parametrize("why", ["error", "partial"])
def test_what_was_not_seen_is_nobodys_to_approve_and_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    text = HEADER + "TQ-7301,A,1,2026-01-01,repaired twice\n"

    def failing(*_: Any) -> Any:
        raise ValueError("repaired twice")

    def blind(_way: Any, _session: Any, types: dict[str, Any], *_: Any) -> Any:
        return {name: unseen(name, why) for name in types}

    city = Tiny(tmp_path)
    city.drop("trees1.csv", text)
    with monkeypatch.context() as patched:
        if why == "error":
            patched.setattr(column_screens, "_verdict", failing)
        else:
            patched.setattr(content, "screen_columns", blind)
        for _ in range(2):
            outcomes = city.run(DATASET)
            assert by_step(outcomes)[INGEST] == "held"
            hold = waiting(city)
            assert {finding["rule"] for finding in hold.findings} == {f"unseen.{why}"}
            assert (hold.role, hold.approvable) == ("privacy_officer", False)
            assert "repaired" not in str(hold.body) + str([one.note for one in outcomes])
            only_in_holding(city, text)
            assert [person for item in inbox(city.way()) for person in item.people] == []
            for person in (*NOBODY, "officer"):
                city.become(person)
                with pytest.raises(Refused):
                    decide(city.way(), hold.id, "approve", "Looked at it and it is well")
    assert by_step(city.run(DATASET))[INGEST] == "done"         # the error has passed: nobody had to do anything
    assert city.way().journal.state(DATASET).holds == {}
    assert verify(city.way()) == []


SERVE = f"{DATASET} serve main"
OPEN = [column("id", "text", "编号", key=1, required=True), column("note", "text", "备注")]


def nobody_may_approve(city: Tiny, rules: set[str]) -> None:
    hold = waiting(city)
    assert {finding["rule"] for finding in hold.findings} == rules
    assert (hold.role, hold.approvable) == ("privacy_officer", False)
    assert [person for item in inbox(city.way()) for person in item.people] == []
    for person in (*NOBODY, "officer"):
        city.become(person)
        with pytest.raises(Refused):
            decide(city.way(), hold.id, "approve", "Looked at it and it is well")


def test_what_was_not_seen_of_a_release_is_nobodys_to_approve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(_way: Any, _session: Any, types: dict[str, Any], *_: Any) -> Any:
        return {name: unseen(name, "partial") for name in types if name == "note"}

    city = Tiny(tmp_path, columns=OPEN)
    city.drop("trees1.csv", "编号,备注\nT1,repaired twice\n")
    with monkeypatch.context() as patched:
        patched.setattr(screening, "screen_columns", blind)
        assert by_step(city.run(DATASET))[SERVE] == "held"
        nobody_may_approve(city, {"screen.unseen.note"})
    assert by_step(city.run(DATASET))[SERVE] == "done"
    assert city.way().journal.state(DATASET).holds == {}


def test_a_certain_identifier_that_the_contract_does_not_name_is_nobodys_to_release(tmp_path: Path) -> None:
    city = Tiny(tmp_path)
    policy(city, collection_rules=[{**RULE, "kinds": ["resident_id", "mobile"], "datasets": [DATASET]}])
    city.declare(contract(DATASET, OPEN, collection_rule="R1"))
    city.drop("trees1.csv", f"编号,备注\nT1,登记人{resident()}已核\n")
    assert by_step(city.run(DATASET))[SERVE] == "held"
    nobody_may_approve(city, {"screen.certain.resident_id.note"})
    city.drop("trees1.csv", "编号,备注\nT1,登记人已核\nT2,see 13912345678 there\n")         # in doubt only
    assert by_step(city.run(DATASET))[SERVE] == "held"
    assert (waiting(city).approvable, waiting(city).findings[0]["rule"]) == (True, "screen.mobile.note")
