"""Backup and restore: the drill, byte by byte; what refuses; what a kill leaves; what nobody may lose unseen."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from killing import TOMBSTONE, Killer, attach, tree
from test_pipelines_retain import DERIVED, FIRST, SECOND, Kept
from tiny import DATASET, GOOD, Tiny, by_step, contract

from catalog.errors import LakeError
from pipelines import boundary
from pipelines.audit import audit, verify
from pipelines.backup import Made, load, make, names, object_path
from pipelines.decisions import decide
from pipelines.journal import CITY, Journal, now
from pipelines.lease import lease
from pipelines.portals.listed import portals_of
from pipelines.restore import look, restore
from pipelines.settings import Settings
from pipelines.steps.retain import planned
from pipelines.steps.withdraw import withdraw

pytestmark = pytest.mark.usefixtures("umask")
HELD = GOOD.replace("备注", "新列")


def city_of(root: Path) -> Tiny:
    """A city with a release, rows in quarantine, a held batch, tokens (so keys), and somebody mapped to a person."""
    tiny = Tiny(root)
    document = contract(max_bad_percent=60.0)
    products = document["customProperties"][0]["value"]["products"]
    products.append({**products[0], "name": "byid", "formats": ["csv"], "tier": "restricted",
                     "columns": {"id": {"do": "token"}, "kind": {"do": "keep"}}})
    tiny.declare(document)
    tiny.declare(contract("parks.ponds"))
    tiny.drop("trees1.csv", GOOD + "T4,X,1.0,2026-01-01,\n")
    tiny.drop("ponds1.csv", HELD)
    tiny.become("author_p")
    found = by_step(tiny.run())
    assert (found[f"{DATASET} serve main"], found["parks.ponds ingest"]) == ("done", "held")
    return tiny


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    os.umask(0o077)
    tiny = city_of(tmp_path_factory.mktemp("made") / "city")
    make(tiny.settings, tiny.root.parent / "safe")
    return tiny


@pytest.fixture
def tiny(made: Tiny, tmp_path: Path) -> Tiny:
    """A copy of the city with its backup beside it."""
    shutil.copytree(made.root.parent, tmp_path / "copy", symlinks=True)
    root = tmp_path / "copy" / made.root.name
    return attach(root, root / "sources", made.now.isoformat())


@pytest.fixture(scope="module")
def killer(made: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killer]:
    found = Killer(tmp_path_factory.mktemp("killer"), made.sources, made.now)
    yield found
    found.close()


def safe(tiny: Tiny) -> Path:
    return tiny.root.parent / "safe"


def lake(settings: Settings) -> dict[str, str]:
    return {name: sha for name, sha in tree(settings.lake).items() if not name.startswith("leases/")}


def hashes(tiny: Tiny) -> dict[str, list[str]]:
    return {name: [one.hash for one in of] for name, of in tiny.way().journal.state(DATASET).releases.items()}


def idle(tiny: Tiny) -> bool:
    """Whether a run makes nothing new. The sources were copied, so their files are looked at once more."""
    return {outcome for name, outcome in by_step(tiny.run()).items() if not name.endswith("ingest")} <= {"unchanged", "held"}


def test_the_drill_a_lake_that_is_lost_comes_back_byte_for_byte_and_goes_on(tiny: Tiny) -> None:
    before, state, secrets, released = lake(tiny.settings), tree(tiny.settings.holding), tree(tiny.settings.secrets), hashes(tiny)
    site = tree(tiny.settings.site / "current")
    for place in (tiny.settings.lake, tiny.settings.secrets, tiny.settings.holding):
        shutil.rmtree(place)
    restore(tiny.settings, safe(tiny))
    after = lake(tiny.settings)
    (new,) = after.keys() - before.keys()
    assert {name: after[name] for name in before} == before
    record = json.loads((tiny.settings.lake / new).read_bytes())
    assert (record["chain"], record["kind"], record["body"]["forgotten"]) == (CITY, "restore", {})
    assert (tree(tiny.settings.holding), tree(tiny.settings.secrets), hashes(tiny)) == (state, secrets, released)
    assert audit(tiny.way()) == []
    assert not list(tiny.root.rglob(".restoring"))
    assert idle(tiny)
    tiny.drop("trees2.csv", GOOD.replace("T1", "T9"))
    assert by_step(tiny.run())[f"{DATASET} serve main"] == "done"
    assert verify(tiny.way()) == []
    assert tree(tiny.settings.site / "current").keys() >= {name for name in site if name.endswith("index.html")}


@pytest.mark.parametrize("kept", ["site", "secrets", "state/holding"])
def test_a_lake_that_is_lost_is_not_begun_anew_by_itself(tiny: Tiny, kept: str) -> None:
    for place in {"lake", "site", "secrets", "state/holding"} - {kept}:
        shutil.rmtree(tiny.root / place)
    with pytest.raises(LakeError, match=f"The lake is lost.*CITYLAKE_{kept.upper().replace('STATE/HOLDING', 'STATE/holding')}\\."):
        tiny.run()
    assert not (tiny.root / "lake").exists()
    shutil.move(tiny.root / kept, tiny.root / "away")       # the deliberate way out
    assert by_step(tiny.run())[f"{DATASET} serve main"] == "done"


def test_a_new_city_begins_also_with_its_portals_tokens_and_after_a_kill_before_its_first_record(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    tiny.settings.secrets.mkdir()
    (tiny.settings.secrets / "site.token").write_text("x")
    tiny.way().secret("names")
    (tiny.settings.holding / DATASET / "batch").mkdir(parents=True)
    tiny.drop("trees1.csv", GOOD)
    assert by_step(tiny.run())[f"{DATASET} serve main"] == "done"
    (tiny.settings.lake / "journal").rename(tiny.root / "journal")
    with pytest.raises(LakeError, match="There are still: CITYLAKE_SITE, CITYLAKE_SECRETS\\."):     # also of its journal alone
        tiny.way()


def test_modes_and_times_come_back_too(tiny: Tiny) -> None:
    def about(root: Path) -> dict[str, tuple[int, int]]:
        return {path.relative_to(root).as_posix(): (path.stat().st_mode, path.stat().st_mtime_ns) for path in root.rglob("*") if path.is_file()}
    raw = about(tiny.settings.lake / "raw"), about(tiny.settings.holding)
    shutil.rmtree(tiny.settings.lake)
    restore(tiny.settings, safe(tiny))
    assert (about(tiny.settings.lake / "raw"), about(tiny.settings.holding)) == raw
    assert all(path.stat().st_mode & 0o077 == 0 for path in tiny.settings.lake.rglob("*"))
    assert all(path.stat().st_mode & 0o077 == 0 for path in (safe(tiny), *safe(tiny).rglob("*")))


def test_a_site_that_is_lost_with_the_lake_is_built_again(tiny: Tiny) -> None:
    for place in (tiny.settings.lake, tiny.settings.site):
        shutil.rmtree(place)
    restore(tiny.settings, safe(tiny))
    tiny.run()
    assert verify(tiny.way()) == []
    assert list((tiny.settings.site / "current").rglob("*.parquet"))


def test_the_second_backup_copies_only_what_is_new_and_old_ones_go(tiny: Tiny) -> None:
    assert make(tiny.settings, safe(tiny)).copied == 0
    tiny.drop("trees2.csv", GOOD.replace("T1", "T9"))
    tiny.run()
    second = make(tiny.settings, safe(tiny), keep=1)
    assert 0 < second.copied < second.backup.files / 2
    assert len(second.gone) in (1, 2)       # the first two are the same where they were made within one second
    assert names(safe(tiny)) == [second.backup.id]
    named = {entry.sha256 for entries in second.backup.parts.values() for entry in entries}
    assert {path.name for path in (safe(tiny) / "objects").rglob("*") if path.is_file()} == named
    assert look(tiny.settings, safe(tiny)).backup == second.backup


def test_backups_of_one_second_stand_in_their_order_and_the_newest_is_kept(tiny: Tiny) -> None:
    """The lists of one second are told apart by their hashes, which have no order: so often, and still in order."""
    def made(clock: datetime, **more: int) -> str:
        (tiny.settings.state / "people.local.yaml").write_text(f"user{len(ids)}: steward_p\n", encoding="utf-8")
        return make(tiny.settings, safe(tiny), clock=lambda: clock, **more).backup.id

    ids: list[str] = []
    second = datetime(2031, 5, 1, 4, 0, tzinfo=UTC)
    for number in range(6):
        ids.append(made(second.replace(microsecond=number)))
    ids.append(made(second - timedelta(days=1)))         # a clock that was set back
    assert names(safe(tiny))[-7:] == ids
    assert look(tiny.settings, safe(tiny)).backup.id == ids[-1]
    last = made(second, keep=1)
    assert names(safe(tiny)) == [last]
    assert last.startswith("20310501T040000Z.0007-")
    assert make(tiny.settings, safe(tiny), clock=lambda: second).backup.id == last         # nothing has changed: it is the same


def test_a_lake_that_lives_is_not_overwritten_unless_it_is_said_and_what_is_lost_by_it_is_told(tiny: Tiny) -> None:
    old = lake(tiny.settings)
    now = lake(grown(tiny).settings)
    with pytest.raises(LakeError, match="There is a lake"):
        restore(tiny.settings, safe(tiny))
    assert lake(tiny.settings) == now
    seen = look(tiny.settings, safe(tiny))
    assert (seen.living, seen.forgotten[DATASET]["ingest"], seen.forgotten[DATASET]["serve"]) == (True, 1, 2)
    assert lake(tiny.settings) == now
    restore(tiny.settings, safe(tiny), replace=True)
    assert lake(tiny.settings).items() >= old.items()
    assert len(lake(tiny.settings)) == len(old) + 1
    (record,) = [one for one in tiny.way().journal.records(CITY) if one.kind == "restore"]
    assert record.body["forgotten"] == json.loads(json.dumps(seen.forgotten))
    assert by_step(tiny.run())[f"{DATASET} serve main"] == "done"       # the second file is offered still, and comes again
    assert verify(tiny.way()) == []


@pytest.mark.parametrize("harm", ["changed", "missing", "list"])
def test_a_damaged_backup_is_refused_before_anything_is_put_in_place(tiny: Tiny, harm: str) -> None:
    shutil.rmtree(tiny.settings.lake)
    backup = load(safe(tiny))
    entry = next(one for one in backup.parts["lake"] if one.path.startswith("releases/"))
    path = object_path(safe(tiny), entry.sha256)
    path.chmod(0o600)
    if harm == "changed":
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    elif harm == "missing":
        path.unlink()
    else:
        listed = safe(tiny) / "backups" / f"{backup.id}.json"
        listed.write_text(listed.read_text().replace("releases/", "elsewhere/"))
    for way_back in (look, restore):
        with pytest.raises(LakeError, match="changed" if harm == "list" else f"changed, among them «lake/{entry.path}»"):
            way_back(tiny.settings, safe(tiny))
    assert lake(tiny.settings) == {}
    assert not list(tiny.root.rglob(".restoring"))


@pytest.mark.parametrize("harm", ["truncated", "empty", "flipped", "unreadable"])
def test_a_backup_on_top_of_a_damaged_object_writes_it_anew(tiny: Tiny, harm: str) -> None:
    before, backup = lake(tiny.settings), load(safe(tiny))
    entry = max((one for one in backup.parts["lake"] if one.path.startswith("releases/")), key=lambda one: one.size)
    spoil(object_path(safe(tiny), entry.sha256), harm)
    second = make(tiny.settings, safe(tiny))
    assert (second.repaired, second.damaged, second.copied) == (1, [], 1)
    assert make(tiny.settings, safe(tiny)).repaired == 0
    for name in (backup.id, second.backup.id):      # the older one is whole again too
        shutil.rmtree(tiny.settings.lake)
        restore(tiny.settings, safe(tiny), name)
        assert lake(tiny.settings).items() >= before.items()


@pytest.mark.parametrize("harm", ["truncated", "list"])
def test_what_only_older_backups_use_cannot_be_written_anew_and_they_are_named(tiny: Tiny, harm: str) -> None:
    old = load(safe(tiny))
    path = tiny.settings.state / "people.local.yaml"
    (entry,) = [one for one in old.parts["state"] if one.path == path.name]
    path.write_text(path.read_text() + "somebody: steward_p\n")
    spoil(safe(tiny) / "backups" / f"{old.id}.json" if harm == "list" else object_path(safe(tiny), entry.sha256), "truncated")
    found = make(tiny.settings, safe(tiny), keep=2)
    assert (found.repaired, found.damaged, found.gone) == (0, [old.id], [])
    assert object_path(safe(tiny), entry.sha256).exists()       # a list that cannot be read may need it
    assert look(tiny.settings, safe(tiny), found.backup.id).backup == found.backup
    with pytest.raises(LakeError, match="changed"):
        look(tiny.settings, safe(tiny), old.id)
    last = make(tiny.settings, safe(tiny), keep=1, clock=lambda: now() + timedelta(hours=1))       # two of one second have no order
    assert (last.damaged, last.gone) == ([], sorted([old.id, found.backup.id]))
    assert look(tiny.settings, safe(tiny)).backup == last.backup


def spoil(path: Path, harm: str) -> None:
    """Damages a file as a disk or a hand does."""
    data = path.read_bytes()
    path.chmod(0o600)
    if harm == "unreadable":        # also for a superuser: a link that leads nowhere
        path.unlink()
        path.symlink_to("nowhere")
    else:
        path.write_bytes({"truncated": data[:-1], "empty": b"", "flipped": data[:-1] + bytes([data[-1] ^ 1])}[harm])


def test_keys_may_be_left_out_and_must_then_be_there(tiny: Tiny) -> None:
    made = make(tiny.settings, safe(tiny), keys=False)
    assert "secrets" not in made.backup.parts
    kept = {path.name: path.read_bytes() for path in tiny.settings.secrets.iterdir()}
    stored = [path.read_bytes() for path in (safe(tiny) / "objects").rglob("*") if path.is_file()]
    assert kept
    other = tiny.root.parent / "other"
    make(tiny.settings, other, keys=False)
    listed = next((other / "backups").glob("*.json")).read_text()
    assert not {*kept.values()} & {path.read_bytes() for path in (other / "objects").rglob("*") if path.is_file()}
    assert stored
    assert not any(secret.hex() in listed for secret in kept.values())
    shutil.rmtree(tiny.settings.lake)
    shutil.rmtree(tiny.settings.secrets)
    with pytest.raises(LakeError, match="without keys"):
        restore(tiny.settings, other)
    tiny.settings.secrets.mkdir()
    for name, data in kept.items():
        (tiny.settings.secrets / name).write_bytes(data if not name.startswith("release-") else b"x" * 32)
    with pytest.raises(LakeError, match="without keys, and the key «release-"):
        restore(tiny.settings, other)
    for name, data in kept.items():
        (tiny.settings.secrets / name).write_bytes(data)
    restore(tiny.settings, other)
    assert idle(tiny)
    shutil.rmtree(other)


def test_a_key_that_differs_is_never_overwritten(tiny: Tiny) -> None:
    path = next(tiny.settings.secrets.glob("release-*"))
    path.write_bytes(b"y" * 32)
    (tiny.settings.secrets / "site.token").write_bytes(b"newer")
    with pytest.raises(LakeError, match="is another than the backup's"):
        restore(tiny.settings, safe(tiny), replace=True)
    assert path.read_bytes() == b"y" * 32
    path.unlink()
    restore(tiny.settings, safe(tiny), replace=True)
    assert path.exists()
    assert (tiny.settings.secrets / "site.token").read_bytes() == b"newer"


def test_while_somebody_writes_there_is_no_backup_and_no_restore(tiny: Tiny) -> None:
    listed = names(safe(tiny))
    with lease(tiny.settings.lake / "leases", DATASET):
        with pytest.raises(LakeError, match="at work on this lake"):
            make(tiny.settings, safe(tiny), wait=0.1)
        with pytest.raises(LakeError, match="at work on this lake"):
            restore(tiny.settings, safe(tiny), replace=True, wait=0.1)
    assert names(safe(tiny)) == listed


def test_a_backup_that_is_made_during_a_run_is_of_one_moment(tiny: Tiny) -> None:
    """The run goes on behind the first copies; the backup waits for a pause, and restored it is sound."""
    def slow(name: str) -> None:
        if name == "backup/warm":
            tiny.drop("trees2.csv", GOOD.replace("T1", "T9"))
            running.append(pool.submit(tiny.run))
    running: list[object] = []
    boundary.watchers.append(slow)
    try:
        with ThreadPoolExecutor(1) as pool:
            found: Made = make(tiny.settings, safe(tiny))
    finally:
        boundary.watchers.remove(slow)
    shutil.rmtree(tiny.settings.lake)
    restore(tiny.settings, safe(tiny), found.backup.id)
    assert [one for one in audit(tiny.way()) if one.severity == "mismatch" and not one.place.startswith("site")] == []


@pytest.mark.parametrize("inside", ["lake/backup", "state", "secrets/b", "."])
def test_a_target_in_or_around_what_is_backed_up_is_refused(tiny: Tiny, inside: str) -> None:
    with pytest.raises(LakeError, match="lies in what is backed up"):
        make(tiny.settings, tiny.root / inside)


def grown(tiny: Tiny) -> Tiny:
    """The city a day after its backup."""
    tiny.drop("trees2.csv", GOOD.replace("T1", "T9"))
    tiny.run()
    return tiny


def test_a_kill_in_a_restore_leaves_the_old_or_the_new(tiny: Tiny, killer: Killer, tmp_path: Path) -> None:
    old = lake(tiny.settings)
    new, held = lake(grown(tiny).settings), tree(tiny.settings.holding)
    shutil.copytree(tiny.root.parent, tmp_path / "whole", symlinks=True)
    seen = killer.act(tmp_path / "whole" / tiny.root.name, "restore").seen
    copies = seen.index("journal/restore/before")
    assert seen[copies + 1 : copies + 5] == ["journal/restore/after", "restore/staged", "restore/decided", "restore/left"]
    outcomes = set()
    points = {0, copies // 2, *(seen.index(name) for name in seen), len(seen) - 2}      # the first of each kind, and the last
    for at in sorted(points):
        here = tmp_path / f"at{at}"
        shutil.copytree(tiny.root.parent, here, symlinks=True)
        assert killer.act(here / tiny.root.name, "restore", kill_at=at).killed
        city = attach(here / tiny.root.name, tiny.sources, tiny.now.isoformat())
        way = city.way()        # any command: it finishes what was decided
        found = {path: sha for path, sha in lake(city.settings).items() if not path.startswith(".restoring")}
        assert found == new or (found.items() >= old.items() and len(found) == len(old) + 1), seen[at]
        outcomes.add((seen[at], found == new))
        assert found == new or not list(city.root.rglob(".restoring"))
        assert tree(city.settings.holding) == held
        assert [one for one in verify(way) if not one.place.startswith("site")] == [], seen[at]
        assert killer.act(city.root, "restore").code == 0
        assert not list(city.root.rglob(".restoring"))
        shutil.rmtree(here)
    assert {name for name, kept in outcomes if kept} == {"restore/copied", "journal/restore/before", "journal/restore/after", "restore/staged"}
    assert {name for name, kept in outcomes if not kept} == {"restore/decided", "restore/left", "restore/came", "restore/removed"}


@pytest.mark.parametrize("name", ["backup/object", "backup/warm", "backup/listing", "backup/listed"])
def test_a_kill_in_a_backup_leaves_those_that_were_there(tiny: Tiny, killer: Killer, name: str) -> None:
    (first,) = names(safe(tiny))
    grown(tiny)
    assert killer.act(tiny.root, "backup", kill_name=name).killed
    assert len(names(safe(tiny))) == 1 + (name == "backup/listed")
    assert look(tiny.settings, safe(tiny), first).backup.id == first
    again = make(tiny.settings, safe(tiny), keep=3)
    assert look(tiny.settings, safe(tiny)).backup == again.backup
    assert not [path for path in (safe(tiny) / "objects").rglob(".*")]


def test_what_was_erased_after_the_backup_comes_back_and_is_over_its_time(tmp_path: Path) -> None:
    city = Kept(tmp_path / "city")
    city.drop("trees1.csv", FIRST)
    city.run()
    city.now += timedelta(days=20)
    city.drop("trees2.csv", SECOND)
    city.run()
    make(city.settings, tmp_path / "safe")
    city.now += timedelta(days=11)
    city.retain()
    erased = lake(city.settings)
    found = restore(city.settings, tmp_path / "safe", replace=True)
    assert found.forgotten[DATASET]["erasing"] == 1
    assert {name: len(items) for name, items in planned(city.way()).items()} == {DATASET: 1}
    city.retain()
    raw = {name for name in lake(city.settings) if name.startswith("raw/")}
    assert raw == {name for name in erased if name.startswith("raw/")}
    assert verify(city.way()) == []
    assert Journal(city.settings.lake / "journal").state(DERIVED).marks == ()


def test_what_closed_something_after_the_backup_stays_closed(tmp_path: Path) -> None:
    """A withdrawal, a revoked approval and a rejection are carried over, as long as the newer journal is there."""
    tiny = Tiny(tmp_path / "city")
    for name, more in (("ponds", {"volume": {"min_rows": 10}}), ("gardens", {"volume": {"min_rows": 10}})):
        tiny.declare(contract(f"parks.{name}", **more))
    for name in ("trees", "ponds", "gardens"):
        tiny.drop(f"{name}1.csv", GOOD)
    tiny.become("steward_p")
    tiny.run()
    way = tiny.way()
    ponds, gardens = (next(iter(way.journal.state(f"parks.{name}").holds)) for name in ("ponds", "gardens"))
    decide(way, ponds, "approve", "The office says so")
    make(tiny.settings, tmp_path / "safe")
    decide(way, ponds, "revoke", "The office was wrong")
    decide(way, gardens, "reject", "Half of it is missing")
    withdraw(way, way.contract(DATASET), "main", TOMBSTONE, portals_of(way))
    found = restore(tiny.settings, tmp_path / "safe", replace=True)
    assert found.carried == {DATASET: {"withdrawing": 1}, "parks.ponds": {"revoke": 1}, "parks.gardens": {"reject": 1}}
    assert not list((tiny.settings.holding / "parks.gardens").rglob("payload"))
    assert list((tiny.settings.holding / "parks.ponds").rglob("payload"))
    tiny.run()
    journal = tiny.way().journal
    assert set(journal.state(DATASET).withdrawn) == {"main"}
    assert journal.state("parks.ponds").batches == ()
    state = journal.state("parks.gardens")
    assert state.batches == ()
    assert state.rejected({**state.past_holds, **state.holds}[gardens].subject)
    pages = json.loads((tiny.settings.site / "current/pages.json").read_text(encoding="utf-8"))
    assert pages[f"{DATASET}.main"]["shown"] == "tombstone"
    assert verify(tiny.way()) == []
