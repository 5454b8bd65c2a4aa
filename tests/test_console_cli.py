"""The `citylake` command on a tiny city with a real lake: what it prints, its exit codes and its JSON."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from console.main import build
from console.tables import width
from console.words import speak, spoken
from pipelines.way import os_user
from tests.tiny import GOOD, Tiny, column, contract

Cli = Callable[..., Result]
UNKNOWN = GOOD.replace("编号,", "编号,张三的电话,").replace("T1,", "T1,1,").replace("T2,", "T2,2,").replace("T3,", "T3,3,")
BAD = GOOD + "T4,X,2.0,2024-02-02,钱七\n"


@pytest.fixture
def tiny(tmp_path: Path, umask: None) -> Tiny:
    city = Tiny(tmp_path)
    city.user = os_user()
    return city


@pytest.fixture
def cli(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> Cli:
    for name, value in tiny.environment().items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str, code: int = 0, stdin: str | None = None) -> Result:
        language, rest = spoken(arguments, "en")
        speak(language)
        result = CliRunner().invoke(build(), rest, input=stdin)
        assert result.exit_code == code, (result.exit_code, result.output, result.exception)
        assert "Traceback" not in result.output
        if "--json" not in arguments and "check" not in arguments:      # a problem keeps to one line
            assert [line for line in result.stdout.splitlines() if width(line) > 80 and "/" not in line] == []      # a path stays whole
        return result

    return call


def document(result: Result) -> Any:
    """The one JSON document on standard output, which must have sorted keys."""
    found = json.loads(result.stdout)
    assert json.dumps(found, ensure_ascii=False, sort_keys=True, indent=2) + "\n" == result.stdout
    return found


def test_a_withdrawal_is_not_undone_by_the_loss_of_the_lake(cli: Cli, tiny: Tiny) -> None:
    tiny.become("steward_p")
    tiny.drop("trees1.csv", GOOD)
    cli("run")
    cli("withdraw", "parks.trees.main", "--reason", "It was wrong", "--basis", "Notice 3", "--yes")
    cli("backup", str(tiny.root / "safe"))
    site = tiny.settings.site / "current/pages.json"
    before = site.read_bytes()
    assert b"tombstone" in before
    shutil.rmtree(tiny.settings.lake)
    for command in (["run"], ["status"], ["inbox"], ["plan"], ["audit", "verify"], ["retain"]):
        for language in ("en", "zh"):
            told = " ".join(cli(*command, "--lang", language, code=1).output.split())
            assert ("The lake is lost" if language == "en" else "数据湖已丢失") in told
            assert "citylake restore SOURCE" in told
    assert not tiny.settings.lake.exists()
    cli("restore", str(tiny.root / "safe"))
    cli("run")
    assert site.read_bytes() == before


def test_the_list_of_backups_names_those_whose_own_list_is_damaged(cli: Cli, tiny: Tiny) -> None:
    tiny.drop("trees1.csv", GOOD)
    cli("run")
    safe = str(tiny.root / "safe")
    first = document(cli("backup", safe, "--without-keys", "--json"))["backup"]
    second = document(cli("backup", safe, "--json"))["backup"]
    path = tiny.root / f"safe/backups/{second}.json"
    path.write_bytes(path.read_bytes()[:-1])
    found = document(cli("restore", safe, "--list", "--json"))
    assert ([one["backup"] for one in found["backups"]], found["damaged"]) == ([first], [second])
    told = cli("restore", safe, "--list").output
    assert first in told
    assert second in told
    tiny.become("steward_p")        # another content: within a second an equal backup would be the same one
    assert "the lake has its content no more" in " ".join(cli("backup", safe).output.split())
    path.unlink()


def held(cli: Cli) -> str:
    holds = document(cli("inbox", "--json"))["holds"]
    assert len(holds) == 1
    return str(holds[0]["key"])


def test_a_good_run_ends_with_zero_and_a_table(tiny: Tiny, cli: Cli) -> None:
    tiny.drop("trees1.csv", GOOD)
    output = cli("run").output
    assert "done      parks.trees: 1 batch, 3 rows, main r1" in output
    assert "parks.trees.main" in output
    assert cli("run").output.startswith("unchanged parks.trees: nothing new")


def test_a_dataset_that_stays_forbidden_fails_the_first_run_only(tiny: Tiny, cli: Cli) -> None:
    tiny.drop("trees1.csv", GOOD)
    tiny.write("negative_list.yaml", "version: 2\nexcluded:\n  - {id: T1, kind: dataset, name: parks.trees, legal_basis: law, verified: true}\n")
    found = document(cli("run", "--json", code=4))["datasets"][0]
    assert [finding["rule"] for item in found["refused"] for finding in item["findings"]] == ["excluded"]
    again = cli("run").output
    assert again.startswith("unchanged parks.trees: refused before")
    assert "refused before: The negative list forbids to collect this dataset" in " ".join(again.split())
    assert cli("audit", "show", "parks.trees").output.count("refused – The negative list forbids") == 1
    tiny.write("negative_list.yaml", "version: 3\n")
    assert "done      parks.trees: 1 batch, 3 rows, main r1" in cli("run").output
    assert "refused before" not in cli("run").output


def test_run_as_json(tiny: Tiny, cli: Cli) -> None:
    tiny.drop("trees1.csv", BAD)
    found = document(cli("run", "--json", code=3))
    item = found["datasets"][0]
    assert found["exit_code"] == 3
    assert (item["dataset"], item["batches"], item["rows"], item["quarantined"]) == ("parks.trees", 1, 4, 1)
    assert item["rules"] == {"code.kind": 1}


def test_rows_within_the_threshold_are_quarantined_and_the_rest_is_published(tiny: Tiny, cli: Cli) -> None:
    tiny.declare(contract(max_bad_percent=50.0))
    tiny.drop("trees1.csv", BAD)
    output = cli("run").output
    assert "quarantined: 1 row: code.kind 1" in output
    assert "parks.trees  code.kind     1" in cli("quarantine", "list").output
    assert document(cli("quarantine", "list", "--json"))["datasets"] == [{"dataset": "parks.trees", "rules": {"code.kind": 1}}]


def test_run_knows_departments_and_refuses_unknown_names(tiny: Tiny, cli: Cli) -> None:
    tiny.drop("trees1.csv", GOOD)
    assert document(cli("run", "--department", "weather", "--json"))["datasets"] == []
    assert [item["dataset"] for item in document(cli("run", "--department", "parks", "--json"))["datasets"]] == ["parks.trees"]
    assert "There is no dataset parks.none" in cli("run", "parks.none", code=1).stderr
    assert "There is no department" in cli("run", "--department", "none", code=1).stderr
    assert "no admitted batch" in cli("run", "--from-batch", "parks.trees/b000009", code=1).stderr


def test_run_from_batch_refines_again(tiny: Tiny, cli: Cli) -> None:
    tiny.drop("trees1.csv", GOOD)
    cli("run")
    assert document(cli("run", "--json"))["datasets"][0]["outcome"] == "unchanged"
    assert document(cli("run", "--from-batch", "parks.trees/b000001", "--json"))["datasets"][0]["outcome"] == "done"


def test_an_unknown_column_is_held_and_never_named_but_where_a_steward_looks(tiny: Tiny, cli: Cli) -> None:
    tiny.drop("trees1.csv", UNKNOWN)
    said = [cli("run", code=3), cli("inbox"), cli("status"), cli("inbox", "--json"), cli("audit", "show", "parks.trees")]
    key = held(cli)
    said += [cli("hold", "show", key), cli("hold", "show", key, "--json"), cli("hold", "show", key, "--names")]
    assert not any("张三" in result.output for result in said)
    assert "stewards of the department" in said[-1].output        # nobody is mapped yet
    tiny.become("auditor")
    assert "张三" not in cli("hold", "show", key, "--names").output
    tiny.become("steward_p")
    shown = cli("hold", "show", key, "--names").output
    assert "张三的电话" in shown
    assert "trees1.csv" in shown
    assert "Column 2" in shown
    assert "Nobody can approve this hold." in shown


def test_status_and_inbox_for_machines(tiny: Tiny, cli: Cli) -> None:
    tiny.declare(contract(volume={"min_rows": 10}))
    tiny.drop("trees1.csv", GOOD)
    cli("run", code=3)
    hold = document(cli("inbox", "--json"))["holds"][0]
    assert hold["hold"] == "parks.trees/ingest/b000001"
    assert hold["people"] == ["steward_p", "bureau", "bureau2"]          # author_p is both too, but wrote the contract
    assert hold["approvable"] is True
    assert [finding["rule"] for finding in hold["findings"]] == ["volume.min_rows"]
    item = document(cli("status", "--json"))["datasets"][0]
    assert (item["dataset"], item["department"], item["holds"], item["rows"], item["last_outcome"]) == ("parks.trees", "parks", 1, None, "held")
    tiny.become("auditor")
    assert document(cli("inbox", "--mine", "--json"))["holds"] == []
    tiny.become("steward_p")
    assert len(document(cli("inbox", "--mine", "--json"))["holds"]) == 1


def test_approving_needs_a_right_and_lets_the_batch_pass(tiny: Tiny, cli: Cli) -> None:
    tiny.declare(contract(volume={"min_rows": 10}))
    tiny.drop("trees1.csv", GOOD)
    cli("run", code=3)
    key = held(cli)
    assert "mapped to no person" in cli("hold", "approve", key, "--reason", "seen by phone", code=4).stderr
    tiny.become("author_p")
    assert "last changed the contract" in cli("hold", "approve", key, "--reason", "seen by phone", code=4).stderr
    tiny.become("officer")
    assert "It takes the role steward" in cli("hold", "approve", key, "--reason", "seen by phone", code=4).stderr
    tiny.become("steward_p")
    assert "needs a reason" in cli("hold", "approve", key, "--reason", "ok", code=4).stderr
    assert "identifier" in cli("hold", "approve", key, "--reason", "call 13812345678 about it", code=4).stderr
    assert "within a year" in cli("hold", "approve", key, "--reason", "seen by phone", "--until", "2036-01-01", code=4).stderr
    output = cli("hold", "approve", key, "--reason", "seen by phone").output
    assert "citylake run parks.trees" in output
    assert "main r1" in cli("run").output
    assert "no longer held" in cli("hold", "show", key).output


def test_approving_can_run_at_once_and_a_revoked_approval_holds_again(tiny: Tiny, cli: Cli) -> None:
    tiny.drop("trees1.csv", BAD)
    cli("run", code=3)
    tiny.become("steward_p")
    key = held(cli)
    found = document(cli("hold", "approve", key, "--reason", "one bad row is known", "--run", "--json"))
    assert found["decision"]["person"] == "steward_p"
    assert found["run"]["datasets"][0]["published"][0]["release"] == "r1"
    assert document(cli("hold", "revoke", key, "--reason", "it was wrong after all", "--run", "--json", code=3))["run"]["exit_code"] == 3


def test_a_revoked_approval_closes_the_portal_at_once(tiny: Tiny, cli: Cli) -> None:
    tiny.drop("trees1.csv", BAD)
    cli("run", code=3)
    tiny.become("steward_p")
    key = held(cli)
    cli("hold", "approve", key, "--reason", "one bad row is known", "--run")
    data = tiny.settings.site / "current/data/parks.trees.main"
    assert data.is_dir()
    cli("hold", "revoke", key, "--reason", "it was wrong after all")
    assert not data.exists()


def test_a_rejected_batch_is_gone(tiny: Tiny, cli: Cli) -> None:
    tiny.drop("trees1.csv", UNKNOWN)
    cli("run", code=3)
    tiny.become("steward_p")
    key = held(cli)
    cli("hold", "reject", key, "--reason", "a wrong file came")
    assert list(tiny.settings.holding.rglob("payload")) == []
    assert document(cli("inbox", "--json"))["holds"] == []


def test_holds_are_found_by_id_and_by_the_start_of_their_key(tiny: Tiny, cli: Cli) -> None:
    tiny.drop("trees1.csv", UNKNOWN)
    cli("run", code=3)
    key = held(cli)
    for name in (key, key[:4], "parks.trees/ingest/b000001"):
        assert document(cli("hold", "show", name, "--json"))["key"] == key
    assert "no hold" in cli("hold", "show", "zzzzzz", code=1).stderr
    assert "no hold" in cli("hold", "show", key[:3], code=1).stderr


def test_quarantined_rows_hide_what_is_sensitive_and_come_back_corrected(tiny: Tiny, cli: Cli, tmp_path: Path) -> None:
    tiny.declare(contract(max_bad_percent=50.0))
    tiny.drop("trees1.csv", BAD)
    cli("run")
    assert "钱七" not in cli("quarantine", "show", "parks.trees").output
    assert "钱七" not in cli("quarantine", "show", "parks.trees", "--json").output
    out = tmp_path / "corrected.csv"
    for mapped in (None, "auditor", "officer"):
        if mapped:
            tiny.become(mapped)
        assert "钱七" not in cli("quarantine", "show", "parks.trees", "--values", code=4).output
        cli("quarantine", "show", "parks.trees", "--out", str(out), code=4)
        assert not out.exists()
        cli("quarantine", "resubmit", "parks.trees", str(tiny.sources / "parks" / "trees1.csv"), code=4)
    tiny.become("steward_p")
    assert "钱七" in cli("quarantine", "show", "parks.trees", "--values").output
    assert "1 row written." in cli("quarantine", "show", "parks.trees", "--out", str(out)).output
    assert out.stat().st_mode & 0o077 == 0
    assert "cannot be written" in cli("quarantine", "show", "parks.trees", "--out", str(out), code=1).stderr
    out.write_text(out.read_text(encoding="utf-8-sig").replace("X,", "B,"), encoding="utf-8-sig")
    assert "Admitted as b000002: 1 row." in cli("quarantine", "resubmit", "parks.trees", str(out)).output
    assert document(cli("quarantine", "resubmit", "parks.trees", str(out), "--json"))["batches"] == []
    assert document(cli("run", "--json"))["datasets"][0]["quarantined"] == 0
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("编号,类别\nT9,A\n", encoding="utf-8")
    assert "_replaces" in cli("quarantine", "resubmit", "parks.trees", str(wrong), code=3).stderr
    cli("quarantine", "resubmit", "parks.trees", str(tmp_path / "none.csv"), code=2)


def test_releases_are_listed_shown_and_verified(tiny: Tiny, cli: Cli) -> None:
    assert "no release" in cli("release", "list").output
    tiny.drop("trees1.csv", GOOD)
    cli("run")
    tiny.drop("trees2.csv", GOOD.replace("T1", "T5"))
    cli("run")
    found = document(cli("release", "list", "--json"))["releases"]
    assert [item["release"] for item in found] == ["r1", "r2"]
    assert document(cli("release", "show", "parks.trees.main", "--json")) == found[1]
    assert document(cli("release", "show", "parks.trees", "--release", "r1", "--json")) == found[0]
    assert "trees.main.csv" in cli("release", "show", "parks.trees").output
    assert (found[1]["ruling"], found[1]["columns"]["height"]) == ("PASS", {"level": "L1", "how": {"do": "keep"}})
    assert "note" not in found[1]["columns"]
    said = cli("release", "show", "parks.trees").output
    assert [line.split()[1] for line in said.splitlines() if line.startswith("Ruling")] == ["PASS"]
    assert [line.split()[1:] for line in said.splitlines() if line.startswith("height")] == [["L1", "keep"]]
    assert "no such release" in cli("release", "show", "parks.trees", "--release", "r9", code=1).stderr
    assert "no product" in cli("release", "show", "parks.trees.none", code=1).stderr
    assert "2 releases, 0 mismatches." in cli("release", "verify").output
    path = next(tiny.settings.lake.glob("releases/parks/trees/main/*/*.csv"))
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-2] + b"9\n")
    assert path.name in cli("release", "verify", code=1).output
    assert document(cli("release", "verify", "parks.trees.main", "--json", code=1))["mismatches"][0]["place"].endswith(path.name)


def test_withdrawing_takes_a_right_and_closes_the_product(tiny: Tiny, cli: Cli) -> None:
    tiny.drop("trees1.csv", GOOD)
    cli("run")
    arguments = ["withdraw", "parks.trees.main", "--reason", "The survey was wrong", "--basis", "Notice 3"]
    cli(*arguments, code=4)
    tiny.become("auditor")
    cli(*arguments, code=4)
    assert list(tiny.settings.site.rglob("*.csv.gz")) == []
    tiny.become("bureau")
    assert "identifier" in cli(*arguments[:-1], "call 13812345678", code=4).stderr
    assert "is withdrawn from: site" in cli(*arguments).output
    assert [path.name for path in tiny.settings.site.glob("current/data/**/*.csv")] == []
    assert "withdrawn" in cli("status").output
    assert "bureau" not in "".join(path.read_text(encoding="utf-8") for path in tiny.settings.site.glob("current/*.json"))
    cli(*arguments)      # once more finishes what an interruption may have left
    assert document(cli("run", "--json"))["datasets"][0]["published"] == []
    cli("withdraw", "parks.trees.main", "--reason", "It was wrong", "--basis", "Notice 3", "--yes")


def test_the_audit_names_the_place_that_was_altered(tiny: Tiny, cli: Cli) -> None:
    tiny.drop("trees1.csv", GOOD)
    cli("run")
    assert "0 mismatches" in cli("audit", "verify").output
    assert "refined, done" in cli("audit", "show", "parks.trees").output
    assert document(cli("audit", "show", "parks.trees", "--json"))["dataset"] == "parks.trees"
    assert document(cli("audit", "verify", "--json"))["mismatches"] == []
    raw = next(path for path in (tiny.settings.lake / "raw").rglob("*") if path.is_file())
    raw.chmod(0o600)
    raw.write_bytes(b"#" + raw.read_bytes()[1:])
    assert raw.name in cli("audit", "verify", code=1).output
    places = [item["place"] for item in document(cli("audit", "verify", "parks.trees", "--json", code=1))["mismatches"]]
    assert any(place.endswith(raw.name) for place in places)


def test_replay_finds_the_same_rows(tiny: Tiny, cli: Cli) -> None:
    tiny.drop("trees1.csv", GOOD)
    cli("run")
    assert "unchanged" in cli("replay").output
    assert document(cli("replay", "parks.trees", "--json"))["datasets"][0]["outcome"] == "unchanged"
    assert document(cli("run", "--json"))["datasets"][0]["outcome"] == "unchanged"


def test_lineage_of_columns_and_of_a_row(tiny: Tiny, cli: Cli) -> None:
    tiny.drop("trees1.csv", GOOD)
    cli("run")
    output = cli("lineage", "parks.trees").output
    assert "gold/parks/trees/main" in output
    assert "高度" in output
    assert {node["column"] for node in document(cli("lineage", "parks.trees.height", "--json"))["nodes"]} >= {"height", "高度"}
    row = document(cli("lineage", "parks.trees.main", "--release", "r1", "--row", "1", "--json"))
    assert row["origins"][0]["line"] == 2
    assert "line 2" in cli("lineage", "parks.trees.main", "--release", "r1", "--row", "1").output
    cli("lineage", "parks.trees.main", "--release", "r1", code=2)


def test_check_names_file_and_line_of_every_problem(tiny: Tiny, cli: Cli) -> None:
    assert "1 dataset, 0 problems." in cli("check").output
    wrong = contract(columns=[column("id", "text", "编号", key=1, required=True), column("kind", "text", "类别", codes="nowhere")])
    tiny.declare(wrong)
    output = cli("check", code=1).output
    assert "datasets/parks/trees.odcs.yaml:" in output
    found = document(cli("check", "--json", code=1))["problems"]
    assert {"file", "line", "code", "what", "remedy"} == set(found[0])
    assert found == sorted(found, key=lambda item: (item["file"], item["line"], item["code"]))
    error = cli("run", code=1).stderr
    assert error.startswith("citylake: datasets/parks/trees.odcs.yaml:")
    assert "citylake check" in error
    assert cli("check", "--city", str(tiny.root / "nothing"), code=1).output


def test_a_foreign_error_shows_its_class_and_place_only(tiny: Tiny, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ValueError("李四 13812345678")

    monkeypatch.setattr("pipelines.decisions.inbox", broken)
    error = cli("inbox", code=1).stderr
    assert error.startswith("citylake: An unexpected ValueError at ")
    assert "李四" not in error
    assert len(error.splitlines()) == 1


def test_an_interruption_says_so(tiny: Tiny, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.conduct.run", interrupted)
    assert "Nothing is lost" in cli("run", code=130).stderr


def test_chinese_is_spoken_where_it_is_asked_for(tiny: Tiny, cli: Cli) -> None:
    tiny.drop("trees1.csv", UNKNOWN)
    output = cli("run", "--lang", "zh", code=3).output
    assert "数据集" in output
    assert "契约未声明" in output
    assert "等待" in cli("--lang=zh", "inbox").output
    assert "示例" in cli("hold", "approve", "--help", "--lang", "zh").output
    assert "Dataset" in cli("status").output
    tiny.become("auditor")
    assert "数据管理员" in cli("hold", "reject", held(cli), "--reason", "电话核对过", "--lang", "zh", code=4).stderr


def test_words_for_what_is_not_there(tiny: Tiny, cli: Cli, tmp_path: Path) -> None:
    assert "neither such a file nor such a dataset" in cli("screen", str(tmp_path / "none.csv"), code=1).stderr
    empty = tmp_path / "empty.csv"
    empty.touch()
    assert "The file is empty" in cli("screen", str(empty), code=3).stderr
    assert document(cli("hold", "list", "--json")) == document(cli("inbox", "--json"))
