"""Texts are judged and redacted on Spark's workers as in this process, by the measured model alone, and nothing of them is told on the way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from cluster import Spark, connect_server
from sparking import local
from tiny import DATASET, Tiny, column

from catalog.extension import Redact
from pipelines.asking import Asked, looks_by, treated_by
from pipelines.engines import Question, Session, Unanswered
from pipelines.engines.duck import DuckEngine
from pipelines.engines.spark import SparkEngine, workers
from pipelines.lake import Lake
from pipelines.protocol import perform
from pipelines.steps.ingest import ingest
from pipelines.steps.refine import refine
from pipelines.steps.serve import serve
from privacy.column_texts import looks
from privacy.lookups import treated
from privacy.model import ModelMissing, load

pytestmark = pytest.mark.spark
ROOT = Path(__file__).parents[1]
NAMES = ("王小明", "李建国", "欧阳娜娜", "陈思", "赵敏芝", "古丽娜尔", "张伟", "周杰", "孙悦", "吴桐")
STREETS = ("文三路", "延安路", "体育场路", "江南大道", "北山街")
FORMS = ("市民{name}来电反映{street}{n}号积水，电话1391234{n:04d}", "请{street}{n}号{n}幢{n}室的{name}女士尽快处理", "{street}公交站台灯箱损坏{n}处",
         "{name}", "投诉人{name}，身份证号未留，{n}日来访", "建议在{street}增设{n}个停车位，方便居民")
TEXTS = [form.format(name=NAMES[n % len(NAMES)], street=STREETS[n % len(STREETS)], n=n) for n in range(70) for form in FORMS]
TEXTS = list(dict.fromkeys([*TEXTS, "路" * 900, " ", "a\nb", "𠮷野家的王小明说", "杭州市民张小明来电反映积水。" * 60]))
TREES = "编号,备注\n" + "".join(f"T{n},公园里的第{n}号长椅坏了，请尽快修理\n" for n in range(30))
COLUMNS = [column("id", "text", "编号", key=1, required=True), column("note", "text", "备注")]
PRODUCT = {"name": "main", "tier": "unconditional", "purpose": "open_data", "formats": ["csv"],
           "columns": {"id": {"do": "keep"}, "note": {"do": "redact"}}}


@contextmanager
def opened(engine: str, root: Path, spark: object) -> Iterator[Session]:
    settings, lake = local(root / "state"), Lake(root / "lake")
    with (SparkEngine(lake, settings) if engine == "spark" else DuckEngine(lake, settings)).open({}) as session:
        yield session


def shipped(session: Session) -> Path:
    """The folder of the workers' model."""
    return Path(session.ask(["x"], question(lambda texts, folder: [str(folder)]))[0] or "")


def question(answers: Callable[[Sequence[str], Path | None], Sequence[str | None]]) -> Question:
    """A question that a worker can unpickle: it does not know this file."""
    files = Asked(list).files()

    class Made:
        def files(self) -> Sequence[Path]:
            return files

        def answers(self, texts: Sequence[str], folder: Path | None) -> Sequence[str | None]:
            return answers(texts, folder)
    return Made()


ELSEWHERE = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, "tests")
from test_pipelines_asking import *
root = Path(sys.argv[2])
with SparkEngine(Lake(root / "lake"), replace(local(root / "state"), spark=sys.argv[1])).open({}) as session:
    redacted, seen = treated_by(session, "note", Redact(do="redact"), TEXTS, "3301"), looks_by(session)(TEXTS)
    assert Asked(list).files()[0].parent != shipped(session)
assert redacted == treated("note", Redact(do="redact"), TEXTS, "3301")
assert seen == looks(load(), TEXTS)
print("the same")
"""


def test_workers_say_of_hundreds_of_texts_what_this_process_says(tmp_path: Path, spark: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "PIECE", 100)      # several tasks
    assert len(TEXTS) > 300
    with opened("spark", tmp_path, spark) as session:
        redacted, seen = treated_by(session, "note", Redact(do="redact"), TEXTS, "3301"), looks_by(session)(TEXTS)
        places = set(session.ask(TEXTS, question(lambda texts, folder: [f"{os.getpid()} {folder}"] * len(texts))))
        assert session.ask([], Asked(list)) == []
    assert redacted == treated("note", Redact(do="redact"), TEXTS, "3301")
    assert seen == looks(load(), TEXTS)
    assert len({*seen}) > 3
    assert sum(one != text for one, text in zip(redacted, TEXTS, strict=True)) > 200
    assert all(not one or one.split()[0] != str(os.getpid()) for one in places), "not in this process"
    assert not list((tmp_path / "state/scratch").glob("*/*/*.parquet")), "what was asked is wiped"


class Shipped:
    """One file of the model as it was shipped to the workers."""

    def __init__(self, path: Path) -> None:
        self.path, self.whole = path, path.read_bytes()

    def damage(self) -> None:
        self.path.write_bytes(self.whole + b"\n")

    def mend(self) -> None:
        self.path.write_bytes(self.whole)


@pytest.fixture
def model(tmp_path: Path, spark: object) -> Iterator[Shipped]:
    """A file of the workers' model, right again afterwards."""
    with opened("spark", tmp_path / "model", spark) as session:
        found = Shipped(shipped(session) / "tag.dic")
    yield found
    found.mend()


def test_a_worker_whose_model_is_not_the_measured_one_answers_nothing(tmp_path: Path, spark: object, model: Shipped) -> None:
    model.damage()
    with opened("spark", tmp_path, spark) as session:
        for ask in (lambda: looks_by(session)(TEXTS[:3]), lambda: treated_by(session, "note", Redact(do="redact"), TEXTS[:3], "")):
            with pytest.raises(ModelMissing) as missing:
                ask()
            assert missing.value.remedy
            assert missing.value.__cause__ is None
    assert load().read(["王小明"]), "this process's own model is whole"


def test_a_worker_with_other_rules_answers_nothing(tmp_path: Path, spark: object) -> None:
    with opened("spark", tmp_path, spark) as session, pytest.raises(Unanswered) as failed:
        session.ask(TEXTS[:3], Asked(str, rules="of yesterday"))       # type: ignore[arg-type]
    assert failed.value.why == "ModelMissing"


def test_what_goes_wrong_on_a_worker_is_told_by_its_class_alone(tmp_path: Path, spark: object, capfd: pytest.CaptureFixture[str]) -> None:
    def wrong(texts: Sequence[str], folder: Path | None) -> Sequence[str | None]:
        raise ValueError(texts[0])

    with opened("spark", tmp_path, spark) as session, pytest.raises(Unanswered) as failed:
        session.ask(["CANARY 王小明"], question(wrong))
    assert failed.value.why == "ValueError"
    assert "CANARY" not in str(failed.value) + "".join(capfd.readouterr())


def test_a_release_waits_while_a_worker_has_another_model_and_is_made_when_it_has_not(tmp_path: Path, model: Shipped) -> None:
    city = Tiny(tmp_path / "city", columns=COLUMNS, products=[PRODUCT])
    city.drop("trees1.csv", TREES)
    way = city.way()
    for step in (ingest, refine):
        assert perform(way, way.contract(DATASET), step)["outcome"] == "done"
    city.engine = "spark"
    model.damage()
    held = perform(city.way(), way.contract(DATASET), serve("main"))
    assert held["outcome"] == "held"
    assert [(hold["findings"][0]["rule"], hold["approvable"]) for hold in held["holds"]] == [("screen.unseen.release", False)]
    assert "长椅" not in str(held)
    model.mend()
    assert perform(city.way(), way.contract(DATASET), serve("main"))["outcome"] == "done"


@pytest.mark.soak
@pytest.mark.parametrize("kind", [connect_server], ids=["connect"])
def test_texts_go_to_the_workers_of_a_connect_server_too(tmp_path: Path, kind: Callable[[Path], AbstractContextManager[Spark]]) -> None:
    """In a process of its own: a Spark session of this one is running already."""
    with kind(tmp_path / "spark") as server:
        ran = subprocess.run([sys.executable, "-c", ELSEWHERE, server.url, str(tmp_path)], capture_output=True, text=True, check=False, cwd=ROOT,
                             timeout=900)
    assert ran.stdout.splitlines()[-1:] == ["the same"], ran.stdout + ran.stderr[-2000:]
