"""Small files of one source are looked at together: each is judged as if it were alone, and ten thousand cost what one costs, nearly."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import zoo
from tiny import DATASET, Tiny, column
from twins import hashes, records, same_keys, tables, told, unlike

from pipelines import judging
from pipelines.bronze import gather
from pipelines.content import content_of, contents_of
from pipelines.parsing import parse

HEADER = "编号,类别,高度,种植日期,备注"


def test_together_every_batch_has_the_verdicts_that_it_has_alone(tmp_path: Path) -> None:
    """Columns of the zoo under declared, telling and silent headers, a few rows or one, with empty cells and cues."""
    columns = [column("id", "text", "编号", key=1, required=True), column("phone", "text", "服务电话", identifies="landline"),
               column("note", "text", "备注"), column("code", "text", "信用代码", identifies="social_credit_code"),
               column("title", "text", "名称"), column("number", "bigint", "数量")]
    city = Tiny(tmp_path / "city", columns=columns)
    way, contract, r = city.way(), city.way().contract(DATASET), random.Random(11)
    harmless = [maker for flagged, _, _, maker in zoo.KINDS.values() if not flagged]
    kinds = [*harmless, *[maker for flagged, _, _, maker in zoo.KINDS.values() if flagged]]
    batches = []
    for at in range(26):
        makers = [r.choice(harmless if r.random() < 0.8 else kinds) for _ in contract.given]
        rows = [[f"{at}-{row}", *["" if r.random() < 0.2 else maker(r) for maker in makers[1:]]] for row in range(r.choice((1, 3, 40)))]
        rows[0][2] += "部队番号" if at % 13 == 5 else ""
        payload = tmp_path / f"{at}.csv"
        payload.write_text("\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row)
                                     for row in [["编号", "服务电话", "备注", "信用代码", "名称", "数量"], *rows]) + "\n", encoding="utf-8")
        candidate = tmp_path / f"{at}.parquet"
        parsed = parse(contract, contract.sources[0], payload, payload.name, candidate)
        assert parsed.rows == len(rows)
        batches.append((candidate, f"b{at}", "s", "0", at))
    gather(contract, batches, tmp_path / "all.parquet")
    together = contents_of(way, contract, tmp_path / "all.parquet")
    for candidate, name, *_ in batches:
        alone = content_of(way, contract, candidate)
        doubt = any(one.decision != "PASS" for one in alone.verdicts.values())
        assert (name in together) != doubt, alone.verdicts
        if not doubt:
            assert together[name] == alone
    assert 4 < len(together) < 22


def _day(city: Tiny) -> None:
    """Good files, the same bytes twice, an unknown column, a broken record, a cue, a doubt, a bad name, and one that is refused."""
    for at in range(4):
        city.drop(f"trees{at}.csv", f"{HEADER}\nT{at},A,{at}.5,2026-03-0{at + 1},\nU{at},B,,2026-03-11,已修剪\n")
    city.drop("trees10.csv", f"{HEADER}\nT0,A,0.5,2026-03-01,\nU0,B,,2026-03-11,已修剪\n")
    city.drop("trees11.csv", f"{HEADER},新列\nT11,A,1,2026-03-01,,x\n")
    city.drop("trees12.csv", f"{HEADER}\nT12,A,1,2026-03-01,,,,\nT13,A,2,2026-03-02,\n")
    city.drop("trees13.csv", f"{HEADER}\nT14,A,1,2026-03-01,部队番号见附件\n")
    city.drop("trees14.csv", f"{HEADER}\nT15,A,1,2026-03-01,see 13912345678 there\n")
    city.drop("trees15.csv", f"{HEADER}\n" + "".join(f"V{at},A,1,2026-03-01,{zoo.resident(random.Random(at))}\n" for at in range(9)))
    city.drop("trees16.csv", "")


@pytest.mark.parametrize("merge", ["upsert", "snapshot"])
def test_a_city_records_the_same_whether_files_are_looked_at_together_or_alone(tmp_path: Path, merge: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Tiny] = []
    said: list[list[tuple[str, ...]]] = []
    for fewest in (judging.FEWEST, 10**9):
        monkeypatch.setattr(judging, "FEWEST", fewest)
        city = Tiny(tmp_path / str(fewest), merge=merge, volume={"max_shrink": 1.0})
        with same_keys(found[0].settings.secrets if found else None, city.settings.secrets):
            _day(city)
            outcomes = told(city.run())
            city.drop("trees20.csv", f"{HEADER}\nT0,A,9.5,2026-04-01,\nU0,B,,2026-03-11,已修剪\n")
            for at in (21, 22, 23):       # in a snapshot, the first bytes again are a return to them
                city.drop(f"trees{at}.csv", f"{HEADER}\nT0,A,{at % 2}.5,2026-03-01,\nU0,B,,2026-03-11,已修剪\n")
            outcomes += told(city.run())
        found.append(city)
        said.append(outcomes)
    together, alone = (city.way() for city in found)
    assert said[0] == said[1]
    first = next(iter(together.journal.records(DATASET))).body
    assert {finding["rule"] for hold in first["holds"] for finding in hold["findings"]} >= {
        "columns.unknown", "secrecy.strong", "doubt.personal", "format.unreadable"}
    assert (len(first["skipped"]), [finding["rule"] for item in first["refused"] for finding in item["findings"] if not finding["passed"]]) == (
        int(merge == "upsert"), ["collection.rule"])
    assert unlike(tables(together), tables(alone)) == []
    assert records(together) == records(alone)
    assert hashes(together) == hashes(alone)
