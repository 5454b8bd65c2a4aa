"""Social credit codes of individual businesses (they begin with 92) are natural persons' identifiers, though an office publishes the others."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from test_pipelines_disclosure import rule
from tiny import Tiny, by_step, column, contract

from privacy.checksums import USCC_ALPHABET, uscc_check


def code(seed: int, kind: str) -> str:
    rng = random.Random(seed)
    body = f"9{kind}330100" + "".join(rng.choice(USCC_ALPHABET) for _ in range(9))
    return next(body + mark for mark in USCC_ALPHABET if uscc_check(body + mark))


def city(root: Path, businesses: int, kinds: str | None = None) -> Tiny:
    """Sixty codes, so many of them of individual businesses, in an open column that names them."""
    made = Tiny(root)
    columns = [column("id", "text", "统一社会信用代码", key=1, required=True, identifies="social_credit_code"), column("height", "text", "高度")]
    made.declare(contract(columns=columns, **({"collection_rule": "RULE-1"} if kinds is not None else {})))
    if kinds is not None:
        made.write("negative_list.yaml", rule("parks.trees").replace("kinds: []", f"kinds: [{kinds}]"))
    lines = "".join(f"{code(at, '2' if at < businesses else '1')},3\n" for at in range(60))
    made.drop("trees1.csv", f"统一社会信用代码,高度\n{lines}")
    return made


@pytest.mark.parametrize(("businesses", "outcome"), [(0, "done"), (1, "held"), (20, "held")])
def test_a_few_among_enterprises_hold_the_release(tmp_path: Path, businesses: int, outcome: str) -> None:
    made = city(tmp_path, businesses)
    outcomes = by_step(made.run())
    assert outcomes["parks.trees ingest"] == "done"
    assert outcomes["parks.trees serve main"] == outcome
    found = [finding["rule"] for hold in made.way().journal.state("parks.trees").holds.values() for finding in hold.findings]
    assert found == (["screen.social_credit_code.id"] if outcome == "held" else [])


@pytest.mark.parametrize(("kinds", "outcome"), [(None, "refused"), ("name", "refused"), ("individual_business", "done")])
def test_a_list_of_them_needs_a_rule(tmp_path: Path, kinds: str | None, outcome: str) -> None:
    assert by_step(city(tmp_path, 60, kinds).run())["parks.trees ingest"] == outcome
