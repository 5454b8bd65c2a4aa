"""`citylake portal setup`, `plan`, `apply`, `accept` and `release rollback` as programs of their own against a real CKAN: exit codes,
JSON documents, Chinese, and that no output holds a secret or a value.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from portals import NAME, act, ckan_of
from stacking import CHECKOUT, PortalStack
from tiny import CITY, GOOD, Tiny, column, contract

from catalog.ckan import table_id
from pipelines.portals.ckan.setup import PUBLISHER
from pipelines.way import os_user

pytestmark = [pytest.mark.portal, pytest.mark.usefixtures("umask")]
TREES, RAIN = "parks.told_trees", "weather.told_rain"
VALUES = ["已修剪", "待移植", "雨量站甲"]


class Desk:
    """A person's terminal: runs commands, keeps everything that was said."""

    def __init__(self, city: Tiny, stack: PortalStack) -> None:
        self.city, self.stack, self.said = city, stack, ""

    def __call__(self, *words: str, code: int = 0) -> str:
        """Both outputs of a command, which must end with this code and without a traceback."""
        argv = [sys.executable, "-c", "from console.main import main; main()", *words]
        ran = subprocess.run(argv, env={**self.city.environment(), "PYTHONPATH": str(CHECKOUT), "COLUMNS": "80"}, cwd=self.city.root,
                             capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL)
        self.said += ran.stdout + ran.stderr
        assert ran.returncode == code, (words, ran.returncode, ran.stdout, ran.stderr)
        assert "Traceback" not in ran.stdout + ran.stderr
        return ran.stdout if "--json" in words and not code else ran.stdout + ran.stderr

    def json(self, *words: str, code: int = 0) -> Any:
        """The one JSON document of a command."""
        text = self(*words, "--json", code=code)
        return json.loads(text[:text.rindex("}") + 1])

    @property
    def token(self) -> Path:
        return self.city.settings.secrets / f"{NAME}.token"

    def package(self, identity: str) -> dict[str, Any]:
        return dict(ckan_of(self.city).look(identity) or {})


@pytest.fixture
def desk(tmp_path: Path, portal_stack: PortalStack) -> Iterator[Desk]:
    """A city with two released datasets, whose CKAN was set up through the console."""
    city = Tiny(tmp_path)
    city.user = os_user()
    city.become("bureau")
    city.write("city.yaml", f"{CITY}  {NAME}: {{kind: ckan, options: {{url: '{portal_stack.url}'}}}}\n")
    (city.city / "datasets/parks/trees.odcs.yaml").unlink()
    city.declare(contract(TREES))
    city.declare(contract(RAIN, [column("id", "text", "编号", key=1, required=True), column("amount", "bigint", "雨量")]))
    city.drop("told_trees1.csv", GOOD)
    city.drop("told_rain1.csv", f"编号,雨量\n{VALUES[2]},3\n", "weather")
    city.run()
    desk = Desk(city, portal_stack)
    file = tmp_path / "sysadmin.token"
    file.write_text(portal_stack.token + "\n")
    _known(desk)
    desk("portal", "setup", NAME, "--token-file", str(file))
    (portal_stack.root / "publisher.token").write_text(desk.token.read_text())
    yield desk
    secrets = [portal_stack.token.encode(), *(path.read_bytes().strip() for path in city.settings.secrets.iterdir())]
    assert [word for word in [*secrets, *(value.encode() for value in VALUES)] if word in desk.said.encode()] == []
    for identity in (f"{TREES}.main", f"{RAIN}.main"):
        if package := desk.package(identity):
            portal_stack.call("dataset_purge", {"id": package["id"]})
    ckan_of(city).purge()


def _known(desk: Desk) -> None:
    """The account's token is one for all tests of a stack: a new one would end the others'."""
    known = desk.stack.root / "publisher.token"
    if known.exists():
        desk.token.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        desk.token.write_text(known.read_text())


def test_a_bureau_plans_applies_accepts_and_rolls_back(desk: Desk, portal_stack: PortalStack) -> None:
    plan = str(desk.city.root / "plan.json")
    assert desk.token.stat().st_mode & 0o777 == 0o600
    found = desk.json("plan", "--portal", NAME, "-o", plan)
    assert found == json.loads(Path(plan).read_text())
    assert [(action["kind"], action["id"]) for action in found["plans"][0]["actions"]] == [("create", f"{TREES}.main"), ("create", f"{RAIN}.main")]
    chinese = desk("--lang", "zh", "plan", TREES, "--portal", NAME, "-o", plan)
    assert f"新建      {TREES}.main" in chinese
    assert "`citylake apply" in chinese
    assert RAIN not in chinese
    assert "完成" in desk("--lang", "zh", "apply", plan)
    assert desk.package(f"{RAIN}.main") == {}                    # the plan did not name it
    desk("plan", "--portal", NAME, "-o", plan)
    assert [item["outcome"] for item in desk.json("apply", plan)["actions"]] == ["done"]
    assert [item["outcome"] for item in desk.json("apply", plan)["actions"]] == ["unchanged"]
    assert "nothing to apply" in desk("plan", "--portal", NAME)

    package = desk.package(f"{TREES}.main")
    portal_stack.call("package_patch", {"id": package["id"], "title": "手改的题目"})
    assert "手工" in desk("plan", TREES, "--portal", NAME, "--lang", "zh")
    assert desk.json("plan", TREES, "--portal", NAME)["plans"][0]["actions"][0]["kind"] == "mend"
    accepted = desk.json("accept", TREES, "--portal", NAME, "--reason", "A better title")
    assert accepted == {"product": f"{TREES}.main", "portal": NAME, "fields": ["title"]}
    assert "nothing to apply" in desk("plan", "--portal", NAME)

    desk.city.drop("told_trees2.csv", GOOD.replace("T1", "T8"))
    desk.city.run()
    desk("plan", TREES, "--portal", NAME, "-o", plan)
    desk("apply", plan)
    assert desk.package(f"{TREES}.main")["release"] == "r2"
    desk("release", "rollback", TREES, "--to", "r1", "--reason", "A wrong list")
    assert desk.package(f"{TREES}.main")["release"] == "r1"
    assert sorted(row["id"] for row in act(portal_stack, "datastore_search", resource_id=table_id(f"{TREES}.main"))["records"]) == ["T1", "T2", "T3"]
    assert {item["release"]: item["standing"] for item in desk.json("release", "list", TREES)["releases"]} == {"r1": "in force", "r2": "taken back"}
    desk("audit", "verify")


def test_what_is_not_sound_is_refused_in_one_line(desk: Desk, portal_stack: PortalStack) -> None:
    plan = desk.city.root / "plan.json"
    desk("plan", "--portal", NAME, "-o", str(plan))
    sound = json.loads(plan.read_text())
    (one,) = sound["plans"]
    first, *others = one["actions"]
    plan.write_text(json.dumps({**sound, "plans": [{**one, "actions": [{**first, "kind": "update"}, *others]}]}))
    assert "plan.json: The plan was changed after it was made." in desk("apply", str(plan), code=1)
    plan.write_text('{"citylake_plan": 2}')
    assert "plan.json: 该文件不是计划。" in desk("apply", str(plan), "--lang", "zh", code=1)
    plan.write_text(json.dumps(sound))
    good = desk.token.read_text()
    desk.token.write_text("eyJhbGciOiJIUzI1NiJ9.bm9uZQ.wrong")
    assert "The portal does not know the publisher's token. Run `citylake portal setup`." in desk("apply", str(plan), code=1)
    assert "门户不认识发布账户的令牌。" in desk("plan", "--portal", NAME, "--lang", "zh", code=1)
    desk.token.unlink()
    assert f"There is no token for the portal {NAME}." in desk("plan", "--portal", NAME, code=1)
    desk.token.write_text(good)
    other = desk.city.root / "other.token"
    other.write_text(good)
    assert "The token is no sysadmin's." in desk("portal", "setup", NAME, "--token-file", str(other), code=1)
    assert desk.package(f"{TREES}.main") == {}                   # nothing of this was applied
    desk.city.become("auditor")
    assert {item["outcome"] for item in desk.json("apply", str(plan), code=1)["actions"]} == {"refused"}
    assert desk.package(f"{TREES}.main") == {}
    desk.city.become("bureau")


def test_a_department_that_shuts_the_publisher_out_fails_alone(desk: Desk, portal_stack: PortalStack) -> None:
    plan = str(desk.city.root / "plan.json")
    desk("plan", "--portal", NAME, "-o", plan)
    portal_stack.call("organization_member_delete", {"id": "weather", "username": PUBLISHER})
    found = {item["dataset"]: (item["outcome"], item["note"]) for item in desk.json("apply", plan, code=1)["actions"]}
    assert found[TREES][0] == "done"
    assert found[RAIN][0] == "failed"
    assert "does not let the publisher's account do this. Run `citylake portal setup`." in found[RAIN][1]
    assert "门户不允许发布账户做这件事。" in desk("--lang", "zh", "apply", plan, code=1)
    assert desk.package(f"{RAIN}.main") == {}
    file = desk.city.root / "sysadmin.token"
    desk("portal", "setup", "--token-file", str(file))
    assert [item["outcome"] for item in desk.json("apply", plan)["actions"]] == ["unchanged", "done"]
