"""`audit verify` over a real tiny city: one byte changed or one file taken away anywhere is named at its place."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import DATASET, Tiny, column

from catalog.errors import DefinitionError
from pipelines import boundary
from pipelines.audit import audit, show, verify
from pipelines.audit.portals import ANEW
from pipelines.lake import Op, Write
from pipelines.steps.withdraw import withdraw

GOOD = "编号,类别,高度,种植日期,备注\nT1,A,3.50 米,2026-03-12,树皮开裂\nT2,B,２.25,2025-11-30,枝条过密\nT3,A,-,2024/1/5,支架松动\n"
MORE = "编号,类别,高度,种植日期,备注\nT4,A,4.00,2026-04-01,需要浇水\nT5,X,1.00,2026-04-02,叶片发黄\nT1,A,3.75,2026-03-12,树皮开裂\n"
JOURNAL = "lake/journal/parks/trees"


def city_at(root: Path) -> Tiny:
    columns = [column("id", "text", "编号", key=1, required=True), column("kind", "text", "类别", codes="kinds"),
               column("height", "decimal(6,2)", "高度", unit="m", strip_unit=["米", "m"]), column("planted", "date", "种植日期"),
               column("note", "text", "备注", "L2")]
    return Tiny(root, columns=columns, max_bad_percent=50.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of the city: two batches, two releases, two seals."""
    tiny = city_at(tmp_path_factory.mktemp("audit"))
    tiny.drop("trees1.csv", GOOD)
    tiny.run()
    tiny.drop("trees2.csv", MORE)
    assert {item.outcome for item in tiny.run()} <= {"done", "unchanged"}
    return tiny.root


@pytest.fixture
def tiny(made: Path, tmp_path: Path) -> Tiny:
    shutil.copytree(made, tmp_path / "copy", symlinks=True)
    return city_at(tmp_path / "copy")


def places(tiny: Tiny) -> list[str]:
    return [found.place for found in verify(tiny.way())]


def flip(path: Path, at: int = -2) -> None:
    """Changes one byte, whatever the file's mode."""
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def first(tiny: Tiny, pattern: str) -> Path:
    found = sorted(path for path in tiny.root.glob(pattern) if path.is_file())
    assert found, pattern
    return found[0]


def test_a_sound_lake_gives_nothing(tiny: Tiny) -> None:
    assert audit(tiny.way()) == []


BYTES = ["lake/raw/*/*", f"{JOURNAL}/0000000004.json", "lake/journal/_city/0000000001.json",
         "lake/tables/bronze/parks/trees/*.parquet", "lake/tables/silver/parks/trees/*.parquet",
         "lake/tables/register/city/catalog/*.parquet", "lake/tables/gold/parks/trees/main/_delta_log/00000000000000000001.json",
         "lake/hashes/silver/parks/trees/*.json", "lake/releases/parks/trees/main/*/*.csv", "lake/releases/parks/trees/main/*/manifest.json"]


@pytest.mark.parametrize("pattern", BYTES)
def test_one_byte_changed_or_the_file_gone(tiny: Tiny, pattern: str) -> None:
    path = first(tiny, pattern)
    kept, place = path.read_bytes(), path.relative_to(tiny.root / "lake").as_posix()
    flip(path)
    assert place in places(tiny)
    path.write_bytes(kept)
    assert places(tiny) == []
    path.unlink()
    assert place in places(tiny)


def test_the_last_record_of_a_dataset(tiny: Tiny) -> None:
    last = sorted((tiny.root / JOURNAL).iterdir())[-1]
    place = last.relative_to(tiny.root / "lake").as_posix()
    flip(last, last.read_bytes().index(b'"at":"2026') + 7)     # still a well-formed record: only the seal knows
    assert places(tiny)[0] == place
    last.unlink()
    assert place in places(tiny)


def test_a_whole_chain_gone_is_found_by_the_seal(tiny: Tiny) -> None:
    records = {path.relative_to(tiny.root / "lake").as_posix() for path in (tiny.root / JOURNAL).iterdir()}
    shutil.rmtree(tiny.root / JOURNAL)
    assert records <= set(places(tiny))


def test_history_written_anew_contradicts_older_seals(tiny: Tiny) -> None:
    prev = ""
    for path in sorted((tiny.root / JOURNAL).iterdir()):
        item = json.loads(path.read_bytes())
        if item["seq"] == 2:
            item["at"] = "2026-11-23T04:00:00.000+00:00"
        if item["seq"] > 2:
            item["prev"] = prev
        data = json.dumps(item, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        path.write_bytes(data)
        prev = hashlib.sha256(data).hexdigest()
    heads = [json.loads(path.read_bytes())["body"].get("heads") for path in sorted((tiny.root / "lake/journal/_city").iterdir())]
    sealed = [head[DATASET][0] for head in heads if head]
    assert len(sealed) == 2
    assert {f"journal/parks/trees/{seq:010d}.json" for seq in sealed} <= set(places(tiny))


def test_it_goes_on_after_the_first_mismatch(tiny: Tiny) -> None:
    damaged = [first(tiny, pattern) for pattern in BYTES if "hashes" not in pattern and "_city" not in pattern]
    for path in damaged:
        flip(path)
    assert {path.relative_to(tiny.root / "lake").as_posix() for path in damaged} <= set(places(tiny))


SITE = [("data/parks.trees.main/r2/parks.trees.main.csv", "site: parks.trees.main"), ("index.html", "site: index.html"),
        ("en/datasets/parks.trees.html", "site: en/datasets/parks.trees.html"), ("catalog.csv", "site: catalog.csv"),
        ("catalog.jsonld", "site: catalog.jsonld"), ("data/parks.trees.main/r1/parks.trees.main.parquet", "site: parks.trees.main")]


@pytest.mark.parametrize(("name", "place"), SITE)
def test_a_published_file(tiny: Tiny, name: str, place: str) -> None:
    path = tiny.root / "site/current" / name
    kept = path.read_bytes()
    flip(path)
    assert places(tiny) == [place]
    path.write_bytes(kept)
    path.unlink()
    assert places(tiny) == [place]


def test_the_site_s_own_data(tiny: Tiny) -> None:
    pages = tiny.root / "site/current/pages.json"
    pages.write_text(pages.read_text("utf-8").replace("CC-BY-4.0", "CC0-1.0"), "utf-8")
    assert "site: parks.trees.main" in places(tiny)


def test_what_is_said_of_a_tampered_site_mends_it(tiny: Tiny) -> None:
    page = tiny.settings.site / "current" / "datasets" / f"{DATASET}.html"
    sound = page.read_bytes()
    page.chmod(0o600)
    page.write_bytes(sound + b"<p>evil</p>")
    found = verify(tiny.way())
    assert found
    assert {one.remedy for one in found} == {ANEW}
    tiny.settings.site.rename(tiny.root / "moved away")
    tiny.run()
    assert verify(tiny.way()) == []
    assert page.read_bytes() == sound


def test_every_byte_of_the_lake_and_the_site_counts(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "copy", symlinks=True)
    tiny = city_at(tmp_path / "copy")
    city = sorted((tiny.root / "lake/journal/_city").iterdir())
    folders = [tiny.root / "lake", (tiny.root / "site/current").resolve()]
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    # Nothing attests the newest city record yet, leases are empty, and the stamp only allows to compare pages.
    files = [path for path in files if path != city[-1] and "leases" not in path.parts and path.name != "renderer.txt"]

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(files), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
    def one(path: Path, share: float, mask: int) -> None:
        kept = path.read_bytes()
        data = bytearray(kept)
        data[int(share * len(data))] ^= mask
        path.chmod(0o600)
        path.write_bytes(bytes(data))
        try:
            found = places(tiny)
            whole = path.relative_to(tiny.root / "lake").as_posix() if path.is_relative_to(tiny.root / "lake") else ""
            assert whole in found if whole else any(place.startswith("site") for place in found)
        finally:
            path.write_bytes(kept)

    one()


def _foreign_version(tiny: Tiny) -> None:
    rows = pa.table({"code": ["X"]}).to_reader()
    tiny.way().lake.write("bronze/parks/trees", rows, Write("append"), Op("foreign", "none"), 2)


def _orphan_raw(tiny: Tiny) -> None:
    target = tiny.root / "lake/raw" / hashlib.sha256(b"x").hexdigest()[:2] / hashlib.sha256(b"x").hexdigest()
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(b"x")


def _half_release(tiny: Tiny) -> None:
    (tiny.root / "lake/releases/parks/trees/main/0123456789abcdef.tmp").mkdir()


def _half_record(tiny: Tiny) -> None:
    (tiny.root / JOURNAL / "0000000099.json#1").write_text("{")


@pytest.mark.parametrize("leave", [_foreign_version, _orphan_raw, _half_release, _half_record])
def test_what_a_kill_leaves_is_a_note(tiny: Tiny, leave: Callable[[Tiny], None]) -> None:
    leave(tiny)
    found = audit(tiny.way())
    assert [item.severity for item in found] == ["note"]
    assert verify(tiny.way()) == []


class Killed(BaseException):
    """Ends a run between two writes."""


@pytest.mark.slow
def test_a_run_that_ends_anywhere_leaves_notes_only(tiny: Tiny, tmp_path: Path) -> None:
    tiny.drop("trees3.csv", MORE.replace("T4", "T9").replace("9.00", "8.00"))

    def run_until(tiny: Tiny, last: str) -> list[str]:
        seen: list[str] = []

        def watch(name: str) -> None:
            seen.append(name)
            if name == last:
                raise Killed
        boundary.watchers.append(watch)
        with contextlib.suppress(Killed):
            tiny.run()
        boundary.watchers.remove(watch)
        return seen

    shutil.copytree(tiny.root, tmp_path / "whole", symlinks=True)
    written = ("linked", "after", "sealed", "renamed", "replaced")
    names = sorted({name for name in run_until(city_at(tmp_path / "whole"), "") if name.endswith(written)})
    assert len(names) > 15
    for at, name in enumerate(names):
        shutil.copytree(tiny.root, tmp_path / str(at), symlinks=True)
        broken = city_at(tmp_path / str(at))
        run_until(broken, name)
        assert verify(broken.way()) == [], name


def test_what_nobody_recorded_is_a_mismatch(tiny: Tiny) -> None:
    def stray(name: str) -> None:
        (tiny.root / name).parent.mkdir(parents=True, exist_ok=True)
        (tiny.root / name).write_text("x")
    log = "lake/tables/silver/parks/trees/_delta_log"
    shutil.copy(first(tiny, f"{log}/*1.json"), tiny.root / log / "00000000000000000001.checkpoint.parquet")
    stray("site/current/张三.html")
    stray("site/current/data/parks.trees.main/r9/x.csv")
    stray(f"{first(tiny, 'lake/releases/parks/trees/main/*/*.csv').parent.relative_to(tiny.root)}/x.csv")
    stray("lake/journal/parks/张三.json")
    found = verify(tiny.way())
    assert sorted({item.place.split("/main/")[0].split("@")[0] for item in found}) == [
        "journal", "releases/parks/trees", "site: .", "site: parks.trees.main", "tables/silver/parks/trees"]
    assert "张三" not in str(found)


def test_bytes_of_a_withdrawn_product_may_not_stay_on_the_site(tiny: Tiny) -> None:
    from pipelines.portals.listed import portals_of

    way = tiny.way()
    kept = (tiny.root / "site/current").resolve() / "data"
    shutil.copytree(kept, tiny.root / "kept")
    withdraw(way, way.contract(DATASET), "main", {"reason": "x", "basis": "y", "date": "2026-11-24"}, portals_of(way))
    shutil.rmtree(tiny.root / "lake/releases/parks/trees/main")        # a withdrawn product's files may be gone
    assert verify(tiny.way()) == []
    shutil.copytree(tiny.root / "kept", (tiny.root / "site/current").resolve() / "data", dirs_exist_ok=True)
    assert places(tiny) == ["site: parks.trees.main"]


def test_only_an_erasure_record_excuses_an_absence(tiny: Tiny) -> None:
    raw = first(tiny, "lake/raw/*/*")
    raw.unlink()
    assert places(tiny) == [raw.relative_to(tiny.root / "lake").as_posix()]
    way = tiny.way()
    batch = next(one.id for one in way.journal.state(DATASET).batches if one.body["raw"] == raw.name)
    gone = {"id": batch, "sha256": raw.name, "fetched_sha256": raw.name, "raw": raw.name}
    way.journal.append(DATASET, "erasing", {"op": "for the test", "erased": [gone]})
    way.journal.append(DATASET, "erase", {"marks": [], "raw": [raw.name], "gone": [batch], "emptied": {}, "releases": {}, "sealed": {}})
    way.journal.seal()
    assert verify(tiny.way()) == []


def test_one_dataset_alone(tiny: Tiny) -> None:
    flip(first(tiny, "lake/tables/register/city/catalog/*.parquet"))
    flip(first(tiny, "lake/raw/*/*"))
    assert len(verify(tiny.way(), [DATASET])) == 2
    with pytest.raises(DefinitionError):
        verify(tiny.way(), ["parks.unknown"])


def test_a_version_without_the_mark_of_its_operation(tiny: Tiny) -> None:
    """A record that names a foreign commit, though all hashes are right."""
    from pipelines.manifest import seal_version

    way = tiny.way()
    _foreign_version(tiny)
    entry = seal_version(way.lake, "bronze/parks/trees", 3, 2)
    way.journal.append(DATASET, "ingest", {"op": "other", "tables": {"bronze/parks/trees": 3}, "files": {"bronze/parks/trees": entry}})
    assert places(tiny) == ["tables/bronze/parks/trees@3"]


def test_show_is_json_and_holds_no_value(tiny: Tiny) -> None:
    shown = show(tiny.way(), DATASET)
    text = json.dumps(shown, ensure_ascii=False, sort_keys=True)
    assert text == json.dumps(show(tiny.way(), DATASET), ensure_ascii=False, sort_keys=True)
    assert [(batch["id"], batch["rows"], batch["outcome"]) for batch in shown["batches"]] == [("b000001", 3, "admitted"), ("b000002", 3, "admitted")]
    assert [item["counts"] for item in shown["refinements"]] == [{"rows": 3, "quarantined": 0}, {"rows": 4, "quarantined": 1}]
    assert [item["release"] for item in shown["releases"]] == ["r1", "r2"]
    assert [item["shown"] for item in shown["publications"]] == ["open", "open"]
    assert not [name for name in ("树皮开裂", "枝条过密", "trees1", "T5") if name in text]
