"""The gate under attack: whatever is missing, late, changed or in error, nothing leaves, and nobody has to notice first."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from test_pipelines_disclosure import HEADER, city, held, persons, rows, rule, state_of
from tiny import Tiny, by_step, column, contract

from catalog.canonical import fingerprint
from catalog.errors import DefinitionErrors, LakeError
from pipelines import memory
from pipelines.decisions import decide, inbox
from pipelines.portals.listed import portals_of
from pipelines.products import Outward
from pipelines.protocol import perform
from pipelines.steps import serve as serve_module
from pipelines.steps.ingest import ingest
from pipelines.steps.publish import publish
from pipelines.steps.refine import refine
from pipelines.steps.serve import serve
from pipelines.verdicts import stands

NAME, ID = "parks.members", "parks.members.main"


def shown(made: Tiny) -> str:
    pages = json.loads((made.settings.site / "current/pages.json").read_text(encoding="utf-8"))
    return str(pages.get(ID, {"shown": "absent"})["shown"])


def served(root: Path) -> tuple[Tiny, Path]:
    """A release that serve has let through and no portal shows yet, and its folder in the lake."""
    made = city(root, rows(80))
    way = made.way()
    for step in (ingest, refine, serve("main")):
        assert perform(way, way.contract(NAME), step)["outcome"] == "done"
    release = state_of(made).release("main")
    assert release is not None
    return made, made.settings.lake / release.body["release"]["folder"]


def published(made: Tiny) -> str:
    """The outcome of publishing as a run does it."""
    from pipelines.conduct import Planned, take

    way = made.way()
    (portal,) = portals_of(way)
    return take(way, way.contract(NAME), Planned("publish", "site/main", publish(portal, "main"))).outcome


def offered(made: Tiny) -> list[Path]:
    return list(made.settings.site.rglob("*.parquet"))


def test_untouched_it_leaves(tmp_path: Path) -> None:
    made, _ = served(tmp_path)
    assert published(made) == "done"
    assert offered(made)


@pytest.mark.parametrize("how", ["one byte", "cut short", "gone"])
def test_a_file_that_is_not_the_one_that_was_judged(tmp_path: Path, how: str) -> None:
    made, folder = served(tmp_path)
    (file,) = folder.glob("*.parquet")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(bytes(data) if how == "one byte" else bytes(data[:-100]))
    assert published(made) == "refused"
    assert offered(made) == []


def test_the_policy_changed_after_the_verdict(tmp_path: Path) -> None:
    made, _ = served(tmp_path)
    made.write("negative_list.yaml", rule(NAME).replace("version: 1", "version: 2"))
    published(made)
    assert shown(made) == "metadata"
    assert offered(made) == []


def test_a_column_changed_its_treatment_after_the_verdict(tmp_path: Path) -> None:
    made, _ = served(tmp_path)
    made.declare(persons(product={"columns": {"block": {"do": "mask", "left": 1}, "age": {"do": "keep"}}}))
    published(made)
    assert offered(made) == []


def test_a_column_added_after_the_verdict_is_not_shown_before_it_is_judged(tmp_path: Path) -> None:
    made, _ = served(tmp_path)
    made.declare(persons(product={"columns": {"block": {"do": "keep"}, "age": {"do": "keep"}, "id": {"do": "mask", "left": 2}}}))
    published(made)
    assert offered(made) == []


def test_a_record_without_a_ruling_lets_nothing_leave(tmp_path: Path) -> None:
    made, _ = served(tmp_path)
    way, body = made.way(), dict(state_of(made).passed["serve/main"])
    contract = way.contract(NAME)
    outward = Outward(contract, contract.product("main"), way.city.codes, way.city.zone)
    assert stands(way, state_of(made), outward, body)
    assert not stands(way, state_of(made), outward, {**body, "ruling": {**body["ruling"], "ruling": "HOLD"}})
    body.pop("ruling")
    assert not stands(way, state_of(made), outward, body)


@pytest.mark.parametrize("damage", ["garbage", "a record is missing", "unreadable"])
def test_the_journal_cannot_be_read(tmp_path: Path, damage: str) -> None:
    made, _ = served(tmp_path)
    records = sorted((made.settings.lake / "journal" / "parks" / "members").glob("*.json"))
    if damage == "garbage":
        records[1].write_bytes(b"{")
    elif damage == "a record is missing":
        records[1].unlink()
    else:
        records[1].unlink()
        records[1].mkdir()
    assert published(made) == "failed"
    assert offered(made) == []


@pytest.mark.parametrize("where", ["screen_files", "disclosure", "exposure"])
def test_a_judge_in_error_holds_and_the_next_run_looks_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def late(*_: Any, **__: Any) -> Any:
        raise TimeoutError("P900 C")

    made = city(tmp_path, rows(80))
    kept = getattr(serve_module, where)
    monkeypatch.setattr(serve_module, where, late)
    for _ in range(2):
        outcomes = made.run()
        assert by_step(outcomes)[f"{NAME} serve main"] == "held"
        (hold,) = state_of(made).holds.values()
        assert (hold.approvable, [(one["rule"], one["observed"]) for one in hold.findings]) == (
            False, [("screen.unseen.release", {"error": "TimeoutError"})])
        assert "P900" not in str([one.note for one in outcomes]) + str(hold.body)
        assert offered(made) == []
        assert state_of(made).releases == {}
    monkeypatch.setattr(serve_module, where, kept)
    assert by_step(made.run())[f"{NAME} serve main"] == "done"
    assert offered(made) != []


def test_a_changed_mask_rule_makes_masked_gold_anew_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Tiny(tmp_path)
    columns = [column("id", "text", "编号", key=1, required=True), column("code", "text", "代码")]
    shape = {"tier": "unconditional", "purpose": "open_data"}
    mask = {"do": "mask", "left": 2}
    made.declare(contract(columns=columns, products=[{"name": "main", "columns": {"id": {"do": "keep"}, "code": mask}, **shape},
                                                     {"name": "plain", "columns": {"id": {"do": "keep"}}, **shape}]))
    made.drop("trees1.csv", "编号,代码\nT1,XKAJ-PQ\nT2,XKBB-RS\n")
    assert {one.outcome for one in made.run()} == {"done"}
    monkeypatch.setattr("pipelines.verdicts.MASKING_VERSION", "a stricter rule")
    way = made.way()
    outward = Outward(way.contract("parks.trees"), way.contract("parks.trees").product("main"), way.city.codes, way.city.zone)
    state = way.journal.state("parks.trees")
    assert not stands(way, state, outward, state.passed["serve/main"])          # closed even before it is made again
    found = by_step(made.run())
    assert (found["parks.trees serve main"], found["parks.trees serve plain"]) == ("done", "unchanged")
    assert set(by_step(made.run()).values()) == {"unchanged"}


def test_the_mask_version_follows_the_table_of_kinds() -> None:
    from catalog import masking

    changed = {**masking.TELLING, "plate": masking.Telling(7, 0, 8)}
    told = fingerprint("masking 1", {kind: vars(known) for kind, known in changed.items()})[:12]
    assert told != masking.MASKING_VERSION


def test_a_review_that_ends_closes_what_it_opened(tmp_path: Path) -> None:
    made = city(tmp_path, rows(80, "P900,C,30-39,x\n"))
    made.run()
    (hold,) = held(made)
    made.become("officer")
    way = made.way()
    assert [item.hold.id for item in inbox(way)] == [hold.id]
    decide(way, hold.id, "approve", "The block is open ground", until=way.today() + timedelta(days=3))
    made.run()
    assert shown(made) == "open"
    made.now += timedelta(days=5)
    made.run()
    assert shown(made) == "metadata"
    assert offered(made) == []
    assert [one.id for one in held(made)] == [hold.id]


def test_an_approval_is_for_these_bytes_alone(tmp_path: Path) -> None:
    made = city(tmp_path, rows(80, "P900,C,30-39,x\n"))
    made.run()
    (hold,) = held(made)
    made.become("officer")
    decide(made.way(), hold.id, "approve", "The block is open ground")
    made.drop("members2.csv", f"{HEADER}P901,D,40-49,y\n")
    made.run()
    assert [one.id for one in held(made)] != [hold.id]
    assert held(made)
    assert offered(made) == []


# -- the model, the recognisers, the files between their writing and their record ------------------------------------------

NOTES, NOTE_HEADER = "parks.notes", "编号,内容\n"
NOTE_ROWS = "N1,公园里的长椅坏了需要修理\nN2,路灯不亮已经三天了\nN3,请尽快清理落叶谢谢\n"


def notes(root: Path, how: dict[str, Any] | None = None, level: str = "L1") -> Tiny:
    """Running text that is published: the language model reads it."""
    made = Tiny(root)
    (made.city / "datasets/parks/trees.odcs.yaml").unlink()
    columns = [column("id", "text", "编号", key=1, required=True), column("note", "text", "内容", level)]
    product = {"name": "main", "tier": "unconditional", "purpose": "open_data", "formats": ["parquet", "csv", "jsonl"],
               "columns": {"id": {"do": "keep"}, "note": how or {"do": "keep"}}}
    made.declare(contract(NOTES, columns, products=[product]))
    made.drop("notes1.csv", NOTE_HEADER + NOTE_ROWS)
    return made


def refined(made: Tiny) -> Tiny:
    """Everything is well up to here."""
    way = made.way()
    for step in (ingest, refine):
        assert perform(way, way.contract(NOTES), step)["outcome"] == "done"
    return made


def closed(made: Tiny, outcomes: list[Any], *ways: str) -> None:
    """Nothing left, whichever of these ways it ended; and what was said quotes nothing."""
    assert by_step(outcomes)[f"{NOTES} serve main"] in ways
    assert not list(made.settings.site.rglob("*.parquet"))
    assert not list(made.settings.site.rglob("*.jsonl"))
    assert made.way().journal.state(NOTES).releases == {}
    assert "长椅" not in str([one.note for one in outcomes])


@pytest.fixture
def model(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The model's files, copied to where a test may harm them."""
    from privacy import model as module

    folder = tmp_path_factory.mktemp("model")
    for name in module.FILES:
        shutil.copy(module._installed() / name, folder / name)
    monkeypatch.setattr(module, "_installed", lambda: folder)
    return folder


@pytest.mark.parametrize("how", [{"do": "keep"}, {"do": "redact"}])
@pytest.mark.parametrize("harm", ["gone", "altered", "cut short", "all gone"])
def test_a_model_that_is_gone_or_altered_while_the_program_runs_holds(tmp_path: Path, model: Path, harm: str, how: dict[str, Any]) -> None:
    assert by_step(notes(tmp_path / "before", how).run())[f"{NOTES} serve main"] == "done"       # this very process has it loaded
    made = refined(notes(tmp_path / "after", how))
    for file in [model / "word.dic"] if harm != "all gone" else list(model.iterdir()):
        data = file.read_bytes()
        file.unlink()
        if harm not in ("gone", "all gone"):
            file.write_bytes(data[:-1] + b"\0" if harm == "altered" else data[:-40])
    outcomes = made.run()
    closed(made, outcomes, "held")
    (hold,) = made.way().journal.state(NOTES).holds.values()
    assert any("model" in str(found) for found in hold.findings)


def test_the_model_comes_back_and_the_hold_ends_by_itself(tmp_path: Path, model: Path) -> None:
    made, kept = refined(notes(tmp_path, {"do": "redact"})), (model / "tag.dic").read_bytes()
    (model / "tag.dic").unlink()
    closed(made, made.run(), "held")
    (model / "tag.dic").write_bytes(kept)
    assert by_step(made.run())[f"{NOTES} serve main"] == "done"
    assert made.way().journal.state(NOTES).holds == {}


def raising(error: BaseException) -> Any:
    def late(*_: Any, **__: Any) -> Any:
        raise error
    return late


@pytest.mark.parametrize("error", [kind("公园里的长椅坏了") for kind in (TimeoutError, MemoryError)])
@pytest.mark.parametrize("where", ["pipelines.column_screens.texts_query", "pipelines.column_screens.judge_counts", "privacy.model.Model.read",
                                   "pipelines.column_screens.screen_query"])
def test_a_recogniser_that_fails_or_takes_too_long_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: BaseException
) -> None:
    made = refined(notes(tmp_path))
    (made.settings.state / memory.FILE).unlink()          # what was read before needs no reader
    memory._memory.cache_clear()
    monkeypatch.setattr(where, raising(error))
    outcomes = made.run()
    closed(made, outcomes, "held")
    (hold,) = made.way().journal.state(NOTES).holds.values()
    assert "长椅" not in str(hold)


@pytest.mark.parametrize("where", ["presidio_analyzer.AnalyzerEngine.analyze", "privacy.presidio_engine.Ours.analyze",
                                   "privacy.presidio_engine.Words.process_batch"])
def test_where_presidio_fails_the_doubt_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """It can only make a verdict stricter: an identifier that our own rules see is held without it."""
    made = notes(tmp_path)
    made.drop("notes1.csv", f"{NOTE_HEADER}{NOTE_ROWS}N4,请拨打13958112233联系我\n")
    made.write("negative_list.yaml", rule(NOTES).replace("kinds: []", "kinds: [mobile]"))
    document = contract(NOTES, [column("id", "text", "编号", key=1, required=True), column("note", "text", "内容")], collection_rule="RULE-1")
    made.declare(document)
    refined(made)
    monkeypatch.setattr(where, raising(TimeoutError("13958112233")))
    outcomes = made.run()
    closed(made, outcomes, "held")
    assert "13958112233" not in str(outcomes)


def test_a_text_that_could_not_be_treated_does_not_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value without an entry in the lookup is empty in what leaves, never itself."""
    from pipelines import asking

    kept = asking.treated
    monkeypatch.setattr(asking, "treated", lambda *given: [None if "长椅" in str(value) else value for value in kept(*given)])
    made = notes(tmp_path, {"do": "redact"})
    made.run()
    for file in made.settings.site.rglob("*.parquet"):
        assert "长椅" not in str(pq.read_table(file).to_pylist())
    assert [row["note"] for file in made.settings.site.rglob("*.parquet") for row in pq.read_table(file).to_pylist() if row["id"] == "N1"] == [None]


def harmed(file: Path, how: str) -> None:
    data = bytearray(file.read_bytes())
    if how == "chunk":
        data[8:40] = bytes(32)
    elif how == "footer":
        data[-6] ^= 0xFF          # how long it is
    elif how == "undecodable":
        data += b"N9,\xff\xfe\n" if file.suffix == ".csv" else b"\xff"
    else:
        data = data[: len(data) // 2]
    file.chmod(0o600)
    file.write_bytes(bytes(data))


@pytest.mark.parametrize(("suffix", "how"), [(".parquet", "chunk"), (".parquet", "footer"), (".parquet", "cut"), (".csv", "undecodable"),
                                             (".csv", "cut"), (".jsonl", "undecodable"), (".jsonl", "cut")])
@pytest.mark.parametrize("when", ["serve/files", "serve/screened"])
def test_a_file_is_harmed_between_writing_and_record(tmp_path: Path, suffix: str, how: str, when: str) -> None:
    """Before the screen it is what is screened; after it, it is not what was."""
    from pipelines import boundary

    made = notes(tmp_path)

    def watch(name: str) -> None:
        if name == when:
            for file in made.settings.lake.glob(f"releases/**/*{suffix}"):
                harmed(file, how)

    boundary.watchers.append(watch)
    try:
        outcomes = made.run()
    finally:
        boundary.watchers.remove(watch)
    found = by_step(outcomes)
    if when == "serve/files":
        closed(made, outcomes, "held")
    else:
        assert found[f"{NOTES} publish site/main"] == "refused"
    assert not list(made.settings.site.rglob("*.parquet"))


@pytest.mark.parametrize("when", ["serve", "published"])
def test_a_journal_that_cannot_be_written_lets_nothing_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    from pipelines.journal import Journal

    made = notes(tmp_path)
    if when == "published":
        made.declare(contract(NOTES, [column("id", "text", "编号", key=1, required=True), column("note", "text", "内容")]))
    kept = Journal.append

    def append(self: Journal, dataset: str, kind: str, body: Any) -> Any:
        if kind in ("serve", "prepared", "published") if when == "published" else kind == "serve":
            raise OSError(28, "No space left on device: 公园里的长椅坏了")
        return kept(self, dataset, kind, body)

    monkeypatch.setattr(Journal, "append", append)
    outcomes = made.run()
    assert "长椅" not in str(outcomes)
    assert not list(made.settings.site.rglob("*.parquet"))
    assert by_step(outcomes)[f"{NOTES} serve main"] == "failed"


def test_the_journal_s_folder_is_gone(tmp_path: Path) -> None:
    made, _ = served(tmp_path)
    journal = made.settings.lake / "journal"
    before = offered(made)
    journal.rename(made.root / "elsewhere")
    made.settings.site.mkdir(exist_ok=True)
    with pytest.raises(LakeError, match="The lake is lost"):
        made.run()
    assert offered(made) == before
    (made.root / "elsewhere").rename(journal)
    made.run()
    assert state_of(made).releases


def test_a_policy_that_cannot_be_read_stops_everything(tmp_path: Path) -> None:
    made, _ = served(tmp_path)
    made.write("negative_list.yaml", "version: [")
    with pytest.raises(DefinitionErrors):
        made.way()
    assert offered(made) == []
