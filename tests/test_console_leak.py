"""No command prints a person's value: the city of a thousand canaries, and everything that people ask of it, in words and as JSON.

Only `hold show --names` tells names that nobody declared, and only to those who may know them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from canaries import Canary, Hunt
from planting import Planting
from test_pipelines_leak import planted
from typer.testing import CliRunner

from console.main import build
from console.words import speak
from pipelines.way import os_user

Say = Callable[..., bytes]
PUBLISHED, STOPPED = ("people",), ("misdeclared", "visits", "headers", "secret")
COMMANDS = ("status", "inbox", "quarantine list", "exposure", "release list", "plan", "audit verify", "check", "run", "retain")


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planting]:
    with pytest.MonkeyPatch.context() as patch:
        plant = planted(tmp_path_factory.mktemp("city"))
        plant.city.user = os_user()
        for name, value in plant.city.environment().items():
            patch.setenv(name, value)
        plant.city.become("steward_p")
        plant.city.run()
        yield plant


@pytest.fixture
def say(plant: Planting) -> Iterator[Say]:
    """What a command prints, to a terminal of nobody; 0 done, 1 wrong, 2 usage, 3 held and 4 refused are answers, a traceback is none."""
    def call(*arguments: str, code: tuple[int, ...] = (0, 1, 3, 4)) -> bytes:
        speak("en")
        result = CliRunner().invoke(build(), list(arguments))
        assert result.exit_code in code, (arguments[0], result.exit_code)
        assert result.exception is None or isinstance(result.exception, SystemExit), (arguments, type(result.exception))
        assert result.output
        return result.output.encode() + repr(result.exception).encode()

    yield call
    plant.city.become("steward_p")


def silent(plant: Planting, said: bytes) -> None:
    assert Hunt(plant.nest.laid).told([("said", said)]) == {}


def holds(plant: Planting) -> list[str]:
    journal = plant.city.way().journal
    return [hold.id for name in STOPPED for hold in journal.state(f"parks.{name}").holds.values()]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_about_the_city_prints_no_value(plant: Planting, say: Say, command: str) -> None:
    silent(plant, say(*command.split()))
    if command in ("status", "inbox", "exposure", "audit verify"):
        silent(plant, say(*command.split(), "--json"))


@pytest.mark.parametrize("name", PUBLISHED + STOPPED)
def test_a_command_about_a_dataset_prints_no_value(plant: Planting, say: Say, name: str) -> None:
    dataset = f"parks.{name}"
    said = b""
    for command in ("status", "exposure", "audit show", "lineage", "screen"):
        said += say(*command.split(), dataset) + say(*command.split(), dataset, "--json", code=(0, 1, 2, 3, 4))
    for product in plant.city.way().journal.state(dataset).releases:
        for command in ("release show", "release verify", "lineage"):
            said += say(*command.split(), f"{dataset}.{product}")
    silent(plant, said)


def test_the_look_of_every_hold_prints_no_value(plant: Planting, say: Say) -> None:
    found = holds(plant)
    assert len(found) == 3
    for one in found:
        silent(plant, say("hold", "show", one) + say("hold", "show", one, "--json"))


def test_names_are_told_only_to_who_may_know_them_and_only_of_that_batch(plant: Planting, say: Say) -> None:
    for one in holds(plant):
        secret = plant.city.way().journal.state(one.split("/")[0]).holds[one].role == "secrecy_officer"
        for person in ("steward_p", "auditor"):
            plant.city.become(person)
            told = Hunt(plant.nest.laid).in_bytes(say("hold", "show", one, "--names"))
            assert {(canary.fate, canary.place) for canary in told} <= {("held", "header"), ("held", "file name")}
            assert bool(told) == (person == "steward_p" and one.startswith("parks.headers/"))
            assert not (told and secret)


def test_names_of_a_secret_are_told_to_the_secrecy_officer_alone(plant: Planting, say: Say) -> None:
    (one,) = [hold for hold in holds(plant) if hold.startswith("parks.secret/")]
    name = Hunt([Canary("name", "held", "file name", "secret1.csv")])
    for person, knows in (("secrecy", True), ("steward_p", False), ("bureau", False)):
        plant.city.become(person)
        assert bool(name.in_bytes(say("hold", "show", one, "--names"))) == knows, person


def test_screening_any_file_prints_no_value(plant: Planting, say: Say) -> None:
    files = list({path.suffix: path for path in sorted(plant.folder.iterdir()) if path.is_file()}.values())      # one of each kind
    assert len(files) >= 7
    for path in files:
        said = say("screen", str(path), "--json")
        named = Hunt(plant.nest.of("named", "refused", "held")).in_bytes(path.name.encode())       # whoever asks has said the path
        assert Hunt([one for one in plant.nest.laid if one not in named]).told([("said", said)]) == {}, path.suffix


def test_what_is_not_there_is_refused_without_a_value(plant: Planting, say: Say) -> None:
    for arguments in (("hold", "show", "parks.people/ingest/b999999"), ("release", "show", "parks.people.none"), ("quarantine", "show", "parks.none"),
                      ("lineage", "parks.people.main", "--release", "1", "--row", "1"), ("quarantine", "show", "parks.people"),
                      ("quarantine", "resubmit", "parks.calls", str(plant.folder / "notes1.jsonl"))):
        said = say(*arguments, code=(0, 1, 2, 3, 4))
        if arguments[:2] != ("quarantine", "show"):
            silent(plant, said)
    silent(plant, json.dumps(plant.city.way().journal.state("parks.calls").last.get("ingest/", {}), default=str).encode())
