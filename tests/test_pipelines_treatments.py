"""Treatments on a real lake: keys of tokens and shifts, lookups, and what happens without the model."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlglot import exp
from tiny import DATASET, GOOD, Tiny, by_step, column, contract

from catalog.dialect import col
from catalog.evidence import TableAt
from pipelines import boundary
from pipelines.audit import verify
from pipelines.conduct import run
from pipelines.lineage_rows import row
from privacy import model

KEEP = {"do": "keep"}
COLUMNS = [column("id", "text", "编号", key=1, required=True), column("kind", "text", "类别", codes="kinds"),
           column("height", "decimal(6,2)", "高度", strip_unit=["米"]), column("planted", "date", "种植日期"), column("note", "text", "备注", "L2")]
MORE = "编号,类别,高度,种植日期,备注\nT4,B,1.00,2026-01-02,新\n"


def product(name: str, columns: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "tier": "restricted", "purpose": "open_data", "formats": ["csv"], "columns": columns, **more}


def city(root: Path, *products: dict[str, Any]) -> Tiny:
    tiny = Tiny(root, columns=COLUMNS, products=list(products))
    tiny.drop("trees1.csv", GOOD)
    return tiny


def body(tiny: Tiny, name: str = "main") -> Mapping[str, Any]:
    return tiny.way().journal.state(DATASET).last[f"serve/{name}"]


def served(tiny: Tiny, name: str = "main", release: int = -1) -> list[dict[str, str]]:
    """Rows of a release, as the file has them."""
    found = tiny.way().journal.state(DATASET).releases[name][release].body["release"]
    with (tiny.settings.lake / found["folder"] / found["files"][0]["name"]).open(encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def keys(tiny: Tiny) -> list[Mapping[str, Any]]:
    return [record.body for record in tiny.way().journal.records(DATASET) if record.kind == "key"]


TOKENS = product("main", {"id": {"do": "token"}, "kind": KEEP})


def test_a_release_has_its_own_key_and_unchanged_input_keeps_it(tmp_path: Path) -> None:
    tiny = city(tmp_path, TOKENS)
    assert by_step(tiny.run())[f"{DATASET} serve main"] == "done"
    first, before = body(tiny)["key"], {item["编号"] for item in served(tiny)}
    tiny.run(from_batch=f"{DATASET}/b000001")        # silver is written again with the same rows
    assert len(tiny.way().journal.state(DATASET).releases["main"]) == 1
    assert [one["key"] for one in keys(tiny)] == [first]
    tiny.drop("trees2.csv", MORE)
    tiny.run()
    assert body(tiny)["key"] != first
    assert len(served(tiny)) == 4
    assert not before & {item["编号"] for item in served(tiny)}
    old = {item["编号"] for item in served(tiny, release=0)}
    assert old == before
    assert [origin.line for origin in row(tiny.way(), DATASET, "main", "r1", 1)]      # by the key of that release, not the newest


def test_a_key_is_on_record_before_gold_and_never_in_the_lake(tmp_path: Path) -> None:
    tiny = city(tmp_path, TOKENS)
    tiny.run()
    kinds = [record.kind for record in tiny.way().journal.records(DATASET)]
    assert kinds.index("key") < kinds.index("serve")
    secret = (tiny.settings.secrets / f"release-{body(tiny)['key']}").read_bytes()
    files = [path.read_bytes() for path in tiny.settings.lake.rglob("*") if path.is_file()]
    assert files
    assert not any(secret in content or secret.hex().encode() in content for content in files)


@pytest.mark.parametrize("at", ["serve/key/file", "journal/key/before", "journal/key/after", "table/gold/after", "serve/renamed"])
def test_killed_around_its_key_a_release_is_made_all_the_same(tmp_path: Path, at: str) -> None:
    tiny = city(tmp_path, TOKENS)

    def killed(name: str) -> None:
        if name == at:
            raise KeyboardInterrupt

    boundary.watchers.append(killed)
    try:
        with pytest.raises(KeyboardInterrupt):
            tiny.run()
    finally:
        boundary.watchers.remove(killed)
    assert by_step(tiny.run())[f"{DATASET} serve main"] == "done"
    assert [record["key"] for record in keys(tiny)][-1] == body(tiny)["key"]
    assert len(keys(tiny)) == 1
    assert len(served(tiny)) == 3
    assert verify(tiny.way()) == []


def test_tokens_of_two_products_never_meet(tmp_path: Path) -> None:
    tiny = city(tmp_path, TOKENS, product("other", {"id": {"do": "token"}}))
    tiny.run()
    one, other = ({item["编号"] for item in served(tiny, name)} for name in ("main", "other"))
    assert len(one) == len(other) == 3
    assert not one & other


def test_a_lost_key_stops_lineage_and_is_not_made_anew(tmp_path: Path) -> None:
    tiny = city(tmp_path, TOKENS)
    tiny.run()
    path = tiny.settings.secrets / f"release-{body(tiny)['key']}"
    path.unlink()
    with pytest.raises(Exception, match="key of a release"):
        row(tiny.way(), DATASET, "main", "r1", 1)
    assert not path.exists()


def test_a_shift_is_the_same_in_every_release(tmp_path: Path) -> None:
    tiny = city(tmp_path, product("main", {"kind": KEEP, "planted": {"do": "shift", "by": "id", "days": 30}}))
    assert by_step(tiny.run())[f"{DATASET} serve main"] == "done"
    before = {item["种植日期"] for item in served(tiny)}
    assert not before & {"2026-03-12", "2025-11-30", "2024-01-05"}
    assert all(min(abs((date.fromisoformat(moved) - real).days) for real in (date(2026, 3, 12), date(2025, 11, 30), date(2024, 1, 5))) <= 30
               for moved in before)
    tiny.drop("trees2.csv", MORE)
    tiny.run()
    assert before < {item["种植日期"] for item in served(tiny)}
    assert [origin.line for origin in row(tiny.way(), DATASET, "main", "r1", 1)]


REDACTED = product("main", {"kind": KEEP, "note": {"do": "redact"}})
CALLS = "编号,类别,高度,种植日期,备注\nT8,A,1.00,2026-01-02,送到3幢\nT9,A,1.00,2026-01-02,\n"


def test_a_text_is_redacted_and_traced(tmp_path: Path) -> None:
    tiny = city(tmp_path, REDACTED)
    tiny.drop("trees3.csv", CALLS)
    way = tiny.way()
    run(way)
    gold = body(tiny)["gold"]
    with way.engine.open({"gold": TableAt(**gold)}) as session:
        found = [item["note"] for item in session.rows(exp.select(col("note")).from_("gold"))]
    assert len(found) == 5
    assert "送到[地址]" in found
    assert found.count(None) == 2
    assert body(tiny)["outcome"] == "done"
    at = [item["备注"] for item in served(tiny)].index("送到[地址]") + 1
    (origin,) = row(tiny.way(), DATASET, "main", "r1", at)
    assert origin.line == 2


def test_without_the_model_it_is_held_and_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = city(tmp_path, product("main", {"kind": KEEP}))
    tiny.run()                          # admission needs the model as well
    tiny.declare(contract(columns=COLUMNS, products=[REDACTED]))
    with monkeypatch.context() as patch:
        patch.setattr("privacy.model._installed", lambda: tmp_path / "nowhere")
        model._load.cache_clear()
        assert by_step(tiny.run())[f"{DATASET} serve main"] == "held"
        hold = next(iter(tiny.way().journal.state(DATASET).holds.values()))
        assert (hold.role, hold.approvable, hold.findings[0]["rule"]) == ("privacy_officer", False, "screen.model")
        assert body(tiny)["release"] is None
    model._load.cache_clear()
    assert by_step(tiny.run())[f"{DATASET} serve main"] == "done"
    assert not tiny.way().journal.state(DATASET).holds


def test_an_address_is_cut_or_empty(tmp_path: Path) -> None:
    tiny = city(tmp_path, product("main", {"kind": KEEP, "note": {"do": "generalise", "address": "city"}}))
    assert by_step(tiny.run())[f"{DATASET} serve main"] == "done"
    assert {item["备注"] for item in served(tiny)} == {""}        # no addresses: nothing leaves
