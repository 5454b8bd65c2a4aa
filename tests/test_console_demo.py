"""The demo city through the whole way: every planted defect has its outcome in the journal, and there is no other."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from catalog.contract import Contract
from console.demo import DAILY, KEPT_SHORT, Canary, Planted, generate, planted
from console.demo.draw import EARLIER, Draw
from console.demo.market_regulation import register
from console.demo.story import SCENES, shown, told
from console.words import speak
from pipelines.audit import verify
from pipelines.conduct import Outcome, run
from pipelines.journal import now
from pipelines.pages import item as page_of
from pipelines.products import Outward
from pipelines.settings import settings
from pipelines.steps.retain import retain
from pipelines.way import Way, open_way, table

SEED, SCALE = 7, 0.05
Found = Counter[tuple[str, str, int]]       # dataset, rule, day


@dataclass(frozen=True)
class Demo:
    """The days of a run (0: forty days before): the outcomes of each, and the city's way as it stands after the last. What was over its
    time after day 1 was erased then.
    """

    way: Way
    days: Mapping[int, list[Outcome]]
    retained: list[Outcome]

    def bodies(self, step: str, day: int) -> list[tuple[str, Mapping[str, Any]]]:
        return [(item.dataset, item.body) for item in self.days[day] if item.step == step and item.body and item.outcome != "unchanged"]

    def rows(self, layer: str, dataset: str) -> pa.Table:
        name = table(layer, dataset)
        version = self.way.journal.state(dataset).tables[name]
        return DeltaTable(self.way.settings.lake / "tables" / name, version=version).to_pyarrow_table()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    place = settings({"CITYLAKE_STATE": str(tmp_path_factory.mktemp("demo") / "state")})
    generate(place.sources, SEED, SCALE, 0)
    days, retained = {0: run(open_way(place, lambda: now() - timedelta(days=EARLIER)), [KEPT_SHORT])}, []
    way = open_way(place)
    for day in (1, 2):
        generate(place.sources, SEED, SCALE, day)
        days[day] = run(way)
        retained += retain(way)
    return Demo(way, days, retained)


def expected(outcome: str) -> list[Planted]:
    return [item for item in planted() if item.outcome == outcome]


def rules(findings: list[Mapping[str, Any]]) -> list[str]:
    return [found["rule"] for found in findings if not found["passed"] and found["severity"] == "block"]


def found_at(demo: Demo, step: str, key: str) -> Found:
    """Blocking findings of the holds or refusals of a step, once each."""
    return Counter((dataset, rule, day) for day in (1, 2) for dataset, body in demo.bodies(step, day)
                   for item in body.get(key, ()) for rule in rules(item["findings"]))


def of(items: list[Planted]) -> Found:
    found: Found = Counter()
    for item in items:
        found[item.dataset, item.rule, item.day] += item.count
    return found


def test_no_step_fails(demo: Demo) -> None:
    every = [item for day in demo.days.values() for item in day] + demo.retained
    assert [(item.dataset, item.step, item.note) for item in every if item.outcome == "failed"] == []


def test_batches_are_held_where_planted_and_nowhere_else(demo: Demo) -> None:
    assert found_at(demo, "ingest", "holds") == of(expected("held"))


def test_a_secrecy_cue_waits_for_the_secrecy_officer(demo: Demo) -> None:
    roles = {hold["role"] for _, body in demo.bodies("ingest", 1) for hold in body["holds"] if rules(hold["findings"]) == ["secrecy.strong"]}
    assert roles == {"secrecy_officer"}


def test_batches_are_refused_where_planted_and_nowhere_else(demo: Demo) -> None:
    whole = Counter({(item.dataset, "excluded", 1): 1 for item in expected("forbidden")})
    assert found_at(demo, "ingest", "refused") == of(expected("refused")) + whole


def test_repeated_files_are_skipped_with_the_reason(demo: Demo) -> None:
    skipped = Counter((dataset, item["reason"], day) for day in (1, 2) for dataset, body in demo.bodies("ingest", day)
                      for item in body["skipped"])
    assert skipped == of(expected("skipped"))


def test_too_many_bad_rows_hold_the_dataset(demo: Demo) -> None:
    assert first_day(demo, "refine") == {(item.dataset, item.rule): item.day for item in expected("dataset_held")}


def test_the_gate_holds_what_no_contract_names_and_what_tells_only_together(demo: Demo) -> None:
    assert first_day(demo, "serve") == {(item.dataset, item.rule): item.day for item in expected("release_held")}


def first_day(demo: Demo, step: str) -> Mapping[tuple[str, str], int]:
    """Dataset and rule of what is held → the day on which it was first."""
    held = found_at(demo, step, "holds")
    return {(dataset, rule): min(day for other, name, day in held if (other, name) == (dataset, rule)) for dataset, rule, _ in held}


def test_a_forbidden_dataset_is_refused_before_a_byte_is_fetched(demo: Demo) -> None:
    refused = {item.dataset: item.body["barred"] for item in demo.days[1] if "barred" in item.body}
    assert refused == {item.dataset: item.rule for item in expected("forbidden")}
    assert [record.kind for name in refused for record in demo.way.journal.records(name)] == ["ingest"]     # once for both days
    assert [name for name in refused if demo.way.journal.state(name).seen or demo.way.journal.state(name).offers] == []
    assert {item.outcome for item in demo.days[2] if item.dataset in refused and item.step == "ingest"} == {"unchanged"}


def test_what_is_over_its_time_is_erased_and_the_audit_accepts_it(demo: Demo) -> None:
    for item in expected("erased"):
        state = demo.way.journal.state(item.dataset)
        assert len(state.forgotten) == item.count
        assert len(state.batches) == 1
        assert [record.body["rule"] for record in demo.way.journal.records(item.dataset) if record.kind == "erasing"] == [item.rule]
        days = {day.isoformat()[:7] for day in demo.rows("silver", item.dataset)["found_on"].to_pylist()}
        assert "2026-10" not in days
    assert verify(demo.way) == []


def test_persons_in_words_are_masked_before_they_leave(demo: Demo) -> None:
    (item,) = expected("masked")
    words = gold(demo, item.dataset, "texts")["words"].to_pylist()
    assert len(words) > 20
    assert any("[姓名]" in text for text in words)
    assert any("[电话]" in text for text in words)
    assert [text for text in words if re.search(r"[0-9]{5}|号$", text)] == []
    callers = {name for name in demo.rows("silver", item.dataset)["caller"].to_pylist() if len(name) == 3}
    assert [text for text in words if any(name in text for name in callers)] == []


def gold(demo: Demo, dataset: str, product: str) -> pa.Table:
    name = table("gold", dataset, product)
    release = demo.way.journal.state(dataset).release(product)
    assert release is not None
    return DeltaTable(demo.way.settings.lake / "tables" / name, version=release.body["gold"]["version"]).to_pyarrow_table()


def test_few_alike_are_widened_until_five_are_and_the_loss_is_told(demo: Demo) -> None:
    (dataset,) = {item.dataset for item in expected("widened")}
    quasi = ["birth_year", "sex", "district"]
    before = Counter(zip(*(demo.rows("silver", dataset).column(name).to_pylist() for name in quasi), strict=True))
    after = Counter(zip(*(gold(demo, dataset, "readers").column(name).to_pylist() for name in quasi), strict=True))
    assert min(before.values()) == 1
    assert min(after.values()) >= 5
    assert len(after) > 30
    release = demo.way.journal.state(dataset).release("readers")
    assert release is not None
    assert 0 < release.body["protection"]["gcp"] < 0.2
    page = page_of(demo.way, demo.way.contract(dataset), demo.way.contract(dataset).products[0], demo.way.journal.state(dataset))
    assert (page.shown, page.page["protection"]["gcp"], page.page["protection"]["k"]) == ("metadata", release.body["protection"]["gcp"], 5)


def test_every_scene_of_the_story_comes_about_and_is_told(demo: Demo) -> None:
    found = shown(demo.way)
    assert [one.scene for one in found] == list(SCENES)
    assert {one.scene.outcome for one in found} >= {"PASS", "PASS_TREATED", "HOLD", "DENY", "held", "refused", "erased"}
    lines = " ".join(" ".join(told(demo.way)).split())
    assert [one.scene.said for one in found if one.scene.said not in lines or one.look not in lines] == []
    known = {(item.dataset, item.rule) for item in planted()}
    stopped = {(one.scene.dataset, one.scene.rule) for one in found if one.scene.outcome in ("held", "refused", "HOLD")}
    assert stopped - known == {("health.blood_donors", "excluded"), ("data_bureau.insurance_reference", "collection.purposes")}


def test_the_story_is_told_in_chinese(demo: Demo) -> None:
    speak("zh")
    try:
        lines = "".join(told(demo.way))
    finally:
        speak("en")
    assert [scene.said for scene in SCENES if scene.said[:20] in lines] == []
    assert "不采集" in lines


def test_counts_of_people_leave_rounded_and_never_small(demo: Demo) -> None:
    for dataset, product, count in (("health.infectious_reports", "summary", "reports"), ("letters_calls.hotline_cases", "summary", "cases")):
        counts = gold(demo, dataset, product)[count].to_pylist()
        assert counts
        assert [number for number in counts if number % 5 or number < 10] == []


def test_quarantine_holds_the_planted_rows_and_no_other(demo: Demo) -> None:
    found: Counter[tuple[str, str]] = Counter()
    for dataset, contract in demo.way.city.contracts.items():
        if not contract.derived and table("quarantine", dataset) in demo.way.journal.state(dataset).tables:
            found.update((dataset, rule) for rule in demo.rows("quarantine", dataset)["_rules"].to_pylist())
    wanted: Counter[tuple[str, str]] = Counter()
    for item in expected("quarantined"):
        wanted[item.dataset, item.rule] += item.count
    assert found == wanted


def test_only_planted_duplicates_are_lost_between_bronze_and_silver(demo: Demo) -> None:
    lost: Counter[str] = Counter()
    earlier = Counter({item.dataset: sum(batch["rows"] for batch in item.body["batches"]) for item in demo.days[0] if item.step == "ingest"})
    rows = {dataset: sum(batch["rows"] for batch in body["batches"]) for dataset, body in demo.bodies("ingest", 1)}
    for dataset, body in demo.bodies("refine", 1):
        if dataset in rows:
            lost[dataset] = rows[dataset] + earlier[dataset] - body["counts"]["rows"] - body["counts"]["quarantined"]
    duplicates = Counter({dataset: 0 for dataset in rows})
    for item in expected("dedup"):
        duplicates[item.dataset] += item.count
    assert lost == duplicates


def test_vanished_keys_are_marked(demo: Demo) -> None:
    vanished = {dataset: body["counts"]["vanished"] for dataset, body in demo.bodies("refine", 2) if "vanished" in body["counts"]}
    assert vanished == {item.dataset: item.count for item in expected("vanished")}


@pytest.mark.parametrize("item", [item for item in planted() if item.check], ids=lambda item: f"{item.dataset}: {item.kind}, {item.where}")
def test_silver_has_what_the_plant_says(demo: Demo, item: Planted) -> None:
    silver = demo.rows("silver", item.dataset)
    with duckdb.connect() as base:
        base.execute("SET TimeZone = 'UTC'")
        base.register("silver", silver)
        [(number,)] = base.execute(f"SELECT count(*) FROM silver WHERE {item.check}").fetchall()
    assert number == item.count


def test_every_product_that_may_be_built_has_a_release_but_the_one_that_waits(demo: Demo) -> None:
    missing, empty = set(), set()
    for contract in demo.way.city.contracts.values():
        for product in contract.products:
            release = demo.way.journal.state(contract.id).release(product.name)
            tier = Outward(contract, product, demo.way.city.codes, demo.way.city.zone).tier
            if release is None:
                missing.add((contract.product_id(product.name), tier))
            elif release.body["release"]["rows"] == 0:
                empty.add(contract.product_id(product.name))
    assert missing == {
        ("health.infectious_reports.main", "prohibited"), ("statistics.granary_stocks.main", "prohibited"),
        ("health.blood_donors.main", "prohibited"), ("data_bureau.granary_overview.main", "prohibited"),
        ("letters_calls.hotline_cases.cases", "restricted"), ("health.elder_checkups.main", "unconditional"),
        ("urban_management.sign_permits.main", "unconditional"), ("culture.course_signups.main", "unconditional"),
        ("culture.show_bookings.main", "unconditional")}
    assert empty == set()


def test_the_open_register_leaves_out_individuals_and_people(demo: Demo) -> None:
    gold = DeltaTable(demo.way.settings.lake / "tables" / table("gold", "market_regulation.enterprises", "main")).to_pyarrow_table()
    assert not {"legal_representative", "phone", "address"} & set(gold.column_names)
    assert not {"E", "F"} & set(gold["kind"].to_pylist())


def test_the_derived_dataset_joins_three_departments(demo: Demo) -> None:
    rows = demo.rows("silver", "data_bureau.district_indicators").to_pylist()
    enterprises = demo.rows("silver", "market_regulation.enterprises").to_pylist()
    venues = demo.rows("silver", "culture.venues")
    today = {row["district"] for row in rows}
    active = [row for row in enterprises if row["status"] == "存续" and row["district"] in today]
    assert len(rows) == 13
    assert sum(row["enterprises"] for row in rows) == len(active)
    assert 10_000 * sum(row["capital"] or 0 for row in rows) == sum(row["capital"] or 0 for row in active)
    assert sum(row["venues"] for row in rows) == venues.num_rows


def test_a_third_run_changes_nothing(demo: Demo) -> None:
    assert {item.outcome for item in run(demo.way)} <= {"unchanged", "held", "refused"}


def test_the_third_day_changes_what_was_delivered_and_nothing_else(demo: Demo) -> None:
    """Of the other datasets no table, no release and no page is written anew."""
    way, datasets = demo.way, sorted(demo.way.city.contracts)
    site = way.settings.site / "current"
    tables = {name: way.journal.state(name).tables for name in datasets}
    pages = hashes(site / "datasets") | hashes(site / "data")
    generate(way.settings.sources, SEED, SCALE, 3)
    outcomes = run(way)
    assert [item.note for item in outcomes if item.outcome == "failed"] == []
    delivered = {item.dataset for item in outcomes if item.step == "ingest" and item.outcome == "done"}
    assert {name.split(".")[0] for name in delivered} == set(DAILY)
    rewritten = {name for name in datasets if way.journal.state(name).tables != tables[name]}
    after = {name: {one.dataset for one in way.city.contracts[name].inputs} for name in rewritten - delivered}
    assert all(sources & (delivered | set(after)) for sources in after.values()), after
    released = {f"{item.dataset}.{item.target}" for item in outcomes if item.step == "serve" and item.outcome == "done"}
    assert released
    now_shown = hashes(site / "datasets") | hashes(site / "data")
    changed = {name for name, digest in now_shown.items() if pages.get(name) != digest}
    assert {name for name in pages if name not in now_shown} == set()
    assert {name for name in changed if not name.startswith(tuple({one.rsplit(".", 1)[0] for one in released}))} == set()


# -- the generator alone --------------------------------------------------------------------------------------------


def hashes(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        generate(tmp_path / name, seed, SCALE, 1)
        generate(tmp_path / name, seed, SCALE, 2)
    first, again, other = (hashes(tmp_path / name) for name in "abc")
    assert first == again
    # Real divisions, a file without a byte, and one with a header only.
    assert {name for name in first if first[name] == other[name]} == {
        "civil_affairs/divisions/divisions_20261122.tsv", "civil_affairs/divisions/divisions_20261123.tsv",
        "letters_calls/cases/cases_20261113.jsonl", "market_regulation/export/enterprises_20261121.csv"}


def test_the_second_day_adds_to_the_first(tmp_path: Path) -> None:
    generate(tmp_path / "one", 1, SCALE, 1)
    first = hashes(tmp_path / "one")
    generate(tmp_path / "one", 1, SCALE, 2)
    both = hashes(tmp_path / "one")
    assert first.items() <= both.items()
    silent = {"planning_resources", "statistics"}
    assert {name.split("/")[0] for name in both.keys() - first.keys()} == {name.split("/")[0] for name in first} - silent


def test_the_third_day_is_a_quiet_one(tmp_path: Path) -> None:
    for day in (1, 2):
        generate(tmp_path, 1, SCALE, day)
    before = hashes(tmp_path)
    generate(tmp_path, 1, SCALE, 3)
    after = hashes(tmp_path)
    assert before.items() <= after.items()
    assert {name.split("/")[0] for name in after.keys() - before.keys()} == set(DAILY)


def test_a_part_of_the_city_can_be_made_alone(tmp_path: Path) -> None:
    generate(tmp_path, 1, SCALE, 1, departments=["tax"])
    assert [path.name for path in tmp_path.iterdir()] == ["tax"]


def test_scale_grows_the_register(tmp_path: Path) -> None:
    small, large = (len(register(Draw(1, scale, 1))["企业名称"]) for scale in (0.1, 0.5))
    assert large == 5 * small


def test_nonsense_is_refused(tmp_path: Path) -> None:
    for draw in ({"scale": 0.0}, {"day": 4}):
        with pytest.raises(ValueError):
            generate(tmp_path, 1, **draw)       # type: ignore[arg-type]


CANARY = Canary("欧阳金丝雀", "33010219000229007X", "19900001234", "6222020000000000123", "jinsique@canary.example",
                header="金丝雀表头", sheet="金丝雀工作表", filename="金丝雀文件名")


def test_canaries_reach_every_kind_of_place(tmp_path: Path) -> None:
    plain, with_canary = tmp_path / "plain", tmp_path / "canary"
    for day in (1, 2):
        generate(plain, 1, SCALE, day)
        generate(with_canary, 1, SCALE, day, CANARY)
    changed = {name for name, digest in hashes(with_canary).items() if hashes(plain).get(name) != digest}
    assert {name.split("/")[0] for name in changed} == {"culture", "health", "letters_calls", "market_regulation", "urban_management"}
    assert any(CANARY.filename in name for name in changed)
    cases = "".join(path.read_text(encoding="utf-8") for path in (with_canary / "letters_calls").rglob("*.jsonl"))
    assert all(text in cases for text in (CANARY.person_name, CANARY.mobile, CANARY.bank_card, CANARY.email))


def test_planted_names_only_what_the_city_has(demo: Demo) -> None:
    contracts: Mapping[str, Contract] = demo.way.city.contracts
    sound = {"planning_resources.granary_sites", "statistics.granary_stocks", "data_bureau.district_indicators",
             "planning_resources.standard_addresses", "data_bureau.address_links"}
    assert {item.dataset for item in planted()} == set(contracts) - sound
    assert len({replace(item, count=0) for item in planted()}) == len(planted())


def test_the_library_knows_the_doors_of_its_book_in_any_spelling_and_no_other(demo: Demo) -> None:
    from pipelines.address_library import matches
    from privacy.address_codes import codes
    from privacy.addresses import parse

    known = demo.rows("silver", "planning_resources.standard_addresses").column("standard").to_pylist()[:20]
    near = demo.way.city.division
    spelt = [text.replace("幢", "栋").replace("浙江省", "") for text in known]
    assert matches(demo.way, [codes(parse(text)[0], near) for text in spelt]) == ["door"] * len(spelt)
    assert matches(demo.way, [codes(parse("杭州市西湖区无名新路99999号77幢9999室")[0], near), None]) == ["", ""]


def test_people_of_the_city_meet_by_their_address_and_outside_by_their_street(demo: Demo) -> None:
    library, links = demo.rows("silver", "planning_resources.standard_addresses"), demo.rows("silver", "data_bureau.address_links")
    codes = set(library["code"].to_pylist())
    found = Counter(zip(links["kind"].to_pylist(), links["matched"].to_pylist(), strict=True))
    assert {kind for kind, _ in found} == {"enterprise", "house", "case"}
    assert {matched for _, matched in found} >= {"exact", "estate", "building", "gate", "street"}
    assert sum(number for (_, matched), number in found.items() if matched != "exact") < 0.2 * links.num_rows
    assert set(links["code"].to_pylist()) - {None} <= codes
    exact = [code is not None for code, matched in zip(links["code"].to_pylist(), links["matched"].to_pylist(), strict=True) if matched == "exact"]
    assert all(exact)
    for dataset, product in (("data_bureau.address_links", "streets"), ("letters_calls.hotline_cases", "streets")):
        release = demo.way.journal.state(dataset).release(product)
        assert release is not None
        shown = b"".join(path.read_bytes() for path in (demo.way.settings.lake / release.body["release"]["folder"]).glob("*.csv"))
        assert not [code for code in codes if code.partition("-")[2].encode() in shown]
