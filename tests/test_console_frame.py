"""The frame of the command: help of every command, what it loads, its language, completion, and what a terminal shows."""

from __future__ import annotations

import json
import os
import pty
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from console.main import build
from console.tables import width
from console.words import speak, spoken
from pipelines.settings import language
from pipelines.way import os_user
from tests.tiny import GOOD, Tiny, contract

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("dagster", "duckdb", "deltalake", "great_expectations", "presidio_analyzer", "pyspark", "pyarrow", "sqlglot")      # pydantic is typer's own
UNKNOWN = GOOD.replace("编号,", "编号,张三的电话,").replace("T1,", "T1,1,").replace("T2,", "T2,2,").replace("T3,", "T3,3,")


def commands(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command and group, by its words."""
    found = command or typer.main.get_command(build())
    yield path
    for name, child in getattr(found, "commands", {}).items():
        yield from commands(child, (*path, name))


def citylake(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", "from console.main import main; main()", *arguments], cwd=ROOT, text=True,
                          capture_output=True, env={**os.environ, "LANG": "C.UTF-8", "LC_ALL": "", **variables}, check=False)


@pytest.mark.parametrize("speech", ["en", "zh"])
@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_has_help_that_fits_and_examples(words: tuple[str, ...], speech: str) -> None:
    speak(speech)
    result = CliRunner().invoke(build(), [*words, "--help"])
    speak("en")
    assert result.exit_code == 0
    assert [line for line in result.output.splitlines() if width(line) > 80] == []
    group = words in ((), ("hold",), ("quarantine",), ("release",), ("audit",), ("portal",))
    if not group or not words:
        assert ("Examples:" if speech == "en" else "示例：") in result.output
        assert f"$ citylake {' '.join(words)}".strip() in result.output
    assert "…" not in result.output.replace("--reason …", "")         # nothing is cut
    if speech == "zh":
        assert "选项" in result.output
        assert [line for line in result.output.splitlines() if line.strip("│ ")[:1] in tuple("，。、；：？！）")] == []
        assert "Show this message" not in result.output


def test_the_examples_in_the_help_are_commands_that_exist() -> None:
    known = {" ".join(words) for words in commands()}
    for words in commands():
        for line in re.findall(r"\$ citylake (.*)", CliRunner().invoke(build(), [*words, "--help"]).output):
            first = line.split("&&")[0].split()
            assert first[0] in known or " ".join(first[:2]) in known, line


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = ("import sys\nfrom console.main import main\nsys.argv = ['citylake', *sys.argv[1:]]\n"
            "try:\n    main()\nexcept SystemExit:\n    pass\n"
            f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])")
    result = subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "LOADED []"
    assert result.stderr == ""


def test_completion_names_datasets_and_loads_nothing_heavy(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    code = ("import sys, atexit\n"
            f"atexit.register(lambda: print('LOADED', [name for name in {HEAVY!r} if name in sys.modules]))\n"
            "from console.main import main\nmain()")
    variables = {**tiny.environment(), "_CITYLAKE_COMPLETE": "complete_bash"}
    for words, expected in (("citylake run pa", "parks.trees"), ("citylake hol", "hold"), ("citylake run --department p", "parks")):
        result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False,
                                env={**variables, "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)})
        assert expected in result.stdout.split(), result.stdout
        assert "LOADED []" in result.stdout


def test_help_starts_fast() -> None:
    citylake("--help")
    assert min(_spent() for _ in range(3)) < 0.8      # about 0.4 on an idle machine


def _spent() -> float:
    """Processor seconds of one `--help`: other work on the machine does not count."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert citylake("--help").returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_version_usage_errors_and_unknown_commands() -> None:
    assert re.fullmatch(r"citylake \d+\.\d+\.\d+\n", citylake("--version").stdout)
    for arguments in (["nothing"], ["run", "--nothing"], ["hold", "approve", "x"], ["--lang", "fr", "status"], ["demo", "--day", "4"]):
        assert citylake(*arguments).returncode == 2, arguments


def test_the_language_comes_from_the_flag_anywhere_or_from_the_environment() -> None:
    assert spoken(["run", "--lang", "zh", "a.b"], "en") == ("zh", ["run", "a.b"])
    assert spoken(["--lang=en", "run"], "zh") == ("en", ["run"])
    assert spoken(["run", "--", "--lang", "zh"], "en") == ("en", ["run", "--", "--lang", "zh"])
    assert spoken(["run", "--lang"], "en") == ("en", ["run", "--lang"])
    assert language({"LANG": "zh_CN.UTF-8"}) == "zh"
    assert language({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}) == "en"
    assert language({}) == "en"
    assert language({"LANG": "zh_CN.UTF-8", "CITYLAKE_LANG": "en"}) == "en"
    assert language({"LC_ALL": "C", "CITYLAKE_LANG": "zh"}) == "zh"
    assert "选项" in citylake("--help", LANG="zh_CN.UTF-8").stdout
    assert "选项" in citylake("--help", CITYLAKE_LANG="zh").stdout
    assert "Options" in citylake("--help", "--lang", "en", CITYLAKE_LANG="zh").stdout
    wrong = citylake("status", CITYLAKE_LANG="fr", LANG="zh_CN.UTF-8")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "请写 zh 或 en" in wrong.stderr
    assert "Options" in citylake("--help", "--lang", "en", LANG="zh_CN.UTF-8").stdout


def test_who_a_person_is_comes_from_no_variable(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    tiny.user = "mayor"
    tiny.become("steward_p")
    variables = {name: "mayor" for name in ("USER", "LOGNAME", "LNAME", "USERNAME")}
    result = citylake("inbox", "--mine", **{**tiny.environment(), **variables})
    assert (result.returncode, result.stdout) == (4, "")
    assert os_user() != "mayor"


def on_terminal(*arguments: str, **variables: str) -> tuple[int, str]:
    """Runs the command on a pseudo-terminal; returns its exit code and all that it shows."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        os.execve(sys.executable, [sys.executable, "-c", "from console.main import main; main()", *arguments],
                  {**os.environ, "LANG": "C.UTF-8", "TERM": "xterm", **variables})
    shown = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_a_terminal_gets_colours_progress_and_undeclared_names_and_a_pipe_none_of_them(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    tiny.user = os_user()
    tiny.become("steward_p")
    tiny.drop("trees1.csv", UNKNOWN.replace("张三的电话", "张三的\x1b[31m电话"))
    variables = tiny.environment()
    code, shown = on_terminal("run", **variables)
    assert code == 3
    assert "\x1b[33mheld" in shown
    assert "[====================]" in shown
    assert "\x1b[33m" not in on_terminal("run", **variables, NO_COLOR="1")[1]
    piped = citylake("run", **variables)
    assert piped.returncode == 3
    assert "\x1b" not in piped.stdout
    assert piped.stderr == ""
    code, shown = on_terminal("hold", "show", "parks.trees/ingest/b000001", **variables)
    assert code == 0
    assert "张三的\\x1b[31m电话" in shown      # a name cannot drive the terminal
    assert "张三" not in citylake("hold", "show", "parks.trees/ingest/b000001", **variables).stdout


def test_files_are_for_their_owner_only_but_the_site_is_not(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    tiny.drop("trees1.csv", GOOD)
    tiny.drop("trees2.csv", GOOD + "T9,A\n")
    assert citylake("run", **tiny.environment()).returncode in (0, 3)
    open_files = [path for folder in ("lake", "state", "secrets") for path in (tmp_path / folder).rglob("*")
                  if path.is_file() and path.stat().st_mode & 0o077]
    assert open_files == []
    assert (tmp_path / "site" / "current" / "index.html").stat().st_mode & 0o044


def test_a_pipe_that_closes_early_is_no_error(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    line = f"{sys.executable} -c 'from console.main import main; main()' lineage parks.trees --json | head -1"
    result = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=True, env={**os.environ, **tiny.environment()})
    assert result.stdout == "{\n"
    assert "Traceback" not in result.stderr
    assert "BrokenPipe" not in result.stderr


def test_the_demo_writes_into_no_folder_of_sources_that_is_not_its_own(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    tiny.drop("trees1.csv", GOOD)
    result = citylake("demo", **tiny.environment())
    assert result.returncode == 1
    assert "not the demo's" in result.stderr
    assert sorted(path.name for path in tiny.sources.iterdir()) == ["parks", "weather"]


@pytest.mark.soak
def test_the_demo_ends_with_zero_says_where_to_look_and_who_one_is(tmp_path: Path) -> None:
    places = {"CITYLAKE_STATE": str(tmp_path / "state"), "CITYLAKE_THREADS": "2"}
    result = citylake("demo", "--scale", "0.02", **places)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert (tmp_path / "state" / "site" / "current" / "index.html").as_uri() in result.stdout
    assert "Stopped, and why" in result.stdout
    assert "Published" in result.stdout
    (lost,) = json.loads(citylake("release", "list", "transport.lost_items.main", "--json", **places).stdout)["releases"][-1:]
    assert re.search(rf"transport\.lost_items\.main +{lost['release']} +{lost['rows']} ", result.stdout)       # as its erasure left it
    assert [line for line in result.stdout.split("\n\n", 1)[1].splitlines() if width(line) > 80 and "/" not in line] == []
    mapped = (tmp_path / "state" / "people.local.yaml").read_text(encoding="utf-8").splitlines()[-1]
    assert mapped.startswith(f'"{os_user()}": ')
    key = re.search(r"citylake hold show (\w+)", result.stdout.split("Try next", 1)[1])      # the scenes before it are others' to decide too
    assert key
    shown = citylake("hold", "show", key[1], **places).stdout
    assert mapped.split(": ")[1] in shown      # the hold that is proposed is one's own to decide
    again = json.loads(citylake("demo", "--scale", "0.02", "--json", **places).stdout)
    assert {item["outcome"] for item in again["datasets"]} <= {"unchanged", "held"}
    second = citylake("demo", "--scale", "0.02", "--day", "2", **places)
    assert second.returncode == 0
    assert "now acts as" not in second.stdout
    assert citylake("audit", "verify", **places).returncode == 0


@pytest.mark.slow
def test_two_runs_at_once_end_well(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    tiny.declare(contract("parks.benches"))
    tiny.drop("trees1.csv", GOOD)
    tiny.drop("benches1.csv", GOOD)
    both = [subprocess.Popen([sys.executable, "-c", "from console.main import main; main()", "run", "--json"], cwd=ROOT, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **tiny.environment()}) for _ in range(2)]
    outputs = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], [out for out, _ in outputs if '"failed": []' not in out] or outputs
    rows = [sum(item["rows"] for item in json.loads(out)["datasets"]) for out, _ in outputs]
    assert sum(rows) == 6      # each batch came in once, through one of the two
    assert citylake("audit", "verify", **tiny.environment()).returncode == 0
