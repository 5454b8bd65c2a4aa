"""The shipped city: it loads without a problem, covers fields, tiers and departments, and holds nobody's numbers."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from catalog.city import City
from catalog.loader import check_city
from pipelines.products import Outward
from pipelines.settings import shipped_city
from privacy.negative_list import check_policy, load_policy
from privacy.recognisers import BY_KIND, kinds_in

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def city() -> City:
    found, problems = check_city(shipped_city())
    assert problems == []
    assert found is not None
    return found


def test_the_negative_list_is_sound_and_names_only_datasets_of_the_city(city: City) -> None:
    policy, problems = check_policy(city.negative_list)
    assert problems == []
    assert policy is not None
    for rule in policy.rules.values():
        assert set(rule.datasets) <= set(city.contracts)
    ended = [rule.id for rule in policy.rules.values() if not rule.valid_from <= "2026-11-22" <= rule.valid_to]
    assert ended == ["HZ-P9"]           # the one that shows it
    used = {contract.fields.collection_rule for contract in city.contracts.values()} - {None}
    assert used == set(policy.rules)


def test_no_dataset_is_excluded_but_the_one_that_shows_it(city: City) -> None:
    policy = load_policy(city.negative_list)
    assert [name for name, contract in city.contracts.items() if policy.excludes(contract)] == ["health.blood_donors"]


def test_all_five_fields_are_there(city: City) -> None:
    assert {contract.fields.field for contract in city.contracts.values()} == {"economy", "environment", "culture", "health", "urban"}


def test_two_vertical_agencies_and_eight_departments_deliver(city: City) -> None:
    delivering = {contract.department for contract in city.contracts.values() if not contract.derived}
    assert len(delivering) >= 8
    assert len([name for name in delivering if city.departments[name].vertical]) >= 2


def test_every_department_has_a_steward_who_may_decide(city: City) -> None:
    for contract in city.contracts.values():
        assert contract.fields.author in city.people
        assert [person.id for person in city.people.values() if person.department == contract.department
                and "steward" in person.roles and person.id != contract.fields.author], contract.id


def test_every_role_is_held_and_authors_can_be_overruled(city: City) -> None:
    assert {role for person in city.people.values() for role in person.roles} == {
        "steward", "bureau", "privacy_officer", "secrecy_officer", "auditor"}


def test_no_tier_is_declared_looser_than_its_levels_allow(city: City) -> None:
    tiers = set()
    for contract in city.contracts.values():
        for product in contract.products:
            outward = Outward(contract, product, city.codes, city.zone)
            assert outward.tier == product.tier, f"{contract.id}.{product.name}"
            tiers.add(outward.tier)
    assert tiers == {"unconditional", "restricted", "prohibited"}


def test_restricted_products_say_their_conditions(city: City) -> None:
    products = [product for contract in city.contracts.values() for product in contract.products if product.tier == "restricted"]
    assert products
    assert all(product.conditions for product in products)


def test_every_column_has_an_english_label(city: City) -> None:
    assert [f"{contract.id}.{column.name}" for contract in city.contracts.values() for column in contract.columns
            if not column.more.label_en] == []


def test_every_code_list_is_used(city: City) -> None:
    used = {column.more.codes for contract in city.contracts.values() for column in contract.columns}
    assert set(city.codes) == used - {None}


def test_the_districts_follow_the_changes_of_2021(city: City) -> None:
    rows = city.codes["districts"].rows
    on = {day: {row["code"] for row in rows if (row["valid_from"] or "0") <= day <= (row["valid_to"] or "9")}
          for day in ("2021-04-08", "2021-04-09")}
    assert len(on["2021-04-09"]) == 13
    assert on["2021-04-08"] - on["2021-04-09"] == {"330103", "330104"}
    assert on["2021-04-09"] - on["2021-04-08"] == {"330113", "330114"}


@pytest.mark.shared
def test_the_districts_are_those_of_the_official_list(city: City, shared: Path) -> None:
    lines = (shared / "data/civil/admin-divisions/areas.csv").read_text(encoding="utf-8").splitlines()
    official = {line[:6]: line.split('"')[1] for line in lines if line.startswith("3301")}
    assert {row["code"]: row["zh"] for row in city.codes["districts"].rows if not row["valid_to"]} == official


def test_working_days_around_the_holidays(city: City) -> None:
    calendar = city.calendar
    assert calendar.is_working(date(2026, 2, 14))          # a Saturday that is worked
    assert not calendar.is_working(date(2026, 2, 23))      # a Monday of the Spring Festival
    assert not calendar.is_working(date(2025, 10, 8))
    assert calendar.add_working_days(date(2026, 9, 30), 1) == date(2026, 10, 8)
    assert calendar.covers(date(2026, 11, 22))
    assert not calendar.covers(date(2027, 1, 1))


def test_no_committed_file_of_city_or_generator_holds_a_personal_identifier() -> None:
    files = [*shipped_city().rglob("*.yaml"), *shipped_city().rglob("*.csv"), *(ROOT / "console/demo").glob("*")]
    for path in files:
        if path.is_file():
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                personal = {kind for kind in kinds_in(line) if BY_KIND[kind].personal and not BY_KIND[kind].bodies} - {"email"}
                assert not personal, f"{path.name}:{number}"


def test_every_address_is_below_a_reserved_domain(city: City) -> None:
    for contract in city.contracts.values():
        assert contract.contact.email is not None
        assert contract.contact.email.endswith(".example.org")
        assert contract.contact.phone is not None
        assert contract.contact.phone.startswith("0571-")
