"""Unique protected values are planted everywhere a value can be, and then looked for in every byte that the program writes.

The values are made up at run time, with right checksums. What was admitted may lie in raw, bronze, silver and quarantine, what
is held in holding: nowhere else, and not in statistics or logs of those tables either. What was refused lies nowhere.
"""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import xlsxwriter
from tiny import Tiny, by_step, column, contract

from privacy.recognisers import kinds_in, luhn

ROOT = Path(__file__).resolve().parents[1]
HANZI = "彧翀婠犇淼骁璟祎珺玥甯旻昶晟暄赟"
POLICY = """\
version: 1
secrets: []
collection_rules:
  - {id: R1, department: parks, datasets: [parks.people, parks.misdeclared], purposes: [open_data], quantity: {rows_per_batch: 1000},
     kinds: [resident_id, mobile, bank_card, email], mode: [files], scope: {subjects: test}, frequency: {min_interval_hours: 0},
     retention_days: 365, valid_from: '2020-01-01',
     valid_to: '2030-12-31', legal_basis: for the test, verified: true}
"""


@dataclass
class Canaries:
    """Made-up persons. `of` has every value ever made, by what may happen to it: admitted, held or refused."""

    chance: random.Random
    of: dict[str, set[str]] = field(default_factory=dict)

    def _kept(self, fate: str, make: Callable[[], str]) -> str:
        """A value that was never made before."""
        value = next(value for value in iter(make, None) if all(value not in values for values in self.of.values()))
        self.of.setdefault(fate, set()).add(value)
        return value

    def _digits(self, number: int) -> str:
        return "".join(str(self.chance.randrange(10)) for _ in range(number))

    def resident_id(self, fate: str) -> str:
        def make() -> str:
            head = f"330106{self.chance.randrange(1950, 2005)}0{self.chance.randrange(1, 10)}1{self.chance.randrange(10)}{self._digits(3)}"
            weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
            return head + "10X98765432"[sum(int(d) * w for d, w in zip(head, weights, strict=True)) % 11]
        return self._kept(fate, make)

    def mobile(self, fate: str) -> str:
        return self._kept(fate, lambda: f"139{self._digits(8)}")

    def bank_card(self, fate: str) -> str:
        def make() -> str:
            head = f"622202{self._digits(12)}"
            return next(head + str(last) for last in range(10) if luhn(head + str(last)))
        return self._kept(fate, make)

    def email(self, fate: str) -> str:
        return self._kept(fate, lambda: f"k{self._digits(7)}@canary{self._digits(3)}.example")

    def name(self, fate: str) -> str:
        return self._kept(fate, lambda: "欧阳" + "".join(self.chance.sample(HANZI, 3)))

    def address(self, fate: str) -> str:
        return self._kept(fate, lambda: f"西湖区{''.join(self.chance.sample(HANZI, 3))}路{self.chance.randrange(1000, 9999)}弄{self._digits(3)}室")

    def amount(self, fate: str) -> str:
        return self._kept(fate, lambda: f"8{self._digits(7)}.{self._digits(2)}")

    def day(self, fate: str) -> str:
        return f"1970-0{self.chance.randrange(1, 10)}-1{self.chance.randrange(10)}"      # not unique: not looked for


PEOPLE = [
    column("idno", "text", "身份证", "L3", key=1, required=True, identifies="resident_id", person=True),
    column("kind", "text", "类别", codes="kinds"),
    column("mobile", "text", "手机", "L3", identifies="mobile", person=True),
    column("card", "bigint", "卡号", "L4", identifies="bank_card", person=True, quasi=True),
    column("email", "text", "邮箱", "L3", identifies="email", person=True),
    column("name", "text", "姓名", "L3", person=True),
    column("address", "text", "住址", "L3", person=True),
    column("born", "date", "出生", "L3", person=True),
    column("amount", "decimal(12,2)", "金额", "L2", person=True),
]
TREATED = {"kind": {"do": "keep"}, "idno": {"do": "token"}, "mobile": {"do": "mask", "left": 3, "right": 2}, "email": {"do": "mask", "left": 1},
           "name": {"do": "mask", "left": 1}, "address": {"do": "generalise", "prefix": 3}, "born": {"do": "generalise", "to": "year"},
           "amount": {"do": "band", "width": 10000000}}


def sources(pattern: str, **form: Any) -> list[dict[str, Any]]:
    return [{"system": "parks_files", "options": {"path": pattern}, "format": form or {"name": "csv"}}]


def person(c: Canaries, fate: str, **given: str) -> str:
    values = {"idno": c.resident_id(fate), "kind": "A", "mobile": c.mobile(fate), "card": c.bank_card(fate), "email": c.email(fate),
              "name": c.name(fate), "address": c.address(fate), "born": c.day(fate), "amount": c.amount(fate), **given}
    return ",".join(values.values()) + "\n"


HEADER = "身份证,类别,手机,卡号,邮箱,姓名,住址,出生,金额\n"
TREES = "编号,类别,高度,种植日期,备注\n"


def planted(root: Path, c: Canaries) -> Tiny:
    """A city with something planted in every place that can hold a value or a name."""
    city = Tiny(root)
    city.write("negative_list.yaml", POLICY)
    city.drop("trees1.csv", f"{TREES}T1,A,1,2026-01-01,\n")
    people = contract("parks.people", PEOPLE, collection_rule="R1", max_bad_percent=80.0, products=[
        {"name": "main", "tier": "unconditional", "purpose": "open_data", "columns": {"kind": {"do": "keep"}}, "formats": ["csv", "parquet"]},
        {"name": "treated", "tier": "restricted", "purpose": "open_data", "columns": TREATED, "formats": ["csv", "parquet", "xlsx", "json"]}])
    city.declare(people)
    city.drop("people1.csv", HEADER + "".join(person(c, "admitted") for _ in range(6)))          # alike once treated
    # Quarantined: a type, a code and a key are broken, and the broken cell itself holds a person.
    city.drop("people2.csv", HEADER + person(c, "admitted", amount=c.name("admitted")) + person(c, "admitted", kind=c.address("admitted"))
              + person(c, "admitted", born=c.mobile("admitted")) + person(c, "admitted", idno="") + f"{c.name('admitted')},{c.email('admitted')}\n",
              encoding="gb18030")
    # Declared as harmless, published as it is: the screen must find it.
    plain = [column("id", "text", "编号", key=1, required=True), column("note", "text", "备注")]
    city.declare(contract("parks.misdeclared", plain, collection_rule="R1"))
    city.drop("misdeclared1.csv", f"编号,备注\nM1,call {c.mobile('admitted')} or {c.email('admitted')}\nM2,{c.resident_id('admitted')}\n")
    _refused(city, c)
    _held(city, c)
    return city


def _refused(city: Tiny, c: Canaries) -> None:
    """Personal data without a rule: in a text cell, in a number, in a file whose name is a person's too, and inside an archive."""
    city.declare(contract("parks.visits", max_bad_percent=90.0))
    row = f"V1,A,1,2026-01-01,{c.name('refused')} {c.mobile('refused')} {c.resident_id('refused')}\nV2,A,1,2026-01-01,{c.address('refused')}\n"
    city.drop(f"visits_{c.name('refused')}.csv", TREES + row)
    row = f"V3,A,1,2026-01-01,{c.email('refused')} {c.mobile('refused')} {c.resident_id('refused')}\n"
    row += f"V4,{c.name('refused')},1,2026-01-01,{c.bank_card('refused')}\n"
    city.drop("visits_2.csv", TREES + row, encoding="gb18030")
    note = f"{c.name('refused')} {c.mobile('refused')} {c.resident_id('refused')}"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"visits_{c.name('refused')}.csv", f"{TREES}V5,A,1,2026-01-01,{note}\n")
    path = city.sources / "parks" / "visits_3.csv.zip"
    path.write_bytes(packed.getvalue())
    document = contract("parks.packed", sources=[{"system": "parks_files", "options": {"path": "visits*.zip"}, "format": {"name": "csv"}}])
    city.declare(document)


def _held(city: Tiny, c: Canaries) -> None:
    """Undeclared headers, sheet names, file names, files that cannot be read, words of secrecy."""
    city.declare(contract("parks.headers"))
    city.drop(f"headers_{c.resident_id('held')}.csv", f"编号,类别,高度,种植日期,备注,{c.name('held')}\nH1,A,1,2026-01-01,,{c.address('held')}\n")
    city.declare(contract("parks.sheets", sources=sources("sheets*.xlsx", name="excel")))
    book = xlsxwriter.Workbook(str(city.sources / "parks" / "sheets.xlsx"))
    sheet = book.add_worksheet(c.name("held"))
    sheet.write_row(0, 0, ["编号", "类别", c.email("held")])
    sheet.write_row(1, 0, [c.name("held"), c.mobile("held"), c.address("held")])
    book.close()
    city.declare(contract("parks.sheetless", sources=sources("sheets*.xlsx", name="excel", sheet="数据")))
    city.declare(contract("parks.broken", sources=sources("broken*.csv", name="csv", encoding="utf-16")))
    path = city.sources / "parks" / f"broken_{c.mobile('held')}.csv"
    path.write_bytes(TREES.encode() + f"B1,A,1,2026-01-01,{c.name('held')}".encode() + b"\xff\xfe\n")
    city.declare(contract("parks.json", sources=sources("json*.json", name="json")))
    city.drop("json1.json", '[{"编号": "J1", "备注": "' + c.name("held") + '"}, {"编号": ' + c.resident_id("held") + "oops")
    city.declare(contract("parks.secret"))
    city.drop("secret1.csv", f"{TREES}S1,A,1,2026-01-01,绝密级 {c.name('held')}\n")


# -- looking ------------------------------------------------------------------------------------------------------------

def spelled(word: str) -> set[bytes]:
    """How a value may stand in bytes."""
    return {word.encode(), word.encode("gb18030"), word.encode("utf-16-le"), ascii(word)[1:-1].encode()}


def texts(path: Path) -> Iterator[bytes]:
    """A file's bytes, its name, and what is packed in it: cells of Parquet, members of archives."""
    data = path.read_bytes()
    yield data
    if data[:4] == b"PAR1":
        yield json.dumps(pq.read_table(path).to_pylist(), ensure_ascii=False, default=str).encode()
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield archive.read(name)


def found_in(folder: Path, words: set[str]) -> list[str]:
    """Files below a folder in which, or in whose names, one of the words stands. The words are not shown."""
    found = []
    spellings = {spelling for word in words for spelling in spelled(word)}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        here = [name.encode(), *(texts(path) if path.is_file() and not path.is_symlink() else ())]
        if any(spelling in text for text in here for spelling in spellings):
            found.append(path.parent.relative_to(folder).as_posix())
    return sorted(set(found))


def statistics(folder: Path) -> Iterator[tuple[Path, str, Any]]:
    """(file, column, minimum or maximum) of every statistic in every Parquet file."""
    for path in folder.rglob("*.parquet"):
        found = pq.ParquetFile(path).metadata
        for group in range(found.num_row_groups):
            for at in range(found.num_columns):
                of = found.row_group(group).column(at)
                if of.statistics is not None and of.statistics.has_min_max:
                    yield path, of.path_in_schema, of.statistics.min
                    yield path, of.path_in_schema, of.statistics.max


CONSOLE = ["run", "run", "status", "status --json", "inbox", "inbox --json", "quarantine list", "release list --json", "audit verify",
           "audit show parks.people", "audit show parks.visits --json", "lineage parks.people", "check"]


def by_console(city: Tiny) -> bytes:
    """Everything that people ask for, as bytes of both outputs."""
    said = b""
    for arguments in CONSOLE:
        argv = [sys.executable, "-c", "from console.main import main; main()", *arguments.split()]
        done = subprocess.run(argv, env={**city.environment(), "PYTHONPATH": str(ROOT)}, cwd=city.root, capture_output=True, check=False, timeout=300)
        assert done.returncode in (0, 3, 4), (arguments, done.stderr[-2000:])
        said += done.stdout + done.stderr
    return said


def by_dagster(city: Tiny) -> bytes:
    """The whole city as a job in a process of Dagster's own; its home is below the state."""
    from assets import ui

    argv = [sys.executable, "-m", "dagster", "job", "execute", "-m", "assets.definitions", "-j", "city", "--working-directory", str(ROOT)]
    _, variables = ui.command(city.settings)
    env = {**os.environ, **variables, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, env=env, cwd=city.root, capture_output=True, check=False, timeout=300)
    home = Path(variables["DAGSTER_HOME"])
    assert [path for path in home.rglob("*") if path.suffix in (".err", ".out")]
    assert list(home.rglob("*.db"))
    assert b"parks__people" in done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("conductor", [by_console, by_dagster])
def test_no_canary_is_where_it_may_not_be(tmp_path: Path, conductor: Any, umask: None) -> None:
    c = Canaries(random.Random(os.urandom(8)))
    city = planted(tmp_path, c)
    said = conductor(city)
    every = set().union(*c.of.values())
    assert {fate: len(values) > 8 for fate, values in c.of.items()} == {"admitted": True, "held": True, "refused": True}
    (tmp_path / "said").mkdir()
    (tmp_path / "said/out").write_bytes(said)
    lake, state = city.settings.lake, city.settings.state

    _outcomes(city)
    assert found_in(tmp_path / "said", every) == []
    assert found_in(city.settings.site, every) == []
    assert found_in(lake, c.of["refused"]) == found_in(state, c.of["refused"]) == []
    assert found_in(lake, c.of["held"]) == []
    assert {place.split("/")[0] for place in found_in(state, every)} == {"holding"}
    places = {"/".join(place.split("/")[:2]) for place in found_in(lake, c.of["admitted"])}
    assert {place for place in places if not place.startswith("raw/")} == {"tables/bronze", "tables/silver", "tables/quarantine", "tables/gold"}
    assert {place for place in found_in(lake / "tables", c.of["admitted"]) if "_delta_log" in place} == set()
    assert found_in(lake / "tables/gold", c.of["admitted"]) == ["parks/misdeclared/main"]       # held: a version that is not in force
    assert not [column for path, column, value in statistics(lake) if str(value) in every and "misdeclared" not in path.parts]
    _levels(city)


def _outcomes(city: Tiny) -> None:
    """The canaries went where the test believes."""
    journal = city.way().journal
    people = journal.state("parks.people")
    assert [batch.rows for batch in people.batches] == [6, 5]
    assert people.last["refine/"]["counts"]["quarantined"] == 5
    assert {name: people.releases[name][-1].body["tier"] for name in people.releases} == {"main": "unconditional", "treated": "restricted"}
    assert {hold.step for hold in journal.state("parks.misdeclared").holds.values()} == {"serve"}
    assert [item["findings"][-1]["rule"] for item in journal.state("parks.visits").last["ingest/"]["refused"]] == ["collection.rule"] * 2
    assert len(journal.state("parks.packed").last["ingest/"]["refused"]) == 1
    rules = {"headers": "columns.unknown", "sheets": "columns.unknown", "sheetless": "format.unreadable", "broken": "format.unreadable",
             "json": "format.unreadable", "secret": "secrecy.strong"}
    assert {name: [hold.findings[0]["rule"] for hold in journal.state(f"parks.{name}").holds.values()] for name in rules} == {
        name: [rule] for name, rule in rules.items()}


def _levels(city: Tiny) -> None:
    """No statistic on a column above L1, whatever it holds, in tables or in releases."""
    contracts = city.way().city.contracts.values()
    plain = {item.name for item in contracts for item in item.columns if item.level == "L1"}
    kept: dict[str, set[str]] = {}
    for path, name, _ in statistics(city.settings.lake):
        kept.setdefault(path.relative_to(city.settings.lake).parts[path.parts.count("tables")], set()).add(name)
    assert set(kept) == {"silver", "gold", "releases"}
    assert kept["silver"] <= plain
    assert kept["gold"] | kept["releases"] <= plain | {"address", "born", "amount"}       # so coarse in `treated` that they are L1 there
    for log in (city.settings.lake / "tables").rglob("_delta_log/*.json"):
        for line in log.read_text().splitlines():
            added = json.loads(line).get("add")
            assert added is None or set(json.loads(added["stats"])) <= {"numRecords", "minValues", "maxValues", "nullCount"}
            assert added is None or not (json.loads(added["stats"]).get("minValues") or json.loads(added["stats"]).get("maxValues"))


def test_the_canaries_are_what_they_pretend_to_be() -> None:
    c = Canaries(random.Random(7))
    for kind in ("resident_id", "mobile", "bank_card", "email"):
        for _ in range(20):
            assert kinds_in(getattr(c, kind)("held")).get(kind) is not None
    assert by_step([]) == {}
